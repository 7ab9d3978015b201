import CommandFacts
import DeviceDrivers
import DeviceModel
import DevicePlans
import ModbusFrames
import ProfileLanguage
import RealTime

/// A Modbus line: the reads of all its devices, each at its absolute deadline, one at a time.
///
/// Devices that answer go first; one that failed is asked again only when none of them is due, and as its budget
/// allows.
struct ModbusEngine<Wire: ModbusWire> {
    enum Phase {
        case closed(until: Int64)
        /// The line is being opened.
        case opening(Arrival)
        case idle
        case exchanging(Exchange)
        /// The other side ended the connection between two questions, at a time: it is opened when the next is due.
        case ended(since: Int64)
    }

    /// Who may be at the other end of a line that was opened.
    enum Arrival {
        /// The same device: its connection had ended for a moment.
        case same
        /// Perhaps another device.
        case stranger
        /// The line was lost: nothing of before counts.
        case anew
    }

    struct Exchange {
        enum Purpose {
            case question(Int, wider: Int)
            case order(LineOrder)
            /// A read for a command.
            case command(ModbusBlock)
            /// What a command is for.
            case effect(ModbusRequest)
        }

        let purpose: Purpose
        let device: Int
        /// What of a question is read: what becomes of the question meanwhile changes nothing of the answer.
        var part: ModbusBlock?
        let started: Int64
        /// When it was handed to the line, which may have carried any of it from then on; `nil` before.
        var said: Int64?
    }

    /// How long a device that refused all of a read is given before the read is searched again. Unit: ns.
    static var searchAgain: Int64 { 60_000_000_000 }
    /// How long refused registers are left alone, and how long at most. Unit: ns.
    static var askRefusedAgain: Int64 { 30_000_000_000 }
    static var askRefusedAtMost: Int64 { 600_000_000_000 }
    /// Silent questions after which shorter ones are tried.
    static var silencesBeforeSearch: Int { 3 }
    /// How long a unit may hold up the way to the others of its connection. Unit: ns.
    static var longestHoldUp: Int64 { 4_000_000_000 }
    /// A connection that was ended and is back within this is believed to lead to the same device. Unit: ns.
    static var sameDeviceWithin: Int64 { 10_000_000_000 }
    /// A refusal that takes longer than this costs the neighbours. Unit: ns.
    static var quickRefusal: Int64 { 250_000_000 }
    /// How long a stop is still tried when the host stops, at least. Unit: ns.
    static var longestFarewell: Int64 { 1_500_000_000 }

    let recorder: LineRecorder
    var wire: Wire
    var phase = Phase.closed(until: 0)
    var devices: [ModbusLineDevice]
    var roster: Roster<ModbusRead>
    var reconnection: Reconnection
    var contention = ContentionWatch()
    /// An order that waits to be said.
    var order: LineOrder?
    var isLeaving = false
    /// Until when a stop is still said when the host stops. Unit: ns.
    var leavingEnd: Int64 = .max
    /// When the line was closed. Unit: ns.
    var closedAt: Int64 = 0
    /// The earliest that the next question goes out: a device's turnaround, a pause after opening. Unit: ns.
    var readyAt: Int64 = 0
    /// The deadline that was last waited for. Unit: ns.
    private var waitedFor: Int64 = 0
    /// Answers since the line was opened, late ones too, and whether a question is asked again because its connection
    /// had died.
    var answers = 0
    var isSecondTry = false
    private let pauseAfterOpening: Int64

    init(devices plans: [DevicePlan], wire: Wire, recorder: LineRecorder, now: Int64) {
        self.wire = wire
        self.recorder = recorder
        var place = RingSink.Place()
        place.linkAlert = plans.reduce(0) { $0 + $1.alerts.count }
        var devices: [ModbusLineDevice] = []
        for plan in plans {
            guard case .modbus(let modbus) = plan.protocolPlan else { continue }
            devices.append(
                ModbusLineDevice(
                    plan, modbus, place: place, neighbours: plans.count - 1, recorder: recorder, now: now))
            place.stream += plan.streams.count
            place.alert += plan.alerts.count
            place.linkAlert += LinkAlert.allCases.count
            place.device += 1
        }
        self.devices = devices
        roster = Roster([])
        pauseAfterOpening = plans.map(\.line.pauseAfterOpening).max() ?? 0
        reconnection = Reconnection(seed: UInt64(bitPattern: Int64(plans.first?.handle.hashValue ?? 1)))
        roster.questions = devices.indices.flatMap { planned($0, due: now) }
        doubtWhatWasSaidBefore(at: now)
    }

    var outgoing: [UInt8] { wire.outgoing }
    var mayTakeOrder: Bool { order == nil && !isLeaving }

    /// The questions of a device as its profile plans them, as long as it was found to answer.
    func planned(_ device: Int, due: Int64) -> [Roster<ModbusRead>.Question] {
        devices[device].blocks.enumerated().flatMap { part, block in
            block.parts(noLongerThan: devices[device].longestRead).map { block in
                Roster.Question(
                    device: device, part: part, period: block.period, due: due,
                    body: ModbusRead(block, of: devices[device].plan, widest: devices[device].widest[part]))
            }
        }
    }

    // MARK: What next

    mutating func next(at now: Int64) -> LineAction {
        let action = decide(at: now)
        if action == .end { endCommands(at: now) }
        return action
    }

    private mutating func decide(at now: Int64) -> LineAction {
        watch(at: now)
        dropOrder(at: now)
        while true {
            switch phase {
            case .closed(let until):
                if isLeaving { return .end }
                let due = openingDue(until, at: now)
                guard now >= due else { return .rest(until: min(due, order?.deadline ?? .max)) }
                phase = .opening(.anew)
                return .open
            case .opening: return isLeaving ? .end : .open
            case .ended(let since):
                if isLeaving { return .end }
                let isWanted = takeStopsUnheard(at: now) || order != nil
                let due = isWanted ? now : nextDue(at: now) - pauseAfterOpening
                guard now >= due else { return .rest(until: due) }
                phase = .opening(now - since > Self.sameDeviceWithin ? .stranger : .same)
                return .open
            case .idle: if let action = idle(at: now) { return action }
            case .exchanging(let exchange):
                // An order that was said is waited for; a question is not.
                if isLeaving, mayRepeat(exchange), !owesStop(at: now) { return .end }
                switch wire.next(at: now) {
                case .listen(let until): return .listen(until: until)
                case .say: if maySay(exchange, at: now) { return say(exchange, at: now) }
                case .done(let result):
                    phase = .idle
                    finish(exchange, result, at: now)
                case .reopen(let result):
                    phase = .opening(.stranger)
                    finish(exchange, result, at: now)
                }
            }
        }
    }

    /// From here on any of it may be on the line, whatever becomes of the rest.
    private mutating func say(_ exchange: Exchange, at now: Int64) -> LineAction {
        var exchange = exchange
        exchange.said = now
        phase = .exchanging(exchange)
        return .say(by: now + wireMargin + devices[exchange.device].plan.line.slowestReply)
    }

    /// Nothing is asked: begins what is due, or says what is waited for; `nil` when something has begun.
    private mutating func idle(at now: Int64) -> LineAction? {
        if wire.lookAtRest(at: now) {
            // What says such a thing before it answered anything is given time.
            if answers > 0 {
                phase = .opening(.stranger)
            } else {
                lose(.wrongProtocol, at: now)
            }
            return nil
        }
        look(asked: nil, at: now)
        if isLeaving, !owesStop(at: now) { return .end }
        switch goOnWithCommands(at: now) {
        case .free: break
        case .waits(let until):
            if let index = nextBetweenStops(until: until, at: now) {
                begin(index, at: now)
                return nil
            }
            return .listen(until: min(until, wire.restDue ?? .max))
        case .begun: return nil
        }
        if let order, now >= readyAt, begin(order, at: now) { return nil }
        let due = nextDue(at: now)
        guard now >= due else {
            waitedFor = due
            return .listen(until: min(due, wire.restDue ?? .max))
        }
        guard let index = nextQuestion(at: now) else { return .listen(until: .max) }
        // Waiting for the read before on the same line is not waking up late.
        if waitedFor == due { recorder.lateness.record(now - due) }
        waitedFor = 0
        begin(index, at: now)
        return nil
    }

    /// When the next question goes out. Unit: ns.
    private func nextDue(at now: Int64) -> Int64 {
        guard let index = nextQuestion(at: now) else { return .max }
        return max(roster.questions[index].due, readyAt)
    }

    private func nextQuestion(at now: Int64) -> Int? {
        roster.next(
            at: now, isWell: { devices[$0].health.isWell },
            delay: { devices[$0].health.failures > 0 ? devices[$0].plan.line.slowestReply : 0 })
    }

    private mutating func begin(_ index: Int, at now: Int64) {
        let device = roster.questions[index].device
        let behind = roster.take(index, at: now, isWell: devices[device].health.isWell)
        switch roster.questions[index].body.mode {
        case .whole: if behind > 0 { devices[device].sink.miss(deadlines: behind, time: now) }
        case .searching: break
        case .refused(let askAgain, _) where now >= askAgain: break
        case .refused:
            return devices[device].miss(roster.questions[index].body.block, .notAvailable, .deviceException, time: now)
        }
        let part = roster.questions[index].body.part
        // A device that fails is not asked into the queue of a gateway that still waits for another, nor a new one for
        // itself.
        let health = devices[device].health
        if !health.isWell, isHeldUp(besides: health.isNew ? nil : device, at: now) {
            return devices[device].miss(part, .notAvailable, .timedOut, time: now)
        }
        var widest = 0
        if case .whole = roster.questions[index].body.mode, devices[device].mayWiden {
            widest = roster.questions[index].body.widest
        }
        for wider in 0...widest {
            guard let request = roster.questions[index].body.request(part, wider: wider) else { continue }
            let question = WireQuestion(
                unit: part.unit, request: request, slowestReply: devices[device].plan.line.slowestReply,
                isOnlyShape: widest == 0)
            guard wire.expiry(of: question, now: now) == nil else {
                if wire.worthWaiting(for: question, now: now) != nil { break }
                continue
            }
            if wider > 0 { devices[device].sink.see(.detour, time: now) }
            wire.ask(question, at: now)
            phase = .exchanging(
                Exchange(purpose: .question(index, wider: wider), device: device, part: part, started: now))
            return
        }
        // Whatever is asked now, what is owed could be taken for its answer.
        devices[device].miss(part, .notAvailable, .timedOut, time: now)
    }

    // MARK: The line

    mutating func opened(at now: Int64) {
        guard case .opening(let arrival) = phase else { return }
        wire.opened(at: now)
        phase = .idle
        answers = 0
        for index in devices.indices { devices[index].drive.isClean = false }
        readyAt = max(readyAt, now + pauseAfterOpening)
        switch arrival {
        case .same: break
        case .stranger: for index in devices.indices { devices[index].decoder.forgetIdentity() }
        case .anew: for index in devices.indices { openAnew(index, at: now) }
        }
    }

    private mutating func openAnew(_ index: Int, at now: Int64) {
        // Another device may have been plugged in: it must say who it is before its values count.
        devices[index].open(time: now + pauseAfterOpening)
        // What was put off stays put off; what a device refused is asked for again.
        var latest: [Int64] = devices[index].blocks.map { _ in 0 }
        for question in roster.questions where question.device == index {
            if let part = question.part { latest[part] = max(latest[part], question.due) }
        }
        var questions = planned(index, due: now)
        for place in questions.indices {
            if let part = questions[place].part { questions[place].due = max(now, latest[part]) }
        }
        replace(index, by: questions, at: now)
    }

    /// Other questions stand for those of a device.
    mutating func replace(_ device: Int, by questions: [Roster<ModbusRead>.Question], at now: Int64) {
        roster.questions.removeAll { $0.device == device }
        roster.questions += questions
        tellRefused(device, at: now)
    }

    mutating func said(at now: Int64) {
        guard case .exchanging(var exchange) = phase else { return }
        wire.said(at: now)
        exchange.said = now
        phase = .exchanging(exchange)
    }

    mutating func heard(_ bytes: [UInt8], count: Int, at now: Int64) {
        wire.heard(bytes, count: count, at: now)
        guard let late = wire.takeLateRefusal(),
            let device = devices.firstIndex(where: { $0.units.contains(late.unit) })
        else { return }
        devices[device].health.hearLate(refusal: late.code)
        guard !devices[device].health.isWell else { return }
        // It failed, and the way to the others was taken until now.
        let unpaid = late.took - devices[device].plan.line.slowestReply
        let pause = devices[device].pay(
            unpaid, failing: failing(with: device), period: longestPeriod(device), time: now)
        if pause > 0 { roster.postpone(device, until: now + pause) }
    }

    private func longestPeriod(_ device: Int) -> Int64 { devices[device].blocks.map(\.period).max() ?? 1_000_000_000 }

    mutating func lost(_ loss: LineLoss, at now: Int64) {
        look(asked: nil, at: now)
        switch phase {
        case .idle where loss.isEnded && answers > 0:
            wire.lost(at: now)
            phase = .ended(since: now)
        case .exchanging(let exchange)
        where loss.isEnded && !wire.holdsPart && answers > 0 && !isSecondTry && mayRepeat(exchange):
            // Ended while nothing was asked, and seen only now.
            wire.lost(at: now)
            phase = .opening(.same)
            isSecondTry = true
            if case .question(let index, _) = exchange.purpose { roster.questions[index].due = now }
        case .exchanging(let exchange):
            wire.lost(at: now)
            if case .order(let order) = exchange.purpose {
                tell(order, exchange.said == nil ? .notSaid : .unknown, said: exchange.said, at: now)
            }
            lose(loss, at: now, beside: exchange)
        case .closed, .opening, .idle, .ended:
            wire.lost(at: now)
            lose(loss, at: now)
        }
    }

    /// Whether what was asked is asked again and again anyway.
    private func mayRepeat(_ exchange: Exchange) -> Bool {
        switch exchange.purpose {
        case .question, .command: true
        case .order, .effect: false
        }
    }

    /// - Parameter exchange: what was under way, which has failed.
    private mutating func lose(_ loss: LineLoss, at now: Int64, beside exchange: Exchange? = nil) {
        reconnection.failed(at: now)
        phase = .closed(until: reconnection.next)
        closedAt = now
        loseCommands(exchange, at: now)
        for index in devices.indices {
            if devices[index].lose(errno: loss.errno, time: now) {
                for block in devices[index].blocks {
                    devices[index].miss(block, .notAvailable, .disconnected, time: now)
                }
            } else if let exchange, exchange.device == index, exchange.said != nil, let part = exchange.part {
                devices[index].miss(part, .notAvailable, .disconnected, time: now)
            }
        }
    }

    mutating func leave(at now: Int64) {
        isLeaving = true
        look(asked: nil, at: now)
        for index in devices.indices { devices[index].sink.tell(isLast: true, time: now) }
        if let order { tell(order, order.unsaid(because: .hostStopping), said: nil, at: now) }
        order = nil
        leaveCommands(at: now)
    }
}
