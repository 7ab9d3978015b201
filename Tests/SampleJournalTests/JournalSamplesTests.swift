import DeviceModel
import Foundation
import TestSupport
import Testing

@testable import SampleJournal

/// Samples come out of a journal in the order in which they were taken, each once.
@Suite struct JournalSamplesTests {
    private static let second: Int64 = 1_000_000_000
    private static let utc: Int64 = 1_700_000_000_000_000_000

    private static func stream(_ metric: String, isWaveform: Bool = false, form: ValueForm = .integer(.one))
        -> StreamDescriptor
    {
        StreamDescriptor(
            device: "monitor", vmd: nil, metric: metric, code: nil, unit: "%", form: form, isWaveform: isWaveform,
            periodNanoseconds: second, profile: "test/test")
    }

    private let folder: TemporaryFolder
    private var directory: String { "\(folder.path)/journal" }

    init() throws { folder = try TemporaryFolder() }

    /// Two numerics by turns, a waveform and a text beside them, for so many seconds.
    private func write(from start: Int64, seconds: Int64) throws {
        let writer = try JournalWriter(directory: directory, bootID: "b", now: start, utc: start + Self.utc)
        let streams = try writer.register([
            Self.stream("A"), Self.stream("B"), Self.stream("W", isWaveform: true), Self.stream("T", form: .text),
        ])
        for index in 0..<seconds {
            let time = start + index * Self.second
            // The second stream's sample comes first in the commit and later in time.
            for (place, offset) in [(1, Self.second / 2), (0, 0), (2, 0), (3, 0)] {
                writer.append(
                    SampleRecord(
                        kind: .sample, index: 0, monotonicNanoseconds: time + offset, bits: index,
                        validity: index % 7 == 3 ? .questionable : .valid), stream: streams[place])
            }
            if index % 10 == 9 {
                try writer.commit(now: time + Self.second, utc: time + Self.second + Self.utc, quality: .synchronised)
            }
        }
        let end = start + seconds * Self.second
        try writer.finish(now: end, utc: end + Self.utc, quality: .synchronised)
    }

    private func story(from: Int64 = .min, to: Int64 = .max) throws -> [String] {
        let reader = try JournalReader(directory: directory)
        let names = try reader.streamsByID().mapValues(\.metric)
        var told: [String] = []
        try JournalSamples(reader).replay(from: from, to: to, { $0.device == "monitor" }) { step in
            switch step {
            case .session: told.append("session")
            case .until(let time): told.append("until \(time)")
            case .sample(let stream, let record):
                told.append(
                    "\(names[stream] ?? "?") \(record.monotonicNanoseconds) \(record.bits) \(record.validity.word)")
            }
        }
        return told
    }

    @Test func theyComeInTheOrderOfTheirTimes() throws {
        try write(from: Self.second, seconds: 30)
        try write(from: 500 * Self.second, seconds: 20)
        let told = try story()
        #expect(told.count { $0 == "session" } == 2)
        let expected = [(1, 30), (500, 20)].flatMap { start, count in
            (0..<Int64(count)).flatMap { index in
                ["A", "B"].enumerated().map { place, name in
                    let time = (Int64(start) + index) * Self.second + Int64(place) * Self.second / 2
                    // A questionable value is kept as it was.
                    return "\(name) \(time) \(index) \(index % 7 == 3 ? "questionable" : "valid")"
                }
            }
        }
        #expect(told.filter { $0.hasPrefix("A") || $0.hasPrefix("B") } == expected)
        #expect(!told.contains { $0.hasPrefix("W") || $0.hasPrefix("T") })
    }

    @Test func nothingComesBeforeATimeThatWasSaidToBeOver() throws {
        try write(from: Self.second, seconds: 40)
        var over = Int64.min
        for line in try story() {
            let parts = line.split(separator: " ")
            guard parts.count > 1, let time = Int64(parts[1]) else { continue }
            if parts[0] == "until" { over = time } else { #expect(time >= over) }
        }
        #expect(over > 0)
    }

    @Test func aTimeIsCutOut() throws {
        try write(from: Self.second, seconds: 40)
        let told = try story(from: Self.utc + 10 * Self.second, to: Self.utc + 12 * Self.second)
        #expect(
            told.filter { $0.hasPrefix("A") || $0.hasPrefix("B") }.map { $0.prefix(13) } == [
                "A 10000000000", "B 10500000000", "A 11000000000", "B 11500000000",
            ])
    }
}
