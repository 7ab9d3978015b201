package import DeviceModel
package import Nomenclature

/// Which alarms a bed gives: the limits of its vitals, what is missed when it does not come, what is due, and when a
/// score is told. One file `preset/1`.
package struct Preset: Sendable, Hashable {
    /// Its handle, and the name of its file without `.yaml`.
    package let name: String
    /// What a nurse calls it.
    package let title: String
    package let arabicTitle: String
    /// Whom it is for.
    package let purpose: String
    package let arabicPurpose: String
    /// The clinician who has reviewed it; `nil`: nobody has, and that is said wherever the preset shows.
    package let review: Review?
    /// In the file's order.
    package let vitals: [Vital]
    package let limits: [VitalLimits]
    package let missing: [MissingRule]
    package let episodic: [EpisodicRule]
    /// Vitals that are measured together with one of ``episodic``.
    package let companions: [Companion]
    package let scores: [ScoreRule]
    /// SHA-256 of the file. Shape: 64 lower-case hexadecimal digits.
    package let digest: String

    /// What is said beside a preset that no clinician has reviewed.
    package static let notReviewed = "not reviewed by a clinician"
    package static let notReviewedArabic = "لم يراجعه طبيب"

    package func vital(_ metric: String) -> Vital? { vitals.first { $0.metric == metric } }

    /// Of a vital that is measured now and then, the rule that says how often; `nil` of any other.
    package func episodicRule(_ metric: String) -> EpisodicRule? {
        let leader = companions.first { $0.vital.metric == metric }?.with ?? metric
        return episodic.first { $0.vital.metric == leader }
    }

    /// A vital sign, what people call it, and the unit in which the preset speaks of it.
    package struct Vital: Sendable, Hashable {
        /// The metric's reference identifier, as it is called today.
        package let metric: String
        package let name: String
        package let arabicName: String
        package let unit: UnitOfMeasure

        package init(metric: String, name: String, arabicName: String, unit: UnitOfMeasure) {
            (self.metric, self.name, self.arabicName, self.unit) = (metric, name, arabicName, unit)
        }
    }

    /// Who reviewed it, in what role and when.
    package struct Review: Sendable, Hashable {
        package let by: String
        package let role: String
        /// Form: `2026-11-28`.
        package let date: String
    }

    /// What the numbers of a rule rest on.
    package enum Ground: Sendable, Hashable {
        /// A public source; of the keys named the numbers are proposed by the project all the same.
        case source(String, proposed: [String])
        /// All of them are proposed by the project.
        case proposed

        /// The source, and what is proposed, in words.
        package var words: String {
            switch self {
            case .source(let source, let keys):
                keys.isEmpty ? source : "\(source); proposed: \(keys.joined(separator: ", "))"
            case .proposed: "proposed"
            }
        }
    }

    /// One limit: beyond it for its delay, there is an alarm; back within it by its hysteresis, there is none.
    package struct Level: Sendable, Hashable {
        /// A value below it (of a low limit) or above it (of a high one) is beyond; one that equals it is within.
        package let value: LimitValue
        package let priority: AlertPriority
        /// How long a value must be beyond without a break. Unit: ns. Range: 0…120 s.
        package let delay: Int64
        /// How far within a value must be before the alarm ends. Range: 0 up.
        package let hysteresis: LimitValue
        /// Whether its signal stays after its cause, until somebody acknowledges it.
        package let isLatching: Bool
        package let ground: Ground

        package init(
            value: LimitValue, priority: AlertPriority, delay: Int64, hysteresis: LimitValue, isLatching: Bool,
            ground: Ground
        ) {
            (self.value, self.priority, self.delay) = (value, priority, delay)
            (self.hysteresis, self.isLatching, self.ground) = (hysteresis, isLatching, ground)
        }
    }

    /// The limits of one vital, at most two on each side: the milder one first.
    package struct VitalLimits: Sendable, Hashable {
        package let vital: Vital
        package let low: [Level]
        package let high: [Level]

        package init(vital: Vital, low: [Level], high: [Level]) {
            (self.vital, self.low, self.high) = (vital, low, high)
        }
    }

    /// Of whom a vital is expected.
    package enum Expectation: String, Sendable, CaseIterable {
        /// Of the bed: it is missed when no device there has it, too.
        case bed
        /// Of each device at the bed that has it.
        case device
    }

    /// A vital that is missed when no valid value comes for a time.
    package struct MissingRule: Sendable, Hashable {
        package let vital: Vital
        package let expectation: Expectation
        /// Unit: ns. Range: 5 s…10 min.
        package let after: Int64
        package let priority: AlertPriority
        package let isLatching: Bool
        package let ground: Ground
    }

    /// A vital that is measured now and then, and how often it is due.
    package struct EpisodicRule: Sendable, Hashable {
        package let vital: Vital
        /// Unit: ns. Range: 1 min…24 h.
        package let every: Int64
        /// How late it may be before it is told. Unit: ns. Range: 0…``every``.
        package let grace: Int64
        package let priority: AlertPriority
        package let ground: Ground

        /// From one value to the alarm. Unit: ns.
        package var due: Int64 { every + grace }
    }

    /// A vital that comes with another one, such as the diastolic pressure with the systolic: only the other is told as
    /// overdue.
    package struct Companion: Sendable, Hashable {
        package let vital: Vital
        /// The other's metric.
        package let with: String
    }

    /// When a score is told.
    package struct ScoreRule: Sendable, Hashable {
        package enum Score: String, Sendable, CaseIterable { case news2 }

        package enum Threshold: Sendable, Hashable {
            /// The total is this or more. Range: 1…20.
            case total(Int)
            /// One part alone is this or more. Range: 1…3.
            case part(Int)
        }

        package let score: Score
        package let threshold: Threshold
        package let priority: AlertPriority
        package let ground: Ground
    }
}
