import Foundation
import GRDB

/// What was put aside.
extension DeliveryBook {
    static func settle(_ db: Database, stored: [String], parked: [ParkedResource]) throws {
        // One that was put aside before and is stored now is none that is missing there.
        for url in stored { try db.execute(sql: "DELETE FROM parked WHERE url = ?", arguments: [url]) }
        for resource in parked { try park(db, resource) }
        guard !stored.isEmpty else { return }
        try count(db, "stored", Int64(stored.count))
        try db.execute(
            sql: "INSERT OR REPLACE INTO counters(name, value) VALUES ('lastStored', ?)",
            arguments: [Int64(Date().timeIntervalSince1970 * 1e9)])
    }

    static func park(_ db: Database, _ resource: ParkedResource) throws {
        var behind: String?
        if case .behind(let url) = resource.cause { behind = url }
        let (lane, event, position) = resource.origin.columns
        // What is refused again is one resource still.
        try db.execute(
            sql: """
                INSERT INTO parked(url, behind, reason, resource, utc, lane, event, session, window, chunk, length, due)
                VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 0)
                ON CONFLICT(url) DO UPDATE SET behind = excluded.behind, reason = excluded.reason, \
                resource = excluded.resource, due = 0
                """,
            arguments: [
                resource.url, behind, resource.reason, resource.resource, resource.utc, lane, event, position?.session,
                position?.window, position?.chunk, position?.length,
            ])
    }

    private static func parked(_ row: Row) -> ParkedResource? {
        guard let url = row.text("url") else { return nil }
        return ParkedResource(
            url: url, cause: row.text("behind").map(ParkedResource.Cause.behind) ?? .refused,
            reason: row.text("reason") ?? "", origin: DeliveryOrigin(row), resource: row.text("resource") ?? "",
            utc: row.integer("utc") ?? 0)
    }

    package func parked(limit: Int) throws -> [ParkedResource] {
        try queue.read { db in
            try Row.fetchAll(db, sql: "SELECT * FROM parked ORDER BY id LIMIT ?", arguments: [limit])
                .compactMap(Self.parked)
        }
    }

    /// What is to be tried again.
    package func due(limit: Int) throws -> [ParkedResource] {
        try queue.read { db in
            try Row.fetchAll(db, sql: "SELECT * FROM parked WHERE due = 1 ORDER BY id LIMIT ?", arguments: [limit])
                .compactMap(Self.parked)
        }
    }

    /// Does what a person asked for, and takes the word away.
    package func follow(_ books: DeliveryBooks) throws {
        for order in DeliveryBooks.Order.allCases {
            let path = "\(books.directory)/\(order.rawValue)"
            guard access(path, F_OK) == 0 else { continue }
            switch order {
            case .retry: try retry()
            case .release: _ = try release()
            case .releaseWithheld: try releaseWithheld()
            }
            unlink(path)
        }
    }

    /// Has what is parked tried again.
    package func retry() throws { try queue.write { try $0.execute(sql: "UPDATE parked SET due = 1") } }

    /// What cannot be tried again, since nothing of it is left.
    package func giveUpTrying(_ url: String) throws {
        try queue.write {
            try $0.execute(
                sql: "UPDATE parked SET due = 0, reason = 'the journal does not have it any more' WHERE url = ?",
                arguments: [url])
        }
    }

    /// A person's word that what is parked need not be stored there.
    ///
    /// - Returns: how many.
    package func release() throws -> Int {
        try queue.write { db in
            try db.execute(sql: "DELETE FROM parked")
            let count = db.changesCount
            try Self.count(db, "released", Int64(count))
            return count
        }
    }

    /// Resources that the destination refused, and those that wait behind a description.
    package func parkedCounts() throws -> (refused: Int, behind: Int) {
        try queue.read { db in
            let refused = try Int.fetchOne(db, sql: "SELECT COUNT(*) FROM parked WHERE behind IS NULL") ?? 0
            let all = try Int.fetchOne(db, sql: "SELECT COUNT(*) FROM parked") ?? 0
            return (refused, all - refused)
        }
    }

    /// Whether a resource is parked, and behind which description.
    package func isParked(_ url: String) throws -> Bool {
        try queue.read {
            try Bool.fetchOne($0, sql: "SELECT EXISTS(SELECT 1 FROM parked WHERE url = ?)", arguments: [url]) ?? false
        }
    }

    /// Settles resources that were parked and tried again.
    package func settle(stored: [String], parked: [ParkedResource]) throws {
        try queue.write { try Self.settle($0, stored: stored, parked: parked) }
    }

    // MARK: What was cut

    /// Notes, before its pieces are sent, that a resource goes in pieces: for ever, so that its numbers have one name.
    package func cut(_ url: String) throws {
        try queue.write { try $0.execute(sql: "INSERT OR IGNORE INTO cuts(url) VALUES (?)", arguments: [url]) }
    }

    package func cuts() throws -> Set<String> {
        try queue.read { try String.fetchSet($0, sql: "SELECT url FROM cuts") }
    }
}
