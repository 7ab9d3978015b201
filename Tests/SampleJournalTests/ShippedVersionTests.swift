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

    @Test(arguments: [3, 4, 5]) func aJournalOfAnOlderVersionIsReadAsItsHostReadIt(version: Int) throws {
        let exported = try older(version)
        #expect(exported.count > 50)
        #expect(try export() == exported)
    }

    @Test(arguments: [3, 4, 5]) func aHostGoesOnInAJournalOfAnOlderVersion(version: Int) throws {
        let exported = try older(version)
        let start = Int64(4_000_000_000_000)
        for run in 0..<2 {
            let now = start + Int64(run) * 1_000_000_000
            let writer = try JournalWriter(
                directory: directory, bootID: "boot", now: now, utc: now + 1_795_000_000_000_000_000, unit: "renamed")
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
        #expect(streams.filter { $0.metric == "NABD_PEEP" }.map(\.name) == (version == 3 ? [nil] : []))
        #expect(streams.first { $0.metric == "MDC_PRESS_AWAY_END_EXP_POS" } == stream)
        #expect(try reader.verify().faults == [])
        // What was delivered under a name is delivered under it for ever, whatever the unit is called since.
        let identity = [3: "mobile-3", 4: "demo-unit", 5: "f2701588-d5c1-41ed-913e-7d9e3935bc06"]
        #expect(try reader.unit() == identity[version])
        #expect(
            try reader.sessions().map(\.window) == [version < 5 ? nil : 10_000_000_000, 60_000_000_000, 60_000_000_000])
        // And in the form in which it was delivered.
        #expect(try reader.sessions().map(\.form) == [nil, .sorted, .sorted])
    }

    /// The one book of a version before 5 is taken over by the first destination, once.
    @Test func aBookOfAnOlderVersionIsTakenOver() throws {
        _ = try older(4)
        let books = DeliveryBooks(journal: directory)
        let source = Repository.root.appendingPathComponent("Tests/journals/version-4/delivery.sqlite")
        try FileManager.default.copyItem(atPath: source.path, toPath: books.formerPath)
        chmod(books.formerPath, 0o640)
        let former = books.summary()
        #expect(former.stored == (78, 19) && former.count == 1)
        // Where nobody delivers, it holds the record as it did.
        #expect(try DeliveryBook.opened(books, destination: "https://a.example", unit: "demo-unit").setAside == nil)
        let summary = books.summary()
        #expect(summary.stored == (78, 19) && summary.count == 1 && summary.furthest == (2, 78, 19))
        let book = try DeliveryBook(readingFrom: books.path(of: "https://a.example"))
        #expect(try book.storedCount() == 85)
        #expect(try book.missing(.alarms, through: 21) == [20...21])
        let other = try DeliveryBook.opened(books, destination: "https://b.example", unit: "demo-unit").book
        #expect(try other.storedCount() == 0)
        #expect(books.summary().stored == (0, 0))
    }

    /// A book of version 5 goes on where it was.
    @Test func aBookOfVersion5GoesOn() throws {
        _ = try older(5)
        let books = DeliveryBooks(journal: directory)
        let source = Repository.root.appendingPathComponent("Tests/journals/version-5/book.sqlite")
        let old = try DeliveryBook(readingFrom: source.path)
        let destination = try old.destination()
        try FileManager.default.createDirectory(atPath: books.directory, withIntermediateDirectories: true)
        try FileManager.default.copyItem(atPath: source.path, toPath: books.path(of: destination))
        chmod(books.path(of: destination), 0o640)
        let opened = try DeliveryBook.opened(books, destination: destination, unit: "any")
        #expect(opened.setAside == nil)
        #expect(try opened.book.storedCount() == 88)
        #expect(try opened.book.position(.numerics) == old.position(.numerics))
        #expect(try opened.book.missing(.alarms, through: 22) == [])
    }
}
