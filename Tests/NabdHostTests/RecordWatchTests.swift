import DeviceModel
import Foundation
import GRDB
import Logging
import TestSupport
import Testing

@testable import NabdHost
@testable import SampleJournal

/// Somebody who changes recorded events under the running host is told of; a host that only writes on is not.
@Suite struct RecordWatchTests {
    private let folder: TemporaryFolder
    private let run: RecorderRun
    private let watch: RecordWatch

    init() throws {
        folder = try TemporaryFolder()
        run = try RecorderRun(folder)
        let times = RecordWatch.Times(first: 0, every: 20_000_000, again: 10_000_000, pause: 0)
        watch = RecordWatch(
            journal: run.configuration.journalDirectory, times,
            logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
    }

    private func event(_ kind: String) throws -> EventRecord {
        let found = try RecorderRun.events(folder).first { $0.kind == kind }
        return try #require(found)
    }

    private func forge(_ sql: String, _ arguments: StatementArguments = []) throws {
        let file = try #require(JournalFiles(directory: run.configuration.journalDirectory).segments(.events).last)
        var patient = Configuration()
        patient.busyMode = .timeout(30)
        let path = "\(run.configuration.journalDirectory)/\(file.name)"
        try DatabaseQueue(path: path, configuration: patient).write { db in
            try db.execute(sql: sql, arguments: arguments)
            try #require(db.changesCount == 1)
        }
    }

    private func holds(_ wanted: Bool) async throws -> Bool {
        for _ in 0..<1000 {
            if watch.holds == wanted { return true }
            try await Task.sleep(for: .milliseconds(10))
        }
        return false
    }

    @Test func anEventThatWasChangedIsNoticedAndOneThatWasPutRightToo() async throws {
        let first = try event("deviceConfigured")
        watch.start()
        try forge("UPDATE events SET body = ? WHERE id = ?", ["{}", first.id])
        #expect(try await holds(true))
        try forge("UPDATE events SET body = ? WHERE id = ?", [first.body, first.id])
        #expect(try await holds(false))
        watch.stop()
        run.recorder.stop()
    }

    /// Whoever knows the form puts the row's checksum right as well: only the chain tells.
    @Test func aForgerWhoKnowsTheFormIsNoticed() async throws {
        let first = try event("deviceConfigured")
        let forged = EventRecord(
            id: first.id, session: first.session, monotonicNanoseconds: first.monotonicNanoseconds, utc: first.utc,
            quality: first.quality, device: first.device, kind: first.kind, body: "{}", hash: first.hash)
        try forge("UPDATE events SET body = '{}', checksum = ? WHERE id = ?", [forged.checksum, first.id])
        let found = try JournalReader(directory: run.configuration.journalDirectory).verifyChain()
        let name = try #require(JournalFiles(directory: run.configuration.journalDirectory).segments(.events).last).name
        #expect(found.faults == [.changed(file: name, number: first.id, .hash)])
        watch.start()
        #expect(try await holds(true))
        watch.stop()
        run.recorder.stop()
    }

    /// The recorder writes as fast as it can while the chain is read again and again.
    @Test func aHostThatWritesOnChangesNothing() async throws {
        watch.start()
        for round in 0..<150 {
            run.report(.stale, holds: round % 2 == 0)
            #expect(!watch.holds)
            try await Task.sleep(for: .milliseconds(10))
        }
        let count = try RecorderRun.events(folder).count
        #expect(count > 100)
        watch.stop()
        run.recorder.stop()
        #expect(!watch.holds)
    }
}
