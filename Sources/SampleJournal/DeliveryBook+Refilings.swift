import Foundation
import GRDB

/// A stretch of a session whose windows were delivered under others than are known by now to have been there: those of
/// some devices are delivered anew.
package struct Refiling: Sendable, Hashable {
    package let number: Int64
    /// The devices' handles.
    package let devices: Set<String>
    package let begin: SamplePosition
    /// How far it is.
    package let position: SamplePosition
    /// Windows that begin there or later are no part of it.
    package let end: SamplePosition
}

/// What changed in a session of under whom is filed what some devices gave.
package struct FilingChange: Sendable, Hashable {
    /// The first window that it touches.
    package let begin: SamplePosition
    /// Unit: ns of the monotonic clock; windows that begin there or later are not touched.
    package let to: Int64
    package let devices: Set<String>

    package init(begin: SamplePosition, to: Int64, devices: Set<String>) {
        (self.begin, self.to, self.devices) = (begin, to, devices)
    }
}

/// What is delivered anew since somebody said who was where. All of it is noted in the one step in which the book says
/// that it knows of what was said: whoever made resources before that does not get them settled.
extension DeliveryBook {
    /// More at a time in a lane than this are not kept: the lane goes back to where the first of them is.
    static let mostRefilings = 64
    /// So many that are done are remembered for a service that turns out not to have what it said.
    private static let mostDone = 256
    private static let filed = "filed"

    static let refilingSchema = """
        CREATE TABLE IF NOT EXISTS refilings(
            id INTEGER PRIMARY KEY, lane TEXT NOT NULL, devices TEXT NOT NULL, event INTEGER NOT NULL, \
        begin_session INTEGER NOT NULL, begin_window INTEGER NOT NULL, begin_chunk INTEGER NOT NULL,
            session INTEGER NOT NULL, window INTEGER NOT NULL, chunk INTEGER NOT NULL, length INTEGER NOT NULL, \
        part TEXT NOT NULL, until INTEGER NOT NULL, done INTEGER);
        """

    /// The number of the last event of beds that the lanes' places take into account; 0 for none.
    package func filedThrough() throws -> Int64 { try counter(Self.filed) ?? 0 }

    /// Whether that is still so.
    static func isFiled(_ db: Database, through event: Int64) throws -> Bool {
        try Int64.fetchOne(db, sql: "SELECT value FROM counters WHERE name = ?", arguments: [filed]) ?? 0 == event
    }

    /// Notes what is to be delivered anew, of what the lanes have passed, and that events of beds are taken into
    /// account up to one.
    ///
    /// - Parameters:
    ///   - former: up to which they were before.
    ///   - events: the numbers of those that are told in another way by now.
    /// - Returns: whether it was noted; not where another task was first.
    package func refile(
        after former: Int64, through event: Int64, _ changes: [FilingChange], events: [DeliveryLane: [Int64]]
    ) throws -> Bool {
        try queue.write { db in
            guard try Self.isFiled(db, through: former) else { return false }
            for lane in DeliveryLane.allCases {
                if lane.isOfSamples {
                    for change in changes { try Self.note(db, lane, change) }
                    try Self.bound(db, lane)
                } else {
                    try Self.miss(db, lane, events[lane] ?? [])
                }
            }
            // What was kept to be read back may say what is not true any more.
            if !changes.isEmpty || !events.isEmpty {
                try db.execute(sql: "DELETE FROM acknowledged WHERE confirmed = 0")
            }
            try db.execute(
                sql: """
                    DELETE FROM refilings WHERE done IS NOT NULL
                    AND id <= (SELECT MAX(id) FROM refilings WHERE done IS NOT NULL) - ?
                    """, arguments: [Self.mostDone])
            try db.execute(
                sql: "INSERT OR REPLACE INTO counters(name, value) VALUES (?, ?)", arguments: [Self.filed, event])
            return true
        }
    }

    /// Of each stretch of a lane that part of the change that it has passed; the window in which it is counts as
    /// passed when something of it is dealt with.
    static func note(_ db: Database, _ lane: DeliveryLane, _ change: FilingChange) throws {
        let session = change.begin.session
        for span in try spans(db, lane) {
            let place = span.position
            guard span.begin.session <= session, place.session >= session else { continue }
            let from = max(change.begin.window, span.begin.session == session ? span.begin.window : .min)
            let passed =
                place.session > session
                ? Int64.max : place.part.isEmpty ? place.window : place.window.addingSaturated(max(1, place.length))
            let to = min(change.to, passed)
            guard from < to else { continue }
            try db.execute(
                sql: """
                    INSERT INTO refilings(lane, devices, event, begin_session, begin_window, begin_chunk, session, \
                    window, chunk, length, part, until, done)
                    VALUES (?1, ?2, 0, ?3, ?4, ?5, ?3, ?4, ?5, ?6, '', ?7, NULL)
                    """,
                arguments: [
                    lane.rawValue, change.devices.sorted().joined(separator: "\n"), session, from, change.begin.chunk,
                    change.begin.length, to,
                ])
        }
    }

    /// Too many at once are one: from the first of them on all goes again.
    private static func bound(_ db: Database, _ lane: DeliveryLane) throws {
        let open = try refilings(db, lane)
        guard open.count > mostRefilings, let first = open.map(\.begin).min(by: { $0.isBefore($1) }) else { return }
        try goBack(db, lane, to: first)
        try db.execute(sql: "DELETE FROM refilings WHERE lane = ? AND done IS NULL", arguments: [lane.rawValue])
    }

    /// Events of a lane that it had dealt with are missing again.
    private static func miss(_ db: Database, _ lane: DeliveryLane, _ numbers: [Int64]) throws {
        let seen = try seen(db, lane)
        let touched = numbers.filter { $0 <= seen }.sorted()
        guard let first = touched.first else { return }
        for number in touched {
            let isMissing =
                try Bool.fetchOne(
                    db,
                    sql: "SELECT EXISTS(SELECT 1 FROM missing WHERE lane = ?1 AND first <= ?2 AND last >= ?2)",
                    arguments: [lane.rawValue, number]) ?? false
            if isMissing { continue }
            try db.execute(
                sql: "UPDATE missing SET last = ?2 WHERE lane = ?1 AND last = ?2 - 1",
                arguments: [lane.rawValue, number])
            if db.changesCount > 0 { continue }
            try db.execute(
                sql: "INSERT INTO missing(lane, first, last) VALUES (?1, ?2, ?2)", arguments: [lane.rawValue, number])
        }
        // For a service that turns out not to have what it said: from there on.
        try db.execute(
            sql: """
                INSERT INTO refilings(lane, devices, event, begin_session, begin_window, begin_chunk, session, window, \
                chunk, length, part, until, done)
                VALUES (?, '', ?, 0, 0, 0, 0, 0, 0, 0, '', 0, (SELECT COALESCE(MAX(id), 0) FROM acknowledged))
                """, arguments: [lane.rawValue, first])
    }

    // MARK: Doing it

    /// What is still to be delivered anew, in the order in which it was noted.
    package func refilings(_ lane: DeliveryLane) throws -> [Refiling] {
        try queue.read { try Self.refilings($0, lane) }
    }

    static func refilings(_ db: Database, _ lane: DeliveryLane) throws -> [Refiling] {
        // A book that nobody has written since.
        guard try db.tableExists("refilings") else { return [] }
        return try Row.fetchAll(
            db, sql: "SELECT * FROM refilings WHERE lane = ? AND done IS NULL ORDER BY id", arguments: [lane.rawValue]
        ).map { row in
            let (session, length) = (row.integer("begin_session") ?? 0, row.integer("length") ?? 0)
            return Refiling(
                number: row.integer("id") ?? 0,
                devices: Set((row.text("devices") ?? "").split(separator: "\n").map(String.init)),
                begin: SamplePosition(
                    session: session, window: row.integer("begin_window") ?? 0,
                    chunk: row.integer("begin_chunk") ?? 0, length: length),
                position: position(row),
                end: SamplePosition(session: session, window: row.integer("until") ?? 0))
        }
    }

    /// Moves one to its new place: what is before that is stored, but for what is parked now.
    ///
    /// - Parameters:
    ///   - position: `nil` when all of it is dealt with.
    ///   - filed: up to which event of beds was read when it was made.
    /// - Returns: whether it counts; not where something was said of beds since.
    package func settle(
        _ refiling: Int64, at position: SamplePosition?, filed: Int64, stored: [String], parked: [ParkedResource]
    ) throws -> Bool {
        try queue.write { db in
            try Self.settle(db, stored: stored, parked: parked)
            let lane = try String.fetchOne(db, sql: "SELECT lane FROM refilings WHERE id = ?", arguments: [refiling])
            if let lane = lane.flatMap(DeliveryLane.init(rawValue:)) { try Self.count(db, lane, stored.count) }
            guard try Self.isFiled(db, through: filed) else { return false }
            if let position {
                try db.execute(
                    sql: """
                        UPDATE refilings SET session = ?, window = ?, chunk = ?, length = ?, part = ? WHERE id = ?
                        """,
                    arguments: [
                        position.session, position.window, position.chunk, position.length, position.part, refiling,
                    ])
            } else {
                try db.execute(
                    sql: """
                        UPDATE refilings SET done = (SELECT COALESCE(MAX(id), 0) FROM acknowledged) WHERE id = ?
                        """, arguments: [refiling])
            }
            return true
        }
    }

    /// A service does not have what it said: what was delivered anew since a resource that was found there goes again.
    ///
    /// - Returns: the first event of a lane of events that was.
    static func renewRefilings(_ db: Database, _ lane: DeliveryLane, since acknowledged: Int64) throws -> Int64? {
        if lane.isOfSamples {
            try db.execute(
                sql: """
                    UPDATE refilings SET session = begin_session, window = begin_window, chunk = begin_chunk, \
                    part = '', done = NULL WHERE lane = ? AND (done IS NULL OR done >= ?)
                    """, arguments: [lane.rawValue, acknowledged])
            try bound(db, lane)
            return nil
        }
        return try Int64.fetchOne(
            db, sql: "SELECT MIN(event) FROM refilings WHERE lane = ? AND done >= ?",
            arguments: [lane.rawValue, acknowledged])
    }
}

extension Int64 {
    /// The sum, or the highest number where it is beyond that.
    func addingSaturated(_ other: Int64) -> Int64 {
        let (sum, isOver) = addingReportingOverflow(other)
        return isOver ? .max : sum
    }
}
