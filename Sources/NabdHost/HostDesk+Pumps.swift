#if Commands
import DevicePlans
import Fieldbus
import OperatorDesk
import PumpDesk
import Sampling

/// A pump that is driven; it has no value in a build without the command path.
typealias HostPump = DrivenPump

/// The pumps of the host as those who ask reach them.
extension HostDesk {
    /// The names of the lines of pumps that are driven.
    var drivenLines: Set<String> { Set(pumps?.map(\.lineName) ?? []) }

    func stopNow(device: String) -> Bool {
        // Where none of its commands can be carried out, no stop can either: its line would never answer.
        guard let pump = pumps?.first(where: { $0.handle == device && !$0.commands.isEmpty }) else { return false }
        _ = pump.line.askStop(device: pump.device)
        return true
    }
}

extension LineWorker: PumpLine {}

extension UnitConfiguration {
    /// The pumps that may be driven, on their lines.
    ///
    /// Two that would be one to the record are none: nobody could tell which of them is meant.
    func drivenPumps(_ workers: [LineWorker]) -> [DrivenPump] {
        let all = zip(lines, workers).flatMap { line, worker in
            line.plans.enumerated().compactMap { place, plan in
                DrivenPump(
                    plan, profileDigest: plan.profile.digest, device: place, lineName: line.address.description,
                    line: worker)
            }
        }
        return all.filter { pump in all.count { $0.key == pump.key } == 1 }
    }
}
#endif
