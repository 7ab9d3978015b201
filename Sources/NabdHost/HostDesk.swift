import BedDesk
import CommandFacts
import Consultations
import OperatorDesk

/// Somebody asks about alerts.
struct AlarmAsk: Sendable {
    let request: AlarmRequest
    let by: Operator
}

/// The host as those who ask reach it.
final class HostDesk: CommandDesk {
    /// More that wait for a round than people who can ask at once.
    private static let mostAsks = 64

    let asks = AskQueue<DeskRequest, DeskAnswer>(limit: HostDesk.mostAsks)
    let alarms = AskQueue<AlarmAsk, DeskAnswer>(limit: HostDesk.mostAsks)
    let beds = AskQueue<BedRequest, BedAnswer>(limit: HostDesk.mostAsks)
    let consultations = AskQueue<ConsultationRequest, ConsultationAnswer>(limit: HostDesk.mostAsks)
    /// `nil` where this host drives none, whatever its configuration says.
    let pumps: [HostPump]?

    init(_ pumps: [HostPump]?) { self.pumps = pumps }

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
        let words = "This host drives no pump now" + (CommandPath.isBuilt ? "." : ": \(CommandPath.lacking).")
        return .refused(code: "notDriven", words: words, command: nil)
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
}
