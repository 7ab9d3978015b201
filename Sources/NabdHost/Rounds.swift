/// What the recorder does in which of its rounds. All times: unit ns of the monotonic clock.
struct Rounds {
    /// How often at the most; a late thread makes it less.
    struct Intervals: Sendable {
        /// How often the rings are drained; an event waits no longer.
        var tick: Int64 = 20_000_000
        /// How often samples are committed.
        var commit: Int64
        /// How long the journal may be silent before an empty chunk tells readers that nothing came.
        var heartbeat: Int64 = 5_000_000_000
        /// How often what is counted of lines and devices is journalled; at the end once more.
        var statistics: Int64 = 300_000_000_000
        /// How often it is looked whether the journal is within its limits.
        var maintenance: Int64 = 10_000_000_000
    }

    enum Commit: Sendable {
        case none
        /// What waits, if anything does.
        case samples
        /// What waits, or an empty chunk.
        case heartbeat
    }

    /// What is done in one round, besides draining the rings and writing events.
    struct Round: Sendable, Equatable {
        var tellsStatistics: Bool
        var maintains: Bool
        var commit: Commit
        /// Whether the files are looked after.
        var tidies: Bool
    }

    private let intervals: Intervals
    /// When the next round begins.
    private(set) var next: Int64
    private var current: Int64
    private var lastCommit: Int64
    private var lastWritten: Int64
    private var lastStatistics: Int64
    private var lastMaintenance: Int64
    /// Whether the files were looked after since the last commit.
    private var isTidy = true

    init(_ intervals: Intervals, from start: Int64) {
        self.intervals = intervals
        next = start + intervals.tick
        (current, lastCommit, lastWritten, lastStatistics, lastMaintenance) = (start, start, start, start, start)
    }

    /// A round begins. One that is late is not made up for.
    mutating func begin(at now: Int64) -> Round {
        current = now
        next = max(next + intervals.tick, now)
        let commits = Self.isDue(now, &lastCommit, every: intervals.commit)
        // In a round of its own, where there is one: an event waits for a commit or for this, never for both.
        let tidies = commits ? !isTidy || intervals.commit <= intervals.tick : !isTidy
        isTidy = !commits || tidies
        return Round(
            tellsStatistics: Self.isDue(now, &lastStatistics, every: intervals.statistics),
            maintains: Self.isDue(now, &lastMaintenance, every: intervals.maintenance),
            commit: commits ? now - lastWritten >= intervals.heartbeat ? .heartbeat : .samples : .none, tidies: tidies)
    }

    /// This round's commit wrote something.
    mutating func wrote() { lastWritten = current }

    private static func isDue(_ now: Int64, _ last: inout Int64, every interval: Int64) -> Bool {
        guard now - last >= interval else { return false }
        last = now
        return true
    }
}
