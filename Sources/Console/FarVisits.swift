import Consultations
package import OperatorDesk
import Synchronization

/// Who looks from afar now. Looking begins when the host has recorded it, and not before; its end is recorded too.
///
/// A browser asks for many things at once, and comes back by itself when a link breaks: all of one machine within a
/// minute is one visit.
package actor FarVisits {
    /// A machine that asks for nothing for so long has left. Unit: ns.
    private static let idle: Int64 = 60_000_000_000

    private struct Key: Hashable {
        let consultation: Int64
        let from: String
    }

    private enum Visit {
        /// The host is asked to record it.
        case beginning(Task<Result<Int64, Refusal>, Never>)
        /// - Parameters:
        ///   - active: what is being answered now.
        ///   - since: when it last asked for something. Unit: ns of the monotonic clock.
        case recorded(Int64, active: Int, since: Int64)
    }

    private var visits: [Key: Visit] = [:]
    /// Has the host record it; the number of the visit.
    private let ask: @Sendable (ConsultationAsk) async -> Result<Int64, Refusal>

    package init(ask: @escaping @Sendable (ConsultationAsk) async -> Result<Int64, Refusal>) { self.ask = ask }

    /// Something is asked for; returns when looking is recorded.
    func enter(_ consultation: Consultation, from: String, at now: Int64) async throws(Refusal) {
        let key = Key(consultation: consultation.number, from: from)
        switch visits[key] {
        case .recorded(let number, let active, _):
            visits[key] = .recorded(number, active: active + 1, since: now)
            return
        case .beginning, nil: break
        }
        let task: Task<Result<Int64, Refusal>, Never>
        if case .beginning(let begun)? = visits[key] {
            task = begun
        } else {
            let join = ConsultationAsk.join(
                consultation.number, certificate: consultation.grant.certificate, from: from)
            task = Task { [ask] in await ask(join) }
            visits[key] = .beginning(task)
        }
        let result = await task.value
        switch (result, visits[key]) {
        case (.success, .recorded(let number, let active, _)?):
            visits[key] = .recorded(number, active: active + 1, since: now)
        case (.success(let number), _): visits[key] = .recorded(number, active: 1, since: now)
        case (.failure(let refusal), _):
            if case .beginning? = visits[key] { visits[key] = nil }
            throw refusal
        }
    }

    /// It has been answered, or is not wanted any more.
    func leave(_ consultation: Int64, from: String, at now: Int64) {
        let key = Key(consultation: consultation, from: from)
        guard case .recorded(let number, let active, _)? = visits[key] else { return }
        visits[key] = .recorded(number, active: max(0, active - 1), since: now)
    }

    /// Says of those that have left that they have. Of a consultation that is over nothing more is said.
    func settle(at now: Int64, isOpen: (Int64) -> Bool) async {
        for (key, visit) in visits {
            guard case .recorded(let number, let active, let since) = visit else { continue }
            if !isOpen(key.consultation) {
                visits[key] = nil
            } else if active == 0, now - since >= Self.idle {
                visits[key] = nil
                _ = await ask(.leave(key.consultation, visit: number))
            }
        }
    }
}
