import DeviceModel
import Nomenclature

extension CommandDescription.Argument {
    /// A quantity that the command does not take, with the reason.
    package struct Refusal: Error, CustomStringConvertible {
        package let description: String
    }

    /// The quantity as it is sent.
    ///
    /// - Parameter quantity: decimal text in the argument's unit. Nothing is rounded: what is not a whole number of
    ///   steps, or outside the range, is refused.
    package func written(_ quantity: String) throws(Refusal) -> [UInt8] {
        guard let parsed = DecimalText.parse(Array(quantity.utf8)), let value = Double(quantity) else {
            throw Refusal(description: "\(name): “\(quantity)” is not a number")
        }
        guard range.contains(value) else {
            throw Refusal(
                description:
                    "\(name): \(quantity) \(unit.display) is outside \(range.lowerBound) to \(range.upperBound) "
                    + "\(unit.display)"
            )
        }
        guard Self.isMultiple(parsed, of: step) else {
            throw Refusal(
                description:
                    "\(name): \(quantity) \(unit.display) is not a whole number of steps of \(step.text(of: 1)) "
                    + "\(unit.display)"
            )
        }
        let sent = scale == .one ? DecimalScale(multiplier: 1, exponent: -places) : scale
        guard let counts = sent.counts(nearest: value) else {
            throw Refusal(description: "\(name): \(quantity) is too large to send")
        }
        let text = scale == .one ? Self.fixed(counts, places: places) : String(counts)
        if let digits, text.count(where: \.isNumber) > digits {
            // Zeros behind the point may be left out to fit.
            let short = DecimalText.render(counts, exponent: scale == .one ? -places : 0)
            guard short.count(where: \.isNumber) <= digits else {
                throw Refusal(description: "\(name): \(quantity) needs more than \(digits) digits")
            }
            return Array(short.utf8)
        }
        return Array(text.utf8)
    }

    private static func isMultiple(_ value: (mantissa: Int64, exponent: Int), of step: DecimalScale) -> Bool {
        var (numerator, denominator) = (Int128(value.mantissa), Int128(step.multiplier))
        let difference = value.exponent - step.exponent
        guard abs(difference) <= 18 else { return false }
        for _ in 0..<abs(difference) { if difference > 0 { numerator *= 10 } else { denominator *= 10 } }
        return numerator % denominator == 0
    }

    /// A count of the smallest place with its point and all its places.
    private static func fixed(_ counts: Int64, places: Int) -> String {
        guard places > 0 else { return String(counts) }
        var digits = String(counts.magnitude)
        if digits.count <= places { digits = String(repeating: "0", count: places + 1 - digits.count) + digits }
        return "\(counts < 0 ? "-" : "")\(digits.dropLast(places)).\(digits.suffix(places))"
    }
}
