import DeviceModel
import Nomenclature
import PumpControl

extension CommandDescription.Argument {
    /// A quantity that the command does not take, with the reason.
    package struct Refusal: Error, CustomStringConvertible {
        package let description: String
    }

    /// The quantity as it is sent: read back from that it is the same quantity.
    ///
    /// - Parameter text: in the argument's unit, in the one form of an ``ExactQuantity``. Nothing is rounded: what is
    ///   not a whole number of steps, or outside the range, is refused.
    package func written(_ text: String) throws(Refusal) -> [UInt8] {
        let quantity: ExactQuantity
        do throws(ExactQuantity.Fault) { quantity = try ExactQuantity(text) } catch {
            throw Refusal(description: "\(name): \(error.text)")
        }
        guard range.contains(quantity) else {
            throw Refusal(
                description:
                    "\(name): \(text) \(unit.display) is outside \(range.lowerBound.text) to "
                    + "\(range.upperBound.text) \(unit.display)")
        }
        guard let steps = quantity.ratio.over(step.ratio), steps.denominator == 1 else {
            throw Refusal(
                description:
                    "\(name): \(text) \(unit.display) is not a whole number of steps of \(step.text(of: 1)) "
                    + "\(unit.display)")
        }
        guard let counts = quantity.ratio.over(sentScale.ratio), counts.denominator == 1,
            let whole = Int64(exactly: counts.numerator)
        else { throw Refusal(description: "\(name): \(text) cannot be written in what is sent") }
        let isCount = scale != .one
        let sent = isCount ? String(whole) : Self.fixed(whole, places: places)
        guard let digits, sent.count(where: \.isNumber) > digits else { return Array(sent.utf8) }
        // Zeros behind the point may be left out to fit.
        let short = DecimalText.render(whole, exponent: isCount ? 0 : -places)
        guard short.count(where: \.isNumber) <= digits else {
            throw Refusal(description: "\(name): \(text) needs more than \(digits) digits")
        }
        return Array(short.utf8)
    }

    /// What one count of the digits that are sent is worth.
    var sentScale: DecimalScale { scale == .one ? DecimalScale(multiplier: 1, exponent: -places) : scale }

    /// A count of the smallest place with its point and all its places.
    private static func fixed(_ counts: Int64, places: Int) -> String {
        guard places > 0 else { return String(counts) }
        var digits = String(counts)
        if digits.count <= places { digits = String(repeating: "0", count: places + 1 - digits.count) + digits }
        return "\(digits.dropLast(places)).\(digits.suffix(places))"
    }
}

extension DecimalScale {
    /// The same as an exact fraction; of a negative one its size.
    var ratio: Ratio {
        let power = (0..<abs(exponent)).reduce(Int128(1)) { power, _ in power * 10 }
        let size = Int128(multiplier.magnitude)
        return exponent < 0 ? Ratio(size, power) : Ratio(size * power, 1)
    }
}
