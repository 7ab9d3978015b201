import GRDB

/// What went over the way to a destination in a month.
extension DeliveryBook {
    /// As it was written; whoever reads it says what is possible.
    package struct KeptMonth: Sendable {
        /// Months since the year 0; `nil` while no clock has said it.
        package let month: Int64?
        /// Unit: bytes.
        package let bytes: Int64?
    }

    package func monthCount() throws -> KeptMonth {
        try queue.read { db in
            let values = try Row.fetchAll(
                db, sql: "SELECT name, value FROM counters WHERE name IN ('month', 'monthBytes')")
            func value(_ name: String) -> Int64? { values.first { $0.text("name") == name }?.integer("value") }
            return KeptMonth(month: value("month"), bytes: value("monthBytes"))
        }
    }

    /// Both in one step: a kill in between would give a month the bytes of another.
    package func remember(month: Int64?, bytes: Int64) throws {
        try queue.write { db in
            for (name, value) in [("month", month ?? 0), ("monthBytes", bytes)] {
                try db.execute(
                    sql: "INSERT OR REPLACE INTO counters(name, value) VALUES (?, ?)", arguments: [name, value])
            }
        }
    }
}
