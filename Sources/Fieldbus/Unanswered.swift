/// What distinguishes one RTU answer from another: there is no transaction number, only the unit, the function and the length.
struct AnswerShape: Equatable, BitwiseCopyable {
    let unit: UInt8
    let function: UInt8
    /// Data bytes of a read; the nonce of a loopback.
    let detail: Int

    init(unit: UInt8, function: UInt8, detail: Int) {
        self.unit = unit
        self.function = function
        self.detail = detail
    }

    init(_ request: RegisterRequest) { self.init(unit: request.unit, function: request.function, detail: request.dataBytes) }
}

/// Requests whose answers have not come and may still come, in the order in which they were sent. Fixed room, no allocation after `init`.
///
/// A device answers in the order it is asked: an answer that comes settles all that was asked of that device before.
struct UnansweredRequests {
    private struct Entry: BitwiseCopyable {
        let shape: AnswerShape
        let patience: Int64
        var expires: Int64
    }

    /// More shapes than barriers use before the oldest has expired.
    private static let capacity = 32
    private var entries: [Entry] = []

    init() { entries.reserveCapacity(Self.capacity) }

    /// - Parameter patience: how long the device may be silent and still answer. Unit: ns.
    mutating func add(_ shape: AnswerShape, sent: Int64, patience: Int64) {
        if entries.count == Self.capacity { entries.removeFirst() }
        entries.append(Entry(shape: shape, patience: patience, expires: sent + patience))
    }

    /// The unit works on: what it was asked after the answer that just came may take as long again.
    mutating func extend(unit: UInt8, now: Int64) {
        for index in entries.indices where entries[index].shape.unit == unit {
            entries[index].expires = max(entries[index].expires, now + entries[index].patience)
        }
    }

    /// What a device has been silent about for longer than its patience will not come.
    mutating func expire(now: Int64) {
        var kept = 0
        for index in entries.indices where entries[index].expires > now {
            entries[kept] = entries[index]
            kept += 1
        }
        entries.removeLast(entries.count - kept)
    }

    func contains(_ shape: AnswerShape) -> Bool {
        for entry in entries where entry.shape == shape { return true }
        return false
    }

    func contains(unit: UInt8, function: UInt8) -> Bool {
        for entry in entries where entry.shape.unit == unit && entry.shape.function == function { return true }
        return false
    }

    /// An answer of this shape came: it is settled, and what was asked of the unit before. `false` when none was awaited.
    mutating func settle(_ shape: AnswerShape) -> Bool {
        guard let index = entries.firstIndex(where: { $0.shape == shape }) else { return false }
        remove(unit: shape.unit, through: index)
        return true
    }

    /// A newer request of the unit was answered: all that was asked before is settled.
    mutating func settle(unit: UInt8) { remove(unit: unit, through: entries.count - 1) }

    /// An exception came, which tells the function only: the oldest of that function is settled. `false` when none was awaited.
    mutating func settleOldest(unit: UInt8, function: UInt8) -> Bool {
        guard let index = entries.firstIndex(where: { $0.shape.unit == unit && $0.shape.function == function }) else { return false }
        remove(unit: unit, through: index)
        return true
    }

    private mutating func remove(unit: UInt8, through last: Int) {
        var kept = 0
        for index in entries.indices where index > last || entries[index].shape.unit != unit {
            entries[kept] = entries[index]
            kept += 1
        }
        entries.removeLast(entries.count - kept)
    }
}
