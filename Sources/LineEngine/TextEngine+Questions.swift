import DeviceDrivers
import DeviceModel
import DevicePlans
import ProfileLanguage

/// Questions: said, answered, given up.
extension TextEngine {
    mutating func say(_ request: Int, _ purpose: Exchange.Purpose, at now: Int64) {
        intake.decoder.civilClock = recorder.civilClock
        guard let bytes = intake.decoder.bytes(of: request, time: now),
            let prelude = intake.decoder.prelude(of: request, time: now)
        else {
            // A value of the session that it needs has not been told yet.
            return leave(request, purpose, at: now)
        }
        for piece in prelude where !intake.decoder.mayBeSaid(piece.bytes) { return bar(request, purpose, at: now) }
        guard intake.decoder.mayBeSaid(bytes) else { return bar(request, purpose, at: now) }
        if plan.requests[request].reply != nil { intake.decoder.expect(request) }
        spoken = prelude.first?.bytes ?? bytes
        unspoken.removeAll(keepingCapacity: true)
        if prelude.isEmpty {
            intake.said(bytes)
        } else {
            intake.said(prelude.flatMap(\.bytes) + bytes)
            unspoken = zip(prelude, prelude.dropFirst().map(\.bytes) + [bytes]).map { (pause: $0.pause, bytes: $1) }
        }
        phase = .saying(Exchange(purpose: purpose, request: request))
    }

    /// A request that is not said.
    private mutating func leave(_ request: Int, _ purpose: Exchange.Purpose, at now: Int64) {
        switch purpose {
        case .question: intake.decoder.miss(request: request, .notAvailable, .absent, time: now, sink: &sink)
        case .step: restartSession(after: Self.sessionPause, at: now)
        case .order(let order): tell(order, .notSaid, said: 0, at: now)
        case .farewell: phase = .over
        // Its steps are said in another way.
        case .command: phase = .idle
        }
    }

    /// A request that would be a command.
    private mutating func bar(_ request: Int, _ purpose: Exchange.Purpose, at now: Int64) {
        tellBarred(at: now)
        leave(request, purpose, at: now)
    }

    mutating func tellBarred(at now: Int64) {
        sink.count(.barred)
        sink.event(.requestBarred, figure: 1, time: now)
    }

    package mutating func said(at now: Int64) {
        if speaking == .answer {
            speaking = .request
            return intake.decoder.clearOutbox()
        }
        guard case .saying(var exchange) = phase else { return }
        if !unspoken.isEmpty {
            let next = unspoken.removeFirst()
            spoken = next.bytes
            phase = .pausing(exchange, until: now + next.pause)
            return
        }
        exchange.sent = now
        if case .farewell = exchange.purpose {} else { sink.count(.requests) }
        if plan.requests[exchange.request].isInstruction { sink.count(.instructions) }
        guard plan.requests[exchange.request].reply != nil else {
            quiet(until: now + device.line.turnaround, at: now)
            if case .order(let order) = exchange.purpose { tell(order, .unknown, said: now, at: now) }
            if case .command = exchange.purpose { return finishCommand(exchange, isRefused: false, at: now) }
            return advance(exchange, at: now)
        }
        phase = .awaiting(exchange, deadline: now + device.line.slowestReply)
    }

    /// What comes after an exchange that is over.
    mutating func advance(_ exchange: Exchange, at now: Int64) {
        switch exchange.purpose {
        case .question, .order, .command: phase = .idle
        case .step(let step): phase = step + 1 < plan.open.count ? .session(step: step + 1, due: 0) : .idle
        case .farewell(let step): phase = .leaving(step: step + 1, at: now + device.line.turnaround)
        }
    }

    mutating func finish(_ exchange: Exchange, at now: Int64) {
        sink.count(.replies)
        recorder.countBusy(now - exchange.sent)
        intake.settle(exchange.request)
        answers += 1
        isSecondTry = false
        quiet(until: now + device.line.turnaround, at: now)
        _ = sink.takeFresh()
        health.hear(time: now, sink: &sink)
        if intake.decoder.isRefused { return takeRefusal(exchange, at: now) }
        if let part = parts[exchange.request], !sink.takeWithheld() { health.refresh(part, time: now, sink: &sink) }
        if case .question(let index) = exchange.purpose {
            roster.questions[index].failures = 0
            roster.questions[index].body.repetitions = 0
            roster.questions[index].body.isTold = true
        }
        switch exchange.purpose {
        case .order(let order): tell(order, .answered(length: 0), said: exchange.sent, at: now)
        case .command: finishCommand(exchange, isRefused: false, at: now)
        case .question, .step, .farewell: break
        }
        advance(exchange, at: now)
        if let slowest, !device.slots.isEmpty {
            intake.decoder.expireSlots(since: now - 3 * slowest, now: now, sink: &sink)
        }
    }

    /// The device answered that it will not: it is there, and its values are not.
    private mutating func takeRefusal(_ exchange: Exchange, at now: Int64) {
        miss(exchange.request, .invalid, .deviceException, at: now)
        switch exchange.purpose {
        case .question(let index):
            roster.questions[index].body.repetitions = 0
            roster.questions[index].body.isTold = false
        case .order(let order): tell(order, .refused(code: 0), said: exchange.sent, at: now)
        case .step: return restartSession(after: Self.sessionPause, at: now)
        case .command: finishCommand(exchange, isRefused: true, at: now)
        case .farewell: break
        }
        advance(exchange, at: now)
    }

    /// The time for a reply is over.
    mutating func expire(_ exchange: Exchange, at now: Int64) {
        intake.takeRest(awaited: exchange.request, time: now, sink: &sink)
        if intake.decoder.takeAnswered() != nil { return finish(exchange, at: now) }
        recorder.countBusy(now - exchange.sent)
        intake.giveUp(exchange.request, sent: exchange.sent)
        // A reply that still comes belongs to nothing: the line is read and kept quiet for as long as the device may
        // take.
        quiet(until: now + device.line.slowestReply, at: now)
        isSecondTry = false
        isClean = false
        switch exchange.purpose {
        case .command: expireCommand(exchange, at: now)
        case .farewell: advance(exchange, at: now)
        case .order(let order):
            tell(order, .unknown, said: exchange.sent, at: now)
            phase = .idle
        case .question(let index): fail(index, exchange, at: now)
        case .step(let step): fail(step: step, exchange, at: now)
        }
    }

    mutating func fail(_ index: Int, _ exchange: Exchange, at now: Int64) {
        phase = .idle
        let request = plan.requests[exchange.request]
        // It is said again where its reply can no longer be mistaken before it is due anyway.
        let isFree = (intake.expiry(of: exchange.request, now: now) ?? 0) < roster.questions[index].due
        if request.isRepeatable, isFree, roster.questions[index].body.repetitions < request.retries {
            roster.questions[index].body.repetitions += 1
            roster.questions[index].due = intake.discipline.quietUntil
            return
        }
        roster.questions[index].body.repetitions = 0
        roster.questions[index].body.isTold = false
        roster.questions[index].failures += 1
        let damage = intake.decoder.takeDamage()
        miss(exchange.request, damage == nil ? .notAvailable : .invalid, damage ?? .timedOut, at: now)
        let period = roster.questions[index].period
        guard request.slot == nil else {
            // An empty slot says nothing about the rack.
            let failures = roster.questions[index].failures
            if failures >= 3 { postpone(index, until: now + min(30_000_000_000, period << min(failures - 3, 8))) }
            return
        }
        let pause = count(damage, exchange, period: period, at: now)
        guard pause > 0 else { return }
        postpone(index, until: now + pause)
        // Silent for long enough to have been replaced: who answers next must say again who it is, and has no session.
        intake.decoder.forgetIdentity()
        if !plan.open.isEmpty { restartSession(after: pause, at: now) }
    }

    private mutating func postpone(_ index: Int, until time: Int64) {
        roster.questions[index].due = max(roster.questions[index].due, time)
    }

    mutating func fail(step: Int, _ exchange: Exchange, at now: Int64) {
        let damage = intake.decoder.takeDamage()
        intake.decoder.miss(
            request: exchange.request, damage == nil ? .notAvailable : .invalid, damage ?? .timedOut, time: now,
            sink: &sink)
        if plan.requests[exchange.request].slot != nil { return advance(exchange, at: now) }
        let pause = count(
            damage, exchange, period: plan.requests[exchange.request].period ?? Self.sessionPause, at: now)
        restartSession(after: max(pause, Self.sessionPause), at: now)
    }

    /// A failure is counted. Returns how long to leave the device alone. Unit: ns.
    mutating func count(_ damage: Reason?, _ exchange: Exchange, period: Int64, at now: Int64) -> Int64 {
        sink.count(.timeouts)
        health.fail(damage == nil ? .nothing : .damage, time: now, sink: &sink)
        return budget.spend(now - exchange.sent, failures: health.failures, failing: 1, period: period, now: now)
    }

    mutating func restartSession(after pause: Int64, at now: Int64) {
        phase = plan.open.isEmpty ? .idle : .session(step: 0, due: now + pause)
    }
}
