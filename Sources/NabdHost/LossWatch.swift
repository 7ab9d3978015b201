/// What was lost without a word so far: each loss is told once.
struct LossWatch {
    private var toldOfRings: [Int64]
    private var toldOfDisk: Int64 = 0

    init(lines: Int) { toldOfRings = [Int64](repeating: 0, count: lines) }

    /// A line more, which has lost nothing yet.
    mutating func add() { toldOfRings.append(0) }

    /// A line less; those behind it move up.
    mutating func remove(_ line: Int) { toldOfRings.remove(at: line) }

    /// Records that never found room in a line's ring and have not been told; `nil` for none.
    ///
    /// - Parameter total: all that were lost there since the start.
    mutating func ring(_ line: Int, total: Int64) -> Int64? { Self.fresh(total, &toldOfRings[line]) }

    /// The same of samples that the disk never took.
    mutating func disk(total: Int64) -> Int64? { Self.fresh(total, &toldOfDisk) }

    private static func fresh(_ total: Int64, _ told: inout Int64) -> Int64? {
        guard total > told else { return nil }
        defer { told = total }
        return total - told
    }
}
