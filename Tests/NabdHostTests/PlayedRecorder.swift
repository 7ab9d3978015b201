import DeviceModel
import Foundation
import GRDB
import LineEngine
import Logging
import RealTime
import Sampling
import TestSupport

@testable import NabdHost
@testable import SampleJournal

/// The recorder's loop on a real journal in a time of its own, which passes only when the loop sleeps.
final class PlayedRecorder {
    private static let second: Int64 = 1_000_000_000

    private let folder: TemporaryFolder
    let clock = PlayedClock()
    let notes = NoteQueue()
    let changes = AskQueue<LineChange, Result<Void, NoteError>>(limit: 1)
    let writer: JournalWriter
    let worker: LineWorker
    /// The wall clock less the monotonic one. Unit: ns.
    var offset: Int64 = 500 * PlayedRecorder.second
    private(set) var totals = Recorder.Totals()
    private let loop: RecorderLoop<PlayedClock>

    /// - Parameter beginning: what the session's journal does not hold yet.
    init(_ folder: TemporaryFolder, beginning: [UnitEvent] = []) throws {
        self.folder = folder
        let configuration = try RecorderRun.configure(folder)
        let line = configuration.lines[0]
        worker = LineWorker(address: line.address, plans: line.plans)
        writer = try JournalWriter(
            directory: configuration.journalDirectory, bootID: "b", now: clock.now(), utc: clock.now(),
            retention: configuration.retention)
        var wall = { [clock, offset] in clock.now() + offset }
        loop = RecorderLoop(
            writer: writer, beginning: beginning,
            alerts: AlertRegister(session: writer.sessionKey, isWhole: true, at: clock.now()),
            lines: [(worker, try writer.register(worker.streams))], notes: notes, changes: changes,
            clock: clock,
            wall: { wall() }, quality: { .holdover }, beat: Beat(),
            logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
        wall = { [unowned self] in clock.now() + offset }
        notes.open()
        changes.open()
    }

    /// What happens at a time of the run. Unit: s since its start.
    func at(_ seconds: Double, _ act: @escaping () throws -> Void) {
        clock.script.append((clock.start + Int64(seconds * Double(Self.second)), act))
    }

    /// Runs it to the end; rethrows what failed in what was to happen.
    func run(seconds: Double, commitEvery: Int64 = 1_000_000_000) throws {
        at(seconds) { [clock] in clock.stop.set() }
        loop.run(until: clock.stop, Rounds.Intervals(commit: commitEvery)) { totals = $0 }
        if let failure = clock.failure { throw failure }
    }

    /// The device reports something a number of times.
    func report(_ event: EventCode, times: Int = 1) {
        for figure in 1...times {
            _ = worker.recorder.ring.push(
                SampleRecord(
                    kind: .event, index: 0, monotonicNanoseconds: clock.now(), bits: Int64(figure), event: event))
        }
    }

    /// Alerts that hold from the beginning.
    func hold(_ standing: [(alert: AlertKind, device: String?)]) { loop.hold(standing) }

    /// What changes in the lines; it is carried out in the next round.
    func change(_ change: LineChange) throws {
        let changes = changes
        Task { _ = try await changes.ask(change) }
        while changes.waiting == 0 { usleep(100) }
    }

    func report(_ alert: LinkAlert, holds: Bool) {
        let index = worker.alerts.count - LinkAlert.allCases.count + alert.rawValue
        _ = worker.recorder.ring.push(
            SampleRecord(kind: holds ? .alertStart : .alertEnd, index: UInt32(index), monotonicNanoseconds: clock.now())
        )
    }

    /// The events' file may not grow beyond this many pages of 4 KiB; what does not fit is refused as on a full disk.
    /// `nil`: it may grow.
    func limitEvents(pages: Int?) throws {
        try writer.events.read { try $0.execute(sql: "PRAGMA max_page_count=\(pages ?? 1_000_000)") }
    }
}

/// Time that passes only when somebody sleeps; what is to happen meanwhile happens then.
final class PlayedClock: MonotonicTime, @unchecked Sendable {
    let start: Int64 = 1_000_000_000
    private lazy var time = start
    let stop = StopFlag()
    /// What is to happen, and when, in the order of time.
    var script: [(time: Int64, act: () throws -> Void)] = []
    private(set) var failure: (any Error)?

    func now() -> Int64 { time }

    func sleep(until deadline: Int64) {
        while let next = script.first, next.time <= deadline {
            script.removeFirst()
            time = max(time, next.time)
            do { try next.act() } catch {
                failure = error
                stop.set()
            }
        }
        time = max(time, deadline)
    }
}
