package import ProfileLanguage

/// What a played device is in: who it measures, what befalls it, and when the play began.
package struct PlayedScene: Sendable {
    /// What befalls a device for a while.
    package struct Incident: Sendable {
        package enum What: Sendable {
            /// Its cable is out: it hears nothing and says nothing. Its session is over.
            case unplugged
            /// It shows something else than its profile plays; by field or metric.
            case shows([String: SimulatedValue])
        }

        package let what: What
        package let time: PlayedTimes

        package init(_ what: What, _ time: PlayedTimes) { (self.what, self.time) = (what, time) }
    }

    /// Whom it measures; `nil`: what its profile plays.
    package let patient: PlayedPatient?
    package let incidents: [Incident]
    /// When the play began, on the monotonic clock; `nil`: when the device starts. Devices that measure the same
    /// patient have the same. Unit: ns.
    package let begin: Int64?

    package init(patient: PlayedPatient? = nil, incidents: [Incident] = [], begin: Int64? = nil) {
        (self.patient, self.incidents, self.begin) = (patient, incidents, begin)
    }

    func isUnplugged(at seconds: Double) -> Bool {
        incidents.contains { if case .unplugged = $0.what { $0.time.elapsed(at: seconds) != nil } else { false } }
    }

    /// What it shows instead of what its profile plays, and for how long so far. Unit: s.
    func shown(_ names: [String], at seconds: Double) -> (value: SimulatedValue, elapsed: Double)? {
        for incident in incidents {
            guard case .shows(let values) = incident.what, let elapsed = incident.time.elapsed(at: seconds) else {
                continue
            }
            if let value = names.lazy.compactMap({ values[$0] }).first { return (value, elapsed) }
        }
        return nil
    }
}
