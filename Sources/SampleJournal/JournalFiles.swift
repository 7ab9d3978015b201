import Foundation
import GRDB
import GRDBSQLite
import JournalCoding

/// The files of a journal, and how they are opened.
///
/// Samples and events have files of their own: events are committed at once and are small, samples in groups and are
/// many. Each kind is a row of numbered files, of which only the newest is written: what is old goes away as a whole
/// file, and a file that fails is left as it is and a new one begun. One process writes and checkpoints; everybody else
/// opens read-only and so can never checkpoint. (SQLite before 3.51.3 can corrupt a file when two connections write or
/// checkpoint at once.)
package struct JournalFiles: Sendable {
    /// What a numbered file holds.
    enum Kind: String, CaseIterable {
        case samples, events
    }

    /// A numbered file.
    struct Segment: Hashable {
        let kind: Kind
        let number: Int
        let path: String

        /// The name in faults and events.
        var name: String { "\(kind.rawValue)-\(JournalFiles.digits(number)).sqlite" }
    }

    package let directory: String

    package init(directory: String) { self.directory = directory }

    /// What a host opens to write, as far as it is there; what was put aside is none of it.
    package var written: [String] {
        let newest = Kind.allCases.flatMap { segments($0).suffix(1) }
        let files = newest.flatMap { segment in Self.companions.map { segment.path + $0 } } + [lock, reserve]
        return [directory] + files.filter { PlainFile.isThere($0) }
    }

    var lock: String { "\(directory)/lock" }
    /// Space that is given up when the disk is full, so that events still find room.
    var reserve: String { "\(directory)/reserve" }

    /// The version that is written: since 4, a stream says what its metric was called; since 5, a session says under
    /// which identity and in which windows it is delivered; since 6, in which form.
    package static let version = 6
    /// Versions that are read; of the older ones, what their rows do not have is not known.
    static let readableVersions = 3...6
    static let companions = ["", "-wal", "-shm", "-journal"]

    /// Higher numbers are none of ours: a file a second would take thirty years. Nor is one that lies so far beyond the
    /// one before it.
    private static let largestNumber = 900_000_000
    private static let largestStep = 1_000_000

    private static func digits(_ number: Int) -> String {
        let text = String(number)
        return String(repeating: "0", count: max(0, 6 - text.count)) + text
    }

    /// The file that comes after all others of its kind. A number whose name anything else has, or has left something
    /// of, is passed over.
    func next(_ kind: Kind) -> Segment {
        var number = (segments(kind).last?.number ?? 0) + 1
        func isFree(_ number: Int) -> Bool {
            let path = segment(kind, number).path
            return Self.companions.allSatisfy { !PlainFile.isTaken(path + $0) && !PlainFile.isThere(path + $0) }
        }
        while !isFree(number) { number += 1 }
        return segment(kind, number)
    }

    /// The last file of its kind; before the first, one of number 0 that is never there.
    func newest(_ kind: Kind) -> Segment { segments(kind).last ?? segment(kind, 0) }

    func segment(_ kind: Kind, _ number: Int) -> Segment {
        Segment(kind: kind, number: number, path: "\(directory)/\(kind.rawValue)-\(Self.digits(number)).sqlite")
    }

    /// The files of a kind, oldest first: regular ones whose names are just as they are given.
    func segments(_ kind: Kind) -> [Segment] {
        let names = (try? FileManager.default.contentsOfDirectory(atPath: directory)) ?? []
        let segments = names.compactMap { name -> Segment? in
            guard name.hasPrefix("\(kind.rawValue)-"), name.hasSuffix(".sqlite"),
                let number = Int(name.dropFirst(kind.rawValue.count + 1).dropLast(7)),
                (1...Self.largestNumber).contains(number)
            else { return nil }
            let segment = segment(kind, number)
            return segment.name == name && PlainFile.isThere(segment.path) ? segment : nil
        }
        let sorted = segments.sorted { $0.number < $1.number }
        var last = 0
        return Array(
            sorted.prefix { segment in
                defer { last = segment.number }
                return segment.number - last <= Self.largestStep
            })
    }

    /// Size of the record's files with their logs. Unit: bytes.
    package var size: Int64 {
        Kind.allCases.flatMap(segments).reduce(0) { $0 + Self.size(of: $1) }
    }

    /// Size of one file with its log. Unit: bytes.
    static func size(of segment: Segment) -> Int64 {
        fileSize(segment.path) + fileSize(segment.path + "-wal")
    }

    private static func fileSize(_ path: String) -> Int64 {
        let attributes = try? FileManager.default.attributesOfItem(atPath: path)
        return (attributes?[.size] as? NSNumber)?.int64Value ?? 0
    }

    /// Takes a file and its log away. Returns whether the file is gone: a disk that takes nothing keeps it.
    @discardableResult
    static func remove(_ segment: Segment) -> Bool {
        for suffix in companions { unlink(segment.path + suffix) }
        return access(segment.path, F_OK) != 0
    }

    /// Renames a file that is no database, so that nothing of it is lost and nothing is tried with it again. Returns
    /// its new name.
    static func setAside(_ segment: Segment, as ending: String = ".damaged") throws -> String {
        segment.name + (try setAside(path: segment.path, as: ending))
    }

    /// The same of any file; returns what its name has got behind it.
    static func setAside(path: String, as ending: String = ".damaged") throws -> String {
        var attempt = 0
        var suffix = ending
        while PlainFile.isThere(path + suffix) || PlainFile.isTaken(path + suffix) {
            attempt += 1
            suffix = "\(ending)-\(attempt)"
        }
        for companion in companions
        where PlainFile.isThere(path + companion) || PlainFile.isTaken(path + companion) {
            guard rename(path + companion, path + suffix + companion) == 0 else {
                throw JournalError.cannotCreate(path: path + suffix, reason: String(cString: strerror(errno)))
            }
        }
        return suffix
    }

    // MARK: Opening

    /// Opens a file for its one writer: WAL, `synchronous=FULL` asserted.
    ///
    /// - Parameters:
    ///   - checkpointsItself: leave checkpoints to SQLite; otherwise there is none but the writer's own.
    ///   - schema: of a new file; `nil`: the file must be there.
    ///   - begin: what a new file has from its beginning, in the same transaction as its schema.
    static func openForWriting(
        _ path: String, checkpointsItself: Bool = false, schema: String? = nil,
        begin: (Database) throws -> Void = { _ in }
    ) throws -> DatabaseQueue {
        SharedIndex.keep()
        var configuration = GRDB.Configuration()
        configuration.journalMode = .wal
        configuration.busyMode = .timeout(5)
        try keepPrivate(path)
        let queue: DatabaseQueue
        do {
            queue = try DatabaseQueue(path: path, configuration: configuration)
        } catch {
            throw JournalError.cannotCreate(path: path, reason: JournalFailure.words(error), cause: error)
        }
        try queue.writeWithoutTransaction { db in
            // A writer goes forward: what it has written it hardly reads again.
            try db.execute(sql: "PRAGMA cache_size=-512")
            // GRDB sets NORMAL by itself when it sets up WAL, whatever was asked for before: it is set after opening,
            // and read back.
            try db.execute(
                sql:
                    "PRAGMA synchronous=FULL; PRAGMA wal_autocheckpoint=\(checkpointsItself ? 1000 : 0); PRAGMA "
                    + "foreign_keys=OFF"
            )
            for (setting, expected) in [("synchronous", "2"), ("journal_mode", "wal")] {
                let found = try String.fetchOne(db, sql: "PRAGMA \(setting)") ?? "nothing"
                guard found == expected else {
                    throw JournalError.settingRefused(setting: "\(setting)=\(expected)", found: found)
                }
            }
            let found = try Int.fetchOne(db, sql: "PRAGMA user_version") ?? 0
            guard found == 0 || readableVersions.contains(found) else {
                throw JournalError.otherVersion(found: found, known: version)
            }
            try checkTables(db, writes: true)
            // All or nothing: a kill in between must not leave half a file.
            if found > 0, found < version { try db.inTransaction(.immediate) { try upgrade(db, from: found) } }
            guard found == 0 else { return }
            guard let schema else { throw BlockDamage("it was never begun") }
            try db.inTransaction(.immediate) {
                try db.execute(sql: schema)
                try begin(db)
                try db.execute(sql: "PRAGMA user_version=\(version)")
                return .commit
            }
        }
        return queue
    }

    /// Makes a file that only its owner writes and nobody else reads before anything is in it: what SQLite puts beside
    /// it gets the same rights. Nothing but a regular file is opened.
    ///
    /// A file that is there is not opened for this: closing it would take the locks that SQLite has on it.
    private static func keepPrivate(_ path: String) throws {
        let made = open(path, O_CREAT | O_EXCL | O_RDWR | O_CLOEXEC | O_NOFOLLOW, 0o640)
        if made >= 0 {
            close(made)
            return
        }
        for companion in companions {
            var status = stat()
            guard lstat(path + companion, &status) == 0 else { continue }
            guard status.st_mode & S_IFMT == S_IFREG else { throw BlockDamage("\(companion) is no regular file") }
            if status.st_mode & 0o137 != 0 { chmod(path + companion, 0o640) }
        }
    }

    /// Gives a file of an older version the columns of today's. Its rows stay as they were written, and so do their
    /// checksums.
    private static func upgrade(_ db: Database, from old: Int) throws -> Database.TransactionCompletion {
        if old < 4, try db.tableExists("streams") {
            for column in nameColumns { try db.execute(sql: "ALTER TABLE streams ADD COLUMN \(column) TEXT") }
        }
        if old < 5, try db.tableExists("sessions") {
            for column in deliveryColumns { try db.execute(sql: "ALTER TABLE sessions ADD COLUMN \(column)") }
        }
        if old < 6, try db.tableExists("sessions") {
            try db.execute(sql: "ALTER TABLE sessions ADD COLUMN \(formColumn)")
        }
        if old < 6, try db.tableExists("lanes") { try db.execute(sql: DeliveryBook.laterSchema) }
        try db.execute(sql: "PRAGMA user_version=\(version)")
        return .commit
    }

    /// Makes the next file of a kind with its beginning. A file that cannot be begun is not left.
    func makeNext(_ kind: Kind, begin: (Database) throws -> Void) throws -> (segment: Segment, queue: DatabaseQueue) {
        let segment = next(kind)
        do {
            return (
                segment,
                try Self.openForWriting(
                    segment.path, schema: kind == .samples ? Self.sampleSchema : Self.eventSchema, begin: begin)
            )
        } catch {
            Self.remove(segment)
            throw error
        }
    }

    /// Whether nothing was ever in a file: what a kill leaves that comes before a new file has its beginning.
    func isBlank(_ segment: Segment) -> Bool {
        // To write: what a kill left half done may have to be taken back first.
        guard let queue = try? DatabaseQueue(path: segment.path) else { return false }
        return (try? queue.read { try Int.fetchOne($0, sql: "SELECT COUNT(*) FROM sqlite_master") }) == 0
    }

    /// Opens a file to read only. Throws ``JournalError/notAJournal(directory:)`` when it is not there.
    func openForReading(_ path: String) throws -> DatabaseQueue {
        // Of the database's own words nobody learns that.
        if let closed = Self.companions.first(where: { PlainFile.isForbidden(path + $0, R_OK) }) {
            throw JournalError.mayNotBeRead(path: path + closed)
        }
        guard PlainFile.isThere(path) else { throw JournalError.notAJournal(directory: directory) }
        // That passes when somebody takes it away; the file itself may be whole.
        if let taken = Self.companions.first(where: { PlainFile.isTaken(path + $0) }) {
            throw JournalError.cannotCreate(path: path + taken, reason: "it is no regular file")
        }
        var configuration = GRDB.Configuration()
        configuration.readonly = true
        configuration.busyMode = .timeout(5)
        // A reader has every file of the journal open: each keeps little. What a file says of itself is not believed.
        configuration.prepareDatabase {
            try $0.execute(sql: "PRAGMA cache_size=-256; PRAGMA trusted_schema=OFF; PRAGMA cell_size_check=ON")
        }
        func opened(_ path: String) throws -> DatabaseQueue {
            let queue = try DatabaseQueue(path: path, configuration: configuration)
            let found = try queue.read { try Int.fetchOne($0, sql: "PRAGMA user_version") ?? 0 }
            try queue.read { try Self.checkTables($0) }
            guard Self.readableVersions.contains(found) else {
                throw JournalError.otherVersion(found: found, known: Self.version)
            }
            return queue
        }
        do { return try opened(path) } catch let error as DatabaseError {
            // On a read-only disk SQLite finds no place for its index of the log; without a log it needs none.
            guard error.resultCode == .SQLITE_CANTOPEN, Self.isReadOnly(directory), Self.fileSize(path + "-wal") == 0,
                let name = path.addingPercentEncoding(withAllowedCharacters: .urlPathAllowed)
            else { throw error }
            return try opened("file:\(name)?immutable=1")
        }
    }

    /// The longest value that a file of ours has in a row. Unit: bytes.
    private static let longestValue = 32 << 20

    /// A view in place of a table of ours is a programme of somebody else's, which may have no end; a trigger is one
    /// where anything is written. A value beyond all measure takes all memory.
    private static func checkTables(_ db: Database, writes: Bool = false) throws {
        let kinds = try String.fetchAll(
            db,
            sql: """
                SELECT DISTINCT type FROM sqlite_master WHERE type = 'trigger' AND ? OR type NOT IN ('table', 'index') \
                AND name IN ('about', 'sessions', 'streams', 'gaps', 'chunks', 'anchor', 'events')
                """, arguments: [writes])
        if let other = kinds.first { throw BlockDamage("it holds a \(other)") }
        sqlite3_limit(db.sqliteConnection, SQLITE_LIMIT_LENGTH, Int32(longestValue))
    }

    /// Opens a book of deliveries to read only.
    static func openBookForReading(_ path: String) throws -> DatabaseQueue {
        try JournalFiles(directory: (path as NSString).deletingLastPathComponent).openForReading(path)
    }

    /// Makes a folder, and those that it lies in, which only its owner and his group may enter. Returns whether it is
    /// there; `errno` says why not.
    static func makeFolder(_ directory: String) -> Bool {
        var missing: [String] = []
        var folder = directory
        while !folder.isEmpty, folder != "/", access(folder, F_OK) != 0 {
            missing.insert(folder, at: 0)
            folder = (folder as NSString).deletingLastPathComponent
        }
        for part in missing where mkdir(part, 0o750) != 0 && errno != EEXIST { return false }
        return true
    }

    /// Whether a folder's disk takes nothing now.
    private static func isReadOnly(_ directory: String) -> Bool { access(directory, W_OK) != 0 && errno == EROFS }

    // MARK: Schemas

    private static let nameColumns = ["system", "category", "display", "display_ar", "loinc"]
    private static let deliveryColumns = ["unit TEXT", "window_ns INTEGER"]
    private static let formColumn = "form INTEGER"

    /// `about` holds a file's own first number and how far the other kind had come; `first_sequence` is a stream's next
    /// number when the file was begun. The payload stands last, so that a search over times does not read it.
    private static let sampleSchema = """
        CREATE TABLE about(name TEXT PRIMARY KEY, value INTEGER NOT NULL) WITHOUT ROWID;
        CREATE TABLE sessions(
            id INTEGER PRIMARY KEY, key TEXT NOT NULL UNIQUE, boot TEXT NOT NULL, started_ns INTEGER NOT NULL, \
        started_utc INTEGER NOT NULL,
            checksum INTEGER NOT NULL, ended_ns INTEGER, \
        \((deliveryColumns + [formColumn]).joined(separator: ", ")));
        CREATE TABLE streams(
            id INTEGER PRIMARY KEY, device TEXT NOT NULL, vmd TEXT, metric TEXT NOT NULL, code INTEGER, unit TEXT, \
        form TEXT NOT NULL,
            waveform INTEGER NOT NULL, period_ns INTEGER NOT NULL, profile TEXT NOT NULL, first_sequence INTEGER NOT \
        NULL,
            checksum INTEGER NOT NULL, next_sequence INTEGER NOT NULL, \
        \(nameColumns.map { "\($0) TEXT" }.joined(separator: ", ")));
        CREATE TABLE gaps(
            stream INTEGER NOT NULL, first_sequence INTEGER NOT NULL, next_sequence INTEGER NOT NULL, cause TEXT NOT \
        NULL,
            PRIMARY KEY (stream, first_sequence)) WITHOUT ROWID;
        CREATE TABLE chunks(
            id INTEGER PRIMARY KEY, first INTEGER NOT NULL, session INTEGER NOT NULL, content INTEGER NOT NULL, \
        base_ns INTEGER NOT NULL,
            end_ns INTEGER NOT NULL, utc INTEGER NOT NULL, quality INTEGER NOT NULL, samples INTEGER NOT NULL, \
        checksum INTEGER NOT NULL,
            payload BLOB NOT NULL);

        """

    /// `anchor` is the hash of the last event of the file before.
    private static let eventSchema = """
        CREATE TABLE about(name TEXT PRIMARY KEY, value INTEGER NOT NULL) WITHOUT ROWID;
        CREATE TABLE anchor(hash BLOB NOT NULL);
        CREATE TABLE events(
            id INTEGER PRIMARY KEY, session TEXT NOT NULL, monotonic_ns INTEGER NOT NULL, utc INTEGER NOT NULL, \
        quality INTEGER NOT NULL,
            device TEXT, kind TEXT NOT NULL, body TEXT NOT NULL, hash BLOB NOT NULL, checksum INTEGER NOT NULL);

        """
}

extension Database {
    /// A number a file knows about itself; `nil` when it does not.
    func about(_ name: String) throws -> Int64? {
        try Int64.fetchOne(self, sql: "SELECT value FROM about WHERE name = ?", arguments: [name])
    }

    func note(_ name: String, _ value: Int64) throws {
        try execute(sql: "INSERT OR REPLACE INTO about(name, value) VALUES (?, ?)", arguments: [name, value])
    }
}
