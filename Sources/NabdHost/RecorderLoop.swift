import Alarms
import DeviceModel
import Foundation
import LineEngine
import Logging
import RealTime
import SampleJournal
import Sampling

/// The recorder's thread: what its parts decide is done here.
final class RecorderLoop<Clock: MonotonicTime> {
    /// How often what was drained is shown to whoever asks. Unit: ns.
    private static var showEvery: Int64 { 250_000_000 }
    /// A write that takes this long is told. Unit: ns.
    private static var slowDisk: Int64 { 1_000_000_000 }

    let writer: JournalWriter
    private(set) var lines: [(worker: LineWorker, streams: [Int])]
    /// The civil time of the unit less UTC, by the machine's own time zone. Unit: ns.
    private let zone = Int64(TimeZone.current.secondsFromGMT()) * 1_000_000_000
    let notes: NoteQueue
    let changes: AskQueue<LineChange, Result<Void, NoteError>>
    let clock: Clock
    private let wall: () -> Int64
    let judgeClock: () -> ClockQuality
    private let beat: Beat
    let logger: Logger
    private var lineLog: LineLog
    var alertLog: AlertLog
    var events: EventQueue
    var alerts: AlertRegister
    /// The file of events that says what the alerts before it came to.
    var summarised: String?
    var clockWatch: ClockWatch
    private var losses: LossWatch
    var condition = JournalCondition()
    var totals = Recorder.Totals()
    /// Asked at each round of maintenance.
    var watches: [AlarmWatch] = []
    /// The command path; `nil` where no pump is driven.
    var commands: DeskRounds?
    /// What answers people; `nil` where there is no way in for them.
    var desk: HostDesk?
    /// The beds of the unit; `nil` where it never had any.
    var beds: BedRounds?
    /// What pumps show, held against what they say.
    var infusions = InfusionWatches()
    /// Who may look from afar; `nil` where there is no way in for people.
    var consultations: ConsultationRounds?
    /// Why no patient can be kept, as it was told last.
    var toldStoreFault: String?

    /// - Parameters:
    ///   - beginning: events that the journal has not taken yet.
    ///   - alerts: those that stand.
    ///   - changes: what changes in the lines while it runs.
    ///   - wall: the wall clock. Unit: ns since 1970.
    ///   - quality: how sure it is.
    ///   - beat: gets the thread's signs of life.
    init(
        writer: JournalWriter, beginning: [UnitEvent], alerts: AlertRegister,
        lines: [(worker: LineWorker, streams: [Int])], notes: NoteQueue,
        changes: AskQueue<LineChange, Result<Void, NoteError>> = AskQueue(limit: 1), clock: Clock,
        wall: @escaping () -> Int64,
        quality: @escaping () -> ClockQuality, beat: Beat, logger: Logger
    ) {
        self.writer = writer
        self.lines = lines
        self.notes = notes
        self.changes = changes
        self.clock = clock
        self.wall = wall
        judgeClock = quality
        self.beat = beat
        self.logger = logger
        lineLog = LineLog(logger: logger)
        alertLog = AlertLog(logger: logger)
        totals.picture = RecordedPicture(lines.map(\.worker))
        events = EventQueue(beginning: beginning)
        self.alerts = alerts
        clockWatch = ClockWatch(monotonic: clock.now(), wall: wall())
        // What holds from the beginning begins before the first look at the clock.
        self.alerts.utcOffset = clockWatch.offset
        losses = LossWatch(lines: lines.count)
    }

    /// Alerts that hold from the beginning to the end, each about a device or the host.
    func hold(_ standing: [(alert: AlertKind, device: String?)]) {
        for (alert, device) in standing { hold(alert, device: device, true) }
        endWhatIsNotConfigured()
    }

    func run(until stop: StopFlag, _ intervals: Rounds.Intervals, publish: (Recorder.Totals) -> Void) {
        var rounds = Rounds(intervals, from: clock.now())
        totals.holdsJournal = writer.holdsJournal
        publish(totals)
        while !stop.isSet {
            clock.sleep(until: rounds.next)
            let now = clock.now()
            beat.give(at: now)
            let round = rounds.begin(at: now)
            watchClock()
            drain()
            watchInfusions()
            watchBeds()
            show(publish)
            // From here on the thread is the disk's as often as its own.
            beat.give(at: clock.now(), into: .system)
            changeLines()
            if round.tellsStatistics { tellStatistics() }
            if round.maintains { maintain() }
            if round.maintains {
                for watch in watches { hold(watch.alert, watch.holds()) }
                settleAlarms()
            }
            turnAlarms()
            tellIncidents()
            writeEvents()
            writeNotes()
            turnCommands()
            turnBeds()
            turnConsultations()
            answerAlarms()
            switch round.commit {
            case .none: break
            case .samples, .heartbeat:
                if commit(heartbeat: round.commit == .heartbeat) { rounds.wrote() }
                tellLosses()
                totals.holdsJournal = writer.holdsJournal
                totals.isUnderWay = true
                publish(totals)
            }
            if round.tidies { tidy() }
            beat.give(at: clock.now())
        }
        end()
        publish(totals)
    }

    /// Hands on what was drained, before the disk can hold it up.
    private func show(_ publish: (Recorder.Totals) -> Void) {
        let now = clock.now()
        guard now - totals.picture.time >= Self.showEvery else { return }
        (totals.picture.alerts, totals.picture.alertsBegan) = (alerts.standing, alerts.began)
        totals.picture.time = now
        publish(totals)
    }

    private func watchClock() {
        let before = clock.now()
        let time = wall()
        let after = clock.now()
        if let step = clockWatch.look(before: before, wall: time, after: after) {
            events.add(.clockStepped(milliseconds: step / 1_000_000, at: after))
        }
        let civil = CivilClock(utcOffset: clockWatch.offset, zone: zone)
        for (worker, _) in lines { worker.recorder.tell(civil) }
    }

    // MARK: Lines

    func add(_ worker: LineWorker, streams: [Int]) {
        lines.append((worker, streams))
        losses.add()
        totals.picture.add(worker)
        layStreams()
    }

    func remove(_ worker: LineWorker) {
        guard let index = lines.firstIndex(where: { $0.worker === worker }) else { return }
        lines.remove(at: index)
        losses.remove(index)
        totals.picture.remove(line: index)
        layStreams()
        add(alerts.endAll(of: worker.alerts, at: clock.now()))
    }

    func add(_ more: [UnitEvent]) { events.add(more) }

    // MARK: Draining

    func drain() {
        for (index, (worker, streams)) in lines.enumerated() {
            // Bounded: what a line adds while it is drained waits for the next round.
            var left = worker.recorder.ring.capacity
            while let other = drainSamples(of: worker, line: index, streams, atMost: &left) {
                switch other.kind {
                case .sample: break
                case .event: take(event: other, ofLine: index)
                case .alertStart: take(alert: other, begins: true, of: worker)
                case .alertEnd: take(alert: other, begins: false, of: worker)
                }
            }
        }
    }

    /// Records a line's samples until something else comes, which is returned; `nil` when there is no more.
    private func drainSamples(
        of worker: LineWorker, line index: Int, _ streams: [Int], atMost left: inout Int
    ) -> SampleRecord? {
        // In locals for the while, where no sample costs the question who else is at them.
        var (picture, infusions) = (RecordedPicture(), InfusionWatches())
        swap(&picture, &totals.picture)
        swap(&infusions, &self.infusions)
        let (ring, beds) = (worker.recorder.ring, beds)
        var other: SampleRecord?
        var samples: Int64 = 0
        writer.append {
            while left > 0, let record = ring.pop() {
                left -= 1
                guard record.kind == .sample else {
                    other = record
                    return nil
                }
                guard streams.indices.contains(Int(record.index)) else { continue }
                samples += 1
                let stream = streams[Int(record.index)]
                picture.add(sample: record, line: index)
                infusions.take(record, stream: stream)
                beds?.watches.take(record, stream: stream)
                return (record, stream)
            }
            return nil
        }
        swap(&picture, &totals.picture)
        swap(&infusions, &self.infusions)
        totals.samples += samples
        return other
    }

    private func take(event record: SampleRecord, ofLine index: Int) {
        let worker = lines[index].worker
        guard worker.devices.indices.contains(Int(record.index)) else { return }
        totals.picture.add(event: record, line: index)
        lineLog.tell(record, of: worker, at: clock.now())
        if record.event.isGap { totals.gaps += 1 }
        let event = UnitEvent.line(
            record.event, device: worker.devices[Int(record.index)], figure: record.bits, text: record.textValue,
            repeated: record.repeats, at: record.monotonicNanoseconds)
        if let event { events.add(event) }
    }

    private func take(alert record: SampleRecord, begins: Bool, of worker: LineWorker) {
        guard worker.alerts.indices.contains(Int(record.index)) else { return }
        let alert = worker.alerts[Int(record.index)]
        let time = record.monotonicNanoseconds
        alertLog.tell(alert.occurrence(nil), begins: begins, times: record.repeats, at: clock.now())
        watchInfusion(alert, begins: begins, at: time)
        if begins {
            events.add(alerts.begin(alert, repeated: record.repeats, at: time))
        } else {
            events.add(alerts.end(alert, repeated: record.repeats, at: time))
        }
    }

    // MARK: Writing

    /// Returns whether the journal took them.
    @discardableResult
    func writeEvents() -> Bool {
        let batch = events.batch
        guard !batch.isEmpty else { return true }
        let start = clock.now()
        defer { tellSlowness(since: start) }
        let last: Int64
        do {
            last = try writer.record(
                batch.map(JournalWriter.Event.init), now: start, utcOffset: clockWatch.offset, quality: judgeClock())
        } catch {
            complain(error)
            if events.keepWithinLimit() > 0 { loseEvents() }
            return false
        }
        totals.events += Int64(batch.count)
        commands?.took(batch, first: last - Int64(batch.count) + 1)
        beds?.took(batch, first: last - Int64(batch.count) + 1, utcOffset: clockWatch.offset)
        consultations?.took(batch, first: last - Int64(batch.count) + 1, utcOffset: clockWatch.offset)
        events.take(batch.count, at: clock.now())
        if events.keepWithinLimit() > 0 { loseEvents() }
        return true
    }

    /// Writes what others wait for, and answers each: what the disk refuses is given up at once, never kept.
    private func writeNotes() {
        let waiting = notes.take()
        guard !waiting.isEmpty else { return }
        guard events.isBegun else {
            for note in waiting {
                note.answer(.failure(.refused(reason: "the session's beginning is not written yet")))
            }
            return
        }
        let start = clock.now()
        defer { tellSlowness(since: start) }
        do {
            let last = try writer.record(
                waiting.map { JournalWriter.Event($0.question) }, now: start, utcOffset: clockWatch.offset,
                quality: judgeClock())
            totals.events += Int64(waiting.count)
            for (note, number) in zip(waiting, (last - Int64(waiting.count) + 1)...last) {
                note.answer(.success(number))
            }
        } catch {
            complain(error)
            for note in waiting { note.answer(.failure(.refused(reason: "\(error)"))) }
        }
    }

    /// Says what was lost without a word so far: records that never found room in a ring, samples that the disk never
    /// took.
    func tellLosses() {
        let now = clock.now()
        for (index, line) in lines.enumerated() {
            guard let lost = losses.ring(index, total: line.worker.recorder.lost) else { continue }
            totals.gaps += 1
            events.add(.samplesLost(lost, device: line.worker.devices.first, cause: .ring, at: now))
        }
        guard let lost = losses.disk(total: writer.droppedSamples) else { return }
        totals.gaps += 1
        events.add(.samplesLost(lost, cause: .disk, at: now))
    }

    /// What has been counted of each line and of each device on it.
    func tellStatistics() {
        let now = clock.now()
        for line in lines {
            let summary = LineSummary(line.worker, now: now)
            events.add(.lineStatistics(device: line.worker.devices.first, summary.members, at: now))
            events.add(summary.devices.map { UnitEvent.deviceStatistics(device: $0.handle, $0.members, at: now) })
        }
    }

    // MARK: The journal itself

    private func maintain() {
        do {
            let isWithinLimit = try writer.maintain(
                now: clock.now(), utc: clock.now() + clockWatch.offset, quality: judgeClock())
            hold(.journalOverLimit, !isWithinLimit)
            if isWithinLimit, !writer.isShedding { hold(.journalShedding, false) }
        } catch {
            // That nothing could be given up is no reason to say that nothing is stored.
            if !alerts.holds(.journalOverLimit) {
                logger.error("the journal could not be brought within its limit", metadata: ["reason": "\(error)"])
            }
            hold(.journalOverLimit, true)
        }
    }

    func tellIncidents() {
        for incident in writer.takeIncidents() {
            let (event, words) = incident.event(at: clock.now())
            events.add(event)
            if let alert = incident.alert { hold(alert, true) }
            if incident.losesEvents { loseEvents() }
            if case .pruned = incident { logger.info("\(words)") } else { logger.error("\(words)") }
        }
    }

    func hold(_ alert: AlertKind, device: String? = nil, vmd: String? = nil, _ holds: Bool) {
        let now = clock.now()
        let told = alerts.set(alert, device: device, vmd: vmd, holds: holds, at: now)
        guard !told.isEmpty else { return }
        alertLog.tell(
            AlertRecord(device: device, vmd: vmd, alert.descriptor, instance: nil), begins: holds, times: 0, at: now)
        add(told)
    }

    /// Says that the disk was slow: lines go on meanwhile, but an event behind it had to wait.
    func tellSlowness(since start: Int64) {
        let now = clock.now()
        guard now - start >= Self.slowDisk else { return }
        events.add(.journalSlow(milliseconds: (now - start) / 1_000_000, at: now))
        logger.warning(
            "the journal's disk is slow: alarms wait for it", metadata: ["milliseconds": "\((now - start) / 1_000_000)"]
        )
    }

    private func commit(heartbeat: Bool) -> Bool {
        let now = clock.now()
        defer { tellSlowness(since: now) }
        do {
            let count = try writer.commit(
                now: now, utc: now + clockWatch.offset, quality: judgeClock(), heartbeat: heartbeat)
            if condition.recover(hasAllEvents: events.waiting.isEmpty) {
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
        do {
            try writer.tidy(now: now)
            condition.tidy()
        } catch {
            say(error, isNew: condition.failToTidy(error))
        }
    }

    func complain(_ error: any Error) { say(error, isNew: condition.fail(error)) }

    private func say(_ error: any Error, isNew: Bool) {
        if isNew {
            logger.critical(
                "the journal cannot be written; samples are held in memory", metadata: ["reason": "\(error)"])
        }
        totals.problem = condition.problem
        hold(.journalFailing, true)
    }
}
