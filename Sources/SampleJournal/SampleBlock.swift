import DeviceModel

/// Samples of one stream that follow each other without a hole, as the journal keeps them.
///
/// Wire form, version 2: version, stream, first sequence number, count; the times; runs of equal validity and reason; the values as
/// ``ValueCoding`` writes them; and a CRC-32C over all of it. Every bit comes back.
public struct SampleBlock: Sendable, Equatable {
    /// When the samples were taken.
    public enum Timing: Sendable, Equatable {
        /// One period apart, from the first on. Unit: ns.
        case periodic(first: Int64, period: Int64)
        /// Each by itself, to the microsecond. Unit: ns.
        case explicit([Int64])
        /// Stretches of samples that are one period apart. Unit: ns.
        case runs([Run], period: Int64)
    }

    /// A stretch of samples that are one period apart. Unit of `first`: ns.
    public struct Run: Sendable, Equatable {
        public let count: Int
        public let first: Int64
    }

    /// The most samples of one block. At 1 kHz a block of a packed minute holds 60,000.
    public static let countLimit = 1 << 17
    static let version: UInt8 = 2

    public let stream: Int64
    public let firstSequence: Int64
    public let timing: Timing
    /// One value for each sample; 0 where there is none.
    public let bits: [Int64]
    /// One text for each sample of a text stream; empty for numbers.
    public let texts: [String]
    /// How far the samples may be relied on, in order; neighbours differ.
    public let judgements: [Judgement]

    /// Samples in a row that may be relied on alike.
    public struct Judgement: Sendable, Equatable {
        public let validity: Validity
        public let reason: Reason
        public internal(set) var count: Int

        /// Whether the journal keeps the raw values: what counts, and what was judged implausible.
        var keepsValue: Bool { SampleBlock.keepsValue(validity, reason) }
    }

    public init(stream: Int64, firstSequence: Int64, timing: Timing, bits: [Int64], texts: [String], judgements: [Judgement]) {
        self.stream = stream
        self.firstSequence = firstSequence
        self.timing = timing
        self.bits = bits
        self.texts = texts
        self.judgements = judgements
    }

    public var count: Int { bits.count }

    /// The judgement of each sample.
    public var expandedJudgements: [Judgement] { judgements.flatMap { repeatElement($0, count: $0.count) } }

    /// When sample `index` was taken. Unit: ns of the monotonic clock.
    public func time(_ index: Int) -> Int64 {
        switch timing {
        case .periodic(let first, let period): first &+ Int64(index) &* period
        case .explicit(let times): times[index]
        case .runs(let runs, let period): Self.time(index, runs, period)
        }
    }

    private static func time(_ index: Int, _ runs: [Run], _ period: Int64) -> Int64 {
        var left = index
        for run in runs {
            if left < run.count { return run.first &+ Int64(left) &* period }
            left -= run.count
        }
        preconditionFailure("a sample of the block")
    }

    /// When the last sample was taken; `nil` of a block without samples. Unit: ns.
    var lastTime: Int64? { count > 0 ? time(count - 1) : nil }

    /// The times of all samples. Unit: ns.
    public var times: [Int64] {
        switch timing {
        case .periodic(let first, let period): (0..<count).map { first &+ Int64($0) &* period }
        case .explicit(let times): times
        case .runs(let runs, let period): runs.flatMap { run in (0..<run.count).map { run.first &+ Int64($0) &* period } }
        }
    }

    static func keepsValue(_ validity: Validity, _ reason: Reason) -> Bool { validity.carriesValue || reason == .implausible }
}

extension SampleBlock {
    // MARK: Writing

    /// The block's bytes with their checksum. Times are counted from `base`. Unit: ns.
    func encoded(base: Int64) -> [UInt8] {
        var writer = BitWriter(capacity: 32 + 3 * count)
        writer.byte(Self.version)
        writer.varint(UInt64(bitPattern: stream))
        writer.varint(UInt64(bitPattern: firstSequence))
        writer.varint(UInt64(count))
        write(timing, base: base, to: &writer)
        writeJudgements(to: &writer)
        if texts.isEmpty {
            ValueCoding.write(kept(bits), to: &writer)
        } else {
            ValueCoding.write(texts: kept(texts), to: &writer)
        }
        let crc = CRC32C.compute(writer.bytes)
        writer.append((0..<4).map { UInt8(truncatingIfNeeded: crc >> (8 * $0)) })
        return writer.bytes
    }

    private func write(_ timing: Timing, base: Int64, to writer: inout BitWriter) {
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

    private func writeJudgements(to writer: inout BitWriter) {
        writer.varint(UInt64(judgements.count))
        for judgement in judgements {
            writer.byte(judgement.validity.rawValue)
            writer.byte(judgement.reason.rawValue)
            writer.varint(UInt64(judgement.count))
        }
    }

    /// The elements of the samples whose values are kept.
    private func kept<Element>(_ elements: [Element]) -> [Element] {
        if judgements.allSatisfy(\.keepsValue) { return elements }
        var kept: [Element] = []
        var place = 0
        for judgement in judgements {
            if judgement.keepsValue { kept += elements[place..<(place + judgement.count)] }
            place += judgement.count
        }
        return kept
    }

    // MARK: Reading

    /// The stream, first sequence number and count of an encoded block, without its values.
    static func header(_ bytes: ArraySlice<UInt8>) throws(BlockDamage) -> (stream: Int64, firstSequence: Int64, count: Int) {
        var reader = BitReader(bytes)
        return try header(&reader)
    }

    /// The header of a block whose checksum matches; `nil` for any other, and for numbers that no writer gives.
    static func trustedHeader(_ bytes: ArraySlice<UInt8>) -> (stream: Int64, first: Int64, next: Int64)? {
        guard bytes.count > 4, CRC32C.compute(bytes.dropLast(4)) == writtenChecksum(bytes), let header = try? header(bytes) else { return nil }
        let (next, overflow) = header.firstSequence.addingReportingOverflow(Int64(header.count))
        return overflow || header.firstSequence < 0 ? nil : (header.stream, header.firstSequence, next)
    }

    private static func writtenChecksum(_ bytes: ArraySlice<UInt8>) -> UInt32 { bytes.suffix(4).reversed().reduce(0) { $0 << 8 | UInt32($1) } }

    private static func header(_ reader: inout BitReader) throws(BlockDamage) -> (stream: Int64, firstSequence: Int64, count: Int) {
        let version = try reader.byte()
        guard version == Self.version else { throw BlockDamage("the block is of version \(version); this program reads version \(Self.version)") }
        let stream = Int64(bitPattern: try reader.varint())
        let first = Int64(bitPattern: try reader.varint())
        return (stream, first, try reader.count(countLimit))
    }

    /// Reads a block with its checksum. `isText` tells whether its stream is one of text.
    init(_ bytes: ArraySlice<UInt8>, base: Int64, isText: (Int64) -> Bool) throws(BlockDamage) {
        guard bytes.count > 4 else { throw BlockDamage("the block is too short") }
        let body = bytes.dropLast(4)
        guard CRC32C.compute(body) == Self.writtenChecksum(bytes) else { throw BlockDamage("the block's checksum does not match") }
        try self.init(unchecked: body, base: base, isText: isText)
    }

    /// Reads a block whose checksum is already known to match; the second entry point for fuzzing.
    init(unchecked body: ArraySlice<UInt8>, base: Int64, isText: (Int64) -> Bool) throws(BlockDamage) {
        var reader = BitReader(body)
        let header = try Self.header(&reader)
        let timing = try Self.readTiming(&reader, count: header.count, base: base)
        let judgements = try Self.readJudgements(&reader, count: header.count)
        let kept = judgements.reduce(0) { $0 + ($1.keepsValue ? $1.count : 0) }
        var bits = [Int64](repeating: 0, count: isText(header.stream) ? header.count : 0)
        var texts: [String] = []
        if isText(header.stream) {
            texts = Self.spread(
                try ValueCoding.readTexts(&reader, count: kept, longest: SampleRecord.textCapacity * 3), over: judgements, count: header.count, blank: "")
        } else {
            bits = Self.spread(try ValueCoding.read(&reader, count: kept), over: judgements, count: header.count, blank: 0)
        }
        guard reader.remaining == 0 else { throw BlockDamage("the block has bytes after its values") }
        self.init(stream: header.stream, firstSequence: header.firstSequence, timing: timing, bits: bits, texts: texts, judgements: judgements)
    }

    /// Puts kept elements where they belong, and blanks between them.
    private static func spread<Element>(_ kept: [Element], over judgements: [Judgement], count: Int, blank: Element) -> [Element] {
        if kept.count == count { return kept }
        var all: [Element] = []
        var place = 0
        for judgement in judgements {
            if judgement.keepsValue {
                all += kept[place..<(place + judgement.count)]
                place += judgement.count
            } else {
                all += repeatElement(blank, count: judgement.count)
            }
        }
        return all
    }

    private static func readTiming(_ reader: inout BitReader, count: Int, base: Int64) throws(BlockDamage) -> Timing {
        switch try reader.byte() {
        case 0: return .periodic(first: base &+ (try reader.signed()), period: Int64(bitPattern: try reader.varint()))
        case 1: return .explicit(try ValueCoding.read(&reader, count: count).map { base &+ $0 &* 1000 })
        case 2:
            let period = Int64(bitPattern: try reader.varint())
            var runs: [Run] = []
            var (left, expected) = (count, base)
            for _ in 0..<(try reader.count(count)) {
                let length = try reader.count(left)
                guard length > 0 else { throw BlockDamage("the block has an empty run of times") }
                runs.append(Run(count: length, first: expected &+ (try reader.signed())))
                expected = runs[runs.count - 1].first &+ Int64(length) &* period
                left -= length
            }
            guard left == 0 else { throw BlockDamage("the block's times are not as many as its samples") }
            return .runs(runs, period: period)
        default: throw BlockDamage("the block's times are of an unknown kind")
        }
    }

    private static func readJudgements(_ reader: inout BitReader, count: Int) throws(BlockDamage) -> [Judgement] {
        var judgements: [Judgement] = []
        var left = count
        for _ in 0..<(try reader.count(count)) {
            guard let validity = Validity(rawValue: try reader.byte()), let reason = Reason(rawValue: try reader.byte()) else {
                throw BlockDamage("the block has an unknown validity or reason")
            }
            let length = try reader.count(left)
            judgements.append(Judgement(validity: validity, reason: reason, count: length))
            left -= length
        }
        guard left == 0 else { throw BlockDamage("the block's validities are not as many as its samples") }
        return judgements
    }
}
