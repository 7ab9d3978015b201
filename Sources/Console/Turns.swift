import Synchronization

/// A few at once, some who wait for their turn, and nobody beyond that.
package actor Turns {
    private let most: Int
    private let mostWaiting: Int
    private var busy = 0
    private var waiting: [CheckedContinuation<Void, Never>] = []

    package init(most: Int, waiting: Int) { (self.most, mostWaiting) = (most, waiting) }

    /// Waits for a turn, which ``end()`` ends.
    ///
    /// - Throws: `refusal`, where too many wait.
    package func begin(orElse refusal: Refusal) async throws(Refusal) {
        if busy < most {
            busy += 1
            return
        }
        guard waiting.count < mostWaiting else { throw refusal }
        // The turn is handed on as it is: `busy` counts it all the time.
        await withCheckedContinuation { waiting.append($0) }
    }

    package func end() {
        if waiting.isEmpty { busy -= 1 } else { waiting.removeFirst().resume() }
    }
}

/// A turn that was begun: ended once, by whoever is first.
final class HeldTurn: Sendable {
    private let turns: Turns
    private let isOver = Mutex(false)

    init(_ turns: Turns) { self.turns = turns }

    func end() async {
        let isFirst = isOver.withLock { isOver in
            defer { isOver = true }
            return !isOver
        }
        if isFirst { await turns.end() }
    }
}
