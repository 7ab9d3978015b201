import DeviceModel
import RealTime
import SampleJournal

/// The commands' part in the recorder's rounds.
extension RecorderLoop {
    /// Lines, people and time bring commands on; what they come to is written at once.
    func turnCommands() {
        guard let commands else { return }
        let start = clock.now()
        defer { tellSlowness(since: start) }
        let quality = judgeClock()
        commands.turn(
            now: start, utc: quality == .unknown ? nil : start + clockWatch.offset, file: writer.eventFile
        ) { [self] batch in
            guard events.isBegun else { throw NoteError.refused(reason: "the session's beginning is not written yet") }
            return try recordAtOnce(batch, at: start, quality)
        }
        for (alert, device, holds) in commands.alarms { hold(alert, device: device, holds) }
    }

    /// Makes durable what somebody was answered for, now or not at all. Returns the last event's number.
    func recordAtOnce(_ batch: [UnitEvent], at start: Int64, _ quality: ClockQuality) throws -> Int64 {
        do {
            let last = try writer.record(
                batch.map(JournalWriter.Event.init), now: start, utcOffset: clockWatch.offset, quality: quality)
            totals.events += Int64(batch.count)
            return last
        } catch {
            complain(error)
            throw error
        }
    }
}
