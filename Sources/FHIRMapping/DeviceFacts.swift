package import DeviceModel

/// What events say of the host and its devices, taken in one after the other.
package struct DeviceFacts: Sendable {
    package static let kinds: [EventKind] = [.hostStarted, .deviceConfigured, .deviceIdentified, .wrongDevice]

    /// The last event that was taken.
    package private(set) var through: Int64 = 0
    /// The version of the program that runs; `nil` where the record does not say.
    package private(set) var hostVersion: String?
    private var devices: [String: DeviceDescription] = [:]
    private var order: [String] = []

    package init() {}

    /// The devices, in the order in which they were first configured.
    package var descriptions: [DeviceDescription] { order.compactMap { devices[$0] } }

    /// - Parameters:
    ///   - number: the event's in the journal.
    ///   - name: the event's.
    ///   - members: its further members, each as text.
    package mutating func take(_ number: Int64, name: String, device: String?, members: [String: String]) {
        through = max(through, number)
        switch (EventKind(rawValue: name), device) {
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
