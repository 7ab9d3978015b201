import DeviceModel

/// Puts the blocks of many commits together: one block for each stream without a hole. What a commit of 250 ms writes around each handful of samples
/// is paid once a minute then, and a search reads few rows.
struct SamplePacker {
    /// The chunks of the span, in order; all of one session, one clock quality and one distance between the clocks.
    private let chunks: [JournalChunk]
    private let isText: (Int64) -> Bool
    private let isWaveform: (Int64) -> Bool

    init(_ chunks: [JournalChunk], streams: [Int64: StreamDescriptor]) {
        self.chunks = chunks
        isText = { streams[$0]?.form == .text }
        isWaveform = { streams[$0]?.isWaveform == true }
    }

    /// Whether two chunks may be packed together: nothing that stands beside the blocks may be lost.
    static func belongTogether(_ one: JournalChunk, _ other: JournalChunk) -> Bool {
        one.session == other.session && one.quality == other.quality && one.utc &- one.base == other.utc &- other.base
    }

    /// The chunks that take the place of the span: the waveforms, where there are any, and then all else, even nothing, so that no commit is ever
    /// without a chunk that covers it. `nil` when a block is damaged: the span stays as it is.
    func packed() -> [JournalChunk]? {
        guard let first = chunks.first, let last = chunks.last else { return nil }
        // Stream by stream: only one stream's samples are ever out of their blocks.
        var coded: [Int64: [(base: Int64, bytes: ArraySlice<UInt8>)]] = [:]
        for chunk in chunks {
            for bytes in ChunkPayload.split(chunk.payload) {
                guard let header = try? SampleBlock.header(bytes) else { return nil }
                coded[header.stream, default: []].append((chunk.base, bytes))
            }
        }
        let base = chunks.reduce(first.base) { min($0, $1.base) }
        var waveforms = Part(base: base)
        var numerics = Part(base: base)
        for (stream, parts) in coded.sorted(by: { $0.key < $1.key }) {
            var blocks: [SampleBlock] = []
            for part in parts {
                guard let block = try? SampleBlock(part.bytes, base: part.base, isText: isText) else { return nil }
                blocks.append(block)
            }
            for block in Self.joined(blocks) { if isWaveform(stream) { waveforms.add(block) } else { numerics.add(block) } }
        }
        func chunk(_ content: JournalChunk.Content, _ part: Part, id: Int64) -> JournalChunk {
            JournalChunk(
                id: id, first: first.first, session: first.session, content: content, base: part.base, end: part.end, utc: first.utc(at: part.base),
                quality: first.quality, samples: part.samples, payload: ChunkPayload.join(part.blocks))
        }
        let rest = chunk(.numerics, numerics, id: last.id)
        return waveforms.blocks.isEmpty ? [rest] : [chunk(.waveforms, waveforms, id: last.id - 1), rest]
    }

    /// The blocks of one packed chunk. Times are counted from the span's first sample.
    private struct Part {
        let base: Int64
        private(set) var end: Int64
        private(set) var samples: Int64 = 0
        private(set) var blocks: [[UInt8]] = []

        init(base: Int64) { (self.base, end) = (base, base) }

        mutating func add(_ block: SampleBlock) {
            end = max(end, block.lastTime ?? end)
            samples += Int64(block.count)
            blocks.append(block.encoded(base: base))
        }
    }

    /// Blocks of one stream as few blocks: a hole in the numbers, or the limit of a block, begins another.
    private static func joined(_ blocks: [SampleBlock]) -> [SampleBlock] {
        var result: [SampleBlock] = []
        var group: [SampleBlock] = []
        var count = 0
        for block in blocks {
            if let last = group.last,
                last.firstSequence + Int64(last.count) != block.firstSequence || last.period != block.period || count + block.count > SampleBlock.countLimit
            {
                result.append(merged(group))
                (group, count) = ([], 0)
            }
            group.append(block)
            count += block.count
        }
        if !group.isEmpty { result.append(merged(group)) }
        return result
    }

    private static func merged(_ group: [SampleBlock]) -> SampleBlock {
        guard group.count > 1, let first = group.first else { return group[0] }
        var judgements: [SampleBlock.Judgement] = []
        for judgement in group.flatMap(\.judgements) {
            if let last = judgements.last, last.validity == judgement.validity, last.reason == judgement.reason {
                judgements[judgements.count - 1].count += judgement.count
            } else {
                judgements.append(judgement)
            }
        }
        var bits: [Int64] = []
        bits.reserveCapacity(group.reduce(0) { $0 + $1.count })
        for block in group { bits.append(contentsOf: block.bits) }
        return SampleBlock(
            stream: first.stream, firstSequence: first.firstSequence, timing: timing(group), bits: bits, texts: group.flatMap(\.texts),
            judgements: judgements)
    }

    /// Waveforms keep their periods as runs, joined where one goes on where the other ends; others keep each time.
    private static func timing(_ group: [SampleBlock]) -> SampleBlock.Timing {
        guard let period = group.first?.period else { return .explicit(group.flatMap(\.times)) }
        var runs: [SampleBlock.Run] = []
        for run in group.flatMap(\.runs) {
            if let last = runs.last, last.first &+ Int64(last.count) &* period == run.first {
                runs[runs.count - 1] = SampleBlock.Run(count: last.count + run.count, first: last.first)
            } else {
                runs.append(run)
            }
        }
        return runs.count == 1 ? .periodic(first: runs[0].first, period: period) : .runs(runs, period: period)
    }
}

extension SampleBlock {
    /// The period of its runs; `nil` when each sample has a time of its own. Unit: ns.
    fileprivate var period: Int64? {
        switch timing {
        case .periodic(_, let period), .runs(_, let period): period
        case .explicit: nil
        }
    }

    fileprivate var runs: [Run] {
        switch timing {
        case .periodic(let first, _): [Run(count: count, first: first)]
        case .runs(let runs, _): runs
        case .explicit: []
        }
    }
}
