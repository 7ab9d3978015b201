import DeviceModel
import Foundation
import GRDB
import JournalCoding
import TestSupport
import Testing

@testable import SampleJournal

/// A journal's life beyond one file: packing, new files, limits, damage.
@Suite struct JournalLifeTests {
    private static let epoch: Int64 = 1_700_000_000_000_000_000
    private static let second: Int64 = 1_000_000_000
    private static let rate = StreamDescriptor(
        device: "bed-1", vmd: nil, metric: "MDC_ECG_HEART_RATE", code: 147_842, unit: "/min", form: .integer(.one),
        isWaveform: false, periodNanoseconds: 1_000_000_000, profile: "test/monitor")
    private static let mode = StreamDescriptor(
        device: "bed-1", vmd: nil, metric: "NABD_MODE", code: nil, unit: nil, form: .text, isWaveform: false,
        periodNanoseconds: 1_000_000_000, profile: "test/monitor")
    private static let ecg = StreamDescriptor(
        device: "bed-1", vmd: nil, metric: "MDC_ECG_ELEC_POTL_II", code: 131_330, unit: "uV", form: .integer(.one),
        isWaveform: true, periodNanoseconds: 4_000_000, profile: "test/monitor")

    private let folder: TemporaryFolder
    private var directory: String { "\(folder.path)/journal" }

    init() throws { folder = try TemporaryFolder() }

    /// Writes like a host: an ECG of 250 Hz, a rate and a text each second, a commit each 250 ms.
    private final class Bed {
        let writer: JournalWriter
        private let streams: [Int]
        private var generator = SeededGenerator(seed: 7)
        private(set) var now: Int64
        private var level: Int64 = 0
        private(set) var made = 0
        private(set) var seconds = 0
        /// The step of the wall clock against the monotonic one.
        var step: Int64 = 0

        init(
            _ directory: String, from start: Int64, retention: JournalRetention = JournalRetention(),
            boot: String = "boot"
        ) throws {
            writer = try JournalWriter(
                directory: directory, bootID: boot, now: start, utc: start + JournalLifeTests.epoch,
                retention: retention)
            streams = try writer.register([JournalLifeTests.rate, JournalLifeTests.mode, JournalLifeTests.ecg])
            // Nothing of a real clock is round.
            now = start + 123_457
        }

        func run(quarters: Int, commits: Bool = true) throws {
            for _ in 0..<quarters {
                made += 62
                for index in 0..<62 {
                    level += Int64.random(in: -12...12, using: &generator)
                    writer.append(sample(now + Int64(index) * 4_000_000 + 789, level), stream: streams[2])
                }
                if now % JournalLifeTests.second < 250_000_000 {
                    made += 2
                    seconds += 1
                    let isLost = now / JournalLifeTests.second % 7 == 3
                    writer.append(
                        isLost
                            ? sample(now, 0, .notAvailable, .timedOut)
                            : sample(now, Int64.random(in: 60...90, using: &generator)), stream: streams[0])
                    var text = sample(now, 0)
                    _ = text.setText(Array((now / JournalLifeTests.second % 20 < 10 ? "حقنة" : "STANDBY").utf8))
                    writer.append(text, stream: streams[1])
                }
                now += 248_000_000
                if commits { try commit() }
            }
        }

        func commit() throws {
            try writer.commit(now: now, utc: now + JournalLifeTests.epoch + step, quality: .synchronised)
            try writer.tidy(now: now)
        }

        func finish() throws {
            try writer.finish(now: now, utc: now + JournalLifeTests.epoch + step, quality: .synchronised)
        }

        private func sample(_ time: Int64, _ bits: Int64, _ validity: Validity = .valid, _ reason: Reason = .none)
            -> SampleRecord
        {
            SampleRecord(
                kind: .sample, index: 0, monotonicNanoseconds: time, bits: bits, validity: validity, reason: reason)
        }
    }

    /// Every sample by its stream and number, as CSV lines have them.
    private func samples(_ selection: JournalReader.Selection = JournalReader.Selection()) throws -> [String] {
        var lines: [String] = []
        var cursor = JournalExport.Cursor(after: 0)
        try JournalExport(JournalReader(directory: directory)).samples(from: &cursor, selection, csv: true) {
            lines.append($0)
        }
        return lines.sorted()
    }

    private static let server = "https://records.example/fhir"

    private func book() throws -> DeliveryBook {
        try DeliveryBook.opened(DeliveryBooks(journal: directory), destination: Self.server, unit: "u").book
    }

    /// All lanes of samples have passed a chunk.
    private static func pass(_ book: DeliveryBook, chunk: Int64, parked: [ParkedResource] = []) throws {
        let position = SamplePosition(session: 1, window: 1, chunk: chunk, length: 1)
        let span = SampleSpan(begin: SamplePosition(), position: position)
        for lane in DeliveryLane.allCases where lane.isOfSamples {
            _ = try book.settle(lane, span, filed: 0, stored: [], parked: lane == .numerics ? parked : [])
        }
    }

    private func faults() throws -> [String] { try JournalReader(directory: directory).verify().faults }

    private func chunkCount() throws -> Int64 { try JournalReader(directory: directory).statistics().chunks }

    // MARK: Packing

    @Test func packingChangesNothingButTheSize() throws {
        let bed = try Bed(directory, from: Self.second)
        try bed.run(quarters: 230)
        let before = try samples()
        #expect(try chunkCount() == 230)
        while try bed.writer.samples.pack() {}
        try bed.run(quarters: 20)
        while try bed.writer.samples.pack() {}
        #expect(try chunkCount() < 15)
        let after = try samples()
        #expect(Set(after).isSuperset(of: before) && Set(after).count == after.count)
        #expect(after.count == bed.made)
        #expect(try faults() == [])
        try bed.finish()
        #expect(try faults() == [])
    }

    /// What stands beside the blocks is never averaged away: another distance between the clocks is another chunk.
    @Test func aStepOfTheWallClockIsNotPackedOver() throws {
        let bed = try Bed(directory, from: Self.second)
        try bed.run(quarters: 20)
        bed.step = 3600 * Self.second
        try bed.run(quarters: 300)
        let before = try samples()
        while try bed.writer.samples.pack() {}
        #expect(try samples() == before)
        #expect(try faults() == [])
        try bed.finish()
    }

    @Test func aCursorIsExactAcrossPacking() throws {
        let bed = try Bed(directory, from: Self.second)
        let reader = try JournalReader(directory: directory)
        let export = JournalExport(reader)
        var cursor = JournalExport.Cursor(after: 0)
        var seen: [String] = []
        for _ in 0..<10 {
            try bed.run(quarters: 50)
            try export.samples(from: &cursor, csv: true) { seen.append($0) }
            while try bed.writer.samples.pack() {}
        }
        try bed.finish()
        try export.samples(from: &cursor, csv: true) { seen.append($0) }
        #expect(Set(seen).count == seen.count)
        #expect(try seen.sorted() == samples())
    }

    /// Whoever has read up to any commit finds all the rest, however it is packed meanwhile.
    @Test func noCursorFallsBetweenThePartsOfAPackedSpan() throws {
        let bed = try Bed(directory, from: Self.second)
        try bed.run(quarters: 300)
        let reader = try JournalReader(directory: directory)
        var cursors: [(cursor: JournalExport.Cursor, read: Int)] = []
        var cursor = JournalExport.Cursor(after: 0)
        var read = 0
        for chunk in try reader.chunks(after: 0, limit: 1000) {
            // As if it had read up to here and no further.
            for block in reader.blocks(of: chunk, streams: try reader.streamsByID()) {
                cursor.take(block)
                read += block.count
            }
            cursor.chunk = chunk.id
            cursors.append((cursor, read))
        }
        while try bed.writer.samples.pack() {}
        try bed.finish()
        for (index, place) in cursors.enumerated() {
            var rest = place.cursor
            var count = 0
            try JournalExport(reader).samples(from: &rest, csv: true) { _ in count += 1 }
            #expect(count == bed.made - place.read, "after commit \(index)")
        }
    }

    /// What a kill leaves before a new file has its beginning is no file of the journal.
    @Test(arguments: [JournalFiles.Kind.samples, .events])
    func aBlankFileIsTakenAway(kind: JournalFiles.Kind) throws {
        let bed = try Bed(directory, from: Self.second)
        try bed.run(quarters: 40)
        try bed.writer.record("test", monotonic: 1, utc: 1, quality: .unknown)
        try bed.finish()
        let blank = JournalFiles(directory: directory).segment(kind, 2)
        try Data().write(to: URL(fileURLWithPath: blank.path))
        let again = try Bed(directory, from: 100 * Self.second)
        #expect(!again.writer.isIncomplete)
        try again.run(quarters: 4)
        try again.finish()
        #expect(JournalFiles(directory: directory).segments(kind).map(\.number) == [1])
        #expect(try faults() == [])
    }

    @Test func aFileThatIsTakenAwayUnderTheHostIsNoticed() throws {
        let bed = try Bed(directory, from: Self.second)
        try bed.run(quarters: 40)
        JournalFiles.remove(JournalFiles(directory: directory).segment(.samples, 1))
        #expect(try bed.writer.maintain(now: bed.now, utc: 0, quality: .synchronised))
        let made = bed.made
        try bed.run(quarters: 4)
        try bed.finish()
        #expect(try samples().count == bed.made - made)
        #expect(bed.writer.takeIncidents().contains(.gone(file: "samples-000001.sqlite")))
        #expect(bed.writer.isIncomplete)
    }

    @Test func aRangeOfOneMetricIsFound() throws {
        let bed = try Bed(directory, from: Self.second)
        try bed.run(quarters: 600)
        while try bed.writer.samples.pack() {}
        try bed.finish()
        let (from, to) = (Self.epoch + 40 * Self.second, Self.epoch + 90 * Self.second)
        let all = try samples()
        for metric in ["MDC_ECG_HEART_RATE", "MDC_ECG_ELEC_POTL_II", "NABD_MODE"] {
            let wanted = all.filter { line in
                let fields = line.split(separator: ",", omittingEmptySubsequences: false)
                guard fields[4] == metric, let time = Int64(fields[1]) else { return false }
                return time + Self.epoch >= from && time + Self.epoch < to
            }
            #expect(try samples(JournalReader.Selection(metric: metric, from: from, to: to)) == wanted)
            #expect(wanted.count > 40)
        }
    }

    /// Damage in one block costs that block and no other, packed or not.
    @Test func aDamagedBlockIsNamedAndCostsNoOther() throws {
        let bed = try Bed(directory, from: Self.second)
        try bed.run(quarters: 300)
        while try bed.writer.samples.pack() {}
        try bed.finish()
        let all = try samples()
        let queue = try openFile(1)
        try queue.write { db in
            let row = try #require(
                try Row.fetchOne(db, sql: "SELECT id, payload FROM chunks WHERE content = 1 LIMIT 1"))
            var payload = try #require(row.bytes("payload"))
            payload[payload.count - 8] ^= 0x10
            try db.execute(
                sql: "UPDATE chunks SET payload = ? WHERE id = ?", arguments: [Data(payload), row.integer("id")])
        }
        #expect(try faults().contains { $0.contains("checksum does not match") })
        let left = try samples()
        #expect(left.count < all.count && left.count > all.count - 70)
        #expect(Set(left).isSubset(of: all))
    }

    private func openFile(_ number: Int) throws -> DatabaseQueue {
        try JournalFiles.openForWriting(JournalFiles(directory: directory).segment(.samples, number).path)
    }

    // MARK: Files and limits

    private static let small = JournalRetention(limit: 2 << 20, hasUplink: false)

    /// Runs until there are several files.
    private func fill(_ bed: Bed, files: Int) throws {
        for _ in 0..<1000 where JournalFiles(directory: directory).segments(.samples).count < files {
            try bed.run(quarters: 40)
        }
    }

    @Test func manyFilesAreOneRecord() throws {
        let bed = try Bed(directory, from: Self.second, retention: Self.small)
        try fill(bed, files: 4)
        try bed.finish()
        let again = try Bed(directory, from: bed.now + Self.second, retention: Self.small)
        try again.run(quarters: 8)
        try again.finish()
        #expect(try faults() == [])
        let numbers = try samples(JournalReader.Selection(metric: "MDC_ECG_ELEC_POTL_II")).compactMap {
            Int($0.split(separator: ",", omittingEmptySubsequences: false)[5])
        }
        #expect(numbers.sorted() == Array(0..<numbers.count))
    }

    @Test func onlyWhatIsDeliveredGoes() throws {
        var retention = Self.small
        retention.hasUplink = true
        retention.shed = []
        let bed = try Bed(directory, from: Self.second, retention: retention)
        let files = JournalFiles(directory: directory)
        for _ in 0..<2000 where files.size < 9 << 18 { try bed.run(quarters: 40) }
        // Nothing is delivered: nothing goes, and that is said.
        let count = files.segments(.samples).count
        #expect(try bed.writer.maintain(now: bed.now, utc: 0, quality: .synchronised) == false)
        #expect(files.segments(.samples).count == count)
        let book = try book()
        let second = try JournalReader(directory: directory).open(.samples)[2].first
        try Self.pass(book, chunk: second - 1)
        for _ in 0..<40 where files.size > retention.limit {
            _ = try bed.writer.maintain(now: bed.now, utc: 0, quality: .synchronised)
        }
        #expect(files.segments(.samples).count >= count - 2)
        #expect(files.segments(.samples).first?.number ?? 0 > 1)
        try bed.finish()
        #expect(try faults() == [])
        #expect(bed.writer.takeIncidents().contains { if case .pruned = $0 { true } else { false } })
    }

    @Test func oldDeliveredFilesGo() throws {
        var retention = Self.small
        retention.keep = 3600 * Self.second
        let bed = try Bed(directory, from: Self.second, retention: retention)
        try fill(bed, files: 3)
        let files = JournalFiles(directory: directory)
        let later = 2 * 3600 * Self.second
        func maintain(_ bed: Bed, after time: Int64, _ step: Int64, _ quality: ClockQuality) throws -> Int? {
            #expect(
                try bed.writer.maintain(now: bed.now + time, utc: bed.now + time + step, quality: quality))
            return files.segments(.samples).first?.number
        }
        // Within one boot the wall clock says nothing, wherever it jumps.
        #expect(try maintain(bed, after: 0, Self.epoch, .synchronised) == 1)
        #expect(try maintain(bed, after: 0, Self.epoch + later, .synchronised) == 1)
        #expect(try maintain(bed, after: later, 0, .unknown) == 2)
        try bed.finish()
        // In another boot it must have been set, then and now.
        try setQuality(.holdover)
        let again = try Bed(directory, from: Self.second, retention: retention, boot: "another")
        #expect(try maintain(again, after: 0, Self.epoch + later, .synchronised) == 2)
        try setQuality(.synchronised)
        #expect(try maintain(again, after: 0, Self.epoch + later, .holdover) == 2)
        #expect(try maintain(again, after: 0, Self.epoch, .synchronised) == 2)
        #expect(try maintain(again, after: 0, Self.epoch + later, .synchronised) == 3)
        try again.finish()
    }

    /// Says of every commit how good its clock was.
    private func setQuality(_ quality: ClockQuality) throws {
        for segment in JournalFiles(directory: directory).segments(.samples) {
            try DatabaseQueue(path: segment.path).write {
                try $0.execute(sql: "UPDATE chunks SET quality = ?", arguments: [Int64(quality.rawValue)])
            }
        }
    }

    // MARK: Rights

    /// Values are of patients: nobody else reads them, not in the first moment and not in what SQLite puts beside (A3).
    @Test func nobodyElseReadsAnythingFromTheFirstByte() throws {
        let mask = umask(0)
        defer { umask(mask) }
        let bed = try Bed(directory, from: Self.second, retention: Self.small)
        let book = try book()
        _ = try book.settle(.events, missing: [], seen: 1, returns: 0, filed: 0, stored: ["a"], parked: [])
        func modes() throws -> [String: mode_t] {
            var modes: [String: mode_t] = [:]
            for name in try FileManager.default.contentsOfDirectory(atPath: directory) + ["."] {
                var status = stat()
                #expect(stat("\(directory)/\(name)", &status) == 0)
                modes[name] = status.st_mode & 0o777
            }
            let books = DeliveryBooks(journal: directory).directory
            for name in try FileManager.default.contentsOfDirectory(atPath: books) + ["."] {
                var status = stat()
                #expect(stat("\(books)/\(name)", &status) == 0)
                modes["books/\(name)"] = status.st_mode & 0o777
            }
            return modes
        }
        try bed.run(quarters: 8)
        let first = try modes()
        #expect(first.keys.contains { $0.hasSuffix("-wal") } && first.keys.contains { $0.hasSuffix("-shm") })
        #expect(first.keys.contains { $0.hasPrefix("books/") && $0.hasSuffix("-wal") })
        #expect(first.allSatisfy { $0.value & 0o027 == 0 }, "\(first)")
        // What an older version left open is closed.
        for name in first.keys where name.contains("sqlite") {
            let books = DeliveryBooks(journal: directory).directory
            chmod(name.hasPrefix("books/") ? "\(books)/\(name.dropFirst(6))" : "\(directory)/\(name)", 0o666)
        }
        try bed.finish()
        let again = try Bed(directory, from: bed.now + Self.second, retention: Self.small)
        try again.run(quarters: 8)
        _ = try self.book()
        #expect(try modes().allSatisfy { $0.value & 0o027 == 0 })
        try again.finish()
    }

    /// What lies in the folder under our names and is no file of ours is not followed and not written through.
    @Test(arguments: ["lock", "book", "samples-000001.sqlite", "events-000001.sqlite"])
    func aLinkIsNotFollowed(name: String) throws {
        try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: true)
        let victim = try folder.write("victim", "not ours")
        let books = DeliveryBooks(journal: directory)
        try FileManager.default.createDirectory(atPath: books.directory, withIntermediateDirectories: true)
        let path = name == "book" ? books.path(of: Self.server) : "\(directory)/\(name)"
        try FileManager.default.createSymbolicLink(atPath: path, withDestinationPath: victim)
        // A link in place of a file costs itself, not the record.
        if name == "book" {
            _ = try self.book()
        } else {
            let bed = try Bed(directory, from: Self.second)
            try bed.run(quarters: 8)
            try bed.finish()
        }
        let kept = name == "book" || name == "lock" ? path + ".foreign" : path
        #expect(try FileManager.default.destinationOfSymbolicLink(atPath: kept) == victim, "nothing of it is lost")
        #expect(try String(contentsOfFile: victim, encoding: .utf8) == "not ours")
    }

    /// The uplink is taken out of the configuration (L1): what it has not delivered stays.
    @Test func whatIsUndeliveredIsNotOfTodaysConfiguration() throws {
        var retention = Self.small
        retention.keep = 3600 * Self.second
        retention.shed = []
        let bed = try Bed(directory, from: Self.second, retention: retention)
        try fill(bed, files: 3)
        let book = try book()
        let utc = bed.now + Self.epoch + 2 * 3600 * Self.second
        for _ in 0..<5 { _ = try bed.writer.maintain(now: utc - Self.epoch, utc: utc, quality: .synchronised) }
        #expect(JournalFiles(directory: directory).segments(.samples).first?.number == 1)
        let second = try JournalReader(directory: directory).open(.samples)[1].first
        try Self.pass(book, chunk: second - 1)
        for _ in 0..<5 { _ = try bed.writer.maintain(now: utc - Self.epoch, utc: utc, quality: .synchronised) }
        #expect(JournalFiles(directory: directory).segments(.samples).first?.number == 2)
        try bed.finish()
    }

    /// What is parked is not stored: what it came from stays until it is, or a person releases it.
    @Test func whatIsParkedKeepsItsFile() throws {
        var retention = Self.small
        retention.keep = 3600 * Self.second
        let bed = try Bed(directory, from: Self.second, retention: retention)
        try fill(bed, files: 3)
        let book = try book()
        let utc = bed.now + Self.epoch + 2 * 3600 * Self.second
        let files = try JournalReader(directory: directory).open(.samples).map(\.first)
        let parked = ParkedResource(
            url: "Observation/a", cause: .refused, reason: "HTTP 422",
            origin: .window(.numerics, SamplePosition(session: 1, window: 1, chunk: files[1], length: 1)),
            resource: "{}", utc: utc)
        try Self.pass(book, chunk: files[2] - 1, parked: [parked])
        for _ in 0..<5 { _ = try bed.writer.maintain(now: utc - Self.epoch, utc: utc, quality: .synchronised) }
        #expect(JournalFiles(directory: directory).segments(.samples).first?.number == 2)
        try DeliveryBooks(journal: directory).leave(.release)
        try book.follow(DeliveryBooks(journal: directory))
        #expect(try book.parkedCounts() == (0, 0))
        for _ in 0..<5 { _ = try bed.writer.maintain(now: utc - Self.epoch, utc: utc, quality: .synchronised) }
        #expect(JournalFiles(directory: directory).segments(.samples).first?.number == 3)
        try bed.finish()
    }

    /// A former destination's book holds the record, until a person retires it.
    @Test func aFormerDestinationHoldsTheRecordUntilItIsRetired() throws {
        var retention = Self.small
        retention.keep = 3600 * Self.second
        let bed = try Bed(directory, from: Self.second, retention: retention)
        try fill(bed, files: 3)
        let (books, utc) = (DeliveryBooks(journal: directory), bed.now + Self.epoch + 2 * 3600 * Self.second)
        let files = try JournalReader(directory: directory).open(.samples).map(\.first)
        try Self.pass(try book(), chunk: files[2] - 1)
        _ = try DeliveryBook.opened(books, destination: "https://former.example", unit: "u")
        for _ in 0..<5 { _ = try bed.writer.maintain(now: utc - Self.epoch, utc: utc, quality: .synchronised) }
        #expect(JournalFiles(directory: directory).segments(.samples).first?.number == 1)
        #expect(try books.retire("https://nobody.example") == nil)
        #expect(try books.retire("https://former.example") != nil)
        for _ in 0..<5 { _ = try bed.writer.maintain(now: utc - Self.epoch, utc: utc, quality: .synchronised) }
        #expect(JournalFiles(directory: directory).segments(.samples).first?.number == 3)
        try bed.finish()
    }

    @Test func waveformsAreGivenUpFirstAndDeclared() throws {
        var retention = Self.small
        retention.hasUplink = true
        let bed = try Bed(directory, from: Self.second, retention: retention)
        let files = JournalFiles(directory: directory)
        for _ in 0..<2000 where files.size < 9 << 18 { try bed.run(quarters: 40) }
        let numerics = try samples(JournalReader.Selection(metric: "MDC_ECG_HEART_RATE"))
        for _ in 0..<40 where files.size > retention.limit {
            try #require(try bed.writer.maintain(now: bed.now, utc: 0, quality: .synchronised))
        }
        #expect(bed.writer.isShedding)
        try bed.finish()
        let result = try JournalReader(directory: directory).verify()
        #expect(result.faults == [])
        #expect(result.declaredMissing > 10_000)
        #expect(try samples(JournalReader.Selection(metric: "MDC_ECG_HEART_RATE")) == numerics)
        #expect(
            bed.writer.takeIncidents().contains { if case .shed(_, "waveforms", _, _) = $0 { true } else { false } })
    }

    // MARK: Failures

    /// A file that takes nothing more, as after an input or output error, is left and a new one begun; nothing is lost
    /// or doubled.
    @Test func aFailedFileIsLeftAndANewOneBegun() throws {
        let bed = try Bed(directory, from: Self.second)
        try bed.run(quarters: 40)
        try bed.writer.samples.write { try $0.execute(sql: "PRAGMA query_only=1") }
        try bed.run(quarters: 40)
        try bed.finish()
        #expect(
            bed.writer.takeIncidents().contains {
                if case .failed("samples-000001.sqlite", _) = $0 { true } else { false }
            })
        #expect(JournalFiles(directory: directory).segments(.samples).count == 2)
        #expect(try faults() == [])
        #expect(try samples().count == bed.made)
    }

    @Test func aFullDiskKeepsSamplesUntilThereIsRoom() throws {
        let bed = try Bed(directory, from: Self.second)
        try bed.run(quarters: 40)
        try bed.writer.samples.write { try $0.execute(sql: "PRAGMA max_page_count=1") }
        #expect(throws: (any Error).self) { try bed.run(quarters: 40) }
        try bed.run(quarters: 39, commits: false)
        #expect(throws: (any Error).self) { try bed.commit() }
        try bed.writer.record("test", monotonic: bed.now, utc: bed.now, quality: .unknown)
        try bed.writer.samples.write { try $0.execute(sql: "PRAGMA max_page_count=1000000") }
        try bed.commit()
        try bed.finish()
        #expect(JournalFiles(directory: directory).segments(.samples).count == 1)
        #expect(try faults() == [])
        #expect(try samples().count == bed.made)
    }

    @Test(arguments: [JournalFiles.Kind.samples, .events])
    func aFileThatIsNoDatabaseIsSetAside(kind: JournalFiles.Kind) throws {
        let bed = try Bed(directory, from: Self.second)
        try bed.run(quarters: 40)
        try bed.writer.record("test", monotonic: 1, utc: 1, quality: .unknown)
        try bed.finish()
        let segment = JournalFiles(directory: directory).segment(kind, 1)
        try Data(repeating: 0x5A, count: 20_000).write(to: URL(fileURLWithPath: segment.path))
        try reopenAfterDamage(expecting: {
            if case .setAside("\(segment.name).damaged", _) = $0 { true } else { false }
        })
        #expect(FileManager.default.fileExists(atPath: segment.path + ".damaged"))
    }

    /// A file of a newer program, ours or a stray one, costs itself: it is put aside whole, and the host goes on.
    @Test(arguments: [JournalFiles.Kind.samples, .events], [1, 2])
    func aFileOfAnotherVersionIsSetAside(kind: JournalFiles.Kind, number: Int) throws {
        let bed = try Bed(directory, from: Self.second)
        try bed.run(quarters: 40)
        try bed.writer.record("test", monotonic: 1, utc: 1, quality: .unknown)
        try bed.finish()
        let segment = JournalFiles(directory: directory).segment(kind, number)
        try DatabaseQueue(path: segment.path).write {
            try $0.execute(sql: "CREATE TABLE other (a); PRAGMA user_version=99")
        }
        try reopenAfterDamage(expecting: {
            if case .setAside("\(segment.name).version-99", _) = $0 { true } else { false }
        })
        #expect(FileManager.default.fileExists(atPath: segment.path + ".version-99"))
    }

    @Test func aDeletedOrOlderFileIsAGapThatIsTold() throws {
        let bed = try Bed(directory, from: Self.second)
        try bed.run(quarters: 40)
        try bed.finish()
        let path = JournalFiles(directory: directory).segment(.samples, 1).path
        let older = try Data(contentsOf: URL(fileURLWithPath: path))
        do {
            let more = try Bed(directory, from: bed.now + Self.second)
            try more.run(quarters: 40)
            try more.writer.record("test", monotonic: more.now, utc: more.now, quality: .unknown)
            try more.finish()
        }
        try older.write(to: URL(fileURLWithPath: path))
        try reopenAfterDamage { if case .gap("samples", 160, 80) = $0 { true } else { false } }
        #expect(try faults() == [])
        // The numbers that the lost copy gave are never given again.
        let numbers = try samples(JournalReader.Selection(metric: "MDC_ECG_HEART_RATE")).compactMap {
            Int($0.split(separator: ",", omittingEmptySubsequences: false)[5])
        }
        let kept = numbers.filter { $0 < 1000 }
        #expect(kept.sorted() == Array(0..<kept.count) && kept.count == bed.seconds)
        #expect(numbers.filter { $0 >= 1000 }.min() == kept.count + Int(JournalOpening.leap))
    }

    /// Opens what was damaged, writes on, and expects the incident.
    private func reopenAfterDamage(expecting isExpected: (JournalIncident) -> Bool) throws {
        let again = try Bed(directory, from: 1000 * Self.second)
        #expect(again.writer.isIncomplete)
        let incidents = again.writer.takeIncidents().filter { isExpected($0) }
        #expect(incidents.count == 1)
        try again.run(quarters: 40)
        try again.writer.record("test", monotonic: again.now, utc: again.now, quality: .unknown)
        try again.finish()
        #expect(try samples(JournalReader.Selection(from: Self.epoch + 1000 * Self.second)).count == again.made)
    }
}
