import DeviceModel

/// Samples of one stream that follow each other without a hole, as the journal keeps them.
///
/// Wire form, version 1: version, stream, first sequence number, count; the times; runs of equal validity and reason; the values; and a
/// CRC-32C over all of it. Values are coded by differences (none, first or second, whichever is shortest) with Rice codes, or as they are when
/// that is shorter; every bit comes back.
public struct SampleBlock: Sendable, Equatable {
    /// When the samples were taken.
    public enum Timing: Sendable, Equatable {
        /// One period apart, from the first on. Unit: ns.
        case periodic(first: Int64, period: Int64)
        /// Each by itself, to the microsecond. Unit: ns.
        case explicit([Int64])
    }

    /// The most samples of one block. At 1 kHz a block of the longest commit interval (10 s) holds 10,000.
    public static let countLimit = 1 << 17
    static let version: UInt8 = 1

    public let stream: Int64
    public let firstSequence: Int64
    public let timing: Timing
    /// One value for each sample; 0 where there is none.
    public let bits: [Int64]
    /// One text for each sample of a text stream; empty for numbers.
    public let texts: [String]
    public let validities: [Validity]
    public let reasons: [Reason]

    public init(
        stream: Int64, firstSequence: Int64, timing: Timing, bits: [Int64], texts: [String], validities: [Validity], reasons: [Reason]
    ) {
        self.stream = stream
        self.firstSequence = firstSequence
        self.timing = timing
        self.bits = bits
        self.texts = texts
        self.validities = validities
        self.reasons = reasons
    }

    public var count: Int { validities.count }

    /// When sample `index` was taken. Unit: ns of the monotonic clock.
    public func time(_ index: Int) -> Int64 {
        switch timing {
        case .periodic(let first, let period): first &+ Int64(index) &* period
        case .explicit(let times): times[index]
        }
    }

    /// Whether the journal keeps a sample's raw value: what counts, and what was judged implausible.
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
        writeRuns(to: &writer)
        let keepsAll = (0..<count).allSatisfy { Self.keepsValue(validities[$0], reasons[$0]) }
        let kept = keepsAll ? [] : (0..<count).filter { Self.keepsValue(validities[$0], reasons[$0]) }
        if texts.isEmpty {
            ValueCoding.write(keepsAll ? bits : kept.map { bits[$0] }, to: &writer)
        } else {
            ValueCoding.write(texts: keepsAll ? texts : kept.map { texts[$0] }, to: &writer)
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
        }
    }

    private func writeRuns(to writer: inout BitWriter) {
        var runs: [(Validity, Reason, UInt64)] = []
        for index in 0..<count {
            if let last = runs.last, last.0 == validities[index], last.1 == reasons[index] {
                runs[runs.count - 1].2 += 1
            } else {
                runs.append((validities[index], reasons[index], 1))
            }
        }
        writer.varint(UInt64(runs.count))
        for (validity, reason, length) in runs {
            writer.byte(validity.rawValue)
            writer.byte(reason.rawValue)
            writer.varint(length)
        }
    }

    // MARK: Reading

    /// The stream, first sequence number and count of an encoded block, without its values.
    static func header(_ bytes: ArraySlice<UInt8>) throws(BlockDamage) -> (stream: Int64, firstSequence: Int64, count: Int) {
        var reader = BitReader(bytes)
        return try header(&reader)
    }

    /// The header of a block whose checksum matches; `nil` for any other, and for numbers that no writer gives.
    static func trustedHeader(_ bytes: ArraySlice<UInt8>) -> (stream: Int64, next: Int64)? {
        guard bytes.count > 4, CRC32C.compute(bytes.dropLast(4)) == writtenChecksum(bytes), let header = try? header(bytes) else { return nil }
        let (next, overflow) = header.firstSequence.addingReportingOverflow(Int64(header.count))
        return overflow || header.firstSequence < 0 ? nil : (header.stream, next)
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
        let (validities, reasons) = try Self.readRuns(&reader, count: header.count)
        let kept = (0..<header.count).filter { Self.keepsValue(validities[$0], reasons[$0]) }
        var bits = [Int64](repeating: 0, count: header.count)
        var texts: [String] = []
        if isText(header.stream) {
            texts = [String](repeating: "", count: header.count)
            let values = try ValueCoding.readTexts(&reader, count: kept.count)
            for (value, index) in zip(values, kept) { texts[index] = value }
        } else {
            let values = try ValueCoding.read(&reader, count: kept.count)
            for (value, index) in zip(values, kept) { bits[index] = value }
        }
        guard reader.remaining == 0 else { throw BlockDamage("the block has bytes after its values") }
        self.init(
            stream: header.stream, firstSequence: header.firstSequence, timing: timing, bits: bits, texts: texts, validities: validities,
            reasons: reasons)
    }

    private static func readTiming(_ reader: inout BitReader, count: Int, base: Int64) throws(BlockDamage) -> Timing {
        switch try reader.byte() {
        case 0: return .periodic(first: base &+ (try reader.signed()), period: Int64(bitPattern: try reader.varint()))
        case 1: return .explicit(try ValueCoding.read(&reader, count: count).map { base &+ $0 &* 1000 })
        default: throw BlockDamage("the block's times are of an unknown kind")
        }
    }

    private static func readRuns(_ reader: inout BitReader, count: Int) throws(BlockDamage) -> ([Validity], [Reason]) {
        var validities: [Validity] = []
        var reasons: [Reason] = []
        for _ in 0..<(try reader.count(count)) {
            guard let validity = Validity(rawValue: try reader.byte()), let reason = Reason(rawValue: try reader.byte()) else {
                throw BlockDamage("the block has an unknown validity or reason")
            }
            let length = try reader.count(count - validities.count)
            validities += repeatElement(validity, count: length)
            reasons += repeatElement(reason, count: length)
        }
        guard validities.count == count else { throw BlockDamage("the block's validities are not as many as its samples") }
        return (validities, reasons)
    }
}

/// How values are written: the shortest of three differences with Rice codes, or as they are.
enum ValueCoding {
    private static let rawTag: UInt8 = 0xFF
    /// Longer unary parts are escaped to the 64 bits themselves.
    private static let escape = 24

    /// The difference of the given order at a place, wrapping: extremes come back too.
    private static func residual(_ values: [Int64], _ index: Int, order: Int) -> UInt64 {
        switch order {
        case 0: zigzag(values[index])
        case 1: zigzag(values[index] &- values[index - 1])
        default: zigzag(values[index] &- (2 &* values[index - 1] &- values[index - 2]))
        }
    }

    private static func cost(_ residual: UInt64, parameter: Int) -> Int {
        let quotient = residual >> UInt64(parameter)
        return quotient < UInt64(escape) ? Int(quotient) + 1 + parameter : escape + 64
    }

    /// The Rice parameter that suits the mean of the differences, or a neighbour of it, and how many bits they then take.
    private static func best(_ values: [Int64], order: Int) -> (parameter: Int, bits: Int) {
        var sum = 0.0
        for index in order..<values.count { sum += Double(residual(values, index, order: order)) }
        let mean = sum / Double(max(1, values.count - order))
        let guess = mean < 1 ? 0 : min(62, Int(mean.binade.exponent))
        let candidates = (max(0, guess - 1), guess, min(62, guess + 1))
        var bits = (0, 0, 0)
        for index in order..<values.count {
            let residual = residual(values, index, order: order)
            bits.0 += cost(residual, parameter: candidates.0)
            bits.1 += cost(residual, parameter: candidates.1)
            bits.2 += cost(residual, parameter: candidates.2)
        }
        if bits.0 <= bits.1, bits.0 <= bits.2 { return (candidates.0, bits.0) }
        return bits.1 <= bits.2 ? (candidates.1, bits.1) : (candidates.2, bits.2)
    }

    static func write(_ values: [Int64], to writer: inout BitWriter) {
        guard !values.isEmpty else { return }
        var chosen = (order: 0, parameter: 0, bits: Int.max)
        for order in 0...min(2, values.count - 1) {
            let found = best(values, order: order)
            // A value that is written whole takes about 40 bits.
            if found.bits + order * 40 < chosen.bits { chosen = (order, found.parameter, found.bits + order * 40) }
        }
        guard chosen.bits < values.count * 64 else {
            writer.byte(rawTag)
            for value in values { writer.write(UInt64(bitPattern: value), bits: 64) }
            writer.align()
            return
        }
        writer.byte(UInt8(chosen.order << 6 | chosen.parameter))
        for value in values.prefix(chosen.order) { writer.signed(value) }
        for index in chosen.order..<values.count {
            let residual = residual(values, index, order: chosen.order)
            let quotient = residual >> UInt64(chosen.parameter)
            if quotient < UInt64(escape) {
                writer.write(1 << (quotient + 1) - 2, bits: Int(quotient) + 1)
                writer.write(residual, bits: chosen.parameter)
            } else {
                writer.write(1 << UInt64(escape) - 1, bits: escape)
                writer.write(residual, bits: 64)
            }
        }
        writer.align()
    }

    static func read(_ reader: inout BitReader, count: Int) throws(BlockDamage) -> [Int64] {
        guard count > 0 else { return [] }
        let tag = try reader.byte()
        var values: [Int64] = []
        if tag == rawTag {
            guard reader.remaining >= count * 8 else { throw BlockDamage("the block ends within its values") }
            for _ in 0..<count { values.append(Int64(bitPattern: try reader.read(bits: 64))) }
            return values
        }
        let (order, parameter) = (Int(tag >> 6), Int(tag & 0x3F))
        guard order <= 2, order < count || order == 0 else { throw BlockDamage("the block's values are of an unknown kind") }
        guard reader.remaining * 8 >= count - order else { throw BlockDamage("the block announces more values than it has bits") }
        values.reserveCapacity(count)
        for _ in 0..<order { values.append(try reader.signed()) }
        while values.count < count {
            let residual = unzigzag(try readRice(&reader, parameter: parameter))
            let index = values.count
            switch order {
            case 0: values.append(residual)
            case 1: values.append(values[index - 1] &+ residual)
            default: values.append((2 &* values[index - 1] &- values[index - 2]) &+ residual)
            }
        }
        reader.align()
        return values
    }

    private static func readRice(_ reader: inout BitReader, parameter: Int) throws(BlockDamage) -> UInt64 {
        var quotient = 0
        while try reader.read(bits: 1) == 1 {
            quotient += 1
            if quotient == escape { return try reader.read(bits: 64) }
        }
        return UInt64(quotient) << UInt64(parameter) | (try reader.read(bits: parameter))
    }

    // MARK: Text

    static func write(texts: [String], to writer: inout BitWriter) {
        guard !texts.isEmpty else { return }
        var distinct: [String] = []
        let indices = texts.map { text -> Int64 in
            if let index = distinct.lastIndex(of: text) { return Int64(index) }
            distinct.append(text)
            return Int64(distinct.count - 1)
        }
        writer.varint(UInt64(distinct.count))
        for text in distinct {
            writer.varint(UInt64(text.utf8.count))
            writer.append(text.utf8)
        }
        write(indices, to: &writer)
    }

    static func readTexts(_ reader: inout BitReader, count: Int) throws(BlockDamage) -> [String] {
        guard count > 0 else { return [] }
        var distinct: [String] = []
        for _ in 0..<(try reader.count(count)) {
            let length = try reader.count(SampleRecord.textCapacity * 3)
            distinct.append(String(decoding: try reader.take(length), as: UTF8.self))
        }
        let indices = try read(&reader, count: count)
        var texts: [String] = []
        for index in indices {
            guard let position = Int(exactly: index), distinct.indices.contains(position) else {
                throw BlockDamage("the block points to a text that it does not have")
            }
            texts.append(distinct[position])
        }
        return texts
    }
}
