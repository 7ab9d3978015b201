import DeviceModel
import GRDB
import Synchronization

/// The writing side of the samples: the newest file, and when a new one is begun. It belongs to the journal's writer.
final class SampleStore {
    /// How long a span of commits is packed together. Unit: ns.
    static let span: Int64 = 60_000_000_000
    /// A span of more coded bytes than this is packed earlier.
    private static let spanBytes = 4 << 20
    /// Commits between two checkpoints.
    private static let checkpointEvery = 256

    /// What a new file must know from the beginning.
    struct Beginning {
        let session: JournalSession
        let startedUTC: Int64
        let streams: [(id: Int64, descriptor: StreamDescriptor, next: Int64)]
        /// The number of the first chunk that will be in it.
        let firstChunk: Int64
    }

    private let files: JournalFiles
    private(set) var current: JournalFiles.Segment
    private var queue: DatabaseQueue
    private var commitsSinceCheckpoint = 0
    private var watch: LogWatch
    /// What is in the log only, for the case that somebody cuts it short: to a limit.
    private var inLog: [JournalChunk] = []
    private var inLogBytes = 0
    /// Unit: bytes.
    private static let inLogLimit = 8 << 20
    /// The last chunk that is packed, or is to stay as it is.
    private var packedThrough: Int64 = 0
    /// The files that failed while this process ran; nothing is written there again.
    private(set) var failed: Set<JournalFiles.Segment> = []

    /// Goes on with a file.
    init(_ files: JournalFiles, _ segment: JournalFiles.Segment) throws {
        self.files = files
        current = segment
        queue = try JournalFiles.openForWriting(segment.path)
        watch = LogWatch(segment.path)
        packedThrough = try queue.read {
            try Int64.fetchOne($0, sql: "SELECT MAX(id) FROM chunks WHERE content <> 0") ?? 0
        }
        // What was not synced when the file was last written is brought from the log to the file, and synced there.
        try checkpoint(.truncate)
    }

    /// Begins the next file.
    init(_ files: JournalFiles, _ beginning: Beginning) throws {
        self.files = files
        (current, queue) = try files.makeNext(.samples) { try Self.write(beginning, to: $0) }
        watch = LogWatch(current.path)
        packedThrough = beginning.firstChunk - 1
    }

    /// Has no file yet: the disk takes none. Nothing may be written before ``begin(_:isTrusted:)``.
    init(waiting files: JournalFiles) throws {
        self.files = files
        current = files.newest(.samples)
        queue = try DatabaseQueue()
        watch = LogWatch(current.path)
    }

    /// Leaves the file and begins the next one. `isTrusted` says whether the old one may still be written to.
    func begin(_ beginning: Beginning, isTrusted: Bool) throws {
        if isTrusted { try checkpoint(.passive) }
        let next = try files.makeNext(.samples) { try Self.write(beginning, to: $0) }
        if !isTrusted {
            failed.insert(current)
            AbandonedFiles.keep(queue)
        }
        (current, queue) = next
        watch = LogWatch(current.path)
        (inLog, inLogBytes) = ([], 0)
        packedThrough = beginning.firstChunk - 1
        commitsSinceCheckpoint = 0
    }

    private static func write(_ beginning: Beginning, to db: Database) throws {
        try db.note("first", beginning.firstChunk)
        try SessionRow.insert(db, beginning.session, startedUTC: beginning.startedUTC)
        for stream in beginning.streams {
            try StreamRow.insert(db, stream.descriptor, id: stream.id, next: stream.next)
        }
    }

    /// What the newest file holds, without its log and without what is free in it. Unit: bytes.
    func fileBytes() throws -> Int64 {
        try queue.read { db in
            let figures = try ["page_count", "freelist_count", "page_size"].map {
                try Int64.fetchOne(db, sql: "PRAGMA \($0)") ?? 0
            }
            return (figures[0] - figures[1]) * figures[2]
        }
    }

    func read<Value>(_ body: (Database) throws -> Value) throws -> Value { try queue.read(body) }

    func write<Value>(_ body: (Database) throws -> Value) throws -> Value { try queue.write(body) }

    /// Commits chunks and gaps durably, in one transaction.
    func commit(_ chunks: [JournalChunk], gaps: [SequenceGap], noting: (Database) throws -> Void) throws {
        try watch.look()
        try queue.write { db in
            for chunk in chunks { try chunk.insert(into: db) }
            for gap in gaps { try gap.insert(into: db) }
            try noting(db)
        }
        try watch.lookBehind()
        commitsSinceCheckpoint += 1
        inLog += chunks
        inLogBytes += chunks.reduce(0) { $0 + $1.payload.count }
        while inLogBytes > Self.inLogLimit, !inLog.isEmpty { inLogBytes -= inLog.removeFirst().payload.count }
    }

    /// What was committed and went with a log that was cut short, told once: a new file may not be had at the first
    /// try. Nothing where the file failed in another way.
    func takeLostWithLog() -> [JournalChunk] {
        guard watch.isCut else { return [] }
        defer { (inLog, inLogBytes) = ([], 0) }
        return inLog
    }

    /// Moves what is committed from the log to the file, when it is time.
    func tidy() throws { if commitsSinceCheckpoint >= Self.checkpointEvery { try checkpoint(.passive) } }

    /// Brings the log to the file. A reader that holds it up is none of the writer's business.
    func checkpoint(_ kind: Database.CheckpointMode) throws {
        commitsSinceCheckpoint = 0
        try watch.look()
        if try queue.bringIn(kind) { (inLog, inLogBytes) = ([], 0) }
        watch.note()
    }

    /// Packs the next span of commits, if one is complete, in one transaction. Returns whether it did.
    @discardableResult
    func pack() throws -> Bool {
        let packed: Int64? = try queue.write { db in
            guard try mayHoldSpan(db) else { return nil }
            let span = try nextSpan(db)
            guard let first = span.first, let last = span.last else { return nil }
            guard span.count > 1 else { return last.id }
            let streams = Dictionary(
                try StreamRow.all(db).map { ($0.id, $0.descriptor) }, uniquingKeysWith: { first, _ in first })
            guard let packed = SamplePacker(span, streams: streams).packed() else { return last.id }
            try db.execute(sql: "DELETE FROM chunks WHERE id BETWEEN ? AND ?", arguments: [first.id, last.id])
            for chunk in packed { try chunk.insert(into: db) }
            return last.id
        }
        guard let packed else { return false }
        packedThrough = packed
        try checkpoint(.passive)
        return true
    }

    /// Whether the commits that are not packed are enough for a span, told without reading what is in them.
    private func mayHoldSpan(_ db: Database) throws -> Bool {
        func end(_ order: String) throws -> (session: Int64, base: Int64)? {
            let sql = "SELECT session, base_ns FROM chunks WHERE id > ? ORDER BY id \(order) LIMIT 1"
            return try Row.fetchOne(db, sql: sql, arguments: [packedThrough]).map {
                ($0.integer("session") ?? 0, $0.integer("base_ns") ?? 0)
            }
        }
        guard let first = try end("ASC"), let last = try end("DESC") else { return false }
        if last.session != first.session || last.base &- first.base >= Self.span { return true }
        return try Int.fetchOne(
            db, sql: "SELECT SUM(LENGTH(payload)) FROM chunks WHERE id > ?", arguments: [packedThrough]) ?? 0
            > Self.spanBytes
    }

    /// The commits to pack next: complete when another follows that does not belong to them. What is damaged stays as
    /// it is, alone.
    private func nextSpan(_ db: Database) throws -> [JournalChunk] {
        var span: [JournalChunk] = []
        var bytes = 0
        let rows = try Row.fetchCursor(
            db, sql: "SELECT * FROM chunks WHERE id > ? ORDER BY id", arguments: [packedThrough])
        while let row = try rows.next() {
            let chunk = JournalChunk(row)
            if let first = span.first {
                let isLong = chunk.base &- first.base >= Self.span || bytes > Self.spanBytes
                if !chunk.isWhole || isLong || !SamplePacker.belongTogether(first, chunk) { return span }
            }
            span.append(chunk)
            bytes += chunk.payload.count
            if !chunk.isWhole { return span }
        }
        return []
    }

    /// Ends the file's session and leaves nothing in its log.
    func finish(noting: (Database) throws -> Void) throws {
        try queue.write(noting)
        try checkpoint(.truncate)
    }
}

/// Files that failed stay open to the end of the process: to close one is to checkpoint it, and nothing more is to be
/// written there.
enum AbandonedFiles {
    private static let kept = Mutex<[DatabaseQueue]>([])

    static func keep(_ queue: DatabaseQueue) { kept.withLock { $0.append(queue) } }
}

extension DatabaseQueue {
    /// A checkpoint; that somebody reads is no failure of it. Returns whether all of the log is in the file.
    @discardableResult
    func bringIn(_ kind: Database.CheckpointMode) throws -> Bool {
        do {
            let result = try writeWithoutTransaction { try $0.checkpoint(kind) }
            return result.walFrameCount == result.checkpointedFrameCount
        } catch let error as DatabaseError where error.resultCode == .SQLITE_BUSY || error.resultCode == .SQLITE_LOCKED
        { return false }
    }
}

/// Numbers of a stream that no chunk has, and why.
struct SequenceGap {
    let stream: Int64
    let first: Int64
    var next: Int64
    let cause: String

    func insert(into db: Database) throws {
        try db.execute(
            sql: "INSERT OR REPLACE INTO gaps(stream, first_sequence, next_sequence, cause) VALUES (?, ?, ?, ?)",
            arguments: [stream, first, next, cause])
    }
}
