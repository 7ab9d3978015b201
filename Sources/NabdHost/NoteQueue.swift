package import DeviceModel
import Synchronization

/// Why an event was not taken into the journal.
package enum NoteError: Error, Sendable, Hashable, CustomStringConvertible {
    /// The recorder does not run: not yet, or no longer.
    case notRunning
    /// As many as may wait do so already.
    case full(limit: Int)
    /// Whoever asked does not want it any more.
    case cancelled
    /// Sessions and alerts are told by the host alone.
    case keptByHost(EventKind)
    /// The journal did not take it.
    case refused(reason: String)

    package var description: String {
        switch self {
        case .notRunning: "nothing is recorded now"
        case .full(let limit): "\(limit) events wait already"
        case .cancelled: "it was withdrawn"
        case .keptByHost(let kind): "\(kind.name) is told by the host alone"
        case .refused(let reason): "the journal did not take it: \(reason)"
        }
    }
}

/// Events that wait for the recorder's thread, each with somebody who waits for its number.
///
/// The recorder takes them once a round and answers each: it never waits for anybody here.
final class NoteQueue: Sendable {
    /// The most that wait at once.
    static let limit = 64

    /// An event with its answer, which must be given once.
    struct Note: Sendable {
        fileprivate let ticket: UInt64
        let event: UnitEvent
        fileprivate let continuation: CheckedContinuation<Result<Int64, NoteError>, Never>

        func answer(_ result: Result<Int64, NoteError>) { continuation.resume(returning: result) }
    }

    private enum State {
        /// Before the recorder runs.
        case idle
        case open([Note])
        /// For good.
        case closed
    }

    private let state = Mutex(State.idle)
    private let tickets = Atomic<UInt64>(0)

    /// Waits until an event is durable, and returns its number.
    func note(_ event: UnitEvent) async throws(NoteError) -> Int64 {
        guard !event.kind.isKeptByHost else { throw .keptByHost(event.kind) }
        let ticket = tickets.wrappingAdd(1, ordering: .relaxed).newValue
        let result = await withTaskCancellationHandler {
            await withCheckedContinuation { enter(Note(ticket: ticket, event: event, continuation: $0)) }
        } onCancel: {
            withdraw(ticket)
        }
        return try result.get()
    }

    private func enter(_ note: Note) {
        let refusal: NoteError? = state.withLock { state in
            guard case .open(let waiting) = state else { return .notRunning }
            guard waiting.count < Self.limit else { return .full(limit: Self.limit) }
            // Asked under the lock: a later cancellation finds the note here.
            guard !Task.isCancelled else { return .cancelled }
            state = .open(waiting + [note])
            return nil
        }
        if let refusal { note.answer(.failure(refusal)) }
    }

    private func withdraw(_ ticket: UInt64) {
        let note: Note? = state.withLock { state in
            guard case .open(var waiting) = state, let index = waiting.firstIndex(where: { $0.ticket == ticket }) else {
                return nil
            }
            defer { state = .open(waiting) }
            return waiting.remove(at: index)
        }
        note?.answer(.failure(.cancelled))
    }

    /// How many wait now.
    var waiting: Int { state.withLock { if case .open(let waiting) = $0 { waiting.count } else { 0 } } }

    // MARK: The recorder's side

    /// From now on, and until it is closed, somebody takes what is entered.
    func open() { state.withLock { if case .idle = $0 { $0 = .open([]) } } }

    /// What waits, in the order it came. Whoever takes it answers it.
    func take() -> [Note] {
        state.withLock { state in
            guard case .open(let waiting) = state, !waiting.isEmpty else { return [] }
            state = .open([])
            return waiting
        }
    }

    /// Nobody takes anything any more: what waits is answered.
    func close() {
        let left: [Note] = state.withLock { state in
            defer { state = .closed }
            if case .open(let waiting) = state { return waiting }
            return []
        }
        for note in left { note.answer(.failure(.notRunning)) }
    }
}
