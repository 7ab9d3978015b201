package import DeviceModel

/// Samples of one stream that wait for the next commit.
package struct StreamBuffer {
    // What each sample touches comes first: of hundreds of streams, little lies in the cache.
    private var bits: [Int64] = []
    /// When each was taken; none of a waveform, whose times follow from its run. Unit: ns.
    private var times: [Int64] = []
    package private(set) var nextSequence: Int64
    /// The judgement that goes on, not yet among the others; its count is 0 before the first sample.
    private var current = SampleBlock.Judgement(validity: .valid, reason: .none, count: 0)
    private let isWaveform: Bool
    private let isText: Bool
    package let stream: Int64
    package let descriptor: StreamDescriptor
    /// The number of the first sample that waits; ``nextSequence`` where none does.
    package var firstWaiting: Int64 { closed.first?.firstSequence ?? firstSequence }
    /// What the codes of the next block may go on from.
    package var coding: ValueCoding.State?
    private var firstSequence: Int64
    private var texts: [String] = []
    private var judgements: [SampleBlock.Judgement] = []
    /// Blocks closed before the commit because the waveform's time jumped.
    private var closed: [SampleBlock] = []
    /// When the next sample of a waveform is expected. Unit: ns; `nil` before the first.
    private var expected: Int64?
    private var runStart: Int64 = 0
    /// What came last, at one time: a message of a waveform carries one sample, or those of a second.
    private var arrived = Arrival(time: .min, count: 0, beganRun: false)
    /// Whether the message with which the run began was held back by the last commit.
    private var isHeld = false
    /// Arrivals of the block before, and of this one.
    private var lastArrivals: Int64 = 0
    private var arrivals: Int64 = 0
    /// The sum of the distances between arrivals and the places given to their last samples, since the block began.
    /// Unit: ns.
    private var drift: Int64 = 0

    /// Samples that came at one time.
    private struct Arrival {
        let time: Int64
        var count: Int64
        /// Whether the run began with them, and no block was closed since.
        var beganRun: Bool
    }

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
        if arrival == arrived.time, let expected { return placeOfSameMessage(expected, period) }
        let tolerance = max(8 * period, 250_000_000)
        // The first of a message of many samples is as old as the message is long.
        let age = max(0, arrived.count - 1) * period
        defer { arrivals += 1 }
        guard let expected, (-tolerance...(tolerance + age)).contains(arrival - expected) else {
            if !bits.isEmpty { close() }
            runStart = arrival
            (drift, arrivals) = (0, 0)
            expected = arrival + period
            arrived = Arrival(time: arrival, count: 1, beganRun: true)
            return
        }
        arrived = Arrival(time: arrival, count: 1, beganRun: false)
        if bits.isEmpty {
            // Between blocks the clock is drawn towards the arrivals, by an eighth of their mean distance and of a
            // period at most.
            runStart = expected + max(-period / 8, min(period / 8, drift / max(1, lastArrivals) / 8))
            drift = 0
            self.expected = runStart + period
        } else {
            self.expected = expected + period
        }
        drift += arrival - expected
    }

    /// A sample of the message of which the one before it was: taken a period after that one, the last of them when the
    /// message came.
    private mutating func placeOfSameMessage(_ expected: Int64, _ period: Int64) {
        arrived.count += 1
        if arrived.beganRun, !bits.isEmpty {
            runStart -= period
            return
        }
        if bits.isEmpty { (runStart, drift) = (expected, 0) }
        self.expected = expected + period
        drift -= period
    }

    private mutating func close() {
        isHeld = false
        guard !bits.isEmpty else { return }
        judgements.append(current)
        current.count = 0
        (lastArrivals, arrivals) = (arrivals, 0)
        arrived.beganRun = false
        closed.append(
            SampleBlock(
                stream: stream, firstSequence: firstSequence,
                timing: isWaveform
                    ? .periodic(first: runStart, period: descriptor.periodNanoseconds) : .explicit(times),
                bits: bits, texts: texts, judgements: judgements))
        firstSequence = nextSequence
        // The block has the arrays now; the next ones will be about as long.
        let usual = bits.count
        (bits, times, texts, judgements) = ([], [], [], [])
        bits.reserveCapacity(usual)
        if !isWaveform { times.reserveCapacity(usual) }
    }

    /// The blocks of all that waits, but for a message with which a run begins and of which more may come: its samples
    /// are placed back from its last one, and none can be placed once others of them are committed. It waits for the
    /// next commit, and no longer.
    ///
    /// - Parameter isLast: whether no commit follows: then everything.
    package mutating func take(isLast: Bool = false) -> [SampleBlock] {
        if arrived.beganRun, !bits.isEmpty, !isHeld, !isLast { isHeld = true } else { close() }
        defer { closed.removeAll(keepingCapacity: true) }
        return closed
    }
}
