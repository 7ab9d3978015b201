package import CommandFacts
package import PumpControl

/// Whose order it is. Opaque: it is compared, and shown nowhere.
package struct PatientKey: Sendable, Hashable, CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable
{
    package let text: String

    package init(_ text: String) { self.text = text }

    package var description: String { "(a patient)" }
    package var debugDescription: String { description }
    package var customMirror: Mirror { Mirror(self, children: []) }
}

/// One infusion as it was ordered.
package struct Order: Sendable, Hashable {
    /// What the dose is counted by.
    package enum Basis: Sendable, Hashable {
        /// It is what it is. Unit: mg.
        case whole
        /// Units: mg/m2, m2.
        case surface(ExactQuantity, ExactQuantity)
        /// Units: mg/kg, kg.
        case weight(ExactQuantity, ExactQuantity)
    }

    /// Where it is to be given.
    package enum Place: Sendable, Hashable {
        case device(String)
        case bed(String)
    }

    package var patient: PatientKey
    package var drug: String
    /// Unit: mg/mL.
    package var concentration: ExactQuantity
    /// In all. Unit: mg.
    package var dose: ExactQuantity
    package var basis: Basis = .whole
    package var route: Route
    package var container: Container
    /// Unit: mL/h. One of rate and duration is there at least.
    package var rate: ExactQuantity?
    /// Unit: min.
    package var duration: ExactQuantity?
    /// Unit: mL.
    package var volume: ExactQuantity
    package var place: Place
    /// Unit: ns since 1970.
    package var valid: ClosedRange<Int64>

    package init(
        patient: PatientKey, drug: String, concentration: ExactQuantity, dose: ExactQuantity, volume: ExactQuantity,
        route: Route, container: Container, place: Place, valid: ClosedRange<Int64>
    ) {
        (self.patient, self.drug, self.concentration, self.dose) = (patient, drug, concentration, dose)
        (self.volume, self.route, self.container) = (volume, route, container)
        (self.place, self.valid) = (place, valid)
    }

    /// The rate that it comes to exactly. Unit: mL/h. `nil` where that does not fit, or nothing is ordered.
    package var exactRate: Ratio? {
        if let rate { return rate.ratio }
        guard let duration, let hours = duration.ratio.over(Ratio(60, 1)) else { return nil }
        return dose.ratio.over(concentration.ratio)?.over(hours)
    }

    /// What of the person a dose rate is counted by; `nil` where the order does not tell it.
    package func size(_ body: Dose.Body?) -> ExactQuantity? {
        switch (body, basis) {
        case (.surface, .surface(_, let size)), (.weight, .weight(_, let size)): size
        default: nil
        }
    }
}

package struct Orders: Sendable, Hashable {
    package var use: RuleUse
    /// By id.
    package var orders: [String: Order] = [:]

    package init(use: RuleUse) { self.use = use }
}
