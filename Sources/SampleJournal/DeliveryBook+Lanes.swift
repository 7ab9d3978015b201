import Foundation
import GRDB

/// Places of the lanes.
extension DeliveryBook {
    // MARK: Samples

    /// Where the lane's oldest stretch is: all before it is stored or parked.
    package func position(_ lane: DeliveryLane) throws -> SamplePosition {
        try queue.read { try Self.position($0, lane) }
    }

    /// The lane's stretches, oldest first; one at least.
    package func spans(_ lane: DeliveryLane) throws -> [SampleSpan] { try queue.read { try Self.spans($0, lane) } }

    static func spans(_ db: Database, _ lane: DeliveryLane) throws -> [SampleSpan] {
        var spans = [SampleSpan(begin: SamplePosition(), position: try position(db, lane))]
        // A book of a version before 6 that nobody has written since.
        guard try db.tableExists("spans") else { return spans }
        for row in try Row.fetchAll(
            db, sql: "SELECT * FROM spans WHERE lane = ? ORDER BY begin_session, begin_window",
            arguments: [lane.rawValue])
        {
            let begin = SamplePosition(
                session: row.integer("begin_session") ?? 0, window: row.integer("begin_window") ?? 0)
            spans.append(SampleSpan(begin: begin, position: position(row)))
        }
        return spans
    }

    static func position(_ row: Row) -> SamplePosition {
        SamplePosition(
            session: row.integer("session") ?? 0, window: row.integer("window") ?? 0, chunk: row.integer("chunk") ?? 0,
            length: row.integer("length") ?? 0, part: row.text("part") ?? "")
    }

    /// Begins a stretch behind all others: what comes from there on is delivered before what is left.
    package func beginSpan(_ lane: DeliveryLane, at position: SamplePosition) throws {
        try queue.write { try Self.put($0, lane, SampleSpan(begin: position, position: position)) }
    }

    static func put(_ db: Database, _ lane: DeliveryLane, _ span: SampleSpan) throws {
        let place = span.position
        try db.execute(
            sql:
                "INSERT OR REPLACE INTO spans(lane, begin_session, begin_window, session, window, chunk, length, part) "
                + "VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            arguments: [
                lane.rawValue, span.begin.session, span.begin.window, place.session, place.window, place.chunk,
                place.length, place.part,
            ])
    }

    static func position(_ db: Database, _ lane: DeliveryLane) throws -> SamplePosition {
        let row = try Row.fetchOne(db, sql: "SELECT * FROM lanes WHERE name = ?", arguments: [lane.rawValue])
        return row.map(position) ?? SamplePosition()
    }

    static func move(_ db: Database, _ lane: DeliveryLane, to position: SamplePosition) throws {
        try db.execute(
            sql: "INSERT OR REPLACE INTO lanes(name, session, window, chunk, length, part, event) "
                + "VALUES (?, ?, ?, ?, ?, ?, 0)",
            arguments: [
                lane.rawValue, position.session, position.window, position.chunk, position.length, position.part,
            ])
    }

    /// Moves a stretch of a lane of samples to its new place: what is before that is stored, but for what is parked
    /// now. Where the first stretch has come to the second, they are one.
    ///
    /// - Parameter filed: up to which event of beds was read when it was made.
    /// - Returns: whether it counts; not where something was said of beds since.
    package func settle(
        _ lane: DeliveryLane, _ span: SampleSpan, filed: Int64, stored: [String], parked: [ParkedResource]
    ) throws -> Bool {
        try queue.write { db in
            try Self.settle(db, stored: stored, parked: parked)
            try Self.count(db, lane, stored.count)
            guard try Self.isFiled(db, through: filed) else { return false }
            if span.begin == SamplePosition() {
                try Self.move(db, lane, to: span.position)
            } else {
                try Self.put(db, lane, span)
            }
            let spans = try Self.spans(db, lane)
            if spans.count > 1, spans[0].hasReached(spans[1].begin) {
                try Self.move(db, lane, to: spans[1].position)
                try db.execute(
                    sql: "DELETE FROM spans WHERE lane = ? AND begin_session = ? AND begin_window = ?",
                    arguments: [lane.rawValue, spans[1].begin.session, spans[1].begin.window])
            }
            return true
        }
    }

    // MARK: Events

    /// The last event that is either dealt with or among those that are missing.
    static func seen(_ db: Database, _ lane: DeliveryLane) throws -> Int64 {
        try Int64.fetchOne(db, sql: "SELECT event FROM lanes WHERE name = ?", arguments: [lane.rawValue]) ?? 0
    }

    static func see(_ db: Database, _ lane: DeliveryLane, through event: Int64) throws {
        try db.execute(
            sql: "INSERT OR REPLACE INTO lanes(name, session, window, chunk, length, part, event) "
                + "VALUES (?, 0, 0, 0, 0, '', ?)", arguments: [lane.rawValue, event])
    }

    /// Ranges of numbers of events that are not dealt with, first to last, in their order.
    ///
    /// - Parameter newest: the journal's newest event; what is new up to it becomes missing.
    package func missing(_ lane: DeliveryLane, through newest: Int64) throws -> [ClosedRange<Int64>] {
        let known: (seen: Int64, ranges: [ClosedRange<Int64>]) = try queue.read { db in
            (
                try Self.seen(db, lane),
                try Row.fetchAll(
                    db, sql: "SELECT first, last FROM missing WHERE lane = ? ORDER BY first", arguments: [lane.rawValue]
                ).compactMap { row in
                    guard let first = row.integer("first"), let last = row.integer("last"), first <= last else {
                        return nil
                    }
                    return first...last
                }
            )
        }
        guard newest > known.seen else { return known.ranges }
        // Neighbours are one range, so that a lane that keeps up has one row at most.
        var ranges = known.ranges
        if let last = ranges.last, last.upperBound == known.seen {
            ranges[ranges.count - 1] = last.lowerBound...newest
        } else {
            ranges.append((known.seen + 1)...newest)
        }
        return ranges
    }

    /// Notes which events are still missing after some were dealt with.
    ///
    /// - Parameters:
    ///   - returns: how often the lanes had gone back when they were begun, and `filed`: up to which event of beds was
    ///     read then.
    /// - Returns: whether it counts. Where the lanes have gone back since, or something was said of beds, what is
    ///   missing stays as it is, and these go once more.
    package func settle(
        _ lane: DeliveryLane, missing ranges: [ClosedRange<Int64>], seen: Int64, returns: Int64, filed: Int64,
        stored: [String], parked: [ParkedResource]
    ) throws -> Bool {
        try queue.write { db in
            try Self.settle(db, stored: stored, parked: parked)
            try Self.count(db, lane, stored.count)
            let now = try Int64.fetchOne(
                db, sql: "SELECT value FROM counters WHERE name = ?", arguments: [Self.returns])
            guard try now ?? 0 == returns && Self.isFiled(db, through: filed) else { return false }
            try db.execute(sql: "DELETE FROM missing WHERE lane = ?", arguments: [lane.rawValue])
            for range in ranges {
                try db.execute(
                    sql: "INSERT INTO missing(lane, first, last) VALUES (?, ?, ?)",
                    arguments: [lane.rawValue, range.lowerBound, range.upperBound])
            }
            try Self.see(db, lane, through: max(seen, try Self.seen(db, lane)))
            return true
        }
    }

    // MARK: Descriptions

    /// Whether a description was stored with exactly this content.
    package func isDescribed(_ url: String, hash: [UInt8]) throws -> Bool {
        try queue.read {
            try Data.fetchOne($0, sql: "SELECT hash FROM described WHERE url = ?", arguments: [url]) == Data(hash)
        }
    }

    /// Whether a description was stored, whatever it said.
    package func isDescribed(_ url: String) throws -> Bool {
        try queue.read {
            try Bool.fetchOne($0, sql: "SELECT EXISTS(SELECT 1 FROM described WHERE url = ?)", arguments: [url])
                ?? false
        }
    }

    /// Descriptions that are stored there now; what waited behind them is due.
    package func describe(_ descriptions: [(url: String, hash: [UInt8])], parked: [ParkedResource]) throws {
        try queue.write { db in
            for (url, hash) in descriptions {
                try db.execute(
                    sql: "INSERT OR REPLACE INTO described(url, hash) VALUES (?, ?)", arguments: [url, Data(hash)])
                try db.execute(sql: "UPDATE parked SET due = 1 WHERE behind = ?", arguments: [url])
            }
            try Self.settle(db, stored: descriptions.map(\.url), parked: parked)
        }
    }

    /// Nothing is known any more of what the destination has of descriptions: all go again.
    package func forgetDescriptions() throws { try queue.write { try $0.execute(sql: "DELETE FROM described") } }
}

/// How far behind they are.
extension DeliveryBook {
    /// The time between the oldest record that a lane has not passed and the newest one. Unit: ns.
    package func behind(_ lane: DeliveryLane, _ reader: JournalReader) throws -> Int64 {
        if lane.isOfSamples {
            let newest = try reader.newestChunk()
            guard let oldest = try reader.chunks(after: try position(lane).chunk, limit: 1).first, oldest.id < newest,
                let last = try reader.chunks(after: newest - 1, limit: 1).first
            else { return 0 }
            return max(0, last.utc - oldest.utc)
        }
        let newest = try reader.newestEvent()
        guard let first = try missing(lane, through: newest).first?.lowerBound,
            let oldest = try reader.events(after: first - 1, limit: 1).first,
            let last = try reader.events(after: newest - 1, limit: 1).first
        else { return 0 }
        return max(0, last.utc - oldest.utc)
    }
}
