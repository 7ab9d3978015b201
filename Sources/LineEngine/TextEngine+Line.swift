import DeviceDrivers
import DeviceModel
import DevicePlans
import ProfileLanguage

/// The line: opened, lost, and what is watched of the device on it.
extension TextEngine {
    package mutating func opened(at now: Int64) {
        guard case .opening(let isSameDevice) = phase else { return }
        reconnection.succeeded()
        intake.reset(isSameDevice: isSameDevice)
        held?.open(at: now)
        sink.heldBack = nil
        answers = 0
        forgetBarrier()
        readyAt = now + device.line.pauseAfterOpening
        nextTick = now + Self.tick
        // A reply to what was asked before may still come, even to another process on this port. A new connection hears
        // none.
        let rest = byteTime > 0 && !plan.listens ? device.line.slowestReply : 0
        quiet(until: now + max(rest, device.line.pauseAfterOpening), at: now)
        beginSession(at: now)
        guard !isSameDevice else { return }
        health.open(askingAt: intake.discipline.quietUntil)
        for index in roster.questions.indices {
            roster.questions[index].due = now
            roster.questions[index].failures = 0
            roster.questions[index].body.isTold = false
        }
    }

    package mutating func renewed(at now: Int64) {
        let exchange = exchange
        intake.reset(isSameDevice: false)
        held?.open(at: now)
        sink.heldBack = nil
        loseCommand(exchange, at: now)
        guard isOpen else { return }
        giveUp(exchange, at: now)
        beginSession(at: now)
    }

    /// Nothing is said until then, nor into the middle of what still comes.
    mutating func quiet(until time: Int64, at now: Int64) {
        intake.discipline.rest(
            until: time, pause: TextIntake.rules.pause,
            talk: max(0, now - time + TextIntake.rules.patience(device.line.slowestReply)))
    }

    mutating func beginSession(at time: Int64) {
        for index in roster.questions.indices { roster.questions[index].body.repetitions = 0 }
        resumesSession = false
        phase = plan.open.isEmpty ? .idle : .session(step: 0, due: time)
    }

    package mutating func lost(_ loss: LineLoss, at now: Int64) {
        let mayEnd = loss.isEnded && answers > 0 && !plan.listens
        switch phase {
        case .idle where mayEnd, .session where mayEnd: phase = .ended(since: now)
        case .saying(let exchange) where mayEnd && !isSecondTry,
            .awaiting(let exchange, _) where mayEnd && !exchange.hasHeard && !isSecondTry:
            // Ended while nothing was asked, and seen only now.
            guard case .question(let index) = exchange.purpose else { return lose(loss, exchange, at: now) }
            intake.decoder.awaiting = .nothing
            roster.questions[index].due = now
            isSecondTry = true
            phase = .opening(isSameDevice: true)
        case .saying(let exchange), .pausing(let exchange, _), .awaiting(let exchange, _): lose(loss, exchange, at: now)
        case .closed, .opening, .session, .idle, .ended, .leaving, .over: lose(loss, nil, at: now)
        }
    }

    mutating func lose(_ loss: LineLoss, _ exchange: Exchange?, at now: Int64) {
        abandon(exchange, at: now)
        guard health.lose(errno: loss.errno, time: now, sink: &sink) else {
            if let exchange, exchange.sent > 0, case .question = exchange.purpose {
                miss(exchange.request, .notAvailable, .disconnected, at: now)
            }
            return
        }
        for question in roster.questions { miss(question.body.request, .notAvailable, .disconnected, at: now) }
        intake.decoder.missStream(.notAvailable, .disconnected, time: now, sink: &sink)
    }

    /// What was under way will not be answered on this line.
    private mutating func giveUp(_ exchange: Exchange?, at now: Int64) {
        guard let exchange else { return }
        if exchange.sent > 0 { intake.giveUp(exchange.request, sent: exchange.sent) }
        if case .order(let order) = exchange.purpose {
            tell(order, exchange.sent > 0 ? .unknown : .notSaid, said: exchange.sent, at: now)
        }
    }

    /// The line is closed, to be opened anew. A reply that is awaited may still come.
    mutating func abandon(_ exchange: Exchange?, at now: Int64) {
        loseCommand(exchange, at: now)
        giveUp(exchange, at: now)
        closedAt = now
        for index in roster.questions.indices { roster.questions[index].body.isTold = false }
        reconnection.failed(at: now)
        phase = .closed(until: reconnection.next)
    }
}
