import DeviceModel
import Foundation
import GRDB
import JournalCoding
import TestSupport
import Testing

@testable import SampleJournal

private let pressure = StreamDescriptor(
    device: "pump-1", vmd: nil, metric: "NABD_PUMP_PRESSURE", code: nil, unit: "mm[Hg]", form: .integer(.one),
    isWaveform: false,
    periodNanoseconds: 1_000_000_000, profile: "alaris/asena-gh")
private let pleth = StreamDescriptor(
    device: "spo2-1", vmd: nil, metric: "MDC_PULS_OXIM_PLETH", code: 150_452, unit: "1", form: .integer(.one),
    isWaveform: true,
    periodNanoseconds: 10_000_000, profile: "nonin/oem-iii-df2")

@Suite struct JournalTests {
    private let folder: TemporaryFolder
    private var directory: String { "\(folder.path)/journal" }

    init() throws { folder = try TemporaryFolder() }

    private func sample(_ bits: Int64, at time: Int64, _ validity: Validity = .valid, _ reason: Reason = .none)
        -> SampleRecord
    {
        SampleRecord(
            kind: .sample, index: 0, monotonicNanoseconds: time, bits: bits, validity: validity, reason: reason)
    }

    /// Writes `count` pressures from a start on, in commits of ten.
    private func write(_ count: Int64, from start: Int64, finish: Bool = true) throws {
        let writer = try JournalWriter(
            directory: directory, bootID: "boot", now: start, utc: start + 1_700_000_000_000_000_000)
        let stream = try writer.register([pressure])[0]
        for index in 0..<count {
            let time = start + index * 1_000_000_000
            writer.append(sample(index, at: time), stream: stream)
            if index % 10 == 9 {
                try writer.commit(now: time, utc: time + 1_700_000_000_000_000_000, quality: .synchronised)
            }
        }
        let end = start + count * 1_000_000_000
        if finish { try writer.finish(now: end, utc: end + 1_700_000_000_000_000_000, quality: .synchronised) }
    }

    private func openFile(_ kind: JournalFiles.Kind) throws -> DatabaseQueue {
        try JournalFiles.openForWriting(JournalFiles(directory: directory).segment(kind, 1).path)
    }

    private func lines() throws -> [String] {
        var lines: [String] = []
        var cursor = JournalExport.Cursor(after: 0)
        try JournalExport(JournalReader(directory: directory)).samples(from: &cursor, csv: false) { lines.append($0) }
        return lines
    }

    @Test func whatIsWrittenIsReadInTheDocumentedForm() throws {
        try write(1, from: 1_000_000_000)
        #expect(
            try lines() == [
                #"{"device":"pump-1","metric":"NABD_PUMP_PRESSURE","value":0,"unit":"mm[Hg]","validity":"valid","#
                    + #""time":"2023-11-14T22:13:21.000Z","monotonicNanoseconds":1000000000,"clock":"synchronised","#
                    + #""sequence":0}"#
            ])
    }

    @Test func numbersGoOnAfterAnEndAndAfterAKill() throws {
        try write(25, from: 1_000_000_000)
        try write(25, from: 100_000_000_000, finish: false)
        try write(5, from: 200_000_000_000)
        let sequences = try lines().compactMap { $0.firstMatch(of: /"sequence":(\d+)/).flatMap { Int($0.1) } }
        // The killed session had committed twenty of its samples.
        #expect(sequences == Array(0..<50))
        #expect(try JournalReader(directory: directory).verify().faults == [])
    }

    @Test func synchronousIsFullAndReadBack() throws {
        try write(1, from: 1)
        let queue = try openFile(.samples)
        #expect(try queue.read { try Int.fetchOne($0, sql: "PRAGMA synchronous") } == 2)
        #expect(try queue.read { try Int.fetchOne($0, sql: "PRAGMA wal_autocheckpoint") } == 0)
    }

    @Test func aSecondHostIsRefused() throws {
        let first = try JournalWriter(directory: directory, bootID: "b", now: 1, utc: 1)
        #expect(throws: JournalError.self) { _ = try JournalWriter(directory: directory, bootID: "b", now: 2, utc: 2) }
        try first.finish(now: 3, utc: 3, quality: .unknown)
    }

    @Test func aReaderNeedsAJournal() {
        #expect(throws: JournalError.self) { _ = try JournalReader(directory: "\(folder.path)/none") }
    }

    @Test func waveformsKeepTheirOwnTimeAndTellOfJumps() throws {
        let writer = try JournalWriter(directory: directory, bootID: "b", now: 0, utc: 0)
        let stream = try writer.register([pleth])[0]
        // Bytes arrive in bursts of five; after 50 samples the device pauses for two seconds.
        for index in 0..<100 {
            let burst = Int64(index / 5 * 5 + 4) * 10_000_000
            writer.append(
                sample(Int64(index), at: 1_000_000_000 + burst + (index >= 50 ? 2_000_000_000 : 0)), stream: stream)
        }
        try writer.finish(now: 5_000_000_000, utc: 5_000_000_000, quality: .unknown)
        let reader = try JournalReader(directory: directory)
        let streams = Dictionary(uniqueKeysWithValues: try reader.streams().map { ($0.id, $0.descriptor) })
        let blocks = try reader.chunks(after: 0, limit: 10).flatMap { reader.blocks(of: $0, streams: streams) }
        #expect(blocks.map(\.count) == [50, 50])
        #expect(blocks.map(\.firstSequence) == [0, 50])
        #expect(blocks[0].times[49] - blocks[0].times[0] == 490_000_000)
    }

    @Test func eventsFormAChain() throws {
        let writer = try JournalWriter(directory: directory, bootID: "b", now: 0, utc: 0)
        for number in 0..<5 {
            try writer.record(
                "test", device: "pump-1", body: ["number": .integer(number)], monotonic: Int64(number), utc: 0,
                quality: .unknown)
        }
        try writer.finish(now: 9, utc: 9, quality: .unknown)
        let reader = try JournalReader(directory: directory)
        #expect(try reader.verify().events == 5)
        #expect(try reader.verify().faults == [])
        let queue = try openFile(.events)
        try queue.write { try $0.execute(sql: "UPDATE events SET body = '{\"number\":9}' WHERE id = 3") }
        #expect(try reader.verify().faults.first?.contains("event 3") == true)
        try queue.write { try $0.execute(sql: "DELETE FROM events WHERE id = 3") }
        #expect(try reader.verify().faults.first?.contains("event 4 follows 2") == true)
    }

    /// Any flipped bit of a chunk's row is named, whichever column it is in.
    @Test(arguments: [
        "base_ns = base_ns + 1", "utc = utc + 1", "quality = 0", "samples = samples + 1", "content = 1", "first = 1",
        "session = 9",
    ])
    func aChangedChunkIsNamed(change: String) throws {
        try write(30, from: 1_000_000_000)
        let queue = try openFile(.samples)
        try queue.write { try $0.execute(sql: "UPDATE chunks SET \(change) WHERE id = 4") }
        #expect(try JournalReader(directory: directory).verify().faults.contains { $0.contains("chunk 4") })
    }

    /// A damaged number in a block must neither trap nor become the stream's next number.
    @Test func recoveryTrustsNoDamagedBlock() throws {
        try write(30, from: 1_000_000_000, finish: false)
        let queue = try openFile(.samples)
        try queue.write { db in
            let payload = try #require(try Data.fetchOne(db, sql: "SELECT payload FROM chunks WHERE id = 4"))
            for place in 0..<payload.count {
                var damaged = payload
                damaged[damaged.startIndex + place] ^= 0x80
                try db.execute(sql: "UPDATE chunks SET payload = ? WHERE id = 4", arguments: [damaged])
                try db.execute(sql: "UPDATE streams SET next_sequence = 0; DELETE FROM about WHERE name = 'sequences'")
                let next = try JournalOpening.State(db).streams.first?.next ?? -1
                #expect(next == 30 || next == 20, "after damage at \(place) the next number is \(next)")
            }
        }
    }

    /// A column of a wrong type, as a damaged record header makes it, is a fault to name, not a trap.
    @Test(arguments: ["base_ns = 'x'", "payload = 'text'", "session = x'00ff'", "checksum = 'x'"])
    func columnsOfAWrongTypeAreNamed(change: String) throws {
        try write(30, from: 1_000_000_000)
        let queue = try openFile(.samples)
        try queue.write { try $0.execute(sql: "UPDATE chunks SET \(change) WHERE id = 4") }
        #expect(try !JournalReader(directory: directory).verify().faults.isEmpty)
    }

    @Test func aMissingChunkIsAHoleInTheNumbers() throws {
        try write(30, from: 1_000_000_000)
        let queue = try openFile(.samples)
        try queue.write { try $0.execute(sql: "DELETE FROM chunks WHERE id = 4") }
        #expect(
            try JournalReader(directory: directory).verify().faults.contains {
                $0.contains("begins with commit 5, expected 3")
            })
    }
}
