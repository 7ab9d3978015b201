/// What one slot of a line's ring carries from the sampling thread to the journal. A plain value: nothing in it is
/// allocated.
@usableFromInline package struct SampleRecord: Sendable, BitwiseCopyable {
    @usableFromInline package enum Kind: UInt8, Sendable, BitwiseCopyable {
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
    package static let textCapacity = 40

    @usableFromInline package var kind: Kind
    @usableFromInline package var validity: Validity
    @usableFromInline package var reason: Reason
    @usableFromInline package var event: EventCode
    @usableFromInline package var textLength: UInt8
    @usableFromInline package var index: UInt32
    /// Of an event or an alert: how many more it stands for that are not told each for itself.
    @usableFromInline package var repeats: UInt32 = 0
    /// When the value was acquired. Unit: ns of the monotonic clock.
    @usableFromInline package var monotonicNanoseconds: Int64
    /// The value's bits in the form of its stream; for an event, its figure.
    @usableFromInline package var bits: Int64
    @usableFromInline package var text: InlineArray<40, UInt8>

    @inlinable package init(
        kind: Kind, index: UInt32, monotonicNanoseconds: Int64, bits: Int64 = 0, validity: Validity = .valid,
        reason: Reason = .none,
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
    package static let blank = SampleRecord(kind: .sample, index: 0, monotonicNanoseconds: 0)

    /// Takes over text; returns `false`, and takes nothing, when it is longer than a sample can hold.
    package mutating func setText(_ bytes: some Collection<UInt8>) -> Bool {
        let bytes = Array(bytes)
        return setText(bytes, 0..<bytes.count)
    }

    /// The same of some bytes of an array. No allocation.
    package mutating func setText(_ bytes: [UInt8], _ range: Range<Int>) -> Bool {
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
    package mutating func setText(_ text: StaticString) {
        textLength = text.withUTF8Buffer { bytes in
            let count = min(bytes.count, Self.textCapacity)
            for position in 0..<count { self.text[position] = bytes[position] }
            return UInt8(count)
        }
    }

    /// The text carried; bytes that are no UTF-8 are replaced, as Swift does.
    package var textValue: String {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(Int(textLength))
        for position in 0..<Int(min(textLength, UInt8(Self.textCapacity))) { bytes.append(text[position]) }
        return String(decoding: bytes, as: UTF8.self)
    }
}
