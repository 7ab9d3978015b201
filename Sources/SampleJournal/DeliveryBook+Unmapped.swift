import GRDB

/// What was delivered without a time, since the wall clock was not set when it was taken: it is delivered anew when
/// something tells when that was, and stays in the record until then.
extension DeliveryBook {
    static let unmappedSchema = """
        CREATE TABLE IF NOT EXISTS unmapped(
            lane TEXT NOT NULL, session INTEGER NOT NULL, window INTEGER NOT NULL, chunk INTEGER NOT NULL, \
        length INTEGER NOT NULL, part TEXT NOT NULL, PRIMARY KEY (lane, session)) WITHOUT ROWID;
        """

    /// Notes the first window of a session that goes without a time; the earliest of all that are noted counts.
    package func note(unmapped lane: DeliveryLane, _ begin: SamplePosition) throws {
        try queue.write { db in
            try db.execute(
                sql: """
                    INSERT INTO unmapped(lane, session, window, chunk, length, part) VALUES (?, ?, ?, ?, ?, '')
                    ON CONFLICT(lane, session) DO UPDATE SET window = excluded.window, chunk = excluded.chunk, \
                    length = excluded.length WHERE excluded.window < window
                    """, arguments: [lane.rawValue, begin.session, begin.window, begin.chunk, begin.length])
        }
    }

    /// Where, by the session, what went without a time begins.
    package func unmapped(_ lane: DeliveryLane) throws -> [Int64: SamplePosition] {
        try queue.read { try Self.unmapped($0, lane) }
    }

    static func unmapped(_ db: Database, _ lane: DeliveryLane) throws -> [Int64: SamplePosition] {
        // A book that nobody has written since.
        guard try db.tableExists("unmapped") else { return [:] }
        let rows = try Row.fetchAll(db, sql: "SELECT * FROM unmapped WHERE lane = ?", arguments: [lane.rawValue])
        return Dictionary(rows.map(position).map { ($0.session, $0) }, uniquingKeysWith: { first, _ in first })
    }

    /// Of a session it is known by now when it was: what the lane has passed of it is delivered anew.
    package func map(_ lane: DeliveryLane, _ change: FilingChange) throws {
        try queue.write { db in
            try Self.note(db, lane, change)
            try Self.forget(db, lane, session: change.begin.session)
            // What was kept to be read back says what is not true any more.
            try db.execute(sql: "DELETE FROM acknowledged WHERE confirmed = 0")
        }
    }

    /// Nothing will tell when a session was.
    package func forget(unmapped lane: DeliveryLane, session: Int64) throws {
        try queue.write { try Self.forget($0, lane, session: session) }
    }

    private static func forget(_ db: Database, _ lane: DeliveryLane, session: Int64) throws {
        try db.execute(
            sql: "DELETE FROM unmapped WHERE lane = ? AND session = ?", arguments: [lane.rawValue, session])
    }
}
