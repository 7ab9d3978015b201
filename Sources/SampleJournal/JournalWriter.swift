import DeviceModel
import Foundation
import GRDB

/// The one writer of a journal. It belongs to one thread at a time.
public final class JournalWriter {
    public let files: JournalFiles
    /// Names this run of the host; samples and events carry it.
    public let sessionKey: String
    private let samples: DatabaseQueue
    private let events: DatabaseQueue
    private let lockDescriptor: Int32
    private let session: Int64
    private var buffers: [StreamBuffer] = []
    private var devices: [String] = []
    private var lastEvent: (id: Int64, hash: [UInt8])
    private var commitsSinceCheckpoint = 0
    private var lastSequenceMark: Int64
    private var nextChunk: Int64
    private var unwritten: [Row] = []
    /// Samples given up because the disk did not take them for so long that memory ran out.
    public private(set) var droppedSamples: Int64 = 0
    /// Samples and payload bytes committed by this writer.
    public private(set) var committedSamples: Int64 = 0
    public private(set) var committedBytes: Int64 = 0

    /// A chunk on its way to the disk.
    private struct Row {
        let id: Int64
        let device: String
        let base: Int64
        let utc: Int64
        let quality: ClockQuality
        let samples: Int
        let payload: [UInt8]
    }

    /// The most that is held in memory while the disk takes nothing: about half an hour of eight beds. Unit: bytes.
    private static let unwrittenLimit = 16 << 20
    /// Commits between two checkpoints of the same writer.
    private static let checkpointEvery = 64
    /// How often the streams' sequence numbers are noted, so that recovery reads little. Unit: ns.
    private static let sequenceMarkEvery: Int64 = 300_000_000_000

    /// Opens or creates the journal and begins a session.
    ///
    /// - Parameters:
    ///   - bootID: names this boot of the machine.
    ///   - now: the monotonic clock. Unit: ns.
    ///   - utc: the wall clock. Unit: ns since 1970.
    /// - Throws: ``JournalError``, with what to do.
    public init(directory: String, bootID: String, now: Int64, utc: Int64) throws {
        files = JournalFiles(directory: directory)
        do {
            try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: true)
        } catch {
            throw JournalError.cannotCreate(path: directory, reason: error.localizedDescription)
        }
        lockDescriptor = try Self.takeLock(files)
        do {
            samples = try JournalFiles.openForWriting(files.samples, schema: JournalFiles.sampleSchema)
            events = try JournalFiles.openForWriting(files.events, schema: JournalFiles.eventSchema)
            let key = UUID().uuidString.lowercased()
            sessionKey = key
            nextChunk = try samples.read { try Int64.fetchOne($0, sql: "SELECT MAX(id) FROM chunks") ?? 0 }
            session = try samples.write { db in
                try Self.recoverSequences(db)
                try db.execute(
                    sql: "INSERT INTO sessions(key, boot, started_ns, started_utc) VALUES (?, ?, ?, ?)", arguments: [key, bootID, now, utc])
                return db.lastInsertedRowID
            }
            lastEvent = try events.read { db in
                guard let row = try GRDB.Row.fetchOne(db, sql: "SELECT id, hash FROM events ORDER BY id DESC LIMIT 1") else { return (0, EventRecord.noHash) }
                return (row.integer("id") ?? 0, row.bytes("hash") ?? EventRecord.noHash)
            }
            lastSequenceMark = now
        } catch {
            close(lockDescriptor)
            throw error
        }
    }

    deinit { close(lockDescriptor) }

    private static func takeLock(_ files: JournalFiles) throws -> Int32 {
        let descriptor = open(files.lock, O_CREAT | O_RDWR | O_CLOEXEC, 0o640)
        guard descriptor >= 0 else { throw JournalError.cannotCreate(path: files.lock, reason: String(cString: strerror(errno))) }
        guard flock(descriptor, LOCK_EX | LOCK_NB) == 0 else {
            close(descriptor)
            throw JournalError.heldByAnother(directory: files.directory)
        }
        return descriptor
    }

    /// Brings the streams' next numbers up to what the chunks since the last mark hold.
    static func recoverSequences(_ db: Database) throws {
        let mark = try Int64.fetchOne(db, sql: "SELECT value FROM marks WHERE name = 'sequences'") ?? 0
        var next: [Int64: Int64] = [:]
        let rows = try GRDB.Row.fetchCursor(db, sql: "SELECT payload FROM chunks WHERE id > ?", arguments: [mark])
        while let row = try rows.next() {
            for block in ChunkPayload.split(row.bytes("payload") ?? []) {
                // A damaged block keeps its place in the file for `verify` to name; its numbers are not known.
                guard let header = SampleBlock.trustedHeader(block) else { continue }
                next[header.stream] = max(next[header.stream] ?? 0, header.next)
            }
        }
        for (stream, sequence) in next {
            try db.execute(sql: "UPDATE streams SET next_sequence = MAX(next_sequence, ?) WHERE id = ?", arguments: [sequence, stream])
        }
        try markSequences(db)
    }

    private static func markSequences(_ db: Database) throws {
        try db.execute(
            sql: "INSERT OR REPLACE INTO marks(name, value) SELECT 'sequences', COALESCE(MAX(id), 0) FROM chunks")
    }

    // MARK: Streams

    /// Makes streams known and returns their indices for ``append(_:stream:)``. A stream that was known before goes on with its numbers.
    public func register(_ descriptors: [StreamDescriptor]) throws -> [Int] {
        try samples.write { db in
            try descriptors.map { descriptor in
                let id: Int64
                var next: Int64 = 0
                if let row = try StreamRow.find(db, descriptor) {
                    (id, next) = (row.integer("id") ?? 0, row.integer("next_sequence") ?? 0)
                } else {
                    id = try StreamRow.insert(db, descriptor)
                }
                buffers.append(StreamBuffer(stream: id, descriptor: descriptor, nextSequence: next))
                devices.append(descriptor.device)
                return buffers.count - 1
            }
        }
    }

    // MARK: Samples

    /// Keeps a sample until the next commit.
    public func append(_ record: SampleRecord, stream: Int) { buffers[stream].append(record) }

    /// Commits all that waits, durably, in one transaction: one chunk for each device. Returns the number of samples.
    ///
    /// - Parameters:
    ///   - now: the monotonic clock at this moment, and `utc` the wall clock at the same moment. Unit: ns.
    ///   - heartbeat: commit an empty chunk when nothing waits, so that a reader knows how far the record goes.
    @discardableResult
    public func commit(now: Int64, utc: Int64, quality: ClockQuality, heartbeat: Bool = false) throws -> Int {
        let taken = gather(now: now, utc: utc, quality: quality)
        if unwritten.isEmpty, heartbeat {
            unwritten.append(Row(id: takeChunkID(), device: "", base: now, utc: utc, quality: quality, samples: 0, payload: []))
        }
        guard !unwritten.isEmpty else { return 0 }
        let mark = now - lastSequenceMark >= Self.sequenceMarkEvery
        try samples.write { db in
            // After a failed commit nobody knows whether it is there: the same numbers are written again, and stand once.
            let insert = try db.cachedStatement(
                sql: "INSERT OR IGNORE INTO chunks(id, session, device, base_ns, utc, quality, samples, payload, checksum) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)")
            for row in unwritten {
                let checksum = ChunkPayload.checksum(
                    [row.id, session, row.base, row.utc, Int64(row.quality.rawValue), Int64(row.samples)], device: row.device, payload: row.payload)
                try insert.execute(arguments: [
                    row.id, session, row.device, row.base, row.utc, Int64(row.quality.rawValue), row.samples, Data(row.payload), checksum,
                ])
            }
            if mark { try noteSequences(db) }
        }
        if mark { lastSequenceMark = now }
        committedSamples += Int64(unwritten.reduce(0) { $0 + $1.samples })
        committedBytes += Int64(unwritten.reduce(0) { $0 + $1.payload.count })
        unwritten.removeAll(keepingCapacity: true)
        try checkpointIfDue()
        return taken
    }

    /// Turns what waits in the buffers into rows, one for each device. Rows that could not be written stay, up to a limit.
    private func gather(now: Int64, utc: Int64, quality: ClockQuality) -> Int {
        var chunks: [String: [SampleBlock]] = [:]
        for index in buffers.indices where !buffers[index].isEmpty { chunks[devices[index], default: []] += buffers[index].take() }
        var count = 0
        // In the order of their first samples: a reader may stop at the first row that is late enough.
        let rows = chunks.map { (device: $0.key, blocks: $0.value, base: $0.value.map { $0.time(0) }.min() ?? now) }
        for (device, blocks, base) in rows.sorted(by: { ($0.base, $0.device) < ($1.base, $1.device) }) {
            let samples = blocks.reduce(0) { $0 + $1.count }
            let payload = ChunkPayload.join(blocks.map { $0.encoded(base: base) })
            unwritten.append(
                Row(id: takeChunkID(), device: device, base: base, utc: utc - (now - base), quality: quality, samples: samples, payload: payload))
            count += samples
        }
        var bytes = unwritten.reduce(0) { $0 + $1.payload.count }
        while bytes > Self.unwrittenLimit, let oldest = unwritten.first {
            bytes -= oldest.payload.count
            droppedSamples += Int64(oldest.samples)
            unwritten.removeFirst()
        }
        return count
    }

    private func takeChunkID() -> Int64 {
        nextChunk += 1
        return nextChunk
    }

    private func noteSequences(_ db: Database) throws {
        for buffer in buffers {
            try db.execute(sql: "UPDATE streams SET next_sequence = ? WHERE id = ?", arguments: [buffer.nextSequence, buffer.stream])
        }
        try Self.markSequences(db)
    }

    private func checkpointIfDue() throws {
        commitsSinceCheckpoint += 1
        guard commitsSinceCheckpoint >= Self.checkpointEvery else { return }
        commitsSinceCheckpoint = 0
        try samples.writeWithoutTransaction { _ = try $0.checkpoint(.passive) }
        try events.writeWithoutTransaction { _ = try $0.checkpoint(.passive) }
    }

    // MARK: Events

    /// Something that happened, on its way to the journal.
    public struct Event {
        public let kind: String
        public let device: String?
        /// Further members; never patient data.
        public let body: JSON
        /// Unit: ns of the monotonic clock.
        public let monotonic: Int64

        public init(_ kind: String, device: String? = nil, body: KeyValuePairs<String, JSON?> = [:], monotonic: Int64) {
            self.init(kind, device: device, members: JSON.members(body), monotonic: monotonic)
        }

        /// - Parameter members: an object.
        public init(_ kind: String, device: String?, members: JSON, monotonic: Int64) {
            self.kind = kind
            self.device = device
            body = members
            self.monotonic = monotonic
        }
    }

    /// Commits events in one transaction, durably, before it returns: all of them or none.
    ///
    /// - Parameter utcOffset: the wall clock less the monotonic one. Unit: ns.
    public func record(_ batch: [Event], utcOffset: Int64, quality: ClockQuality) throws {
        var last = lastEvent
        let records = batch.map { event in
            let draft = EventRecord(
                id: last.id + 1, session: sessionKey, monotonicNanoseconds: event.monotonic, utc: event.monotonic + utcOffset, quality: quality,
                device: event.device, kind: event.kind, body: event.body.text, hash: EventRecord.noHash)
            let record = draft.with(hash: draft.expectedHash(after: last.hash))
            last = (record.id, record.hash)
            return record
        }
        try events.write { db in
            // After a failed commit nobody knows whether it is there: the same numbers are written again, and the chain decides.
            let insert = try db.cachedStatement(
                sql: "INSERT OR REPLACE INTO events(id, session, monotonic_ns, utc, quality, device, kind, body, hash) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)")
            for event in records {
                try insert.execute(arguments: [
                    event.id, event.session, event.monotonicNanoseconds, event.utc, Int64(event.quality.rawValue), event.device, event.kind,
                    event.body, Data(event.hash),
                ])
            }
        }
        lastEvent = last
    }

    /// Commits one event, durably, before it returns.
    public func record(
        _ kind: String, device: String? = nil, body: KeyValuePairs<String, JSON?> = [:], monotonic: Int64, utc: Int64, quality: ClockQuality
    ) throws {
        try record([Event(kind, device: device, body: body, monotonic: monotonic)], utcOffset: utc - monotonic, quality: quality)
    }

    // MARK: The end

    /// Ends the session: what waits is committed, and readers may know that nothing more will come of it.
    public func finish(now: Int64, utc: Int64, quality: ClockQuality) throws {
        try commit(now: now, utc: utc, quality: quality)
        try samples.write { db in
            try noteSequences(db)
            try db.execute(sql: "UPDATE sessions SET ended_ns = ? WHERE id = ?", arguments: [now, session])
        }
        try samples.writeWithoutTransaction { _ = try $0.checkpoint(.truncate) }
        try events.writeWithoutTransaction { _ = try $0.checkpoint(.truncate) }
    }
}

/// Blocks one after the other, each with its length before it.
enum ChunkPayload {
    /// CRC-32C over a chunk's row: a block's own checksum does not see what stands beside it.
    static func checksum(_ numbers: [Int64], device: String, payload: [UInt8]) -> Int64 {
        let head = numbers.flatMap { number in (0..<8).map { UInt8(truncatingIfNeeded: number >> (8 * $0)) } }
        return Int64(CRC32C.compute(head + Array(device.utf8) + payload))
    }

    static func join(_ blocks: [[UInt8]]) -> [UInt8] {
        var writer = BitWriter()
        for block in blocks {
            writer.varint(UInt64(block.count))
            writer.append(block)
        }
        return writer.bytes
    }

    /// The blocks of a payload; what does not fit its announced length ends it.
    static func split(_ payload: [UInt8]) -> [ArraySlice<UInt8>] {
        var reader = BitReader(payload[...])
        var blocks: [ArraySlice<UInt8>] = []
        while reader.remaining > 0 {
            guard let length = try? reader.count(payload.count), let block = try? reader.take(length) else {
                blocks.append([])
                break
            }
            blocks.append(block)
        }
        return blocks
    }
}
