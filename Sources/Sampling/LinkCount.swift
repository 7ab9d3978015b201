import DeviceModel
import Fieldbus

/// What is counted of each device's exchanges, in the journal, the summary and the metrics.
public enum LinkCount: Int, CaseIterable, Sendable {
    /// Requests sent.
    case requests
    /// Requests answered with values.
    case replies
    /// Requests given up without a whole answer.
    case timeouts
    /// Whole answers to requests that had been given up.
    case late
    /// Copies of answers already taken.
    case duplicate
    /// Whole frames that answer nothing that was asked.
    case unsolicited
    /// Whole frames of another unit, function or length while an answer was awaited.
    case mismatched
    /// Frames with a wrong checksum.
    case checksum
    /// Requests that the device refused.
    case exceptions
    /// Times that bytes had to be skipped to find a frame.
    case resyncs
    /// Answers that contradicted the one taken.
    case conflicts

    public var name: String { String(describing: self) }

    init?(_ sighting: LinkSighting.Kind) {
        switch sighting {
        case .late: self = .late
        case .duplicate: self = .duplicate
        case .conflicting: self = .conflicts
        case .unsolicited, .foreignRequest: self = .unsolicited
        case .mismatched: self = .mismatched
        case .damaged: self = .checksum
        case .resync: self = .resyncs
        case .echo, .echoLost: return nil
        }
    }
}

extension LinkSighting.Kind {
    /// The event by which the journal tells of it; `nil` for what is counted only.
    var event: EventCode? {
        switch self {
        case .late: .lateReply
        case .duplicate: .duplicateReply
        case .conflicting: .conflictingReplies
        case .unsolicited, .foreignRequest: .unsolicitedFrame
        case .mismatched: .mismatchedReply
        case .echo: .lineEcho
        case .echoLost: .lineEchoLost
        case .damaged, .resync: nil
        }
    }

    /// Whether it is what two masters, or two devices at one address, do to a line.
    var isContention: Bool { [.damaged, .conflicting, .unsolicited, .foreignRequest].contains(self) }
}
