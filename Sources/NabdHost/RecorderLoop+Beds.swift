import Alarms
import DeviceModel
import Logging
import Presets
import RealTime
import SampleJournal
import Sampling
import Scores

/// The beds' part in the recorder's rounds.
extension RecorderLoop {
    /// The alarm of a score that a preset asks for.
    private static var scoreAlarm: String { "NABD_SCORE_HIGH" }

    /// What was drained is judged by the limits of its bed: nothing of it happens on a line's thread.
    func watchBeds() {
        guard let beds else { return }
        let now = clock.now()
        for change in beds.watches.turn(at: now) { take(change) }
        for told in beds.watches.scores(at: now) {
            if told.isNews, let event = UnitEvent.bed(.scoreGiven, told.result.members(bed: told.bed), at: now) {
                add([event])
            }
            judge(told.result, at: told.bed, now: now)
        }
    }

    /// Who is at which bed, and what people ask about it; durable when it has happened.
    func turnBeds() {
        guard let beds else { return }
        guard events.isBegun, writeEvents(), events.waiting.isEmpty else { return beds.refuse() }
        let start = clock.now()
        defer { tellSlowness(since: start) }
        let come = beds.turn(now: start, utc: start &+ clockWatch.offset, file: writer.eventFile) {
            [self] batch, endings in
            // Before the moment from which on the next one may be there: it was about the one who left.
            var register = alerts
            let ends =
                endings.left.flatMap { register.endAll(at: $0, now: start - 1) }
                + endings.rewatched.flatMap { register.endLimits(at: $0, now: start - 1) }
            let last = try recordAtOnce(ends + batch, at: start, judgeClock())
            alerts = register
            return last
        }
        if come.isNews || !come.laid.isEmpty { take(come, of: beds, at: start) }
        tellStoreFault(beds)
    }

    private func take(_ come: BedRounds.Come, of beds: BedRounds, at now: Int64) {
        if !come.laid.isEmpty {
            add(alerts.set(beds: beds.bedOfDevice, now: now))
            for bed in come.laid {
                add(alerts.lookAgain(at: bed, now: now))
                add(alerts.endAll(at: bed, but: beds.devices(at: bed), now: now))
            }
            for sentence in beds.watches.unwatched { logger.warning("\(sentence)") }
        }
        // Before the moment from which on the next one may be there: it was about the one who left.
        for bed in come.left { add(alerts.endAll(at: bed, now: now - 1)) }
        for bed in come.renewed { add(alerts.take(alerts.ledger.switchAllOn(bed: bed), at: now)) }
        for (alert, holds) in beds.alarms() { hold(alert, holds) }
        totals.picture.unwatched = beds.watches.unwatchedLimits
    }

    private func tellStoreFault(_ beds: BedRounds) {
        guard beds.storeFault != toldStoreFault else { return }
        toldStoreFault = beds.storeFault
        if let fault = toldStoreFault {
            logger.error("no patient can be kept, so nobody can be bound to a bed", metadata: ["reason": "\(fault)"])
        }
    }

    /// The streams of the lines as they are drained now.
    func layStreams() {
        let streams = lines.flatMap { line in
            zip(line.worker.streams, line.streams).map { (descriptor: $0, number: $1) }
        }
        infusions.set(streams: streams)
        beds?.set(streams: streams, at: clock.now())
    }

    // MARK: Conditions

    private func take(_ change: LimitChange) {
        let condition = change.condition
        let record = AlertRecord(
            device: condition.key.device, vmd: condition.key.vmd, bed: condition.key.bed, metric: condition.key.metric,
            name: condition.key.alert.rawValue, priority: condition.priority, text: condition.text,
            arabicText: condition.arabicText, instance: nil)
        switch change.what {
        case .begins:
            add(alerts.begin(record, nature: condition.key.alert.nature, latches: condition.isLatching, at: change.at))
        case .priorityRaised:
            add(alerts.take(alerts.ledger.raise(record, latches: condition.isLatching), at: change.at))
        case .unconfirmed: add(alerts.take(alerts.ledger.doubt(record.condition, as: record), at: change.at))
        case .confirmed: add(alerts.take(alerts.ledger.confirm(record.condition, as: record), at: change.at))
        case .ends(.cleared): add(alerts.take(alerts.ledger.end(record.condition), at: change.at))
        case .ends(.notInUse), .ends(.patientLeft), .ends(.notWatched):
            add(alerts.take(alerts.ledger.end(record.condition, reason: .unwatched), at: change.at))
        }
    }

    /// A score is an alarm as its bed's preset says. One that is incomplete says neither that it is high nor that it is
    /// not: what stands goes on, as unconfirmed.
    private func judge(_ result: ScoreResult, at bed: String, now: Int64) {
        guard let beds, result.score == .news2 else { return }
        let met = beds.watches.scoreRules(bed).filter { rule in
            switch rule.threshold {
            case .total(let least): result.total.map { $0 >= least } ?? false
            case .part(let least): result.parts.contains { $0.points >= least }
            }
        }
        let name = beds.watches.name(bed)
        let priority = met.map(\.priority).max { $0.rank < $1.rank } ?? .low
        let record = AlertRecord(
            device: nil, bed: bed, metric: result.score.rawValue, name: Self.scoreAlarm,
            priority: priority,
            text: "\(name.english): \(result.words.english)", arabicText: "\(name.arabic): \(result.words.arabic)",
            instance: nil)
        let stands = alerts.ledger.alarms[record.condition]
        switch (met.isEmpty, stands?.presence) {
        case (false, .on?), (false, .ack?):
            // Whoever acknowledged it has seen it as it was: only what is worse is told again.
            let isWorse = stands.map { $0.priority.rank < priority.rank } ?? false
            add(alerts.take(alerts.ledger.confirm(record.condition), at: now))
            if isWorse { add(alerts.take(alerts.ledger.raise(record, latches: priority == .high), at: now)) }
        case (false, _): add(alerts.begin(record, nature: .physiological, latches: priority == .high, at: now))
        case (true, .on?), (true, .ack?):
            // Another preset may not ask for it at all.
            let isAsked = !beds.watches.scoreRules(bed).isEmpty
            let told =
                isAsked
                ? result.total != nil
                    ? alerts.ledger.end(record.condition) : alerts.ledger.doubt(record.condition)
                : alerts.ledger.drop(record.condition, reason: .unwatched)
            add(alerts.take(told, at: now))
        case (true, _): break
        }
    }
}
