import DeviceModel
import Foundation
import JournalFolds
import LineEngine
import Logging
import RealTime
import Sampling
import TestSupport

@testable import NabdHost
@testable import SampleJournal

/// A recorder on a real journal, without lines that run: what a line reports is put into its ring by the test.
final class RecorderRun {
    static let handle = "fridge"

    let configuration: UnitConfiguration
    let worker: LineWorker
    let recorder = Recorder()
    let writer: JournalWriter
    let beginning: SessionBeginning

    /// - Parameters:
    ///   - handle: the one device of the unit.
    ///   - prepare: what is done to the writer before the recorder has it.
    init(
        _ folder: TemporaryFolder, handle: String = RecorderRun.handle, mayLatch: Bool = false,
        prepare: (JournalWriter) throws -> Void = { _ in }
    ) throws {
        var unit = try Self.configure(folder, handle: handle)
        if mayLatch { unit.people = PeopleSettings(operators: "operators.yaml", socket: "people") }
        configuration = unit
        let line = configuration.lines[0]
        worker = LineWorker(address: line.address, plans: line.plans)
        let now = MonotonicClock().now()
        writer = try JournalWriter(directory: configuration.journalDirectory, bootID: "b", now: now, utc: now)
        beginning = SessionBeginning(
            configuration, AlarmHistory(journal: configuration.journalDirectory), at: now, utc: now)
        try writer.record(beginning.events.map(JournalWriter.Event.init), now: now, utcOffset: 0, quality: .unknown)
        try prepare(writer)
        try recorder.start(
            writer, beginning: [],
            alerts: AlertRegister(
                session: writer.sessionKey, ledger: beginning.alarms, mayLatch: mayLatch,
                isWhole: beginning.knowsAllAlerts, at: now),
            standing: [],
            watches: [], desk: nil, beds: nil, commands: nil,
            lines: [(worker, try writer.register(worker.streams))],
            commitEvery: configuration.commitEvery, quality: { .holdover }, priority: 0,
            logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
    }

    /// A unit of one device.
    static func configure(_ folder: TemporaryFolder, handle: String = RecorderRun.handle) throws -> UnitConfiguration {
        let path = try folder.write(
            "unit.yaml",
            """
            nabd: unit/1
            unit: mobile-7
            profiles: \(Repository.path("device-profiles"))
            journal: {directory: journal, commit-every: 20ms}
            devices:
              \(handle): {profile: xy/md02, line: /dev/ttyUSB1, unit: 3}

            """)
        return try UnitConfiguration.load(path)
    }

    /// The line reports that an alert about the link begins or ends.
    func report(_ alert: LinkAlert, holds: Bool) {
        let index = worker.alerts.count - LinkAlert.allCases.count + alert.rawValue
        _ = worker.recorder.ring.push(
            SampleRecord(
                kind: holds ? .alertStart : .alertEnd, index: UInt32(index),
                monotonicNanoseconds: MonotonicClock().now()))
    }

    static func events(_ folder: TemporaryFolder, limit: Int = 10_000) throws -> [EventRecord] {
        try JournalReader(directory: "\(folder.path)/journal").events(after: 0, limit: limit)
    }

    /// Each alert's phases in their order, with the reason of each end: `NABD_DEVICE_STALE start`, `NABD_DEVICE_STALE
    /// end stopped`.
    static func alerts(_ folder: TemporaryFolder) throws -> [String] {
        try events(folder).compactMap { event in
            switch event.recorded {
            case .alertStart(let alert): "\(alert.name) start"
            case .alertEnd(let alert, let reason): "\(alert.name) end\(reason.map { " \($0)" } ?? "")"
            case .command(let kind): kind?.name
            case .alertUpdate(let alert, let standing): "\(alert.name) \(standing.change)"
            case .alarmSwitch, .bed, .sessionBoundary, .other, .unknown: nil
            }
        }
    }
}
