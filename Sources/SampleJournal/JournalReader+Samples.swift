package import DeviceModel
import GRDB
package import JournalCoding

// Samples: chunks in the order of their commits, and the blocks in them.

extension JournalReader {
    /// Payload that is read at once, at least one chunk. Unit: bytes.
    static let batchBytes = 512 << 10

    /// Which samples are wanted. Without anything: all.
    package struct Selection: Sendable {
        /// The device's handle.
        package var device: String?
        /// The metric's reference identifier.
        package var metric: String?
        /// The numbers of the streams; `nil`: all.
        package var streams: Set<Int64>?
        /// Of these runs of the host; `nil`: of all.
        package var sessions: Set<Int64>?
        /// From this wall-clock time on, and before that. Unit: ns since 1970.
        package var from: Int64 = .min
        package var to: Int64 = .max

        package init(device: String? = nil, metric: String? = nil, from: Int64 = .min, to: Int64 = .max) {
            (self.device, self.metric, self.from, self.to) = (device, metric, from, to)
        }

        package init(streams: Set<Int64>, sessions: Set<Int64>?, from: Int64, to: Int64) {
            (self.streams, self.sessions, self.from, self.to) = (streams, sessions, from, to)
        }

        func takes(_ event: EventRecord) -> Bool {
            (device == nil || device == event.device) && event.utc >= from && event.utc < to
        }

        func takes(_ number: Int64, _ stream: StreamDescriptor) -> Bool {
            device ?? stream.device == stream.device && metric ?? stream.metric == stream.metric
                && streams?.contains(number) ?? true
        }
    }

    /// The chunks after one, in the order of their commits: at most `limit`, and not many bytes at once.
    ///
    /// A cursor is a chunk's number. It stays good when commits are packed: the chunk that takes their place has the
    /// number of the last of them, and a reader who had read some of them meets their samples again, with the same
    /// numbers.
    ///
    /// - Parameters:
    ///   - without: leave out packed chunks of this content.
    ///   - from: without chunks that end before this wall-clock time, and `to`: that begin at or after it. Unit: ns
    ///     since 1970.
    package func chunks(
        after id: Int64, limit: Int, without: JournalChunk.Content? = nil, from: Int64 = .min, to: Int64 = .max
    ) throws -> [JournalChunk] {
        var chunks: [JournalChunk] = []
        var bytes = 0
        for (file, end) in try open(.samples, after: id) {
            chunks += try Self.readable(file, after: id, end: end) { db, start, found in
                let rows = try Row.fetchCursor(
                    db,
                    sql: """
                        SELECT * FROM chunks WHERE id > ? AND id < ? AND content IS NOT ? AND utc < ? AND utc + \
                        (end_ns - base_ns) >= ? ORDER BY id LIMIT ?
                        """, arguments: [start, end, without?.rawValue, to, from, limit - chunks.count])
                while bytes < Self.batchBytes, let row = try rows.next() {
                    let chunk = JournalChunk(row)
                    // A damaged row may say anything: it moves no cursor, and `verify` names it.
                    guard chunk.isWhole, chunk.id > found.last?.id ?? start else { continue }
                    bytes += chunk.payload.count
                    found.append(chunk)
                }
            }
            if chunks.count >= limit || bytes >= Self.batchBytes { break }
        }
        return chunks
    }

    /// How far the wall clock was from the monotonic one when the wall clock was first known in a session; `nil` while
    /// it never was. Unit: ns.
    ///
    /// - Parameter after: chunks up to this one are known to say nothing.
    package func clockOffset(session: Int64, after: Int64 = 0) throws -> Int64? {
        for (file, end) in try open(.samples, after: after) {
            let found = try Self.told(file) { db in
                try Row.fetchAll(
                    db,
                    sql: "SELECT * FROM chunks WHERE id > ? AND id < ? AND session = ? AND quality > 0 ORDER BY id "
                        + "LIMIT 4", arguments: [after, end, session]
                ).map(JournalChunk.init).first(where: \.isWhole)
            }
            if let chunk = found ?? nil { return chunk.utc &- chunk.base }
        }
        return nil
    }

    /// The number before the first chunk of a session that reaches up to a time; `nil` when there is none. Unit: ns of
    /// the monotonic clock.
    package func chunk(before time: Int64, session: Int64) throws -> Int64? {
        for (file, end) in try open(.samples, after: 0) {
            let found = try Self.told(file) { db in
                try Int64.fetchOne(
                    db, sql: "SELECT MIN(id) FROM chunks WHERE session = ? AND end_ns >= ? AND id < ?",
                    arguments: [session, time, end])
            }
            // No cursor stands between the waveforms of a packed span, whose number is odd, and the rest.
            if let first = found ?? nil { return (first - 1) & ~1 }
        }
        return nil
    }

    /// Whether files of samples are gone that there were: delivered and let go, or lost.
    package func hasLetGoOfSamples() throws -> Bool { try open(.samples).first.map { $0.first > 1 } ?? false }

    /// The number of the newest chunk; 0 when there is none.
    package func newestChunk() throws -> Int64 {
        for file in try open(.samples).reversed() {
            if let newest = try Self.told(file, { try Int64.fetchOne($0, sql: "SELECT MAX(id) FROM chunks") ?? 0 }),
                newest > 0
            {
                return newest
            }
        }
        return 0
    }

    /// The blocks of a chunk. A damaged block is left out and given to `damaged`.
    package func blocks(
        of chunk: JournalChunk, streams: [Int64: StreamDescriptor], damaged: (BlockDamage) -> Void = { _ in }
    ) -> [SampleBlock] {
        chunk.blocks(isText: { streams[$0]?.form == .text }, damaged: { damaged($1) })
    }

    /// The blocks of chosen streams of a chunk; of the others only the headers are read.
    ///
    /// - Parameter damaged: is told of each block that cannot be read, and of which it is not known that it is of
    ///   another stream; it is left out. That it is missing shows in the stream's numbers.
    package func blocks(
        of chunk: JournalChunk, chosen: Set<Int64>, streams: [Int64: StreamDescriptor],
        damaged: (BlockDamage) -> Void = { _ in }
    ) -> [SampleBlock] {
        chunk.blocks(isChosen: chosen.contains, isText: { streams[$0]?.form == .text }, damaged: { damaged($1) })
    }

    /// Whether a chunk has a block of any of these streams that can be read.
    package func hasAny(of streams: Set<Int64>, in chunk: JournalChunk) -> Bool {
        chunk.sequences().contains { streams.contains($0.stream) }
    }

    /// Whether a chunk has a stream that is not among these: one described since they were read.
    package func hasStream(_ chunk: JournalChunk, besides streams: [Int64: StreamDescriptor]) -> Bool {
        chunk.hasStream(besides: streams)
    }

    /// What the journal says of a stream's missing numbers from one on, in order; of each file at most so much.
    func declaredGaps(of stream: Int64, from sequence: Int64 = 0, limit: Int = 100_000) throws -> [SequenceGap] {
        try open(.samples).flatMap { file in
            try Self.told(file) { db in
                try Row.fetchAll(
                    db,
                    sql: """
                        SELECT * FROM gaps WHERE stream = ? AND next_sequence > ? ORDER BY first_sequence LIMIT ?
                        """, arguments: [stream, sequence, limit])
            } ?? []
        }.compactMap { row in
            guard let first = row.integer("first_sequence"), let next = row.integer("next_sequence") else { return nil }
            return SequenceGap(stream: stream, first: first, next: next, cause: row.text("cause") ?? "")
        }.sorted { $0.first < $1.first }
    }

    /// Gives the chunks that may have samples of some streams in a time, in order, as long as `body` returns `true`.
    ///
    /// - Parameters:
    ///   - range: Unit: ns since 1970.
    ///   - sessions: only chunks of these; `nil`: of all.
    ///   - isCancelled: is asked at least every half megabyte; `CancellationError` is thrown when it says so.
    ///   - progress: is told how much of the time is done, each hundredth at most once. Range: 0…1.
    func eachChunk(
        with streams: [StreamDescriptor], in range: Range<Int64>, _ sessions: Set<Int64>?, _ isCancelled: () -> Bool,
        _ progress: (Double) -> Void, _ body: (JournalChunk) throws -> Bool
    ) throws {
        let without = Self.contentWithout(streams)
        var (cursor, told) = (Int64(0), -1)
        while true {
            if isCancelled() { throw CancellationError() }
            let chunks = try chunks(
                after: cursor, limit: 100, without: without, from: range.lowerBound, to: range.upperBound)
            guard let newest = chunks.last else { break }
            for chunk in chunks where sessions?.contains(chunk.session) ?? true {
                guard try body(chunk) else { return }
            }
            cursor = newest.id
            let done = Double(newest.utc) - Double(range.lowerBound)
            let hundredths = Int(max(0, min(0.99, done / Double(range.upperBound - range.lowerBound))) * 100)
            if hundredths > told {
                told = hundredths
                progress(Double(hundredths) / 100)
            }
        }
        progress(1)
    }

    /// The packed chunks that have nothing of some streams.
    static func contentWithout(_ streams: some Collection<StreamDescriptor>) -> JournalChunk.Content? {
        streams.allSatisfy(\.isWaveform) ? .numerics : streams.contains(where: \.isWaveform) ? nil : .waveforms
    }
}
