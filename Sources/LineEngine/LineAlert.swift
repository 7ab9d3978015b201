package import DeviceModel
package import ProfileLanguage

/// An alert of a line's device: one that its profile declares, or one about the link itself.
package struct LineAlert: Sendable {
    /// The device's handle.
    package let device: String
    package let vmd: String?
    package let name: String
    package let priority: AlertPriority
    package let text: String
    /// What a nurse reads, in Arabic.
    package let arabicText: String
    /// Whether it is of the device itself, or of its link.
    package let isOfDevice: Bool
    /// Whether it tells that the device no longer obeys the host.
    package let isControlLost: Bool

    package init(device: String, _ alert: AlertDescription) {
        (isOfDevice, isControlLost) = (true, alert.isControlLost)
        self.device = device
        vmd = alert.vmd
        name = alert.name
        priority = alert.priority.asDescribed
        text = alert.text
        arabicText = alert.arabicText
    }

    package init(device: String, _ alert: LinkAlert) {
        (isOfDevice, isControlLost) = (false, false)
        let descriptor = alert.kind.descriptor
        self.device = device
        vmd = nil
        name = descriptor.name
        priority = descriptor.priority
        text = descriptor.text
        arabicText = descriptor.arabicText
    }

    /// This alert as the journal keeps one occurrence of it.
    package func occurrence(_ instance: String?) -> AlertRecord {
        AlertRecord(
            device: device, vmd: vmd, name: name, priority: priority, text: text, arabicText: arabicText,
            instance: instance)
    }
}

extension AlertDescription.Priority {
    /// The same in the words of the table.
    fileprivate var asDescribed: AlertPriority {
        switch self {
        case .high: .high
        case .medium: .medium
        case .low: .low
        }
    }
}
