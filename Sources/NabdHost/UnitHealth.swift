import Alarms
import DeviceModel
import Sampling

/// How the host is as a whole, by what its threads show: nothing here waits for a disk. It tells of devices, lines and
/// the host itself, never of a patient: an alert that a device raises is not in it.
struct UnitHealth: Sendable {
    enum State: String, Sendable {
        case ok
        /// It samples and records, and something is not as it should be.
        case degraded
        /// What is sampled is not being stored.
        case failing
    }

    let picture: RecordedPicture
    /// The journal could not be written; the last words about it.
    let journalProblem: String?
    /// Threads that stand.
    let standing: [String]
    /// Unit: ns of the monotonic clock.
    let now: Int64
    /// What of the unit's identity at the records service cannot be used, a sentence each.
    var identityFaults: [String] = []

    /// A recorder that has shown nothing for so long stores nothing either: its disk holds it. Unit: ns.
    private static let patience: Int64 = 10_000_000_000
    private var isHeld: Bool { picture.time > 0 && now - picture.time > Self.patience }

    var state: State {
        if journalProblem != nil || isHeld { return .failing }
        return reasons.isEmpty ? .ok : .degraded
    }

    /// What is not as it should be, a sentence each.
    var reasons: [String] {
        var reasons = journalProblem.map { ["the journal cannot be written: \($0)"] } ?? []
        if isHeld { reasons.append("nothing was stored for \((now - picture.time) / 1_000_000_000) s: the disk hangs") }
        reasons += standing.map { "the thread “\($0)” does not move" }
        var silent: Set<String> = []
        for line in picture.lines {
            for (device, link) in zip(line.worker.devices, line.links) {
                guard case .silent(let hint) = link else { continue }
                silent.insert(device)
                reasons.append("\(device): the device does not answer\(hint.isEmpty ? "" : ": \(hint)")")
            }
        }
        reasons += identityFaults.map { "the unit's identity: \($0)" }
        for alarm in picture.alerts {
            // What is over and waits for somebody to see it, and what nobody has seen since the start, is no fault now.
            guard let kind = AlertKind(rawValue: alarm.record.name), alarm.presence != .latched, !alarm.isUnconfirmed
            else { continue }
            // That a silent device has no current values goes without saying.
            if kind == .deviceStale, silent.contains(alarm.record.device ?? "") { continue }
            reasons.append("\(alarm.record.device ?? "the unit"): \(kind.descriptor.text)")
        }
        return reasons
    }

    /// What the status socket says at the word `health`: `ok`, or the state and its reasons, a line each.
    var text: String {
        state == .ok ? "ok\n" : "\(state.rawValue)\n" + reasons.map { "\($0)\n" }.joined()
    }

    /// One sentence, for the service manager.
    var sentence: String {
        let links = picture.lines.flatMap(\.links)
        let devices = "\(links.count { $0 == .answering }) of \(links.count) devices answer"
        let reasons = reasons
        guard let first = reasons.first else { return "\(devices); the journal is written" }
        return "\(devices); \(state.rawValue): \(first)\(reasons.count > 1 ? " (and \(reasons.count - 1) more)" : "")"
    }
}
