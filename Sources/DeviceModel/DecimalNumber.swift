/// A decimal number, exactly as it is written: `mantissa × 10^exponent`.
package struct DecimalNumber: Sendable, Hashable {
    package let mantissa: Int64
    package let exponent: Int

    package static let zero = DecimalNumber(mantissa: 0, exponent: 0)

    /// Equal numbers are the same, however they are written.
    package init(mantissa: Int64, exponent: Int) {
        var (mantissa, exponent) = (mantissa, mantissa == 0 ? 0 : exponent)
        while mantissa != 0, mantissa % 10 == 0 {
            mantissa /= 10
            exponent += 1
        }
        (self.mantissa, self.exponent) = (mantissa, exponent)
    }

    /// Reads `-12.5` or `1e9`, of at most 18 digits; `nil` when the text is no such number.
    package init?(_ text: String) {
        guard let parsed = DecimalText.parse(Array(text.utf8)) else { return nil }
        self.init(mantissa: parsed.mantissa, exponent: parsed.exponent)
    }

    /// The decimal that is written shortest for a double: of up to 15 digits the one that was read. `nil` of what is
    /// not finite, and of more than 18 digits.
    package init?(_ number: Double) { self.init("\(number)") }

    /// How many counts of a scale the number is: between which two whole ones it lies, the same twice where it is one.
    ///
    /// What no count of 64 bits reaches is told as ±2¹⁰⁰.
    package func counts(of scale: DecimalScale) -> (floor: Int128, ceiling: Int128) {
        let far: Int128 = 1 << 100
        let isNegative = (mantissa < 0) != (scale.multiplier < 0) && mantissa != 0
        let divisor = Int128(scale.multiplier.magnitude)
        let shift = exponent - scale.exponent
        var numerator = Int128(mantissa.magnitude)
        var denominator = divisor
        for _ in 0..<abs(shift) {
            let (grown, isTooLarge) = (shift > 0 ? numerator : denominator).multipliedReportingOverflow(by: 10)
            if isTooLarge {
                if numerator == 0 { return (0, 0) }
                // Larger than any count, or smaller than one.
                if shift > 0 { return isNegative ? (-far, -far) : (far, far) }
                return isNegative ? (-1, 0) : (0, 1)
            }
            if shift > 0 { numerator = grown } else { denominator = grown }
        }
        let (quotient, rest) = numerator.quotientAndRemainder(dividingBy: denominator)
        let whole = min(quotient, far)
        let next = rest == 0 ? whole : whole + 1
        return isNegative ? (-next, -whole) : (whole, next)
    }

    /// The number in counts of a scale; `nil` where it is no whole number of them, or does not fit.
    package func exactCounts(of scale: DecimalScale) -> Int64? {
        let (floor, ceiling) = counts(of: scale)
        return floor == ceiling ? Int64(exactly: floor) : nil
    }
}
