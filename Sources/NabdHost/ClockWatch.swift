/// How far the wall clock is from the monotonic one. All times: unit ns.
struct ClockWatch {
    /// A difference smaller than this is not followed: what UTC times of samples may be off by.
    static let play: Int64 = 1_000_000
    /// A difference larger than this is a step of the wall clock.
    static let step: Int64 = 500_000_000

    /// The wall clock less the monotonic one.
    private(set) var offset: Int64

    init(monotonic: Int64, wall: Int64) { offset = wall - monotonic }

    /// Follows the wall clock, which was read between two readings of the monotonic one. Returns by how much it was
    /// set, when it was.
    mutating func look(before: Int64, wall: Int64, after: Int64) -> Int64? {
        // A thread that was held up between the readings says nothing about the clocks.
        guard after - before < Self.play / 10 else { return nil }
        let change = wall - before - (after - before) / 2 - offset
        guard abs(change) > Self.play else { return nil }
        offset += change
        return abs(change) > Self.step ? change : nil
    }
}
