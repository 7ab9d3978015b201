/// An exact decimal factor, `multiplier × 10^exponent`: what one count of a stored integer is worth.
///
/// A binary floating-point factor would turn 305 tenths into 30.500000000000004; the journal and the records service
/// get 30.5.
package struct DecimalScale: Sendable, Hashable {
    /// Never zero.
    package let multiplier: Int64
    /// Range: −18…18.
    package let exponent: Int

    package static let one = DecimalScale(multiplier: 1, exponent: 0)

    package init(multiplier: Int64, exponent: Int) {
        precondition(
            multiplier != 0 && (-18...18).contains(exponent),
            "a scale is a non-zero multiplier and an exponent of at most 18")
        self.multiplier = multiplier
        self.exponent = exponent
    }

    /// Reads `0.1`, `-10`, `1e-7` or `1/256`. `nil` when the text is not such a number, is zero, or has no exact
    /// decimal form within 18 digits.
    package init?(_ text: String) {
        if let slash = text.firstIndex(of: "/") {
            guard let numerator = DecimalScale(String(text[..<slash])),
                let denominator = Int64(text[text.index(after: slash)...]), denominator > 0
            else { return nil }
            var multiplier = numerator.multiplier
            var exponent = numerator.exponent
            while multiplier % denominator != 0 {
                let (grown, overflow) = multiplier.multipliedReportingOverflow(by: 10)
                if overflow || exponent <= -18 { return nil }
                multiplier = grown
                exponent -= 1
            }
            self.init(multiplier: multiplier / denominator, exponent: exponent)
            return
        }
        guard let parsed = DecimalText.parse(Array(text.utf8)), parsed.mantissa != 0,
            (-18...18).contains(parsed.exponent)
        else {
            return nil
        }
        self.init(multiplier: parsed.mantissa, exponent: parsed.exponent)
    }

    /// The quantity that `raw` counts stand for, as exact decimal text without superfluous zeros.
    package func text(of raw: Int64) -> String {
        let (product, overflow) = raw.multipliedReportingOverflow(by: multiplier)
        if overflow { return DecimalText.render(wide: raw.multipliedFullWidth(by: multiplier), exponent: exponent) }
        return DecimalText.render(product, exponent: exponent)
    }

    /// The quantity that `raw` counts stand for, to the nearest double.
    package func double(of raw: Int64) -> Double { Double(text(of: raw)) ?? .nan }

    /// The number of counts nearest to `value`, for players of devices; `nil` when it does not fit.
    package func counts(nearest value: Double) -> Int64? {
        var factor = Double(multiplier)
        for _ in 0..<abs(exponent) { factor = exponent < 0 ? factor / 10 : factor * 10 }
        return Int64(exactly: (value / factor).rounded())
    }
}

/// Decimal numbers as text, exactly.
package enum DecimalText {
    /// Reads an optional sign, digits, an optional point with digits and an optional exponent. No white space, no other
    /// form.
    ///
    /// Returns the mantissa and exponent as written (`12.50` is 1250 and −2), or `nil` when the bytes are not such a
    /// number or do not fit 18 digits. Never traps, whatever the bytes.
    package static func parse(_ bytes: some Collection<UInt8>) -> (mantissa: Int64, exponent: Int)? {
        let bytes = Array(bytes)
        return parse(bytes, 0..<bytes.count)
    }

    /// The same of some bytes of an array. No allocation.
    package static func parse(_ bytes: [UInt8], _ range: Range<Int>) -> (mantissa: Int64, exponent: Int)? {
        var mantissa: Int64 = 0
        var exponent = 0
        var negative = false
        var digits = 0
        var place = range.lowerBound
        if place < range.upperBound, bytes[place] == 0x2B || bytes[place] == 0x2D {
            negative = bytes[place] == 0x2D
            place += 1
        }
        var afterPoint = false
        loop: while place < range.upperBound {
            switch bytes[place] {
            case let digit where digit >= 0x30 && digit <= 0x39:
                digits += 1
                guard mantissa < 100_000_000_000_000_000 else { return nil }
                mantissa = mantissa * 10 + Int64(digit - 0x30)
                if afterPoint { exponent -= 1 }
            case 0x2E where !afterPoint: afterPoint = true
            case 0x65 where digits > 0, 0x45 where digits > 0: break loop
            default: return nil
            }
            place += 1
        }
        guard digits > 0 else { return nil }
        if place < range.upperBound {
            guard let power = parsePower(bytes, (place + 1)..<range.upperBound), abs(power) <= 36 else { return nil }
            exponent += power
        }
        return (negative ? -mantissa : mantissa, exponent)
    }

    /// Why a text is not a number of so many places.
    package enum Fault: Error {
        case malformed
        /// It has more digits than are kept; none is rounded away.
        case tooPrecise
    }

    /// A number in counts of its last place of `places` after the point. No allocation.
    package static func counts(_ bytes: [UInt8], _ range: Range<Int>, places: Int) throws(Fault) -> Int64 {
        guard let parsed = parse(bytes, range) else { throw .malformed }
        var value = parsed.mantissa
        var exponent = parsed.exponent + places
        while exponent < 0, value % 10 == 0, value != 0 {
            value /= 10
            exponent += 1
        }
        if value == 0 { exponent = 0 }
        while exponent > 0, abs(value) < Int64.max / 10 {
            value *= 10
            exponent -= 1
        }
        guard exponent == 0 else { throw .tooPrecise }
        return value
    }

    /// An optional sign and one to three digits.
    private static func parsePower(_ bytes: [UInt8], _ range: Range<Int>) -> Int? {
        guard (1...4).contains(range.count) else { return nil }
        let isSigned = bytes[range.lowerBound] == 0x2B || bytes[range.lowerBound] == 0x2D
        let digits = (isSigned ? range.lowerBound + 1 : range.lowerBound)..<range.upperBound
        guard !digits.isEmpty else { return nil }
        var power = 0
        for place in digits {
            guard (0x30...0x39).contains(bytes[place]) else { return nil }
            power = power * 10 + Int(bytes[place] - 0x30)
        }
        return bytes[range.lowerBound] == 0x2D ? -power : power
    }

    /// Writes `mantissa × 10^exponent` without superfluous zeros and without an exponent.
    package static func render(_ mantissa: Int64, exponent: Int) -> String {
        render(negative: mantissa < 0, digits: String(mantissa.magnitude), exponent: exponent)
    }

    static func render(wide: (high: Int64, low: UInt64), exponent: Int) -> String {
        // A 128-bit product: only scales of absurd size get here, but no bit of a value is ever dropped.
        let value = Int128(wide.high) << 64 | Int128(wide.low)
        return render(negative: value < 0, digits: String(value.magnitude), exponent: exponent)
    }

    private static func render(negative: Bool, digits: String, exponent: Int) -> String {
        var integer = digits
        var fraction = ""
        if exponent >= 0 {
            if integer != "0" { integer += String(repeating: "0", count: exponent) }
        } else {
            if integer.count <= -exponent {
                integer = String(repeating: "0", count: 1 - exponent - integer.count) + integer
            }
            fraction = String(integer.suffix(-exponent))
            integer.removeLast(-exponent)
            while fraction.last == "0" { fraction.removeLast() }
        }
        let magnitude = fraction.isEmpty ? integer : "\(integer).\(fraction)"
        return negative && magnitude != "0" ? "-\(magnitude)" : magnitude
    }
}
