import Foundation
import GRDB

/// The files of a journal, and how they are opened.
///
/// Samples and events have a file each: events are committed at once and are small, samples in groups and are many. One process writes and
/// checkpoints; everybody else opens read-only and so can never checkpoint. (SQLite before 3.51.3 can corrupt a file when two connections
/// write or checkpoint at once.)
public struct JournalFiles: Sendable {
    public let directory: String

    public init(directory: String) { self.directory = directory }

    var samples: String { "\(directory)/samples.sqlite" }
    var events: String { "\(directory)/events.sqlite" }
    /// The uplink's own book of what was delivered; not part of the record.
    public var delivery: String { "\(directory)/delivery.sqlite" }
    var lock: String { "\(directory)/lock" }

    static let version = 1

    /// Size of the two record files with their logs. Unit: bytes.
    public var size: Int64 {
        [samples, events, samples + "-wal", events + "-wal"].reduce(0) { sum, path in
            let attributes = try? FileManager.default.attributesOfItem(atPath: path)
            return sum + ((attributes?[.size] as? NSNumber)?.int64Value ?? 0)
        }
    }

    /// Opens a file for its one writer: WAL, `synchronous=FULL` asserted.
    ///
    /// - Parameter checkpointsItself: leave checkpoints to SQLite; otherwise there is none but the writer's own.
    static func openForWriting(_ path: String, checkpointsItself: Bool = false, schema: String) throws -> DatabaseQueue {
        var configuration = GRDB.Configuration()
        configuration.journalMode = .wal
        configuration.busyMode = .timeout(5)
        let queue: DatabaseQueue
        do {
            queue = try DatabaseQueue(path: path, configuration: configuration)
        } catch {
            throw JournalError.cannotCreate(path: path, reason: String(describing: error))
        }
        try queue.writeWithoutTransaction { db in
            // GRDB sets NORMAL by itself when it sets up WAL, whatever was asked for before: it is set after opening, and read back.
            try db.execute(sql: "PRAGMA synchronous=FULL; PRAGMA wal_autocheckpoint=\(checkpointsItself ? 1000 : 0); PRAGMA foreign_keys=OFF")
            for (setting, expected) in [("synchronous", "2"), ("journal_mode", "wal")] {
                let found = try String.fetchOne(db, sql: "PRAGMA \(setting)") ?? "nothing"
                guard found == expected else { throw JournalError.settingRefused(setting: "\(setting)=\(expected)", found: found) }
            }
            let found = try Int.fetchOne(db, sql: "PRAGMA user_version") ?? 0
            guard found == 0 || found == version else { throw JournalError.otherVersion(found: found, known: version) }
            // All or nothing: a kill in between must not leave half a schema.
            if found == 0 { try db.execute(sql: "BEGIN IMMEDIATE;\n\(schema)PRAGMA user_version=\(version);\nCOMMIT;") }
        }
        chmod(path, 0o640)
        return queue
    }

    /// Opens a file to read only. Throws ``JournalError/notAJournal(directory:)`` when it is not there.
    func openForReading(_ path: String) throws -> DatabaseQueue {
        guard FileManager.default.fileExists(atPath: path) else { throw JournalError.notAJournal(directory: directory) }
        var configuration = GRDB.Configuration()
        configuration.readonly = true
        configuration.busyMode = .timeout(5)
        let queue = try DatabaseQueue(path: path, configuration: configuration)
        let found = try queue.read { try Int.fetchOne($0, sql: "PRAGMA user_version") ?? 0 }
        guard found == Self.version else { throw JournalError.otherVersion(found: found, known: Self.version) }
        return queue
    }

    static let sampleSchema = """
        CREATE TABLE sessions(
            id INTEGER PRIMARY KEY, key TEXT NOT NULL UNIQUE, boot TEXT NOT NULL, started_ns INTEGER NOT NULL, started_utc INTEGER NOT NULL,
            ended_ns INTEGER);
        CREATE TABLE streams(
            id INTEGER PRIMARY KEY, device TEXT NOT NULL, vmd TEXT, metric TEXT NOT NULL, code INTEGER, unit TEXT, form TEXT NOT NULL,
            waveform INTEGER NOT NULL, period_ns INTEGER NOT NULL, profile TEXT NOT NULL, next_sequence INTEGER NOT NULL DEFAULT 0);
        CREATE TABLE chunks(
            id INTEGER PRIMARY KEY, session INTEGER NOT NULL, device TEXT NOT NULL, base_ns INTEGER NOT NULL, utc INTEGER NOT NULL,
            quality INTEGER NOT NULL, samples INTEGER NOT NULL, payload BLOB NOT NULL, checksum INTEGER NOT NULL);
        CREATE TABLE marks(name TEXT PRIMARY KEY, value INTEGER NOT NULL) WITHOUT ROWID;

        """

    static let eventSchema = """
        CREATE TABLE events(
            id INTEGER PRIMARY KEY, session TEXT NOT NULL, monotonic_ns INTEGER NOT NULL, utc INTEGER NOT NULL, quality INTEGER NOT NULL,
            device TEXT, kind TEXT NOT NULL, body TEXT NOT NULL, hash BLOB NOT NULL);

        """
}
