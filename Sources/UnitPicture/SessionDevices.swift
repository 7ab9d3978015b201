import DeviceModel
import Foundation
import SampleJournal

/// The devices of a session, and how the link to each is: a fold over its events.
struct SessionDevices {
    /// What is known of a device's link.
    enum Link: Hashable {
        /// Nothing was heard of it yet.
        case awaited
        case answering
        /// It does not answer, or its line is lost; with what was heard in place of answers.
        case silent(hint: String)
        /// Another device is connected than the one expected.
        case wrong

        var word: String {
            switch self {
            case .awaited: "awaited"
            case .answering: "answering"
            case .silent: "silent"
            case .wrong: "wrong"
            }
        }

        var hint: String { if case .silent(let hint) = self { hint } else { "" } }
    }

    struct Device: Hashable {
        let profile: String
        let manufacturer: String
        let model: String
        /// The metrics that it tells now and then: they do not become stale.
        let results: Set<String>
        var link: Link
        /// Since when its link is so. Unit: ns since 1970.
        var since: Int64
    }

    /// The most that are shown; a unit has fewer.
    static let most = 512
    /// What is read of a session.
    static let kinds: [EventKind] = [
        .deviceConfigured, .deviceReleased, .deviceConnected, .deviceIdentified, .deviceSilent, .deviceDisconnected,
        .wrongDevice,
    ]

    private(set) var devices: [String: Device] = [:]

    /// Takes an event of the session. Returns whether it is about a device here.
    mutating func take(_ event: EventRecord) -> Bool {
        guard let kind = EventKind(rawValue: event.kind), let handle = event.device else { return false }
        switch kind {
        case .deviceConfigured:
            guard devices.count < Self.most || devices[handle] != nil else { return false }
            let body = event.object
            devices[handle] = Device(
                profile: body["profile"] as? String ?? "", manufacturer: body["manufacturer"] as? String ?? "",
                model: body["model"] as? String ?? "", results: Set(body["results"] as? [String] ?? []),
                link: .awaited, since: event.utc)
            return true
        case .deviceReleased: return devices.removeValue(forKey: handle) != nil
        case .deviceConnected, .deviceIdentified: return set(.answering, handle, event)
        case .deviceSilent: return set(.silent(hint: event.object["text"] as? String ?? ""), handle, event)
        case .deviceDisconnected:
            // The system's own words, as far as it knows the number.
            let number = (event.object["figure"] as? NSNumber).flatMap { Int32(exactly: $0) }
            let hint = number.flatMap { POSIXErrorCode(rawValue: $0) }.map { POSIXError($0).localizedDescription }
            return set(.silent(hint: hint ?? ""), handle, event)
        case .wrongDevice: return set(.wrong, handle, event)
        default: return false
        }
    }

    private mutating func set(_ link: Link, _ handle: String, _ event: EventRecord) -> Bool {
        guard var device = devices[handle] else { return false }
        // Told again, it is so since it was told first.
        if device.link != link { (device.link, device.since) = (link, event.utc) }
        devices[handle] = device
        return true
    }
}

extension EventRecord {
    /// The body's members; empty where it is no object.
    var object: [String: Any] {
        (try? JSONSerialization.jsonObject(with: Data(body.utf8))) as? [String: Any] ?? [:]
    }
}
