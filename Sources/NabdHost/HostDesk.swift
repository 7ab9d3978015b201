import DevicePlans
import Fieldbus
import OperatorDesk
import PumpDesk
import Sampling

/// The command path as those who ask reach it.
final class HostDesk: CommandDesk {
    let asks = AskQueue<DeskRequest, DeskAnswer>(limit: DeskRounds.mostAsks)
    let pumps: [DrivenPump]

    init(_ pumps: [DrivenPump]) { self.pumps = pumps }

    func answer(_ request: DeskRequest) async -> DeskAnswer {
        do { return try await asks.ask(request) } catch {
            let words =
                switch error {
                case .notRunning: "The unit's host does not take commands now."
                case .full: "Too many ask at once: try again."
                case .cancelled: "It was withdrawn."
                }
            return .refused(code: "notRunning", words: words, command: nil)
        }
    }

    func stopNow(device: String) -> Bool {
        guard let pump = pumps.first(where: { $0.handle == device }) else { return false }
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
