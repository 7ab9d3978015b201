import Foundation
import GRDB
import JournalCoding

/// What is delivered apart from all else, with a place of its own.
package enum DeliveryLane: String, Sendable, CaseIterable {
    /// Beginnings and ends of alerts.
    case alarms
    /// Events of commands to pumps, and of stops.
    case pumpEvents
    /// What pumps tell of what they give: numbers and texts.
    case pumpState
    /// All other events.
    case events
    /// All other numbers and texts.
    case numerics
    case waveforms

    /// Whether it is cut from the samples, by the window; otherwise from the events.
    package var isOfSamples: Bool {
        switch self {
        case .alarms, .pumpEvents, .events: false
        case .pumpState, .numerics, .waveforms: true
        }
    }

    /// In which lane its content was in books of versions that did not have it; `nil` for one that they had.
    var former: DeliveryLane? {
        switch self {
        case .pumpEvents: .events
        case .pumpState: .numerics
        case .alarms, .events, .numerics, .waveforms: nil
        }
    }
}

/// How far a lane of samples is: all windows of earlier sessions, and all before `window` of this one.
package struct SamplePosition: Sendable, Hashable {
    package var session: Int64
    package var window: Int64
    /// A chunk before which nothing of that window lies.
    package var chunk: Int64
    /// The window's length; 0 when it has not begun. Unit: ns.
    package var length: Int64
    /// The resources of the window up to this one, in the order of their addresses, are dealt with as well; empty for
    /// none.
    package var part: String

    package init(session: Int64 = 0, window: Int64 = 0, chunk: Int64 = 0, length: Int64 = 0, part: String = "") {
        self.session = session
        self.window = window
        self.chunk = chunk
        self.length = length
        self.part = part
    }
}

/// A stretch of a lane of samples that is delivered by itself, up to where the next one began; the last has no end.
/// What is new is one, so that it does not wait for what is left from before.
package struct SampleSpan: Sendable, Hashable {
    /// Where it began; its session and window name it. Of the first one nothing.
    package let begin: SamplePosition
    /// How far it is.
    package var position: SamplePosition

    package init(begin: SamplePosition, position: SamplePosition) {
        (self.begin, self.position) = (begin, position)
    }

    /// Whether it is over, since it is where the next one began.
    package func hasReached(_ next: SamplePosition) -> Bool {
        (position.session, position.window) >= (next.session, next.window)
    }
}

extension SamplePosition {
    /// Whether it lies before another, or in its window with less of it dealt with.
    package func isBefore(_ other: SamplePosition) -> Bool {
        (session, window, part) < (other.session, other.window, other.part)
    }
}

/// Where in the journal a resource comes from.
package enum DeliveryOrigin: Sendable, Hashable {
    case description
    case event(Int64)
    /// The window, by where it begins.
    case window(DeliveryLane, SamplePosition)
}

/// A resource that is not stored and does not hold up what comes after it.
package struct ParkedResource: Sendable {
    package enum Cause: Sendable, Equatable {
        /// The destination does not take it.
        case refused
        /// It refers to this description, which the destination does not take.
        case behind(String)
    }

    package let url: String
    package let cause: Cause
    package let reason: String
    package let origin: DeliveryOrigin
    /// The resource as it was sent; empty where it was not.
    package let resource: String
    /// Unit: ns since 1970.
    package let utc: Int64

    package init(
        url: String, cause: Cause, reason: String, origin: DeliveryOrigin, resource: String, utc: Int64
    ) {
        self.url = url
        self.cause = cause
        self.reason = reason
        self.origin = origin
        self.resource = resource
        self.utc = utc
    }
}

/// One destination's book. Three marks for each thing: what a lane has passed is *stored* there, unless it is *parked*;
/// of what it has not passed nothing is known.
package final class DeliveryBook: Sendable {
    /// What retention and the journal's opening want to know.
    struct Figures {
        var stored: (chunk: Int64, event: Int64) = (0, 0)
        var furthest: (session: Int64, chunk: Int64, event: Int64) = (0, 0, 0)
        var unit: String?
    }

    let queue: DatabaseQueue

    /// What books of versions before 6 do not have: stretches of lanes of samples behind the first one, whose place is
    /// in `lanes`, and what is kept to be read back.
    static let laterSchema = """
        CREATE TABLE spans(
            lane TEXT NOT NULL, begin_session INTEGER NOT NULL, begin_window INTEGER NOT NULL, \
        session INTEGER NOT NULL,
            window INTEGER NOT NULL, chunk INTEGER NOT NULL, length INTEGER NOT NULL, part TEXT NOT NULL, \
        PRIMARY KEY (lane, begin_session, begin_window)) WITHOUT ROWID;
        \(acknowledgedSchema)
        """

    private static let schema = """
        CREATE TABLE facts(name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
        CREATE TABLE lanes(
            name TEXT PRIMARY KEY, session INTEGER NOT NULL, window INTEGER NOT NULL, chunk INTEGER NOT NULL, \
        length INTEGER NOT NULL,
            part TEXT NOT NULL, event INTEGER NOT NULL) WITHOUT ROWID;
        CREATE TABLE missing(
            lane TEXT NOT NULL, first INTEGER NOT NULL, last INTEGER NOT NULL, PRIMARY KEY (lane, first)) WITHOUT ROWID;
        CREATE TABLE described(url TEXT PRIMARY KEY, hash BLOB NOT NULL) WITHOUT ROWID;
        CREATE TABLE counters(name TEXT PRIMARY KEY, value INTEGER NOT NULL) WITHOUT ROWID;
        CREATE TABLE parked(
            id INTEGER PRIMARY KEY, url TEXT NOT NULL UNIQUE, behind TEXT, reason TEXT NOT NULL, resource TEXT NOT \
        NULL,
            utc INTEGER NOT NULL, lane TEXT, event INTEGER, session INTEGER, window INTEGER, chunk INTEGER, \
        length INTEGER, due INTEGER NOT NULL);
        CREATE INDEX parked_due ON parked(due);
        CREATE TABLE cuts(url TEXT PRIMARY KEY) WITHOUT ROWID;
        \(laterSchema)
        """

    /// Opens a destination's book to write, made when it is not there. One that cannot be read any more is set aside
    /// beside it: what was stored is then not known, nothing of the record goes, and all is sent again under the same
    /// ids. A book of a version before 5 is taken over by the first destination that opens one.
    ///
    /// - Parameter unit: the identity under which is delivered.
    /// - Returns: the book, and the name under which a damaged one is kept.
    package static func opened(_ books: DeliveryBooks, destination: String, unit: String) throws -> (
        book: DeliveryBook, setAside: String?
    ) {
        let path = books.path(of: destination)
        guard JournalFiles.makeFolder(books.directory) else {
            throw JournalError.cannotCreate(path: books.directory, reason: String(cString: strerror(errno)))
        }
        for companion in JournalFiles.companions { try PlainFile.clear(path + companion) }
        var setAside: String?
        var book: DeliveryBook
        do {
            book = try DeliveryBook(path, destination: destination, unit: unit)
            // A page that is damaged is found now, not in the middle of a night.
            let verdict = try book.queue.read { try String.fetchOne($0, sql: "PRAGMA quick_check(1)") }
            guard verdict == "ok" else { throw BlockDamage(verdict ?? "it cannot be checked") }
        } catch {
            guard isDamage(error), PlainFile.isThere(path) else { throw error }
            setAside = (path as NSString).lastPathComponent + (try JournalFiles.setAside(path: path))
            book = try DeliveryBook(path, destination: destination, unit: unit)
        }
        if PlainFile.isThere(books.formerPath) {
            var ending = ".taken-over"
            do { try book.takeOver(FormerBook(readingFrom: books.formerPath)) } catch  where isDamage(error) {
                ending = ".damaged"
            }
            let suffix = try JournalFiles.setAside(path: books.formerPath, as: ending)
            if ending == ".damaged" { setAside = setAside ?? "delivery.sqlite" + suffix }
        }
        return (book, setAside)
    }

    private init(_ path: String, destination: String, unit: String) throws {
        queue = try JournalFiles.openForWriting(path, checkpointsItself: true, schema: Self.schema) { db in
            for (name, value) in [("destination", DeliveryBooks.normal(destination)), ("unit", unit)] {
                try db.execute(sql: "INSERT INTO facts(name, value) VALUES (?, ?)", arguments: [name, value])
            }
        }
        // Books that were begun before anybody was bound to a bed have none; an older program leaves it alone.
        try queue.write { db in
            try db.execute(sql: Self.refilingSchema)
            try Self.prepareWithheld(db)
            try Self.splitLanes(db)
            // Nor had those that were begun before what went without a time was remembered.
            try db.execute(sql: Self.unmappedSchema)
        }
    }

    /// Opens a book to look on.
    package init(readingFrom path: String) throws { queue = try JournalFiles.openBookForReading(path) }

    /// Whether an error says that the book's content makes no sense, which will not pass.
    package static func isDamage(_ error: any Error) -> Bool { JournalFailure.isOfContent(error) }

    static func figures(_ path: String) throws -> Figures {
        let book = try DeliveryBook(readingFrom: path)
        return try book.queue.read { db in
            var figures = Figures()
            var stored: (chunk: Int64, event: Int64) = (.max, .max)
            for lane in try Self.lanes(db) {
                if lane.isOfSamples {
                    for position in try Self.spans(db, lane).map(\.position) {
                        stored.chunk = min(stored.chunk, position.chunk)
                        figures.furthest.session = max(figures.furthest.session, position.session)
                        figures.furthest.chunk = max(figures.furthest.chunk, position.chunk)
                    }
                    for refiling in try Self.refilings(db, lane) {
                        stored.chunk = min(stored.chunk, refiling.position.chunk)
                    }
                    for begin in try Self.unmapped(db, lane).values { stored.chunk = min(stored.chunk, begin.chunk) }
                } else {
                    let seen = try Self.seen(db, lane)
                    let first = try Int64.fetchOne(
                        db, sql: "SELECT MIN(first) FROM missing WHERE lane = ?", arguments: [lane.rawValue])
                    stored.event = min(stored.event, first.map { $0 - 1 } ?? seen)
                    figures.furthest.event = max(figures.furthest.event, seen)
                }
            }
            // What is withheld was not even sent: it waits for the day on which it is.
            if let chunk = try Self.firstChunkWithheld(db) { stored.chunk = min(stored.chunk, chunk) }
            // What is parked is not stored: what it came from stays, until a person says otherwise.
            if let chunk = try Int64.fetchOne(db, sql: "SELECT MIN(chunk) FROM parked") {
                stored.chunk = min(stored.chunk, chunk)
            }
            if let event = try Int64.fetchOne(db, sql: "SELECT MIN(event) FROM parked") {
                stored.event = min(stored.event, event - 1)
            }
            figures.stored = stored
            figures.unit = try Self.fact(db, "unit")
            return figures
        }
    }

    private func takeOver(_ former: FormerBook) throws {
        try queue.write { db in
            // A kill between this and the renaming of the old one: it is taken over once.
            guard try Self.fact(db, "takenOver") == nil else { return }
            try db.execute(sql: "INSERT INTO facts(name, value) VALUES ('takenOver', 'delivery.sqlite')")
            for lane in DeliveryLane.allCases {
                if lane.isOfSamples { try Self.move(db, lane, to: former.samples) }
                if !lane.isOfSamples { try Self.see(db, lane, through: former.events) }
            }
            for (url, hash) in former.described {
                try db.execute(sql: "INSERT INTO described(url, hash) VALUES (?, ?)", arguments: [url, hash])
            }
            for letter in former.deadLetters {
                // Where it came from was not written down: it is sent again as it was.
                try Self.park(
                    db,
                    ParkedResource(
                        url: letter.url, cause: .refused, reason: letter.reason, origin: .description,
                        resource: letter.resource, utc: letter.utc))
            }
            try Self.count(db, "stored", former.delivered)
        }
    }

    // MARK: Facts and counters

    /// Notes why nothing is delivered now; `nil` when it is.
    ///
    /// - Parameter since: from when on, unless something was wrong before already; 0 when nothing is. Unit: ns of the
    ///   monotonic clock.
    package func note(problem: String?, since: Int64) throws {
        try queue.write { db in
            try db.execute(
                sql: "INSERT OR REPLACE INTO facts(name, value) VALUES ('problem', ?)", arguments: [problem ?? ""])
            try db.execute(
                sql: "INSERT INTO counters(name, value) VALUES ('failingSince', ?1) ON CONFLICT(name) DO UPDATE SET "
                    + "value = CASE WHEN ?1 = 0 OR value = 0 THEN ?1 ELSE value END", arguments: [since])
        }
    }

    package func problem() throws -> String? {
        try queue.read { try Self.fact($0, "problem") }.flatMap { $0.isEmpty ? nil : $0 }
    }

    static func fact(_ db: Database, _ name: String) throws -> String? {
        try String.fetchOne(db, sql: "SELECT value FROM facts WHERE name = ?", arguments: [name])
    }

    /// The destination's address.
    package func destination() throws -> String { try queue.read { try Self.fact($0, "destination") } ?? "" }

    static func count(_ db: Database, _ name: String, _ value: Int64) throws {
        try db.execute(
            sql: "INSERT INTO counters(name, value) VALUES (?1, ?2) ON CONFLICT(name) DO UPDATE SET value = value + ?2",
            arguments: [name, value])
    }

    /// Resources that were stored there, in all. One that was sent again after a crash counts again.
    package func storedCount() throws -> Int { Int(try counter("stored") ?? 0) }

    package func counter(_ name: String) throws -> Int64? {
        try queue.read { try Int64.fetchOne($0, sql: "SELECT value FROM counters WHERE name = ?", arguments: [name]) }
    }

    package func fact(_ name: String) throws -> String? { try queue.read { try Self.fact($0, name) } }

    /// Remembers a word over a restart.
    package func remember(_ name: String, fact: String) throws {
        try queue.write {
            try $0.execute(sql: "INSERT OR REPLACE INTO facts(name, value) VALUES (?, ?)", arguments: [name, fact])
        }
    }

    /// Remembers a number over a restart.
    package func remember(_ name: String, _ value: Int64) throws {
        try queue.write {
            try $0.execute(
                sql: "INSERT OR REPLACE INTO counters(name, value) VALUES (?, ?)", arguments: [name, value])
        }
    }
}
