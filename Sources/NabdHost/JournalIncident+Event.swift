import DeviceModel
import SampleJournal

extension JournalIncident {
    /// The event that tells of it, and the words for the log.
    func event(at time: Int64) -> (event: UnitEvent, words: String) {
        switch self {
        case .setAside(let file, let reason):
            (
                .journalSetAside(file: file, reason: reason, at: time),
                "a file of the journal cannot be opened; it was set aside as \(file), and a new one begun: \(reason)"
            )
        case .failed(let file, let reason):
            (
                .journalFileFailed(file: file, reason: reason, at: time),
                "\(file) could not be written or synced; it is left as it is, and a new one was begun: \(reason)"
            )
        case .gap(let part, let known, let found):
            (
                .journalGap(part: part, known: known, found: found, at: time),
                "the journal lacks \(part) that had been recorded (number \(found) of \(known)): it was deleted, or "
                    + "an older copy put in its place"
            )
        case .gone(let file):
            (
                .journalGap(file: file, at: time),
                "\(file) was taken away under the running host, with what was in it; a new one was begun"
            )
        case .pruned(let file, let bytes, let cause, let isDelivered):
            (
                .journalPruned(file: file, bytes: bytes, cause: cause, at: time),
                "\(file) went away by its \(cause): "
                    + (isDelivered ? "its content is delivered" : "no uplink was ever asked to deliver it")
            )
        case .shed(let file, let content, let samples, let bytes):
            (
                .samplesShed(file: file, content: content, samples: samples, bytes: bytes, at: time),
                "the journal is at its limit: \(samples) samples (\(content)) of \(file) that were not delivered are "
                    + "given up"
            )
        }
    }

    /// The alert it raises; `nil` for what is as it should be.
    var alert: AlertKind? {
        switch self {
        case .setAside, .gap, .gone: .journalIncomplete
        case .shed: .journalShedding
        case .failed, .pruned: nil
        }
    }

    /// Whether events of this very session are lost with it.
    var losesEvents: Bool {
        switch self {
        case .gone: true
        case .setAside, .failed, .gap, .pruned, .shed: false
        }
    }
}
