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
            try Row.fetchAll(db, sql: "SELECT * FROM streams ORDER BY id").map { JournalStream(id: $0["id"], descriptor: try StreamRow.descriptor($0)) }
        }
    }

    public func sessions() throws -> [JournalSession] {
        try samples.read { db in
            try Row.fetchAll(db, sql: "SELECT id, key, boot, started_ns, ended_ns FROM sessions ORDER BY id").map { row in
                let ended: Int64? = row["ended_ns"]
                return JournalSession(
                    id: row["id"], key: row["key"], bootID: row["boot"], started: row["started_ns"], isEnded: ended != nil)
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

    /// The newest chunk of a session after one, and the latest base among those. `nil` when there is none.
    public func progress(session: Int64, after id: Int64) throws -> (chunk: Int64, base: Int64)? {
        try samples.read { db in
            guard
                let row = try Row.fetchOne(
                    db, sql: "SELECT MAX(id), MAX(base_ns) FROM chunks WHERE id > ? AND session = ?", arguments: [id, session]),
                let chunk = row[0] as Int64?, let base = row[1] as Int64?
            else { return nil }
            return (chunk, base)
        }
    }

    private static func chunk(_ row: Row) -> JournalChunk {
        let quality: Int64 = row["quality"]
        let payload = Array(row["payload"] as Data)
        let checksum = ChunkPayload.checksum(
            [row["id"], row["session"], row["base_ns"], row["utc"], quality, row["samples"]], device: row["device"], payload: payload)
        return JournalChunk(
            id: row["id"], session: row["session"], device: row["device"], base: row["base_ns"], utc: row["utc"],
            quality: UInt8(exactly: quality).flatMap(ClockQuality.init) ?? .unknown, payload: payload, isWhole: row["checksum"] == checksum)
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
                let quality: Int64 = row["quality"]
                return EventRecord(
                    id: row["id"], session: row["session"], monotonicNanoseconds: row["monotonic_ns"], utc: row["utc"],
                    quality: UInt8(exactly: quality).flatMap(ClockQuality.init) ?? .unknown, device: row["device"], kind: row["kind"],
                    body: row["body"], hash: Array(row["hash"] as Data))
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
            try Row.fetchAll(db, sql: "SELECT device, SUM(samples) FROM chunks WHERE device <> '' GROUP BY device ORDER BY device").map {
                (handle: $0[0] as String, samples: $0[1] as Int64)
            }
        }
        let (sessions, streams, chunks, count, payload) = try samples.read { db in
            let row = try Row.fetchOne(db, sql: "SELECT COUNT(*), COALESCE(SUM(samples), 0), COALESCE(SUM(LENGTH(payload)), 0) FROM chunks")
            return (
                try Int.fetchOne(db, sql: "SELECT COUNT(*) FROM sessions") ?? 0, try Int.fetchOne(db, sql: "SELECT COUNT(*) FROM streams") ?? 0,
                row?[0] as Int64? ?? 0, row?[1] as Int64? ?? 0, row?[2] as Int64? ?? 0
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
        try verifyChunks(&result)
        try verifyEvents(&result)
        return result
    }

    private func verifyChunks(_ result: inout Verification) throws {
        let streams = Dictionary(uniqueKeysWithValues: try streams().map { ($0.id, $0.descriptor) })
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
                    next[block.stream] = block.firstSequence + Int64(block.count)
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
                expectedID = event.id + 1
            }
        }
    }
}
