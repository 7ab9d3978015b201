import DeviceModel
import Foundation
import RealTime
import SampleJournal

/// Histories of a journal of eight beds, each twelve numerics at 1 Hz, three waveforms at 250 Hz and one at 125 Hz: as
/// a screen asks for them, in 1,920 columns, and as an export does.
enum HistoryBench {
    private static let second: Int64 = 1_000_000_000
    private static let columns = 1920
    private static let rounds = 5

    /// Makes the journal where there is none yet, and prints how long each question takes and how much of a core's
    /// time it needs, the medians of five.
    static func run(directory: String, hours: Int64, beds: Int) throws {
        if !FileManager.default.fileExists(atPath: directory) { try make(directory, hours * 3600, beds) }
        let reader = try JournalReader(directory: directory)
        let streams = try reader.streams().filter { $0.descriptor.device == "bed-\(beds / 2)" }
        let waves = streams.filter(\.descriptor.isWaveform).map(\.id)
        let numerics = streams.filter { !$0.descriptor.isWaveform }.map(\.id)
        let end = hours * 3600 * second
        // In the middle: neither the first file nor the last.
        let hour = (from: end / 2, to: min(end, end / 2 + 3600 * second))
        let answers = try [
            ("hourOfAWave", measure(reader, [waves[0]], hour.from, hour.to, (hour.to - hour.from) / second * 250)),
            ("allOfFourWaves", measure(reader, waves, 0, end, hours * 3600 * 875)),
            ("allOfTwelveNumerics", measure(reader, numerics, 0, end, hours * 3600 * 12)),
            ("hourOfOneMetricExported", export(reader, streams, hour.from, hour.to)),
        ]
        let members = answers.map { name, took in
            "\"\(name)Seconds\": \(took.elapsed), \"\(name)CPUSeconds\": \(took.cpu)"
        }
        print("{\(members.joined(separator: ", "))}")
    }

    /// The journal as a running unit leaves it: packed, in as many files. A commit of a minute takes the place of 240;
    /// what is packed is the same.
    private static func make(_ directory: String, _ seconds: Int64, _ beds: Int) throws {
        let writer = try JournalWriter(directory: directory, bootID: "bench", now: 0, utc: 0)
        var all = try (0..<beds).map { try Bed(number: $0, writer: writer, played: nil) }
        for step in Int64(1)...(seconds / 60) {
            let made = all.indices.flatMap { all[$0].samples(from: (step - 1) * 60_000, to: step * 60_000) }
            var place = 0
            writer.append {
                guard place < made.count else { return nil }
                defer { place += 1 }
                return (record: made[place].0, stream: made[place].1)
            }
            let now = step * 60 * second
            try writer.commit(now: now, utc: now, quality: .synchronised)
            try writer.tidy(now: now)
        }
        try writer.finish(now: seconds * second, utc: seconds * second, quality: .synchronised)
    }

    /// Unit: s. A history that has not all samples ends it.
    private static func measure(
        _ reader: JournalReader, _ streams: [Int64], _ from: Int64, _ to: Int64, _ expected: Int64
    ) throws -> (elapsed: Double, cpu: Double) {
        try median {
            var told = 0
            let history = try StreamHistory(reader).columns(
                of: streams, from: from, to: to, count: columns, progress: { _ in told += 1 })
            let values = history.reduce(0) { $0 + $1.count.reduce(0, +) }
            // The beds' samples begin a second behind the clock.
            guard abs(Int64(values) - expected) <= 1000, told > 0 else { throw NSError(domain: "nabd-bench", code: 4) }
        }
    }

    private static func export(_ reader: JournalReader, _ streams: [JournalStream], _ from: Int64, _ to: Int64) throws
        -> (elapsed: Double, cpu: Double)
    {
        guard let numeric = streams.first(where: { !$0.descriptor.isWaveform })?.descriptor else { return (0, 0) }
        return try median {
            var lines = 0
            var cursor = JournalExport.Cursor(after: 0)
            let selection = JournalReader.Selection(
                device: numeric.device, metric: numeric.metric, from: from, to: to)
            try JournalExport(reader).samples(from: &cursor, selection, csv: true) { _ in lines += 1 }
            guard Int64(lines) > (to - from) / second - 10 else { throw NSError(domain: "nabd-bench", code: 5) }
        }
    }

    private static func median(_ body: () throws -> Void) rethrows -> (elapsed: Double, cpu: Double) {
        let clock = MonotonicClock()
        let times = try (0..<rounds).map { _ in
            let (start, used) = (clock.now(), NabdBench.cpuSeconds())
            try body()
            return (elapsed: Double(clock.now() - start) / 1e9, cpu: NabdBench.cpuSeconds() - used)
        }
        return (times.map(\.elapsed).sorted()[rounds / 2], times.map(\.cpu).sorted()[rounds / 2])
    }
}
