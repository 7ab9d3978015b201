import DeviceModel
import Foundation
import TestSupport
import Testing

@testable import SampleJournal

/// A history is what a plain decoding of everything comes to, whatever befell the journal.
@Suite struct StreamHistoryTests {
    private static let second = RandomJournal.second
    private static let utc = RandomJournal.utc

    private let folder: TemporaryFolder
    private var directory: String { "\(folder.path)/journal" }

    init() throws { folder = try TemporaryFolder() }

    private func numbers(_ reader: JournalReader) throws -> [JournalStream] {
        try reader.streams().filter { $0.descriptor.form != .text }
    }

    /// What differs between the columns and the plain history, in words.
    private func differences(
        _ reader: JournalReader, _ range: Range<Int64>, columns: Int, sessions: Set<Int64>? = nil,
        missing: Set<String> = ["missing"]
    ) throws -> [String] {
        let streams = try numbers(reader)
        let found = try StreamHistory(reader).columns(
            of: streams.map(\.id), from: range.lowerBound, to: range.upperBound, count: columns, sessions: sessions)
        var differences: [String] = []
        for (stream, history) in zip(streams, found) {
            let name = stream.descriptor.metric
            let plain = try PlainHistory(reader, stream, range, columns: columns, sessions: sessions)
            if history.count != plain.count { differences.append("\(name): counts") }
            if (0..<columns).map({ Double(history.lowNumber($0).text) }) != plain.low {
                differences.append("\(name): low")
            }
            if (0..<columns).map({ Double(history.highNumber($0).text) }) != plain.high {
                differences.append("\(name): high")
            }
            let told = history.gaps.map {
                "\($0.from) \($0.to) \(missing.contains($0.cause.word) ? "missing" : $0.cause.word)"
            }
            let expected = plain.gaps.map { "\($0.from) \($0.to) \($0.word)" }
            if told != expected {
                let first = zip(told, expected).first { $0 != $1 }
                differences.append("\(name): \(told.count) gaps of \(expected.count), \(first ?? ("", ""))")
            }
        }
        return differences
    }

    private func whole(_ reader: JournalReader) throws -> Range<Int64> {
        let chunks = try reader.chunks(after: 0, limit: .max)
        return (Self.utc - 20 * Self.second)..<(Self.utc + 2000 * Self.second + Int64(chunks.count % 7))
    }

    @Test(arguments: UInt64(1)...4) func itIsWhatPlainDecodingComesTo(seed: UInt64) throws {
        var journal = try RandomJournal(directory, seed: seed)
        var random = SeededGenerator(seed: seed + 100)
        for turn in 0..<3 {
            let reader = try JournalReader(directory: directory)
            let all = try whole(reader)
            #expect(try differences(reader, all, columns: [1, 37, 1000][turn]) == [])
            // Some part, to the nanosecond.
            let from = Int64.random(in: all, using: &random)
            let part = from..<Int64.random(in: (from + 4000)..<(all.upperBound + 5000), using: &random)
            #expect(try differences(reader, part, columns: Int.random(in: 1...4000, using: &random)) == [])
            let some = Set(try reader.sessions().map(\.id).filter { _ in Bool.random(using: &random) })
            #expect(try differences(reader, all, columns: 100, sessions: some) == [])
            try journal.lose(2)
        }
        let files = try FileManager.default.contentsOfDirectory(atPath: directory)
        #expect(files.count { $0.hasPrefix("samples-") && $0.hasSuffix(".sqlite") } > 1, "no file rotated")
        let packed = try JournalReader(directory: directory).chunks(after: 0, limit: .max).map(\.content)
        #expect(Set(packed).count == 3, "packed and unpacked chunks")
    }

    /// The comparison above finds a wrong minimum, a joined gap and a sample without a value that counts.
    @Test func aWrongHistoryIsFound() throws {
        _ = try RandomJournal(directory, seed: 1)
        let reader = try JournalReader(directory: directory)
        let range = try whole(reader)
        // Of other sessions than the plain history: everything differs.
        let streams = try numbers(reader)
        let wave = streams[0]
        let plain = try PlainHistory(reader, wave, range, columns: 200)
        let other = try StreamHistory(reader).columns(
            of: [wave.id], from: range.lowerBound, to: range.upperBound, count: 200, sessions: [1])[0]
        #expect(other.count != plain.count)
        #expect(other.gaps.map(\.from) != plain.gaps.map(\.from))
        #expect((0..<200).map { Double(other.lowNumber($0).text) } != plain.low)
        // All causes come to pass in these journals.
        let words = Set(
            try streams.flatMap { stream in
                try reader.gaps(of: stream.id, from: range.lowerBound, to: range.upperBound).map(\.cause.word)
            })
        #expect(
            words.isSuperset(of: ["none", "hostDown", "clockStep", "silent", "sentinel", "disconnected"]), "\(words)")
    }

    @Test(arguments: UInt64(1)...2) func damagedBlocksAreLeftOutAndTold(seed: UInt64) throws {
        var journal = try RandomJournal(directory, seed: seed)
        try journal.damage(8)
        let reader = try JournalReader(directory: directory)
        let range = try whole(reader)
        #expect(try differences(reader, range, columns: 300, missing: ["missing", "damaged"]) == [])
        let streams = try numbers(reader)
        let columns = try StreamHistory(reader).columns(
            of: streams.map(\.id), from: range.lowerBound, to: range.upperBound, count: 4000)
        #expect(columns.contains { $0.damagedBlocks > 0 })
        #expect(columns.contains { $0.gaps.contains { $0.cause == .damaged || $0.cause == .several } })
    }

    /// The gaps that are found without decoding values are those of the columns, where none are put together.
    @Test func gapsAreFoundWithoutValues() throws {
        var journal = try RandomJournal(directory, seed: 3)
        try journal.lose(3)
        let reader = try JournalReader(directory: directory)
        let range = try whole(reader)
        for stream in try numbers(reader) where !stream.descriptor.metric.hasSuffix("le") {
            let plain = try PlainHistory(reader, stream, range, columns: 4000)
            let gaps = try reader.gaps(of: stream.id, from: range.lowerBound, to: range.upperBound)
            #expect(gaps.count >= plain.gaps.count)
            for gap in plain.gaps where gap.word != "several" {
                #expect(
                    gaps.contains { $0.from == gap.from && $0.cause.word == gap.word },
                    "\(stream.descriptor.metric) \(gap)")
            }
            #expect(
                try reader.gaps(of: stream.id, from: range.lowerBound, to: range.upperBound, limit: 2)
                    == Array(gaps.prefix(2)))
        }
    }

    /// Commits that are packed while they are read are met once.
    @Test func packingMeanwhileChangesNothing() throws {
        let now = 400 * Self.second
        let writer = try JournalWriter(directory: directory, bootID: "b", now: 0, utc: Self.utc)
        let places = try writer.register([
            RandomJournal.stream("wave", isWaveform: true, milliseconds: 10), RandomJournal.stream("number"),
        ])
        for step in Int64(0)..<1600 {
            for place in 0..<25 {
                writer.append(
                    SampleRecord(
                        kind: .sample, index: 0, monotonicNanoseconds: (step * 25 + Int64(place)) * 10_000_000,
                        bits: step * Int64(place)), stream: places[0])
            }
            if step % 4 == 0 {
                writer.append(
                    SampleRecord(kind: .sample, index: 0, monotonicNanoseconds: step * Self.second / 4, bits: step),
                    stream: places[1])
            }
            try writer.commit(
                now: (step + 1) * Self.second / 4, utc: Self.utc + (step + 1) * Self.second / 4, quality: .synchronised)
        }
        let reader = try JournalReader(directory: directory)
        func history(_ progress: (Double) -> Void = { _ in }) throws -> [StreamColumns] {
            try StreamHistory(reader).columns(
                of: [1, 2], from: Self.utc, to: Self.utc + now, count: 777, progress: progress)
        }
        let before = try history()
        #expect(before[0].count.reduce(0, +) == 40_000 && before[1].count.reduce(0, +) == 400)
        var told: [Double] = []
        let during = try history {
            told.append($0)
            // Half of what is read is packed over the place that is read.
            if told.count > 1 { _ = try? writer.samples.pack() }
        }
        #expect(during == before)
        while try writer.samples.pack() {}
        let after = try reader.chunks(after: 0, limit: .max)
        #expect(after.contains { $0.content == .waveforms } && after.count < 600)
        #expect(try history() == before)
        #expect(told == told.sorted() && told.count > 5 && told.last == 1)
    }

    @Test func whoIsNotInterestedAnyMoreEndsIt() throws {
        _ = try RandomJournal(directory, seed: 1)
        let reader = try JournalReader(directory: directory)
        var asked = 0
        #expect(throws: CancellationError.self) {
            try StreamHistory(reader).columns(
                of: [1], from: Self.utc, to: Self.utc + 1000 * Self.second, count: 10,
                isCancelled: {
                    asked += 1
                    return asked > 2
                })
        }
        #expect(asked == 3)
    }

    @Test func whatCannotBeAskedIsRefused() throws {
        _ = try RandomJournal(directory, seed: 1, sessions: 1, seconds: 10)
        let history = StreamHistory(try JournalReader(directory: directory))
        let text = Int64(RandomJournal.streams.count)
        for (streams, from, to, count, error) in [
            ([1], 5, 5000, 0, HistoryError.columnsOutOfRange), ([1], 5, 50000, 4001, .columnsOutOfRange),
            ([1], 5, 5, 1, .noTime), ([1], -1, 5, 1, .noTime), ([1], 5, 9, 5, .noTime), ([1], 0, .max, 1, .noTime),
            ([], 0, 5, 1, .tooManyStreams), ([1, 1], 0, 5, 1, .tooManyStreams),
            (Array(1...65), 0, 5, 1, .tooManyStreams), ([99], 0, 5, 1, .noSuchStream(99)),
            ([text], 0, 5, 1, .isText(text)),
        ] as [([Int64], Int64, Int64, Int, HistoryError)] {
            #expect(throws: error) { try history.columns(of: streams, from: from, to: to, count: count) }
            #expect(!error.description.isEmpty)
        }
    }

    /// Every other sample without a value: as many gaps as samples would be without end.
    @Test func gapsAreFewHoweverManyThereAre() throws {
        let writer = try JournalWriter(directory: directory, bootID: "b", now: 0, utc: Self.utc)
        let place = try writer.register([RandomJournal.stream("wave", isWaveform: true, milliseconds: 4)])[0]
        for index in Int64(0)..<100_000 {
            writer.append(
                SampleRecord(
                    kind: .sample, index: 0, monotonicNanoseconds: index * 4_000_000, bits: index,
                    validity: index % 2 == 0 ? .valid : .invalid, reason: index % 4 == 1 ? .sentinel : .none),
                stream: place)
        }
        try writer.commit(now: 400 * Self.second, utc: Self.utc + 400 * Self.second, quality: .synchronised)
        let reader = try JournalReader(directory: directory)
        let columns = try StreamHistory(reader).columns(
            of: [1], from: Self.utc, to: Self.utc + 400 * Self.second, count: 100)[0]
        #expect(columns.count.reduce(0, +) == 50_000)
        #expect(columns.gaps.count <= 264 && columns.gaps.count >= 100)
        #expect(try reader.gaps(of: 1, from: Self.utc, to: Self.utc + 400 * Self.second).count == 10_000)
    }
}
