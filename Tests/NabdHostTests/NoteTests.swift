import DeviceModel
import Foundation
import GRDB
import Synchronization
import TestSupport
import Testing

@testable import NabdHost
@testable import SampleJournal

@Suite struct NoteTests {
    private let folder: TemporaryFolder

    init() throws { folder = try TemporaryFolder() }

    @Test func theNumberIsThatOfTheDurableEvent() async throws {
        let run = try RecorderRun(folder)
        let recorder = run.recorder
        let first = try await recorder.note(.clockStepped(milliseconds: 1, at: 5))
        #expect(
            try RecorderRun.events(folder).first { $0.id == first }?.members["stepMilliseconds"] == "1",
            "durable before the answer")
        let numbers = try await withThrowingTaskGroup(of: (Int64, Int64).self) { group in
            for figure in Int64(10)..<50 {
                group.addTask { (figure, try await recorder.note(.clockStepped(milliseconds: figure, at: 5))) }
            }
            return try await group.reduce(into: [Int64: Int64]()) { $0[$1.1] = $1.0 }
        }
        #expect(numbers.count == 40, "each has a number of its own")
        let events = try RecorderRun.events(folder)
        for (number, figure) in numbers {
            #expect(events.first { $0.id == number }?.members["stepMilliseconds"] == "\(figure)")
        }
        run.recorder.stop()
    }

    @Test func aDiskThatRefusesLeavesNothingBehind() async throws {
        // The events' file may have ten pages: what needs more is refused as on a full disk, small events still fit.
        let run = try RecorderRun(folder) { try $0.events.read { try $0.execute(sql: "PRAGMA max_page_count=10") } }
        let recorder = run.recorder
        let long = String(repeating: "x", count: 50_000)
        let error = await #expect(throws: NoteError.self) {
            _ = try await recorder.note(.journalSetAside(file: "f", reason: long, at: 1))
        }
        guard case .refused = error else {
            Issue.record("\(String(describing: error))")
            return
        }
        let number = try await run.recorder.note(.clockStepped(milliseconds: 7, at: 1))
        run.recorder.stop()
        let events = try RecorderRun.events(folder)
        #expect(events.first { $0.id == number }?.kind == "clockStepped")
        #expect(!events.contains { $0.kind == "journalSetAside" })
        #expect(events.map(\.id) == Array(1...Int64(events.count)), "its number went to another")
        #expect(try JournalReader(directory: "\(folder.path)/journal").verify().faults.isEmpty)
    }

    /// What became of notes, by their figures.
    private final class Outcomes: Sendable {
        private let results = Mutex<[Int64: Result<Int64, NoteError>]>([:])

        var all: [Int64: Result<Int64, NoteError>] { results.withLock { $0 } }

        func set(_ figure: Int64, _ result: Result<Int64, NoteError>) { results.withLock { $0[figure] = result } }
    }

    private static func result(of figure: Int64, _ notes: NoteQueue) async -> Result<Int64, NoteError> {
        do throws(NoteError) { return .success(try await notes.note(.clockStepped(milliseconds: figure, at: 1))) } catch
        { return .failure(error) }
    }

    /// What has an effect must not stand in a journal before the session that it belongs to.
    @Test func nothingIsTakenBeforeTheSessionsBeginning() async throws {
        let long = String(repeating: "x", count: 50_000)
        let played = try PlayedRecorder(folder, beginning: [.journalSetAside(file: "f", reason: long, at: 1)])
        let notes = played.notes
        let outcomes = Outcomes()
        /// On the loop's thread, in a pause of its own time: until the note waits there.
        @Sendable func note(_ figure: Int64) {
            Task.detached { outcomes.set(figure, await Self.result(of: figure, notes)) }
            while notes.waiting == 0 { usleep(500) }
        }
        try played.limitEvents(pages: 10)
        played.at(1) { note(1) }
        played.at(2) { try played.limitEvents(pages: nil) }
        played.at(3) { note(3) }
        nonisolated(unsafe) let owned = played
        try await withCheckedThrowingContinuation { done in
            Thread.detachNewThread { done.resume(with: Result { try owned.run(seconds: 4) }) }
        }
        for _ in 0..<1000 where outcomes.all.count < 2 { try await Task.sleep(for: .milliseconds(2)) }
        let found = outcomes.all
        #expect(found[1] == .failure(.refused(reason: "the session's beginning is not written yet")))
        let written = try RecorderRun.events(folder)
        #expect(written.first?.kind == "journalSetAside")
        #expect(written.filter { $0.kind == "clockStepped" }.map { $0.members["stepMilliseconds"] } == ["3"])
        #expect(found[3] == written.first { $0.kind == "clockStepped" }.map { .success($0.id) })
    }

    @Test func nothingIsTakenBeforeTheStartOrAfterTheStop() async throws {
        let idle = Recorder()
        await #expect(throws: NoteError.notRunning) { _ = try await idle.note(.clockStepped(milliseconds: 1, at: 1)) }
        let run = try RecorderRun(folder)
        let recorder = run.recorder
        _ = try await recorder.note(.clockStepped(milliseconds: 1, at: 1))
        run.recorder.stop()
        await #expect(throws: NoteError.notRunning) {
            _ = try await recorder.note(.clockStepped(milliseconds: 2, at: 1))
        }
        #expect(try RecorderRun.events(folder).filter { $0.kind == "clockStepped" }.count == 1)
    }

    @Test func sessionsAndAlertsAreTheHostsOwn() async throws {
        let queue = NoteQueue()
        queue.open()
        await #expect(throws: NoteError.keptByHost(.hostStopped)) {
            _ = try await queue.note(.hostStopped(alertsEnded: 0, at: 1))
        }
        await #expect(throws: NoteError.keptByHost(.alertStart)) {
            _ = try await queue.note(
                .alertStart(AlertRecord(AlertKind.journalFailing.descriptor, instance: nil), at: 1))
        }
    }

    /// Until a note waits in the queue.
    private func wait(_ queue: NoteQueue, for count: Int) async throws {
        for _ in 0..<1000 where queue.waiting < count { try await Task.sleep(for: .milliseconds(2)) }
        #expect(queue.waiting == count)
    }

    @Test func moreThanTheLimitAreRefusedAndAStopAnswersAll() async throws {
        let queue = NoteQueue()
        queue.open()
        let tasks = (0..<NoteQueue.limit).map { figure in
            Task { try await queue.note(.clockStepped(milliseconds: Int64(figure), at: 1)) }
        }
        try await wait(queue, for: NoteQueue.limit)
        await #expect(throws: NoteError.full(limit: NoteQueue.limit)) {
            _ = try await queue.note(.clockStepped(milliseconds: -1, at: 1))
        }
        queue.close()
        queue.open()
        for task in tasks { await #expect(throws: NoteError.notRunning) { _ = try await task.value } }
        await #expect(throws: NoteError.notRunning) { _ = try await queue.note(.clockStepped(milliseconds: -1, at: 1)) }
    }

    @Test func whatIsCancelledIsNotTaken() async throws {
        let queue = NoteQueue()
        queue.open()
        let task = Task { try await queue.note(.clockStepped(milliseconds: 1, at: 1)) }
        try await wait(queue, for: 1)
        task.cancel()
        await #expect(throws: NoteError.cancelled) { _ = try await task.value }
        #expect(queue.take().isEmpty)
    }
}
