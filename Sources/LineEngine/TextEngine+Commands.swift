#if Commands
import CommandFacts
import DeviceDrivers
import DevicePlans
import ProfileLanguage
import RealTime

/// Commands: what goes before them, the one transmission, what is looked at behind it; and stops, before everything
/// else.
extension TextEngine {
    /// Nothing is under way: goes on with what commands want.
    mutating func goOnWithCommands(at now: Int64) -> Turn {
        if isStopWanted { beginStop(at: now) }
        if run == nil { beginRun(at: now) }
        guard let run else { return .free }
        guard now < run.deadline else {
            endRun(because: .expired, at: now)
            return .begun
        }
        let plan = self.plan.commands[run.command]
        switch run.step {
        case .barrier:
            guard let barrier = barrier(plan, attempt: run.attempts) else { return passBarrier(at: now) }
            return ask(barrier, at: now)
        case .rest(let until):
            guard now >= until else { return .waits(until) }
            guard isCalm else { return beginAnew(.lineNotClean, at: now) }
            isClean = true
            return goTo(run.behindBarrier, at: now)
        case .prepare(let place):
            guard place < plan.prepare.count else { return goTo(run.isStop ? .effect : .look(0), at: now) }
            return ask(plan.prepare[place], at: now)
        case .look(let place):
            guard place < plan.look.count else { return finishLook(plan, at: now) }
            return ask(plan.look[place], at: now)
        case .effect: return sayEffect(plan, at: now)
        case .settle(let until):
            guard now >= until else { return .waits(until) }
            if case .stop(let stop) = run.goal, stop.isToBeSaid { return goTo(.prepare(0), at: now) }
            return goTo(isClean ? .look(0) : .barrier, at: now)
        }
    }

    // MARK: Beginning

    private mutating func beginRun(at now: Int64) {
        guard let order else { return }
        switch order.content {
        case .look(let command) where plan.commands.indices.contains(Int(command)):
            run = CommandRun(goal: .look(order), command: Int(command), step: isClean ? .look(0) : .barrier)
        case .command(let effect) where plan.commands.indices.contains(Int(effect.command)):
            run = CommandRun(
                goal: .effect(order, effect), command: Int(effect.command), step: isClean ? .prepare(0) : .barrier)
        case .read, .request, .look, .command: return
        }
        self.order = nil
        run?.since = now
    }

    mutating func goTo(_ step: CommandRun.Step, at now: Int64) -> Turn {
        if case .look(0) = step, run?.isStop == true { run?.since = now }
        run?.step = step
        return .begun
    }

    /// A question behind whose answer nothing of before can come: one that the device answers, and another each time.
    private func barrier(_ plan: CommandPlan, attempt: Int) -> Int? {
        var answered = 0
        for request in plan.barriers where isAnswered(request) { answered += 1 }
        guard answered > 0 else { return plan.barriers.isEmpty ? nil : plan.barriers[attempt % plan.barriers.count] }
        var left = attempt % answered
        for request in plan.barriers where isAnswered(request) {
            if left == 0 { return request }
            left -= 1
        }
        return nil
    }

    /// Whether a question was answered when it was last asked.
    private func isAnswered(_ request: Int) -> Bool {
        for question in roster.questions where question.body.request == request { return question.body.isTold }
        return false
    }

    /// No question is known behind which nothing of before can come.
    private mutating func passBarrier(at now: Int64) -> Turn {
        guard let run else { return .free }
        if case .effect = run.goal { return fail(.lineNotClean, at: now) }
        return goTo(run.behindBarrier, at: now)
    }

    /// Asks what may be asked again; waits while its answer could be mistaken. Of a stop only what it shows is waited
    /// for.
    private mutating func ask(_ request: Int, at now: Int64) -> Turn {
        guard let run else { return .free }
        if case (.stop, .prepare) = (run.goal, run.step) {
            guard now >= readyAt else { return .waits(readyAt) }
        } else {
            let quiet = intake.discipline.quietUntil
            guard now >= quiet else { return .waits(min(quiet, run.deadline)) }
            if let expiry = intake.expiry(of: request, now: now) { return .waits(min(expiry, run.deadline)) }
        }
        if case .barrier = run.step { isCalm = true }
        intake.decoder.civilClock = recorder.civilClock
        guard let bytes = intake.decoder.bytes(of: request, time: now) else {
            // It is made of a value that has not been told.
            return missStep(.notFresh, at: now)
        }
        begin(request, bytes)
        return .begun
    }

    private mutating func begin(_ request: Int, _ bytes: [UInt8]) {
        spoken = bytes
        transmit(request)
    }

    /// What is in ``spoken`` goes out.
    mutating func transmit(_ request: Int) {
        if plan.requests[request].reply != nil { intake.decoder.expect(request) }
        unspoken.removeAll(keepingCapacity: true)
        intake.said(spoken)
        phase = .saying(Exchange(purpose: .command, request: request))
    }

    // MARK: The effect

    /// The last thing before the one transmission: everything it was decided on must be so still, now.
    private mutating func sayEffect(_ plan: CommandPlan, at now: Int64) -> Turn {
        guard let run else { return .free }
        switch run.goal {
        case .look: return .free
        case .stop(var stop):
            guard now >= readyAt else { return .waits(readyAt) }
            guard let bytes = intake.decoder.bytes(of: plan.effect, time: now) else {
                // What it is made of may be told by what is asked now.
                stop.isToBeSaid = false
                self.run?.goal = .stop(stop)
                return goTo(.look(0), at: now)
            }
            if !stop.isSaid { report(.said, number: stop.number, at: now) }
            (stop.saidAt, stop.isToBeSaid) = (now, false)
            self.run?.goal = .stop(stop)
            isClean = false
            begin(plan.effect, bytes)
        case .effect(let order, let effect):
            let silence = max(intake.discipline.quietUntil, intake.expiry(of: plan.effect, now: now) ?? 0)
            guard now >= silence else { return .waits(min(silence, order.deadline)) }
            if let objection = objection(to: effect, plan, run, order, at: now) {
                let isPassing = objection == .lineNotClean || objection == .notFresh
                return isPassing ? beginAnew(objection, at: now) : fail(objection, at: now)
            }
            effect.put(into: &effectBytes)
            spoken = effectBytes
            // Its own answer must not be taken for what is read back: a barrier comes between.
            isClean = false
            transmit(plan.effect)
        }
        return .begun
    }

    /// Why an effect is not said now; `nil` when nothing stands against it.
    private mutating func objection(
        to effect: CommandOrder, _ plan: CommandPlan, _ run: CommandRun, _ order: LineOrder, at now: Int64
    ) -> NotSentReason? {
        if now >= order.deadline { return .expired }
        if recorder.stopsAsked(device: 0) != effect.stops { return .stopped }
        if farewellEnd != nil { return .hostStopping }
        if intake.decoder.isStranger { return .otherDevice }
        if !isClean { return .lineNotClean }
        for requirement in plan.requires {
            let since = max(run.since, now - requirement.within)
            switch intake.decoder.passes(plan.watched[requirement.watched], requirement.test, since: since) {
            case true?: break
            case false?: return .changed
            case nil: return .notFresh
            }
        }
        for place in plan.watched.indices {
            guard let told = intake.decoder.told(plan.watched[place]), told.time >= run.since else { return .notFresh }
            if !effect.before[place].isSame(as: told.text) { return .changed }
        }
        return nil
    }

    // MARK: What came of it

    /// An exchange of a command was answered.
    mutating func finishCommand(_ exchange: Exchange, isRefused: Bool, at now: Int64) {
        phase = .idle
        guard let run else { return }
        switch run.step {
        case .barrier where !isRefused || plan.commands[run.command].refusedBarriers.contains(exchange.request):
            self.run?.step = .rest(until: exchange.sent + device.line.slowestReply + wireMargin)
        case .prepare(let place) where !isRefused: self.run?.step = .prepare(place + 1)
        case .look(let place) where !isRefused: self.run?.step = .look(place + 1)
        case .prepare: _ = missStep(.controlRefused, at: now)
        case .barrier, .look: _ = missStep(.notFresh, at: now)
        case .effect where plan.requests[exchange.request].reply == nil:
            finishEffect(exchange, .doubt(.unproven), at: now)
        case .effect: finishEffect(exchange, isRefused ? .rejected : .taken, at: now)
        case .rest, .settle: break
        }
    }

    /// An exchange of a command was not answered in time.
    mutating func expireCommand(_ exchange: Exchange, at now: Int64) {
        phase = .idle
        isClean = false
        let damage = intake.decoder.takeDamage()
        guard let run else { return }
        switch run.step {
        case .effect: finishEffect(exchange, .doubt(damage == nil ? .silent : .damaged), at: now)
        case .prepare: _ = missStep(.controlRefused, at: now)
        case .barrier, .look, .rest, .settle: _ = missStep(.notFresh, at: now)
        }
    }

    private mutating func finishEffect(_ exchange: Exchange, _ answer: OrderOutcome.Kind.Answer, at now: Int64) {
        guard let run else { return }
        switch run.goal {
        case .look: break
        case .effect(let order, _):
            self.run = nil
            tell(order, .sent(answer), said: exchange.sent, at: now)
        case .stop: self.run?.step = .settle(until: now + plan.commands[run.command].settles)
        }
    }

    /// All that is watched was asked for.
    private mutating func finishLook(_ plan: CommandPlan, at now: Int64) -> Turn {
        guard let run else { return .free }
        switch run.goal {
        case .effect: return goTo(.effect, at: now)
        case .look(let order):
            self.run = nil
            tellLook(order, plan, since: run.since, isClean: isClean && !intake.decoder.isStranger, at: now)
        case .stop(let stop):
            guard isClean, isShown(plan, since: run.since) else { return tryStopAgain(plan, stop, at: now) }
            self.run = nil
            report(.proven, number: stop.number, at: now)
        }
        return .begun
    }

    private mutating func tellLook(_ order: LineOrder, _ plan: CommandPlan, since: Int64, isClean: Bool, at now: Int64)
    {
        var outcome = OrderOutcome(order, .looked(isClean: isClean), said: since, time: now)
        for place in plan.watched.indices {
            if let told = intake.decoder.told(plan.watched[place]), told.time >= since {
                outcome.told[place] = ToldText(told.text, at: told.time)
            }
        }
        _ = recorder.outcomes.push(outcome)
    }

    // MARK: What went wrong

    /// A step before the effect brought nothing.
    private mutating func missStep(_ reason: NotSentReason, at now: Int64) -> Turn {
        guard let run else { return .free }
        if case .stop(let stop) = run.goal {
            switch run.step {
            case .prepare(let place): return goTo(.prepare(place + 1), at: now)
            case .barrier, .look, .rest, .settle, .effect:
                return tryStopAgain(plan.commands[run.command], stop, at: now)
            }
        }
        return beginAnew(reason, at: now)
    }

    /// What was prepared and read is void: all of it again, a few times.
    private mutating func beginAnew(_ reason: NotSentReason, at now: Int64) -> Turn {
        guard let run else { return .free }
        if case .stop(let stop) = run.goal { return tryStopAgain(plan.commands[run.command], stop, at: now) }
        guard run.attempts + 1 < CommandRun.mostAttempts else { return fail(reason, at: now) }
        isClean = false
        self.run?.attempts += 1
        self.run?.step = .barrier
        self.run?.since = now
        return .begun
    }

    mutating func fail(_ reason: NotSentReason, at now: Int64) -> Turn {
        endRun(because: reason, at: now)
        return .begun
    }

    /// Ends what is being done without having said an effect.
    mutating func endRun(because reason: NotSentReason, at now: Int64) {
        guard let run else { return }
        self.run = nil
        switch run.goal {
        case .look(let order), .effect(let order, _): drop(order, because: reason, at: now)
        case .stop(let stop): report(.notDelivered, number: stop.number, at: now)
        }
    }

    /// The line is gone. What was being said may have been heard; a stop goes on when the line is back.
    mutating func loseCommand(_ exchange: Exchange?, at now: Int64) {
        isClean = false
        guard let run else { return }
        switch (run.goal, run.step) {
        case (.effect(let order, _), .effect):
            guard let exchange, exchange.sent > 0 else { return endRun(because: .lineLost, at: now) }
            self.run = nil
            tell(order, .sent(.doubt(.lineLost)), said: exchange.sent, at: now)
        case (.look, _), (.effect, _): endRun(because: .lineLost, at: now)
        case (.stop(var stop), _):
            // Told once and at once, and tried all the same.
            if !stop.isLossTold { report(.notDelivered, number: stop.number, at: now) }
            stop.isLossTold = true
            stop.isToBeSaid = !stop.isSaid || plan.commands[run.command].mayBeRepeated
            self.run?.goal = .stop(stop)
            self.run?.step = .settle(until: now)
        }
    }

    /// The line was opened: what followed a barrier of the line before says nothing of this one.
    mutating func forgetBarrier() {
        isClean = false
        if case .rest? = run?.step { run?.step = .barrier }
    }

    /// The host stops. Of an effect that was said the answer is waited for, and a stop is said.
    mutating func leaveCommand(at now: Int64) {
        if case .effect? = run?.step, case .command? = exchange?.purpose { return }
        if run?.isStop != true { endRun(because: .hostStopping, at: now) }
    }

    /// What is no stop, and has taken too long while the session is opened, is given up.
    mutating func giveUpLate(at now: Int64) {
        if let run, !run.isStop, now >= run.deadline { endRun(because: .expired, at: now) }
    }
}
#endif
