import DeviceModel

/// What is counted of each device's exchanges, in the journal, the summary and the metrics.
package enum LinkCount: Int, CaseIterable, Sendable {
    case requests
    case detours
    case replies
    case timeouts
    case late
    case duplicate
    case unsolicited
    case mismatched
    case checksum
    case exceptions
    case resyncs
    case conflicts
    case coalesced
    case exceeded
    case instructions
    case barred
    case frames

    /// How many kinds there are; kept, because to ask for all cases allocates.
    static let caseCount = allCases.count

    package var name: String { String(describing: self) }

    /// In a few words, for people.
    package var help: String {
        switch self {
        case .requests: "Requests for values."
        case .detours: "Requests of another shape than planned, so that no late answer is taken for theirs."
        case .replies: "Requests answered with values."
        case .timeouts: "Requests given up without a whole answer."
        case .late: "Whole answers to requests that had been given up."
        case .duplicate: "Copies of answers already taken."
        case .unsolicited: "Whole frames that answer nothing that was asked."
        case .mismatched: "Whole frames of another unit, function or length while an answer was awaited."
        case .checksum: "Frames with a wrong checksum."
        case .exceptions: "Requests that the device refused."
        case .resyncs: "Times that bytes had to be skipped to find a frame."
        case .conflicts: "Answers that contradicted the one taken."
        case .coalesced: "Events and changes of alerts that were told together with another, beyond the budget."
        case .instructions: "Requests said that do more than read, and may be repeated (class idempotent)."
        case .barred: "Requests and answers not said, because a command would have been."
        case .frames: "Whole frames heard from a serial device, asked for or not."
        case .exceeded: "Samples left out because the device sent more than its budget."
        }
    }

    init?(_ sighting: LinkSighting.Kind) {
        switch sighting {
        case .late: self = .late
        case .detour: self = .detours
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
        case .damaged, .resync, .detour: nil
        }
    }

    /// Whether it is what two masters, or two devices at one address, do to a line.
    var isContention: Bool { [.damaged, .conflicting, .unsolicited, .foreignRequest].contains(self) }
}
