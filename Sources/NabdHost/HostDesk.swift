import BedDesk
import Consultations
import DevicePlans
import Fieldbus
import OperatorDesk
import PumpControl
import PumpDesk
import Sampling

/// Somebody asks about alerts.
struct AlarmAsk: Sendable {
    let request: AlarmRequest
    let by: Operator
}

/// The host as those who ask reach it.
final class HostDesk: CommandDesk {
    let asks = AskQueue<DeskRequest, DeskAnswer>(limit: DeskRounds.mostAsks)
    let alarms = AskQueue<AlarmAsk, DeskAnswer>(limit: DeskRounds.mostAsks)
    let beds = AskQueue<BedRequest, BedAnswer>(limit: DeskRounds.mostAsks)
    let consultations = AskQueue<ConsultationRequest, ConsultationAnswer>(limit: DeskRounds.mostAsks)
    /// `nil` where this host drives none, whatever its configuration says.
    let pumps: [DrivenPump]?

    init(_ pumps: [DrivenPump]?) { self.pumps = pumps }

    func answer(_ question: DeskQuestion) async -> DeskAnswer {
        switch question {
        case .pump(let request): await answer(request)
        case .bed(let request): await answer(request)
        case .consultation(let request): await answer(request)
        case .alarm(let request, let person): await Self.answer(alarms, AlarmAsk(request: request, by: person))
        }
    }

    private func answer(_ request: DeskRequest) async -> DeskAnswer {
        guard pumps == nil else { return await Self.answer(asks, request) }
        if case .stop = request {
            return .stop(
                asked: false, isProven: false,
                words: "This host drives no pump now: stop the pump by its own STOP key now.")
        }
        return .refused(code: "notDriven", words: "This host drives no pump now.", command: nil)
    }

    private func answer(_ request: BedRequest) async -> DeskAnswer {
        do throws(AskRefusal) { return DeskAnswer(try await beds.ask(request)) } catch { return Self.refusal(error) }
    }

    private func answer(_ request: ConsultationRequest) async -> DeskAnswer {
        do throws(AskRefusal) { return DeskAnswer(try await consultations.ask(request)) } catch {
            return Self.refusal(error)
        }
    }

    private static func answer<Question>(_ asks: AskQueue<Question, DeskAnswer>, _ question: Question) async
        -> DeskAnswer
    {
        do throws(AskRefusal) { return try await asks.ask(question) } catch { return refusal(error) }
    }

    private static func refusal(_ error: AskRefusal) -> DeskAnswer {
        let words =
            switch error {
            case .notRunning: "The unit's host takes nothing now."
            case .full: "Too many ask at once: try again."
            case .cancelled: "It was withdrawn."
            }
        return .refused(code: "notRunning", words: words, command: nil)
    }

    func stopNow(device: String) -> Bool {
        guard let pump = pumps?.first(where: { $0.handle == device }) else { return false }
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
