import CommandFacts
import DeviceDrivers
import DeviceModel
package import DevicePlans
import ProfileLanguage
import RealTime

/// A line with one device that speaks a text protocol: opens its session, takes what it says, asks its questions, each
/// at its absolute deadline.
package struct TextEngine: LineEngine {
    enum Phase {
        case closed(until: Int64)
        case opening(isSameDevice: Bool)
        /// The next step of the session, and when it is said.
        case session(step: Int, due: Int64)
        case idle
        case saying(Exchange)
        /// Between two pieces of what is said: until then nothing is. Unit: ns.
        case pausing(Exchange, until: Int64)
        case awaiting(Exchange, deadline: Int64)
        /// The other side ended the connection between two questions: it is opened when the next is due.
        case ended(since: Int64)
        /// The host stops: the next step of the session's end, and when it is said.
        case leaving(step: Int, at: Int64)
        case over
    }

    struct Exchange {
        enum Purpose {
            case question(Int)
            case step(Int)
            case farewell(Int)
            case order(LineOrder)
            /// A step of ``TextEngine/run``.
            case command
        }

        let purpose: Purpose
        /// The request, by its place in the plan.
        let request: Int
        /// When it was handed to the line, which may have carried any of it from then on; 0 before. Unit: ns.
        var sent: Int64 = 0
        var hasHeard = false
    }

    /// What of a question is not in the plan.
    struct Body {
        let request: Int
        /// How often it has been said again since it was last due.
        var repetitions = 0
        /// Whether its last reply came.
        var isTold = false
    }

    enum Speaking {
        case request
        /// What the device must be answered.
        case answer
    }

    /// How often what a device says unasked is read. At 115200 baud this is 115 bytes; the kernel holds 4095. Unit: ns.
    static let tick: Int64 = 10_000_000
    /// How long a stale stream is waited for before its line is opened anew. Unit: ns.
    static let streamPause: Int64 = 30_000_000_000
    /// How long the end of a session may take in all, and what one step of it waits for its reply and for silence.
    /// Unit: ns.
    static let longestFarewell: Int64 = 1_500_000_000
    static let longestFarewellStep: Int64 = 500_000_000
    /// How long a session that failed is left alone at least. Unit: ns.
    static let sessionPause: Int64 = 1_000_000_000
    /// A connection that was ended and is back within this is believed to lead to the same device. Unit: ns.
    static let sameDeviceWithin: Int64 = 10_000_000_000

    let device: DevicePlan
    let plan: SerialPlan
    let recorder: LineRecorder
    var phase = Phase.closed(until: 0)
    var sink: RingSink
    var intake: TextIntake
    var health: DeviceHealth
    var roster: Roster<Body>
    var reconnection: Reconnection
    var budget: FailureBudget
    var held: HeldInput?
    /// By stream: whether it tells results.
    let isResult: [Bool]
    let byteTime: Int64
    /// By request: its part of the device's health; the last part is what the device says unasked.
    let parts: [Int?]
    let streamPart: Int?
    /// By request: the fields of the profile that its reply tells. By field: the questions that tell it.
    let told: [[Int]]
    let tellers: [[Int]]
    /// When the line of a stream that is stale is opened anew. Unit: ns.
    var streamRetry: Int64 = 0
    let slowest: Int64?
    var nextTick: Int64 = 0
    var waitedFor: Int64 = 0
    var order: LineOrder?
    /// What is being done for a command.
    var run: CommandRun?
    /// How many of the stops that were asked for have begun.
    var stopsTaken: Int64 = 0
    /// Whether nothing of before can still come: a question was answered and a rest followed in which nothing came, and
    /// nothing has gone wrong since.
    var isClean = false
    /// Whether nothing came since the last barrier that nobody awaited.
    var isCalm = true
    /// When the line was closed. Unit: ns.
    var closedAt: Int64 = 0
    /// From when on the device hears what is said, after the line was opened. Unit: ns.
    var readyAt: Int64 = 0
    /// Whether a stop came before the session was open.
    var resumesSession = false
    var speaking = Speaking.request
    /// The bytes of the request that is being said.
    var spoken: [UInt8] = []
    /// Those of the last effect, which are put where there is room for them.
    var effectBytes: [UInt8] = []
    /// What of it is still to be said, and how long nothing is said before each. Unit: ns.
    var unspoken: [(pause: Int64, bytes: [UInt8])] = []
    /// Replies since the line was opened, and whether a question is asked again because its connection had died.
    var answers = 0
    var isSecondTry = false
    /// Until when the session's end may last; `nil` while the host runs. Unit: ns.
    var farewellEnd: Int64?

    package init(device: DevicePlan, plan: SerialPlan, byteTime: Int64, recorder: LineRecorder, now: Int64) {
        self.device = device
        self.plan = plan
        self.recorder = recorder
        self.byteTime = byteTime
        var place = RingSink.Place()
        place.linkAlert = device.alerts.count
        sink = RingSink(recorder: recorder, place: place, device: device)
        intake = TextIntake(device, plan)
        slowest =
            (plan.requests.compactMap { $0.reply == nil ? nil : $0.period } + [plan.streamPeriod].compactMap { $0 })
            .max()
        (parts, streamPart, health) = DeviceHealth.watching(device, plan, tick: Self.tick, now: now)
        budget = FailureBudget(hasNeighbours: false, cost: device.line.slowestReply, now: now)
        reconnection = Reconnection(seed: UInt64(bitPattern: Int64(device.handle.hashValue)))
        let pace = plan.streamPeriod == nil ? 0 : device.streamedBytesPerSecond
        held = pace > 0 ? HeldInput(pace: pace, period: device.unasked.map(\.period).max() ?? 0, now: now) : nil
        isResult = Self.results(device, plan)
        let parts = parts
        roster = Roster(
            plan.requests.indices.compactMap { request in
                plan.requests[request].period.map {
                    Roster.Question(device: 0, part: parts[request], period: $0, due: now, body: Body(request: request))
                }
            })
        told = plan.requests.map { request in
            guard let message = request.reply.map({ plan.messages[$0] }) else { return [] }
            return message.fields.map(\.index) + (message.records?.keyed.map(\.field.index) ?? [])
        }
        var tellers = [[Int]](repeating: [], count: device.profile.fields.count)
        for (index, question) in roster.questions.enumerated() {
            for field in told[question.body.request] where !tellers[field].contains(index) {
                tellers[field].append(index)
            }
        }
        self.tellers = tellers
    }

    static func results(_ device: DevicePlan, _ plan: SerialPlan) -> [Bool] {
        var results = [Bool](repeating: false, count: device.streams.count)
        for message in plan.messages {
            for target in (message.fields + (message.records.map { $0.fields + $0.keyed.map(\.field) } ?? [])).flatMap(
                \.targets) where target.isEpisodic
            {
                for slot in 0..<(target.isSlotted ? max(1, device.slots.count) : 1) {
                    results[target.stream + slot] = true
                }
            }
        }
        return results
    }

    package var outgoing: [UInt8] { speaking == .answer ? intake.decoder.outbox : spoken }
    package var isDriven: Bool { !plan.commands.isEmpty }
    package var mayTakeOrder: Bool { order == nil && farewellEnd == nil }

    // MARK: What next

    package mutating func next(at now: Int64) -> LineAction {
        let action = decide(at: now)
        if action == .end { endStops(at: now) }
        return action
    }

    private mutating func decide(at now: Int64) -> LineAction {
        watch(at: now)
        dropOrder(at: now)
        if now >= nextTick { nextTick += ((now - nextTick) / Self.tick + 1) * Self.tick }
        while true {
            switch phase {
            case .closed(let until):
                if farewellEnd != nil { return .end }
                let due = openingDue(until, at: now)
                guard now >= due else { return .rest(until: min(due, order?.deadline ?? .max)) }
                phase = .opening(isSameDevice: false)
            case .opening: return farewellEnd == nil ? .open : .end
            case .ended(let since):
                if farewellEnd != nil { return .end }
                takeStopUnheard(at: now)
                let due =
                    order == nil && run == nil
                    ? (roster.next(at: now) { _ in true }.map { roster.questions[$0].due } ?? now)
                        - device.line.pauseAfterOpening : now
                guard now >= due else { return .rest(until: due) }
                phase = .opening(isSameDevice: now - since <= Self.sameDeviceWithin)
            case .over: return .end
            case .session, .idle, .saying, .pausing, .awaiting, .leaving:
                if let action = goOn(at: now) { return action }
            }
        }
    }

    /// The line is open; `nil` when the phase has changed.
    mutating func goOn(at now: Int64) -> LineAction? {
        if intake.decoder.takeBarredAnswer() { tellBarred(at: now) }
        if !intake.decoder.outbox.isEmpty {
            speaking = .answer
            return .say(by: now + device.line.slowestReply)
        }
        switch phase {
        case .saying(var exchange):
            // From here on any of it may be on the line, whatever becomes of the rest.
            if exchange.sent == 0 { exchange.sent = now }
            phase = .saying(exchange)
            speaking = .request
            return .say(by: now + device.line.slowestReply)
        case .pausing(let exchange, let until):
            let limit = min(until, farewellLimit(exchange))
            guard now >= limit else { return .listen(until: limit) }
            if now >= until { phase = .saying(exchange) } else { expire(exchange, at: now) }
        case .awaiting(let exchange, let deadline):
            let limit = min(deadline, farewellLimit(exchange))
            guard now >= limit else { return .listen(until: limit) }
            expire(exchange, at: now)
        case .session(let step, let due):
            if let end = farewellEnd, !owesStop || now >= end { return beginFarewell(at: now) }
            giveUpLate(at: now)
            if isStopping {
                resumesSession = true
                switch goOnWithCommands(at: now) {
                case .free: break
                case .waits(let time): return wait(until: time, at: now)
                case .begun: return nil
                }
            }
            let at = max(due, intake.discipline.quietUntil)
            guard now >= at else { return wait(until: at, at: now) }
            if let expiry = intake.expiry(of: plan.open[step], now: now) {
                phase = .session(step: step, due: expiry)
            } else {
                say(plan.open[step], .step(step), at: now)
            }
        case .idle: return idle(at: now)
        case .leaving(let step, let at): return leave(step: step, at: at, now: now)
        case .closed, .opening, .ended, .over: break
        }
        return nil
    }

    mutating func idle(at now: Int64) -> LineAction? {
        if let end = farewellEnd, !owesStop || now >= end { return beginFarewell(at: now) }
        switch goOnWithCommands(at: now) {
        case .free: break
        case .waits(let time): return wait(until: time, at: now)
        case .begun: return nil
        }
        if resumesSession {
            beginSession(at: now)
            return nil
        }
        let quiet = intake.discipline.quietUntil
        if let order, now >= quiet, begin(order, at: now) { return nil }
        guard let index = roster.next(at: now, isWell: { _ in true }) else {
            return wait(until: orderDue(at: now), at: now)
        }
        let due = max(roster.questions[index].due, quiet)
        guard now >= due else { return wait(until: min(due, orderDue(at: now)), at: now) }
        // Waiting for one's own line is not waking up late.
        if waitedFor == due { recorder.lateness.record(now - due) }
        waitedFor = 0
        let request = roster.questions[index].body.request
        if let expiry = intake.expiry(of: request, now: now) {
            // Its reply of before may still come, and could be taken for the next.
            // One that failed lets those go first that only wait for it.
            roster.questions[index].due = roster.questions[index].failures > 0 ? expiry + 1 : expiry
            return nil
        }
        if roster.questions[index].body.repetitions == 0 {
            let behind = roster.take(index, at: now, isWell: true)
            if behind > 0 { sink.miss(deadlines: behind, time: now) }
        } else {
            roster.questions[index].due = now + roster.questions[index].period
        }
        say(request, .question(index), at: now)
        return nil
    }

    /// Nothing is said until then.
    mutating func wait(until time: Int64, at now: Int64) -> LineAction {
        let next = plan.listens ? min(time, nextTick) : time
        waitedFor = next
        return plan.listens ? .gather(until: next) : .listen(until: next)
    }
}
