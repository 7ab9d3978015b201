package import DeviceModel
import JournalCoding

/// The samples of a journal once more in the order of their times, as the recorder had them: for what judges them
/// again. In bounded memory: a packed minute at a time, without waveforms.
package struct JournalSamples: Sendable {
    /// What comes next.
    package enum Step: Sendable {
        /// Another run of the host: its times have nothing to do with those before.
        case session(Int64)
        /// All samples before this time have been given. Unit: ns of the monotonic clock.
        case until(Int64)
        /// A sample of the stream with this number.
        case sample(stream: Int64, SampleRecord)
    }

    private let reader: JournalReader

    package init(_ reader: JournalReader) { self.reader = reader }

    /// Gives every sample of the wanted streams, each once. Waveforms and texts are left out.
    ///
    /// - Parameters:
    ///   - from: from this wall-clock time on, and before `to`. Unit: ns since 1970.
    ///   - damaged: is told of each block that cannot be read.
    package func replay(
        from: Int64 = .min, to: Int64 = .max, _ isWanted: (StreamDescriptor) -> Bool, damaged: () -> Void = {},
        _ step: (Step) throws -> Void
    ) throws {
        var streams = try reader.streamsByID()
        var next: [Int64: Int64] = [:]
        var session: Int64?
        var cursor: Int64 = 0
        while true {
            let chunks = try reader.chunks(after: cursor, limit: 100, without: .waveforms, from: from, to: to)
            guard let newest = chunks.last else { return }
            for chunk in chunks {
                if chunk.hasStream(besides: streams) { streams = try reader.streamsByID() }
                var found: [(stream: Int64, record: SampleRecord)] = []
                for block in reader.blocks(of: chunk, streams: streams, damaged: { _ in damaged() }) {
                    // Packed meanwhile, a chunk has again what was read of its commits.
                    let read = next[block.stream] ?? .min
                    next[block.stream] = max(read, block.firstSequence &+ Int64(block.count))
                    guard let stream = streams[block.stream], !stream.isWaveform, stream.form != .text,
                        isWanted(stream)
                    else { continue }
                    found += Self.records(block, notBefore: read).filter {
                        let utc = chunk.utc(at: $0.monotonicNanoseconds)
                        return utc >= from && utc < to
                    }.map { (block.stream, $0) }
                }
                if chunk.session != session {
                    session = chunk.session
                    try step(.session(chunk.session))
                }
                found.sort { $0.record.monotonicNanoseconds < $1.record.monotonicNanoseconds }
                if let first = found.first { try step(.until(first.record.monotonicNanoseconds)) }
                for (stream, record) in found { try step(.sample(stream: stream, record)) }
            }
            cursor = newest.id
        }
    }

    private static func records(_ block: SampleBlock, notBefore read: Int64) -> [SampleRecord] {
        let (times, judgements) = (block.times, block.expandedJudgements)
        return (0..<block.count).filter { block.firstSequence &+ Int64($0) >= read }.map { place in
            SampleRecord(
                kind: .sample, index: 0, monotonicNanoseconds: times[place], bits: block.bits[place],
                validity: judgements[place].validity, reason: judgements[place].reason)
        }
    }
}
