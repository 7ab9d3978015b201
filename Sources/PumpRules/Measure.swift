package import CommandFacts
package import PumpControl

/// What of an infusion is limited.
package enum Measure: String, Sendable, Hashable, CaseIterable {
    /// Kept in mL/h.
    case rate
    /// Kept in mL.
    case volume
    /// Kept in min.
    case duration

    /// The units that it may be told in, by their UCUM codes, and how many of the kept unit one of it is.
    package var units: [(code: String, factor: Ratio)] {
        switch self {
        case .rate:
            [
                ("mL/h", Ratio(1, 1)), ("mL/min", Ratio(60, 1)), ("uL/h", Ratio(1, 1000)), ("uL/min", Ratio(60, 1000)),
                ("mL/d", Ratio(1, 24)), ("L/h", Ratio(1000, 1)),
            ]
        case .volume: [("mL", Ratio(1, 1)), ("uL", Ratio(1, 1000)), ("L", Ratio(1000, 1))]
        case .duration: [("h", Ratio(60, 1)), ("min", Ratio(1, 1)), ("d", Ratio(1440, 1)), ("s", Ratio(1, 60))]
        }
    }

    /// What a unit measures; `nil` of one that is none of these.
    package static func measured(in unit: String) -> (measure: Measure, factor: Ratio)? {
        for measure in allCases {
            if let found = measure.units.first(where: { $0.code == unit }) { return (measure, found.factor) }
        }
        return nil
    }

    /// For people, in mL/h, mL, and h or min: `1.2 mL/h`, `96 h`.
    package func text(_ value: Ratio) -> String {
        switch self {
        case .rate: "\(value.text(places: 5)) mL/h"
        case .volume: "\(value.text(places: 5)) mL"
        case .duration:
            if value < Ratio(60, 1) {
                "\(value.text(places: 2)) min"
            } else {
                (value.over(Ratio(60, 1)) ?? value).text(places: 2) + " h"
            }
        }
    }
}

/// What one file says of a quantity.
package struct LimitPair: Sendable, Hashable {
    /// Beyond it nothing is sent.
    package let hard: Bounds
    /// Beyond it a reason and a second person are needed.
    package let soft: Bounds

    package init(hard: Bounds = Bounds(), soft: Bounds = Bounds()) { (self.hard, self.soft) = (hard, soft) }
}

extension Ratio {
    /// Whether they are no further apart than a share of the other one; `false` where that cannot be told.
    func isNear(_ other: Ratio, within share: Ratio) -> Bool {
        guard let apart = distance(to: other), let most = other.times(share) else { return false }
        return apart <= most
    }
}
