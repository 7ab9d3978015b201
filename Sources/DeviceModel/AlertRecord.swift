/// Why an alert ended although its condition was not seen to.
package enum AlertEnding: String, Sendable, CaseIterable {
    /// The host stopped, and watches it no longer. Said by older hosts only.
    case stopped
    /// The host that watched it ended without a stop; the next one ended it at its start. Said by older hosts only.
    case restarted
    /// The host began anew, could have seen the condition, and has not.
    case notSeenAgain
    /// Somebody acknowledged it after its condition had ended.
    case acknowledged
    /// What watched for it does so no longer: another preset, another patient, or none.
    case unwatched
    /// The same, and its device is not in the configuration any more.
    case removed
    /// Its end was lost before it could be written; it has begun anew.
    case lost
}

/// One occurrence of an alert as the journal keeps it.
package struct AlertRecord: Sendable, Hashable {
    /// The device's handle; `nil` for the host's own.
    package let device: String?
    package let vmd: String?
    /// The bed at which it is; `nil` for what is at none.
    package let bed: String?
    /// The metric whose value it is about; `nil` for what is about none.
    package let metric: String?
    /// The alert's name.
    package let name: String
    package let priority: String?
    package let text: String?
    package let arabicText: String?
    /// Names the occurrence: its start and its end have the same.
    package let instance: String?

    package init(
        device: String?, vmd: String? = nil, bed: String? = nil, metric: String? = nil, name: String,
        priority: AlertPriority, text: String, arabicText: String, instance: String?
    ) {
        (self.device, self.vmd, self.bed, self.metric) = (device, vmd, bed, metric)
        (self.name, self.priority) = (name, priority.rawValue)
        (self.text, self.arabicText, self.instance) = (text, arabicText, instance)
    }

    /// An alert of the host's own table.
    package init(device: String? = nil, vmd: String? = nil, _ alert: AlertDescriptor, instance: String?) {
        self.init(
            device: device, vmd: vmd, name: alert.name, priority: alert.priority, text: alert.text,
            arabicText: alert.arabicText,
            instance: instance)
    }

    /// An alert as it was written; `nil` when the members do not name one.
    package init?(device: String?, members: [String: String]) {
        guard let name = members["alert"] else { return nil }
        (self.device, self.name, vmd, priority) = (device, name, members["vmd"], members["priority"])
        (bed, metric) = (members["bed"], members["metric"])
        (text, arabicText, instance) = (members["text"], members["textArabic"], members["instance"])
    }

    /// The same as another occurrence, or as none that is named.
    package func occurrence(_ instance: String?) -> AlertRecord {
        AlertRecord(copy: self, instance: instance, bed: bed)
    }

    /// The same at another bed, or at none.
    package func moved(to bed: String?) -> AlertRecord { AlertRecord(copy: self, instance: instance, bed: bed) }

    /// The same with another priority.
    package func with(_ priority: AlertPriority) -> AlertRecord {
        AlertRecord(copy: self, instance: instance, bed: bed, priority: priority.rawValue)
    }

    private init(copy other: AlertRecord, instance: String?, bed: String?, priority: String? = nil) {
        (device, vmd, self.bed, metric, name) = (other.device, other.vmd, bed, other.metric, other.name)
        (text, arabicText) = (other.text, other.arabicText)
        self.priority = priority ?? other.priority
        self.instance = instance
    }

    /// What tells one alert from another while it holds: device, virtual device and name; for one that is about a bed's
    /// value the bed and the metric too. A device keeps its own alerts when it goes to another bed.
    package var condition: String {
        let isOfBed = metric != nil || device == nil
        let place = isOfBed ? bed.map { "\($0)/\(metric ?? "")/" } ?? "" : ""
        return "\(place)\(device ?? "")/\(vmd ?? "")/\(name)"
    }

    /// The same at a bed, where it is about a device that is at one.
    package func at(_ bed: String?) -> AlertRecord { AlertRecord(copy: self, instance: instance, bed: bed ?? self.bed) }

    package func members(repeated: UInt32 = 0, reason: AlertEnding? = nil) -> JSON {
        .members([
            "vmd": vmd.map(JSON.string), "bed": bed.map(JSON.string), "metric": metric.map(JSON.string),
            "alert": .string(name), "priority": priority.map(JSON.string),
            "text": text.map(JSON.string),
            "textArabic": arabicText.map(JSON.string), "instance": instance.map(JSON.string),
            "repeated": repeated == 0 ? nil : .integer(Int64(repeated)),
            "reason": reason.map { .string($0.rawValue) },
        ])
    }
}
