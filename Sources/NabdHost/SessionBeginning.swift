import DeviceModel
import DevicePlans
import Fieldbus
import ProfileLanguage
import SampleJournal

/// What a session's journal is to hold before all else.
struct SessionBeginning {
    /// First the ends of alerts that earlier sessions left, then the host and its devices, and what it runs without.
    let events: [UnitEvent]
    /// How many alerts are ended by them; `nil` when it is not known that none is left.
    let alertsEnded: Int?

    init(_ configuration: UnitConfiguration, open: OpenAlerts, at time: Int64) {
        let devices = Set(configuration.devices.map(\.plan.handle))
        let ends = open.alerts.map { alert in
            UnitEvent.alertEnd(
                alert, reason: alert.device.map(devices.contains) ?? true ? .restarted : .removed, at: time)
        }
        alertsEnded = open.failure == nil ? ends.count : nil
        let configured = configuration.devices.map { UnitEvent.configured($0, at: time) }
        let refused = configuration.refused.map { UnitEvent.refused($0, at: time) }
        events =
            ends + [.hostStarted(unit: configuration.unit, alertsEnded: alertsEnded, at: time)] + configured
            + refused
    }
}

extension UnitEvent {
    /// A device that is read from now on.
    static func configured(_ device: UnitConfiguration.Device, at time: Int64) -> UnitEvent {
        let profile = device.plan.profile
        return deviceConfigured(
            device.plan.handle, profile: profile.name, digest: profile.digest,
            manufacturer: profile.device.manufacturer, model: profile.device.model,
            function: profile.device.kind, line: device.address.description, udi: device.udi,
            hasUnverifiedFacts: profile.provenance.contains(where: \.unverified), at: time)
    }

    /// A part of the file that is not used.
    static func refused(_ refusal: UnitConfiguration.Refusal, at time: Int64) -> UnitEvent {
        switch refusal.part {
        case .device(let handle):
            settingRefused(device: handle, setting: "devices", reason: refusal.reason, at: time)
        case .setting(let key): settingRefused(device: nil, setting: key, reason: refusal.reason, at: time)
        }
    }
}
