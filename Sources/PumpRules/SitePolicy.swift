package import CommandFacts
import PumpControl

/// What rules are for: a training library is no library for a treatment.
package enum RuleUse: String, Sendable, Hashable, CaseIterable {
    case treatment
    case training
}

/// What a site lets this program do to its devices. What it does not name is not done.
package struct SitePolicy: Sendable, Hashable {
    package struct Device: Sendable, Hashable {
        /// `nil`: the device tells none.
        package var serial: String?
        package var area: String
        package var bed: String?
        /// The commands that may be given; a stop always may.
        package var commands: Set<String>
        /// Those of them that begin a measurement: without an order.
        package var measurements: Set<String> = []
        /// Those of them that one person may give: measurements only.
        package var alone: Set<String> = []
        /// Those of them that need no order.
        package var withoutOrder: Set<String> = []
        /// The site takes a device that this program cannot stop.
        package var acceptsNoRemoteStop = false
        /// The site takes a device of which nobody knows what it does when it is no longer spoken to.
        package var acceptsUnknownLapse = false
        /// The site takes a device that is reached over a network, where what was said may come later.
        package var acceptsNetwork = false
        package var limits: [Measure: LimitPair] = [:]
        /// The program's own, tightened.
        package var rules = CommandRules()

        package init(area: String, commands: Set<String>) { (self.area, self.commands) = (area, commands) }
    }

    package var use: RuleUse
    /// By care area.
    package var areas: [String: [Measure: LimitPair]] = [:]
    /// By handle.
    package var devices: [String: Device] = [:]

    package init(use: RuleUse) { self.use = use }
}

/// What this program never goes beyond, whatever the files say.
///
/// The figures are the project's own and come from no standard: a rate that infusion pumps reach, the largest volume
/// with four digits, a week.
package enum Ceiling {
    package static let limits: [Measure: LimitPair] = [
        .rate: LimitPair(hard: Bounds(most: ExactQuantity(1200, places: 0))),
        .volume: LimitPair(hard: Bounds(most: ExactQuantity(9999, places: 0))),
        .duration: LimitPair(hard: Bounds(most: ExactQuantity(10_080, places: 0))),
    ]

    /// A rate that differs by more from the one that is running is flagged.
    package static let jump = Ratio(1, 5)
}
