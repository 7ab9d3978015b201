/// What one slot of a line's ring carries from the sampling thread to the journal. A plain value: nothing in it is allocated.
public struct SampleRecord: Sendable, BitwiseCopyable {
    public enum Kind: UInt8, Sendable, BitwiseCopyable {
        /// `index` is a stream of the line.
        case sample
        /// `index` is a device of the line; `event` says what happened.
        case event
        /// `index` is an alert of the line; the condition came to hold.
        case alertStart
        /// `index` is an alert of the line; the condition no longer holds.
        case alertEnd
    }

    /// The longest text a sample carries. Unit: bytes of UTF-8.
    public static let textCapacity = 40

    public var kind: Kind
    public var validity: Validity
    public var reason: Reason
    public var event: EventCode
    public var textLength: UInt8
    public var index: UInt32
    /// When the value was acquired. Unit: ns of the monotonic clock.
    public var monotonicNanoseconds: Int64
    /// The value's bits in the form of its stream; for an event, its figure.
    public var bits: Int64
    public var text: InlineArray<40, UInt8>

    public init(
        kind: Kind, index: UInt32, monotonicNanoseconds: Int64, bits: Int64 = 0, validity: Validity = .valid, reason: Reason = .none,
        event: EventCode = .none
    ) {
        self.kind = kind
        self.validity = validity
        self.reason = reason
        self.event = event
        self.index = index
        self.monotonicNanoseconds = monotonicNanoseconds
        self.bits = bits
        textLength = 0
        text = InlineArray(repeating: 0)
    }

    /// The empty slot that rings are filled with.
    public static let blank = SampleRecord(kind: .sample, index: 0, monotonicNanoseconds: 0)

    /// Takes over text; returns `false`, and takes nothing, when it is longer than a sample can hold.
    public mutating func setText(_ bytes: some Collection<UInt8>) -> Bool {
        let bytes = Array(bytes)
        return setText(bytes, 0..<bytes.count)
    }

    /// The same of some bytes of an array. No allocation.
    public mutating func setText(_ bytes: [UInt8], _ range: Range<Int>) -> Bool {
        guard range.count <= Self.textCapacity else { return false }
        var position = 0
        for place in range {
            text[position] = bytes[place]
            position += 1
        }
        textLength = UInt8(position)
        return true
    }

    /// The same of text known when the program was built; what is too long is cut. No allocation.
    public mutating func setText(_ text: StaticString) {
        textLength = text.withUTF8Buffer { bytes in
            let count = min(bytes.count, Self.textCapacity)
            for position in 0..<count { self.text[position] = bytes[position] }
            return UInt8(count)
        }
    }

    /// The text carried; bytes that are no UTF-8 are replaced, as Swift does.
    public var textValue: String {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(Int(textLength))
        for position in 0..<Int(min(textLength, UInt8(Self.textCapacity))) { bytes.append(text[position]) }
        return String(decoding: bytes, as: UTF8.self)
    }
}

/// What a line's thread reports besides samples. Raw values never leave the process; the journal stores the names.
public enum EventCode: UInt8, Sendable, BitwiseCopyable {
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
    /// Answers to requests that had been given up; never taken for values. Figure: how many since last told, as of all that follow.
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
    /// The device does not have these registers; they are left out until the line is opened anew. Text: space and first register.
    case registersRefused
    /// Registers that were refused are answered again. Text: space and first register.
    case registersRestored
    /// What lay in a buffer while nobody read: its values are not now, and are left out. Figure: how old they may be. Unit: ms.
    case heldInput
}
