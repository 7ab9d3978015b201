import Foundation

@testable import CommandFacts
@testable import PumpControl

/// A small world around the real ledger: two commands and a stop on one pump, two kills, and everything that a line and
/// a pump may do to them. All that may happen next is a list of moves. What a person does at the pump's keys shows as
/// what a command did: *confirmed* says what is in effect, not who did it.
///
/// The first command sets a value, the second starts the pump. What the line does follows docs/safety: one
/// transmission, a rest after whatever went wrong, and a barrier of another shape before anything that counts. That a
/// device has answered, or never will, when the rest is over is assumed, as there; mischief may break it.
struct SmallWorld {
    /// What is done wrong on purpose, so that the search is seen to find it.
    enum Fault: CaseIterable {
        case saysBeforeDurable
        case saysAgainAfterTimeout
        case takesAcknowledgementForProof
        case takesOlderReading
        case forgetsOldConnection
        case saysBesideUncertain
        case forgetsAtRestart
        case believesAnyRefusal
        case stopsLater
        case stopWaits
        case takesStateForATrigger
        /// A start is decided on what the pump shows then, whatever it showed at the entering.
        case forgetsTheEntering
        /// The line does not look once more.
        case doesNotLookLast
    }

    enum Message: Equatable {
        case effect(Int)
        case stop
        case barrier
        case query
    }

    enum Answer: Equatable {
        case taken(Int)
        case refused(Int)
        case pong
        /// `passed`: by command, whether its effect had come by then, or never will.
        case shows(value: Int, isRunning: Bool, passed: [Bool])
    }

    enum Line: Equatable {
        case idle
        /// The effect is being waited for.
        case awaiting(Int)
        case barrier
        case query(Int)
    }

    enum Report: Equatable {
        case notSent(Int)
        case sent(Int)
        case taken(Int)
        case rejected(Int)
        case unanswered(Int)
        case readBack(Int, ReadBack, isTrue: Bool)
        case undecided(Int)

        var command: Int {
            switch self {
            case .notSent(let command), .sent(let command), .taken(let command), .rejected(let command),
                .unanswered(let command), .readBack(let command, _, _), .undecided(let command):
                command
            }
        }
    }

    // Durable.
    var ledger = CommandLedger(.untimed)
    var numbers: [Int64] = [0, 0]
    var ends: [CommandEnd?] = [nil, nil]
    // Lost by a kill.
    var mailbox: [Int] = []
    var line = Line.idle
    var mustRest = true
    /// Whether a question of another shape has been answered since anything went wrong: what was held has come.
    var isClean = false
    var reports: [Report] = []
    /// The word that any thread sets.
    var isStopWanted = false
    // The wire.
    var toPump: [Message] = []
    var toHost: [Answer] = []
    var held: [Message] = []
    // The pump.
    var value = 0
    var isRunning = false
    var obeyed = [0, 0]
    // What was done, for the properties.
    /// By command: what the pump showed when the first person entered it.
    var entered: [[Reading]] = [[], []]
    var written = [0, 0]
    var stopsWritten = 0
    var broken: String?
    /// What happened, for whoever reads why something is broken.
    var trail: [String] = []
    // What may still go wrong.
    var kills = 2
    /// Losses, lies, refusals, keys pressed and bytes held over a reconnection, together.
    var mischief = 2
    /// Whether somebody pressed a key at the pump, which does what a command would have done.
    var isKeyPressed = false

    /// Whether each world keeps how it came about: `NABD_TRAIL=1`.
    static let isTold = ProcessInfo.processInfo.environment["NABD_TRAIL"] != nil
    static let pump = PumpKey(serial: "1")
    static let people = [Operator("a"), Operator("b")]

    static func content(_ command: Int) -> CommandContent {
        CommandContent(
            pump: pump, line: "line", command: command == 0 ? "rate" : "start", kind: command == 0 ? .set : .trigger,
            entries: [])
    }

    func effect(_ command: Int) -> Effect {
        Effect(
            bytes: [UInt8(command)],
            wanted: [command == 0 ? Expectation("value", ["1"]) : Expectation("running", ["true"])],
            before: shown, profileDigest: "", expires: 1)
    }

    /// What a question that is asked now would tell.
    var shown: [Reading] { readings(value, isRunning) }

    func readings(_ value: Int, _ isRunning: Bool) -> [Reading] {
        [Reading("value", "\(value)"), Reading("running", "\(isRunning)")]
    }
}

extension SmallWorld {
    /// What makes a world another one: all but the numbers of events, which only grow. The same bytes are the same
    /// world.
    var identity: [UInt8] {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(64)
        for command in 0...1 {
            let state = ledger.open[numbers[command]]?.state
            bytes += [code(state), code(ends[command])]
            // Beside what the rules keep of it until it is said: the same, where they are kept.
            if case .intended? = state, written[command] == 0 { bytes.append(code(entered[command])) }
        }
        let stop: UInt8 =
            switch ledger.pump(Self.pump).stop?.phase {
            case nil: 0
            case .asked: 1
            case .sent: 2
            case .notDelivered: 3
            }
        bytes += [stop, UInt8(value), UInt8(stopsWritten), UInt8(kills), UInt8(mischief)]
        for flag in [mustRest, isClean, isStopWanted, isRunning, isKeyPressed] { bytes.append(flag ? 1 : 0) }
        for count in obeyed + written { bytes.append(UInt8(count)) }
        bytes += numbers.map { $0 > 0 ? 1 : 0 }
        switch line {
        case .idle: bytes.append(0)
        case .awaiting(let command): bytes.append(1 + UInt8(command))
        case .barrier: bytes.append(3)
        case .query(let command): bytes.append(4 + UInt8(command))
        }
        bytes += [UInt8(mailbox.count)] + mailbox.map { UInt8($0) }
        bytes += [UInt8(toPump.count)] + toPump.map(code) + [UInt8(held.count)] + held.map(code)
        bytes += [UInt8(toHost.count)] + toHost.map(code)
        for report in reports { bytes += code(report) }
        return bytes
    }

    private func code(_ readings: [Reading]) -> UInt8 {
        // The value and whether it runs; nothing where nothing was read.
        readings.isEmpty ? 6 : (UInt8(readings[0].value) ?? 7) * 2 + (readings[1].value == "true" ? 1 : 0)
    }

    private func code(_ state: CommandState?) -> UInt8 {
        switch state {
        case nil: 0
        case .draft(_, _, let shown): 128 + code(shown ?? [])
        case .verified(_, _, let shown): 136 + code(shown ?? [])
        case .intended(let effect): 16 + code(effect.before)
        case .sent(let effect): 32 + code(effect.before)
        case .acknowledged(let effect): 48 + code(effect.before)
        case .uncertain(let doubt):
            (doubt.isTaken ? 64 : 80) + (doubt.isLeftToPeople ? 32 : 0) + code(doubt.effect.before)
        }
    }

    private func code(_ end: CommandEnd?) -> UInt8 {
        switch end {
        case nil: 0
        case .void: 1
        case .notSent: 2
        case .rejected: 3
        case .confirmed: 4
        case .notInEffect: 5
        case .resolved(.inEffect): 6
        case .resolved(.notInEffect): 7
        }
    }

    private func code(_ message: Message) -> UInt8 {
        switch message {
        case .effect(let command): UInt8(command)
        case .stop: 2
        case .barrier: 3
        case .query: 4
        }
    }

    private func code(_ answer: Answer) -> UInt8 {
        switch answer {
        case .taken(let command): UInt8(command)
        case .refused(let command): 2 + UInt8(command)
        case .pong: 4
        case .shows(let value, let isRunning, let passed):
            32 + UInt8(value) * 8 + (isRunning ? 4 : 0) + (passed[0] ? 2 : 0) + (passed[1] ? 1 : 0)
        }
    }

    private func code(_ report: Report) -> [UInt8] {
        switch report {
        case .notSent(let command): [UInt8(command)]
        case .sent(let command): [2 + UInt8(command)]
        case .taken(let command): [4 + UInt8(command)]
        case .rejected(let command): [6 + UInt8(command)]
        case .unanswered(let command): [8 + UInt8(command)]
        case .undecided(let command): [10 + UInt8(command)]
        case .readBack(let command, let shown, let isTrue):
            [12 + UInt8(command), code(shown.readings), (shown.isClean ? 2 : 0) + (isTrue ? 1 : 0)]
        }
    }
}

extension CommandRules {
    /// Nothing is bounded by time.
    static var untimed: CommandRules {
        var rules = CommandRules()
        (rules.leastGap, rules.mostInWindow, rules.failuresThatLock, rules.patience) = (0, 100, 100, 0)
        return rules
    }
}

/// What may happen next.
extension SmallWorld {
    typealias Move = (@escaping (inout SmallWorld) -> Void) -> Void

    /// Every world that may come of this one.
    func next(_ fault: Fault?) -> [SmallWorld] {
        var worlds: [SmallWorld] = []
        func move(_ body: @escaping (inout SmallWorld) -> Void) {
            var world = self
            body(&world)
            world.check()
            if Self.isTold {
                world.trail.append("\(world.line) out \(world.toPump) in \(world.toHost) reports \(world.reports)")
            }
            worlds.append(world)
        }
        for command in 0...1 { people(command, fault, move) }
        if stopsWritten == 0, !isStopWanted, ledger.pump(Self.pump).stop == nil { move { $0.askStop() } }
        record(fault, move)
        speak(fault, move)
        carry(move)
        pumpActs(fault, move)
        if kills > 0 { move { $0.kill(fault) } }
        return worlds
    }

    private func people(_ command: Int, _ fault: Fault?, _ move: Move) {
        let number = numbers[command]
        if number == 0 {
            let content = Self.content(command)
            guard let event = try? ledger.draft(content, by: Self.people[0], shown: shown, at: 0) else { return }
            return move { world in
                world.entered[command] = world.shown
                world.record(event, command)
            }
        }
        guard let state = ledger.open[number]?.state else { return }
        switch state {
        case .draft:
            let content = Self.content(command)
            guard let event = try? ledger.verify(number, entering: content, by: Self.people[1], shown: shown, at: 0)
            else { return }
            move { $0.record(event, command) }
        case .verified: start(command, fault, move)
        case .uncertain(let doubt) where !doubt.isLeftToPeople:
            // The minute is over: what was said has come, or never will.
            guard toPump.isEmpty, held.isEmpty, let event = ledger.due(at: 0).first else { return }
            move { $0.record(event, command) }
        case .uncertain:
            let seen: Resolution = obeyed[command] > 0 ? .inEffect : .notInEffect
            guard let event = try? ledger.resolve(number, seen: seen, by: Self.people) else { return }
            move { $0.record(event, command) }
        case .intended, .sent, .acknowledged: return
        }
    }

    /// It is decided on what the pump shows now.
    private func start(_ command: Int, _ fault: Fault?, _ move: Move) {
        let (number, effect) = (numbers[command], effect(command))
        guard var event = try? ledger.intend(number, effect, at: 0) else {
            if fault == .saysBesideUncertain { move { $0.mailbox.append(command) } }
            return
        }
        if case .changed = event, fault == .forgetsTheEntering { event = .intended(number, effect) }
        guard case .intended = event else { return move { $0.record(event, command) } }
        if fault == .takesStateForATrigger {
            event = .intended(
                number,
                Effect(
                    bytes: effect.bytes, wanted: effect.wanted, before: readings(value, false), profileDigest: "",
                    expires: 1))
        }
        if fault == .saysBeforeDurable { move { $0.mailbox.append(command) } }
        move { [event] world in
            world.record(event, command)
            if fault != .saysBeforeDurable { world.mailbox.append(command) }
        }
    }

    mutating func record(_ event: CommandEvent, _ command: Int) {
        let number = ledger.last + 1
        if case .drafted = event { numbers[command] = number }
        if let end = ledger.apply(event, number: number, at: 0) { close(command, end) }
        for command in 0...1 where numbers[command] > 0 && ends[command] == nil && ledger.open[numbers[command]] == nil
        {
            ends[command] = .void(.stopped)
        }
    }

    private mutating func askStop() {
        isStopWanted = true
        record(.stopAsked(Self.pump, by: Self.people[0]), 0)
    }

    /// The recorder takes what the line reports.
    private func record(_ fault: Fault?, _ move: Move) {
        guard let report = reports.first else { return }
        move { world in
            world.reports.removeFirst()
            guard world.ledger.isOpen(world.numbers[report.command]) else { return }
            switch report {
            case .notSent(let command): world.record(.notSent(world.numbers[command], .lineNotClean), command)
            case .sent(let command): world.record(.sent(world.numbers[command]), command)
            case .taken(let command): world.record(.taken(world.numbers[command]), command)
            case .rejected(let command): world.record(.rejected(world.numbers[command]), command)
            case .unanswered(let command): world.record(.unanswered(world.numbers[command], .silent), command)
            case .undecided(let command): world.record(.undecided(world.numbers[command]), command)
            case .readBack(let command, let shown, let isTrue):
                world.record(.readBack(world.numbers[command], shown), command)
                if world.ends[command] == .confirmed, !isTrue || world.obeyed[command] == 0 && !world.isKeyPressed {
                    world.broken = "confirmedIsTrue"
                }
                if world.ends[command] == .notInEffect, world.value == 1 || world.isComing(command) {
                    world.broken = "notInEffectIsTrue"
                }
            }
        }
    }

    mutating func kill(_ fault: Fault?) {
        kills -= 1
        let waiting = mailbox
        (mailbox, line, reports, isStopWanted) = ([], .idle, [], fault == .stopsLater && isStopWanted)
        hangUp()
        record(.sessionBegan, 0)
        if fault == .forgetsAtRestart { mailbox = (0...1).filter { written[$0] > 0 && ends[$0] == nil } + waiting }
    }

    /// The connection ends: what was on its way is lost, or held and delivered on the next one.
    mutating func hangUp() {
        toHost = []
        if mischief > 0, !toPump.isEmpty {
            mischief -= 1
            held += toPump
        }
        toPump = []
        (mustRest, isClean) = (true, false)
    }
}
