import DeviceModel
import TestSupport
import Testing

@testable import JournalCoding

/// What waits in one queue for many streams reaches each in the order in which it came.
@Suite struct StreamQueueTests {
    private static let streams = 37

    private func buffer(_ stream: Int) -> StreamBuffer {
        let form: ValueForm = stream % 5 == 0 ? .text : .integer(DecimalScale(multiplier: 1, exponent: 0))
        let descriptor = StreamDescriptor(
            device: "pump", vmd: nil, metric: "metric-\(stream)", code: nil, unit: "1", form: form,
            isWaveform: stream % 7 == 3, periodNanoseconds: 4_000_000, profile: "bench/pump")
        return StreamBuffer(stream: Int64(stream), descriptor: descriptor, nextSequence: Int64(stream) * 10)
    }

    private func buffers() -> [StreamBuffer] { (0..<Self.streams).map(buffer) }

    private func sample(_ number: Int, _ dice: inout SeededGenerator) -> SampleRecord {
        let isValid = dice.next() % 4 > 0
        var record = SampleRecord(
            kind: .sample, index: 0, monotonicNanoseconds: 5_000_000_000 + Int64(number) * 1_000_000,
            bits: Int64(number), validity: isValid ? .valid : .invalid, reason: isValid ? .none : .sentinel)
        _ = record.setText("\(number)".utf8)
        return record
    }

    @Test(arguments: [0, 1, 500, StreamQueue.capacity - 1, StreamQueue.capacity, 3 * StreamQueue.capacity + 17])
    func eachStreamHasItsSamplesInTheirOrder(count: Int) {
        var dice = SeededGenerator(seed: UInt64(count) + 1)
        var (through, direct, queue) = (buffers(), buffers(), StreamQueue())
        for number in 0..<count {
            // Some streams say much, one never anything.
            let stream = Int(min(dice.next() % 36, dice.next() % 36))
            let record = sample(number, &dice)
            queue.add(record, stream: stream, to: &through)
            direct[stream].append(record)
        }
        queue.give(to: &through)
        let taken = through.map { $0.nextSequence - $0.stream * 10 }
        #expect(taken.reduce(0, +) == Int64(count))
        for stream in 0..<Self.streams {
            #expect(through[stream].take(isLast: true) == direct[stream].take(isLast: true), "stream \(stream)")
        }
    }

    @Test func aBufferThatCameLaterIsServed() {
        var (some, queue, dice) = (Array(buffers().prefix(2)), StreamQueue(), SeededGenerator(seed: 1))
        queue.add(sample(1, &dice), stream: 1, to: &some)
        some.append(buffers()[2])
        queue.add(sample(2, &dice), stream: 2, to: &some)
        queue.give(to: &some)
        #expect(some.map { $0.nextSequence - $0.stream * 10 } == [0, 1, 1])
    }
}
