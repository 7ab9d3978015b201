import DeviceModel

/// How long alerts may be silent, and when nobody's answer counts as none.
///
/// Proposed; no clinician has reviewed it. That a pause ends by itself after 10 min at most is a requirement (C-20);
/// the other times are chosen well within that.
package enum AlarmPolicy {
    /// The longest pause that can be asked for at once. Unit: ns.
    package static let longestPause: Int64 = 120_000_000_000
    /// The longest that all pauses of one occurrence come to. Unit: ns.
    package static let mostPaused: Int64 = 600_000_000_000

    /// How long nobody may answer before an alert is signalled more strongly, once; `nil`: never. Unit: ns.
    static func escalates(_ priority: AlertPriority) -> Int64? {
        switch priority {
        case .high: 60_000_000_000
        case .medium: 180_000_000_000
        case .low: nil
        }
    }

    /// How long after its acknowledgement an alert that still holds is signalled once more; `nil`: never. Unit: ns.
    static func signalsAgain(_ priority: AlertPriority) -> Int64? {
        switch priority {
        case .high, .medium: 600_000_000_000
        case .low: nil
        }
    }

    /// Whether somebody may switch an alert off: never one by which the unit says that it can no longer be relied on.
    static func maySwitchOff(_ nature: AlertNature, _ priority: AlertPriority) -> Bool {
        nature == .physiological || priority != .high
    }
}
