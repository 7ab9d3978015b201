/// An exact fraction that is not negative, in lowest terms. What does not fit is told, never rounded.
package struct Ratio: Sendable, Hashable {
    package let numerator: Int128
    /// At least 1.
    package let denominator: Int128

    package static let zero = Ratio(0, 1)

    /// - Parameters:
    ///   - numerator: at least 0.
    ///   - denominator: at least 1.
    package init(_ numerator: Int128, _ denominator: Int128) {
        precondition(numerator >= 0 && denominator > 0)
        var (one, other) = (numerator, denominator)
        while other != 0 { (one, other) = (other, one % other) }
        (self.numerator, self.denominator) = (numerator / one, denominator / one)
    }

    /// `10^exponent`. Range: 0…18.
    static func powerOfTen(_ exponent: Int) -> Int128 { (0..<exponent).reduce(1) { power, _ in power * 10 } }

    /// `nil` where the product does not fit.
    package func times(_ other: Ratio) -> Ratio? {
        // Crosswise in lowest terms first: what fits then is found to fit.
        let (left, right) = (Ratio(numerator, other.denominator), Ratio(other.numerator, denominator))
        let (top, isTooHigh) = left.numerator.multipliedReportingOverflow(by: right.numerator)
        let (bottom, isTooDeep) = left.denominator.multipliedReportingOverflow(by: right.denominator)
        return isTooHigh || isTooDeep ? nil : Ratio(top, bottom)
    }

    /// `nil` by zero, or where the quotient does not fit.
    package func over(_ other: Ratio) -> Ratio? {
        other.numerator == 0 ? nil : times(Ratio(other.denominator, other.numerator))
    }

    /// How far apart they are; `nil` where that does not fit.
    package func distance(to other: Ratio) -> Ratio? {
        let (left, isTooHigh) = numerator.multipliedReportingOverflow(by: other.denominator)
        let (right, isTooHighToo) = other.numerator.multipliedReportingOverflow(by: denominator)
        let (bottom, isTooDeep) = denominator.multipliedReportingOverflow(by: other.denominator)
        return isTooHigh || isTooHighToo || isTooDeep ? nil : Ratio(max(left, right) - min(left, right), bottom)
    }

    /// The nearest multiple of a step; the upper one of two that are as near. `nil` by a step of zero, or where the
    /// multiple is no quantity.
    package func nearest(step: ExactQuantity) -> ExactQuantity? {
        guard let steps = over(step.ratio) else { return nil }
        let (twice, isTooHigh) = steps.numerator.multipliedReportingOverflow(by: 2)
        let (bottom, isTooDeep) = steps.denominator.multipliedReportingOverflow(by: 2)
        let (top, isTooHighToo) = twice.addingReportingOverflow(steps.denominator)
        guard !isTooHigh, !isTooDeep, !isTooHighToo else { return nil }
        let (mantissa, isTooMuch) = (top / bottom).multipliedReportingOverflow(by: Int128(step.mantissa))
        guard !isTooMuch, let short = Int64(exactly: mantissa) else { return nil }
        return ExactQuantity(short, places: step.places)
    }

    /// The first digits of it, cut off, for people: `1.20007…`. Range of `places`: 0…12.
    package func text(places: Int) -> String {
        let (whole, rest) = numerator.quotientAndRemainder(dividingBy: denominator)
        var digits = ""
        var left = rest
        for _ in 0..<max(0, min(12, places)) where left != 0 {
            let (grown, isTooHigh) = left.multipliedReportingOverflow(by: 10)
            if isTooHigh { break }
            digits += "\(grown / denominator)"
            left = grown % denominator
        }
        return "\(whole)" + (digits.isEmpty ? "" : ".\(digits)") + (left == 0 ? "" : "…")
    }
}

extension Ratio: Comparable {
    package static func < (left: Ratio, right: Ratio) -> Bool {
        // By continued fractions: no product that could fail to fit.
        let (whole, rest) = left.numerator.quotientAndRemainder(dividingBy: left.denominator)
        let (otherWhole, otherRest) = right.numerator.quotientAndRemainder(dividingBy: right.denominator)
        if whole != otherWhole { return whole < otherWhole }
        if rest == 0 || otherRest == 0 { return rest == 0 && otherRest != 0 }
        return Ratio(right.denominator, otherRest) < Ratio(left.denominator, rest)
    }
}
