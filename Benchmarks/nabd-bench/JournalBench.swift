import DeviceModel
import Foundation
import RealTime
import SampleJournal

/// Eight beds, each twelve numerics at 1 Hz, three waveforms at 250 Hz and one at 125 Hz, written as fast as the
/// journal takes them.
enum JournalBench {
    /// - Parameters:
    ///   - sizes: where the sizes of every commit's payload go, so that the floor appends the same.
    ///   - recording: a file of unsigned 16-bit samples that all waveforms play, each from a place of its own; `nil`
    ///     for random walks.
    static func run(directory: String, sizes: String, seconds: Int64, commitMilliseconds: Int64, recording: String?)
        throws
    {
        let written = try write(directory, sizes, seconds, commitMilliseconds, recording)
        // A second session packs what the first left: the file is as a running unit's is.
        let last = try JournalWriter(directory: directory, bootID: "bench", now: seconds * 1_000_000_000, utc: 0)
        for step in 0..<8 {
            let now = (seconds + 60 * Int64(step + 1)) * 1_000_000_000
            try last.commit(now: now, utc: 0, quality: .unknown, heartbeat: true)
            try last.tidy(now: now)
        }
        try last.finish(now: (seconds + 600) * 1_000_000_000, utc: 0, quality: .unknown)
        let stored = try JournalReader(directory: directory).statistics()
        print("{\(written), \"payloadBytes\": \(stored.payloadBytes), \"fileBytes\": \(stored.fileBytes)}")
    }

    private static func write(
        _ directory: String, _ sizes: String, _ seconds: Int64, _ commitMilliseconds: Int64, _ recording: String?
    ) throws -> String {
        let writer = try JournalWriter(directory: directory, bootID: "bench", now: 0, utc: 0)
        let played = try recording.map(samples)
        var beds = try (0..<8).map { try Bed(number: $0, writer: writer, played: played) }
        let clock = MonotonicClock()
        var latencies: [Double] = []
        var (filling, coding, storing, tidying): (Int64, Int64, Int64, Int64) = (0, 0, 0, 0)
        var lines = ""
        for step in 0..<(seconds * 1000 / commitMilliseconds) {
            let before = writer.committedBytes
            let (from, to) = (step * commitMilliseconds, (step + 1) * commitMilliseconds)
            let made = beds.indices.flatMap { beds[$0].samples(from: from, to: to) }
            let start = clock.now()
            var place = 0
            writer.append {
                guard place < made.count else { return nil }
                defer { place += 1 }
                return (record: made[place].0, stream: made[place].1)
            }
            let filled = clock.now()
            writer.gather(now: to * 1_000_000, utc: to * 1_000_000, quality: .unknown, heartbeat: false)
            let coded = clock.now()
            try writer.commit(now: to * 1_000_000, utc: to * 1_000_000, quality: .unknown)
            let stored = clock.now()
            try writer.tidy(now: to * 1_000_000)
            let done = clock.now()
            latencies.append(Double(stored - coded) / 1e6)
            filling += filled - start
            coding += coded - filled
            storing += stored - coded
            tidying += done - stored
            lines += "\(writer.committedBytes - before)\n"
        }
        let samples = writer.committedSamples
        let committed = writer.committedBytes
        try writer.finish(now: seconds * 1_000_000_000, utc: seconds * 1_000_000_000, quality: .unknown)
        try lines.write(toFile: sizes, atomically: true, encoding: .utf8)
        latencies.sort()
        return
            "\"samples\": \(samples), \"committedBytes\": \(committed), \"fillingSeconds\": \(Double(filling) / 1e9), "
            + "\"codingSeconds\": \(Double(coding) / 1e9), \"storingSeconds\": \(Double(storing) / 1e9), "
            + "\"tidyingSeconds\": \(Double(tidying) / 1e9), "
            + "\"p50Milliseconds\": \(latencies[latencies.count / 2]), \"p99Milliseconds\": "
            + "\(latencies[latencies.count * 99 / 100])"
    }

    private static func samples(_ path: String) throws -> [Int64] {
        let bytes = [UInt8](try Data(contentsOf: URL(fileURLWithPath: path)))
        return stride(from: 0, to: bytes.count - 1, by: 2).map { Int64(bytes[$0]) | Int64(bytes[$0 + 1]) << 8 }
    }
}

/// One bed's signals.
struct Bed {
    private let streams: [(index: Int, period: Int64, isWaveform: Bool)]
    /// The numbers of the streams in the journal, with what they are.
    let described: [(index: Int, descriptor: StreamDescriptor)]
    private let played: [Int64]?
    private var state: UInt64
    private var level: [Int64]
    private var place: [Int]

    /// - Parameter numerics: what the first streams are called, and their units.
    init(number: Int, writer: JournalWriter, played: [Int64]?, numerics: [(metric: String, unit: String)] = []) throws {
        let periods: [(Int64, Bool)] =
            Array(repeating: (1000, false), count: 12) + [(4, true), (4, true), (4, true), (8, true)]
        let descriptors = periods.enumerated().map { index, period in
            StreamDescriptor(
                device: "bed-\(number)", vmd: nil,
                metric: numerics.indices.contains(index) ? numerics[index].metric : "bench-\(index)", code: nil,
                unit: numerics.indices.contains(index) ? numerics[index].unit : "1", form: .integer(.one),
                isWaveform: period.1,
                periodNanoseconds: period.0 * 1_000_000, profile: "bench")
        }
        let indices = try writer.register(descriptors)
        described = Array(zip(indices, descriptors)).map { (index: $0.0, descriptor: $0.1) }
        streams = zip(indices, periods).map { (index: $0, period: $1.0, isWaveform: $1.1) }
        level = [Int64](repeating: 1000, count: streams.count)
        state = UInt64(number) + 1
        self.played = played
        place = streams.indices.map { (number * 16 + $0) * 7919 }
    }

    private mutating func noise(_ width: Int64) -> Int64 {
        state ^= state << 13
        state ^= state >> 7
        state ^= state << 17
        return Int64(state % UInt64(2 * width + 1)) - width
    }

    /// The samples of a time, each with its stream. Unit of the times: ms.
    mutating func samples(from: Int64, to: Int64) -> [(SampleRecord, Int)] {
        var made: [(SampleRecord, Int)] = []
        for (position, stream) in streams.enumerated() {
            var time = (from + stream.period - 1) / stream.period * stream.period
            while time < to {
                if stream.isWaveform, let played {
                    level[position] = played[place[position] % played.count]
                    place[position] += 1
                } else {
                    level[position] += stream.isWaveform ? noise(12) : noise(1)
                }
                made.append(
                    (
                        SampleRecord(
                            kind: .sample, index: 0, monotonicNanoseconds: (time + 1000) * 1_000_000,
                            bits: level[position]), stream.index
                    ))
                time += stream.period
            }
        }
        return made
    }
}
