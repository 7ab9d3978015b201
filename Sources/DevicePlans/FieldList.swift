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

    /// Whether the bytes pass in the frame of this length that begins at `start`; bytes beyond the frame do not.
    @inlinable @inline(__always) package func holds(in frame: [UInt8], from start: Int, length: Int) -> Bool {
        guard upper < length else { return false }
        var place = lower
        while place <= upper {
            let byte = frame[start + place]
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
    @inlinable @inline(__always) package func bits(_ bytes: [UInt8], from start: Int) -> UInt64 {
        let place = start + Int(byte)
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

    /// What the first gate that holds makes of the value; `nil` where none does.
    package func gate(_ all: [Gate], _ bytes: [UInt8], from start: Int, length: Int) -> Validity? {
        var place = Int(gates.first)
        if asksFirst {
            if !all[place].check.holds(in: bytes, from: start, length: length) { return nil }
            place += 1
        }
        while place < Int(gates.end) {
            if all[place].check.holds(in: bytes, from: start, length: length) { return all[place].validity }
            place += 1
        }
        return nil
    }

    /// Two limits that belong to what they allow: of floats as their bits, so that integers are compared as such.
    @usableFromInline package struct Limits: Sendable, BitwiseCopyable {
        @usableFromInline let low: Int64
        @usableFromInline let high: Int64

        init(_ range: ClosedRange<Double>?, isFloat: Bool) {
            let range = range ?? -.infinity ... .infinity
            if isFloat {
                low = Int64(bitPattern: range.lowerBound.bitPattern)
                high = Int64(bitPattern: range.upperBound.bitPattern)
            } else {
                low = Self.integer(range.lowerBound.rounded(.up))
                high = Self.integer(range.upperBound.rounded(.down))
            }
        }

        /// The integer nearest to a whole number.
        private static func integer(_ number: Double) -> Int64 {
            Int64(exactly: number) ?? (number < 0 ? .min : .max)
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
    package enum Test: Sendable, BitwiseCopyable {
        case number(Int64, expected: Bool)
        case bit(Int)
    }

    package let source: PlainBits
    package let isSigned: Bool
    package let test: Test
    /// Index into ``DevicePlan/alerts``.
    package let alert: Int
}

/// The fields of a message, a frame, a packet or a read of registers, in the order in which they are judged: the field
/// that identifies the device before any other value.
///
/// A class so that handing it on counts one reference.
package final class FieldList: Sendable {
    /// What is judged next.
    package enum Turn: Sendable {
        /// Neighbours that are plain numbers, of ``numbers``.
        case numbers(Range<Int>)
        /// Neighbours that raise alerts and say nothing else, of ``switches``.
        case switches(Range<Int>)
        /// Another, of ``fields``.
        case field(Int)
    }

    package let fields: [FieldPlan]
    /// The fields that the turns take one by one.
    package let others: [FieldPlan]
    /// Fields that are read at once, with nothing looked up, and which of the fields each is.
    package let numbers: [PlainNumber]
    package let fieldOfNumber: [Int]
    package let sentinels: [PlainNumber.Sentinel]
    package let gates: [PlainNumber.Gate]
    package let switches: [PlainSwitch]
    package let turns: [Turn]

    package init(_ unordered: [FieldPlan]) {
        let fields = unordered.filter(\.isIdentity) + unordered.filter { !$0.isIdentity }
        var parts = Parts()
        for (place, field) in fields.enumerated() { parts.add(field, place) }
        self.fields = fields
        others = parts.turns.compactMap { turn in if case .field(let place) = turn { fields[place] } else { nil } }
        numbers = parts.numbers
        fieldOfNumber = parts.fieldOfNumber
        sentinels = parts.sentinels
        gates = parts.gates
        switches = parts.switches
        turns = parts.turns
    }

    private struct Parts {
        var numbers: [PlainNumber] = []
        var fieldOfNumber: [Int] = []
        var sentinels: [PlainNumber.Sentinel] = []
        var gates: [PlainNumber.Gate] = []
        var switches: [PlainSwitch] = []
        var turns: [Turn] = []

        mutating func add(_ field: FieldPlan, _ place: Int) {
            if let number = number(field) {
                if case .numbers(let run)? = turns.last {
                    turns[turns.count - 1] = .numbers(run.lowerBound..<(run.upperBound + 1))
                } else {
                    turns.append(.numbers(numbers.count..<(numbers.count + 1)))
                }
                numbers.append(number)
                fieldOfNumber.append(place)
            } else if let alerts = alerts(field) {
                let end = switches.count + alerts.count
                if case .switches(let run)? = turns.last {
                    turns[turns.count - 1] = .switches(run.lowerBound..<end)
                } else {
                    turns.append(.switches(switches.count..<end))
                }
                switches += alerts
            } else {
                turns.append(.field(place))
            }
        }

        /// The bits of a field on which nothing else depends.
        private func lonely(_ field: FieldPlan) -> PlainBits? {
            guard !field.isTested, !field.isIdentity, !field.isRemembered, field.table.isEmpty,
                case .bits(let slices, 1, _) = field.source
            else { return nil }
            return PlainBits(slices)
        }

        /// `nil` of a field that is not so plain.
        private mutating func number(_ field: FieldPlan) -> PlainNumber? {
            guard let source = lonely(field), field.alerts.isEmpty, field.targets.count == 1 else { return nil }
            let target = field.targets[0]
            guard target.condition == nil, target.jump == nil, target.terms == nil, target.result == nil,
                !target.isSlotted
            else { return nil }
            let reading: PlainNumber.Reading
            switch field.reading {
            case .number(let signed, Int(source.width)) where signed || source.width < 64:
                reading = signed ? .signed : .unsigned
            case .float32 where source.width == 32 && field.missing.isEmpty: reading = .float
            default: return nil
            }
            var gates: [PlainNumber.Gate] = []
            var tests: [ByteTest] = []
            for gate in field.gates {
                guard case .bytes(let test) = gate.test, gate.validity == .questionable || !gate.validity.carriesValue
                else { return nil }
                tests.append(test)
                gates.append(PlainNumber.Gate(check: ByteCheck(test), validity: gate.validity))
            }
            let isFloat = if case .float = reading { true } else { false }
            let any = ByteCheck(any: tests)
            if let any { gates.insert(PlainNumber.Gate(check: any, validity: .valid), at: 0) }
            var sentinels: [PlainNumber.Sentinel] = []
            for missing in field.missing {
                guard case .number(let number) = missing.code else { return nil }
                sentinels.append(PlainNumber.Sentinel(number: number, validity: missing.validity))
            }
            defer {
                self.sentinels += sentinels
                self.gates += gates
            }
            return PlainNumber(
                source: source, reading: reading, stream: UInt32(target.stream), offset: target.offset,
                absolute: PlainNumber.Limits(target.absolute, isFloat: isFloat),
                plausible: PlainNumber.Limits(target.plausible, isFloat: isFloat),
                sentinels: PlainNumber.Neighbours(from: self.sentinels.count, count: sentinels.count),
                gates: PlainNumber.Neighbours(from: self.gates.count, count: gates.count), asksFirst: any != nil)
        }

        /// The alerts of a field that does nothing but raise them; `nil` of any other.
        private func alerts(_ field: FieldPlan) -> [PlainSwitch]? {
            guard let source = lonely(field), field.targets.isEmpty, field.gates.isEmpty, !field.alerts.isEmpty,
                case .number(let signed, Int(source.width)) = field.reading, signed || source.width < 64
            else { return nil }
            var alerts: [PlainSwitch] = []
            for alert in field.alerts {
                let test: PlainSwitch.Test
                switch alert.test {
                case .listed(let codes, let expected):
                    guard codes.count == 1, case .number(let number) = codes[0] else { return nil }
                    test = .number(number, expected: expected)
                case .bit(let bit) where field.missing.isEmpty: test = .bit(bit)
                default: return nil
                }
                guard !alert.isSlotted else { return nil }
                alerts.append(PlainSwitch(source: source, isSigned: signed, test: test, alert: alert.alert))
            }
            return alerts
        }
    }
}
