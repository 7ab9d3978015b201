import DeviceModel
import JournalCoding
import SampleJournal

/// What a session's samples come to: the newest of each stream, and the last seconds of its waveforms.
struct SessionSamples {
    /// The newest sample of a stream that is no waveform.
    struct Newest: Hashable {
        /// Unit: ns of the monotonic clock.
        let time: Int64
        let bits: Int64
        let text: String?
        let validity: Validity
        let reason: Reason

        /// The same moment, and nothing to show.
        var withoutValue: Newest {
            Newest(time: time, bits: 0, text: nil, validity: .notAvailable, reason: .none)
        }
    }

    /// How old a value may be that is shown at all: a result is shown with its age. Unit: ns.
    static let oldest: Int64 = 86_400_000_000_000
    /// The most streams that are kept: a unit of 256 devices has fewer.
    static let most = 20_000

    /// By the streams' numbers: all that the journal knows.
    private(set) var streams: [Int64: StreamDescriptor]
    private(set) var newest: [Int64: Newest] = [:]
    private(set) var waves: [Int64: WaveTail] = [:]
    /// When the newest sample of each stream of this session was taken. Unit: ns of the monotonic clock.
    private(set) var heard: [Int64: Int64] = [:]
    /// The next number of each stream: what is below was read.
    private(set) var next: [Int64: Int64] = [:]
    /// When the newest commit was made. Unit: ns of the monotonic clock.
    private(set) var committed: Int64 = 0
    private(set) var quality = ClockQuality.unknown
    /// The last chunk that was read.
    private(set) var cursor: Int64 = 0

    /// Reads what is needed of what the session has committed so far.
    ///
    /// - Parameter session: the session's number in the journal; `nil` for one that has no samples.
    init(_ reader: JournalReader, session: Int64?) throws {
        streams = try reader.streamsByID()
        cursor = try reader.newestChunk()
        guard let session, cursor > 0 else { return }
        // How far the session has come: the newest chunk keeps its number when it is packed.
        var end: Int64?
        for chunk in try reader.chunks(after: (cursor - 1) & ~1, limit: 2) where chunk.session == session {
            end = max(end ?? .min, chunk.end)
        }
        // The newest of each number and text, as far back as it is shown; then all of the last seconds.
        for sample in try reader.newest(of: session, back: Self.oldest, without: .waveforms) { take(sample) }
        guard let end, let tail = try reader.chunk(before: end &- WaveTail.length, session: session) else { return }
        var seen = tail
        while case let chunks = try reader.chunks(after: seen, limit: 100), let last = chunks.last {
            for chunk in chunks where chunk.session == session { try take(chunk, reader) }
            seen = last.id
        }
        cursor = max(cursor, seen)
    }

    private mutating func take(_ sample: StoredSample) {
        heard[sample.stream] = sample.monotonic
        guard let stream = streams[sample.stream], !stream.isWaveform else { return }
        next[sample.stream] = sample.sequence &+ 1
        newest[sample.stream] = Newest(
            time: sample.monotonic, bits: sample.bits, text: sample.text, validity: sample.validity,
            reason: sample.reason)
    }

    /// Takes a chunk of the session: each sample once, be it packed with others meanwhile.
    ///
    /// - Returns: the streams that have something new.
    @discardableResult
    mutating func take(_ chunk: JournalChunk, _ reader: JournalReader) throws -> Set<Int64> {
        cursor = max(cursor, chunk.id)
        (committed, quality) = (max(committed, chunk.end), chunk.quality)
        // A stream described since then: whether it is one of text must be known before its block is read.
        if reader.hasStream(chunk, besides: streams) { streams = try reader.streamsByID() }
        var fresh: Set<Int64> = []
        for block in reader.blocks(of: chunk, streams: streams) {
            let read = next[block.stream] ?? .min
            let (end, isBeyond) = block.firstSequence.addingReportingOverflow(Int64(block.count))
            guard !isBeyond, end > read, let stream = streams[block.stream], let time = block.lastTime,
                next.count < Self.most || next[block.stream] != nil
            else { continue }
            next[block.stream] = end
            heard[block.stream] = time
            fresh.insert(block.stream)
            if stream.isWaveform {
                waves[block.stream, default: WaveTail()].take(block, from: read)
                waves[block.stream]?.forget(before: committed &- WaveTail.length)
            } else if let judgement = block.judgements.last(where: { $0.count > 0 }) {
                newest[block.stream] = Newest(
                    time: time, bits: block.bits[block.count - 1], text: block.texts.last,
                    validity: judgement.validity, reason: judgement.reason)
            }
        }
        return fresh
    }

    /// Notes how far the journal was read, where it held nothing of the session.
    mutating func pass(_ chunk: Int64) { cursor = max(cursor, chunk) }
}
