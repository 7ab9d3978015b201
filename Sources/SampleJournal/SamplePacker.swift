import DeviceModel
import JournalCoding

/// Puts the blocks of many commits together: one block for each stream without a hole. What a commit of 250 ms writes
/// around each handful of samples is paid once a minute then, and a search reads few rows.
struct SamplePacker {
    /// The chunks of the span, in order; all of one session, one clock quality and one distance between the clocks.
    private let chunks: [JournalChunk]
    private let texts: Set<Int64>
    private let waveforms: Set<Int64>

    init(_ chunks: [JournalChunk], streams: [Int64: StreamDescriptor]) {
        self.chunks = chunks
        texts = Set(streams.filter { $0.value.form == .text }.keys)
        waveforms = Set(streams.filter(\.value.isWaveform).keys)
    }

    /// Whether two chunks may be packed together: nothing that stands beside the blocks may be lost.
    static func belongTogether(_ one: JournalChunk, _ other: JournalChunk) -> Bool {
        one.session == other.session && one.quality == other.quality && one.utc &- one.base == other.utc &- other.base
    }

    /// The chunks that take the place of the span: the waveforms, where there are any, and then all else, even nothing,
    /// so that no commit is ever without a chunk that covers it. `nil` when a block is damaged: the span stays as it
    /// is.
    func packed() -> [JournalChunk]? {
        guard let first = chunks.first, let last = chunks.last else { return nil }
        let base = chunks.reduce(first.base) { min($0, $1.base) }
        var waveforms = Part(base: base)
        var numerics = Part(base: base)
        do {
            let blocks = try blocks()
            for (stream, places) in Dictionary(grouping: blocks.indices, by: { blocks[$0].frame.stream }).sorted(by: {
                $0.key < $1.key
            }) {
                for group in Self.groups(of: blocks, places) {
                    if self.waveforms.contains(stream) {
                        try waveforms.add(blocks, group)
                    } else {
                        try numerics.add(blocks, group)
                    }
                }
            }
        } catch {
            return nil
        }
        func chunk(_ content: JournalChunk.Content, _ part: Part, id: Int64) -> JournalChunk {
            JournalChunk(
                id: id, first: first.first, session: first.session, content: content, base: part.base, end: part.end,
                utc: first.utc(at: part.base),
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

        mutating func add(_ all: [CodedBlock], _ group: ArraySlice<Int>) throws(BlockDamage) {
            blocks.append(try CodedBlock.joined(all, group, base: base))
            for place in group {
                end = max(end, all[place].frame.lastTime ?? end)
                samples += Int64(all[place].frame.count)
            }
        }
    }

    private func blocks() throws(BlockDamage) -> [CodedBlock] {
        var blocks: [CodedBlock] = []
        for chunk in chunks {
            let coded = ChunkPayload.split(chunk.payload)
            if blocks.isEmpty { blocks.reserveCapacity(coded.count * (chunks.count + 1)) }
            for bytes in coded {
                blocks.append(try CodedBlock(bytes, base: chunk.base) { !texts.isEmpty && texts.contains($0) })
            }
        }
        return blocks
    }

    /// The places of one stream's blocks in few groups, each to be one block: a hole in the numbers, or the limit of a
    /// block, begins another.
    private static func groups(of blocks: [CodedBlock], _ places: [Int]) -> [ArraySlice<Int>] {
        var groups: [ArraySlice<Int>] = []
        var start = 0
        var count = 0
        for index in places.indices {
            let length = blocks[places[index]].frame.count
            if index > start,
                !blocks[places[index]].frame.follows(blocks[places[index - 1]].frame)
                    || count + length > SampleBlock.countLimit
            {
                groups.append(places[start..<index])
                (start, count) = (index, 0)
            }
            count += length
        }
        groups.append(places[start...])
        return groups
    }
}
