#if Commands
import CommandFacts
import DeviceDrivers
import DevicePlans
import ModbusFrames
import ProfileLanguage
import RealTime

/// What came of what was asked for a command.
extension ModbusEngine {
    /// A read for a command is over.
    mutating func finishRead(_ exchange: Exchange, _ block: ModbusBlock, _ result: WireResult, at now: Int64) {
        let device = exchange.device
        guard let run = devices[device].drive.run else { return }
        let isTold =
            result == .answered
            && devices[device].takeLook(wire.answer, from: Wire.answerStart + 2, of: block, time: now)
        guard isTold else {
            _ = missStep(device, exchange.said == nil ? .lineNotClean : .notFresh, at: now)
            return
        }
        switch run.step {
        case .barrier:
            let slowest = devices[device].plan.line.slowestReply
            devices[device].drive.run?.step = .rest(until: (exchange.said ?? now) + slowest + wireMargin)
        case .look(let place): devices[device].drive.run?.step = .look(place + 1)
        case .rest, .prepare, .effect, .settle: break
        }
    }

    /// The one write is over.
    mutating func finishEffect(_ exchange: Exchange, _ request: ModbusRequest, _ result: WireResult, at now: Int64) {
        let device = exchange.device
        guard let run = devices[device].drive.run else { return }
        let plan = devices[device].drive.commands[run.command]
        let answer = answer(of: device, to: request, devices[device].drive.writes[plan.effect], result)
        if exchange.said != nil, case .doubt = answer, Wire.isHeldByNetwork {
            doubtWhatIsHeld(device, since: now)
            // It may still be on its way to the device: with the connection it ends.
            if case .idle = phase { phase = .opening(.stranger) }
        }
        switch run.goal {
        case .look: break
        case .effect(let order, _):
            guard let said = exchange.said else {
                _ = beginAnew(device, .lineNotClean, at: now)
                return
            }
            devices[device].drive.run = nil
            tell(order, .sent(answer), said: said, at: now)
        case .stop: devices[device].drive.run?.step = .settle(until: now + plan.settles)
        }
    }

    /// What was said may be done yet: until then no look says what came of it.
    private mutating func doubtWhatIsHeld(_ device: Int, since now: Int64) {
        guard Wire.isHeldByNetwork else { return }
        devices[device].drive.doubtUntil =
            now + ModbusDrive.longestHold(slowestReply: devices[device].plan.line.slowestReply)
    }

    /// A process before this one may have said something that still lies in the device.
    mutating func doubtWhatWasSaidBefore(at now: Int64) {
        for device in devices.indices where !devices[device].drive.commands.isEmpty {
            doubtWhatIsHeld(device, since: now)
        }
    }

    /// What an answer says of a write. The device says back what it was told: function, place, and what or how much.
    private mutating func answer(
        of device: Int, to request: ModbusRequest, _ write: ModbusWritePlan, _ result: WireResult
    ) -> OrderOutcome.Kind.Answer {
        switch result {
        case .answered:
            devices[device].drive.told.removeAll(keepingCapacity: true)
            devices[device].drive.told.append(write.unit)
            request.append(to: &devices[device].drive.told)
            let told = devices[device].drive.told
            for place in 1..<min(6, told.count) where wire.answer[Wire.answerStart + place - 1] != told[place] {
                return .doubt(.unproven)
            }
            return wire.looksAnswered(by: told) ? .doubt(.unproven) : .taken
        case .refused(let code, isAmbiguous: false) where write.proofs.contains(code): return .rejected
        case .refused: return .doubt(.unproven)
        case .failed(.timedOut): return .doubt(.silent)
        case .failed(.lost): return .doubt(.lineLost)
        case .failed(.refused), .failed(.conflictingReplies): return .doubt(.unproven)
        case .failed(.checksumMismatch), .failed(.incomplete), .failed(.mismatchedReply), .failed(.neverSilent):
            return .doubt(.damaged)
        }
    }

    /// All that is watched was read.
    mutating func finishLook(_ device: Int, _ plan: CommandPlan, at now: Int64) -> Turn {
        guard let run = devices[device].drive.run else { return .free }
        let isClean = devices[device].drive.isClean
        switch run.goal {
        case .effect: return goTo(device, .effect, at: now)
        case .look(let order):
            devices[device].drive.run = nil
            tellLook(order, device, plan, since: run.since, at: now)
        case .stop(let stop):
            guard isClean, devices[device].shows(plan, since: run.since) else {
                return tryStopAgain(device, plan, stop, at: now)
            }
            devices[device].drive.run = nil
            report(.proven, device, number: stop.number, at: now)
        }
        return .begun
    }

    private func tellLook(_ order: LineOrder, _ device: Int, _ plan: CommandPlan, since: Int64, at now: Int64) {
        let decoder = devices[device].decoder
        let isClean = devices[device].drive.isClean && !decoder.isStranger
        var outcome = OrderOutcome(order, .looked(isClean: isClean), said: since, time: now)
        for place in plan.watched.indices {
            if let told = decoder.told(plan.watched[place]), told.time >= since {
                outcome.told[place] = ToldText(told.text, at: told.time)
            }
        }
        _ = recorder.outcomes.push(outcome)
    }

    // MARK: What went wrong

    /// A step before the effect brought nothing.
    mutating func missStep(_ device: Int, _ reason: NotSentReason, at now: Int64) -> Turn {
        devices[device].drive.isClean = false
        return beginAnew(device, reason, at: now)
    }

    /// What was read is void: all of it again, a few times.
    mutating func beginAnew(_ device: Int, _ reason: NotSentReason, at now: Int64) -> Turn {
        guard let run = devices[device].drive.run else { return .free }
        if case .stop(let stop) = run.goal {
            return tryStopAgain(device, devices[device].drive.commands[run.command], stop, at: now)
        }
        guard run.attempts + 1 < CommandRun.mostAttempts else { return fail(device, reason, at: now) }
        devices[device].drive.isClean = false
        devices[device].drive.run?.attempts += 1
        devices[device].drive.run?.step = .barrier
        devices[device].drive.run?.since = now
        return .begun
    }

    mutating func fail(_ device: Int, _ reason: NotSentReason, at now: Int64) -> Turn {
        endRun(device, because: reason, at: now)
        return .begun
    }

    /// Ends what is being done without having said an effect.
    mutating func endRun(_ device: Int, because reason: NotSentReason, at now: Int64) {
        guard let run = devices[device].drive.run else { return }
        devices[device].drive.run = nil
        switch run.goal {
        case .look(let order), .effect(let order, _): tell(order, order.unsaid(because: reason), said: nil, at: now)
        case .stop(let stop): report(.notDelivered, device, number: stop.number, at: now)
        }
    }

    /// The line is gone. What was being said may have been heard; a stop goes on when the line is back.
    mutating func loseCommands(_ exchange: Exchange?, at now: Int64) {
        for device in devices.indices {
            devices[device].drive.isClean = false
            guard let run = devices[device].drive.run else { continue }
            switch run.goal {
            case .effect(let order, _):
                guard let exchange, exchange.device == device, case .effect = exchange.purpose,
                    let said = exchange.said
                else {
                    endRun(device, because: .lineLost, at: now)
                    continue
                }
                devices[device].drive.run = nil
                doubtWhatIsHeld(device, since: now)
                tell(order, .sent(.doubt(.lineLost)), said: said, at: now)
            case .look: endRun(device, because: .lineLost, at: now)
            case .stop(var stop):
                // Told once and at once, and tried all the same.
                if !stop.isLossTold { report(.notDelivered, device, number: stop.number, at: now) }
                stop.isLossTold = true
                stop.isToBeSaid =
                    !stop.isSaid || devices[device].drive.commands[run.command].mayBeRepeated
                devices[device].drive.run?.goal = .stop(stop)
                devices[device].drive.run?.step = .settle(until: now)
            }
        }
    }
}
#endif
