import DeviceModel
import Foundation
import GRDB
import JournalCoding

/// The writing side of the events: the newest file, and the chain's last link. It belongs to the journal's writer.
final class EventStore {
    /// A file of events is not made longer than this. Unit: bytes.
    private static let fileLimit: Int64 = 16 << 20
    private static let checkpointEvery = 64

    private let files: JournalFiles
    private(set) var current: JournalFiles.Segment
    private var queue: DatabaseQueue
    private var commitsSinceCheckpoint = 0
    private var watch: LogWatch
    /// What is in the log only, for the case that somebody cuts it short: to a limit.
    private var inLog: [EventRecord] = []
    private static let inLogLimit = 10_000
    /// The event before those.
    private var beforeLog: (id: Int64, hash: [UInt8])
    /// The newest event's number and hash.
    private(set) var last: (id: Int64, hash: [UInt8])

    /// Goes on with a file. Throws ``BlockDamage`` when its newest event is not as it was written.
    init(_ files: JournalFiles, _ segment: JournalFiles.Segment) throws {
        self.files = files
        current = segment
        queue = try JournalFiles.openForWriting(segment.path)
        watch = LogWatch(segment.path)
        last = try queue.read { try Self.newest($0) }
        beforeLog = last
        try queue.bringIn(.truncate)
        watch.note()
    }

    /// Begins the next file after an event.
    init(_ files: JournalFiles, after previous: (id: Int64, hash: [UInt8])) throws {
        self.files = files
        (current, queue) = try files.makeNext(.events) { try Self.write(previous, to: $0) }
        last = previous
        beforeLog = previous
        watch = LogWatch(current.path)
    }

    /// Has no file yet: the disk takes none. Nothing may be written before ``begin(isTrusted:)``.
    init(_ files: JournalFiles, waitingAfter previous: (id: Int64, hash: [UInt8])) throws {
        self.files = files
        current = files.newest(.events)
        queue = try DatabaseQueue()
        last = previous
        beforeLog = previous
        watch = LogWatch(current.path)
    }

    /// The newest event of a file; without any, the one that its chain hangs on.
    static func newest(_ db: Database) throws -> (id: Int64, hash: [UInt8]) {
        if let row = try Row.fetchOne(db, sql: "SELECT * FROM events ORDER BY id DESC LIMIT 1") {
            let event = EventRecord(row)
            guard event.isWhole else { throw BlockDamage("its newest event is not as it was written") }
            return (event.id, event.hash)
        }
        guard let first = try db.about("first"),
            let anchor = try Row.fetchOne(db, sql: "SELECT hash FROM anchor")?.bytes("hash")
        else {
            throw BlockDamage("it does not say where it begins")
        }
        return (first &- 1, anchor)
    }

    private static func write(_ previous: (id: Int64, hash: [UInt8]), to db: Database) throws {
        try db.note("first", previous.id + 1)
        try db.execute(sql: "INSERT INTO anchor(hash) VALUES (?)", arguments: [Data(previous.hash)])
    }

    func read<Value>(_ body: (Database) throws -> Value) throws -> Value { try queue.read(body) }

    /// Leaves the file and begins the next one, whose chain hangs on the last event.
    func begin(isTrusted: Bool) throws {
        if isTrusted { try queue.bringIn(.passive) }
        // What went with a log that was cut short is in the next file, with its numbers and its chain.
        let lost = watch.isCut ? inLog : []
        let next = try files.makeNext(.events) { db in
            try Self.write(lost.isEmpty ? last : beforeLog, to: db)
            try Self.insert(lost, into: db)
        }
        if !isTrusted { AbandonedFiles.keep(queue) }
        (current, queue) = next
        watch = LogWatch(current.path)
        if lost.isEmpty { (inLog, beforeLog) = ([], last) }
        commitsSinceCheckpoint = 0
    }

    /// Commits events durably in one transaction, and how far the samples have come.
    func commit(_ records: [EventRecord], newestChunk: Int64) throws {
        try watch.look()
        try queue.write { db in
            try Self.insert(records, into: db)
            try db.note("chunks", newestChunk)
        }
        try watch.lookBehind()
        if let newest = records.last { last = (newest.id, newest.hash) }
        commitsSinceCheckpoint += 1
        inLog += records
        while inLog.count > Self.inLogLimit {
            let oldest = inLog.removeFirst()
            beforeLog = (oldest.id, oldest.hash)
        }
    }

    private static func insert(_ records: [EventRecord], into db: Database) throws {
        if !records.isEmpty {
            // After a failed commit nobody knows whether it is there: the same numbers are written again, and the chain
            // decides.
            let insert = try db.cachedStatement(
                sql: """
                    INSERT OR REPLACE INTO events(id, session, monotonic_ns, utc, quality, device, kind, body, hash, \
                    checksum)
                    VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
                    """)
            for event in records {
                try insert.execute(arguments: [
                    event.id, event.session, event.monotonicNanoseconds, event.utc, Int64(event.quality.rawValue),
                    event.device, event.kind,
                    event.body, Data(event.hash), event.checksum,
                ])
            }
        }
    }

    /// Moves what is committed from the log to the file, and begins a new file, when it is time.
    func tidy() throws {
        guard commitsSinceCheckpoint >= Self.checkpointEvery else { return }
        try checkpoint(.passive)
        if JournalFiles.size(of: current) > Self.fileLimit { try begin(isTrusted: true) }
    }

    func checkpoint(_ kind: Database.CheckpointMode) throws {
        commitsSinceCheckpoint = 0
        try watch.look()
        if try queue.bringIn(kind) { (inLog, beforeLog) = ([], last) }
        watch.note()
    }
}
