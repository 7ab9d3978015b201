/// The names that profiles may use: metrics, events, units, kinds of devices.
///
/// Source of the numbers: `nomenclature/*.tsv` beside the profiles, each with its proof. The text of ISO/IEEE
/// 11073-10101 itself was not available to the project.
package struct Nomenclature: Sendable {
    /// Code system of `MDC_` numbers in FHIR.
    package static let standardSystem = "urn:iso:std:iso:11073:10101"
    /// Code system of the project's own names.
    package static let ownSystem = "urn:nabd:metric"
    package static let ownEventSystem = "urn:nabd:event"
    /// Names of the project's own, and of the standard, start with these.
    package static let ownPrefix = "NABD_"
    package static let standardPrefix = "MDC_"

    package internal(set) var metrics: [String: MetricName] = [:]
    package internal(set) var events: [String: EventName] = [:]
    /// Names that were once used, and what they are called now.
    package internal(set) var formerNames: [String: String] = [:]
    package internal(set) var kinds: [String: DeviceKind] = [:]
    package internal(set) var arabicKinds: [String: String] = [:]
    var units: [String: UnitOfMeasure] = [:]
    /// Units of the table in its order, for messages and lists.
    var unitOrder: [String] = []
    var atoms = UnitAtoms()

    package init() {}

    /// The metric of this name, also of one that it once had.
    package func metric(_ name: String) -> MetricName? { metrics[name] ?? formerNames[name].flatMap { metrics[$0] } }

    /// The event of this name, also of one that it once had.
    package func event(_ name: String) -> EventName? { events[name] ?? formerNames[name].flatMap { events[$0] } }

    /// The unit that a UCUM expression stands for, or what is wrong with it.
    package func unit(_ ucum: String) -> Result<UnitOfMeasure, UnitFault> {
        if let known = units[ucum] { return .success(known) }
        return atoms.quantity(of: ucum).map { UnitOfMeasure(ucum: ucum, display: ucum, code: nil, quantity: $0) }
    }

    /// Units of the table that fit a metric, in its order.
    package func units(for metric: MetricName) -> [UnitOfMeasure] {
        unitOrder.compactMap { units[$0] }.filter { metric.measuredIn.isEmpty ? false : fits($0, metric) }
    }

    /// Whether a unit is one of a quantity that the metric is measured in.
    package func fits(_ unit: UnitOfMeasure, _ metric: MetricName) -> Bool {
        if metric.isText { return false }
        return metric.measuredIn.isEmpty
            || metric.measuredIn.contains { expression in
                (try? self.unit(expression).get()).map { $0.quantity.isSame(as: unit.quantity) } ?? false
            }
    }

    /// Units of the table, in its order.
    package var allUnits: [UnitOfMeasure] { unitOrder.compactMap { units[$0] } }
}
