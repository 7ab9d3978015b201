import DeviceModel
import JournalCoding

@testable import SampleJournal

/// What a history must be, made plainly: everything is decoded, each sample is looked at by itself.
struct PlainHistory {
    private struct Sample {
        let sequence, utc, session, offset: Int64
        /// As a number, where the sample carries a value that is one.
        let value: Double?
        let word: String
    }

    let low: [Double?]
    let high: [Double?]
    let count: [Int]
    let gaps: [(from: Int64, to: Int64, word: String)]

    init(
        _ reader: JournalReader, _ stream: JournalStream, _ range: Range<Int64>, columns: Int,
        sessions: Set<Int64>? = nil
    ) throws {
        let samples = try Self.samples(reader, stream, range, sessions)
        let width = range.upperBound - range.lowerBound
        /// A column begins at a whole nanosecond: the last whose beginning, rounded down, is not behind a time.
        func column(_ time: Int64) -> Int {
            let parts = Int128(time - range.lowerBound + 1) * Int128(columns)
            return min(columns - 1, Int((parts + Int128(width) - 1) / Int128(width)) - 1)
        }
        var values = [[Double]](repeating: [], count: columns)
        for sample in samples { if let value = sample.value { values[column(sample.utc)].append(value) } }
        (low, high, count) = (values.map { $0.min() }, values.map { $0.max() }, values.map(\.count))
        let declared = try reader.declaredGaps(of: [stream.id])[stream.id] ?? []
        var joined: [(from: Int64, to: Int64, word: String)] = []
        for gap in Self.gaps(samples, stream.descriptor, range, declared) where gap.from < gap.to {
            if let last = joined.last, column(last.from) == column(last.to), last.to < range.upperBound,
                column(gap.from) == column(last.from), gap.from >= last.from
            {
                joined[joined.count - 1] = (
                    min(last.from, gap.from), max(last.to, gap.to), last.word == gap.word ? gap.word : "several"
                )
            } else {
                joined.append(gap)
            }
        }
        gaps = joined
    }

    private static func samples(
        _ reader: JournalReader, _ stream: JournalStream, _ range: Range<Int64>, _ sessions: Set<Int64>?
    ) throws -> [Sample] {
        let streams = try reader.streamsByID()
        var (samples, cursor): ([Sample], Int64) = ([], 0)
        while let chunks = Optional(try reader.chunks(after: cursor, limit: 1000)), let newest = chunks.last {
            for chunk in chunks where sessions?.contains(chunk.session) ?? true {
                for block in reader.blocks(of: chunk, streams: streams) where block.stream == stream.id {
                    let (times, judgements) = (block.times, block.expandedJudgements)
                    for place in 0..<block.count where range.contains(chunk.utc(at: times[place])) {
                        let carries = judgements[place].validity.carriesValue
                        let text = carries ? stream.descriptor.json(bits: block.bits[place], text: nil).text : "null"
                        let (validity, reason) = (judgements[place].validity, judgements[place].reason)
                        samples.append(
                            Sample(
                                sequence: block.firstSequence + Int64(place), utc: chunk.utc(at: times[place]),
                                session: chunk.session, offset: chunk.utc - chunk.base, value: Double(text),
                                word: carries ? "notANumber" : reason == .none ? validity.word : reason.word))
                    }
                }
            }
            cursor = newest.id
        }
        return samples
    }

    private static func gaps(
        _ samples: [Sample], _ stream: StreamDescriptor, _ range: Range<Int64>, _ declared: [SequenceGap]
    ) -> [(from: Int64, to: Int64, word: String)] {
        let period = stream.periodNanoseconds
        let reach = period * (stream.isWaveform ? 2 : 3)
        var gaps: [(from: Int64, to: Int64, word: String)] = []
        guard let first = samples.first, let last = samples.last else {
            return [(range.lowerBound, range.upperBound, "none")]
        }
        if first.utc - range.lowerBound > reach { gaps.append((range.lowerBound, first.utc, "none")) }
        var open: (from: Int64, word: String)?
        for (place, sample) in samples.enumerated() {
            if place > 0 {
                let before = samples[place - 1]
                let distance = sample.utc - before.utc
                let isMissing = before.sequence + 1 != sample.sequence
                if isMissing || distance > reach {
                    let cause = declared.first { ($0.first..<$0.next).contains(before.sequence + 1) }?.cause
                    let begin = before.utc + min(period, distance / 2)
                    if let gap = open { gaps.append((gap.from, begin, gap.word)) }
                    open = nil
                    let other =
                        sample.session != before.session
                        ? "hostDown" : sample.offset - before.offset > reach / 2 ? "clockStep" : "silent"
                    gaps.append((begin, sample.utc, isMissing ? cause ?? "missing" : other))
                }
            }
            if let gap = open, sample.value != nil || gap.word != sample.word {
                gaps.append((gap.from, sample.utc, gap.word))
                open = nil
            }
            if sample.value == nil, open == nil { open = (sample.utc, sample.word) }
        }
        let isBeyond = range.upperBound - last.utc > reach
        let end = isBeyond ? last.utc + period : range.upperBound
        if let gap = open { gaps.append((gap.from, end, gap.word)) }
        if isBeyond { gaps.append((end, range.upperBound, "none")) }
        return gaps
    }
}
