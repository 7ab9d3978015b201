import DeviceModel
package import StrictYAML

/// A value as the device writes it, before scale and table, as it stands in a profile.
package struct ValueCode: Sendable, Hashable {
    package let text: String
    package let location: SourceLocation

    init(_ text: String, at location: SourceLocation) {
        self.text = text
        self.location = location
    }

    /// Two are the same when they are written the same.
    package static func == (one: ValueCode, other: ValueCode) -> Bool { one.text == other.text }
    package func hash(into hasher: inout Hasher) { hasher.combine(text) }
}

/// A value as the device writes it, in the terms of the field that it is compared with: ready to compare.
package enum CodePlan: Sendable, Hashable {
    /// The number of a binary field: what its bits say by its type.
    case number(Int64)
    /// The bits of a binary field that are no number of its type.
    case unreadable(Int64)
    case float(Float)
    case double(Double)
    /// Any float that is not a number.
    case notANumber
    case notADouble
    /// A number that is written in text, in counts of the field's last place; or the same characters.
    case written(Int64, [UInt8])
    /// Characters, without the spaces around them and without what the field strips.
    case text([UInt8])

    /// What it stands for, however it is written.
    var value: CodePlan { if case .written(let counts, _) = self { .number(counts) } else { self } }
}

extension ValueCode {
    /// Why a field can never have the value, and what may have been meant.
    package struct Refusal: Error {
        let why: String
        let suggestion: String?

        init(_ why: String, suggestion: String? = nil) {
            self.why = why
            self.suggestion = suggestion
        }

        /// “ÿ” and “\\xFF” are the same character of two bytes; what is meant by it may be one.
        init(rawByteIn text: String) {
            self.init(
                "“\(text)” has a character of two bytes where one byte may be meant",
                suggestion: "look for the text beside it with “has”, or test the byte with “when” or “byte”")
        }
    }

    /// The value in the terms of a field. Hexadecimal is the raw bits on every binary type, decimal the number.
    package func plan(for field: FieldDescription) throws(Refusal) -> CodePlan {
        if field.type.isWritten, text.hasRawByte {
            throw Refusal(rawByteIn: text)
        }
        guard field.hasForm else { throw Refusal("what the field's bits are is not known") }
        switch field.type {
        case .bits(let signed): return try integer(signed: signed, width: field.width)
        case .bcd: return try bcd(width: field.width)
        case .signMagnitude: return try signMagnitude(width: field.width)
        case .medicalFloat(let places): return try medicalFloat(width: field.width, places: places)
        case .float32: return try float()
        case .float64: return try double()
        case .decimal, .degreesMinutes, .sexagesimal: return try written(field)
        case .hex: return try hexadecimal(field)
        case .text: return .text(bare(field))
        }
    }

    /// The raw bits that are written `0x…`; `nil` when they are not written so.
    private var rawBits: UInt64? {
        guard text.hasPrefix("0x") || text.hasPrefix("0X") else { return nil }
        return UInt64(text.dropFirst(2), radix: 16)
    }

    private func integer(signed: Bool, width: Int) throws(Refusal) -> CodePlan {
        let mask: UInt64 = width >= 64 ? .max : 1 << UInt64(width) - 1
        if let raw = rawBits {
            guard raw <= mask else { throw Refusal("“\(text)” has more bits than the field's \(width)") }
            let isNegative = signed && raw >> (width - 1) & 1 == 1
            if !signed, raw > Int64.max { return .unreadable(Int64(bitPattern: raw)) }
            return .number(Int64(bitPattern: isNegative ? raw | ~mask : raw))
        }
        guard let number = Int128(text) else { throw notANumber("a whole number, or the bits as 0x…") }
        let range: ClosedRange<Int128> = signed ? -(1 << (width - 1))...(1 << (width - 1) - 1) : 0...Int128(mask)
        guard range.contains(number) else {
            throw Refusal(
                "the field cannot be \(text): it holds \(range.lowerBound) to \(range.upperBound)",
                suggestion: number >= 0 && number <= Int128(mask)
                    ? "write the bits as 0x\(String(number, radix: 16, uppercase: true))" : nil)
        }
        return number > Int64.max ? .unreadable(Int64(bitPattern: UInt64(number))) : .number(Int64(number))
    }

    private func bcd(width: Int) throws(Refusal) -> CodePlan {
        let digits = width / 4
        if let raw = rawBits {
            guard width >= 64 || raw < 1 << UInt64(width) else {
                throw Refusal("“\(text)” has more than the field's \(digits) digits")
            }
            var number: Int64 = 0
            for digit in (0..<digits).reversed() {
                let nibble = Int64(raw >> UInt64(4 * digit) & 15)
                if nibble > 9 { return .unreadable(Int64(bitPattern: raw)) }
                number = number * 10 + nibble
            }
            return .number(number)
        }
        guard let number = Int64(text) else { throw notANumber("a whole number, or the bits as 0x…") }
        guard number >= 0, String(number).count <= digits else {
            throw Refusal("the field cannot be \(text): it has \(digits) decimal digits")
        }
        return .number(number)
    }

    /// What is no number is told by the mantissa alone.
    private func medicalFloat(width: Int, places: Int) throws(Refusal) -> CodePlan {
        let form = MedicalFloat(width: width)
        switch text.lowercased() {
        case "nan": return .unreadable(form.notANumber)
        case "nres": return .unreadable(form.notAtThisResolution)
        case "inf", "+inf": return .unreadable(form.positiveInfinity)
        case "-inf": return .unreadable(form.negativeInfinity)
        default: break
        }
        if let raw = rawBits {
            guard raw < 1 << UInt64(width) else { throw Refusal("“\(text)” has more bits than the field's \(width)") }
            switch form.read(raw, places: places) {
            case .number(let counts): return .number(counts)
            case .special(let mantissa): return .unreadable(mantissa)
            case .tooPrecise, .tooLarge: throw Refusal("“\(text)” is no number that is kept with \(places) places")
            }
        }
        let bytes = Array(text.utf8)
        guard let counts = try? DecimalText.counts(bytes, 0..<bytes.count, places: places) else {
            throw notANumber("a number with at most \(places) places, NaN, NRes, +INF, -INF, or the bits as 0x…")
        }
        guard form.holds(counts, places: places) else {
            throw Refusal(
                "the field cannot be \(text): a float of \(width) bits has a mantissa of at most "
                    + "\(form.largestMantissa)")
        }
        return .number(counts)
    }

    private func float() throws(Refusal) -> CodePlan {
        if let raw = rawBits {
            guard let bits = UInt32(exactly: raw) else { throw Refusal("“\(text)” has more bits than a float's 32") }
            let float = Float(bitPattern: bits)
            return float.isNaN ? .notANumber : .float(try toldApart(float))
        }
        switch text.lowercased().drop(while: { $0 == "." }) {
        case "nan": return .notANumber
        case "inf", "+inf", "+.inf": return .float(.infinity)
        case "-inf", "-.inf": return .float(-.infinity)
        default: break
        }
        guard text.utf8.allSatisfy({ "0123456789+-.eE".utf8.contains($0) }), let float = Float(text) else {
            throw notANumber("a number, NaN, or the bits as 0x…")
        }
        guard float.isFinite else {
            throw Refusal("the field cannot be \(text): a float of 32 bits ends at ±3.4028235e38")
        }
        return .float(try toldApart(float))
    }

    private func double() throws(Refusal) -> CodePlan {
        if let raw = rawBits {
            let double = Double(bitPattern: raw)
            return double.isNaN ? .notADouble : .double(try toldApart(double))
        }
        switch text.lowercased().drop(while: { $0 == "." }) {
        case "nan": return .notADouble
        case "inf", "+inf", "+.inf": return .double(.infinity)
        case "-inf", "-.inf": return .double(-.infinity)
        default: break
        }
        guard text.utf8.allSatisfy({ "0123456789+-.eE".utf8.contains($0) }), let double = Double(text), double.isFinite
        else {
            throw notANumber("a number, NaN, or the bits as 0x…")
        }
        return .double(try toldApart(double))
    }

    /// A float that is the number that is written, or the nearest to a fraction: no other whole number, no 0 that is
    /// none, and not −0, which is compared as 0 is.
    private func toldApart<Value: BinaryFloatingPoint & LosslessStringConvertible>(
        _ float: Value
    ) throws(Refusal) -> Value {
        if float == 0 {
            let isZero = rawBits != nil || !text.prefix { $0 != "e" && $0 != "E" }.contains { "123456789".contains($0) }
            if !isZero { throw Refusal("the field cannot be \(text): the smallest float of its kind is larger") }
            if float.sign == .minus {
                throw Refusal("“\(text)” is −0, which is not told from 0", suggestion: "write 0 for both")
            }
        }
        if rawBits == nil, let whole = Int128(text), let held = Int128(exactly: float), held != whole {
            throw Refusal(
                "the field cannot be \(text): the nearest float is \(held)", suggestion: "write \(held) for that")
        }
        return float
    }

    /// The bits are kept as they are: 0x8000 is −0, and is told from 0.
    private func signMagnitude(width: Int) throws(Refusal) -> CodePlan {
        if let raw = rawBits {
            guard width >= 64 || raw < 1 << UInt64(width) else {
                throw Refusal("“\(text)” has more bits than the field's \(width)")
            }
            let magnitude = Int64(raw & (1 << UInt64(width - 1) - 1))
            if raw >> UInt64(width - 1) & 1 == 0 { return .number(magnitude) }
            return magnitude == 0 ? .unreadable(0) : .number(-magnitude)
        }
        guard let number = Int64(text) else { throw notANumber("a whole number, or the bits as 0x…") }
        if number == 0, text.hasPrefix("-") {
            throw Refusal(
                "“\(text)” may be meant as 0 or as the bits of −0",
                suggestion: "write 0, or 0x\(String(1 << UInt64(width - 1) as UInt64, radix: 16, uppercase: true))")
        }
        guard number.magnitude < 1 << UInt64(width - 1) else {
            throw Refusal("the field cannot be \(text): it holds \(width - 1) bits and a sign")
        }
        return .number(number)
    }

    /// A number that is written in text, however it is written; or the characters that stand in its place.
    private func written(_ field: FieldDescription) throws(Refusal) -> CodePlan {
        let bare = bare(field)
        if bare.starts(with: Array("0x".utf8)) || bare.starts(with: Array("0X".utf8)) {
            let bits = UInt64(String(decoding: bare.dropFirst(2), as: UTF8.self), radix: 16)
            throw Refusal(
                "the field is a number that is written in decimal digits; “\(text)” is never one of them",
                suggestion: bits.map { "write \($0), as the device does" })
        }
        let form: String
        switch field.type {
        case .degreesMinutes:
            if let number = PartedNumber.degrees(bare, 0..<bare.count) { return .written(number, bare) }
            form = "degrees and minutes such as 4807.038"
        case .sexagesimal:
            if let number = PartedNumber.clock(bare, 0..<bare.count) { return .written(number, bare) }
            form = "hours and minutes such as 1:23"
        default:
            let places = field.type.places ?? 0
            do throws(DecimalText.Fault) {
                return .written(try DecimalText.counts(bare, 0..<bare.count, places: places), bare)
            } catch {
                guard error == .tooPrecise else { return .text(bare) }
                throw Refusal(
                    "“\(text)” has more digits than the field keeps: \(places) after the point, 18 in all",
                    suggestion: "give the field “places”")
            }
        }
        guard DecimalText.parse(bare) != nil else { return .text(bare) }
        throw Refusal("the field cannot be the number \(text): it is written as \(form)")
    }

    private func hexadecimal(_ field: FieldDescription) throws(Refusal) -> CodePlan {
        let bare = bare(field)
        if let raw = rawBits {
            guard raw <= 1 << 60 - 1 else { throw Refusal("“\(text)” has more than 15 digits, the most that are read") }
            return .number(Int64(raw))
        }
        guard !bare.isEmpty, bare.allSatisfy(\.isHexDigit) else { return .text(bare) }
        let digits = String(decoding: bare, as: UTF8.self)
        // One digit up to 9 is the same in both.
        if bare.count == 1, let digit = Int64(digits) { return .number(digit) }
        let number = Int64(digits).map { ", or 0x\(String($0, radix: 16, uppercase: true)) for the number" } ?? ""
        throw Refusal(
            "the field is hexadecimal, and “\(text)” may be meant as either number",
            suggestion: "write 0x\(digits) for what is sent as \(digits)\(number)")
    }

    private func notANumber(_ expected: String) -> Refusal {
        Refusal("the field cannot be “\(text)”: it is a binary number; expected \(expected)")
    }

    /// The characters as they are compared: without spaces around them, without what the field strips.
    private func bare(_ field: FieldDescription) -> [UInt8] {
        var bytes = Array(text.utf8)[...].trimmed
        for strip in field.strip {
            let strip = Array(strip.utf8)
            guard bytes.count >= strip.count else { continue }
            if bytes.starts(with: strip) {
                bytes = bytes.dropFirst(strip.count).trimmed
            } else if bytes.suffix(strip.count).elementsEqual(strip) {
                bytes = bytes.dropLast(strip.count).trimmed
            }
        }
        return Array(bytes)
    }
}

extension String {
    /// Whether it has one of the characters that people write for a byte from 0x80 on, and that are two in UTF-8.
    var hasRawByte: Bool { unicodeScalars.contains { (0x80...0xFF).contains($0.value) } }
}

extension ArraySlice<UInt8> {
    /// Without the spaces around them.
    fileprivate var trimmed: Self {
        var rest = self
        while rest.first == 0x20 { rest.removeFirst() }
        while rest.last == 0x20 { rest.removeLast() }
        return rest
    }
}

extension UInt8 {
    fileprivate var isHexDigit: Bool {
        (0x30...0x39).contains(self) || (0x41...0x46).contains(self) || (0x61...0x66).contains(self)
    }
}
