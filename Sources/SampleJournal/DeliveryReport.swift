/// How far deliveries to one destination are, as its book says.
package struct DeliveryReport: Sendable, Hashable {
    package struct Lane: Sendable, Hashable {
        package let lane: DeliveryLane
        /// The time between the oldest record that it has not passed and the newest one; `nil` where the journal cannot
        /// be read. Unit: ns.
        package let behind: Int64?
        /// What is left of it: seconds of samples, or events; `nil` where the journal cannot be read.
        package let backlog: Int64?
        /// How it goes, as the uplink noted it.
        package let note: LaneNote
        /// Of waveforms: by which policy they go, and how much of them it withholds. Unit: ns.
        package let policy: String?
        package let withheld: Int64?

        package init(
            lane: DeliveryLane, behind: Int64?, backlog: Int64? = nil, note: LaneNote = LaneNote(),
            policy: String? = nil, withheld: Int64? = nil
        ) {
            (self.lane, self.behind, self.backlog, self.note) = (lane, behind, backlog, note)
            (self.policy, self.withheld) = (policy, withheld)
        }
    }

    /// Resources that are stored there.
    package let stored: Int
    /// When the last one was; `nil` before the first. Unit: ns since 1970.
    package let lastStored: Int64?
    /// Resources that were put aside, and those that wait behind them.
    package let parked: Int
    package let waitingBehindParked: Int
    /// Resources that somebody let go.
    package let released: Int64
    /// Whether what was said to be stored was not there.
    package let isContradicted: Bool
    /// Whether this unit may not read there what it stored.
    package let mayNotRead: Bool
    /// Why nothing is delivered now; `nil` when it is.
    package let problem: String?
    package let lanes: [Lane]
}

extension DeliveryReport {
    /// - Parameter reader: of the journal; `nil` where it cannot be read.
    package init(_ book: DeliveryBook, _ reader: JournalReader?) throws {
        let counts = try book.parkedCounts()
        (parked, waitingBehindParked) = (counts.refused, counts.behind)
        (stored, lastStored) = (try book.storedCount(), try book.counter("lastStored"))
        released = try book.counter("released") ?? 0
        isContradicted = try book.counter("contradicted") == 1
        mayNotRead = try book.counter("unreadable") == 1
        problem = try book.problem()
        lanes = try book.lanes().map { lane in
            Lane(
                lane: lane, behind: try reader.map { try book.behind(lane, $0) },
                backlog: try reader.map { try book.backlog(lane, $0) }, note: try book.note(of: lane),
                policy: lane == .waveforms ? try book.fact("waveforms") : nil,
                withheld: lane == .waveforms ? try book.withheldTime(lane) : nil)
        }
    }
}
