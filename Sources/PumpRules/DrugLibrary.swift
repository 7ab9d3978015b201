package import CommandFacts
package import PumpControl

/// What a drug may be given from.
package enum Container: String, Sendable, Hashable, CaseIterable {
    case syringe
    case bag
    case minibag
}

/// The way that a drug takes.
package enum Route: String, Sendable, Hashable, CaseIterable {
    case peripheral
    case central
    case subcutaneous
    /// Never given by a pump of this program; named so that it is refused in words.
    case intrathecal
}

package struct DrugLibrary: Sendable, Hashable {
    package struct DoseLimit: Sendable, Hashable {
        package let unit: Dose.Unit
        package let limits: LimitPair

        package init(_ unit: Dose.Unit, _ limits: LimitPair) { (self.unit, self.limits) = (unit, limits) }
    }

    /// What counts in one care area.
    package struct Area: Sendable, Hashable {
        package var limits: [Measure: LimitPair] = [:]
        package var doses: [DoseLimit] = []

        package init() {}
    }

    package struct Drug: Sendable, Hashable {
        package var name: String
        package var arabicName: String
        package var isVesicant: Bool
        package var isVinca: Bool
        /// Unit: mg/mL.
        package var concentrations: Set<ExactQuantity> = []
        package var containers: Set<Container> = []
        package var routes: Set<Route> = []
        /// How far what is set may be from what is ordered, as a share of it. Range: 0…1/20.
        package var rounding: Ratio = .zero
        /// By care area; it is not given in another.
        package var areas: [String: Area] = [:]

        package init(_ name: String, arabicName: String, isVesicant: Bool, isVinca: Bool) {
            (self.name, self.arabicName) = (name, arabicName)
            (self.isVesicant, self.isVinca) = (isVesicant, isVinca)
        }
    }

    package var use: RuleUse
    /// By id.
    package var drugs: [String: Drug] = [:]

    package init(use: RuleUse) { self.use = use }
}
