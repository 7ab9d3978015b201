import DeviceModel

/// Events on their way to the journal, in the order they came.
struct EventQueue {
    /// The most that are held while the journal takes none, or not as many as come.
    static let limit = 10_000
    /// The most of one transaction: a device that raises many does not keep the samples of all others waiting.
    static let batchLimit = 200

    private(set) var waiting: [UnitEvent]
    /// How many of them, the first ones, are the session's beginning.
    private var beginning: Int
    /// Given up since it was last told.
    private var givenUp: Int64 = 0

    /// - Parameter beginning: what a session's journal is to hold before all else, and does not yet.
    init(beginning: [UnitEvent]) {
        waiting = beginning
        self.beginning = beginning.count
    }

    /// Whether the journal holds the session's beginning.
    var isBegun: Bool { beginning == 0 }

    mutating func add(_ event: UnitEvent) { waiting.append(event) }
    mutating func add(_ events: [UnitEvent]) { waiting += events }

    /// What is to be written next, the oldest first.
    var batch: ArraySlice<UnitEvent> { waiting.prefix(Self.batchLimit) }

    /// The journal took the first ones. Only now is there room to say how many were given up before.
    mutating func take(_ count: Int, at time: Int64) {
        waiting.removeFirst(count)
        beginning = max(0, beginning - count)
        guard givenUp > 0 else { return }
        add(.eventsLost(givenUp, cause: .disk, at: time))
        givenUp = 0
    }

    /// Gives up what is beyond the limit, the oldest; the session's beginning stays. Returns how many.
    mutating func keepWithinLimit() -> Int {
        let excess = min(waiting.count - Self.limit, waiting.count - beginning)
        guard excess > 0 else { return 0 }
        waiting.removeSubrange(beginning..<(beginning + excess))
        givenUp += Int64(excess)
        return excess
    }
}
