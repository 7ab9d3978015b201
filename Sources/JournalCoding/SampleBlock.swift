package import DeviceModel

/// Samples of one stream that follow each other without a hole, as the journal keeps them.
///
/// Wire form, version 3: version, stream, first sequence number, count; the times; runs of equal validity and reason;
/// the values as ``ValueCoding`` writes them; and a CRC-32C over all of it. Every bit comes back.
package struct SampleBlock: Sendable, Equatable {
    /// When the samples were taken.
    package enum Timing: Sendable, Equatable {
        /// One period apart, from the first on. Unit: ns.
        case periodic(first: Int64, period: Int64)
        /// Each by itself, to the microsecond. Unit: ns.
        case explicit([Int64])
        /// Stretches of samples that are one period apart. Unit: ns.
        case runs([Run], period: Int64)
    }

    /// A stretch of samples that are one period apart. Unit of `first`: ns.
    package struct Run: Sendable, Equatable {
        package let count: Int
        package let first: Int64

        package init(count: Int, first: Int64) { (self.count, self.first) = (count, first) }
    }

    /// The most samples of one block. At 1 kHz a block of a packed minute holds 60,000.
    package static let countLimit = 1 << 17

    /// All but the values.
    package let frame: BlockFrame
    package var stream: Int64 { frame.stream }
    package var firstSequence: Int64 { frame.firstSequence }
    package var timing: Timing { frame.timing }
    /// How far the samples may be relied on, in order; neighbours differ.
    package var judgements: [Judgement] { frame.judgements }
    package var count: Int { frame.count }
    /// One value for each sample; 0 where there is none.
    package let bits: [Int64]
    /// One text for each sample of a text stream; empty for numbers.
    package let texts: [String]

    /// Samples in a row that may be relied on alike.
    package struct Judgement: Sendable, Equatable {
        package let validity: Validity
        package let reason: Reason
        package internal(set) var count: Int

        /// Whether the journal keeps the raw values: what counts, and what was judged implausible.
        var keepsValue: Bool { SampleBlock.keepsValue(validity, reason) }

        package init(validity: Validity, reason: Reason, count: Int) {
            (self.validity, self.reason) = (validity, reason)
            self.count = count
        }
    }

    package init(
        stream: Int64, firstSequence: Int64, timing: Timing, bits: [Int64], texts: [String], judgements: [Judgement]
    ) {
        self.init(
            frame: BlockFrame(
                stream: stream, firstSequence: firstSequence, count: bits.count, timing: timing,
                judgements: judgements),
            bits: bits, texts: texts
        )
    }

    package init(frame: BlockFrame, bits: [Int64], texts: [String]) {
        self.frame = frame
        self.bits = bits
        self.texts = texts
    }

    /// The judgement of each sample.
    package var expandedJudgements: [Judgement] { judgements.flatMap { repeatElement($0, count: $0.count) } }

    /// The judgement of sample `index`.
    package func judgement(_ index: Int) -> Judgement {
        var left = index
        for judgement in judgements {
            if left < judgement.count { return judgement }
            left -= judgement.count
        }
        preconditionFailure("a sample of the block")
    }

    /// When sample `index` was taken. Unit: ns of the monotonic clock.
    package func time(_ index: Int) -> Int64 { frame.time(index) }

    /// When the last sample was taken; `nil` of a block without samples. Unit: ns.
    package var lastTime: Int64? { count > 0 ? time(count - 1) : nil }

    /// The times of all samples. Unit: ns.
    package var times: [Int64] { frame.times }

    package static func keepsValue(_ validity: Validity, _ reason: Reason) -> Bool {
        validity.carriesValue || reason == .implausible
    }
}

extension SampleBlock {
    // MARK: Writing

    /// The block's bytes with their checksum. Times are counted from `base`. Unit: ns.
    package func encoded(base: Int64) -> [UInt8] {
        var state: ValueCoding.State?
        return encoded(base: base, state: &state)
    }

    /// The same, with values that go on from the stream's block before where they can, and the state to go on from with
    /// the next.
    package func encoded(base: Int64, state: inout ValueCoding.State?) -> [UInt8] {
        frame.encoded(base: base, capacity: 32 + 3 * count) { writer in
            if texts.isEmpty {
                state = ValueCoding.write(kept(bits), after: state, to: &writer)
            } else {
                ValueCoding.write(texts: kept(texts), to: &writer)
            }
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

    /// Reads a block with its checksum. `isText` tells whether its stream is one of text.
    package init(_ bytes: ArraySlice<UInt8>, base: Int64, isText: (Int64) -> Bool) throws(BlockDamage) {
        try self.init(unchecked: try BlockFrame.checked(bytes), base: base, isText: isText)
    }

    /// Reads a block whose checksum is already known to match; the second entry point for fuzzing.
    package init(unchecked body: ArraySlice<UInt8>, base: Int64, isText: (Int64) -> Bool) throws(BlockDamage) {
        var reader = BitReader(body)
        let frame = try BlockFrame(&reader, base: base)
        try self.init(frame: frame, values: body.suffix(reader.remaining), isText: isText(frame.stream))
    }

    /// Reads the values behind a frame.
    package init(frame: BlockFrame, values: ArraySlice<UInt8>, isText: Bool) throws(BlockDamage) {
        var reader = BitReader(values)
        var bits = [Int64](repeating: 0, count: isText ? frame.count : 0)
        var texts: [String] = []
        if isText {
            let kept = try ValueCoding.readTexts(&reader, count: frame.kept, longest: SampleRecord.textCapacity * 3)
            texts = Self.spread(kept, over: frame.judgements, count: frame.count, blank: "")
        } else {
            bits = Self.spread(
                try ValueCoding.read(&reader, count: frame.kept), over: frame.judgements, count: frame.count, blank: 0)
        }
        guard reader.remaining == 0 else { throw BlockDamage("the block has bytes after its values") }
        self.init(frame: frame, bits: bits, texts: texts)
    }

    /// Puts kept elements where they belong, and blanks between them.
    private static func spread<Element>(_ kept: [Element], over judgements: [Judgement], count: Int, blank: Element)
        -> [Element]
    {
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
}
