import Foundation
import Synchronization
package import UnitPicture

/// Where answers out of the past come from.
package protocol PastSource: Sendable {
    /// Reads what is asked for.
    ///
    /// - Parameter scope: of whose past it is told.
    /// - Throws: ``Refusal``, where it cannot be asked so.
    func read(path: String, parameters: [String: String], scope: HistoryScope) throws(Refusal) -> PastAnswer
}

/// An answer out of the past, before it is read.
package struct PastAnswer: Sendable {
    package let type: String
    /// The name under which it is kept, where it is a file.
    package let attachment: String?
    /// Reads it, on a thread that may stand still, and writes it piece by piece. Ends early where it is cancelled, or
    /// where writing throws.
    package let write: Writing

    package typealias Writing =
        @Sendable (
            _ isCancelled: @escaping @Sendable () -> Bool, _ write: ([UInt8]) throws -> Void
        ) throws -> Void

    package init(type: String, attachment: String? = nil, write: @escaping Writing) {
        (self.type, self.attachment, self.write) = (type, attachment, write)
    }
}

/// One answer on its way from the thread that reads it to the task that sends it: one piece at a time, so that nothing
/// is read ahead of a slow client.
final class PastReading: Sendable {
    enum Piece: Sendable {
        case bytes([UInt8])
        case end
        case failure(Refusal)
    }

    private let isCancelled = Atomic(false)
    /// The thread waits here until its piece is taken.
    private let taken = DispatchSemaphore(value: 0)
    /// The pieces, for one who takes them; ``goOn()`` after each.
    let all: AsyncStream<Piece>
    private let telling: AsyncStream<Piece>.Continuation

    init(_ answer: PastAnswer) {
        (all, telling) = AsyncStream.makeStream(of: Piece.self)
        Thread.detachNewThread { [self] in run(answer) }
    }

    private func run(_ answer: PastAnswer) {
        do {
            try answer.write({ [self] in isCancelled.load(ordering: .relaxed) }) { bytes in
                if isCancelled.load(ordering: .relaxed) { throw CancellationError() }
                if bytes.isEmpty { return }
                telling.yield(.bytes(bytes))
                taken.wait()
                if isCancelled.load(ordering: .relaxed) { throw CancellationError() }
            }
            telling.yield(.end)
        } catch {
            let refusal = error as? Refusal ?? Refusal(503, "journal", "The journal cannot be read: \(error)")
            telling.yield(.failure(refusal))
        }
        telling.finish()
    }

    func goOn() { taken.signal() }

    /// Nobody wants the rest.
    func cancel() {
        isCancelled.store(true, ordering: .relaxed)
        taken.signal()
    }
}
