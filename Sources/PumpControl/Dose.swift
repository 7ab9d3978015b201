package import CommandFacts

/// What is given of a drug in a time.
package struct Dose: Sendable, Hashable {
    /// The units that a dose may be ordered in, by their UCUM codes.
    package enum Unit: String, Sendable, CaseIterable {
        case milligramPerHour = "mg/h"
        case milligramPerKilogramHour = "mg/kg/h"
        case milligramPerSquareMetreHour = "mg/m2/h"
        case milligramPerSquareMetreDay = "mg/m2/d"

        /// What of the person it is counted by.
        package var body: Body? {
            switch self {
            case .milligramPerHour: nil
            case .milligramPerKilogramHour: .weight
            case .milligramPerSquareMetreHour, .milligramPerSquareMetreDay: .surface
            }
        }

        private var hours: Int128 { self == .milligramPerSquareMetreDay ? 24 : 1 }

        /// The milligrams an hour that one of it is, for a person of this weight or surface.
        fileprivate func factor(_ size: ExactQuantity?) -> Ratio? {
            (body == nil ? Ratio(1, 1) : size?.ratio)?.over(Ratio(hours, 1))
        }
    }

    package enum Body: Sendable, Hashable {
        /// Unit: kg.
        case weight
        /// Unit: m².
        case surface
    }

    package let amount: ExactQuantity
    package let unit: Unit

    package init(_ amount: ExactQuantity, _ unit: Unit) { (self.amount, self.unit) = (amount, unit) }

    /// The rate that gives it, exactly. Unit: mL/h. `nil` where the weight or surface that it needs is missing, the
    /// concentration is zero, or it does not fit.
    ///
    /// - Parameters:
    ///   - concentration: unit mg/mL.
    ///   - size: of the person, as the unit counts it: kg or m².
    package func rate(concentration: ExactQuantity, size: ExactQuantity? = nil) -> Ratio? {
        unit.factor(size).flatMap { amount.ratio.times($0) }?.over(concentration.ratio)
    }

    /// What a rate gives. Unit: that of ``unit``. `nil` as of ``rate(concentration:size:)``.
    package static func given(
        rate: ExactQuantity, concentration: ExactQuantity, size: ExactQuantity? = nil, in unit: Unit
    ) -> Ratio? {
        guard let factor = unit.factor(size) else { return nil }
        return rate.ratio.times(concentration.ratio)?.over(factor)
    }
}

/// A quantity that a pump can be set to, in place of the exact one.
package struct Rounding: Sendable, Hashable {
    package let exact: Ratio
    package let value: ExactQuantity
    /// How far the value is from the exact one, as a share of the exact one.
    package let share: Ratio

    package enum Fault: Error, Sendable, Hashable {
        /// It is nothing, or does not fit.
        case notExact
        /// The pump's step is too coarse: further away than the drug allows.
        case tooCoarse(exact: Ratio, value: ExactQuantity, share: Ratio)
    }

    /// - Parameters:
    ///   - step: what the pump can be set to are its multiples.
    ///   - most: the largest share that the drug allows.
    package init(_ exact: Ratio, step: ExactQuantity, most: Ratio) throws(Fault) {
        guard exact > .zero, let value = exact.nearest(step: step),
            let share = exact.distance(to: value.ratio)?.over(exact)
        else { throw .notExact }
        if share > most || value.isZero { throw .tooCoarse(exact: exact, value: value, share: share) }
        (self.exact, self.value, self.share) = (exact, value, share)
    }
}

/// Amount, concentration, rate, volume and duration of one infusion, which follow from one another.
package enum Infusion {
    /// The rate that gives an amount in a time. Units: mg, mg/mL, h; mL/h.
    package static func rate(amount: ExactQuantity, concentration: ExactQuantity, hours: ExactQuantity) -> Ratio? {
        amount.ratio.over(concentration.ratio)?.over(hours.ratio)
    }

    /// How long a volume lasts. Units: mL, mL/h; h.
    package static func hours(volume: ExactQuantity, rate: ExactQuantity) -> Ratio? { volume.ratio.over(rate.ratio) }

    /// What a volume holds. Units: mL, mg/mL; mg.
    package static func amount(volume: ExactQuantity, concentration: ExactQuantity) -> Ratio? {
        volume.ratio.times(concentration.ratio)
    }
}
