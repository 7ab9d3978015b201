import Synchronization

/// A fixed row of counters that any thread adds to and reads.
package final class Counters: @unchecked Sendable {
    private let values: UnsafeMutablePointer<Atomic<Int64>>
    package let count: Int

    package init(count: Int) {
        precondition(count > 0, "a row has at least one counter")
        self.count = count
        values = .allocate(capacity: count)
        for index in 0..<count { (values + index).initialize(to: Atomic(0)) }
    }

    deinit { values.deallocate() }

    /// Returns what it comes to.
    @discardableResult package func add(_ amount: Int64, to index: Int) -> Int64 {
        precondition(index >= 0 && index < count, "there is no such counter")
        return values[index].wrappingAdd(amount, ordering: .relaxed).newValue
    }

    package subscript(index: Int) -> Int64 {
        precondition(index >= 0 && index < count, "there is no such counter")
        return values[index].load(ordering: .relaxed)
    }
}
