package import DeviceModel
package import ProfileLanguage

/// A test of bytes, compiled: nothing of it is counted as a reference.
@usableFromInline package struct ByteCheck: Sendable, BitwiseCopyable {
    @usableFromInline let lower: Int
    @usableFromInline let upper: Int
    @usableFromInline let accepted: (UInt64, UInt64, UInt64, UInt64)

    package init(_ test: ByteTest) { self.init(test.bytes) { test.holds($0) } }

    /// Any of some tests of one and the same byte; `nil` where they are of several.
    init?(any tests: [ByteTest]) {
        guard let bytes = tests.first?.bytes, bytes.count == 1, tests.allSatisfy({ $0.bytes == bytes }) else {
            return nil
        }
        self.init(bytes) { byte in tests.contains { $0.holds(byte) } }
    }

    private init(_ bytes: ClosedRange<Int>, _ accepts: (UInt8) -> Bool) {
        (lower, upper) = (bytes.lowerBound, bytes.upperBound)
        var words: [UInt64] = [0, 0, 0, 0]
        for byte in UInt8.min...UInt8.max where accepts(byte) {
            words[Int(byte >> 6)] |= 1 << UInt64(byte & 63)
        }
        accepted = (words[0], words[1], words[2], words[3])
    }

    /// Whether the test can be made in so many bytes.
    @inlinable @inline(__always) package func isWithin(_ length: Int) -> Bool { upper < length }

    /// Whether the bytes pass in a frame; bytes beyond it do not.
    @inlinable @inline(__always) package func holds(in frame: Span<UInt8>) -> Bool {
        guard upper < frame.count else { return false }
        var place = lower
        while place <= upper {
            let byte = frame[place]
            let word =
                switch byte >> 6 {
                case 0: accepted.0
                case 1: accepted.1
                case 2: accepted.2
                default: accepted.3
                }
            if word >> UInt64(byte & 63) & 1 == 0 { return false }
            place += 1
        }
        return true
    }
}

/// Neighbouring bits, whole bytes or a part of one, as a number.
@usableFromInline package struct PlainBits: Sendable, BitwiseCopyable {
    @usableFromInline enum Order: Sendable, BitwiseCopyable {
        case highFirst
        case lowFirst
        case lowWordFirst
    }

    /// From the first byte of what is read.
    @usableFromInline package let byte: Int32
    /// Bytes: 1 to 8.
    @usableFromInline package let size: UInt8
    @usableFromInline let order: Order
    @usableFromInline let shift: UInt8
    /// Bits of the number.
    @usableFromInline package let width: UInt8

    /// `nil` of slices that are no neighbours.
    init?(_ slices: [BitSlice]) {
        let places = slices.map(\.byte)
        guard let first = places.min(), let last = slices.last, places.count <= 8 else { return nil }
        let size = places.count
        let inOrder = Array(first..<(first + size))
        let isWhole = slices.allSatisfy { $0.low == 0 && $0.width == 8 }
        if places == inOrder {
            order = .highFirst
        } else if places == inOrder.reversed() {
            order = .lowFirst
        } else if isWhole, size.isMultiple(of: 2),
            places == stride(from: size - 2, through: 0, by: -2).flatMap({ [first + $0, first + $0 + 1] })
        {
            order = .lowWordFirst
        } else {
            return nil
        }
        // The first may begin within its byte, the last end within it; those between are whole.
        for (index, slice) in slices.enumerated() {
            if index > 0, slice.low + slice.width != 8 { return nil }
            if index < size - 1, slice.low != 0 { return nil }
        }
        byte = Int32(clamping: first)
        self.size = UInt8(size)
        shift = last.low
        width = slices.reduce(0) { $0 + $1.width }
    }

    /// Whether the bytes are there in something of this length.
    @inlinable @inline(__always) package func isWithin(_ length: Int) -> Bool { Int(byte) + Int(size) <= length }

    /// The bits, the least significant last.
    @inlinable @inline(__always) package func bits(_ bytes: Span<UInt8>) -> UInt64 {
        let place = Int(byte)
        var raw = UInt64(bytes[place])
        if size == 2, order != .lowFirst {
            raw = raw << 8 | UInt64(bytes[place + 1])
        } else if size > 1 {
            switch order {
            case .highFirst:
                for next in 1..<Int(size) { raw = raw << 8 | UInt64(bytes[place + next]) }
            case .lowFirst:
                for next in 1..<Int(size) { raw |= UInt64(bytes[place + next]) << UInt64(8 * next) }
            case .lowWordFirst:
                raw = raw << 8 | UInt64(bytes[place + 1])
                for word in 1..<(Int(size) / 2) {
                    let next = UInt64(bytes[place + 2 * word]) << 8 | UInt64(bytes[place + 2 * word + 1])
                    raw |= next << UInt64(16 * word)
                }
            }
        }
        return raw >> UInt64(shift) & UInt64.max >> UInt64(64 - width)
    }

    /// The bits as a signed number.
    @inlinable @inline(__always) package func signed(_ bits: UInt64) -> Int64 {
        Int64(bitPattern: bits << UInt64(64 - width)) >> Int64(64 - width)
    }
}

/// A number of which nothing but itself and bytes beside it decides how far it counts: most values of most devices. It
/// is read without a look at anything else, and nothing of it is counted as a reference.
@usableFromInline package struct PlainNumber: Sendable, BitwiseCopyable {
    @usableFromInline package enum Reading: Sendable, BitwiseCopyable {
        case unsigned
        case signed
        case float
    }

    /// A value by which the device says that it has none.
    package struct Sentinel: Sendable, BitwiseCopyable {
        package let number: Int64
        package let validity: Validity
    }

    /// Bytes that make the value count less.
    package struct Gate: Sendable, BitwiseCopyable {
        package let check: ByteCheck
        package let validity: Validity
    }

    package let source: PlainBits
    package let reading: Reading
    package let stream: UInt32
    /// Added to the value. Unit: counts.
    package let offset: Int64
    /// In counts of the stream, of floats the limits as they are; the widest where nothing is said.
    package let absolute: Limits
    package let plausible: Limits
    /// Of the list's ``FieldList/sentinels`` and ``FieldList/gates``. Few, and most have none.
    package let sentinels: Neighbours
    package let gates: Neighbours
    /// Whether the first of them tells whether any of the others holds.
    package let asksFirst: Bool

    /// Two limits that belong to what they allow: of floats as their bits, so that integers are compared as such.
    @usableFromInline package struct Limits: Sendable, BitwiseCopyable {
        @usableFromInline let low: Int64
        @usableFromInline let high: Int64

        /// Whole numbers; none is within where the lower one is above the other.
        init(counts: (low: Int128, high: Int128)?) {
            low = counts.map { Int64(clamping: $0.low) } ?? .min
            high = counts.map { Int64(clamping: $0.high) } ?? .max
        }

        init(quantities range: ClosedRange<Double>?) {
            let range = range ?? -.infinity ... .infinity
            low = Int64(bitPattern: range.lowerBound.bitPattern)
            high = Int64(bitPattern: range.upperBound.bitPattern)
        }

        @inlinable @inline(__always) package func contains(_ number: Int64) -> Bool { low <= number && number <= high }

        @inlinable @inline(__always) package func contains(_ number: Double) -> Bool {
            Double(bitPattern: UInt64(bitPattern: low)) <= number
                && number <= Double(bitPattern: UInt64(bitPattern: high))
        }
    }

    /// Neighbours in a list.
    @usableFromInline package struct Neighbours: Sendable, BitwiseCopyable {
        @usableFromInline package let first: Int32
        @usableFromInline package let end: Int32

        init(from first: Int, count: Int) {
            (self.first, end) = (Int32(clamping: first), Int32(clamping: first + count))
        }

        @inlinable package var isEmpty: Bool { first == end }
    }
}

/// A bit or a code that raises an alert and says nothing else.
@usableFromInline package struct PlainSwitch: Sendable, BitwiseCopyable {
    @usableFromInline enum Test: Sendable, BitwiseCopyable {
        case number(Int64, expected: Bool)
        case bit(Int)
    }

    @usableFromInline let source: PlainBits
    @usableFromInline let isSigned: Bool
    @usableFromInline let test: Test
    /// Index into ``DevicePlan/alerts``.
    @usableFromInline package let alert: Int

    /// Whether the alert's condition holds; `nil` where what is read is too short to have it.
    @inlinable @inline(__always) package func holds(in bytes: Span<UInt8>) -> Bool? {
        guard source.isWithin(bytes.count) else { return nil }
        let raw = source.bits(bytes)
        let number = isSigned ? source.signed(raw) : Int64(bitPattern: raw)
        return switch test {
        case .number(let code, let expected): (number == code) == expected
        case .bit(let bit): number >> Int64(bit) & 1 == 1
        }
    }
}
