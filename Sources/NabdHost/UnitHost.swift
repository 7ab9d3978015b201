package import DeviceModel
import DevicePlans
import Foundation
import JournalFolds
import LineEngine
package import Logging
import Observability
import ProfileLanguage
package import RealTime
import SampleJournal
import Sampling
import ServiceLifecycle
import Synchronization
import Uplink

/// What a run of the host came to.
package struct HostSummary: Sendable {
    package var devices = 0
    package var samples: Int64 = 0
    package var events: Int64 = 0
    package var gaps: Int64 = 0
    /// Lateness of the lines' wake-ups; `nil` before the first. Unit: ns.
    package var latenessMedian: Int64?
    package var latenessP99: Int64?
    package var missedDeadlines: Int64 = 0
    package var requests: Int64 = 0
    package var replies: Int64 = 0
    package var journalBytes: Int64 = 0
    package var resourcesStored = 0
    package var resourcesParked = 0
    /// What each line and its devices have come to.
    package var lines: [LineSummary] = []
    /// `nil` while running, or without an uplink.
    package var resourcesPending: Int?
    package var uplinkProblem: String?
    package var journalProblem: String?
    /// Whether memory is locked, and how the lines' threads are scheduled; `nil` before they run.
    package var memory: MemoryLock?
    package var scheduling: String?

    /// Bytes of the journal's files for each sample of this run; `nil` without samples.
    package var journalBytesPerSample: Double? { samples > 0 ? Double(journalBytes) / Double(samples) : nil }
}

/// The host: lines, journal and uplink of one unit, composed.
package final class UnitHost: Service {
    /// When the journal is first witnessed, and how often from then on. Unit: s.
    private static let firstWitness = 5
    private static let witnessEvery = 3600

    /// What the host runs by, which a word may change while it runs.
    struct Running: Sendable {
        var configuration: UnitConfiguration
        var workers: [LineWorker]
    }

    let running: Mutex<Running>
    /// Reads the configuration anew; `nil` where that is never asked for.
    let reading: (@Sendable () throws -> UnitConfiguration)?
    let logger: Logger
    let recorder = Recorder()
    let clock: ClockJudge
    /// What delivers, where this process does.
    private let uplink: UplinkHost?
    /// What serves the screens, where this process does.
    private let console: ConsoleHost?
    /// What answers people; `nil` where this unit has no way in for them.
    let desk: HostDesk?
    /// How delivery is, whichever process does it; `nil` for a unit without an uplink.
    let view: UplinkView?
    /// Whether somebody changes what is recorded.
    private let recordWatch: RecordWatch
    /// What looks at the machine now and then.
    let examiner = UnitExaminer()

    package var configuration: UnitConfiguration { running.withLock { $0.configuration } }
    var workers: [LineWorker] { running.withLock { $0.workers } }

    /// Puts the host together. Nothing runs, and nothing is opened, before ``run()``.
    ///
    /// - Parameter reading: reads the configuration anew, when SIGHUP asks for it.
    package init(
        _ configuration: UnitConfiguration, role: HostRole = .all, logger: Logger,
        reading: (@Sendable () throws -> UnitConfiguration)? = nil
    ) {
        self.reading = reading
        self.logger = logger
        clock = ClockJudge(file: configuration.clockFile)
        let workers = configuration.lines.map { LineWorker(address: $0.address, plans: $0.plans) }
        running = Mutex(Running(configuration: configuration, workers: workers))
        desk = configuration.people.map { _ in
            HostDesk(configuration.pumps == nil ? nil : configuration.drivenPumps(workers))
        }
        let recorder = recorder
        uplink =
            role.delivers
            ? UplinkHost(configuration, mayWrite: { recorder.totals.holdsJournal }, logger: logger) : nil
        console = ConsoleHost(configuration, role: role, logger: logger)
        let clock = clock
        view = configuration.uplink.map {
            UplinkView($0, journal: configuration.journalDirectory, limits: configuration.uplinkLimits, clock: clock)
        }
        recordWatch = RecordWatch(journal: configuration.journalDirectory, logger: logger)
    }

    /// Runs until a graceful shutdown, then stops in the order of the data: lines, journal, uplink.
    package func run() async throws {
        do { try await runToTheEnd() } catch {
            await uplink?.abandon()
            throw error
        }
    }

    private func runToTheEnd() async throws {
        let memory = configuration.realTimePriority > 0 ? MemoryLock.lock() : nil
        memoryLock.withLock { $0 = memory }
        let (writer, beginning, unwritten) = try openJournal()
        let lines = try workers.map { (worker: $0, streams: try writer.register($0.streams)) }
        let beds = makeBeds(session: writer.sessionKey)
        try recorder.start(
            writer, beginning: unwritten,
            alerts: AlertRegister(
                session: writer.sessionKey, ledger: beginning.alarms, mayLatch: desk != nil,
                isWhole: beginning.knowsAllAlerts,
                beds: configuration.bedOfDevice, at: MonotonicClock().now()),
            standing: standing,
            watches: watches, desk: desk, beds: beds,
            consultations: desk.map { desk in
                ConsultationRounds(
                    configuration.farDoor, session: writer.sessionKey, asks: desk.consultations)
            }, commands: commands(), lines: lines,
            commitEvery: configuration.commitEvery, quality: clock.now,
            priority: configuration.realTimePriority > 0 ? max(1, configuration.realTimePriority - 10) : 0,
            logger: logger)
        for worker in workers { try worker.start(priority: configuration.realTimePriority) }
        began.withLock { $0 = MonotonicClock().now() }
        let watch = watchService()
        recordWatch.start()
        // For a later start: no sample waits for it.
        if unwritten.isEmpty { keepProfiles() }
        tellProfiles()
        let scheduling = await scheduling()
        schedulingWords.withLock { $0 = scheduling }
        logger.info(
            "nabd is running",
            metadata: [
                "unit": "\(configuration.unit)", "devices": "\(configuration.devices.count)",
                "lines": "\(workers.count)",
                "scheduling": "\(scheduling)", "memory": "\(memory?.rawValue ?? "not asked for")",
                "journal": "\(configuration.journalDirectory)",
            ])
        let uplinkTask = uplink.map { uplink in Task { await uplink.deliver() } }
        let consoleTask = console.map { console in Task { await console.show() } }
        let viewTask = view.map { view in Task { await view.run() } }
        let examining = Task { await examiner.run { [self] in configuration } }
        let door = Task { await openDoor() }
        let rules = Task { await readRules() }
        let status = Task { await tellStatus() }
        let witness = Task { await witnessJournal() }
        let reload = Task { await reloadWhenTold() }
        try? await gracefulShutdown()
        logger.info("stopping")
        began.withLock { $0 = nil }
        watch?.beginStopping()
        reload.cancel()
        await reload.value
        witness.cancel()
        examining.cancel()
        rules.cancel()
        for worker in workers { worker.askToStop() }
        for worker in workers { worker.stop() }
        recordWatch.stop()
        // The record is whole before anything else is torn down.
        recorder.stop()
        door.cancel()
        await door.value
        status.cancel()
        await status.value?.stop()
        consoleTask?.cancel()
        await consoleTask?.value
        uplinkTask?.cancel()
        await uplinkTask?.value
        viewTask?.cancel()
        await viewTask?.value
        if let left = await uplink?.finish() { pendingAtEnd.withLock { $0 = left } }
        view?.look()
        watch?.stop()
    }

    /// Alerts that hold as long as this host runs.
    private var standing: [(alert: AlertKind, device: String?)] {
        configuration.refused.map(\.alert) + (configuration.isSafe ? [(.safeMode, nil)] : []) + alarmsWithoutDesk
    }

    private var watches: [AlarmWatch] {
        let recordWatch = recordWatch
        let ofRecord = AlarmWatch(alert: .journalChanged) { recordWatch.holds }
        guard let view else { return [ofRecord] }
        let after = configuration.uplinkAlarmAfter
        return [
            ofRecord,
            AlarmWatch(alert: .uplinkFailing) { view.isFailing(for: after) },
            AlarmWatch(alert: .uplinkContradicted) { view.now.isContradicted },
            AlarmWatch(alert: .uplinkAllowanceNear) { view.now.stage == .noWaveforms },
            AlarmWatch(alert: .uplinkAllowanceSpent) { view.now.stage == .alarmsAndPumpEvents },
            AlarmWatch(alert: .identityShared) { view.now.isShared },
            AlarmWatch(alert: .certificateExpiring) { view.isExpiring },
            AlarmWatch(alert: .identityFaulty) { view.isIdentityFaulty },
        ]
    }

    /// Keeps what the unit reads by, for a day on which it can no longer be read where it stands.
    func keepProfiles() {
        let kept = KeptProfiles(journal: configuration.journalDirectory)
        do {
            if let accepted = configuration.accepted { try kept.keep(accepted) }
            for device in configuration.devices { try kept.keep(device.plan.profile) }
        } catch {
            logger.warning("the profiles in use could not be kept", metadata: ["folder": "\(kept.folder)"])
        }
    }

    /// Signs how far the chain of events has come: soon after the start, then every hour. Without the unit's key nobody
    /// can.
    private func witnessJournal() async {
        guard let endpoint = configuration.uplink else { return }
        var isTold = false
        var pause = Self.firstWitness
        while (try? await Task.sleep(for: .seconds(pause))) != nil {
            pause = Self.witnessEvery
            do {
                if let fault = endpoint.fault { throw fault }
                let reader = try JournalReader(directory: configuration.journalDirectory)
                let event = try WitnessSignature.event(
                    for: reader, key: endpoint.clientKey, certificate: endpoint.clientCertificate,
                    at: MonotonicClock().now())
                if let event { _ = try await note(event) }
            } catch {
                if !isTold { logger.warning("the journal has no witness", metadata: ["reason": "\(error)"]) }
                isTold = true
            }
        }
    }

    private let pendingAtEnd = Mutex<Int?>(nil)
    /// When the lines' threads were started; `nil` before, and from the stop on. Unit: ns of the monotonic clock.
    let began = Mutex<Int64?>(nil)
    private let memoryLock = Mutex<MemoryLock?>(nil)
    private let schedulingWords = Mutex<String?>(nil)

    /// The journal, and what it is to hold first: `unwritten` is what the disk did not take.
    private func openJournal() throws -> (writer: JournalWriter, beginning: SessionBeginning, unwritten: [UnitEvent]) {
        let (now, utc) = (MonotonicClock().now(), WallClock.now())
        let writer = try JournalWriter(
            directory: configuration.journalDirectory, bootID: BootMark.id, now: now, utc: utc,
            retention: configuration.retention, unit: configuration.unit, window: configuration.uplinkWindow)
        let history = AlarmHistory(journal: configuration.journalDirectory)
        if let failure = history.failure {
            logger.warning("alerts of earlier sessions may be left open", metadata: ["reason": "\(failure)"])
        }
        let beginning = SessionBeginning(configuration, history, at: now, utc: utc)
        // What cannot be recorded now waits with the recorder, which says so: a unit without a record is better than
        // none.
        do {
            try writer.record(
                beginning.events.map(JournalWriter.Event.init), now: now, utcOffset: utc - now, quality: clock.now())
            return (writer, beginning, [])
        } catch { return (writer, beginning, beginning.events) }
    }

    /// Records an event from any task, and returns its number in the journal when it is durable: what has an effect is
    /// noted before it.
    ///
    /// When it throws, nothing was written and nothing will be; but where a disk failed while it wrote, and the host is
    /// killed before the disk takes anything again, the next start may find that it had kept the event.
    package func note(_ event: UnitEvent) async throws(NoteError) -> Int64 { try await recorder.note(event) }

    /// How the lines' threads are scheduled, once they have begun.
    private func scheduling() async -> String {
        for _ in 0..<50 {
            let outcomes = workers.compactMap(\.scheduling)
            if outcomes.count == workers.count { return Set(outcomes.map(\.rawValue)).sorted().joined(separator: "; ") }
            try? await Task.sleep(for: .milliseconds(10))
        }
        return "not all lines have begun"
    }

    /// What the run has come to so far.
    package var summary: HostSummary {
        let totals = recorder.totals
        let histograms = workers.map(\.recorder.lateness)
        var summary = HostSummary()
        summary.devices = configuration.devices.count
        summary.samples = totals.samples
        summary.events = totals.events
        summary.gaps = totals.gaps
        summary.latenessMedian = LatenessHistogram.quantile(0.5, of: histograms)
        summary.latenessP99 = LatenessHistogram.quantile(0.99, of: histograms)
        summary.missedDeadlines = workers.reduce(0) { $0 + $1.recorder.missedDeadlines }
        summary.requests = workers.reduce(0) { $0 + $1.recorder.total(.requests) }
        summary.replies = workers.reduce(0) { $0 + $1.recorder.total(.replies) }
        let now = MonotonicClock().now()
        summary.lines = workers.map { LineSummary($0, now: now) }
        summary.journalBytes = JournalFiles(directory: configuration.journalDirectory).size
        if let state = view?.now {
            summary.resourcesStored = state.stored
            summary.resourcesParked = state.parked
            summary.uplinkProblem = state.problem
        }
        summary.resourcesPending = pendingAtEnd.withLock { $0 }
        summary.journalProblem = totals.problem
        summary.memory = memoryLock.withLock { $0 }
        summary.scheduling = schedulingWords.withLock { $0 }
        return summary
    }
}

extension UnitConfiguration.Refusal {
    /// What a nurse is told of it.
    var alert: (alert: AlertKind, device: String?) {
        switch part {
        case .device(let handle): (.deviceRefused, handle)
        case .setting("uplink"): (.uplinkFailing, nil)
        case .setting: (.settingRefused, nil)
        }
    }
}
