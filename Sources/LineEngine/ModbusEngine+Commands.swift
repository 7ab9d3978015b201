#if Commands
import CommandFacts
import DeviceDrivers
import DevicePlans
import ModbusFrames
import ProfileLanguage
import RealTime

/// Commands: what is looked at before, the one write, what is looked at behind it. Stops are beside it.
extension ModbusEngine {
    /// Nothing is under way on the line: goes on with what commands want.
    mutating func goOnWithCommands(at now: Int64) -> Turn {
        guard isDriven else { return .free }
        takeStops(at: now)
        beginRun(at: now)
        var (isAny, until) = (false, Int64.max)
        for rank in 0...2 {
            for device in devices.indices where devices[device].drive.rank == rank {
                isAny = true
                switch goOn(device, at: now) {
                case .begun: return .begun
                case .waits(let time): until = min(until, time)
                case .free: break
                }
            }
        }
        return isAny ? .waits(until) : .free
    }

    /// One command at a time on a line, and none beside a stop.
    private mutating func beginRun(at now: Int64) {
        guard let order, devices.indices.contains(Int(order.device)), !devices.contains(where: { $0.drive.run != nil })
        else { return }
        let device = Int(order.device)
        let commands = devices[device].drive.commands
        let isClean = devices[device].drive.isClean
        switch order.content {
        case .look(let command) where commands.indices.contains(Int(command)):
            devices[device].drive.run = CommandRun(
                goal: .look(order), command: Int(command), step: isClean ? .look(0) : .barrier)
        case .command(let effect) where commands.indices.contains(Int(effect.command)):
            devices[device].drive.run = CommandRun(
                goal: .effect(order, effect), command: Int(effect.command), step: isClean ? .look(0) : .barrier)
        case .read, .request, .look, .command: return
        }
        self.order = nil
        devices[device].drive.run?.since = now
    }

    private mutating func goOn(_ device: Int, at now: Int64) -> Turn {
        guard let run = devices[device].drive.run else { return .free }
        guard now < run.deadline else {
            endRun(device, because: .expired, at: now)
            return .begun
        }
        let plan = devices[device].drive.commands[run.command]
        switch run.step {
        case .barrier:
            if case .look = run.goal, now < devices[device].drive.doubtUntil {
                return .waits(min(devices[device].drive.doubtUntil, run.deadline))
            }
            guard !plan.barriers.isEmpty else { return beginAnew(device, .lineNotClean, at: now) }
            return ask(device, plan.barriers[run.attempts % plan.barriers.count], at: now)
        case .rest(let until):
            // What lies there unread is looked at before it is called silence.
            let due = max(until, wire.restDue ?? until)
            guard now >= due else { return .waits(due) }
            guard devices[device].drive.isCalm else { return beginAnew(device, .lineNotClean, at: now) }
            devices[device].drive.isClean = true
            return goTo(device, .look(0), at: now)
        case .prepare: return goTo(device, run.isStop ? .effect : .look(0), at: now)
        case .look(let place):
            guard place < plan.look.count else { return finishLook(device, plan, at: now) }
            return ask(device, plan.look[place], at: now)
        case .effect: return askEffect(device, plan, at: now)
        case .settle(let until):
            guard now >= until else { return .waits(until) }
            if case .stop(let stop) = run.goal, stop.isToBeSaid { return goTo(device, .effect, at: now) }
            return goTo(device, devices[device].drive.isClean ? .look(0) : .barrier, at: now)
        }
    }

    mutating func goTo(_ device: Int, _ step: CommandRun.Step, at now: Int64) -> Turn {
        if case .look(0) = step, devices[device].drive.isStopping { devices[device].drive.run?.since = now }
        devices[device].drive.run?.step = step
        return .begun
    }

    /// Reads what may be read again; waits while its answer could be mistaken.
    private mutating func ask(_ device: Int, _ read: Int, at now: Int64) -> Turn {
        guard let run = devices[device].drive.run else { return .free }
        let block = devices[device].drive.reads[read]
        let body = ModbusRead(block, of: devices[device].plan, widest: 0)
        guard let request = body.request(block, wider: 0) else { return missStep(device, .notFresh, at: now) }
        let question = WireQuestion(
            unit: block.unit, request: request, slowestReply: devices[device].plan.line.slowestReply,
            isOnlyShape: true)
        guard now >= readyAt else { return .waits(min(readyAt, run.deadline)) }
        if let expiry = wire.expiry(of: question, now: now) { return .waits(min(expiry, run.deadline)) }
        if case .barrier = run.step { devices[device].drive.isCalm = true }
        wire.ask(question, at: now)
        phase = .exchanging(Exchange(purpose: .command(block), device: device, part: nil, started: now))
        return .begun
    }

    // MARK: The effect

    private mutating func askEffect(_ device: Int, _ plan: CommandPlan, at now: Int64) -> Turn {
        guard let run = devices[device].drive.run else { return .free }
        guard now >= readyAt else { return .waits(min(readyAt, run.deadline)) }
        let write = devices[device].drive.writes[plan.effect]
        switch run.goal {
        case .look: return .free
        case .stop:
            guard let request = devices[device].drive.stops[run.command] else {
                return beginAnew(device, .lineNotClean, at: now)
            }
            ask(device, write, request, at: now)
        case .effect(_, let effect):
            effect.put(into: &devices[device].drive.told)
            guard let request = write.request(devices[device].drive.told) else {
                return fail(device, .lineNotClean, at: now)
            }
            let shape = WireQuestion(unit: write.unit, request: request, slowestReply: 0)
            if let expiry = wire.expiry(of: shape, now: now) { return .waits(min(expiry, run.deadline)) }
            ask(device, write, request, at: now)
        }
        return .begun
    }

    private mutating func ask(_ device: Int, _ write: ModbusWritePlan, _ request: ModbusRequest, at now: Int64) {
        wire.ask(
            WireQuestion(
                unit: write.unit, request: request, slowestReply: devices[device].plan.line.slowestReply,
                isOnlyShape: true), at: now)
        phase = .exchanging(Exchange(purpose: .effect(request), device: device, part: nil, started: now))
    }

    /// The last thing before the one transmission: everything it was decided on must be so still, now. Returns whether
    /// it may go out.
    mutating func maySay(_ exchange: Exchange, at now: Int64) -> Bool {
        guard case .effect = exchange.purpose else { return true }
        let device = exchange.device
        guard let run = devices[device].drive.run else {
            withdraw()
            return false
        }
        switch run.goal {
        case .effect where devices.indices.contains(where: { $0 != device && isStopWanted($0) }):
            // Somebody wants another device of the line to stand: that goes first.
            withdraw()
            _ = fail(device, .lineNotClean, at: now)
            return false
        case .look: break
        case .stop(var stop):
            if !stop.isSaid { report(.said, device, number: stop.number, at: now) }
            (stop.saidAt, stop.isToBeSaid) = (now, false)
            devices[device].drive.run?.goal = .stop(stop)
        case .effect(let order, let effect):
            let plan = devices[device].drive.commands[run.command]
            if let objection = objection(to: effect, device, plan, run, order, at: now) {
                withdraw()
                let isPassing = objection == .lineNotClean || objection == .notFresh
                _ = isPassing ? beginAnew(device, objection, at: now) : fail(device, objection, at: now)
                return false
            }
        }
        // Its own answer must not be taken for what is read back: a barrier comes between.
        devices[device].drive.isClean = false
        return true
    }

    private mutating func withdraw() {
        wire.withdraw()
        phase = .idle
    }

    /// Why an effect is not said now; `nil` when nothing stands against it.
    private func objection(
        to effect: CommandOrder, _ device: Int, _ plan: CommandPlan, _ run: CommandRun, _ order: LineOrder,
        at now: Int64
    ) -> NotSentReason? {
        if now >= order.deadline { return .expired }
        if recorder.stopsAsked(device: device) != effect.stops { return .stopped }
        if isLeaving { return .hostStopping }
        let decoder = devices[device].decoder
        if decoder.isStranger { return .otherDevice }
        if !devices[device].drive.isClean { return .lineNotClean }
        for requirement in plan.requires {
            let since = max(run.since, now - requirement.within)
            switch decoder.passes(plan.watched[requirement.watched], requirement.test, since: since) {
            case true?: break
            case false?: return .changed
            case nil: return .notFresh
            }
        }
        for place in plan.watched.indices {
            guard let told = decoder.told(plan.watched[place]), told.time >= run.since else { return .notFresh }
            if !effect.before[place].isSame(as: told.text) { return .changed }
        }
        return nil
    }
}
#endif
