import Synchronization

/// Why a question was not taken.
enum AskRefusal: Error, Hashable {
    /// Nobody takes questions: not yet, or no longer.
    case notRunning
    /// As many as may wait do so already.
    case full
    /// Whoever asked does not want it any more.
    case cancelled
}

/// Questions that wait for one thread, each with somebody who waits for its answer.
///
/// The thread takes them once a round and answers each, then or later: it never waits for anybody here.
final class AskQueue<Question: Sendable, Answer: Sendable>: Sendable {
    /// A question, which must be answered once.
    struct Asked: Sendable {
        fileprivate let ticket: UInt64
        let question: Question
        fileprivate let continuation: CheckedContinuation<Result<Answer, AskRefusal>, Never>

        func answer(_ answer: Answer) { continuation.resume(returning: .success(answer)) }

        fileprivate func refuse(_ refusal: AskRefusal) { continuation.resume(returning: .failure(refusal)) }
    }

    private enum State {
        /// Before the thread runs.
        case idle
        case open([Asked])
        /// For good.
        case closed
    }

    private let limit: Int
    private let state = Mutex(State.idle)
    private let tickets = Atomic<UInt64>(0)

    /// - Parameter limit: the most that wait at once.
    init(limit: Int) { self.limit = limit }

    /// Waits for the answer.
    func ask(_ question: Question) async throws(AskRefusal) -> Answer {
        let ticket = tickets.wrappingAdd(1, ordering: .relaxed).newValue
        let result = await withTaskCancellationHandler {
            await withCheckedContinuation { enter(Asked(ticket: ticket, question: question, continuation: $0)) }
        } onCancel: {
            withdraw(ticket)
        }
        return try result.get()
    }

    private func enter(_ asked: Asked) {
        let refusal: AskRefusal? = state.withLock { state in
            guard case .open(let waiting) = state else { return .notRunning }
            guard waiting.count < limit else { return .full }
            // Asked under the lock: a later cancellation finds the question here.
            guard !Task.isCancelled else { return .cancelled }
            state = .open(waiting + [asked])
            return nil
        }
        if let refusal { asked.refuse(refusal) }
    }

    private func withdraw(_ ticket: UInt64) {
        let asked: Asked? = state.withLock { state in
            guard case .open(var waiting) = state, let index = waiting.firstIndex(where: { $0.ticket == ticket }) else {
                return nil
            }
            defer { state = .open(waiting) }
            return waiting.remove(at: index)
        }
        asked?.refuse(.cancelled)
    }

    /// How many wait now.
    var waiting: Int { state.withLock { if case .open(let waiting) = $0 { waiting.count } else { 0 } } }

    // MARK: The thread's side

    /// From now on, and until it is closed, somebody takes what is entered.
    func open() { state.withLock { if case .idle = $0 { $0 = .open([]) } } }

    /// What waits, in the order it came. Whoever takes it answers it.
    func take() -> [Asked] {
        state.withLock { state in
            guard case .open(let waiting) = state, !waiting.isEmpty else { return [] }
            state = .open([])
            return waiting
        }
    }

    /// Nobody takes anything any more: what waits is answered.
    func close() {
        let left: [Asked] = state.withLock { state in
            defer { state = .closed }
            if case .open(let waiting) = state { return waiting }
            return []
        }
        for asked in left { asked.refuse(.notRunning) }
    }
}
