import DeviceModel
import Fieldbus
import Glibc
import Logging
import Sampling

/// What a person must do something about stands in the log as well: of one device and kind no more than a line in a
/// while, which says how many it stands for.
struct LineLog {
    /// Lines of one kind about one device are at least so far apart, once the first few are said. Unit: ns.
    static let every: Int64 = 60_000_000_000
    /// Lines said at once before that.
    static let burst = 5

    private struct Key: Hashable {
        let device: String
        let event: EventCode
    }

    private struct Account {
        var left = LineLog.burst
        var refilled: Int64
        var untold: Int64 = 0
    }

    let logger: Logger
    private var accounts: [Key: Account] = [:]

    init(logger: Logger) { self.logger = logger }

    /// - Parameters:
    ///   - record: an event of one of the line's devices.
    ///   - now: the monotonic clock. Unit: ns.
    mutating func tell(_ record: SampleRecord, of worker: LineWorker, at now: Int64) {
        let device = worker.devices[Int(record.index)]
        guard let (level, text) = Self.words(record, worker.address) else { return }
        let key = Key(device: device, event: record.event)
        var account = accounts[key] ?? Account(refilled: now)
        let more = max(0, now - account.refilled) / Self.every
        account.refilled += more * Self.every
        account.left = min(Self.burst, account.left + Int(min(more, Int64(Self.burst))))
        defer { accounts[key] = account }
        account.untold += 1 + Int64(record.repeats)
        guard account.left > 0 else { return }
        account.left -= 1
        var metadata: Logger.Metadata = ["device": "\(device)", "line": "\(worker.address)"]
        if account.untold > 1 { metadata["times"] = "\(account.untold)" }
        account.untold = 0
        logger.log(level: level, "\(text)", metadata: metadata)
    }

    private static func words(_ record: SampleRecord, _ line: LineAddress) -> (Logger.Level, String)? {
        switch record.event {
        case .deviceConnected: return (.info, "the device answers")
        case .deviceDisconnected:
            let code = Int32(truncatingIfNeeded: record.bits)
            let path = line.description
            let error: FieldbusError =
                code == EBUSY
                ? .portHeld(path: path)
                : code == ENOENT || code == EACCES ? .cannotOpen(path: path, errno: code) : .disconnected(errno: code)
            return (.warning, error.description)
        case .deviceSilent: return (.warning, "the device does not answer: \(record.textValue)")
        case .wrongDevice:
            return (.error, "this is not the device that is expected here: its values are withheld")
        case .conflictingReplies:
            return (.error, "two different answers came to one request: are two devices set to one address?")
        case .busContention: return (.warning, "somebody else talks on this line, or it is disturbed")
        case .samplesExceeded:
            return (.warning, "the device sends several times more than its profile describes: the rest is left out")
        case .requestBarred:
            return (.error, "this device's profile would send a command as a request: it is not sent")
        case .none, .deviceIdentified, .deadlinesMissed, .deviceStale, .vmdConnected, .vmdDisconnected, .lateReply,
            .duplicateReply, .unsolicitedFrame,
            .mismatchedReply, .lineEcho, .lineEchoLost, .registersRefused, .registersRestored, .heldInput:
            return nil
        }
    }
}

extension EventCode {
    /// Whether something was not sampled.
    var isGap: Bool {
        switch self {
        case .deviceStale, .deviceSilent, .deviceDisconnected: true
        case .none, .deviceConnected, .deviceIdentified, .wrongDevice, .deadlinesMissed, .vmdConnected,
            .vmdDisconnected, .lateReply, .duplicateReply,
            .unsolicitedFrame, .mismatchedReply, .conflictingReplies, .lineEcho, .lineEchoLost, .busContention,
            .registersRefused, .registersRestored,
            .heldInput, .samplesExceeded, .requestBarred:
            false
        }
    }
}
