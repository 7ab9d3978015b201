import GRDB

/// What of the unit's identity cannot be used, as the process that delivers says it to all others.
extension DeliveryBook {
    /// Notes what cannot be used as it is now; `nil` when everything can.
    ///
    /// - Parameter since: from when on, unless something could not be used before already. Unit: ns of the monotonic
    ///   clock.
    package func note(concern: String?, since: Int64) throws {
        try queue.write { db in
            try db.execute(
                sql: "INSERT OR REPLACE INTO facts(name, value) VALUES ('concern', ?)", arguments: [concern ?? ""])
            try db.execute(
                sql: "INSERT INTO counters(name, value) VALUES ('concernSince', ?1) ON CONFLICT(name) DO UPDATE SET "
                    + "value = CASE WHEN ?1 = 0 OR value = 0 THEN ?1 ELSE value END",
                arguments: [concern == nil ? 0 : since])
        }
    }

    package func concern() throws -> String? {
        try queue.read { try Self.fact($0, "concern") }.flatMap { $0.isEmpty ? nil : $0 }
    }
}
