import Alarms
import CommandFacts
import DeviceModel
import OperatorDesk
import RealTime
import SampleJournal
import Sampling

/// An alarm of the host, and whether its condition holds now: answered at once, without I/O.
struct AlarmWatch: Sendable {
    let alert: AlertKind
    let holds: @Sendable () -> Bool
}

/// The alerts' part in the recorder's rounds.
extension RecorderLoop {
    /// What time brings about, and, where the events go to a new file, what all before came to.
    func turnAlarms() {
        alerts.utcOffset = clockWatch.offset
        add(alerts.turn(at: clock.now()))
        summariseAlarms()
    }

    /// Whether a setting or a device is refused, and whether this is the safe mode, is known from the first moment on.
    func endWhatIsNotConfigured() {
        for alarm in alerts.standing where alarm.isUnconfirmed {
            switch AlertKind(rawValue: alarm.record.name) {
            case .safeMode?: hold(.safeMode, false)
            case .settingRefused?: hold(.settingRefused, false)
            case .deviceRefused?: hold(.deviceRefused, device: alarm.record.device, false)
            default: break
            }
        }
    }

    /// Ends what a host before this one saw, and this one could have seen and has not.
    func settleAlarms() {
        let now = clock.now()
        var answering: [String: Int64] = [:]
        for line in totals.picture.lines {
            for device in line.worker.devices {
                guard let newest = line.newestValue(of: device) else { continue }
                let period = line.worker.streams.filter { $0.device == device }.map(\.periodNanoseconds).max() ?? 0
                if now - newest <= max(Self.fresh, 3 * period) { answering[device] = period }
            }
        }
        add(alerts.settle(answering: answering, at: now) { newestValid($0) })
    }

    /// When the newest value came that counts, of the metric that an alert is about: of its device, or, where it is
    /// about none, of any device of its bed.
    private func newestValid(_ alert: AlertRecord) -> Int64? {
        totals.picture.lines.flatMap { line in
            zip(line.worker.streams, line.newest).compactMap { stream, record -> Int64? in
                let isOfAlert =
                    alert.device.map { stream.device == $0 && stream.vmd == alert.vmd }
                    ?? (alerts.beds[stream.device] == alert.bed)
                guard isOfAlert, stream.metric == alert.metric,
                    record.validity == .valid || record.validity == .validated
                else { return nil }
                return record.monotonicNanoseconds
            }
        }.max()
    }

    /// Events were given up, and among them may be some of alerts: what stands is said once more.
    func loseEvents() {
        alerts.loseEvents()
        summarised = nil
    }

    // MARK: People

    /// What people ask about alerts: it has happened when it is durable, and not before.
    func answerAlarms() {
        for asked in desk?.alarms.take() ?? [] { asked.answer(answer(asked.question)) }
    }

    private func answer(_ ask: AlarmAsk) -> DeskAnswer {
        let refused = DeskAnswer.refused(
            code: "notRecorded",
            words: "This unit cannot record anything now, so nothing was done: see to the alarm at the device itself.",
            command: nil)
        guard events.isBegun, writeEvents(), events.waiting.isEmpty else { return refused }
        let now = clock.now()
        let decided: [AlarmEvent]
        do throws(AlarmRefusal) { decided = try decide(ask, at: now) } catch {
            return .refused(code: error.rawValue, words: error.words, command: nil)
        }
        guard !decided.isEmpty else { return .done(words: "It was done already.") }
        var register = alerts
        do {
            try writer.record(
                register.take(decided, at: now).map(JournalWriter.Event.init), now: now,
                utcOffset: clockWatch.offset, quality: judgeClock())
        } catch {
            complain(error)
            return refused
        }
        totals.events += Int64(decided.count)
        alerts = register
        return .done(words: Self.words(decided, at: now))
    }

    private func decide(_ ask: AlarmAsk, at now: Int64) throws(AlarmRefusal) -> [AlarmEvent] {
        let people = [ask.by.id]
        switch ask.request {
        case .acknowledge(let instances, let priorities):
            return try alerts.ledger.acknowledge(instances, seenAs: priorities, by: people)
        case .pause(let bed, let seconds):
            return try alerts.ledger.pause(bed: bed, for: Int64(seconds) * 1_000_000_000, by: people, at: now)
        case .switchOff(let off):
            guard let facts = alerts.facts(of: off) ?? watchedFacts(of: off) else { throw .noSuchAlarm }
            return try alerts.ledger.switchOff(off, nature: facts.nature, priority: facts.priority, by: people)
        case .switchOn(let off): return try alerts.ledger.switchOn(off, by: people)
        }
    }

    /// What is known of an alarm that does not stand, and whose bed's preset has it.
    private func watchedFacts(of off: AlarmSwitch) -> (nature: AlertNature, priority: AlertPriority)? {
        beds?.watches.facts(of: off)
    }

    private static func words(_ events: [AlarmEvent], at now: Int64) -> String {
        let words: [String] = events.compactMap { event in
            switch event {
            case .changed(let record, .acknowledged): "Acknowledged: \(record.text ?? record.name)"
            case .ended(let record, _, _, _): "Acknowledged, and over: \(record.text ?? record.name)"
            case .changed(let record, .paused(let until, _)):
                "Silent for \((until - now) / 1_000_000_000) s: \(record.text ?? record.name)"
            case .switchedOff(let off, _):
                "Switched off at \(off.bed) until it has another patient or preset, or the host starts anew: "
                    + off.name
            case .switchedOn(let off, _): "Switched on again at \(off.bed): \(off.name)"
            case .changed, .began, .ledger: nil
            }
        }
        return words.joined(separator: "\n")
    }

    /// How old the newest value of a device may be that counts as answering. Unit: ns.
    private static var fresh: Int64 { 30_000_000_000 }

    /// Whatever went before in other files, each file of events says what it came to: whoever reads begins there.
    func summariseAlarms() {
        guard summarised != writer.eventFile, events.isBegun, events.waiting.isEmpty,
            let summary = alerts.ledger.snapshot(at: clock.now())
        else { return }
        do {
            try writer.record(
                [JournalWriter.Event(summary)], now: clock.now(), utcOffset: clockWatch.offset, quality: judgeClock())
            totals.events += 1
            summarised = writer.eventFile
        } catch { complain(error) }
    }
}
