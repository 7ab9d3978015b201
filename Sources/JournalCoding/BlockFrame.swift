import DeviceModel

/// What stands in a block beside its values: whose samples they are, when each was taken, and how far it may be relied
/// on.
package struct BlockFrame: Sendable, Equatable {
    static let version: UInt8 = 3

    package let stream: Int64
    package let firstSequence: Int64
    package let count: Int
    package let timing: SampleBlock.Timing
    package let judgements: [SampleBlock.Judgement]

    /// Samples whose values are kept.
    var kept: Int { judgements.reduce(0) { $0 + ($1.keepsValue ? $1.count : 0) } }

    /// When sample `index` was taken. Unit: ns of the monotonic clock.
    func time(_ index: Int) -> Int64 {
        switch timing {
        case .periodic(let first, let period): return first &+ Int64(index) &* period
        case .explicit(let times): return times[index]
        case .runs(let runs, let period):
            var left = index
            for run in runs {
                if left < run.count { return run.first &+ Int64(left) &* period }
                left -= run.count
            }
            preconditionFailure("a sample of the block")
        }
    }

    /// When the last sample was taken; `nil` of a block without samples. Unit: ns.
    package var lastTime: Int64? { count > 0 ? time(count - 1) : nil }

    /// The times of all samples. Unit: ns.
    var times: [Int64] {
        switch timing {
        case .explicit(let times): times
        case .periodic(_, let period), .runs(_, let period):
            runs.flatMap { run in (0..<run.count).map { run.first &+ Int64($0) &* period } }
        }
    }

    /// The period of its runs; `nil` when each sample has a time of its own. Unit: ns.
    var period: Int64? {
        switch timing {
        case .periodic(_, let period), .runs(_, let period): period
        case .explicit: nil
        }
    }

    private var runs: [SampleBlock.Run] {
        switch timing {
        case .periodic(let first, _): [SampleBlock.Run(count: count, first: first)]
        case .runs(let runs, _): runs
        case .explicit: []
        }
    }

    // MARK: Joining

    /// Whether its samples go on where those of another frame end, so that one block can hold both.
    package func follows(_ other: BlockFrame) -> Bool {
        other.firstSequence &+ Int64(other.count) == firstSequence && other.period == period
    }

    /// One frame for blocks, at least one, of which each follows the one before.
    static func joined(_ group: [BlockFrame]) -> BlockFrame {
        if group.count == 1 { return group[0] }
        var judgements: [SampleBlock.Judgement] = []
        for judgement in group.lazy.flatMap(\.judgements) {
            if let last = judgements.last, last.validity == judgement.validity, last.reason == judgement.reason {
                judgements[judgements.count - 1].count += judgement.count
            } else {
                judgements.append(judgement)
            }
        }
        return BlockFrame(
            stream: group[0].stream, firstSequence: group[0].firstSequence, count: group.reduce(0) { $0 + $1.count },
            timing: timing(group),
            judgements: judgements)
    }

    /// Waveforms keep their periods as runs, joined where one goes on where the other ends; others keep each time.
    private static func timing(_ group: [BlockFrame]) -> SampleBlock.Timing {
        guard let period = group.first?.period else { return .explicit(group.flatMap(\.times)) }
        var runs: [SampleBlock.Run] = []
        for run in group.lazy.flatMap(\.runs) {
            if let last = runs.last, last.first &+ Int64(last.count) &* period == run.first {
                runs[runs.count - 1] = SampleBlock.Run(count: last.count + run.count, first: last.first)
            } else {
                runs.append(run)
            }
        }
        return runs.count == 1 ? .periodic(first: runs[0].first, period: period) : .runs(runs, period: period)
    }

    // MARK: Writing

    /// A block's bytes with their checksum. Times are counted from `base`. Unit: ns.
    func encoded(base: Int64, capacity: Int, values: (inout BitWriter) -> Void) -> [UInt8] {
        var writer = BitWriter(capacity: capacity)
        writer.byte(Self.version)
        writer.varint(UInt64(bitPattern: stream))
        writer.varint(UInt64(bitPattern: firstSequence))
        writer.varint(UInt64(count))
        writeTiming(base: base, to: &writer)
        writer.varint(UInt64(judgements.count))
        for judgement in judgements {
            writer.byte(judgement.validity.rawValue)
            writer.byte(judgement.reason.rawValue)
            writer.varint(UInt64(judgement.count))
        }
        values(&writer)
        writer.align()
        let crc = CRC32C.compute(writer.bytes)
        for place in 0..<4 { writer.byte(UInt8(truncatingIfNeeded: crc >> (8 * UInt32(place)))) }
        return writer.bytes
    }

    private func writeTiming(base: Int64, to writer: inout BitWriter) {
        switch timing {
        case .periodic(let first, let period):
            writer.byte(0)
            writer.signed(first &- base)
            writer.varint(UInt64(bitPattern: period))
        case .explicit(let times):
            writer.byte(1)
            ValueCoding.write(times.map { ($0 &- base) / 1000 }, to: &writer)
        case .runs(let runs, let period):
            writer.byte(2)
            writer.varint(UInt64(bitPattern: period))
            writer.varint(UInt64(runs.count))
            var expected = base
            for run in runs {
                writer.varint(UInt64(run.count))
                writer.signed(run.first &- expected)
                expected = run.first &+ Int64(run.count) &* period
            }
        }
    }
}

extension BlockFrame {
    // MARK: Reading

    /// The stream, first sequence number and count of an encoded block, without its values.
    package static func header(_ bytes: ArraySlice<UInt8>) throws(BlockDamage) -> (
        stream: Int64, firstSequence: Int64, count: Int
    ) {
        var reader = BitReader(bytes)
        return try header(&reader)
    }

    /// The header of a block whose checksum matches; `nil` for any other, and for numbers that no writer gives.
    package static func trustedHeader(_ bytes: ArraySlice<UInt8>) -> (stream: Int64, first: Int64, next: Int64)? {
        guard let body = try? checked(bytes), let header = try? header(body) else { return nil }
        let (next, overflow) = header.firstSequence.addingReportingOverflow(Int64(header.count))
        return overflow || header.firstSequence < 0 ? nil : (header.stream, header.firstSequence, next)
    }

    /// Reads a block with its checksum, but for its values.
    package init(_ bytes: ArraySlice<UInt8>, base: Int64) throws(BlockDamage) {
        var reader = BitReader(try Self.checked(bytes))
        try self.init(&reader, base: base)
    }

    /// A block without its checksum, which matches.
    static func checked(_ bytes: ArraySlice<UInt8>) throws(BlockDamage) -> ArraySlice<UInt8> {
        guard bytes.count > 4 else { throw BlockDamage("the block is too short") }
        let written = bytes.suffix(4).reversed().reduce(0) { $0 << 8 | UInt32($1) }
        guard CRC32C.compute(bytes.dropLast(4)) == written else {
            throw BlockDamage("the block's checksum does not match")
        }
        return bytes.dropLast(4)
    }

    private static func header(_ reader: inout BitReader) throws(BlockDamage) -> (
        stream: Int64, firstSequence: Int64, count: Int
    ) {
        let version = try reader.byte()
        guard version == Self.version else {
            throw BlockDamage("the block is of version \(version); this program reads version \(Self.version)")
        }
        let stream = Int64(bitPattern: try reader.varint())
        let first = Int64(bitPattern: try reader.varint())
        return (stream, first, try reader.count(SampleBlock.countLimit))
    }

    /// Reads up to where the values begin.
    init(_ reader: inout BitReader, base: Int64) throws(BlockDamage) {
        (stream, firstSequence, count) = try Self.header(&reader)
        timing = try Self.readTiming(&reader, count: count, base: base)
        judgements = try Self.readJudgements(&reader, count: count)
    }

    private static func readTiming(_ reader: inout BitReader, count: Int, base: Int64) throws(BlockDamage)
        -> SampleBlock.Timing
    {
        switch try reader.byte() {
        case 0: return .periodic(first: base &+ (try reader.signed()), period: Int64(bitPattern: try reader.varint()))
        case 1: return .explicit(try ValueCoding.read(&reader, count: count).map { base &+ $0 &* 1000 })
        case 2:
            let period = Int64(bitPattern: try reader.varint())
            var runs: [SampleBlock.Run] = []
            var (left, expected) = (count, base)
            for _ in 0..<(try reader.count(count)) {
                let length = try reader.count(left)
                guard length > 0 else { throw BlockDamage("the block has an empty run of times") }
                runs.append(SampleBlock.Run(count: length, first: expected &+ (try reader.signed())))
                expected = runs[runs.count - 1].first &+ Int64(length) &* period
                left -= length
            }
            guard left == 0 else { throw BlockDamage("the block's times are not as many as its samples") }
            return .runs(runs, period: period)
        default: throw BlockDamage("the block's times are of an unknown kind")
        }
    }

    private static func readJudgements(_ reader: inout BitReader, count: Int) throws(BlockDamage) -> [SampleBlock
        .Judgement]
    {
        var judgements: [SampleBlock.Judgement] = []
        var left = count
        for _ in 0..<(try reader.count(count)) {
            guard let validity = Validity(rawValue: try reader.byte()), let reason = Reason(rawValue: try reader.byte())
            else {
                throw BlockDamage("the block has an unknown validity or reason")
            }
            let length = try reader.count(left)
            judgements.append(SampleBlock.Judgement(validity: validity, reason: reason, count: length))
            left -= length
        }
        guard left == 0 else { throw BlockDamage("the block's validities are not as many as its samples") }
        return judgements
    }
}
