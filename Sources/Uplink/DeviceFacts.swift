import DeviceModel
import FHIRMapping
import SampleJournal

/// What events say of the host and its devices, taken in one after the other.
struct DeviceFacts {
    static let kinds: [EventKind] = [.hostStarted, .deviceConfigured, .deviceIdentified, .wrongDevice]

    /// The last event that was taken.
    private(set) var through: Int64 = 0
    /// The version of the program that runs; `nil` where the record does not say.
    private(set) var hostVersion: String?
    private var devices: [String: DeviceDescription] = [:]
    private var order: [String] = []

    /// The devices, in the order in which they were first configured.
    var descriptions: [DeviceDescription] { order.compactMap { devices[$0] } }

    mutating func take(_ event: EventRecord) {
        through = max(through, event.id)
        let members = event.members
        switch (EventKind(rawValue: event.kind), event.device) {
        case (.hostStarted?, _): hostVersion = members["version"]
        case (.deviceConfigured?, let device?):
            guard !members.isEmpty else { return }
            if devices[device] == nil { order.append(device) }
            // It has not said who it is in this session.
            devices[device] = DeviceDescription(
                handle: device, manufacturer: members["manufacturer"] ?? "", model: members["model"] ?? "",
                kind: members["kind"] ?? "", udi: members["udi"])
        case (.deviceIdentified?, let device?): devices[device]?.serialNumber = members["text"]
        case (.wrongDevice?, let device?): devices[device]?.serialNumber = nil
        default: break
        }
    }
}
