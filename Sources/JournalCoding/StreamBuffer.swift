package import DeviceModel

/// Samples of one stream that wait for the next commit.
package struct StreamBuffer {
    package let stream: Int64
    package let descriptor: StreamDescriptor
    private let isWaveform: Bool
    private let isText: Bool
    package private(set) var nextSequence: Int64
    /// What the codes of the next block may go on from.
    package var coding: ValueCoding.State?
    private var firstSequence: Int64
    private var times: [Int64] = []
    private var bits: [Int64] = []
    private var texts: [String] = []
    private var judgements: [SampleBlock.Judgement] = []
    /// The judgement that goes on, not yet among the others; its count is 0 before the first sample.
    private var current = SampleBlock.Judgement(validity: .valid, reason: .none, count: 0)
    /// Blocks closed before the commit because the waveform's time jumped.
    private var closed: [SampleBlock] = []
    /// When the next sample of a waveform is expected. Unit: ns; `nil` before the first.
    private var expected: Int64?
    private var runStart: Int64 = 0
    /// Samples of the block before.
    private var lastCount: Int64 = 0
    /// The sum of the distances between arrivals and the places given to them, since the block began. Unit: ns.
    private var drift: Int64 = 0

    package init(stream: Int64, descriptor: StreamDescriptor, nextSequence: Int64) {
        self.stream = stream
        self.descriptor = descriptor
        isWaveform = descriptor.isWaveform
        isText = descriptor.form == .text
        self.nextSequence = nextSequence
        firstSequence = nextSequence
    }

    package var isEmpty: Bool { bits.isEmpty && closed.isEmpty }

    package mutating func append(_ record: SampleRecord) {
        if isWaveform {
            place(record.monotonicNanoseconds)
        } else {
            times.append(record.monotonicNanoseconds / 1000 * 1000)
        }
        let keeps = SampleBlock.keepsValue(record.validity, record.reason)
        bits.append(keeps && !isText ? record.bits : 0)
        if isText { texts.append(keeps ? record.textValue : "") }
        if current.validity != record.validity || current.reason != record.reason {
            if current.count > 0 { judgements.append(current) }
            current = SampleBlock.Judgement(validity: record.validity, reason: record.reason, count: 0)
        }
        current.count += 1
        nextSequence += 1
        if bits.count == SampleBlock.countLimit { close() }
    }

    /// Times a waveform's sample by the device's own period; the time of arrival only steers it. Bytes arrive in
    /// bursts, the samples were not taken in bursts. A sample that arrives far from where it was expected begins a new
    /// run.
    private mutating func place(_ arrival: Int64) {
        let period = descriptor.periodNanoseconds
        let tolerance = max(8 * period, 250_000_000)
        guard let expected, abs(arrival - expected) <= tolerance else {
            if !bits.isEmpty { close() }
            runStart = arrival
            drift = 0
            expected = arrival + period
            return
        }
        if bits.isEmpty {
            // Between blocks the clock is drawn towards the arrivals, by an eighth of their mean distance and of a
            // period at most.
            runStart = expected + max(-period / 8, min(period / 8, drift / max(1, lastCount) / 8))
            drift = 0
            self.expected = runStart + period
        } else {
            self.expected = expected + period
        }
        drift += arrival - expected
    }

    private mutating func close() {
        guard !bits.isEmpty else { return }
        judgements.append(current)
        current.count = 0
        lastCount = Int64(bits.count)
        closed.append(
            SampleBlock(
                stream: stream, firstSequence: firstSequence,
                timing: isWaveform
                    ? .periodic(first: runStart, period: descriptor.periodNanoseconds) : .explicit(times), bits: bits,
                texts: texts,
                judgements: judgements))
        firstSequence = nextSequence
        // The block has the arrays now; the next ones will be about as long.
        let usual = bits.count
        (times, bits, texts, judgements) = ([], [], [], [])
        bits.reserveCapacity(usual)
        if !isWaveform { times.reserveCapacity(usual) }
    }

    /// The blocks of all that waits; the buffer is empty afterwards.
    package mutating func take() -> [SampleBlock] {
        close()
        defer { closed.removeAll(keepingCapacity: true) }
        return closed
    }
}
