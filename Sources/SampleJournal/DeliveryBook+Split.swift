import GRDB

/// Lanes that books did not always have.
extension DeliveryBook {
    /// Says that a book has them: once, so that a lane that has not begun is not taken for one that is not there.
    private static let split = "pumpLanes"

    /// The lanes that a book has; of one that was not written since, those that there were.
    static func lanes(_ db: Database) throws -> [DeliveryLane] {
        try fact(db, split) != nil ? DeliveryLane.allCases : DeliveryLane.allCases.filter { $0.former == nil }
    }

    package func lanes() throws -> [DeliveryLane] { try queue.read { try Self.lanes($0) } }

    /// What was one lane and is two by now has the same place in both.
    static func splitLanes(_ db: Database) throws {
        guard try fact(db, split) == nil else { return }
        for lane in DeliveryLane.allCases {
            guard let former = lane.former else { continue }
            for (table, columns) in [
                ("lanes", "session, window, chunk, length, part, event"), ("missing", "first, last"),
                ("spans", "begin_session, begin_window, session, window, chunk, length, part"),
                (
                    "refilings",
                    "devices, event, begin_session, begin_window, begin_chunk, session, window, chunk, length, part, "
                        + "until, done, pulled"
                ),
            ] {
                let name = table == "lanes" ? "name" : "lane"
                let target = "\(table)(\(name), \(columns))"
                try db.execute(
                    sql: "INSERT INTO \(target) SELECT ?, \(columns) FROM \(table) WHERE \(name) = ?",
                    arguments: [lane.rawValue, former.rawValue])
            }
        }
        try db.execute(sql: "INSERT INTO facts(name, value) VALUES (?, 'all')", arguments: [split])
    }
}
