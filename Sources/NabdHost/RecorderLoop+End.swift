import DeviceModel
import Logging
import RealTime
import SampleJournal

/// The recorder's last round.
extension RecorderLoop {
    /// Whoever waits is answered, what waits is written, and the session ends: alerts first, then the host.
    func end() {
        notes.close()
        changes.close()
        commands?.beginClosing()
        turnCommands()
        commands?.close()
        drain()
        tellIncidents()
        tellLosses()
        tellStatistics()
        let ends = alerts.endAll(at: clock.now())
        events.add(ends)
        writer.tryAtOnce()
        while !events.waiting.isEmpty, writeEvents() {}
        finish(alertsEnded: ends.count)
    }

    /// - Parameter alertsEnded: how many alerts were ended just before.
    private func finish(alertsEnded: Int) {
        let now = clock.now()
        let isSettled = alerts.isWhole && events.waiting.isEmpty
        let stopped = UnitEvent.hostStopped(alertsEnded: isSettled ? alertsEnded : nil, at: now)
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
