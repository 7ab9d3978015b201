package import DeviceModel

/// A time within a session of the host.
package struct Moment: Sendable, Hashable {
    /// The session's key.
    package let session: String
    /// Unit: ns of the monotonic clock, which goes on while the machine sleeps and begins anew when it starts.
    package let nanoseconds: Int64

    package init(session: String, nanoseconds: Int64) { (self.session, self.nanoseconds) = (session, nanoseconds) }
}

/// A bed as a session has it.
package struct ConfiguredBed: Sendable, Hashable {
    /// What people call it, in English.
    package let name: String
    package let nameArabic: String
    /// The handles of its devices; none where the session has the bed no longer.
    package let devices: [String]

    package init(name: String, nameArabic: String, devices: [String]) {
        (self.name, self.nameArabic, self.devices) = (name, nameArabic, devices)
    }
}

/// The limits by which a bed's values are watched.
package struct PresetChoice: Sendable, Hashable {
    package let preset: String
    /// SHA-256 of its file, in 64 hexadecimal digits.
    package let digest: String
    /// Whether a clinician has reviewed it.
    package let isReviewed: Bool
    /// The ids of those who chose; empty where the configuration did.
    package let by: [String]
    /// What its file says of limits, for whoever shows values beside them: at most ``BedRecord/mostLimits``, each
    /// metric once. Empty in records of hosts that did not write it.
    package let limits: [WatchedLimits]

    package init(preset: String, digest: String, isReviewed: Bool, by: [String], limits: [WatchedLimits] = []) {
        (self.preset, self.digest, self.isReviewed, self.by) = (preset, digest, isReviewed, by)
        self.limits = limits
    }
}

/// The limits of one metric at a bed, as they stood in the preset when it was chosen.
package struct WatchedLimits: Sendable, Hashable {
    /// A limit beyond which there is an alarm.
    package struct Level: Sendable, Hashable {
        /// In the metric's unit, as exact decimal text without superfluous zeros.
        package let value: String
        package let priority: AlertPriority
        /// How long a value must be beyond it. Unit: ns. Range: 0 up.
        package let delay: Int64

        package init(value: String, priority: AlertPriority, delay: Int64) {
            (self.value, self.priority, self.delay) = (value, priority, delay)
        }
    }

    /// The metric's reference identifier.
    package let metric: String
    /// UCUM: that of the values below, which need not be that of a device's values.
    package let unit: String
    /// The milder one first; at most ``BedRecord/mostLevels`` on a side.
    package let low: [Level]
    package let high: [Level]

    package init(metric: String, unit: String, low: [Level], high: [Level]) {
        (self.metric, self.unit, self.low, self.high) = (metric, unit, low, high)
    }
}

/// A patient who is said to be at a bed.
package struct Arrival: Sendable, Hashable {
    /// The patient: 64 hexadecimal digits.
    package let subject: String
    /// From when on the patient is at the bed, which may be before somebody said so.
    package let since: Moment
    /// The withdrawn binding in whose place it stands, by its number.
    package let replaces: Int64?
    /// The ids of those who said so.
    package let by: [String]

    package init(subject: String, since: Moment, replaces: Int64? = nil, by: [String]) {
        (self.subject, self.since, self.replaces, self.by) = (subject, since, replaces, by)
    }
}

/// What somebody entered at a bed, as no device measures it.
package struct BedEntry: Sendable, Hashable {
    package let item: String
    package let value: String
    package let by: [String]

    package init(item: String, value: String, by: [String]) {
        (self.item, self.value, self.by) = (item, value, by)
    }
}

/// Something that happened at a bed. What a score came to is the room's of scores.
package enum BedEvent: Sendable, Hashable {
    case configured(bed: String, ConfiguredBed)
    case presetChosen(bed: String, PresetChoice)
    /// The binding's number is the event's.
    case bound(bed: String, Arrival)
    case unbound(bed: String, binding: Int64, by: [String])
    /// It was another patient: all that was filed under it was entered in error.
    case withdrawn(bed: String, binding: Int64, by: [String])
    case entered(bed: String, BedEntry)
    /// All that the events of beds before came to.
    case snapshot(BedSnapshot)
}
