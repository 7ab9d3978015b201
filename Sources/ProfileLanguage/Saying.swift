#if Commands
import CommandFacts
import DeviceModel
import Nomenclature

// What a command says, of what its profile says and its arguments.

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

    /// A count of the smallest place with its point and all its places.
    private static func fixed(_ counts: Int64, places: Int) -> String {
        guard places > 0 else { return String(counts) }
        var digits = String(counts)
        if digits.count <= places { digits = String(repeating: "0", count: places + 1 - digits.count) + digits }
        return "\(digits.dropLast(places)).\(digits.suffix(places))"
    }
}

extension DeviceProfile {
    /// The numbers of a write's registers, or of its coils, in their order.
    ///
    /// - Parameter argument: an argument as it is sent, by its name; `nil` where it is missing.
    package func words(of write: RegisterWrite, argument: (String) -> String?) -> [UInt16]? {
        var words: [UInt16] = []
        for part in write.parts {
            guard let field = field(part.field) else { return nil }
            switch part.content {
            case .value(let code):
                guard let written = try? field.words(code) else { return nil }
                words += written
            case .argument(let name):
                guard let text = argument(name), let written = try? field.words(text) else { return nil }
                words += written
            }
        }
        return words
    }
}
#endif
