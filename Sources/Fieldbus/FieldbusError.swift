import Glibc

/// Why an exchange on a line failed. Transport, integrity and device failures are kept apart: each asks for something else.
public enum FieldbusError: Error, Sendable, Equatable {
    /// Transport: nothing, or not everything, came before the deadline.
    case timedOut
    /// Transport: the line is closed, unplugged or unreachable.
    case disconnected(errno: Int32)
    /// Transport: another process holds the port.
    case portHeld(path: String)
    /// Transport: the port cannot be opened.
    case cannotOpen(path: String, errno: Int32)
    /// Transport: the port refuses these line settings.
    case settingsRefused(path: String, settings: String)
    /// Integrity: the checksum did not match.
    case checksumMismatch
    /// Integrity: bytes came, but no whole frame.
    case incomplete
    /// Integrity: only frames came that do not belong to the request.
    case mismatchedReply
    /// Integrity: two different answers to one request.
    case conflictingReplies
    /// Integrity: nothing was sent, because the line is never silent: another master, or a device that babbles.
    case neverSilent
    /// Nothing was sent, because a late answer could still be mistaken for the next; the line rests until it cannot.
    case resting
    /// Device: the device answered with an exception. Source of the codes: MODBUS Application Protocol V1.1b3, section 7.
    case deviceException(code: UInt8)

    /// Whether the line must be opened anew.
    public var losesLine: Bool {
        switch self {
        case .disconnected, .portHeld, .cannotOpen, .settingsRefused: true
        default: false
        }
    }

    /// The system's error number, for the journal; 0 when there is none.
    public var errnoValue: Int32 {
        switch self {
        case .disconnected(let code), .cannotOpen(_, let code): code
        case .portHeld: EBUSY
        case .settingsRefused: EINVAL
        default: 0
        }
    }
}

extension FieldbusError: CustomStringConvertible {
    public var description: String {
        switch self {
        case .timedOut: "the device did not answer in time: check cable, address and line settings"
        case .disconnected(let code): "the line was lost (\(Self.words(code))): check the cable; it is opened again by itself"
        case .portHeld(let path): "\(path) is held by another process: stop that process (fuser \(path) names it)"
        case .cannotOpen(let path, ENOENT): "\(path) does not exist: is the adapter plugged in, and is this its name?"
        case .cannotOpen(let path, EACCES): "\(path) may not be opened: add the user to the group dialout"
        case .cannotOpen(let path, let code): "\(path) cannot be opened (\(Self.words(code)))"
        case .settingsRefused(let path, let settings): "\(path) does not accept the line settings \(settings)"
        case .checksumMismatch: "the reply's checksum is wrong: check the line's termination and settings"
        case .incomplete: "bytes came, but no whole frame: check baud rate, parity and wiring"
        case .mismatchedReply: "the reply does not belong to the request: does the device have this unit number?"
        case .conflictingReplies: "two different answers came to one request: are two devices set to one address?"
        case .neverSilent: "the line is never silent: is there another master on it, or a device that babbles?"
        case .resting: "a late answer could still come: the line rests until it cannot be mistaken"
        case .deviceException(let code): "the device answered with exception \(code)"
        }
    }

    private static func words(_ code: Int32) -> String { code == 0 ? "end of stream" : String(cString: strerror(code)) }
}
