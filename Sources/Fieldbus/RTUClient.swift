import RealTime

/// Reads registers over Modbus RTU so that no answer is taken for another's, of a device that answers in the order it is asked.
///
/// RTU has no transaction number: an answer that comes after its time-out looks exactly like the answer to the next request. So nothing is
/// sent while unread bytes are on the line; after a failed exchange the line must have been silent for as long as the device may take; and
/// before the same shape is asked again, a read of another shape must have been answered (a barrier). docs/link-discipline.md draws it,
/// and names what is not defended: a copy, or a second device's answer, that first comes while the same shape is asked again.
public final class RTUClient<Line: ByteLine, Clock: MonotonicTime>: RegisterLine {
    private enum Echo {
        case unknown
        case absent
        case seen
    }

    /// What an adapter and a scheduler may add to a frame's time on the wire. Unit: ns.
    static var margin: Int64 { 50_000_000 }
    /// Bytes of one exchange beyond which the line only babbles: an answer, its echo and two late ones fit twice.
    static var mostBytes: Int { 2048 }

    private let line: Line
    private let clock: Clock
    private let byteTime: Int64
    /// Three and a half characters. Unit: ns. Source: MODBUS over Serial Line V1.02, 2.5.1.1.
    private let frameSilence: Int64
    var inbox = RTUInbox()
    private var chunk = [UInt8](repeating: 0, count: 256)
    private var request: [UInt8] = []
    /// When the last byte passed, in or out. Unit: ns.
    private var lastActivity: Int64 = 0
    /// How long the line must have been silent before the next request. Unit: ns; 0 after a good exchange.
    private var quarantine: Int64 = 0
    /// Until when an answer to the last request that was answered may come. Unit: ns.
    private var answerableUntil: Int64 = 0
    /// Whether nothing has been sent since the line was opened.
    private var isFresh = true
    private var nonce: UInt16 = 0x4E42
    /// Units that have left a loopback unanswered: function 08 is not for them.
    private var leavesLoopbackUnanswered = [Bool](repeating: false, count: 256)
    private var echo = Echo.unknown

    public init(_ line: Line, settings: SerialSettings, clock: Clock) {
        self.line = line
        self.clock = clock
        byteTime = settings.nanosecondsPerByte
        frameSilence = settings.baud > 19200 ? 1_750_000 : byteTime * 7 / 2
        request.reserveCapacity(RTUFrame.requestLength)
    }

    public private(set) var openings = 0

    public func open() throws(FieldbusError) {
        openings += 1
        try line.open(deadline: clock.now() + 2_000_000_000)
        // What was not answered before may still come, even to another process on this port: the first request waits for that.
        inbox.clear()
        lastActivity = clock.now()
        echo = .unknown
        isFresh = true
        for unit in leavesLoopbackUnanswered.indices { leavesLoopbackUnanswered[unit] = false }
    }

    public func close() { line.close() }

    public func takeSighting() -> LinkSighting? { inbox.sightings.take() }

    public func read(_ wanted: RegisterRequest, into registers: inout [UInt16]) throws(FieldbusError) {
        precondition((1...125).contains(wanted.count) && registers.count >= wanted.count, "a read asks for 1 to 125 registers and has room for them")
        try settle()
        inbox.unanswered.expire(now: clock.now())
        if inbox.unanswered.contains(AnswerShape(wanted)) { try passBarrier(before: wanted) }
        try ask(wanted)
        Self.unpack(inbox.answer, from: 3, wanted, into: &registers)
    }

    // MARK: The barrier

    /// Has something answered whose answer cannot be mistaken for what may still come.
    private func passBarrier(before wanted: RegisterRequest) throws(FieldbusError) {
        if let other = otherShape(than: wanted) {
            // An exception is an answer too: of this read, or of the one that may still have been answered.
            inbox.sightings.note(.barrier, unit: wanted.unit)
            do { try ask(other) } catch .deviceException {}
        } else if echo != .unknown, !leavesLoopbackUnanswered[Int(wanted.unit)] {
            inbox.sightings.note(.barrier, unit: wanted.unit)
            do {
                try loopBack(wanted)
            } catch .timedOut {
                leavesLoopbackUnanswered[Int(wanted.unit)] = true
                throw FieldbusError.timedOut
            }
        }
        if inbox.unanswered.contains(AnswerShape(wanted)) { throw FieldbusError.resting }
    }

    /// The same read with another number of registers, such that no answer of that length is outstanding.
    private func otherShape(than wanted: RegisterRequest) -> RegisterRequest? {
        var count = wanted.count - 1
        while count >= 1 {
            let other = wanted.counting(count)
            if other.dataBytes != wanted.dataBytes, !inbox.unanswered.contains(AnswerShape(other)) { return other }
            count -= 1
        }
        let step = wanted.function <= 2 ? 8 : 1
        guard wanted.mayWiden, wanted.count + step <= 125, wanted.address + wanted.count + step <= 65_536 else { return nil }
        let wider = wanted.counting(wanted.count + step)
        return inbox.unanswered.contains(AnswerShape(wider)) ? nil : wider
    }

    /// Function 08, sub-function 0: the device says back a number that it was never told before. A device that refuses the function by an
    /// exception has answered as well. Source: MODBUS Application Protocol V1.1b3, 6.8.
    private func loopBack(_ wanted: RegisterRequest) throws(FieldbusError) {
        nonce &+= 1
        compose(unit: wanted.unit, function: 8, 0, Int(nonce))
        let awaited = RTUInbox.Awaited(shape: AnswerShape(unit: wanted.unit, function: 8, detail: Int(nonce)), length: RTUFrame.requestLength)
        do {
            try exchange(awaited, slowestReply: wanted.slowestReply)
        } catch .deviceException {
            inbox.unanswered.settle(unit: wanted.unit)
        }
    }

    // MARK: One exchange

    private func ask(_ wanted: RegisterRequest) throws(FieldbusError) {
        compose(unit: wanted.unit, function: wanted.function, wanted.address, wanted.count)
        try exchange(RTUInbox.Awaited(shape: AnswerShape(wanted), length: wanted.dataBytes + 5), slowestReply: wanted.slowestReply)
    }

    private func compose(unit: UInt8, function: UInt8, _ first: Int, _ second: Int) {
        request.removeAll(keepingCapacity: true)
        request.append(unit)
        request.append(function)
        request.append(UInt8(truncatingIfNeeded: first >> 8))
        request.append(UInt8(truncatingIfNeeded: first))
        request.append(UInt8(truncatingIfNeeded: second >> 8))
        request.append(UInt8(truncatingIfNeeded: second))
        RTUFrame.appendChecksum(&request)
    }

    private func exchange(_ awaited: RTUInbox.Awaited, slowestReply: Int64) throws(FieldbusError) {
        if isFresh { quarantine = max(quarantine, slowestReply) }
        try settle()
        isFresh = false
        answerableUntil = 0
        // A driver takes the bytes at once; the wire does not.
        let sent = clock.now() + Int64(request.count) * byteTime
        do {
            try transact(awaited, sent: sent, slowestReply: slowestReply)
        } catch {
            switch error {
            case .deviceException, .conflictingReplies: break
            default:
                // However it failed, even with the line itself: the answer may still come.
                quarantine = slowestReply
                inbox.unanswered.add(awaited.shape, sent: sent, patience: Self.patience(slowestReply))
            }
            throw error
        }
    }

    private func transact(_ awaited: RTUInbox.Awaited, sent: Int64, slowestReply: Int64) throws(FieldbusError) {
        try line.write(request, deadline: clock.now() + Self.margin + slowestReply)
        lastActivity = sent
        inbox.await(awaited, request: request, echoIsAnswer: awaited.shape.function == 8 && echo == .absent)
        defer { inbox.awaitNothing() }
        let deadline = sent + slowestReply + Int64(awaited.length) * byteTime * 3 / 2 + Self.margin
        var received = 0
        var isDamaged = false
        while true {
            // A whole frame with a wrong checksum: what does not follow at once does not follow.
            let limit = isDamaged ? min(deadline, lastActivity + Self.margin) : deadline
            let count = try line.read(into: &chunk, deadline: limit)
            if count > 0 { lastActivity = clock.now() }
            received += count
            inbox.append(chunk, count: count)
            let step = inbox.next()
            heed()
            switch step {
            case .answer:
                // Another device at this address would answer by then as well.
                answerableUntil = deadline
                return try finish(awaited)
            case .exception(let code):
                finishEcho(isAnswered: true)
                quarantine = 0
                settleException(awaited, sent: sent, slowestReply: slowestReply)
                throw FieldbusError.deviceException(code: code)
            case .damaged: isDamaged = true
            case .needMore: isDamaged = false
            }
            if count == 0 && clock.now() >= limit || received > Self.mostBytes { break }
        }
        finishEcho(isAnswered: false)
        if isDamaged { inbox.sightings.note(.damaged, unit: awaited.shape.unit) }
        throw isDamaged ? .checksumMismatch : inbox.sawOthers ? .mismatchedReply : inbox.isEmpty ? .timedOut : .incomplete
    }

    /// A late answer tells that the device works on, and, of a loopback, that it knows the function.
    private func heed() {
        guard let late = inbox.takeLate() else { return }
        inbox.unanswered.extend(unit: late.unit, now: clock.now())
        if late.function == 8 { leavesLoopbackUnanswered[Int(late.unit)] = false }
    }

    /// How long an answer may be late and still be known as such. Unit: ns.
    static func patience(_ slowestReply: Int64) -> Int64 { max(3_000_000_000, 12 * slowestReply) }

    /// The answer is there; it counts when nothing contradicts it before the frame's end is sure.
    private func finish(_ awaited: RTUInbox.Awaited) throws(FieldbusError) {
        finishEcho(isAnswered: true)
        inbox.unanswered.settle(unit: awaited.shape.unit)
        inbox.awaitNothing()
        quarantine = 0
        while true {
            let count = try line.read(into: &chunk, deadline: lastActivity + frameSilence)
            guard count > 0 else { break }
            lastActivity = clock.now()
            inbox.append(chunk, count: count)
            if inbox.isFull { break }
        }
        inbox.mayContradict = true
        guard !takeRest().contradicts else {
            quarantine = frameSilence
            throw FieldbusError.conflictingReplies
        }
    }

    /// An exception names its function only: while another request of that function is outstanding it may be that one's, and the answer
    /// to this one still to come.
    private func settleException(_ awaited: RTUInbox.Awaited, sent: Int64, slowestReply: Int64) {
        let isAmbiguous = inbox.unanswered.settleOldest(unit: awaited.shape.unit, function: awaited.shape.function)
        if isAmbiguous {
            inbox.unanswered.add(awaited.shape, sent: sent, patience: Self.patience(slowestReply))
        } else {
            inbox.unanswered.settle(unit: awaited.shape.unit)
        }
    }

    private func finishEcho(isAnswered: Bool) {
        switch (echo, inbox.tookEcho) {
        case (.unknown, true), (.absent, true):
            inbox.sightings.note(.echo)
            echo = .seen
        // Only an answer without one shows that there is none: of a failed exchange the echo may have been what was damaged.
        case (.unknown, false): if isAnswered { echo = .absent }
        case (.seen, false): if !inbox.isSilent { inbox.sightings.note(.echoLost) }
        default: break
        }
    }

    private func takeRest() -> (repeats: Bool, contradicts: Bool) {
        defer { heed() }
        return inbox.takeRest()
    }

    /// Waits until the line has been silent for long enough; what comes meanwhile is seen, and belongs to nothing that is asked later.
    private func settle() throws(FieldbusError) {
        var silence = max(frameSilence, quarantine)
        inbox.mayContradict = clock.now() < answerableUntil
        var limit = max(clock.now(), lastActivity + silence) + 4 * Self.margin
        while true {
            let count = try line.read(into: &chunk, deadline: lastActivity + silence)
            guard count > 0 else { break }
            lastActivity = clock.now()
            inbox.append(chunk, count: count)
            if inbox.isFull { _ = takeRest() }
            guard lastActivity > limit else { continue }
            guard silence == frameSilence else {
                // Others talk on: between their frames we may. What is outstanding still waits for its barrier.
                silence = frameSilence
                limit = lastActivity + 4 * Self.margin
                continue
            }
            _ = takeRest()
            quarantine = 0
            throw FieldbusError.neverSilent
        }
        if takeRest().repeats {
            let now = clock.now()
            inbox.expectAnotherCopy(sent: now, patience: Self.patience(quarantine))
        }
        quarantine = 0
    }
}
