import Alarms
import DeviceModel
import LineEngine
import Logging
import ProfileLanguage
import RealTime
import Sampling

/// Pumps whose counters, alarms and words contradict each other.
extension RecorderLoop {
    /// What was drained is held against what it contradicts.
    func watchInfusions() {
        for change in infusions.turn(at: clock.now()) {
            hold(change.alert, device: change.device, vmd: change.vmd, change.holds)
        }
    }

    /// One of a device's own alarms came to hold, or holds no longer.
    func watchInfusion(_ alert: LineAlert, begins: Bool, at time: Int64) {
        guard alert.isOfDevice else { return }
        if alert.isControlLost {
            infusions.take(controlLost: begins, device: alert.device, vmd: alert.vmd, at: time)
        } else if alert.priority != .low {
            infusions.take(alarm: alert.name, device: alert.device, vmd: alert.vmd, begins: begins, at: time)
        }
    }

    /// The host is asked to stop: pumps that infuse and will stop for want of it are told before it does.
    func tellOfPumpsThatStop() {
        let now = clock.now()
        for (device, does) in lines.flatMap({ $0.worker.silences }) {
            guard case .stops(let after) = does, infusions.infuses(device, at: now) else { continue }
            hold(.stopsWithUnit, device: device, true)
            logger.critical(
                "this pump infuses, and stops by itself when it hears nothing more: go to the pump",
                metadata: ["device": "\(device)", "seconds": "\(after / 1_000_000_000)"])
        }
    }
}
