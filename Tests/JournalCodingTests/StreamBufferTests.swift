import DeviceModel
import TestSupport
import Testing

@testable import JournalCoding

/// When the samples of a curve were taken, as far as their arrivals tell.
@Suite struct StreamBufferTests {
    private static let second: Int64 = 1_000_000_000

    private func buffer(period: Int64) -> StreamBuffer {
        StreamBuffer(
            stream: 1,
            descriptor: StreamDescriptor(
                device: "monitor", vmd: nil, metric: "MDC_PULS_OXIM_PLETH", code: nil, unit: "1",
                form: .integer(DecimalScale(multiplier: 1, exponent: 0)), isWaveform: true, periodNanoseconds: period,
                profile: "bench/monitor"),
            nextSequence: 0)
    }

    /// The times of all samples of a device whose messages carry so many, committed every 250 ms of arrivals.
    private func times(
        of count: Int, period: Int64, messages: Int, committing: Bool = true, delay: (Int) -> Int64 = { _ in 0 }
    ) -> [(time: Int64, arrival: Int64)] {
        var buffer = buffer(period: period)
        var arrivals: [Int64] = []
        var blocks: [SampleBlock] = []
        var nextCommit: Int64 = 0
        for message in 0..<messages {
            let arrival = 100 * Self.second + Int64((message + 1) * count) * period + delay(message)
            while committing, arrival >= nextCommit {
                blocks += buffer.take()
                nextCommit = max(nextCommit, arrival - 250_000_000) + 250_000_000
            }
            for _ in 0..<count {
                buffer.append(SampleRecord(kind: .sample, index: 0, monotonicNanoseconds: arrival, bits: 1))
                arrivals.append(arrival)
            }
        }
        blocks += buffer.take()
        return zip(blocks.flatMap(\.times), arrivals).map { (time: $0, arrival: $1) }
    }

    @Test(arguments: [(1, 13_333_333), (4, 4_000_000), (50, 20_000_000), (200, 5_000_000)] as [(Int, Int64)])
    func samplesOfAMessageFollowOneAnother(count: Int, period: Int64) {
        let times = times(of: count, period: period, messages: 120)
        #expect(times.count == 120 * count)
        for (one, next) in zip(times, times.dropFirst()) {
            #expect((period * 3 / 4...period * 5 / 4).contains(next.time - one.time), "\(one) \(next)")
        }
    }

    @Test(arguments: [(1, 13_333_333), (4, 4_000_000), (50, 20_000_000), (200, 5_000_000)] as [(Int, Int64)])
    func theLastOfAMessageIsOfItsArrival(count: Int, period: Int64) {
        let times = times(of: count, period: period, messages: 120) { Int64($0 % 3) * 5_000_000 }
        for last in stride(from: count - 1, to: times.count, by: count) {
            #expect(abs(times[last].time - times[last].arrival) < 16_000_000, "\(last)")
        }
    }

    @Test func aDeviceThatWasAwayBeginsARunOfItsOwn() {
        let times = times(of: 50, period: 20_000_000, messages: 20) { $0 < 10 ? 0 : 3 * Self.second }
        let steps = zip(times, times.dropFirst()).map { $1.time - $0.time }
        #expect(steps.count { $0 > 30_000_000 } == 1)
        #expect(steps.allSatisfy { $0 > 0 })
        #expect(abs(times[999].time - times[999].arrival) < 5_000_000)
    }

    /// Of the message too with which a run begins: its last sample is of its arrival, wherever commits fall.
    @Test(arguments: [[20], [0], [48], [10, 30], [5, 6, 7]]) func aCommitWithinAFirstMessageChangesNoTime(at: [Int]) {
        var (whole, cut) = (buffer(period: 20_000_000), buffer(period: 20_000_000))
        var parts: [SampleBlock] = []
        // Twice a run begins: at first, and after the device was away.
        for arrival in [10 * Self.second, 11 * Self.second, 40 * Self.second, 41 * Self.second] {
            for sample in 0..<50 {
                let record = SampleRecord(kind: .sample, index: 0, monotonicNanoseconds: arrival, bits: 1)
                whole.append(record)
                cut.append(record)
                // One commit within each message: two fall into one only where it takes as long to come.
                if sample == at[Int(arrival / Self.second) % at.count] { parts += cut.take() }
            }
        }
        parts += cut.take(isLast: true)
        let times = (whole: whole.take(isLast: true).flatMap(\.times), cut: parts.flatMap(\.times))
        #expect(times.whole.count == 200 && times.cut.count == 200)
        for (one, other) in zip(times.whole, times.cut) { #expect(abs(one - other) < 10_000_000) }
        for (one, next) in zip(times.cut, times.cut.dropFirst()) { #expect(one < next) }
        for (message, arrival) in [10, 11, 40, 41].enumerated() {
            #expect(abs(times.cut[message * 50 + 49] - Int64(arrival) * Self.second) < 10_000_000)
        }
    }

    /// What is held back waits for one commit, has its numbers, and is there at the end.
    @Test func aFirstMessageWaitsForOneCommitAtMost() {
        var buffer = buffer(period: 20_000_000)
        for bits in 0..<3 {
            buffer.append(SampleRecord(kind: .sample, index: 0, monotonicNanoseconds: Self.second, bits: Int64(bits)))
        }
        #expect(buffer.take().isEmpty && !buffer.isEmpty)
        #expect(buffer.firstWaiting == 0 && buffer.nextSequence == 3)
        #expect(buffer.take().map(\.bits) == [[0, 1, 2]])
        #expect(buffer.isEmpty && buffer.firstWaiting == 3)
        buffer.append(SampleRecord(kind: .sample, index: 0, monotonicNanoseconds: 90 * Self.second, bits: 9))
        #expect(buffer.take(isLast: true).map(\.bits) == [[9]])
    }

    @Test func aCommitWithinAMessageChangesNoTime() {
        var (whole, cut) = (buffer(period: 20_000_000), buffer(period: 20_000_000))
        var parts: [SampleBlock] = []
        for message in 1...4 {
            for sample in 0..<50 {
                let record = SampleRecord(
                    kind: .sample, index: 0, monotonicNanoseconds: Int64(message) * Self.second, bits: 1)
                whole.append(record)
                cut.append(record)
                if message > 1, sample == 20 { parts += cut.take() }
            }
        }
        parts += cut.take()
        let times = (whole: whole.take().flatMap(\.times), cut: parts.flatMap(\.times))
        for (one, other) in zip(times.whole, times.cut) { #expect(abs(one - other) < 10_000_000) }
        #expect(times.whole.count == times.cut.count)
    }
}
