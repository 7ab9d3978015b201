import BedDesk
import DeviceModel
import Foundation
import GRDB
import JournalFolds
import Nomenclature
import Patients
import Scores
import TestSupport
import Testing

@testable import NabdHost
@testable import SampleJournal

/// What a start finds of beds in a real journal.
@Suite struct BedFoldTests {
    private static let subject = String(repeating: "0a", count: 32)

    /// A journal that a desk writes to.
    private final class Session {
        let writer: JournalWriter
        let desk: BedDesk
        var time: Int64 = 10

        init(_ folder: TemporaryFolder) throws {
            let place = "\(folder.path)/journal"
            let fold = BindingFold(journal: place)
            writer = try JournalWriter(directory: place, bootID: "b", now: 1, utc: 1)
            desk = BedDesk(fold, rules: BedRules(presets: [], fault: { _, _ in nil }), store: nil)
            let started = UnitEvent.hostStarted(unit: "u", alertsEnded: 0, at: 2)
            _ = try record([started])
            desk.took(kind: started.kind.name, body: started.members.text, at: now)
        }

        var now: BindingFold.Position {
            BindingFold.Position(
                sequence: 0, moment: Moment(session: writer.sessionKey, nanoseconds: time), utc: time)
        }

        @discardableResult func record(_ events: [UnitEvent]) throws -> Int64 {
            try writer.record(
                events.map(JournalWriter.Event.init), now: time, utcOffset: 0, quality: .synchronised)
        }

        @discardableResult func write(_ events: [BedEvent]) throws -> Int64 {
            try record(events.map { try #require(UnitEvent.bed($0, at: time)) })
        }

        func begin() throws {
            let bed = BedDesk.Bed(
                bed: "a", configured: ConfiguredBed(name: "A", nameArabic: "أ", devices: ["d"]), preset: nil)
            #expect(desk.begin([bed], now: now, write: write))
        }

        func end() throws { try writer.finish(now: time, utc: time, quality: .synchronised) }
    }

    private func subject(_ folder: TemporaryFolder, _ session: Session, _ time: Int64) -> String? {
        BindingFold(journal: "\(folder.path)/journal").subject(
            ofDevice: "d", at: Moment(session: session.writer.sessionKey, nanoseconds: time))
    }

    private func bound(_ session: Session) throws -> Int64 {
        session.time += 10
        return try session.write([
            .bound(bed: "a", Arrival(subject: Self.subject, since: session.now.moment, by: ["amal"]))
        ])
    }

    @Test func aBindingIsThereAfterAStart() throws {
        let folder = try TemporaryFolder()
        #expect(BindingFold(journal: "\(folder.path)/journal").bindings.isEmpty)
        let first = try Session(folder)
        try first.begin()
        let number = try bound(first)
        #expect(subject(folder, first, 20) == Self.subject && subject(folder, first, 19) == nil)
        try first.end()
        let second = try Session(folder)
        #expect(second.desk.fold.openBinding(atBed: "a")?.number == number)
        try second.begin()
        #expect(subject(folder, second, 30) == Self.subject && subject(folder, first, 20) == Self.subject)
        // A summary stands for what went before, and one that nobody can read for nothing.
        try second.write([second.desk.snapshot])
        let strange = UnitEvent.bed(.bedLedger, .members(["beds": .string("other")]), at: 40)
        #expect(subject(folder, second, 30) == Self.subject)
        _ = try second.record([try #require(strange)])
        #expect(subject(folder, second, 30) == Self.subject)
        #expect(BindingFold(journal: "\(folder.path)/journal").openBinding(atBed: "a") == nil, "it is a damage")
        try second.end()
    }

    /// Whoever sets the wall clock back makes nothing young that was entered before; another start of the machine knows
    /// nothing but the wall clock.
    @Test func whatWasEnteredAgesByTheClockThatNobodySets() throws {
        let folder = try TemporaryFolder()
        let session = try Session(folder)
        try session.begin()
        _ = try bound(session)
        session.time += 10
        try session.write([.entered(bed: "a", BedEntry(item: "consciousness", value: "A", by: ["amal"]))])
        let entered = session.time
        try session.end()
        func isKnown(boot: String, after age: Int64, wall: Int64?) -> Bool {
            let fold = BindingFold(journal: "\(folder.path)/journal")
            var watches = BedWatches(presets: [:], names: Nomenclature())
            let now = boot == "b" ? entered + age : 5
            watches.recall(
                fold, journal: "\(folder.path)/journal", boot: boot, at: now, utc: wall.map { entered + $0 })
            _ = watches.lay(fold, at: now)
            return watches.scores(at: now).contains { $0.result.parts.contains { $0.name == "consciousness" } }
        }
        let hour: Int64 = 3_600_000_000_000
        #expect(isKnown(boot: "b", after: hour, wall: 1) && isKnown(boot: "b", after: 1, wall: nil))
        #expect(isKnown(boot: "b", after: 1, wall: 2 * hour), "the wall clock was set on")
        #expect(!isKnown(boot: "b", after: hour + 1, wall: 1), "the wall clock was set back")
        #expect(isKnown(boot: "c", after: 0, wall: hour) && !isKnown(boot: "c", after: 0, wall: hour + 1))
        #expect(!isKnown(boot: "c", after: 0, wall: nil))
    }

    /// A row that is not as it was written, and one that is gone: nobody is known to be at a bed from there on.
    @Test(arguments: ["UPDATE events SET body = '{}' WHERE id = ?", "DELETE FROM events WHERE id = ?"])
    func whatIsMissingUnbinds(_ damage: String) throws {
        let folder = try TemporaryFolder()
        let session = try Session(folder)
        try session.begin()
        _ = try bound(session)
        let unbound = try session.record([.samplesLost(1, cause: .disk, at: 25)])
        session.time = 40
        try session.record([.samplesLost(1, cause: .disk, at: 40)])
        #expect(BindingFold(journal: "\(folder.path)/journal").openBinding(atBed: "a") != nil)
        try session.end()
        let files = try FileManager.default.contentsOfDirectory(atPath: "\(folder.path)/journal")
        let file = try #require(files.first { $0.hasPrefix("events") && $0.hasSuffix(".sqlite") })
        let queue = try DatabaseQueue(path: "\(folder.path)/journal/\(file)")
        try queue.write { try $0.execute(sql: damage, arguments: [unbound]) }
        #expect(BindingFold(journal: "\(folder.path)/journal").openBinding(atBed: "a") == nil)
        #expect(subject(folder, session, 30) == Self.subject && subject(folder, session, 40) == nil)
    }
}
