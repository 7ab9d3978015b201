import DeviceModel
import Foundation
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

    @Test func aStopEndsWhatHoldsBeforeItSaysSo() throws {
        let run = try RecorderRun(folder)
        run.report(.stale, holds: true)
        run.report(.busContention, holds: true)
        run.report(.busContention, holds: false)
        run.recorder.stop()
        #expect(
            try RecorderRun.alerts(folder) == [
                "NABD_DEVICE_STALE start", "NABD_BUS_CONTENTION start", "NABD_BUS_CONTENTION end",
                "NABD_DEVICE_STALE end stopped",
            ])
        let events = try RecorderRun.events(folder)
        #expect(events.last?.kind == "hostStopped")
        #expect(events.last?.recorded == .sessionBoundary(.hostStopped, leavesNoAlert: true))
        let stale = events.filter { $0.members["alert"] == "NABD_DEVICE_STALE" }.map { $0.members["instance"] }
        #expect(stale.count == 2 && stale[0] != nil && stale[0] == stale[1])
        #expect(open().isEmpty)
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

    @Test func aStartEndsWhatAKilledHostLeft() throws {
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
            events[first..<first + 4].map(\.kind) == ["alertEnd", "alertEnd", "alertEnd", "hostStarted"],
            "before anything else")
        #expect(events[first..<first + 3].map { $0.members["instance"] } == ["a", "b", "c"])
        #expect(events[first..<first + 3].map { $0.members["reason"] } == ["restarted", "removed", "restarted"])
        #expect(events[first..<first + 3].map(\.device) == ["fridge", "gone", nil])
        #expect(open().isEmpty)
        try RecorderRun(folder).recorder.stop()
        #expect(try RecorderRun.alerts(folder).count { $0.contains("end restarted") } == 2, "once and for all")
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
            try RecorderRun.alerts(folder) == ["NABD_JOURNAL_INCOMPLETE start", "NABD_JOURNAL_INCOMPLETE end stopped"])
    }

    @Test func noJournalHasNoAlerts() {
        let open = OpenAlerts(directory: "\(folder.path)/nothing")
        #expect(open.alerts.isEmpty && open.failure == nil)
    }
}
