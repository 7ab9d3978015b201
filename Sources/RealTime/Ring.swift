package import Synchronization

/// A bounded queue from one producing thread to one consuming thread. No lock, no allocation after `init`.
///
/// The producer calls only ``push(_:)``, the consumer only ``pop()`` and ``isEmpty``; which thread is which may not
/// change while both run.
package final class Ring<Element: BitwiseCopyable & Sendable>: @unchecked Sendable {
    @usableFromInline package let slots: UnsafeMutablePointer<Element>
    @usableFromInline package let mask: Int
    @usableFromInline package let head = Atomic<Int>(0)
    @usableFromInline package let tail = Atomic<Int>(0)

    /// - Parameters:
    ///   - minimumCapacity: elements held at least; rounded up to a power of two.
    ///   - blank: what empty slots hold.
    package init(minimumCapacity: Int, blank: Element) {
        precondition(minimumCapacity > 0 && minimumCapacity <= 1 << 24, "a ring holds 1 to 16 million elements")
        var capacity = 1
        while capacity < minimumCapacity { capacity <<= 1 }
        mask = capacity - 1
        slots = .allocate(capacity: capacity)
        slots.initialize(repeating: blank, count: capacity)
    }

    deinit { slots.deallocate() }

    package var capacity: Int { mask + 1 }

    /// Whether there is nothing to take, as the consumer sees it.
    @inlinable package var isEmpty: Bool { head.load(ordering: .relaxed) == tail.load(ordering: .acquiring) }

    /// Adds an element; returns `false`, and adds nothing, when the ring is full.
    @inlinable package func push(_ element: Element) -> Bool {
        let position = tail.load(ordering: .relaxed)
        guard position &- head.load(ordering: .acquiring) <= mask else { return false }
        slots[position & mask] = element
        tail.store(position &+ 1, ordering: .releasing)
        return true
    }

    /// Takes the oldest element; `nil` when there is none.
    @inlinable package func pop() -> Element? {
        let position = head.load(ordering: .relaxed)
        guard position != tail.load(ordering: .acquiring) else { return nil }
        let element = slots[position & mask]
        head.store(position &+ 1, ordering: .releasing)
        return element
    }
}
