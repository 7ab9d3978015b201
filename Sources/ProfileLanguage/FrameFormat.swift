import DeviceModel
package import StrictYAML

/// A condition on bytes of a frame.
package struct ByteTest: Sendable, Hashable {
    package enum Test: Sendable, Hashable {
        case bit(Int, isSet: Bool)
        case isOneOf([UInt8])
    }

    /// The bytes that all must pass, counted from the frame's first byte as 0.
    package let bytes: ClosedRange<Int>
    package let test: Test

    package init(bytes: ClosedRange<Int>, test: Test) {
        self.bytes = bytes
        self.test = test
    }

    /// Whether one byte passes.
    package func holds(_ byte: UInt8) -> Bool {
        switch test {
        case .bit(let bit, let isSet): (byte >> UInt8(bit) & 1 == 1) == isSet
        case .isOneOf(let values): values.contains(byte)
        }
    }

    /// Whether the bytes pass in the frame of this length that begins at `start`; bytes beyond the frame do not.
    package func holds(in frame: [UInt8], from start: Int, length: Int) -> Bool {
        guard bytes.upperBound < length else { return false }
        for place in bytes where !holds(frame[start + place]) { return false }
        return true
    }
}

/// What separates the items of a message.
package enum Separator: Sendable, Hashable {
    /// These bytes.
    case mark([UInt8])
    /// Runs of spaces and tabs.
    case blanks

    /// How many bytes of it stand at a place; 0 when it does not.
    package func length(_ bytes: [UInt8], at place: Int, before end: Int) -> Int {
        switch self {
        case .blanks: return bytes[place] == 0x20 || bytes[place] == 0x09 ? 1 : 0
        case .mark(let mark):
            guard place + mark.count <= end else { return 0 }
            for offset in 0..<mark.count where bytes[place + offset] != mark[offset] { return 0 }
            return mark.count
        }
    }

    var text: String {
        switch self {
        case .mark(let bytes): String(decoding: bytes, as: UTF8.self)
        case .blanks: " "
        }
    }
}

/// Where a message starts and ends on the wire, and how its wholeness is told.
///
/// All positions are of the plain frame: without stuffing, with the high bits restored.
package struct FrameFormat: Sendable {
    package enum Length: Sendable, Hashable {
        case fixed(Int)
        /// The number that stands at a byte, plus a constant. `digits` counts for ``LengthType/decimal``.
        case field(byte: Int, type: LengthType, digits: Int, adds: Int)
    }

    package enum LengthType: String, Sendable, Hashable, CaseIterable {
        case uint8
        case uint16
        case uint16LowFirst = "uint16le"
        case decimal
    }

    /// A plain byte and what stands for it on the wire.
    package struct Stuffing: Sendable, Hashable {
        package let plain: UInt8
        package let wire: (UInt8, UInt8)

        package init(plain: UInt8, wire: (UInt8, UInt8)) {
            self.plain = plain
            self.wire = wire
        }

        package static func == (left: Stuffing, right: Stuffing) -> Bool {
            left.plain == right.plain && left.wire == right.wire
        }

        package func hash(into hasher: inout Hasher) { hasher.combine(plain) }
    }

    /// Bit i of one byte is bit 7 of the i-th of some others.
    package struct HighBits: Sendable, Hashable {
        package let byte: Int
        package let of: ClosedRange<Int>
    }

    /// The running number that a frame carries; a frame with the number of the one before is a repetition.
    package struct Number: Sendable, Hashable {
        package let byte: Int
        /// The frame with which counting begins anew.
        package let restartsWith: String?
    }

    /// The most bytes of a frame. The largest that a public standard allows is LIS01-A2's, 64,000.
    package static let limit = 65_536

    package var name = ""
    package var location = SourceLocation(file: "", line: 1, column: 1)
    package var start: [UInt8] = []
    package var length: Length?
    package var end: [UInt8] = []
    /// The most bytes the plain frame has.
    package var longest = 0
    package var checksum: ChecksumRule?
    package var continuedBy: UInt8?
    package var abort: UInt8?
    package var stuffing: [Stuffing] = []
    package var highBits: HighBits?
    package var validWhen: [ByteTest] = []
    /// The only bytes the frame is made of; others are another stream interleaved with it.
    package var bytesWith: ByteTest?
    package var number: Number?
    package var isFromHost = false
    package var split: Separator?

    package init() {}

    /// A lone control byte such as ENQ.
    package var isControl: Bool { length == .fixed(start.count) }

    /// Whether a frame is found only after the end of the one before: it has no start of its own.
    package var followsEnd: Bool { start.isEmpty && !end.isEmpty }

    /// Whether chance is likely enough to make such a frame that it counts, until the stream is in step, only with the
    /// next one after it.
    package var needsConfirmation: Bool {
        guard case .fixed = length, !isControl, start.count < 4 else { return false }
        return (checksum?.algorithm.bits ?? 0) <= 8
    }

    /// The start mark as a byte that never stands inside the frame: of frames that end by a mark, whose start is one
    /// byte that is no letter or digit.
    package var startOnly: UInt8? {
        guard length == nil, start.count == 1, stuffing.isEmpty else { return nil }
        switch start[0] {
        case 0x30...0x39, 0x41...0x5A, 0x61...0x7A: return nil
        default: return start[0]
        }
    }

    /// Where the payload begins: after the start mark and the length or the frame's number that follows it.
    package var payloadStart: Int {
        if number?.byte == start.count { return start.count + 1 }
        guard case .field(let byte, let type, let digits, _) = length, byte == start.count else { return start.count }
        return byte + Self.size(type, digits: digits)
    }

    /// Where the checksum begins in a plain frame of this length; `nil` without a checksum.
    package func checksumStart(length: Int) -> Int? { checksum.map { $0.at ?? length - end.count - $0.length } }

    /// Where the payload ends in a plain frame of this length.
    package func payloadEnd(length: Int) -> Int {
        guard let checksum, let place = checksumStart(length: length),
            checksum.at == nil || place + checksum.length == length - end.count
        else {
            return max(payloadStart, length - end.count)
        }
        return max(payloadStart, place - checksum.markLength)
    }

    /// The fewest bytes a plain frame has.
    package var shortest: Int {
        if case .fixed(let length) = length { return length }
        return overhead
    }

    /// The bytes of a plain frame beside its payload.
    var overhead: Int { payloadStart + (checksum.map { $0.length + $0.markLength } ?? 0) + end.count }

    static func size(_ type: LengthType, digits: Int) -> Int {
        switch type {
        case .uint8: 1
        case .uint16, .uint16LowFirst: 2
        case .decimal: digits
        }
    }

    /// The bytes a checksum covers in a plain frame of this length; `nil` when it does not fit.
    package func covered(length: Int) -> Range<Int>? {
        guard let checksum, let place = checksumStart(length: length) else { return nil }
        switch checksum.coverage {
        case .payload:
            let end = place - checksum.markLength
            return payloadStart <= end ? payloadStart..<end : nil
        case .bytes(let from, let through):
            let end = through.map { $0 + 1 } ?? place
            return from <= end && end <= length ? from..<end : nil
        }
    }
}

/// A run of fixed frames that together carry one set of values.
package struct PacketFormat: Sendable {
    package let name: String
    package let of: String
    package let count: Int
    package let firstWhen: ByteTest
    package let location: SourceLocation
}

extension FrameFormat {
    /// The whole frame around a payload, as it is on the wire: marks, length, checksum, stuffing.
    ///
    /// Shape: the payload of a fixed frame fills it to its length; what is too long is cut by the profile's own checks
    /// before this is called.
    ///
    /// - Parameters:
    ///   - mark: the mark before the checksum, where there is a choice.
    ///   - count: the frame's running number.
    package func encode(payload: [UInt8], mark: [UInt8]? = nil, count: UInt8 = 0x31) -> [UInt8] {
        var plain = start
        if number?.byte == start.count { plain.append(count) }
        var lengthPlace: Int?
        if case .field(let byte, let type, let digits, _) = length, byte == start.count {
            lengthPlace = byte
            plain += [UInt8](repeating: 0, count: Self.size(type, digits: digits))
        }
        plain += payload
        if case .field(let byte, let type, let digits, _) = length, lengthPlace == nil,
            byte + Self.size(type, digits: digits) <= plain.count
        {
            lengthPlace = byte
        }
        if let checksum, let first = checksum.after.first, checksum.at == nil { plain += mark ?? first }
        let trailer = end.count + (checksum.map { $0.at == nil ? $0.length : 0 } ?? 0)
        if case .fixed(let total) = length {
            plain += [UInt8](repeating: 0, count: max(0, total - trailer - plain.count))
        }
        let total = plain.count + trailer
        if let lengthPlace, case .field(_, let type, let digits, let adds) = length {
            write(length: total - adds, type, digits: digits, at: lengthPlace, in: &plain)
        }
        if let highBits { lower(&plain, highBits) }
        if let checksum {
            if checksum.at != nil { plain += end }
            let written = sum(of: checksum, plain: plain, total: total)
            if let at = checksum.at {
                for (offset, byte) in written.enumerated() where at + offset < plain.count { plain[at + offset] = byte }
                return stuff(plain)
            }
            plain += written
        }
        return stuff(plain) + end
    }

    private func sum(of checksum: ChecksumRule, plain: [UInt8], total: Int) -> [UInt8] {
        guard let covered = covered(length: total), covered.upperBound <= plain.count else {
            return checksum.encoded(over: [UInt8]())
        }
        return checksum.encoded(
            over: checksum.overWire ? stuff(Array(plain[covered]), isWhole: false)[...] : plain[covered])
    }

    private func write(length: Int, _ type: LengthType, digits: Int, at place: Int, in plain: inout [UInt8]) {
        let number = UInt32(clamping: length)
        switch type {
        case .uint8: plain[place] = UInt8(truncatingIfNeeded: number)
        case .uint16:
            plain[place] = UInt8(truncatingIfNeeded: number >> 8)
            plain[place + 1] = UInt8(truncatingIfNeeded: number)
        case .uint16LowFirst:
            plain[place] = UInt8(truncatingIfNeeded: number)
            plain[place + 1] = UInt8(truncatingIfNeeded: number >> 8)
        case .decimal:
            var left = number
            for position in (0..<digits).reversed() {
                plain[place + position] = 0x30 + UInt8(truncatingIfNeeded: left % 10)
                left /= 10
            }
        }
    }

    /// Bytes within the frame as they are on the wire.
    func stuffed(_ plain: [UInt8]) -> [UInt8] { stuff(plain, isWhole: false) }

    private func stuff(_ plain: [UInt8], isWhole: Bool = true) -> [UInt8] {
        guard !stuffing.isEmpty else { return plain }
        let kept = isWhole ? start.count : 0
        var wire = Array(plain.prefix(kept))
        for byte in plain.dropFirst(kept) {
            if let rule = stuffing.first(where: { $0.plain == byte }) {
                wire += [rule.wire.0, rule.wire.1]
            } else {
                wire.append(byte)
            }
        }
        return wire
    }

    /// Moves bit 7 of the bytes into the byte that carries them; every byte of the run has bit 7 set on the wire.
    private func lower(_ plain: inout [UInt8], _ rule: HighBits) {
        guard rule.of.upperBound < plain.count, rule.byte < plain.count else { return }
        var high: UInt8 = 0x80
        for (index, place) in rule.of.enumerated() {
            if plain[place] & 0x80 != 0 { high |= 1 << UInt8(index) }
            plain[place] |= 0x80
        }
        plain[rule.byte] = high
    }
}
