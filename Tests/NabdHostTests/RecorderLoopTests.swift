import DeviceModel
import Foundation
import Sampling
import TestSupport
import Testing

@testable import LineEngine
@testable import NabdHost
@testable import SampleJournal

@Suite struct RecorderLoopTests {
    private static let second: Int64 = 1_000_000_000
    private static let tick = second / 50
    private let folder: TemporaryFolder

    init() throws { folder = try TemporaryFolder() }

    private func events(_ kind: EventKind) throws -> [EventRecord] {
        try RecorderRun.events(folder, limit: 20_000).filter { $0.kind == kind.name }
    }

    @Test func anEventIsWrittenInTheRoundThatFollowsIt() throws {
        let played = try PlayedRecorder(folder)
        played.at(1.5) { played.report(.lateReply) }
        played.at(1.5 + 0.021) { [folder] in
            let seen = try RecorderRun.events(folder).contains { $0.kind == "lateReply" }
            #expect(seen, "durable a tick later, and not only with the next commit of samples")
        }
        try played.run(seconds: 2)
        #expect(played.totals.events > 0)
    }

    @Test func accountsAreGivenEveryFiveMinutesAndAtTheEnd() throws {
        let played = try PlayedRecorder(folder)
        try played.run(seconds: 601)
        for kind in [EventKind.lineStatistics, .deviceStatistics] {
            let times = try events(kind).map { $0.monotonicNanoseconds - played.clock.start }
            #expect(times == [300, 600, 601].map { $0 * Self.second }, "\(kind)")
        }
    }

    @Test func aStepOfTheWallClockIsToldAndFollowed() throws {
        let played = try PlayedRecorder(folder)
        played.at(1) { played.report(.lateReply) }
        played.at(3) { played.offset += 7 * Self.second }
        played.at(5) { played.report(.lateReply) }
        try played.run(seconds: 6)
        let steps = try events(.clockStepped)
        #expect(steps.map { $0.members["stepMilliseconds"] } == ["7000"])
        #expect(steps.map { $0.monotonicNanoseconds - played.clock.start } == [3 * Self.second])
        #expect(
            try events(.lateReply).map { $0.utc - $0.monotonicNanoseconds } == [500 * Self.second, 507 * Self.second])
    }

    @Test func recordsThatFoundNoRoomAreToldOnce() throws {
        let played = try PlayedRecorder(folder)
        func lose(_ count: Int) { for _ in 0..<count { played.worker.recorder.countLost() } }
        played.at(1.5) { lose(3) }
        played.at(4.5) { lose(2) }
        try played.run(seconds: 6)
        let told = try events(.samplesLost)
        #expect(told.map { $0.members["figure"] } == ["3", "2"])
        #expect(told.allSatisfy { $0.members["cause"] == "ring full" && $0.device == RecorderRun.handle })
        #expect(played.totals.gaps == 2)
    }

    @Test func whatTheDiskRefusedIsWrittenWhenItTakesItAgain() throws {
        let played = try PlayedRecorder(folder)
        played.at(1) { try played.limitEvents(pages: 1) }
        played.at(2) { played.report(.lateReply, times: 500) }
        played.at(3) { [folder] in
            #expect(
                try !RecorderRun.events(folder).contains { $0.kind == "lateReply" }, "refused: else this shows nothing")
            #expect(played.totals.problem != nil)
            try played.limitEvents(pages: nil)
        }
        try played.run(seconds: 5)
        #expect(played.totals.problem == nil)
        #expect(try events(.lateReply).map { $0.members["figure"] } == (1...500).map { "\($0)" }, "all, in their order")
        #expect(try RecorderRun.alerts(folder) == ["NABD_JOURNAL_FAILING start", "NABD_JOURNAL_FAILING end"])
        #expect(
            try RecorderRun.events(folder, limit: 20_000).last?.recorded
                == .sessionBoundary(.hostStopped, leavesNoAlert: true))
    }

    /// The end of an alert may be among what was given up: then nobody may say that all have ended, and the next start
    /// looks.
    @Test func whatWasGivenUpIsToldAndTheAccountOfAlertsIsOpen() throws {
        let played = try PlayedRecorder(folder)
        let more = 1_234
        played.at(1) { try played.limitEvents(pages: 1) }
        played.at(2) { played.report(.lateReply, times: EventQueue.limit + more) }
        played.at(3) { try played.limitEvents(pages: nil) }
        try played.run(seconds: 8)
        let lost = try #require(try events(.eventsLost).first)
        let kept = try events(.lateReply)
        #expect(Int(lost.members["figure"] ?? "") == EventQueue.limit + more - kept.count)
        #expect(
            kept.first?.members["figure"] == "\(EventQueue.limit + more - kept.count + 1)", "the oldest were given up")
        #expect(
            try RecorderRun.events(folder, limit: 20_000).last?.recorded
                == .sessionBoundary(.hostStopped, leavesNoAlert: false))
    }

    @Test func aStopEndsTheSessionWhateverWaits() throws {
        let played = try PlayedRecorder(folder)
        played.at(1) { played.report(.stale, holds: true) }
        played.at(1.999) { played.report(.lateReply, times: 900) }
        try played.run(seconds: 2)
        let written = try RecorderRun.events(folder, limit: 20_000)
        #expect(written.count { $0.kind == "lateReply" } == 900)
        #expect(written.suffix(2).map(\.kind) == ["deviceStatistics", "hostStopped"])
        #expect(written.suffix(2).allSatisfy { $0.monotonicNanoseconds - played.clock.start == 2 * Self.second })
    }
}
