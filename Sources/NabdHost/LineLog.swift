import DeviceModel
import Fieldbus
import Glibc
import Logging
import Sampling

/// How many lines of one kind about one device the log gets: a few at once, then one in a while, which says how many it
/// stands for.
struct LogAccount {
    /// Lines are at least so far apart, once the first few are said. Unit: ns.
    static let every: Int64 = 60_000_000_000
    /// Lines said at once before that.
    static let burst = 5

    private var left = LogAccount.burst
    private var refilled: Int64
    private var untold: Int64 = 0

    init(from now: Int64) { refilled = now }

    /// Something happened so many times. Returns how many a line that is said now stands for; `nil` when none is due.
    mutating func take(_ times: Int64, at now: Int64) -> Int64? {
        let more = max(0, now - refilled) / Self.every
        refilled += more * Self.every
        left = min(Self.burst, left + Int(min(more, Int64(Self.burst))))
        untold += times
        guard left > 0 else { return nil }
        left -= 1
        defer { untold = 0 }
        return untold
    }
}

/// The host's own alerts that begin and end, as the log has them. Those that a device raises are not in it: they may
/// tell of a patient.
struct AlertLog {
    private struct Key: Hashable {
        let condition: String
        let begins: Bool
    }

    let logger: Logger
    private var accounts: [Key: LogAccount] = [:]

    init(logger: Logger) { self.logger = logger }

    /// - Parameter times: changes before this one that are not told each.
    mutating func tell(_ alert: AlertRecord, begins: Bool, times: UInt32, at now: Int64) {
        // That nothing is stored, and that it is again, the recorder says with the reason.
        guard let kind = AlertKind(rawValue: alert.name), kind != .journalFailing else { return }
        let key = Key(condition: alert.condition, begins: begins)
        guard let count = accounts[key, default: LogAccount(from: now)].take(1 + Int64(times), at: now) else { return }
        let (priority, text) = (kind.descriptor.priority, kind.descriptor.text)
        var metadata: Logger.Metadata = ["alert": "\(alert.name)", "priority": "\(priority.rawValue)"]
        if let device = alert.device { metadata["device"] = "\(device)" }
        if count > 1 { metadata["times"] = "\(count)" }
        if begins {
            logger.log(level: priority == .low ? .warning : .error, "alert: \(text)", metadata: metadata)
        } else {
            logger.notice("no longer: \(text)", metadata: metadata)
        }
    }
}

/// What a person must do something about stands in the log as well.
struct LineLog {
    private struct Key: Hashable {
        let device: String
        let event: EventCode
    }

    let logger: Logger
    private var accounts: [Key: LogAccount] = [:]

    init(logger: Logger) { self.logger = logger }

    /// - Parameters:
    ///   - record: an event of one of the line's devices.
    ///   - now: the monotonic clock. Unit: ns.
    mutating func tell(_ record: SampleRecord, of worker: LineWorker, at now: Int64) {
        let device = worker.devices[Int(record.index)]
        guard let (level, text) = Self.words(record, worker.address) else { return }
        let key = Key(device: device, event: record.event)
        guard let times = accounts[key, default: LogAccount(from: now)].take(1 + Int64(record.repeats), at: now) else {
            return
        }
        var metadata: Logger.Metadata = ["device": "\(device)", "line": "\(worker.address)"]
        if times > 1 { metadata["times"] = "\(times)" }
        logger.log(level: level, "\(text)", metadata: metadata)
    }

    /// Why a device's line is not there, by the event that says so.
    static func loss(_ record: SampleRecord, of line: LineAddress) -> FieldbusError {
        let code = Int32(truncatingIfNeeded: record.bits)
        let path = line.description
        return switch code {
        case EBUSY: .portHeld(path: path)
        case EDEADLK: .portShared(path: path)
        case ENOENT, EACCES: .cannotOpen(path: path, errno: code)
        default: .disconnected(errno: code)
        }
    }

    private static func words(_ record: SampleRecord, _ line: LineAddress) -> (Logger.Level, String)? {
        switch record.event {
        case .deviceConnected: return (.info, "the device answers")
        case .deviceDisconnected: return (.warning, loss(record, of: line).description)
        case .deviceSilent: return (.warning, "the device does not answer: \(record.textValue)")
        case .wrongDevice:
            return (.error, "this is not the device that is expected here: its values are withheld")
        case .conflictingReplies:
            return (.error, "two different answers came to one request: are two devices set to one address?")
        case .busContention: return (.warning, "somebody else talks on this line, or it is disturbed")
        case .samplesExceeded:
            return (.warning, "the device sends several times more than its profile describes: the rest is left out")
        case .heldInput:
            // Rounded to tenths without a formatter.
            let tenths = (record.bits + 50) / 100
            return (
                .warning,
                "what the device said in \(tenths / 10).\(tenths % 10) s lay unread (\(record.textValue)): it is left "
                    + "out, for it is not of now"
            )
        case .requestBarred:
            return (.error, "this device's profile would send a command as a request: it is not sent")
        case .none, .deviceIdentified, .deadlinesMissed, .deviceStale, .vmdConnected, .vmdDisconnected, .lateReply,
            .duplicateReply, .unsolicitedFrame,
            .mismatchedReply, .lineEcho, .lineEchoLost, .registersRefused, .registersRestored:
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
