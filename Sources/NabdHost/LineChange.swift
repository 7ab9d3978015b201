import SampleJournal
import DeviceModel
import Sampling

/// What changes in the lines that the recorder drains, while it runs.
struct LineChange: Sendable {
    /// Lines that are drained from now on. Their threads do not run yet: the journal knows their streams first.
    var added: [LineWorker] = []
    /// Lines that are drained a last time. Their threads have ended.
    var removed: [LineWorker] = []
    /// What the journal is told of it.
    var events: [UnitEvent] = []
    /// The unit as it is from now on, where its beds or its far clinicians change with it.
    var unit: UnitConfiguration?
    /// The host's alerts that begin or end with it.
    var alerts: [(alert: AlertKind, device: String?, holds: Bool)] = []
}

extension RecorderLoop {
    /// Carries out what changes; each change whole or not at all.
    func changeLines() {
        for asked in changes.take() {
            do {
                try carryOut(asked.question)
                asked.answer(.success(()))
            } catch {
                asked.answer(.failure(.refused(reason: "\(error)")))
            }
        }
    }

    private func carryOut(_ change: LineChange) throws {
        let streams = try change.added.map { try writer.register($0.streams) }
        for (worker, streams) in zip(change.added, streams) { add(worker, streams: streams) }
        if !change.removed.isEmpty {
            // Their threads have ended: this is all there is, and all that was lost or counted.
            drain()
            tellLosses()
            tellStatistics()
        }
        for worker in change.removed { remove(worker) }
        add(change.events)
        if let unit = change.unit {
            beds?.change(unit)
            consultations?.change(unit)
        }
        for (alert, device, holds) in change.alerts { hold(alert, device: device, holds) }
    }
}
