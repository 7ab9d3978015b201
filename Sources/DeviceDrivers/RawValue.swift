import DeviceModel
import DevicePlans
import ProfileLanguage

/// A value as it stands in a message, before scale and table: a number, a text, or neither.
struct RawValue: Sendable {
    enum State {
        /// The message does not have it.
        case absent
        case number
        /// A number without a sign of 64 bits that no signed one holds: all its bits are known, and its value is not
        /// recorded.
        case wide
        case text
        /// It is there but cannot be read as what it should be.
        case unreadable
    }

    private(set) var state = State.absent
    private(set) var number: Int64 = 0
    /// Where its text stands, without what is stripped; empty for binary values.
    private(set) var range = 0..<0
    /// Where its text stands as it was sent.
    private var sent = 0..<0
    /// Whether it was written as text, perhaps an empty one.
    private(set) var isText = false
    /// The number of the message it stood in.
    private(set) var message: UInt32 = 0
    /// When it came. Unit: ns.
    private(set) var time: Int64 = 0
    private(set) var validity = Validity.notAvailable
    private(set) var reason = Reason.absent
    /// Whether what stands beside it makes it count less: it decides nothing about others.
    var isDoubted = false

    init() {}

    /// Takes a field out of a message.
    init(
        _ field: FieldPlan, bytes: [UInt8], start: Int, length: Int, captures: CaptureTable, message: UInt32,
        time: Int64
    ) {
        (self.message, self.time) = (message, time)
        switch field.source {
        case .bits: takeBits(field, bytes: bytes, start: start, length: length)
        case .capture(let capture): readText(field, captures.trimmed(capture, bytes), bytes)
        case .bytes(let place), .swappedBytes(let place):
            guard place.upperBound <= length else { return }
            var (low, high) = (start + place.lowerBound, start + place.upperBound)
            // Texts in registers are filled up with zeros.
            while high > low, bytes[high - 1] == 0 { high -= 1 }
            while low < high, bytes[low] == 0 { low += 1 }
            readText(field, CaptureTable.trim(low..<high, bytes), bytes)
        }
        checkMissing(field, bytes)
    }

    /// Takes a field's text by itself, as it is kept of a message that has gone.
    init(_ field: FieldPlan, text: [UInt8], time: Int64) {
        self.time = time
        readText(field, 0..<text.count, text)
        checkMissing(field, text)
    }

    /// Takes a number by itself, as it is kept of registers that were read.
    init(_ field: FieldPlan, number: Int64, time: Int64) {
        (self.time, self.number, state) = (time, number, .number)
        (validity, reason) = (.valid, .none)
        checkMissing(field, [])
    }

    /// Takes one of several samples that follow each other.
    init(
        sample position: Int, of field: FieldPlan, bytes: [UInt8], start: Int, length: Int, message: UInt32, time: Int64
    ) {
        (self.message, self.time) = (message, time)
        guard case .bits(_, _, let stride) = field.source else { return }
        takeBits(field, bytes: bytes, start: start + position * stride, length: length - position * stride)
        checkMissing(field, bytes)
    }

    private mutating func checkMissing(_ field: FieldPlan, _ bytes: [UInt8]) {
        guard state != .absent, !field.missing.isEmpty else { return }
        for missing in field.missing where matches(missing.code, bytes: bytes) {
            (validity, reason) = (missing.validity, .sentinel)
            break
        }
    }

    // MARK: Binary

    private mutating func takeBits(_ field: FieldPlan, bytes: [UInt8], start: Int, length: Int) {
        guard case .bits(let slices, _, _) = field.source else { return }
        for slice in slices where slice.byte >= length { return }
        readBits(slices, field.reading, bytes: bytes, start: start)
    }

    private mutating func readBits(_ slices: [BitSlice], _ reading: FieldPlan.Reading, bytes: [UInt8], start: Int) {
        var value: UInt64 = 0
        for slice in slices {
            let bits = UInt64(bytes[start + slice.byte]) >> UInt64(slice.low) & (1 << UInt64(slice.width) - 1)
            value = value << UInt64(slice.width) | bits
        }
        (state, validity, reason) = (.number, .valid, .none)
        switch reading {
        case .number(let signed, let width):
            let isNegative = signed && width < 64 && value >> UInt64(width - 1) & 1 == 1
            number = isNegative ? Int64(bitPattern: value) - 1 << Int64(width) : Int64(bitPattern: value)
            if !signed, number < 0 { state = .wide }
        case .signMagnitude(let width):
            let magnitude = Int64(value & (1 << UInt64(width - 1) - 1))
            number = value >> UInt64(width - 1) & 1 == 1 ? -magnitude : magnitude
            // −0 is no number that anybody means, but a device may say so that it has none.
            if magnitude == 0, value != 0 { (state, validity, reason) = (.unreadable, .invalid, .malformed) }
        case .bcd(let digits):
            for digit in (0..<digits).reversed() {
                let nibble = Int64(value >> UInt64(4 * digit) & 15)
                if nibble > 9 { (state, validity, reason) = (.unreadable, .invalid, .malformed) }
                number = number * 10 + nibble
            }
            // What is no number is still the bits that came: a device may say so that it has none.
            if state == .unreadable { number = Int64(bitPattern: value) }
        case .medicalFloat(let form, let places):
            switch form.read(value, places: places) {
            case .number(let counts): number = counts
            case .special(let mantissa):
                (number, state, reason) = (mantissa, .unreadable, .notANumber)
                validity =
                    mantissa == form.positiveInfinity
                    ? .overflow : mantissa == form.negativeInfinity ? .underflow : .invalid
            case .tooPrecise: (state, validity, reason) = (.unreadable, .invalid, .tooPrecise)
            case .tooLarge: (state, validity, reason) = (.unreadable, .overflow, .implausible)
            }
        default: number = Int64(bitPattern: value)
        }
    }

    // MARK: Text

    private mutating func readText(_ field: FieldPlan, _ trimmed: Range<Int>, _ bytes: [UInt8]) {
        isText = true
        sent = trimmed
        range = trimmed
        if !field.strip.isEmpty { for text in field.strip { strip(text, bytes) } }
        (state, validity, reason) = (.text, .valid, .none)
        switch field.reading {
        case .decimal(let places): readDecimal(places, bytes)
        case .degreesMinutes: readParted(PartedNumber.degrees(bytes, range))
        case .sexagesimal: readParted(PartedNumber.clock(bytes, range))
        case .hex: readHex(bytes)
        default: break
        }
    }

    private mutating func readParted(_ number: Int64?) {
        guard let number else { return fail(.malformed) }
        (self.number, state) = (number, .number)
    }

    private mutating func strip(_ text: [UInt8], _ bytes: [UInt8]) {
        guard range.count >= text.count else { return }
        if CaptureTable.isText(text, bytes, range.lowerBound..<(range.lowerBound + text.count)) {
            range = CaptureTable.trim((range.lowerBound + text.count)..<range.upperBound, bytes)
        } else if CaptureTable.isText(text, bytes, (range.upperBound - text.count)..<range.upperBound) {
            range = CaptureTable.trim(range.lowerBound..<(range.upperBound - text.count), bytes)
        }
    }

    private mutating func readDecimal(_ places: Int, _ bytes: [UInt8]) {
        do {
            (number, state) = (try DecimalText.counts(bytes, range, places: places), .number)
        } catch {
            fail(error == .tooPrecise ? .tooPrecise : .malformed)
        }
    }

    private mutating func readHex(_ bytes: [UInt8]) {
        guard !range.isEmpty, range.count <= 15 else { return fail(.malformed) }
        var value: Int64 = 0
        for place in range {
            let digit: UInt8
            switch bytes[place] {
            case let byte where byte >= 0x30 && byte <= 0x39: digit = byte - 0x30
            case let byte where byte >= 0x41 && byte <= 0x46: digit = byte - 0x37
            case let byte where byte >= 0x61 && byte <= 0x66: digit = byte - 0x57
            default: return fail(.malformed)
            }
            value = value << 4 | Int64(digit)
        }
        (state, number) = (.number, value)
    }

    private mutating func fail(_ why: Reason) { (state, validity, reason) = (.unreadable, .invalid, why) }

    /// What tells this value from another as it was sent: of a text its bytes, of a number the number.
    func print(_ bytes: [UInt8]) -> UInt64 {
        var hash = Self.mix(0xCBF2_9CE4_8422_2325, state == .absent ? 1 : 2)
        if isText {
            for place in sent { hash = Self.mix(hash, UInt64(bytes[place])) }
            return hash
        }
        return Self.mix(hash, UInt64(bitPattern: number))
    }

    /// FNV-1a over eight bytes at once.
    static func mix(_ hash: UInt64, _ next: UInt64) -> UInt64 { (hash ^ next) &* 0x100_0000_01B3 ^ hash >> 29 }

    // MARK: Tests

    private func matches(_ code: CodePlan, bytes: [UInt8]) -> Bool {
        switch code {
        case .number(let expected): state == .number && number == expected
        case .unreadable(let bits): (state == .unreadable || state == .wide) && !isText && number == bits
        case .float(let expected): state == .number && Float(bitPattern: UInt32(truncatingIfNeeded: number)) == expected
        case .double(let expected): state == .number && Double(bitPattern: UInt64(bitPattern: number)) == expected
        case .notANumber: state == .number && Float(bitPattern: UInt32(truncatingIfNeeded: number)).isNaN
        case .notADouble: state == .number && Double(bitPattern: UInt64(bitPattern: number)).isNaN
        case .written(let expected, let text):
            state == .number && number == expected || CaptureTable.isText(text, bytes, range)
        case .text(let text): isText && CaptureTable.isText(text, bytes, range)
        }
    }

    /// Whether the value passes; `nil` when nothing tells: there is no value, or none of the kind.
    func passes(_ test: TestPlan, bytes: [UInt8]) -> Bool? {
        if state == .absent { return Self.passesNothing(test) }
        switch test {
        case .listed(let codes, let expected):
            let isListed = codes.contains { matches($0, bytes: bytes) }
            // Garbled, it may have been any of them.
            return state == .unreadable && !isListed && expected ? nil : isListed == expected
        case .bit(let bit):
            return (state == .number || state == .wide) && validity.carriesValue ? number >> Int64(bit) & 1 == 1 : nil
        case .present: return true
        case .absent: return false
        case .has(let text):
            guard sent.count >= text.count else { return false }
            return (sent.lowerBound...(sent.upperBound - text.count)).contains {
                CaptureTable.isText(text, bytes, $0..<($0 + text.count))
            }
        case .above(let limit): return compare(limit, counts: { $0 > $1 }, quantities: { $0 > $1 })
        case .below(let limit): return compare(limit, counts: { $0 < $1 }, quantities: { $0 < $1 })
        }
    }

    /// Whether a value that is not in the message passes; `nil` when only a value could tell.
    static func passesNothing(_ test: TestPlan) -> Bool? {
        switch test {
        case .absent: true
        case .present: false
        case .listed, .bit, .has, .above, .below: nil
        }
    }

    /// The number beside a limit: counts as whole numbers, of all their bits; `nil` when there is no number.
    private func compare(
        _ limit: LimitPlan, counts: (Int128, Int128) -> Bool, quantities: (Double, Double) -> Bool
    ) -> Bool? {
        guard state == .number || state == .wide, validity.carriesValue else { return nil }
        func beside(_ limit: Double, _ quantity: Double) -> Bool? {
            quantity.isNaN ? nil : quantities(quantity, limit)
        }
        return switch limit {
        case .counts(let limit):
            counts(state == .wide ? Int128(UInt64(bitPattern: number)) : Int128(number), limit)
        case .float32(let limit): beside(limit, Double(Float(bitPattern: UInt32(truncatingIfNeeded: number))))
        case .float64(let limit): beside(limit, Double(bitPattern: UInt64(bitPattern: number)))
        }
    }

    /// The word for the value; `nil` when its table has none.
    func word(_ field: FieldPlan, bytes: [UInt8]) -> [UInt8]? {
        if state == .unreadable { return nil }
        return field.table.first { matches($0.code, bytes: bytes) }?.word ?? field.otherwise
    }
}
