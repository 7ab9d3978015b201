import DeviceDrivers
import DeviceModel
import DevicePlans

/// What comes, and what has not come for too long.
extension TextEngine {
    package mutating func heard(_ bytes: [UInt8], count: Int, isAll: Bool, at now: Int64) {
        hold(count, isAll: isAll, at: now)
        guard count > 0 else { return }
        intake.decoder.civilClock = recorder.civilClock
        // Nobody looked for so long that it is not known when this came.
        if case .awaiting(let exchange, let deadline) = phase, now > deadline + wireMargin { expire(exchange, at: now) }
        guard case .awaiting(var exchange, let deadline) = phase else {
            if plan.listens { recorder.countBusy(Int64(count) * byteTime) } else { intake.discipline.heard(at: now) }
            intake.take(bytes, count: count, awaited: nil, time: now, sink: &sink)
            takeLate()
            takeStray()
            return hearStream(at: now)
        }
        intake.take(bytes, count: count, awaited: exchange.request, time: now, sink: &sink)
        exchange.hasHeard = !takeLate()
        takeStray()
        phase = .awaiting(exchange, deadline: deadline)
        if intake.decoder.takeAnswered() != nil {
            finish(exchange, at: now)
        } else if streamPart != nil {
            hearStream(at: now)
        }
    }

    /// Looks whether what came is a reply that had been given up.
    @discardableResult private mutating func takeLate() -> Bool {
        guard intake.takeLate() else { return false }
        health.hearLate()
        answers += 1
        return true
    }

    /// What nobody awaited came, or what is damaged: more of it may come.
    private mutating func takeStray() {
        guard intake.takeStray() else { return }
        (isClean, isCalm) = (false, false)
    }

    /// What lay in a buffer while nobody read is not now: none of it is recorded as if it were.
    mutating func hold(_ count: Int, isAll: Bool, at now: Int64) {
        guard let age = held?.look(count, isAll: isAll, at: now) else {
            if sink.heldBack != nil, held?.isHeld == false { sink.heldBack = nil }
            return
        }
        let cause: StaticString = held?.isByHost == true ? "the host stood still" : "more came than can have been said"
        sink.event(.heldInput, figure: age / 1_000_000, text: cause, time: now)
        intake.decoder.missStream(.notAvailable, .stale, time: now, sink: &sink)
        sink.heldBack = isResult
    }

    /// What the device said unasked counts as a sign of life, and as fresh.
    mutating func hearStream(at now: Int64) {
        guard sink.takeFresh() else { return }
        health.hear(time: now, sink: &sink)
        if let streamPart, !sink.takeWithheld() { health.refresh(streamPart, time: now, sink: &sink) }
    }

    mutating func watch(at now: Int64) {
        sink.tell(time: now)
        intake.watch(time: now, sink: &sink)
        while let part = nextStale(at: now) {
            guard part == streamPart else {
                for index in parts.indices where parts[index] == part { miss(index, .notAvailable, .stale, at: now) }
                continue
            }
            intake.decoder.missStream(.notAvailable, .stale, time: now, sink: &sink)
            // A stream that dried up may be a connection that died without a word: only opening it anew tells.
            streamRetry = now + Self.streamPause
            // But a host that stood still itself knows nothing of the line yet.
            if isOpen, held?.excuses(at: now) != true {
                lose(LineLoss(errno: Self.timedOut, isEnded: false), exchange, at: now)
            }
        }
        guard let streamPart, isOpen, health.isStale(streamPart), now >= streamRetry else { return }
        // Told once; tried again for as long as it takes.
        streamRetry = now + Self.streamPause
        abandon(exchange, at: now)
    }

    /// ETIMEDOUT. Source: Linux, asm-generic/errno.h.
    static let timedOut: Int32 = 110

    var isOpen: Bool {
        switch phase {
        case .saying, .pausing, .awaiting, .session, .idle: true
        case .closed, .opening, .ended, .leaving, .over: false
        }
    }

    /// What is under way.
    var exchange: Exchange? {
        switch phase {
        case .saying(let exchange), .pausing(let exchange, _), .awaiting(let exchange, _): exchange
        case .session, .idle, .closed, .opening, .ended, .leaving, .over: nil
        }
    }

    mutating func nextStale(at now: Int64) -> Int? {
        let (parts, told, roster, tellers) = (parts, told, roster, tellers)
        return health.nextStale(
            time: now,
            unless: { part in
                guard let request = parts.firstIndex(of: part), !told[request].isEmpty else { return false }
                for field in told[request] where !Self.isTold(field, besides: request, roster, tellers) { return false }
                return true
            }, sink: &sink)
    }

    /// Whether another question tells a field, and was answered when it was last asked.
    static func isTold(_ field: Int, besides request: Int, _ roster: Roster<Body>, _ tellers: [[Int]]) -> Bool {
        for index in tellers[field]
        where roster.questions[index].body.request != request && roster.questions[index].body.isTold { return true }
        return false
    }

    mutating func miss(_ request: Int, _ validity: Validity, _ reason: Reason, at now: Int64) {
        let (roster, tellers) = (roster, tellers)
        intake.decoder.miss(
            request: request, validity, reason, time: now,
            unless: { Self.isTold($0, besides: request, roster, tellers) }, sink: &sink)
    }
}
