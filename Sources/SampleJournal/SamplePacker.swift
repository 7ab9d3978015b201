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
        var streams: [Int64: [SampleBlock]] = [:]
        var isDamaged = false
        for chunk in chunks {
            for block in chunk.blocks(isText: isText, damaged: { _ in isDamaged = true }) { streams[block.stream, default: []].append(block) }
        }
        if isDamaged { return nil }
        let blocks = streams.sorted { $0.key < $1.key }.flatMap { Self.joined($0.value) }
        let waveforms = blocks.filter { isWaveform($0.stream) }
        let numerics = blocks.filter { !isWaveform($0.stream) }
        func part(_ content: JournalChunk.Content, _ blocks: [SampleBlock], id: Int64) -> JournalChunk {
            let base = blocks.compactMap { $0.count > 0 ? $0.time(0) : nil }.min() ?? first.base
            return JournalChunk(
                id: id, first: first.first, session: first.session, content: content, base: base, end: blocks.compactMap(\.lastTime).max() ?? base,
                utc: first.utc(at: base), quality: first.quality, samples: blocks.reduce(0) { $0 + Int64($1.count) },
                payload: ChunkPayload.join(blocks.map { $0.encoded(base: base) }))
        }
        let rest = part(.numerics, numerics, id: last.id)
        return waveforms.isEmpty ? [rest] : [part(.waveforms, waveforms, id: last.id - 1), rest]
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
        for block in group { bits += block.bits }
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
