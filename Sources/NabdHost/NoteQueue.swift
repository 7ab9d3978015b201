package import DeviceModel

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
final class NoteQueue: Sendable {
    typealias Note = AskQueue<UnitEvent, Result<Int64, NoteError>>.Asked

    /// The most that wait at once.
    static let limit = 64

    private let queue = AskQueue<UnitEvent, Result<Int64, NoteError>>(limit: NoteQueue.limit)

    /// Waits until an event is durable, and returns its number.
    func note(_ event: UnitEvent) async throws(NoteError) -> Int64 {
        guard !event.kind.isKeptByHost else { throw .keptByHost(event.kind) }
        let answer: Result<Int64, NoteError>
        do { answer = try await queue.ask(event) } catch {
            switch error {
            case .notRunning: throw .notRunning
            case .full: throw .full(limit: Self.limit)
            case .cancelled: throw .cancelled
            }
        }
        return try answer.get()
    }

    /// How many wait now.
    var waiting: Int { queue.waiting }

    // MARK: The recorder's side

    func open() { queue.open() }
    func take() -> [Note] { queue.take() }
    func close() { queue.close() }
}
