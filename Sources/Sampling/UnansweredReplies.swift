/// Replies of a serial device that have not come and may still come, in the order in which they were asked for.
///
/// Without a number in it a late reply looks like the answer to the next question of its kind. The same rule as on Modbus RTU: before
/// such a question is asked again, another with another reply must have been answered; a device answers in the order it is asked.
struct UnansweredReplies {
    private struct Entry {
        let message: Int
        var expires: Int64
    }

    /// For how many of its slowest replies a device may be silent and still answer.
    static let patience: Int64 = 6
    /// More than a profile has questions.
    private static let capacity = 64
    private var entries: [Entry] = []

    init() { entries.reserveCapacity(Self.capacity) }

    mutating func add(_ message: Int, expires: Int64) {
        if entries.count == Self.capacity { entries.removeFirst() }
        entries.append(Entry(message: message, expires: expires))
    }

    /// Until when a reply of this kind could be mistaken for a later one's; `nil` when it cannot. Unit: ns.
    mutating func expiry(of message: Int, now: Int64) -> Int64? {
        var kept = 0
        for index in 0..<entries.count where entries[index].expires > now {
            entries[kept] = entries[index]
            kept += 1
        }
        entries.removeLast(entries.count - kept)
        var latest: Int64?
        for index in 0..<entries.count where entries[index].message == message { latest = max(latest ?? 0, entries[index].expires) }
        return latest
    }

    func contains(_ message: Int) -> Bool { index(of: message) != nil }

    private func index(of message: Int) -> Int? {
        for index in 0..<entries.count where entries[index].message == message { return index }
        return nil
    }

    /// A reply came: it is settled, and what was asked before; what was asked after it may take as long again. `false` when none was outstanding.
    mutating func settle(_ message: Int, extendTo expiry: Int64) -> Bool {
        guard let index = index(of: message) else { return false }
        entries.removeFirst(index + 1)
        for index in entries.indices { entries[index].expires = max(entries[index].expires, expiry) }
        return true
    }

    /// A later question was answered.
    mutating func settleAll() { entries.removeAll(keepingCapacity: true) }
}
