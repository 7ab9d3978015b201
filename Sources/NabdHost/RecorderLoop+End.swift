import DeviceModel
import Logging
import RealTime
import SampleJournal

/// The recorder's last round.
extension RecorderLoop {
    /// Whoever waits is answered, what waits is written, and the session ends.
    func end() {
        notes.close()
        changes.close()
        commands?.beginClosing()
        turnCommands()
        commands?.close()
        desk?.alarms.close()
        beds?.close()
        consultations?.close()
        drain()
        tellOfPumpsThatStop()
        tellIncidents()
        tellLosses()
        tellStatistics()
        writer.tryAtOnce()
        while !events.waiting.isEmpty, writeEvents() {}
        summariseAlarms()
        finish()
    }

    private func finish() {
        let now = clock.now()
        // What still stands goes on in the next session.
        let isSettled = alerts.isWhole && alerts.standing.isEmpty && events.waiting.isEmpty
        let stopped = UnitEvent.hostStopped(alertsEnded: isSettled ? 0 : nil, at: now)
        var isWhole = true
        // Each by itself: a fault of one file must not cost what the other still takes.
        do {
            try writer.record(
                [JournalWriter.Event(stopped)], now: now, utcOffset: clockWatch.offset, quality: judgeClock())
            totals.events += 1
        } catch {
            isWhole = false
            complain(error)
        }
        do {
            try writer.finish(now: now, utc: now + clockWatch.offset, quality: judgeClock())
        } catch {
            isWhole = false
            complain(error)
        }
        if isWhole, condition.recover(hasAllEvents: events.waiting.isEmpty) { totals.problem = nil }
        guard writer.unwrittenSamples > 0 || !events.waiting.isEmpty else { return }
        logger.critical(
            "what was held in memory is lost with this stop: the disk did not take it",
            metadata: [
                "samples": "\(writer.unwrittenSamples)", "events": "\(events.waiting.count)",
                "reason": "\(totals.problem ?? "")",
            ])
    }
}
