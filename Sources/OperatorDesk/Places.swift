import Synchronization

/// So many at once, and no more.
final class Places: Sendable {
    private let most: Int
    private let taken = Atomic(0)

    init(_ most: Int) { self.most = most }

    /// Returns `false` where there is none. Whoever got one gives it back.
    func take() -> Bool {
        if taken.add(1, ordering: .relaxed).newValue <= most { return true }
        give()
        return false
    }

    func give() { taken.subtract(1, ordering: .relaxed) }
}
