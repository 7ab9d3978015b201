import Foundation
import GRDB
import JournalCoding

/// The uplink's own book: what the records service has acknowledged, and what it refused. Never part of the record.
package final class DeliveryStore: Sendable {
    /// How far the samples are delivered: all windows of earlier sessions, and all before `window` of this one.
    package struct SamplePosition: Sendable, Equatable {
        package var session: Int64
        package var window: Int64
        /// A chunk before which nothing of that window lies.
        package var chunk: Int64
        /// The window's length; 0 when it has not begun. Unit: ns.
        package var length: Int64

        package init(session: Int64, window: Int64, chunk: Int64, length: Int64) {
            self.session = session
            self.window = window
            self.chunk = chunk
            self.length = length
        }
    }

    /// A resource that the service will not take.
    package struct DeadLetter: Sendable {
        package let id: Int64
        package let url: String
        package let reason: String
        package let resource: String
        /// Unit: ns since 1970.
        package let utc: Int64
    }

    private let queue: DatabaseQueue

    /// Opens the book to write, one that cannot be read any more set aside beside it: what was acknowledged is then not
    /// known, nothing of the record goes, and all is sent again under the same ids.
    ///
    /// - Returns: the book, and the name under which the damaged one is kept.
    package static func opened(directory: String) throws -> (book: DeliveryStore, setAside: String?) {
        let path = JournalFiles(directory: directory).delivery
        do {
            let book = try DeliveryStore(directory: directory)
            // A page that is damaged is found now, not in the middle of a night.
            let verdict = try book.queue.read { try String.fetchOne($0, sql: "PRAGMA quick_check(1)") }
            guard verdict == "ok" else { throw BlockDamage(verdict ?? "it cannot be checked") }
            return (book, nil)
        } catch {
            guard JournalFailure.isOfContent(error), FileManager.default.fileExists(atPath: path) else { throw error }
        }
        let suffix = try JournalFiles.setAside(path: path)
        return (try DeliveryStore(directory: directory), "delivery.sqlite" + suffix)
    }

    /// Whether an error says that the book's content makes no sense, which will not pass.
    package static func isDamage(_ error: any Error) -> Bool { JournalFailure.isOfContent(error) }

    /// Opens the book. Only the uplink itself writes; whoever looks on opens it read-only.
    package init(directory: String, readOnly: Bool = false) throws {
        let files = JournalFiles(directory: directory)
        if readOnly {
            queue = try files.openForReading(files.delivery)
            return
        }
        queue = try JournalFiles.openForWriting(
            files.delivery, checkpointsItself: true,
            schema: """
                CREATE TABLE positions(name TEXT PRIMARY KEY, a INTEGER NOT NULL, b INTEGER NOT NULL, c INTEGER NOT \
                NULL,
                    d INTEGER NOT NULL) WITHOUT ROWID;
                CREATE TABLE described(url TEXT PRIMARY KEY, hash BLOB NOT NULL) WITHOUT ROWID;
                CREATE TABLE counters(name TEXT PRIMARY KEY, value INTEGER NOT NULL) WITHOUT ROWID;
                CREATE TABLE dead_letters(
                    id INTEGER PRIMARY KEY, url TEXT NOT NULL, reason TEXT NOT NULL, resource TEXT NOT NULL, utc \
                INTEGER NOT NULL);

                """)
    }

    package func samplePosition() throws -> SamplePosition {
        try queue.read { db in
            guard let row = try Row.fetchOne(db, sql: "SELECT a, b, c, d FROM positions WHERE name = 'samples'") else {
                return SamplePosition(session: 0, window: 0, chunk: 0, length: 0)
            }
            return SamplePosition(
                session: row.integer("a") ?? 0, window: row.integer("b") ?? 0, chunk: row.integer("c") ?? 0,
                length: row.integer("d") ?? 0)
        }
    }

    /// Moves the samples' position, and adds to the count of resources delivered, in one transaction.
    package func move(samples position: SamplePosition, delivered: Int) throws {
        try queue.write { db in
            try db.execute(
                sql: "INSERT OR REPLACE INTO positions(name, a, b, c, d) VALUES ('samples', ?, ?, ?, ?)",
                arguments: [position.session, position.window, position.chunk, position.length])
            try Self.count(db, delivered)
        }
    }

    /// How many resources of a window, in the order of their ids, the service has acknowledged.
    ///
    /// - Parameter print: what tells these resources from others, by their number: a window of another content, as
    ///   under another unit's name, begins anew.
    package func acknowledged(of position: SamplePosition, print: (Int) -> Int64) throws -> Int {
        try queue.read { db in
            guard let row = try Row.fetchOne(db, sql: "SELECT a, b, c, d FROM positions WHERE name = 'part'"),
                row.integer("a") == position.session, row.integer("b") == position.window,
                let count = row.integer("c").flatMap({ Int(exactly: $0) }), count >= 0, row.integer("d") == print(count)
            else { return 0 }
            return count
        }
    }

    package func mark(part count: Int, print: Int64, of position: SamplePosition, delivered: Int) throws {
        try queue.write { db in
            try db.execute(
                sql: "INSERT OR REPLACE INTO positions(name, a, b, c, d) VALUES ('part', ?, ?, ?, ?)",
                arguments: [position.session, position.window, count, print])
            try Self.count(db, delivered)
        }
    }

    /// The last event delivered.
    package func eventPosition() throws -> Int64 {
        try queue.read { try Int64.fetchOne($0, sql: "SELECT a FROM positions WHERE name = 'events'") ?? 0 }
    }

    package func move(events position: Int64, delivered: Int) throws {
        try queue.write { db in
            try db.execute(
                sql: "INSERT OR REPLACE INTO positions(name, a, b, c, d) VALUES ('events', ?, 0, 0, 0)",
                arguments: [position])
            try Self.count(db, delivered)
        }
    }

    private static func count(_ db: Database, _ delivered: Int) throws {
        try db.execute(
            sql:
                "INSERT INTO counters(name, value) VALUES ('delivered', ?1) ON CONFLICT(name) DO UPDATE SET value = "
                + "value + ?1",
            arguments: [delivered])
    }

    /// Resources the service has acknowledged, in all. A resource that was sent again after a crash counts again.
    package func deliveredCount() throws -> Int {
        try queue.read { try Int.fetchOne($0, sql: "SELECT value FROM counters WHERE name = 'delivered'") ?? 0 }
    }

    /// Whether a description was acknowledged with exactly this content.
    package func isDescribed(_ url: String, hash: [UInt8]) throws -> Bool {
        try queue.read {
            try Data.fetchOne($0, sql: "SELECT hash FROM described WHERE url = ?", arguments: [url]) == Data(hash)
        }
    }

    package func markDescribed(_ descriptions: [(url: String, hash: [UInt8])]) throws {
        try queue.write { db in
            for (url, hash) in descriptions {
                try db.execute(
                    sql: "INSERT OR REPLACE INTO described(url, hash) VALUES (?, ?)", arguments: [url, Data(hash)])
                // One that was refused before and is taken now is none that is missing there.
                try db.execute(sql: "DELETE FROM dead_letters WHERE url = ?", arguments: [url])
            }
            try Self.count(db, descriptions.count)
        }
    }

    package func bury(url: String, reason: String, resource: String, utc: Int64) throws {
        try queue.write { db in
            // What is refused again is not refused twice.
            try db.execute(sql: "DELETE FROM dead_letters WHERE url = ?", arguments: [url])
            try db.execute(
                sql: "INSERT INTO dead_letters(url, reason, resource, utc) VALUES (?, ?, ?, ?)",
                arguments: [url, reason, resource, utc])
        }
    }

    package func deadLetters(limit: Int) throws -> [DeadLetter] {
        try queue.read { db in
            try Row.fetchAll(db, sql: "SELECT * FROM dead_letters ORDER BY id LIMIT ?", arguments: [limit]).map {
                DeadLetter(
                    id: $0.integer("id") ?? 0, url: $0.text("url") ?? "", reason: $0.text("reason") ?? "",
                    resource: $0.text("resource") ?? "",
                    utc: $0.integer("utc") ?? 0)
            }
        }
    }

    package func isDeadLetter(_ url: String) throws -> Bool {
        try queue.read {
            try Bool.fetchOne($0, sql: "SELECT EXISTS(SELECT 1 FROM dead_letters WHERE url = ?)", arguments: [url])
                ?? false
        }
    }

    package func deadLetterCount() throws -> Int {
        try queue.read { try Int.fetchOne($0, sql: "SELECT COUNT(*) FROM dead_letters") ?? 0 }
    }
}
