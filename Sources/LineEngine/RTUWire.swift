import ModbusFrames

/// Modbus RTU: no transaction number, so a late answer looks exactly like the answer to the next request of its shape.
///
/// So nothing is said while unread bytes are on the line; after a failed exchange the line must have been silent for as
/// long as the device may take; and a shape whose answer may still come is not asked for. docs/link-discipline.md draws
/// it, and names what is not defended.
struct RTUWire: ModbusWire {
    private enum Phase {
        case idle
        /// Waits for silence, since a time.
        case wanting(WireQuestion, since: Int64)
        case awaiting(Exchange)
        /// The answer is there; it counts when nothing contradicts it before its frame's end is sure.
        case ending(Exchange)
        case over(WireResult)
    }

    private struct Exchange {
        let question: WireQuestion
        let shape: AnswerShape
        let sent: Int64
        let deadline: Int64
        var received = 0
        var isDamaged = false
    }

    /// A device whose answers come twice: it is not asked again before the copy has come.
    private struct Copies {
        /// For how long nothing more need have come. Unit: ns.
        static let memory: Int64 = 30_000_000_000
        /// The least and the longest wait for a copy. Unit: ns.
        static let wait: ClosedRange<Int64> = 20_000_000...1_000_000_000

        var unit: UInt8 = 0
        var gap: Int64 = 0
        var seen: Int64 = 0
    }

    private enum Echo {
        case unknown
        case absent
        case seen
    }

    /// Bytes of one exchange beyond which the line only babbles: an answer, its echo and two late ones fit twice.
    private static let mostBytes = 2048
    static let answerStart = 1
    static let isHeldByNetwork = false

    private var phase = Phase.idle
    private let byteTime: Int64
    /// Three and a half characters. Unit: ns. Source: MODBUS over Serial Line V1.02, 2.5.1.1.
    private let gap: Int64
    private var inbox: RTUInbox
    private(set) var outgoing: [UInt8] = []
    private var lastByte: Int64 = 0
    /// Until when an answer to the last request that was answered may come. Unit: ns.
    private var answerableUntil: Int64 = 0
    /// Who was heard last, and when. Unit: ns.
    private var lastUnit: UInt8 = 0
    private var lastAnswered: Int64 = 0
    private var copies = Copies()
    /// Whether nothing has been said since the line was opened.
    private var isFresh = true
    private var echo = Echo.unknown

    /// - Parameters:
    ///   - byteTime: how long a byte takes on the wire. Unit: ns.
    ///   - baud: above 19,200 the gap is fixed.
    init(byteTime: Int64, baud: Int) {
        self.byteTime = byteTime
        gap = baud > 19200 ? 1_750_000 : byteTime * 7 / 2
        inbox = RTUInbox(Discipline.Rules(gap: gap, pause: gap, patience: 12, leastPatience: 3_000_000_000))
        outgoing.reserveCapacity(RTUFrame.longest)
    }

    var answer: [UInt8] { inbox.answer }
    var holdsPart: Bool { !inbox.isEmpty }

    mutating func opened(at now: Int64) {
        inbox.clear()
        phase = .idle
        lastByte = now
        echo = .unknown
        isFresh = true
        inbox.discipline.settle()
        inbox.discipline.said(until: now)
    }

    mutating func lost(at now: Int64) {
        if case .awaiting(let exchange) = phase { owe(exchange) }
        phase = .idle
        inbox.awaitNothing()
    }

    mutating func expiry(of question: WireQuestion, now: Int64) -> Int64? {
        inbox.discipline.expiry(of: AnswerShape(unit: question.unit, question.request), now: now)
    }

    func worthWaiting(for question: WireQuestion, now: Int64) -> Int64? {
        inbox.discipline.worthWaiting(
            for: AnswerShape(unit: question.unit, question.request), of: Int(question.unit), now: now)
    }

    func looksAnswered(by told: [UInt8]) -> Bool {
        // Unit, function, place and count, and the two bytes behind them.
        told.count > 8 && RTUFrame.isWhole(told, 0..<8)
    }

    func longest(_ question: WireQuestion, at now: Int64) -> Int64? {
        // What it would wait for in ``ask(_:at:)``.
        let waitsForCopies = question.unit == copies.unit && copies.gap > 0
        guard !isFresh, !waitsForCopies, now >= inbox.discipline.quietUntil else { return nil }
        let answer = question.answerLength.map { $0 + RTUFrame.envelope } ?? RTUFrame.longest
        return Int64(Self.readLength) * byteTime + question.slowestReply + Int64(answer) * byteTime * 3 / 2 + wireMargin
            + 2 * gap
    }

    /// The frame of a read. Unit: bytes.
    private static let readLength = 8

    func isHeldUp(by isMeant: (UInt8) -> Bool, since time: Int64) -> Bool { false }
    mutating func takeLateRefusal() -> LateRefusal? { nil }
    mutating func takeSighting() -> LinkSighting? { inbox.sightings.take() }

    mutating func ask(_ question: WireQuestion, at now: Int64) {
        // What was not answered before this line was opened may still come, even to another process on the port: the
        // first request waits for that.
        if question.unit == copies.unit, copies.gap > 0 {
            if now - copies.seen > Copies.memory { copies.gap = 0 }
            inbox.discipline.rest(until: lastAnswered + copies.gap, pause: gap, talk: 4 * wireMargin)
        }
        if isFresh {
            inbox.discipline.rest(
                until: lastByte + question.slowestReply, pause: question.slowestReply, talk: 4 * wireMargin)
        }
        RTUFrame.compose(unit: question.unit, question.request, into: &outgoing)
        phase = .wanting(question, since: now)
    }

    mutating func withdraw() { if case .wanting = phase { phase = .idle } }

    mutating func said(at now: Int64) {
        guard case .wanting(let question, _) = phase else { return }
        isFresh = false
        answerableUntil = 0
        // A driver takes the bytes at once; the wire does not.
        let sent = now + Int64(outgoing.count) * byteTime
        lastByte = sent
        let length = question.answerLength.map { $0 + RTUFrame.envelope }
        let shape = AnswerShape(unit: question.unit, question.request)
        inbox.discipline.settle()
        inbox.discipline.said(until: sent)
        // A line on which nothing came back so far brings nothing back now: what looks like the request is the answer.
        inbox.await(
            RTUInbox.Awaited(shape: shape, length: length), request: outgoing,
            mayEcho: echo != .absent || !question.request.isItsOwnAnswer)
        phase = .awaiting(
            Exchange(
                question: question, shape: shape, sent: sent,
                deadline: sent + question.slowestReply + Int64(length ?? RTUFrame.longest) * byteTime * 3 / 2
                    + wireMargin))
    }

    mutating func heard(_ bytes: [UInt8], count: Int, at now: Int64) {
        guard count > 0 else { return }
        if case .awaiting(let exchange) = phase, now > exchange.deadline + wireMargin {
            // Nobody looked for so long that it is not known when this came.
            fail(exchange, .timedOut, at: now)
        }
        lastByte = now
        inbox.append(bytes, count: count)
        switch phase {
        case .awaiting(var exchange):
            exchange.received += count
            take(&exchange, at: now)
        case .ending: if inbox.isFull { close(at: now) }
        case .idle, .wanting, .over:
            inbox.discipline.heard(at: now)
            if inbox.isFull { takeRest(at: now) }
        }
    }

    private mutating func take(_ exchange: inout Exchange, at now: Int64) {
        switch inbox.next(now: now) {
        case .answer:
            // Another device at this address would answer by then as well.
            answerableUntil = exchange.deadline
            finishEcho(exchange, isAnswered: true)
            inbox.awaitNothing()
            (lastUnit, lastAnswered) = (exchange.shape.unit, now)
            inbox.discipline.answered(by: Int(exchange.shape.unit), sent: exchange.sent)
            phase = .ending(exchange)
        case .exception(let code):
            finishEcho(exchange, isAnswered: true)
            inbox.awaitNothing()
            // It names its function only: while another request of that function is owed it may be that one's, and the
            // answer to this one still to come.
            let (unit, function) = (exchange.shape.unit, exchange.shape.function)
            let isAmbiguous = inbox.discipline.contains(now: now) { $0.unit == unit && $0.function == function }
            if isAmbiguous { owe(exchange) }
            inbox.discipline.said(until: now)
            phase = .over(.refused(code: code, isAmbiguous: isAmbiguous))
        case .damaged: wait(&exchange, isDamaged: true, at: now)
        case .needMore: wait(&exchange, isDamaged: false, at: now)
        }
    }

    private mutating func wait(_ exchange: inout Exchange, isDamaged: Bool, at now: Int64) {
        exchange.isDamaged = isDamaged
        if exchange.received > Self.mostBytes { giveUp(exchange, at: now) } else { phase = .awaiting(exchange) }
    }

    mutating func next(at now: Int64) -> WireStep {
        while true {
            switch phase {
            case .idle: return .listen(until: .max)
            case .wanting(_, let since):
                if now >= inbox.discipline.quietUntil {
                    takeRest(at: now)
                    return .say
                }
                guard inbox.discipline.isTalkedOver(at: now, since: since, patience: 4 * wireMargin) else {
                    return .listen(until: inbox.discipline.quietUntil)
                }
                takeRest(at: now)
                inbox.discipline.settle()
                phase = .over(.failed(.neverSilent))
            case .awaiting(let exchange):
                // A whole frame with a wrong checksum: what does not follow at once does not follow.
                let limit = exchange.isDamaged ? min(exchange.deadline, lastByte + wireMargin) : exchange.deadline
                guard now >= limit else { return .listen(until: limit) }
                giveUp(exchange, at: now)
            case .ending:
                guard now >= lastByte + gap else { return .listen(until: lastByte + gap) }
                close(at: now)
            case .over(let result):
                phase = .idle
                return .done(result)
            }
        }
    }

    private mutating func giveUp(_ exchange: Exchange, at now: Int64) {
        finishEcho(exchange, isAnswered: false)
        if exchange.isDamaged { inbox.sightings.note(.damaged, unit: exchange.shape.unit) }
        let failure: ExchangeFailure =
            if exchange.isDamaged {
                .checksumMismatch
            } else if let other = inbox.other {
                .mismatchedReply(unit: other)
            } else {
                inbox.isEmpty ? .timedOut : .incomplete
            }
        fail(exchange, failure, at: now)
    }

    private mutating func fail(_ exchange: Exchange, _ failure: ExchangeFailure, at now: Int64) {
        owe(exchange)
        inbox.awaitNothing()
        let slowest = exchange.question.slowestReply
        inbox.discipline.rest(until: lastByte + slowest, pause: slowest, talk: 4 * wireMargin)
        phase = .over(.failed(failure))
    }

    /// However it failed, even with the line itself: the answer may still come.
    private mutating func owe(_ exchange: Exchange) {
        inbox.discipline.giveUp(
            exchange.shape, of: Int(exchange.shape.unit), sent: exchange.sent,
            slowestReply: exchange.question.slowestReply,
            isOnlyShape: exchange.question.isOnlyShape)
    }

    /// The end of an answer is sure.
    private mutating func close(at now: Int64) {
        inbox.mayContradict = true
        let isContradicted = inbox.takeRest(now: now).contradicts
        inbox.discipline.said(until: isContradicted ? now : lastByte)
        phase = .over(isContradicted ? .failed(.conflictingReplies) : .answered)
    }

    private mutating func finishEcho(_ exchange: Exchange, isAnswered: Bool) {
        // What is its own answer does not tell whether it came back.
        if case .unknown = echo, exchange.question.request.isItsOwnAnswer { return }
        switch (echo, inbox.tookEcho) {
        case (.unknown, true), (.absent, true):
            inbox.sightings.note(.echo)
            echo = .seen
        // Only an answer without one shows that there is none: of a failed exchange the echo may have been what was
        // damaged.
        case (.unknown, false): if isAnswered { echo = .absent }
        case (.seen, false): if !inbox.isSilent { inbox.sightings.note(.echoLost) }
        case (.absent, false), (.seen, true): break
        }
    }

    // MARK: What comes while nothing is awaited

    var restDue: Int64? { inbox.isEmpty ? nil : inbox.discipline.quietUntil }

    mutating func lookAtRest(at now: Int64) -> Bool {
        if let due = restDue, now >= due { takeRest(at: now) }
        return false
    }

    private mutating func takeRest(at now: Int64) {
        guard !inbox.isEmpty else { return }
        inbox.mayContradict = lastByte < answerableUntil
        guard inbox.takeRest(now: now).repeats else { return }
        let delay = min(max(2 * (lastByte - lastAnswered), Copies.wait.lowerBound), Copies.wait.upperBound)
        copies = Copies(unit: lastUnit, gap: max(delay, copies.unit == lastUnit ? copies.gap : 0), seen: now)
    }
}
