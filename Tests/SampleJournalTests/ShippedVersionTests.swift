import DeviceModel
import Foundation
import TestSupport
import Testing

@testable import SampleJournal

/// Journals that hosts of older versions wrote.
@Suite struct ShippedVersionTests {
    private let folder: TemporaryFolder
    private var directory: String { "\(folder.path)/journal" }

    init() throws { folder = try TemporaryFolder() }

    /// Puts a copy of an older journal in place and returns what its host exported of it.
    private func older(_ version: Int) throws -> [String] {
        let source = Repository.root.appendingPathComponent("Tests/journals/version-\(version)")
        try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: true)
        for file in ["samples-000001.sqlite", "events-000001.sqlite"] {
            try FileManager.default.copyItem(
                atPath: source.appendingPathComponent(file).path, toPath: "\(directory)/\(file)")
        }
        return try String(contentsOf: source.appendingPathComponent("export.jsonl"), encoding: .utf8).split(
            separator: "\n"
        ).map(String.init)
    }

    private func export() throws -> [String] {
        var lines: [String] = []
        let export = try JournalExport(JournalReader(directory: directory))
        var cursor = JournalExport.Cursor(after: 0)
        try export.samples(from: &cursor, csv: false) { lines.append($0) }
        _ = try export.events(after: 0) { lines.append($0) }
        return lines
    }

    private let stream = StreamDescriptor(
        device: "vent", vmd: nil, metric: "MDC_PRESS_AWAY_END_EXP_POS", code: 151_804, unit: "mbar",
        form: .integer(.one), isWaveform: false,
        periodNanoseconds: 1_000_000_000, profile: "draeger/evita-4",
        name: StreamName(
            system: "urn:nabd:metric", category: .measurement, display: "PEEP", arabicDisplay: "الضغط", loinc: nil))

    @Test(arguments: [3]) func aJournalOfAnOlderVersionIsReadAsItsHostReadIt(version: Int) throws {
        let exported = try older(version)
        #expect(exported.count > 50)
        #expect(try export() == exported)
    }

    @Test(arguments: [3]) func aHostGoesOnInAJournalOfAnOlderVersion(version: Int) throws {
        let exported = try older(version)
        let start = Int64(4_000_000_000_000)
        for run in 0..<2 {
            let now = start + Int64(run) * 1_000_000_000
            let writer = try JournalWriter(
                directory: directory, bootID: "boot", now: now, utc: now + 1_795_000_000_000_000_000)
            let id = try writer.register([stream])[0]
            writer.append(
                SampleRecord(
                    kind: .sample, index: 0, monotonicNanoseconds: now, bits: Int64(run + 5), validity: .valid,
                    reason: .none), stream: id)
            try writer.finish(now: now, utc: now + 1_795_000_000_000_000_000, quality: .synchronised)
        }
        let after = try export().filter { !$0.contains("\"event\"") }
        let before = exported.filter { !$0.contains("\"event\"") }
        #expect(after.count == before.count + 2 && Array(after.prefix(before.count)) == before)
        let reader = try JournalReader(directory: directory)
        let streams = try reader.streamsByID().values
        #expect(streams.filter { $0.metric == "NABD_PEEP" }.map(\.name) == [nil])
        #expect(streams.first { $0.metric == "MDC_PRESS_AWAY_END_EXP_POS" } == stream)
        #expect(try reader.verify().faults == [])
    }
}
