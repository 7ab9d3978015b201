import DeviceModel
import DevicePlans
import JournalCoding
import ProfileLanguage

/// Blocks of the journal: as they are, behind their checksum, and made of any values.
enum JournalMode {
    static func run(_ input: inout Input) {
        let kind = input.byte()
        let isText = kind & 1 == 1
        let base: Int64 = kind & 2 == 0 ? 0 : 4_000_000_000
        switch kind >> 2 & 3 {
        case 0: read(input.rest(), base: base, isText: isText)
        case 1: write(&input, base: base, isText: isText)
        case 2:
            let body = input.rest()
            if let block = try? SampleBlock(unchecked: body[...], base: base, isText: { _ in isText }) {
                again(block, base: base, isText: isText)
            }
        default:
            let body = input.rest()
            let crc = CRC32C.compute(body)
            read(body + (0..<4).map { UInt8(truncatingIfNeeded: crc >> (8 * $0)) }, base: base, isText: isText)
        }
    }

    private static func read(_ bytes: [UInt8], base: Int64, isText: Bool) {
        let trusted = BlockFrame.trustedHeader(bytes[...])
        _ = try? BlockFrame.header(bytes[...])
        if let coded = try? CodedBlock(bytes[...], base: base, isText: { _ in isText }) {
            _ = try? CodedBlock.joined([coded, coded], [0, 1], base: base)
        }
        guard let block = try? SampleBlock(bytes[...], base: base, isText: { _ in isText }) else { return }
        if let trusted, trusted.stream != block.stream || trusted.next - block.firstSequence != Int64(block.count) {
            broken("the header says other than the block")
        }
    }

    /// What was read is written and read again.
    private static func again(_ block: SampleBlock, base: Int64, isText: Bool) {
        let count = block.judgements.reduce(0) { $0 + $1.count }
        if count != block.count || block.times.count != count || block.lastTime != block.times.last {
            broken("a block of parts that differ in length")
        }
        // Texts longer than a sample holds are read and never written.
        if block.count > 4096 || block.texts.contains(where: { $0.utf8.count > SampleRecord.textCapacity * 3 }) {
            return
        }
        let once = decoded(block, base: base, isText: isText)
        if once.bits != block.bits || once.texts != block.texts || once.judgements != block.judgements {
            broken("values that change when they are written")
        }
        if case .explicit(let times) = block.timing, !isExact(times, base: base) { return }
        if once != block { broken("times that change when they are written") }
    }

    /// Whether times are whole microseconds from the base, as a block keeps them.
    private static func isExact(_ times: [Int64], base: Int64) -> Bool {
        times.allSatisfy { time in
            let (distance, overflow) = time.subtractingReportingOverflow(base)
            return !overflow && distance % 1000 == 0
        }
    }

    private static func decoded(_ block: SampleBlock, base: Int64, isText: Bool) -> SampleBlock {
        do {
            return try SampleBlock(block.encoded(base: base)[...], base: base) { _ in isText }
        } catch {
            broken("what was written cannot be read: \(error)")
        }
    }

    /// Any values are written and come back.
    private static func write(_ input: inout Input, base: Int64, isText: Bool) {
        let way = input.byte()
        var (bits, texts, judgements, times): ([Int64], [String], [SampleBlock.Judgement], [Int64]) = ([], [], [], [])
        var runs: [SampleBlock.Run] = []
        var time = base
        while !input.isOver, bits.count < 4096 {
            let kind = input.byte()
            let value = kind & 4 == 0 ? (bits.last ?? 0) &+ Int64(Int8(bitPattern: input.byte())) : input.number()
            let validity = kind & 8 == 0 ? Validity.valid : Validity(rawValue: kind >> 4) ?? .invalid
            let reason = kind & 8 == 0 ? Reason.none : Reason(rawValue: input.byte()) ?? .malformed
            judgements.append(SampleBlock.Judgement(validity: validity, reason: reason, count: Int(kind & 3) + 1))
            runs.append(SampleBlock.Run(count: Int(kind & 3) + 1, first: time &+ value))
            for _ in 0...(kind & 3) {
                let isKept = SampleBlock.keepsValue(validity, reason)
                bits.append(isText || !isKept ? 0 : value)
                if isText {
                    texts.append(isKept ? String(String(value, radix: 36).prefix(SampleRecord.textCapacity)) : "")
                }
                time &+= value / 1000 * 1000
                times.append(time)
            }
        }
        let timing: SampleBlock.Timing =
            switch way % 3 {
            case 1 where isExact(times, base: base): .explicit(times)
            case 2: .runs(runs, period: time)
            default: .periodic(first: time, period: 4_000_000)
            }
        let block = SampleBlock(
            stream: input.number(), firstSequence: Int64(bits.count), timing: timing, bits: bits, texts: texts,
            judgements: judgements)
        if decoded(block, base: base, isText: isText) != block { broken("a block that does not come back") }
        if case .periodic(_, let period) = timing, !isText {
            join(block, period: period, parts: Int(way >> 4) + 1, base: base)
        }
    }

    /// Cut into parts that are written one after the other and put together again, it says the same.
    private static func join(_ block: SampleBlock, period: Int64, parts: Int, base: Int64) {
        var state: ValueCoding.State?
        var coded: [CodedBlock] = []
        let judgements = block.expandedJudgements
        let length = max(1, block.count / parts)
        for start in stride(from: 0, to: block.count, by: length) {
            let places = start..<min(start + length, block.count)
            let part = SampleBlock(
                stream: block.stream, firstSequence: block.firstSequence &+ Int64(start),
                timing: .periodic(first: block.time(start), period: period),
                bits: Array(block.bits[places]), texts: [],
                judgements: judgements[places].map {
                    SampleBlock.Judgement(validity: $0.validity, reason: $0.reason, count: 1)
                })
            guard
                let read = try? CodedBlock(
                    part.encoded(base: base, state: &state)[...], base: base, isText: { _ in false })
            else {
                broken("a part that cannot be read")
            }
            coded.append(read)
        }
        guard !coded.isEmpty, let bytes = try? CodedBlock.joined(coded, ArraySlice(coded.indices), base: base),
            let joined = try? SampleBlock(bytes[...], base: base, isText: { _ in false })
        else {
            if !coded.isEmpty { broken("parts that cannot be put together") }
            return
        }
        let isSame = zip(joined.expandedJudgements, judgements).allSatisfy {
            $0.validity == $1.validity && $0.reason == $1.reason
        }
        if joined.bits != block.bits || joined.times != block.times || !isSame {
            broken("parts that say other than the whole")
        }
    }
}
