import Alarms
import DeviceModel
import Foundation
import JournalFolds
import TestSupport
import Testing

@testable import NabdHost
@testable import SampleJournal

@Suite struct AlertsEndTests {
    private let folder: TemporaryFolder
    private var directory: String { "\(folder.path)/journal" }

    init() throws { folder = try TemporaryFolder() }

    private func alert(_ device: String?, _ instance: String, name: String = "NABD_TEST") -> AlertRecord {
        AlertRecord(device: device, name: name, priority: .low, text: "t", arabicText: "ت", instance: instance)
    }

    /// A session as any host might have left it: these events and, where it is `clean`, an end of the journal's
    /// session.
    private func leave(_ events: [UnitEvent], isClean: Bool = false) throws {
        let writer = try JournalWriter(directory: directory, bootID: "b", now: 1, utc: 1)
        try writer.record(events.map(JournalWriter.Event.init), now: 1, utcOffset: 0, quality: .unknown)
        if isClean { try writer.finish(now: 2, utc: 2, quality: .unknown) }
    }

    private func open() -> [String?] { OpenAlerts(directory: directory).alerts.map(\.instance) }

    @Test func aStopLeavesWhatHoldsToTheNextHost() throws {
        let run = try RecorderRun(folder)
        run.report(.stale, holds: true)
        run.report(.busContention, holds: true)
        run.report(.busContention, holds: false)
        run.recorder.stop()
        let told = ["NABD_DEVICE_STALE start", "NABD_BUS_CONTENTION start", "NABD_BUS_CONTENTION end"]
        #expect(try RecorderRun.alerts(folder) == told)
        #expect(try RecorderRun.events(folder).last?.recorded == .sessionBoundary(.hostStopped, leavesNoAlert: false))
        #expect(open().count == 1)
        let next = try RecorderRun(folder)
        next.report(.stale, holds: false)
        next.recorder.stop()
        #expect(try RecorderRun.alerts(folder) == told + ["NABD_DEVICE_STALE unconfirmed", "NABD_DEVICE_STALE end"])
        #expect(try RecorderRun.events(folder).last?.recorded == .sessionBoundary(.hostStopped, leavesNoAlert: true))
        let stale = try RecorderRun.events(folder).filter { $0.members["alert"] == "NABD_DEVICE_STALE" }
        #expect(Set(stale.map { $0.members["instance"] }).count == 1 && stale.count == 3)
        #expect(open().isEmpty)
    }

    /// Killed at any moment: the file is what the host before left of it, with and without a summary.
    @Test func whatStandsIsTheSameAfterAKill() throws {
        let run = try RecorderRun(folder, mayLatch: true)
        run.report(.wrongDevice, holds: true)
        run.report(.wrongDevice, holds: false)
        run.report(.stale, holds: true)
        try wait { try RecorderRun.alerts(folder).count == 3 }
        // What a killed host leaves: the journal as it is now.
        let copy = try TemporaryFolder()
        try FileManager.default.copyItem(atPath: directory, toPath: "\(copy.path)/journal")
        run.recorder.stop()
        let left = AlarmHistory(journal: "\(copy.path)/journal")
        #expect(left.ledger.standing.map(\.presence) == [.on, .latched] && left.failure == nil)
        let next = try RecorderRun(copy, mayLatch: true)
        #expect(next.beginning.alarms.standing.map(\.isUnconfirmed) == [true, false])
        next.report(.stale, holds: true)
        next.recorder.stop()
        #expect(AlarmHistory(journal: "\(copy.path)/journal").ledger.standing.map(\.presence) == [.on, .latched])
        #expect(
            try RecorderRun.alerts(copy).suffix(2) == ["NABD_DEVICE_STALE unconfirmed", "NABD_DEVICE_STALE confirmed"])
    }

    private func wait(_ isTrue: () throws -> Bool) throws {
        for _ in 0..<500 where try !isTrue() { Thread.sleep(forTimeInterval: 0.01) }
    }

    /// Each file of events says what those before it came to, and whoever reads begins there.
    @Test func eachFileSaysWhatStands() throws {
        let run = try RecorderRun(folder)
        run.report(.stale, holds: true)
        run.recorder.stop()
        let writer = try JournalWriter(directory: directory, bootID: "b", now: 1, utc: 1)
        try writer.events.begin(isTrusted: true)
        try writer.finish(now: 2, utc: 2, quality: .unknown)
        try RecorderRun(folder).recorder.stop()
        let files = JournalFiles(directory: directory).segments(.events)
        #expect(files.count == 2)
        let summaries = try RecorderRun.events(folder).filter { $0.kind == "alarmLedger" }
        #expect(summaries.count == 2)
        // Without what went before, the same stands.
        for suffix in ["", "-wal", "-shm"] { try? FileManager.default.removeItem(atPath: files[0].path + suffix) }
        #expect(AlarmHistory(journal: directory).ledger.standing.map(\.record.name) == ["NABD_DEVICE_STALE"])
    }

    @Test func anEndThatWasLostIsMadeGoodWhenItBeginsAnew() throws {
        let run = try RecorderRun(folder)
        run.report(.stale, holds: true)
        run.report(.stale, holds: true)
        run.report(.stale, holds: false)
        run.recorder.stop()
        #expect(
            try RecorderRun.alerts(folder) == [
                "NABD_DEVICE_STALE start", "NABD_DEVICE_STALE end lost", "NABD_DEVICE_STALE start",
                "NABD_DEVICE_STALE end",
            ])
    }

    /// A host that wrote no summary, and knew no state of an alert.
    @Test func aStartGoesOnWithWhatAnOlderHostLeft() throws {
        try leave([
            .hostStarted(unit: "mobile-7", alertsEnded: 0, at: 1), .alertStart(alert("fridge", "a"), at: 1),
            .alertStart(alert("gone", "b"), at: 1),
            .alertStart(alert(nil, "c"), at: 1), .alertStart(alert("fridge", "d", name: "NABD_OTHER"), at: 1),
            .alertEnd(alert("fridge", "d", name: "NABD_OTHER"), at: 1),
        ])
        try RecorderRun(folder).recorder.stop()
        let events = try RecorderRun.events(folder)
        let first = try #require(events.firstIndex { $0.id == 7 })
        #expect(
            events[first..<first + 4].map(\.kind) == ["alertUpdate", "alertUpdate", "alertEnd", "hostStarted"],
            "before anything else")
        #expect(events[first..<first + 3].map { $0.members["instance"] } == ["c", "a", "b"])
        #expect(events[first + 2].members["reason"] == "removed" && events[first + 2].device == "gone")
        #expect(AlarmHistory(journal: directory).ledger.standing.map(\.record.instance) == ["c", "a"])
        try RecorderRun(folder).recorder.stop()
        #expect(try RecorderRun.alerts(folder).count { $0.contains("end") } == 2, "once and for all")
    }

    /// A stop of an older host ended nothing: what it says bounds nothing.
    @Test func anAlertOfAnOlderHostIsFoundBehindItsStop() throws {
        try leave([.alertStart(alert("fridge", "a"), at: 1), .hostStopped(alertsEnded: nil, at: 2)], isClean: true)
        #expect(open() == ["a"])
    }

    @Test func nothingBehindASettledSessionIsLookedAt() throws {
        try leave([
            .alertStart(alert("fridge", "a"), at: 1), .hostStopped(alertsEnded: 0, at: 2),
            .alertStart(alert("fridge", "b"), at: 3),
        ])
        #expect(open() == ["b"], "only what came after the end of all")
    }

    @Test func anEndIsSeenAcrossFiles() throws {
        try leave([
            .alertStart(alert("fridge", "a"), at: 1), .alertStart(alert("fridge", "b", name: "NABD_OTHER"), at: 1),
        ])
        let writer = try JournalWriter(directory: directory, bootID: "b", now: 1, utc: 1)
        try writer.events.begin(isTrusted: true)
        try writer.record(
            [JournalWriter.Event(.alertEnd(alert("fridge", "a"), at: 2))], now: 2, utcOffset: 0, quality: .unknown)
        #expect(JournalFiles(directory: directory).segments(.events).count == 2)
        #expect(open() == ["b"])
    }

    @Test func aDamagedJournalDoesNotKeepTheHostFromStarting() throws {
        try leave([.alertStart(alert("fridge", "a"), at: 1)])
        let file = JournalFiles(directory: directory).newest(.events).path
        for path in ["\(file)-wal", "\(file)-shm"] { try? FileManager.default.removeItem(atPath: path) }
        try Data(repeating: 0x5A, count: 8192).write(to: URL(fileURLWithPath: file))
        #expect(OpenAlerts(directory: directory).alerts.isEmpty)
        let run = try RecorderRun(folder)
        run.recorder.stop()
        #expect(try RecorderRun.events(folder).contains { $0.kind == "hostStarted" })
        #expect(
            try RecorderRun.alerts(folder) == ["NABD_JOURNAL_INCOMPLETE start"])
    }

    @Test func noJournalHasNoAlerts() {
        let open = OpenAlerts(directory: "\(folder.path)/nothing")
        #expect(open.alerts.isEmpty && open.failure == nil)
    }
}
