import DeviceModel
import Foundation
import GRDB

/// A stream as the journal knows it.
public struct JournalStream: Sendable {
    public let id: Int64
    public let descriptor: StreamDescriptor
}

/// One run of the host.
public struct JournalSession: Sendable {
    public let id: Int64
    public let key: String
    public let bootID: String
    /// Unit: ns of the monotonic clock.
    public let started: Int64
    /// Whether the host ended it; a killed host does not.
    public let isEnded: Bool
}

/// What one device gave between two commits.
public struct JournalChunk: Sendable {
    public let id: Int64
    public let session: Int64
    /// Empty for a heartbeat.
    public let device: String
    /// Unit: ns of the monotonic clock.
    public let base: Int64
    /// The wall clock at `base`. Unit: ns since 1970.
    public let utc: Int64
    public let quality: ClockQuality
    let payload: [UInt8]
    /// Whether the row is as it was written.
    public let isWhole: Bool

    /// The wall clock when the chunk was committed, for a monotonic time within it. Unit: ns since 1970.
    public func utc(at monotonic: Int64) -> Int64 { utc &+ (monotonic &- base) }
}

/// Reads a journal, beside its writer or alone. Never writes, never checkpoints.
public final class JournalReader: Sendable {
    public let files: JournalFiles
    private let samples: DatabaseQueue
    private let events: DatabaseQueue

    /// Throws ``JournalError``, with what to do.
    public init(directory: String) throws {
        files = JournalFiles(directory: directory)
        samples = try files.openForReading(files.samples)
        events = try files.openForReading(files.events)
    }

    // MARK: Descriptions

    public func streams() throws -> [JournalStream] {
        try samples.read { db in
            try Row.fetchAll(db, sql: "SELECT * FROM streams ORDER BY id").map {
                JournalStream(id: $0.integer("id") ?? 0, descriptor: try StreamRow.descriptor($0))
            }
        }
    }

    /// The streams' descriptors by the numbers that blocks carry.
    public func streamsByID() throws -> [Int64: StreamDescriptor] {
        Dictionary(try streams().map { ($0.id, $0.descriptor) }, uniquingKeysWith: { first, _ in first })
    }

    public func sessions() throws -> [JournalSession] {
        try samples.read { db in
            try Row.fetchAll(db, sql: "SELECT id, key, boot, started_ns, ended_ns FROM sessions ORDER BY id").map { row in
                JournalSession(
                    id: row.integer("id") ?? 0, key: row.text("key") ?? "", bootID: row.text("boot") ?? "", started: row.integer("started_ns") ?? 0,
                    isEnded: row.integer("ended_ns") != nil)
            }
        }
    }

    // MARK: Samples

    /// The chunks after one, in the order of their commits, at most `limit`.
    public func chunks(after id: Int64, limit: Int) throws -> [JournalChunk] {
        try samples.read { db in
            try Row.fetchAll(db, sql: "SELECT * FROM chunks WHERE id > ? ORDER BY id LIMIT ?", arguments: [id, limit]).map(Self.chunk)
        }
    }

    /// The number of the newest chunk; 0 when there is none.
    public func newestChunk() throws -> Int64 {
        try samples.read { try Int64.fetchOne($0, sql: "SELECT MAX(id) FROM chunks") ?? 0 }
    }

    private static func chunk(_ row: Row) -> JournalChunk {
        let numbers = ["id", "session", "base_ns", "utc", "quality", "samples"].map { row.integer($0) ?? .min }
        let device = row.text("device") ?? ""
        let payload = row.bytes("payload") ?? []
        let checksum = ChunkPayload.checksum(numbers, device: device, payload: payload)
        return JournalChunk(
            id: numbers[0], session: numbers[1], device: device, base: numbers[2], utc: numbers[3],
            quality: UInt8(exactly: numbers[4]).flatMap(ClockQuality.init) ?? .unknown, payload: payload,
            isWhole: row.integer("checksum") == checksum)
    }

    /// The blocks of a chunk. A damaged block is left out and given to `damaged`.
    public func blocks(
        of chunk: JournalChunk, streams: [Int64: StreamDescriptor], damaged: (BlockDamage) -> Void = { _ in }
    ) -> [SampleBlock] {
        ChunkPayload.split(chunk.payload).compactMap { bytes in
            do throws(BlockDamage) {
                return try SampleBlock(bytes, base: chunk.base) { streams[$0]?.form == .text }
            } catch {
                damaged(error)
                return nil
            }
        }
    }

    // MARK: Events

    /// The events after one, oldest first, at most `limit`.
    public func events(after id: Int64, limit: Int) throws -> [EventRecord] {
        try events.read { db in
            try Row.fetchAll(db, sql: "SELECT * FROM events WHERE id > ? ORDER BY id LIMIT ?", arguments: [id, limit]).map { row in
                EventRecord(
                    id: row.integer("id") ?? 0, session: row.text("session") ?? "", monotonicNanoseconds: row.integer("monotonic_ns") ?? 0,
                    utc: row.integer("utc") ?? 0, quality: row.integer("quality").flatMap { UInt8(exactly: $0) }.flatMap(ClockQuality.init) ?? .unknown,
                    device: row.text("device"), kind: row.text("kind") ?? "", body: row.text("body") ?? "{}", hash: row.bytes("hash") ?? [])
            }
        }
    }

    /// The number of the newest event; 0 when there is none.
    public func newestEvent() throws -> Int64 {
        try events.read { try Int64.fetchOne($0, sql: "SELECT MAX(id) FROM events") ?? 0 }
    }

    /// The newest event of a kind for each device.
    public func newestEvents(kind: String) throws -> [EventRecord] {
        let ids = try events.read {
            try Int64.fetchAll($0, sql: "SELECT MAX(id) FROM events WHERE kind = ? GROUP BY device ORDER BY 1", arguments: [kind])
        }
        return try ids.compactMap { try events(after: $0 - 1, limit: 1).first }
    }

    // MARK: Summary

    /// What the journal holds.
    public struct Statistics: Sendable {
        /// The devices with the samples of each, by handle.
        public let devices: [(handle: String, samples: Int64)]
        public let sessions: Int
        public let streams: Int
        public let chunks: Int64
        public let samples: Int64
        public let events: Int64
        /// Bytes of coded samples, and of the files as a whole.
        public let payloadBytes: Int64
        public let fileBytes: Int64

        /// File bytes for each sample; `nil` without samples.
        public var bytesPerSample: Double? { samples > 0 ? Double(fileBytes) / Double(samples) : nil }
    }

    public func statistics() throws -> Statistics {
        let devices = try samples.read { db in
            try Row.fetchAll(
                db, sql: "SELECT device, SUM(samples) AS count FROM chunks WHERE device <> '' GROUP BY device ORDER BY device"
            ).map { (handle: $0.text("device") ?? "", samples: $0.integer("count") ?? 0) }
        }
        let (sessions, streams, chunks, count, payload) = try samples.read { db in
            let row = try Row.fetchOne(db, sql: "SELECT COUNT(*) AS rows, SUM(samples) AS count, SUM(LENGTH(payload)) AS size FROM chunks")
            return (
                try Int.fetchOne(db, sql: "SELECT COUNT(*) FROM sessions") ?? 0, try Int.fetchOne(db, sql: "SELECT COUNT(*) FROM streams") ?? 0,
                row?.integer("rows") ?? 0, row?.integer("count") ?? 0, row?.integer("size") ?? 0
            )
        }
        return Statistics(
            devices: devices, sessions: sessions, streams: streams, chunks: chunks, samples: count,
            events: try events.read { try Int64.fetchOne($0, sql: "SELECT COUNT(*) FROM events") ?? 0 }, payloadBytes: payload,
            fileBytes: files.size)
    }

    // MARK: Verification

    /// What a verification found.
    public struct Verification: Sendable {
        public var chunks: Int64 = 0
        public var samples: Int64 = 0
        public var events: Int64 = 0
        /// Each fault with its place; empty when the journal is whole.
        public var faults: [String] = []
    }

    /// More faults than this are not listed.
    private static let faultLimit = 100

    /// Reads everything: every block's checksum, every stream's numbers, the events' hash chain, SQLite's own structure.
    public func verify() throws -> Verification {
        var result = Verification()
        for (name, queue) in [("samples", samples), ("events", events)] {
            let answers = try queue.read { try String.fetchAll($0, sql: "PRAGMA integrity_check(10)") }
            for answer in answers where answer != "ok" { result.faults.append("\(name).sqlite: \(answer)") }
        }
        // What cannot be read at all is a fault too, beside those already found.
        do { try verifyChunks(&result) } catch { result.faults.append("samples.sqlite: cannot be read to its end (\(error))") }
        do { try verifyEvents(&result) } catch { result.faults.append("events.sqlite: cannot be read to its end (\(error))") }
        return result
    }

    private func verifyChunks(_ result: inout Verification) throws {
        let streams = try streamsByID()
        var next: [Int64: Int64] = [:]
        var last: Int64 = 0
        while result.faults.count < Self.faultLimit {
            let chunks = try chunks(after: last, limit: 200)
            guard let newest = chunks.last else { return }
            last = newest.id
            for chunk in chunks {
                result.chunks += 1
                if !chunk.isWhole { result.faults.append("samples.sqlite: chunk \(chunk.id): its checksum does not match") }
                let blocks = blocks(of: chunk, streams: streams) { result.faults.append("samples.sqlite: chunk \(chunk.id): \($0)") }
                for block in blocks {
                    result.samples += Int64(block.count)
                    guard streams[block.stream] != nil else {
                        result.faults.append("samples.sqlite: chunk \(chunk.id): the stream \(block.stream) is not described")
                        continue
                    }
                    if let expected = next[block.stream], expected != block.firstSequence {
                        result.faults.append(
                            "samples.sqlite: chunk \(chunk.id): stream \(block.stream) goes on with sample \(block.firstSequence), expected \(expected)")
                    }
                    next[block.stream] = block.firstSequence &+ Int64(block.count)
                }
            }
        }
    }

    private func verifyEvents(_ result: inout Verification) throws {
        var previous = EventRecord.noHash
        var expectedID: Int64 = 1
        while result.faults.count < Self.faultLimit {
            let events = try events(after: expectedID - 1, limit: 500)
            if events.isEmpty { return }
            for event in events {
                result.events += 1
                if event.id != expectedID {
                    result.faults.append("events.sqlite: event \(event.id) follows \(expectedID - 1): records are missing")
                }
                if event.expectedHash(after: previous) != event.hash {
                    result.faults.append("events.sqlite: event \(event.id): its hash does not fit; it, or one before it, was changed")
                    return
                }
                previous = event.hash
                expectedID = event.id &+ 1
            }
        }
    }
}
