import DeviceModel
import Foundation
import GRDB

/// The writing side of the events: the newest file, and the chain's last link. It belongs to the journal's writer.
final class EventStore {
    /// A file of events is not made longer than this. Unit: bytes.
    private static let fileLimit: Int64 = 16 << 20
    private static let checkpointEvery = 64

    private let files: JournalFiles
    private(set) var current: JournalFiles.Segment
    private var queue: DatabaseQueue
    private var commitsSinceCheckpoint = 0
    private var abandoned: [DatabaseQueue] = []
    /// The newest event's number and hash.
    private(set) var last: (id: Int64, hash: [UInt8])

    /// Goes on with a file.
    init(_ files: JournalFiles, _ segment: JournalFiles.Segment) throws {
        self.files = files
        current = segment
        queue = try JournalFiles.openForWriting(segment.path, schema: JournalFiles.schema(.events))
        last = try queue.write { db in
            if try db.about("first") == nil { try Self.begin(db, after: 0, hash: EventRecord.noHash) }
            if let row = try Row.fetchOne(db, sql: "SELECT id, hash FROM events ORDER BY id DESC LIMIT 1") {
                return (row.integer("id") ?? 0, row.bytes("hash") ?? EventRecord.noHash)
            }
            let anchor = try Row.fetchOne(db, sql: "SELECT hash FROM anchor").flatMap { $0.bytes("hash") } ?? EventRecord.noHash
            return ((try db.about("first") ?? 1) - 1, anchor)
        }
    }

    private static func begin(_ db: Database, after id: Int64, hash: [UInt8]) throws {
        try db.note("first", id + 1)
        try db.execute(sql: "DELETE FROM anchor; INSERT INTO anchor(hash) VALUES (?)", arguments: [Data(hash)])
    }

    func read<Value>(_ body: (Database) throws -> Value) throws -> Value { try queue.read(body) }

    /// Leaves the file and begins the next one, whose chain hangs on the last event.
    ///
    /// - Parameter number: at least this is the first event's number, when more are known to have been.
    func begin(atLeast number: Int64 = 0, isTrusted: Bool) throws {
        if isTrusted { try queue.writeWithoutTransaction { _ = try $0.checkpoint(.truncate) } }
        let segment = files.segment(.events, (files.segments(.events).last?.number ?? 0) + 1)
        let next = try JournalFiles.openForWriting(segment.path, schema: JournalFiles.schema(.events))
        let previous = (id: max(last.id, number - 1), hash: last.hash)
        try next.write { try Self.begin($0, after: previous.id, hash: previous.hash) }
        if !isTrusted { abandoned.append(queue) }
        (queue, current, last) = (next, segment, previous)
        commitsSinceCheckpoint = 0
    }

    /// Commits events durably in one transaction, and how far the samples have come.
    func commit(_ records: [EventRecord], newestChunk: Int64) throws {
        try queue.write { db in
            // After a failed commit nobody knows whether it is there: the same numbers are written again, and the chain decides.
            let insert = try db.cachedStatement(
                sql:
                    "INSERT OR REPLACE INTO events(id, session, monotonic_ns, utc, quality, device, kind, body, hash, checksum) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
            )
            for event in records {
                try insert.execute(arguments: [
                    event.id, event.session, event.monotonicNanoseconds, event.utc, Int64(event.quality.rawValue), event.device, event.kind,
                    event.body, Data(event.hash), event.checksum,
                ])
            }
            try db.note("chunks", newestChunk)
        }
        if let newest = records.last { last = (newest.id, newest.hash) }
        commitsSinceCheckpoint += 1
    }

    /// Moves what is committed from the log to the file, and begins a new file, when it is time.
    func tidy() throws {
        guard commitsSinceCheckpoint >= Self.checkpointEvery else { return }
        try checkpoint(.passive)
        if JournalFiles.size(of: current) > Self.fileLimit { try begin(isTrusted: true) }
    }

    func checkpoint(_ kind: Database.CheckpointMode) throws {
        commitsSinceCheckpoint = 0
        try queue.writeWithoutTransaction { _ = try $0.checkpoint(kind) }
    }
}
