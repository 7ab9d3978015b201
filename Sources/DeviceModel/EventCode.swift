/// What a line's thread reports besides samples. Raw values never leave the process; the journal stores the names.
@usableFromInline package enum EventCode: UInt8, Sendable, BitwiseCopyable, CaseIterable {
    case none
    /// The line is open and the device answered, or its stream is in step.
    case deviceConnected
    /// The line could not be opened, or was lost. Figure: errno.
    case deviceDisconnected
    /// The device stopped answering. Figure: requests unanswered in a row. Text: what came instead.
    case deviceSilent
    /// The device's own serial number matches the one expected. Text: the number.
    case deviceIdentified
    /// The device's own serial number is not the one expected: its values are withheld. Text: the number found.
    case wrongDevice
    /// The line's thread woke so late that whole periods were skipped. Figure: periods.
    case deadlinesMissed
    /// No fresh sample within three periods. Text: the first metric of what is missing.
    case deviceStale
    /// A rack reports a slot that it did not report before. Text: the slot.
    case vmdConnected
    /// A rack no longer reports a slot. Text: the slot.
    case vmdDisconnected
    /// Answers to requests that had been given up; never taken for values. Figure: how many since last told, as of all
    /// that follow.
    case lateReply
    /// Second copies of answers already taken.
    case duplicateReply
    /// Whole frames that answer nothing that was asked.
    case unsolicitedFrame
    /// Whole frames of another unit, function or length while an answer was awaited.
    case mismatchedReply
    /// Two different answers to one request: the device's values are withheld for a while.
    case conflictingReplies
    /// Our own bytes come back: an RS-485 adapter that echoes. They are taken off.
    case lineEcho
    /// An echo that had been there is missing.
    case lineEchoLost
    /// Frames that are damaged or unexplained, one after another: somebody else talks on the line.
    case busContention
    /// The device does not have these registers; they are left out until the line is opened anew. Text: space and first
    /// register.
    case registersRefused
    /// Registers that were refused are answered again. Text: space and first register.
    case registersRestored
    /// What lay in a buffer while nobody read: its values are not now, and are left out. Figure: how old they may be.
    /// Unit: ms.
    case heldInput
    /// Samples beyond what the device is described to bring, several times over, are left out. Figure: how many.
    case samplesExceeded
    /// A request or an answer was not said, because a command would have been. Figure: how many.
    case requestBarred
}

extension EventCode {
    /// The event it is in the journal; `nil` for none.
    package var kind: EventKind? {
        switch self {
        case .none: nil
        case .deviceConnected: .deviceConnected
        case .deviceDisconnected: .deviceDisconnected
        case .deviceSilent: .deviceSilent
        case .deviceIdentified: .deviceIdentified
        case .wrongDevice: .wrongDevice
        case .deadlinesMissed: .deadlinesMissed
        case .deviceStale: .deviceStale
        case .vmdConnected: .vmdConnected
        case .vmdDisconnected: .vmdDisconnected
        case .lateReply: .lateReply
        case .duplicateReply: .duplicateReply
        case .unsolicitedFrame: .unsolicitedFrame
        case .mismatchedReply: .mismatchedReply
        case .conflictingReplies: .conflictingReplies
        case .lineEcho: .lineEcho
        case .lineEchoLost: .lineEchoLost
        case .busContention: .busContention
        case .registersRefused: .registersRefused
        case .registersRestored: .registersRestored
        case .heldInput: .heldInput
        case .samplesExceeded: .samplesExceeded
        case .requestBarred: .requestBarred
        }
    }

    /// Whether its figure counts what happened since it was last told, so that figures of several add up.
    package var figureCounts: Bool {
        switch self {
        case .deadlinesMissed, .lateReply, .duplicateReply, .unsolicitedFrame, .mismatchedReply, .conflictingReplies,
            .lineEcho, .lineEchoLost, .busContention, .samplesExceeded,
            .requestBarred:
            true
        case .none, .deviceConnected, .deviceDisconnected, .deviceSilent, .deviceIdentified, .wrongDevice,
            .deviceStale, .vmdConnected, .vmdDisconnected, .registersRefused, .registersRestored, .heldInput:
            false
        }
    }

    /// The name in the journal.
    package var name: String { kind?.name ?? "none" }
}
