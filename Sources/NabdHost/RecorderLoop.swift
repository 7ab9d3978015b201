import DeviceModel
import Fieldbus
import Glibc
import LineEngine
import Logging
import RealTime
import SampleJournal
import Sampling

/// The recorder's thread.
final class RecorderLoop {
    /// Events held while the journal takes none.
    private static let pendingLimit = 10_000
    /// A write that takes this long is told. Unit: ns.
    private static let slowDisk: Int64 = 1_000_000_000
    /// A difference between the clocks larger than this is a step of the wall clock. Unit: ns.
    private static let clockStep: Int64 = 500_000_000
    /// A difference between the clocks smaller than this is not followed: what UTC times of samples may be off by. Unit: ns.
    private static let clockPlay: Int64 = 1_000_000
    /// Events of one transaction: a device that raises many does not keep the samples of all others waiting.
    private static let batchLimit = 200

    private let writer: JournalWriter
    private let lines: [(worker: LineWorker, streams: [Int])]
    private let commitEvery: Int64
    private let logger: Logger
    private let clock = MonotonicClock()
    private let notes: NoteQueue
    private var pending: [UnitEvent]
    /// How many of them, the first ones, are the session's beginning.
    private var beginning: Int
    /// Events given up because the journal took none for so long.
    private var droppedEvents: Int64 = 0
    /// Losses already told: of each line's ring, and of the journal's memory.
    private var toldLost: [Int64]
    private var toldDropped: Int64 = 0
    private var totals = Recorder.Totals()
    private var alerts: AlertRegister
    /// Whether every alert that the journal saw begin is in the register, or has ended there: no event was given up, none of earlier sessions is left.
    private var knowsAllAlerts: Bool
    /// Whether the files were looked after since the last commit, and whether that failed.
    private var isTidy = true
    private var cannotTidy = false
    /// What was last told about whose the journal is.
    private var toldOwner: String?
    /// The wall clock less the monotonic one. Unit: ns.
    private var offset: Int64

    init(
        writer: JournalWriter, beginning: [UnitEvent], knowsAllAlerts: Bool, lines: [(worker: LineWorker, streams: [Int])], notes: NoteQueue,
        commitEvery: Int64, logger: Logger
    ) {
        self.writer = writer
        self.notes = notes
        self.knowsAllAlerts = knowsAllAlerts
        alerts = AlertRegister(session: writer.sessionKey)
        pending = beginning
        self.beginning = beginning.count
        self.lines = lines
        self.commitEvery = commitEvery
        self.logger = logger
        offset = WallClock.now() - clock.now()
        toldLost = [Int64](repeating: 0, count: lines.count)
    }

    func run(
        until stop: StopFlag, tick: Int64, heartbeat: Int64, statisticsEvery: Int64, maintainEvery: Int64, publish: (Recorder.Totals) -> Void
    ) {
        var next = clock.now() + tick
        var lastCommit = clock.now()
        var lastWritten = lastCommit
        var lastStatistics = lastCommit
        var lastMaintenance = lastCommit
        totals.holdsJournal = writer.holdsJournal
        publish(totals)
        while !stop.isSet {
            clock.sleep(until: next)
            let now = clock.now()
            next = max(next + tick, now)
            watchClock()
            drain()
            if now - lastStatistics >= statisticsEvery {
                lastStatistics = now
                tellStatistics()
            }
            if now - lastMaintenance >= maintainEvery {
                lastMaintenance = now
                maintain()
            }
            tellIncidents()
            writeEvents()
            writeNotes()
            if now - lastCommit >= commitEvery {
                lastCommit = now
                if commit(heartbeat: now - lastWritten >= heartbeat) { lastWritten = now }
                tellLosses()
                totals.holdsJournal = writer.holdsJournal
                publish(totals)
                // In a round of its own, where there is one: an event waits for a commit or for this, never for both.
                let hasRound = isTidy && commitEvery > tick
                isTidy = false
                if hasRound { continue }
            }
            if !isTidy { tidy() }
        }
        notes.close()
        drain()
        tellIncidents()
        tellLosses()
        tellStatistics()
        let ends = alerts.endAll(at: clock.now())
        pending += ends
        writer.tryAtOnce()
        while !pending.isEmpty, writeEvents() {}
        finish(alertsEnded: ends.count)
        publish(totals)
    }

    private func watchClock() {
        let before = clock.now()
        let wall = WallClock.now()
        let after = clock.now()
        // A thread that was held up between the two readings says nothing about the clocks.
        guard after - before < Self.clockPlay / 10 else { return }
        let current = wall - before - (after - before) / 2
        guard abs(current - offset) > Self.clockPlay else { return }
        let step = current - offset
        offset = current
        guard abs(step) > Self.clockStep else { return }
        pending.append(.clockStepped(milliseconds: step / 1_000_000, at: after))
    }

    // MARK: Draining

    private func drain() {
        for (worker, streams) in lines {
            let ring = worker.recorder.ring
            // Bounded: what a line adds while it is drained waits for the next round.
            var left = ring.capacity
            var samples: Int64 = 0
            writer.append {
                while left > 0, let record = ring.pop() {
                    left -= 1
                    switch record.kind {
                    case .sample:
                        guard streams.indices.contains(Int(record.index)) else { continue }
                        samples += 1
                        return (record, streams[Int(record.index)])
                    case .event: take(event: record, of: worker)
                    case .alertStart, .alertEnd: take(alert: record, of: worker)
                    }
                }
                return nil
            }
            totals.samples += samples
        }
    }

    private func take(event record: SampleRecord, of worker: LineWorker) {
        guard worker.devices.indices.contains(Int(record.index)) else { return }
        log(record, of: worker)
        switch record.event {
        case .deviceStale, .deviceSilent, .deviceDisconnected: totals.gaps += 1
        default: break
        }
        let event = UnitEvent.line(
            record.event, device: worker.devices[Int(record.index)], figure: record.bits, text: record.textValue, at: record.monotonicNanoseconds)
        if let event { pending.append(event) }
    }

    /// What a person must do something about stands in the log as well.
    private func log(_ record: SampleRecord, of worker: LineWorker) {
        let device: Logger.Metadata = ["device": "\(worker.devices[Int(record.index)])", "line": "\(worker.address)"]
        switch record.event {
        case .deviceConnected: logger.info("the device answers", metadata: device)
        case .deviceDisconnected:
            let code = Int32(truncatingIfNeeded: record.bits)
            let path = worker.address.description
            let error: FieldbusError =
                code == EBUSY ? .portHeld(path: path) : code == ENOENT || code == EACCES ? .cannotOpen(path: path, errno: code) : .disconnected(errno: code)
            logger.warning("\(error.description)", metadata: device)
        case .deviceSilent: logger.warning("the device does not answer: \(record.textValue)", metadata: device)
        case .wrongDevice: logger.error("this is not the device that is expected here: its values are withheld", metadata: device)
        case .conflictingReplies: logger.error("two different answers came to one request: are two devices set to one address?", metadata: device)
        case .busContention: logger.warning("somebody else talks on this line, or it is disturbed", metadata: device)
        default: break
        }
    }

    private func take(alert record: SampleRecord, of worker: LineWorker) {
        guard worker.alerts.indices.contains(Int(record.index)) else { return }
        let alert = worker.alerts[Int(record.index)]
        let time = record.monotonicNanoseconds
        if record.kind == .alertStart { pending += alerts.begin(alert, at: time) } else { pending.append(alerts.end(alert, at: time)) }
    }

    // MARK: Writing

    /// Returns whether the journal took them.
    @discardableResult
    private func writeEvents() -> Bool {
        guard !pending.isEmpty else { return true }
        let batch = Array(pending.prefix(Self.batchLimit))
        let start = clock.now()
        defer { tellSlowness(since: start) }
        do {
            try writer.record(batch.map(JournalWriter.Event.init), now: start, utcOffset: offset, quality: .current())
        } catch {
            complain(error)
            if pending.count > Self.pendingLimit {
                let excess = pending.count - Self.pendingLimit
                droppedEvents += Int64(excess)
                // Among them may be the end of an alert: the next start looks for it.
                knowsAllAlerts = false
                // The session's beginning stays.
                pending.removeSubrange(beginning..<(beginning + excess))
            }
            return false
        }
        totals.events += Int64(batch.count)
        pending.removeFirst(batch.count)
        beginning = max(0, beginning - batch.count)
        if droppedEvents > 0 {
            pending.append(.eventsLost(droppedEvents, cause: .disk, at: clock.now()))
            droppedEvents = 0
        }
        return true
    }

    /// Writes what others wait for, and answers each: what the disk refuses is given up at once, never kept.
    private func writeNotes() {
        let waiting = notes.take()
        guard !waiting.isEmpty else { return }
        guard beginning == 0 else {
            for note in waiting { note.answer(.failure(.refused(reason: "the session's beginning is not written yet"))) }
            return
        }
        let start = clock.now()
        defer { tellSlowness(since: start) }
        do {
            let last = try writer.record(waiting.map { JournalWriter.Event($0.event) }, now: start, utcOffset: offset, quality: .current())
            totals.events += Int64(waiting.count)
            for (note, number) in zip(waiting, (last - Int64(waiting.count) + 1)...last) { note.answer(.success(number)) }
        } catch {
            complain(error)
            for note in waiting { note.answer(.failure(.refused(reason: "\(error)"))) }
        }
    }

    /// Says what was lost without a word so far: records that never found room in a ring, samples that the disk never took.
    private func tellLosses() {
        let now = clock.now()
        for (index, line) in lines.enumerated() {
            let lost = line.worker.recorder.lost - toldLost[index]
            guard lost > 0 else { continue }
            toldLost[index] += lost
            totals.gaps += 1
            pending.append(.samplesLost(lost, device: line.worker.devices.first, cause: .ring, at: now))
        }
        let dropped = writer.droppedSamples - toldDropped
        guard dropped > 0 else { return }
        toldDropped += dropped
        totals.gaps += 1
        pending.append(.samplesLost(dropped, cause: .disk, at: now))
    }

    /// What has been counted of each line and of each device on it.
    private func tellStatistics() {
        let now = clock.now()
        for line in lines {
            let summary = LineSummary(line.worker, now: now)
            pending.append(.lineStatistics(device: line.worker.devices.first, summary.members, at: now))
            pending += summary.devices.map { UnitEvent.deviceStatistics(device: $0.handle, $0.members, at: now) }
        }
    }

    // MARK: The journal itself

    private func maintain() {
        do {
            let isWithinLimit = try writer.maintain(utc: clock.now() + offset)
            hold(.journalOverLimit, !isWithinLimit)
            if isWithinLimit, !writer.isShedding { hold(.journalShedding, false) }
        } catch {
            // That nothing could be given up is no reason to say that nothing is stored.
            if !alerts.holds(.journalOverLimit) { logger.error("the journal could not be brought within its limit", metadata: ["reason": "\(error)"]) }
            hold(.journalOverLimit, true)
        }
    }

    private func tellIncidents() {
        for incident in writer.takeIncidents() {
            let (event, words) = incident.event(at: clock.now())
            pending.append(event)
            if let alert = incident.alert { hold(alert, true) }
            if incident.losesEvents { knowsAllAlerts = false }
            if case .pruned = incident { logger.info("\(words)") } else { logger.error("\(words)") }
        }
    }

    private func hold(_ alert: AlertKind, _ holds: Bool) {
        if let event = alerts.set(alert, holds: holds, at: clock.now()) { pending.append(event) }
    }

    /// Says that the disk was slow: lines go on meanwhile, but an event behind it had to wait.
    private func tellSlowness(since start: Int64) {
        let now = clock.now()
        guard now - start >= Self.slowDisk else { return }
        pending.append(.journalSlow(milliseconds: (now - start) / 1_000_000, at: now))
        logger.warning("the journal's disk is slow: alarms wait for it", metadata: ["milliseconds": "\((now - start) / 1_000_000)"])
    }

    private func commit(heartbeat: Bool) -> Bool {
        let now = clock.now()
        defer { tellSlowness(since: now) }
        do {
            let count = try writer.commit(now: now, utc: now + offset, quality: .current(), heartbeat: heartbeat)
            // Events are a file of their own: while they wait, the journal is not whole.
            if totals.problem != nil, pending.isEmpty, !cannotTidy {
                logger.notice("the journal is written again")
                totals.problem = nil
                hold(.journalFailing, false)
            }
            return count > 0 || heartbeat
        } catch {
            complain(error)
            return false
        }
    }

    private func tidy() {
        let now = clock.now()
        defer { tellSlowness(since: now) }
        isTidy = true
        do {
            try writer.tidy(now: now)
            cannotTidy = false
        } catch {
            cannotTidy = true
            complain(error)
        }
    }

    /// - Parameter alertsEnded: how many alerts were ended just before.
    private func finish(alertsEnded: Int) {
        let now = clock.now()
        let stopped = UnitEvent.hostStopped(alertsEnded: knowsAllAlerts && pending.isEmpty ? alertsEnded : nil, at: now)
        // Each by itself: a fault of one file must not cost what the other still takes.
        do {
            try writer.record([JournalWriter.Event(stopped)], now: now, utcOffset: offset, quality: .current())
            totals.events += 1
        } catch {
            complain(error)
        }
        do {
            try writer.finish(now: now, utc: now + offset, quality: .current())
        } catch {
            complain(error)
        }
        guard writer.unwrittenSamples > 0 || !pending.isEmpty else { return }
        logger.critical(
            "what was held in memory is lost with this stop: the disk did not take it",
            metadata: ["samples": "\(writer.unwrittenSamples)", "events": "\(pending.count)", "reason": "\(totals.problem ?? "")"])
    }

    private func complain(_ error: any Error) {
        let words = String(describing: error)
        // Once: the words of each attempt may differ. But for what somebody must do something about.
        var isNew = totals.problem == nil
        switch error {
        case JournalError.heldByAnother, JournalError.changedMeanwhile:
            isNew = words != toldOwner
            toldOwner = words
        default: break
        }
        if isNew { logger.critical("the journal cannot be written; samples are held in memory", metadata: ["reason": "\(words)"]) }
        totals.problem = words
        hold(.journalFailing, true)
    }
}
