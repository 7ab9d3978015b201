import DeviceProfiles

/// An alert of a line's device: one that its profile declares, or one about the link itself.
public struct LineAlert: Sendable {
    /// The device's handle.
    public let device: String
    public let vmd: String?
    public let name: String
    public let priority: AlertDescription.Priority
    public let text: String
    /// What a nurse reads, in Arabic.
    public let arabicText: String

    package init(device: String, _ alert: AlertDescription) {
        self.device = device
        vmd = alert.vmd
        name = alert.name
        priority = alert.priority
        text = alert.text
        arabicText = alert.arabicText
    }

    package init(device: String, _ alert: LinkAlert) {
        self.device = device
        vmd = nil
        name = alert.name
        priority = alert.priority
        text = alert.text
        arabicText = alert.arabicText
    }
}

/// Conditions of the link that are alerts: technical ones, by the delay after which missing data can do harm.
///
/// The priorities are proposed here after the table of IEC 60601-1-8 as reproduced in public sources, and have not been reviewed by a clinician.
package enum LinkAlert: Int, CaseIterable {
    case stale
    case wrongDevice
    case conflictingReplies
    case busContention
    case echoLost
    case registersRefused

    var name: String {
        switch self {
        case .stale: "NABD_DEVICE_STALE"
        case .wrongDevice: "NABD_WRONG_DEVICE"
        case .conflictingReplies: "NABD_CONFLICTING_REPLIES"
        case .busContention: "NABD_BUS_CONTENTION"
        case .echoLost: "NABD_LINE_ECHO_LOST"
        case .registersRefused: "NABD_REGISTERS_REFUSED"
        }
    }

    var priority: AlertDescription.Priority {
        switch self {
        case .wrongDevice, .conflictingReplies: .high
        case .stale, .busContention: .medium
        case .echoLost, .registersRefused: .low
        }
    }

    var text: String {
        switch self {
        case .stale: "No current values from this device"
        case .wrongDevice: "Another device is connected than the one expected; its values are withheld"
        case .conflictingReplies: "Contradictory answers: two devices may have one address; values are withheld"
        case .busContention: "Somebody else is talking on this device's line"
        case .echoLost: "This device's line adapter works at times only"
        case .registersRefused: "This device refuses some of the values asked for"
        }
    }

    var arabicText: String {
        switch self {
        case .stale: "لا توجد قيم حالية من هذا الجهاز"
        case .wrongDevice: "الجهاز الموصول ليس الجهاز المتوقع؛ قيمه محجوبة"
        case .conflictingReplies: "إجابات متضاربة: قد يحمل جهازان العنوان نفسه؛ القيم محجوبة"
        case .busContention: "طرف آخر يرسل على خط هذا الجهاز"
        case .echoLost: "محوّل خط هذا الجهاز يعمل بشكل متقطع"
        case .registersRefused: "هذا الجهاز يرفض بعض القيم المطلوبة"
        }
    }
}
