import Alarms
import DeviceModel
import DevicePlans
import Fieldbus
import JournalFolds
import Nomenclature
import ProfileLanguage
import SampleJournal

/// What a session's journal is to hold before all else.
struct SessionBeginning {
    /// First what becomes of alerts that earlier sessions left, then the host and its devices, and what it runs
    /// without.
    let events: [UnitEvent]
    /// The alerts that stand from before.
    let alarms: AlarmLedger
    /// Whether every alert that the journal saw begin is among them, or has ended there.
    let knowsAllAlerts: Bool

    /// - Parameters:
    ///   - time: unit ns of the monotonic clock.
    ///   - utc: the wall clock. Unit: ns since 1970.
    init(_ configuration: UnitConfiguration, _ history: AlarmHistory, at time: Int64, utc: Int64) {
        let devices = Set(configuration.devices.map(\.plan.handle))
        let refused = Set(configuration.refused.compactMap(\.device))
        let beds = Set(configuration.beds.map(\.id))
        var ledger = history.ledger
        ledger.mayLatch = configuration.people != nil
        let before = ledger.standing.count
        let told = ledger.take(
            ledger.beginSession { alert in
                let isBedThere = alert.bed.map { beds.contains($0) || configuration.faultyBeds.contains($0) } ?? true
                return alert.device.map { devices.contains($0) || refused.contains($0) } ?? isBedThere
            }, at: time, utc: utc)
        (alarms, knowsAllAlerts) = (ledger, history.failure == nil)
        let isSettled = knowsAllAlerts && ledger.standing.isEmpty
        let configured = configuration.devices.map { UnitEvent.configured($0, at: time) }
        let refusals = configuration.refused.map { UnitEvent.refused($0, at: time) }
        events =
            told + [
                .hostStarted(
                    unit: configuration.unit, alertsEnded: isSettled ? before : nil,
                    isTestData: configuration.isTestData, at: time)
            ]
            + configured + refusals
    }
}

extension UnitConfiguration.Refusal {
    /// The handle of the device that it costs; `nil` for another part.
    fileprivate var device: String? {
        switch part {
        case .device(let handle): handle
        case .setting: nil
        }
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
            hasUnverifiedFacts: profile.provenance.contains(where: \.unverified),
            results: profile.metrics.filter(\.isEpisodic).map(\.name.referenceID), at: time)
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
