import SampleJournal

/// How fast a lane goes, from looks at it now and then.
struct LaneProgress {
    /// How long a look counts. Unit: s.
    private static let memory: Double = 60

    private struct Look {
        /// Unit: s of a clock that only goes on.
        let time: Double
        let backlog: Int64
        let stored: Int64
    }

    private var looks: [Look] = []

    /// - Parameters:
    ///   - time: Unit: s of a clock that only goes on.
    ///   - backlog: what is before it, in any unit.
    ///   - stored: resources, in all.
    mutating func look(at time: Double, backlog: Int64, stored: Int64) {
        looks.append(Look(time: time, backlog: backlog, stored: stored))
        // One look beyond it says how things were then.
        while looks.count > 2, looks[1].time <= time - Self.memory { looks.removeFirst() }
    }

    /// Resources that were stored a minute, lately.
    var perMinute: Int64 {
        guard let (first, last, seconds) = ends else { return 0 }
        return Int64(min(max(0, Double(last.stored - first.stored)) / seconds * 60, 1e9))
    }

    /// Until nothing is left, as it went lately; `nil` where it does not become less. Unit: s.
    var left: Int64? {
        guard let (first, last, seconds) = ends else { return nil }
        guard last.backlog > 0 else { return 0 }
        let speed = Double(first.backlog - last.backlog) / seconds
        guard speed > 0 else { return nil }
        let time = Double(last.backlog) / speed
        return time < 1e9 ? Int64(time.rounded(.up)) : nil
    }

    private var ends: (first: Look, last: Look, seconds: Double)? {
        guard let first = looks.first, let last = looks.last, last.time > first.time else { return nil }
        return (first, last, last.time - first.time)
    }
}

/// How all lanes of a book go.
struct LanesProgress {
    private var lanes: [DeliveryLane: LaneProgress] = [:]

    /// Looks at each, and notes it in the book.
    mutating func look(_ book: DeliveryBook, _ reader: JournalReader, at time: Double) throws {
        var notes: [DeliveryLane: (behind: Int64, perMinute: Int64, left: Int64?)] = [:]
        for lane in DeliveryLane.allCases {
            let stored = try book.note(of: lane).stored ?? 0
            lanes[lane, default: LaneProgress()].look(
                at: time, backlog: try book.backlog(lane, reader), stored: stored)
            let progress = lanes[lane, default: LaneProgress()]
            notes[lane] = (try book.behind(lane, reader) / 1_000_000_000, progress.perMinute, progress.left)
        }
        try book.note(notes)
    }
}
