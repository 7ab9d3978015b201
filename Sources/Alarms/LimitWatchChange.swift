package import DeviceModel

/// A bed as alarms name it.
package struct WatchedBed: Sendable, Hashable {
    /// Its handle in the unit's configuration.
    package let id: String
    package let name: String
    package let arabicName: String

    package init(id: String, name: String, arabicName: String) {
        (self.id, self.name, self.arabicName) = (id, name, arabicName)
    }
}

/// A stream of a device at the bed, by the number under which the recorder knows it.
package struct WatchedStream: Sendable, Hashable {
    /// Unique in the host. Range: 0 up.
    package let index: Int
    package let descriptor: StreamDescriptor

    package init(index: Int, descriptor: StreamDescriptor) { (self.index, self.descriptor) = (index, descriptor) }
}

/// The alarms that a preset brings about.
package enum LimitAlert: String, Sendable, CaseIterable {
    case high = "MDC_EVT_HI_VAL_GT_LIM"
    case low = "MDC_EVT_LO_VAL_LT_LIM"
    case missing = "NABD_VITAL_MISSING"
    case overdue = "NABD_EPISODIC_OVERDUE"

    /// The number of the name in IEEE 11073-10101, where there is one. Source: `nomenclature/events.tsv`.
    package var code: UInt32? {
        switch self {
        case .high: 196_652
        case .low: 196_674
        case .missing, .overdue: nil
        }
    }
}

/// A condition of a bed that holds: what it is about, and what a nurse reads.
package struct BedCondition: Sendable, Hashable {
    /// What tells one condition from another: of each there is at most one at a time.
    package struct Key: Sendable, Hashable {
        /// The bed's handle.
        package let bed: String
        /// The device's handle; `nil` where no device has the vital, or several have an episodic one.
        package let device: String?
        package let vmd: String?
        /// The metric's reference identifier.
        package let metric: String
        package let alert: LimitAlert
    }

    package let key: Key
    package internal(set) var priority: AlertPriority
    /// 0 of the milder limit or the only one, 1 of the one further out.
    package internal(set) var level: Int
    /// Whether its signal stays after its cause, until somebody acknowledges it.
    package internal(set) var isLatching: Bool
    package internal(set) var text: String
    package internal(set) var arabicText: String
    /// When it came about: the first value beyond the limit, the last value that counted before the silence. Unit: ns
    /// of the monotonic clock.
    package internal(set) var since: Int64
}

/// What has changed about a condition.
package struct LimitChange: Sendable, Hashable {
    package enum What: Sendable, Hashable {
        case begins
        /// The worse limit has lasted its delay. Told again when the value had come back from it and reached it anew:
        /// whoever acknowledged the condition before has not seen this.
        case priorityRaised
        /// No value has borne it out for a time; it stands.
        case unconfirmed
        /// A value bears it out again.
        case confirmed
        case ends(Ending)
    }

    /// Why a condition ended.
    package enum Ending: String, Sendable, CaseIterable {
        /// A value that counts says so.
        case cleared
        /// The bed is not in use any more; of what is missing and overdue only.
        case notInUse
        /// The bed's patient is there no longer.
        case patientLeft
        /// The watch ends: another preset, other devices, or the host's stop.
        case notWatched
    }

    package let what: What
    /// The condition as it is told now; of an end, as it was told last.
    package let condition: BedCondition
    /// When it changed. Unit: ns of the monotonic clock.
    package let at: Int64
}

/// A limit of the bed's preset that nothing there is held against: what a nurse reads of it.
package struct UnwatchedLimit: Sendable, Hashable {
    /// The metric's reference identifier.
    package let metric: String
    package let text: String
    package let arabicText: String
}

/// What of a preset cannot be watched at a bed, so that somebody can be told.
package struct UnwatchedRule: Sendable, Hashable {
    package enum Cause: Sendable, Hashable {
        /// No device at the bed has this vital.
        case noDevice
        /// The device has it in a unit that is not one of the vital's.
        case otherUnit(device: String, unit: String?)
    }

    package let metric: String
    package let cause: Cause
}
