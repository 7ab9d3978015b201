import CommandFacts
import DevicePlans
import LineEngine
import OperatorDesk

/// What lines report, what is asked of them, and stops.
extension PumpDesk {
    func takeReports(at now: Int64) {
        for pump in pumps {
            while let outcome = pump.line.takeOutcome() { take(outcome, of: pump, at: now) }
            while let report = pump.line.takeStopReport() { take(report, of: pump, at: now) }
        }
        for place in stops.indices where stops[place].number != nil {
            let untold = stops[place].untold
            stops[place].untold = []
            for kind in untold { tellStop(kind, of: stops[place], at: now) }
        }
    }

    private func take(_ outcome: OrderOutcome, of pump: DrivenPump, at now: Int64) {
        if let entering = entering.removeValue(forKey: outcome.number) {
            return enter(entering, outcome, on: pump, at: now)
        }
        for (number, work) in work {
            switch work {
            case .looking(outcome.number, let stops, let rules):
                decide(number, stops: stops, within: rules, outcome, on: pump, at: now)
            case .carrying(outcome.number): carried(number, outcome, on: pump, at: now)
            case .reading(let reading):
                guard case .asked(outcome.number) = reading.step else { continue }
                read(number, reading, outcome, on: pump, at: now)
            default: continue
            }
            return
        }
    }

    /// The line has said the effect, or has not.
    private func carried(_ number: Int64, _ outcome: OrderOutcome, on pump: DrivenPump, at now: Int64) {
        work[number] = nil
        let answer: CommandEvent
        switch outcome.kind {
        case .notSent(let reason): return tell([.notSent(number, reason)], on: pump, at: now)
        case .sent(.taken): answer = .taken(number)
        case .sent(.rejected): answer = .rejected(number)
        case .sent(.doubt(let doubt)): answer = .unanswered(number, doubt)
        // What no line says of a command.
        case .answered, .refused, .unknown, .notSaid, .looked: answer = .unanswered(number, .unproven)
        }
        if outcome.kind != .sent(.rejected) {
            let settles = pump.command(traces[number]?.content.command ?? "")?.plan.settles ?? 0
            work[number] = .reading(DeskWork.ReadingBack(said: outcome.said, from: now + settles))
        }
        tell([.sent(number), answer], on: pump, at: now)
    }

    // MARK: Reading back

    /// Asks what pumps show of which commands are not known to have ended.
    func goOnReading(at now: Int64) {
        for (number, work) in work.sorted(by: { $0.key < $1.key }) {
            guard case .reading(var reading) = work, case .waits(let until) = reading.step, now >= until else {
                continue
            }
            guard let content = traces[number]?.content, let pump = pump(content.pump),
                let command = pump.command(content.command)
            else { continue }
            let order = nextOrder()
            let isHanded = pump.line.hand(
                in: LineOrder(
                    number: order, device: pump.device, content: .look(Int32(command.place)),
                    deadline: now + Self.lookPatience))
            if isHanded {
                reading.count += 1
                reading.step = .asked(order: order)
            } else {
                reading.step = .waits(until: now + DeskWork.ReadingBack.schedule[1])
            }
            self.work[number] = .reading(reading)
        }
    }

    private func read(
        _ number: Int64, _ reading: DeskWork.ReadingBack, _ outcome: OrderOutcome, on pump: DrivenPump, at now: Int64
    ) {
        var reading = reading
        reading.putOff(at: now)
        work[number] = .reading(reading)
        guard let content = traces[number]?.content, let command = pump.command(content.command)?.plan,
            case .looked(let isClean) = outcome.kind
        else { return }
        let shown = ReadBack(
            isAskedAfter: outcome.said > reading.said, isClean: isClean,
            readings: pump.readings(outcome, of: command))
        let event = CommandEvent.readBack(number, shown)
        // What is asked beyond the schedule is told when it decides something.
        var trial = ledger
        let end = trial.apply(event, number: ledger.last + 1, at: now)
        let isOver = reading.count == DeskWork.ReadingBack.schedule.count
        if end != nil || reading.isOfSchedule { tell([event], on: pump, at: now) }
        if end == nil, isOver, case .acknowledged? = ledger.open[number]?.state {
            tell([.undecided(number)], on: pump, at: now)
        }
    }

    // MARK: Stops

    /// A word to the line is an event at once, whoever said it, and whether or not they wait to hear of it: what is
    /// being prepared is void from then on.
    func watchStops(_ asked: [Ask], at now: Int64) {
        for pump in pumps {
            let count = pump.line.stopsAsked(device: pump.device)
            guard count > seenStops[pump.key, default: 0] else { continue }
            seenStops[pump.key] = count
            for (number, work) in work {
                guard case .looking = work, traces[number]?.content.pump == pump.key else { continue }
                self.work[number] = nil
                starting.removeValue(forKey: number)?(DeskRefusal(.stopPending, number).answer)
            }
            dropEntering(on: pump.key) { DeskRefusal(.stopPending, $0) }
            let person = asked.lazy.compactMap { ask -> Operator? in
                if case .stop(pump.handle, let person) = ask.request { person } else { nil }
            }.first
            stops.append(AskedStop(pump: pump.key, count: count, since: now))
            tell([.stopAsked(pump.key, by: person ?? Operator("unknown"))], on: pump, at: now)
        }
    }

    /// Somebody wants to know what became of a stop; the line was told already.
    func stop(_ device: String, _ ask: Ask) throws(DeskRefusal) {
        guard let pump = pump(device), !pump.commands.isEmpty else {
            throw DeskRefusal(code: "unknownPump", "This unit cannot stop “\(device)”: stop it by its own keys.")
        }
        guard let place = stops.lastIndex(where: { $0.pump == pump.key }) else {
            throw DeskRefusal(code: "unknownPump", "The line of “\(device)” was not told: stop it by its own keys.")
        }
        stops[place].waiting.append(ask.answer)
        if let kind = stops[place].outcome { tell(place, kind, pump) }
    }

    private func take(_ report: StopReport, of pump: DrivenPump, at now: Int64) {
        // One word to the line may stand for several that asked.
        for place in stops.indices
        where stops[place].pump == pump.key && stops[place].count <= report.number && stops[place].outcome != .proven {
            if stops[place].number == nil {
                stops[place].untold.append(report.kind)
            } else {
                tellStop(report.kind, of: stops[place], at: now)
            }
            if report.kind != .said { stops[place].outcome = report.kind }
            tell(place, report.kind, pump)
        }
    }

    /// Whoever waits for a stop hears what the line told.
    private func tell(_ place: Int, _ kind: StopReport.Kind, _ pump: DrivenPump) {
        switch kind {
        case .said: break
        case .proven:
            answer(place, .stop(asked: true, isProven: true, words: "\(pump.handle) shows that it stands."))
        case .notDelivered:
            answer(
                place,
                .stop(
                    asked: true, isProven: false,
                    words: "Nobody can say that \(pump.handle) stands: stop it by its own keys, now."))
        }
    }

    private func tellStop(_ kind: StopReport.Kind, of stop: AskedStop, at now: Int64) {
        guard let number = stop.number else { return }
        let event: CommandEvent =
            switch kind {
            case .said: .stopSent(stop.pump, of: number)
            case .proven: .stopConfirmed(stop.pump, of: number)
            case .notDelivered: .stopNotDelivered(stop.pump, of: number)
            }
        tell([event], on: pump(stop.pump), at: now)
    }

    private func answer(_ place: Int, _ answer: DeskAnswer) {
        for waiting in stops[place].waiting { waiting(answer) }
        stops[place].waiting = []
    }

    /// Nobody waits for ever, and what is told is forgotten here.
    func endStops(at now: Int64) {
        for place in stops.indices where now - stops[place].since >= Self.stopPatience {
            answer(
                place,
                .stop(
                    asked: true, isProven: nil,
                    words: "It is not known yet whether the pump stands: look at it."))
        }
        stops.removeAll { now - $0.since >= 4 * Self.stopPatience && $0.waiting.isEmpty && $0.untold.isEmpty }
    }
}
