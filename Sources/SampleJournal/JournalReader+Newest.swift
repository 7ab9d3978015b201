package import DeviceModel
import GRDB
package import JournalCoding

/// One sample as the journal has it, with its stream and its times.
package struct StoredSample: Sendable, Equatable {
    /// The number of its stream.
    package let stream: Int64
    /// Its number within the stream.
    package let sequence: Int64
    /// When it was taken. Unit: ns of the session's monotonic clock.
    package let monotonic: Int64
    /// The wall clock then. Unit: ns since 1970.
    package let utc: Int64
    package let quality: ClockQuality
    /// In the form of its stream; ``StreamDescriptor/json(bits:text:)`` writes them. 0 where there is no value.
    package let bits: Int64
    /// Of a stream of text.
    package let text: String?
    package let validity: Validity
    package let reason: Reason

    /// - Parameter index: its place in the block.
    init(_ block: SampleBlock, _ index: Int, of chunk: JournalChunk) {
        let judgement = block.judgement(index)
        stream = block.stream
        sequence = block.firstSequence &+ Int64(index)
        monotonic = block.time(index)
        utc = chunk.utc(at: monotonic)
        quality = chunk.quality
        bits = block.bits[index]
        text = block.texts.isEmpty ? nil : block.texts[index]
        (validity, reason) = (judgement.validity, judgement.reason)
    }
}

extension JournalReader {
    /// The newest sample of each stream of a session, whatever its validity. Read from the end backwards: of each
    /// stream one block is decoded.
    ///
    /// - Parameters:
    ///   - session: its number.
    ///   - back: streams without a sample for so long are left out. Unit: ns before the newest chunk; an hour, the
    ///     longest period that a stream may have, by default.
    ///   - without: leave out packed chunks of this content.
    ///   - damaged: is told of each block that cannot be read; the stream's newest sample before it is given.
    package func newest(
        of session: Int64, back: Int64 = 3_600_000_000_000, without: JournalChunk.Content? = nil,
        damaged: (BlockDamage) -> Void = { _ in }
    ) throws -> [StoredSample] {
        var streams = try streamsByID()
        var found: [Int64: StoredSample] = [:]
        var newest: Int64?
        var below = Int64.max
        while found.count < streams.count {
            let chunks = try chunks(of: session, before: below, without: without)
            guard let oldest = chunks.last else { break }
            for chunk in chunks {
                let end = newest ?? chunk.end
                newest = end
                guard chunk.end > end &- back else { return found.values.sorted { $0.stream < $1.stream } }
                if hasStream(chunk, besides: streams) { streams = try streamsByID() }
                take(chunk, streams, into: &found, damaged)
            }
            below = oldest.id
        }
        return found.values.sorted { $0.stream < $1.stream }
    }

    /// Adds the last sample in a chunk of each stream that is not among those found.
    private func take(
        _ chunk: JournalChunk, _ streams: [Int64: StreamDescriptor], into found: inout [Int64: StoredSample],
        _ damaged: (BlockDamage) -> Void
    ) {
        var last: [Int64: StoredSample] = [:]
        for block in chunk.blocks(
            isChosen: { found[$0] == nil && streams[$0] != nil }, isText: { streams[$0]?.form == .text },
            damaged: { damaged($1) })
        where block.count > 0 && block.firstSequence >= last[block.stream]?.sequence ?? .min {
            last[block.stream] = StoredSample(block, block.count - 1, of: chunk)
        }
        found.merge(last) { earlier, _ in earlier }
    }

    /// The chunks of a session before a number, newest first: not many bytes at once, at least one chunk while there
    /// are any.
    private func chunks(
        of session: Int64, before id: Int64, without: JournalChunk.Content?
    ) throws -> [JournalChunk] {
        for (file, end) in try open(.samples, after: 0).reversed() where file.first < id {
            let found = try Self.told(file) { db in
                let rows = try Row.fetchCursor(
                    db,
                    sql: """
                        SELECT * FROM chunks WHERE id < ? AND session = ? AND content IS NOT ? ORDER BY id DESC LIMIT 64
                        """, arguments: [min(id, end), session, without?.rawValue])
                var (found, bytes): ([JournalChunk], Int) = ([], 0)
                while bytes < Self.batchBytes, let row = try rows.next() {
                    let chunk = JournalChunk(row)
                    guard chunk.isWhole, chunk.id < found.last?.id ?? id else { continue }
                    bytes += chunk.payload.count
                    found.append(chunk)
                }
                return found
            }
            if let found, !found.isEmpty { return found }
        }
        return []
    }
}
