import ModbusFrames

/// Modbus TCP: the transaction number of every answer is checked, and a late one costs only its own request.
///
/// Source: MODBUS Messaging on TCP/IP Implementation Guide V1.0b.
struct TCPWire: ModbusWire {
    private enum Phase {
        case idle
        case wanting(WireQuestion)
        case awaiting(WireQuestion, TCPInbox.Awaited, sent: Int64, deadline: Int64)
        case over(WireResult)
        case broken(WireResult)
    }

    /// Exchanges without a single byte after which the connection is taken for dead, and made anew.
    private static let deadAfter = 5
    static let answerStart = 0
    static let isHeldByNetwork = true

    private var phase = Phase.idle
    private var inbox = TCPInbox()
    private(set) var outgoing: [UInt8] = []
    private var transaction: UInt16 = 0
    private var silentExchanges = 0
    /// Whether something came since the question went out.
    private var hasHeard = false
    /// What came while nothing was asked is no Modbus.
    private var isOutOfStep = false
    private var late: LateRefusal?

    init() { outgoing.reserveCapacity(TCPFrame.longest) }

    var answer: [UInt8] { inbox.answer }
    var holdsPart: Bool { inbox.holdsPart }

    mutating func opened(at now: Int64) {
        inbox.clear()
        phase = .idle
        silentExchanges = 0
        isOutOfStep = false
    }

    mutating func lost(at now: Int64) { phase = .idle }

    mutating func expiry(of question: WireQuestion, now: Int64) -> Int64? { nil }

    func worthWaiting(for question: WireQuestion, now: Int64) -> Int64? { nil }

    func isHeldUp(by isMeant: (UInt8) -> Bool, since time: Int64) -> Bool {
        for owed in inbox.owed where owed.sent >= time && isMeant(owed.unit) { return true }
        return false
    }

    /// A connection brings nothing back.
    func looksAnswered(by told: [UInt8]) -> Bool { false }
    func longest(_ question: WireQuestion, at now: Int64) -> Int64? { nil }

    mutating func takeLateRefusal() -> LateRefusal? {
        defer { late = nil }
        return late
    }

    mutating func takeSighting() -> LinkSighting? { inbox.sightings.take() }

    mutating func ask(_ question: WireQuestion, at now: Int64) {
        inbox.ask()
        hasHeard = false
        transaction &+= 1
        TCPFrame.compose(transaction: transaction, unit: question.unit, question.request, into: &outgoing)
        phase = .wanting(question)
    }

    mutating func withdraw() { if case .wanting = phase { phase = .idle } }

    mutating func said(at now: Int64) {
        guard case .wanting(let question) = phase else { return }
        let awaited = TCPInbox.Awaited(
            transaction: transaction, unit: question.unit, function: question.request.function.rawValue,
            length: question.answerLength,
            dataBytes: question.dataBytes, object: question.object)
        phase = .awaiting(question, awaited, sent: now, deadline: now + question.slowestReply + wireMargin)
    }

    mutating func heard(_ bytes: [UInt8], count: Int, at now: Int64) {
        guard count > 0 else { return }
        if case .awaiting(let question, _, let sent, let deadline) = phase, now > deadline + wireMargin {
            giveUp(question, sent: sent)
        }
        hasHeard = true
        var taken = 0
        while taken < count {
            let room = min(inbox.room, count - taken)
            if room == 0 { break }
            inbox.append(taken == 0 ? bytes : Array(bytes[taken..<(taken + room)]), count: room)
            taken += room
            look()
            if let (owed, code) = inbox.takeLateRefusal() {
                late = LateRefusal(unit: owed.unit, code: code, took: now - owed.sent)
            }
        }
    }

    private mutating func look() {
        if case .awaiting(let question, let awaited, _, _) = phase { take(awaited, of: question) }
        switch phase {
        case .awaiting, .broken: break
        // What lies behind the answer, or came while nothing was asked.
        case .idle, .wanting, .over: if inbox.next(nil) == .outOfStep { isOutOfStep = true }
        }
    }

    private mutating func take(_ awaited: TCPInbox.Awaited, of question: WireQuestion) {
        let step = inbox.next(awaited)
        if step != .needMore { silentExchanges = 0 }
        switch step {
        case .answer: phase = .over(.answered)
        case .exception(let code): phase = .over(.refused(code: code, isAmbiguous: false))
        case .wrongContent:
            inbox.sightings.note(.mismatched, unit: question.unit)
            phase = .over(.failed(.mismatchedReply(unit: question.unit)))
        case .outOfStep: phase = .broken(.failed(.mismatchedReply(unit: 0)))
        case .needMore: break
        }
    }

    mutating func next(at now: Int64) -> WireStep {
        switch phase {
        case .idle: return .listen(until: .max)
        case .wanting: return .say
        case .awaiting(let question, _, let sent, let deadline):
            guard now >= deadline else { return .listen(until: deadline) }
            giveUp(question, sent: sent)
            return next(at: now)
        case .over(let result):
            phase = .idle
            return .done(result)
        case .broken(let result):
            phase = .idle
            return .reopen(result)
        }
    }

    private mutating func giveUp(_ question: WireQuestion, sent: Int64) {
        inbox.giveUp(transaction, unit: question.unit, sent: sent)
        silentExchanges = hasHeard ? 0 : silentExchanges + 1
        // Half a frame, or nothing for long: what comes next may belong to anything, or the connection has died without
        // a word.
        if !inbox.isEmpty {
            phase = .broken(.failed(.incomplete))
        } else {
            let failure = inbox.other.map { ExchangeFailure.mismatchedReply(unit: $0) } ?? .timedOut
            phase = silentExchanges >= Self.deadAfter ? .broken(.failed(failure)) : .over(.failed(failure))
        }
    }

    // MARK: What comes while nothing is awaited

    var restDue: Int64? { isOutOfStep ? 0 : nil }

    mutating func lookAtRest(at now: Int64) -> Bool {
        guard isOutOfStep else { return false }
        inbox.sightings.note(.resync)
        return true
    }
}
