import Foundation
import GRDB

/// Windows of a lane of samples that the configuration does not send, of one device: neither stored nor parked, and
/// kept for the day on which it does.
package struct Withheld: Sendable, Hashable {
    package let lane: DeliveryLane
    /// The device's handle.
    package let device: String
    package let session: Int64
    /// Where the first window begins. Unit: ns of the monotonic clock.
    package let first: Int64
    /// Windows that begin there or later are no part of it. Unit: ns of the monotonic clock.
    package let end: Int64
    /// A chunk before which nothing of it lies.
    package let chunk: Int64
    /// The windows' length. Unit: ns.
    package let length: Int64

    package init(
        lane: DeliveryLane, device: String, session: Int64, first: Int64, end: Int64, chunk: Int64, length: Int64
    ) {
        (self.lane, self.device, self.session) = (lane, device, session)
        (self.first, self.end, self.chunk, self.length) = (first, end, chunk, length)
    }

    /// The same from a window on, or up to one.
    package func cut(from first: Int64? = nil, to end: Int64? = nil, chunk: Int64? = nil) -> Withheld {
        Withheld(
            lane: lane, device: device, session: session, first: first ?? self.first, end: end ?? self.end,
            chunk: chunk ?? self.chunk, length: length)
    }

    /// Whether a window that begins there is part of it.
    package func holds(window: Int64) -> Bool { (first..<end).contains(window) }

    /// Whether the other's windows are the same or its next ones, so that both are one stretch.
    func touches(_ other: Withheld) -> Bool {
        lane == other.lane && device == other.device && session == other.session && length == other.length
            && first <= other.end && other.first <= end
            && first.subtractingReportingOverflow(other.first).partialValue % length == 0
    }
}

/// What is withheld. A stretch is on this list, or its place in the lane, or what is delivered anew, says what became
/// of it: never none of them.
extension DeliveryBook {
    /// More stretches than this are not listed one by one: the nearest two of a device are one then, with what lies
    /// between them, which is delivered once more, under the same ids, when its day comes.
    static let mostWithheld = 4096
    private static let released = "releasedWithheld"

    static let withheldSchema = """
        CREATE TABLE IF NOT EXISTS withheld(
            id INTEGER PRIMARY KEY, lane TEXT NOT NULL, device TEXT NOT NULL, session INTEGER NOT NULL,
            first INTEGER NOT NULL, until INTEGER NOT NULL, chunk INTEGER NOT NULL, length INTEGER NOT NULL);
        CREATE INDEX IF NOT EXISTS withheld_place ON withheld(lane, device, session, first);
        """

    /// As ``withheld(_:)`` reads it; asked by the process that samples, now and then.
    private static let makesSense = """
        typeof(first) = 'integer' AND typeof(until) = 'integer' AND typeof(chunk) = 'integer' AND length > 0 \
        AND chunk >= 0 AND session >= 0 AND length <= \(longest) AND until > first \
        AND first BETWEEN -\(latest) AND \(latest) AND until BETWEEN -\(latest) AND \(latest)
        """

    /// Gives a book of a version that withheld nothing what it lacks; an older program leaves it alone.
    static func prepareWithheld(_ db: Database) throws {
        try db.execute(sql: withheldSchema)
        guard try !db.columns(in: "refilings").contains(where: { $0.name == "pulled" }) else { return }
        try db.execute(sql: "ALTER TABLE refilings ADD COLUMN pulled INTEGER")
    }

    // MARK: The list

    /// What is withheld of a lane, in the order of its places. A row that makes no sense is left out.
    package func withheld(_ lane: DeliveryLane) throws -> [Withheld] {
        try queue.read { try Self.withheld($0, lane) }
    }

    /// All that is withheld of a lane, of all devices together. Unit: ns.
    package func withheldTime(_ lane: DeliveryLane) throws -> Int64 {
        try queue.read { db in
            guard try db.tableExists("withheld") else { return 0 }
            let total = try Double.fetchOne(
                db, sql: "SELECT TOTAL(until - first) FROM withheld WHERE lane = ? AND \(Self.makesSense)",
                arguments: [lane.rawValue])
            return Int64(min(max(total ?? 0, 0), 9e18))
        }
    }

    private static func withheld(_ db: Database, _ lane: DeliveryLane) throws -> [Withheld] {
        guard try db.tableExists("withheld") else { return [] }
        return try Row.fetchAll(
            db, sql: "SELECT * FROM withheld WHERE lane = ? ORDER BY session, first, device LIMIT ?",
            arguments: [lane.rawValue, mostWithheld * 4]
        ).compactMap(withheld)
    }

    /// A window of thirteen days, and a time some seventy years from the clock's beginning: more makes no sense.
    /// Unit: ns.
    private static let longest: Int64 = 1 << 50
    private static let latest: Int64 = 1 << 61

    private static func withheld(_ row: Row) -> Withheld? {
        guard let lane = row.text("lane").flatMap(DeliveryLane.init(rawValue:)), let device = row.text("device"),
            let session = row.integer("session"), let first = row.integer("first"), let end = row.integer("until"),
            let chunk = row.integer("chunk"), let length = row.integer("length"),
            session >= 0, chunk >= 0, (1...longest).contains(length), first < end,
            (-latest...latest).contains(first), (-latest...latest).contains(end)
        else { return nil }
        return Withheld(
            lane: lane, device: device, session: session, first: first, end: end, chunk: chunk, length: length)
    }

    /// The lowest chunk that anything withheld may need; `nil` where nothing is. A row that makes no sense may need
    /// all.
    static func firstChunkWithheld(_ db: Database) throws -> Int64? {
        guard try db.tableExists("withheld") else { return nil }
        return try Int64.fetchOne(
            db, sql: "SELECT MIN(CASE WHEN \(Self.makesSense) THEN chunk ELSE 0 END) FROM withheld")
    }

    /// Puts windows on the list, before the lane passes them. What is on it already stands there once.
    package func withhold(_ stretches: [Withheld]) throws {
        guard !stretches.isEmpty else { return }
        try queue.write { db in for stretch in stretches { try Self.withhold(db, stretch) } }
    }

    private static func withhold(_ db: Database, _ stretch: Withheld) throws {
        guard stretch.first < stretch.end, stretch.length > 0 else { return }
        let near = try Row.fetchAll(
            db,
            sql: """
                SELECT * FROM withheld WHERE lane = ? AND device = ? AND session = ? AND length = ? AND first <= ? \
                AND until >= ?
                """,
            arguments: [
                stretch.lane.rawValue, stretch.device, stretch.session, stretch.length, stretch.end, stretch.first,
            ])
        var whole = stretch
        for row in near {
            guard let other = withheld(row), other.touches(whole) else { continue }
            whole = whole.cut(
                from: min(whole.first, other.first), to: max(whole.end, other.end), chunk: min(whole.chunk, other.chunk)
            )
            try db.execute(sql: "DELETE FROM withheld WHERE id = ?", arguments: [row.integer("id")])
        }
        try insert(db, whole)
        try bound(db, stretch.lane)
    }

    private static func insert(_ db: Database, _ stretch: Withheld) throws {
        try db.execute(
            sql: """
                INSERT INTO withheld(lane, device, session, first, until, chunk, length) VALUES (?, ?, ?, ?, ?, ?, ?)
                """,
            arguments: [
                stretch.lane.rawValue, stretch.device, stretch.session, stretch.first, stretch.end, stretch.chunk,
                stretch.length,
            ])
    }

    /// Makes the nearest two of a device one, where there are too many.
    private static func bound(_ db: Database, _ lane: DeliveryLane) throws {
        let count = try Int.fetchOne(
            db, sql: "SELECT COUNT(*) FROM withheld WHERE lane = ?", arguments: [lane.rawValue])
        guard count ?? 0 > mostWithheld else { return }
        let nearest = try Row.fetchOne(
            db,
            sql: """
                SELECT id, next, next_until, next_chunk FROM (
                    SELECT id, until, LEAD(id) OVER place AS next, LEAD(first) OVER place AS next_first, \
                LEAD(until) OVER place AS next_until, LEAD(chunk) OVER place AS next_chunk
                    FROM withheld WHERE lane = ? WINDOW place AS (PARTITION BY device, session, length ORDER BY first))
                WHERE next IS NOT NULL ORDER BY next_first - until LIMIT 1
                """, arguments: [lane.rawValue])
        guard let nearest else { return }
        try db.execute(
            sql: "UPDATE withheld SET until = MAX(until, ?), chunk = MIN(chunk, ?) WHERE id = ?",
            arguments: [nearest.integer("next_until"), nearest.integer("next_chunk"), nearest.integer("id")])
        try db.execute(sql: "DELETE FROM withheld WHERE id = ?", arguments: [nearest.integer("next")])
    }

    // MARK: Off the list

    /// Has windows delivered that were withheld: from here on they are among what is delivered anew.
    ///
    /// - Parameters:
    ///   - stretches: of different devices, the same windows of one session.
    /// - Returns: how it is delivered; `nil` where there is nothing.
    package func pull(_ stretches: [Withheld]) throws -> Refiling? {
        guard let first = stretches.first else { return nil }
        return try queue.write { db in
            for stretch in stretches { try Self.take(db, stretch) }
            let chunk = stretches.map(\.chunk).min() ?? first.chunk
            try db.execute(
                sql: """
                    INSERT INTO refilings(lane, devices, event, begin_session, begin_window, begin_chunk, session, \
                    window, chunk, length, part, until, done, pulled)
                    VALUES (?1, ?2, 0, ?3, ?4, ?5, ?3, ?4, ?5, ?6, '', ?7, NULL, 1)
                    """,
                arguments: [
                    first.lane.rawValue, stretches.map(\.device).sorted().joined(separator: "\n"), first.session,
                    first.first, chunk, first.length, first.end,
                ])
            let number = db.lastInsertedRowID
            return try Self.refilings(db, first.lane).first { $0.number == number }
        }
    }

    /// Takes windows of a device off the list; what is before and behind them stays on it.
    private static func take(_ db: Database, _ stretch: Withheld) throws {
        for row in try Row.fetchAll(
            db, sql: "SELECT * FROM withheld WHERE lane = ? AND device = ? AND session = ? AND first < ? AND until > ?",
            arguments: [stretch.lane.rawValue, stretch.device, stretch.session, stretch.end, stretch.first])
        {
            guard let other = withheld(row) else { continue }
            try db.execute(sql: "DELETE FROM withheld WHERE id = ?", arguments: [row.integer("id")])
            if other.first < stretch.first { try insert(db, other.cut(to: stretch.first)) }
            if stretch.end < other.end { try insert(db, other.cut(from: stretch.end)) }
        }
    }

    /// What was to be delivered and is not yet is withheld again, until somebody asks what is wanted now.
    package func takeBackPulled() throws {
        try queue.write { db in
            for row in try Row.fetchAll(db, sql: "SELECT * FROM refilings WHERE pulled = 1 AND done IS NULL") {
                guard let lane = row.text("lane").flatMap(DeliveryLane.init(rawValue:)),
                    let session = row.integer("begin_session"), let length = row.integer("length"), length > 0,
                    let end = row.integer("until")
                else { continue }
                let place = Self.position(row)
                if place.session == session, place.window < end {
                    for device in (row.text("devices") ?? "").split(separator: "\n") {
                        try Self.withhold(
                            db,
                            Withheld(
                                lane: lane, device: String(device), session: session, first: place.window, end: end,
                                chunk: place.chunk, length: length))
                    }
                }
                // What of it was delivered may have to go once more: it counts as done, up to there.
                try db.execute(
                    sql: """
                        UPDATE refilings SET until = MIN(until, ?), \
                        done = (SELECT COALESCE(MAX(id), 0) FROM acknowledged) WHERE id = ?
                        """,
                    arguments: [place.session == session ? place.window : end, row.integer("id")])
            }
        }
    }

    /// The journal does not have the first windows of a stretch any more: they leave the list.
    ///
    /// - Parameter rest: what is left of it; `nil` for nothing.
    package func forget(_ stretch: Withheld, but rest: Withheld?) throws {
        try queue.write { db in
            try db.execute(
                sql: "DELETE FROM withheld WHERE lane = ? AND device = ? AND session = ? AND first = ? AND until = ?",
                arguments: [stretch.lane.rawValue, stretch.device, stretch.session, stretch.first, stretch.end])
            if db.changesCount > 0, let rest { try Self.insert(db, rest) }
        }
    }

    /// A person's word that what is withheld need not be delivered.
    func releaseWithheld() throws {
        try queue.write { db in
            try db.execute(sql: "DELETE FROM withheld")
            try Self.count(db, Self.released, Int64(db.changesCount))
        }
    }
}
