/// All commands of the unit, as the journal's events tell them. A value: the same events give the same ledger, nothing
/// here waits, reads a clock or keeps what the journal does not hold.
package struct CommandLedger: Sendable, Hashable {
    package struct Command: Sendable, Hashable {
        package let content: CommandContent
        package internal(set) var state: CommandState

        package init(content: CommandContent, state: CommandState) { (self.content, self.state) = (content, state) }
    }

    /// The last stop that was asked for and is not proven, beside all commands.
    package struct Stop: Sendable, Hashable {
        package enum Phase: String, Sendable, Hashable {
            case asked
            case sent
            /// It was said, or could not be; nobody knows that the pump stands still.
            case notDelivered
        }

        /// That of its first event.
        package let number: Int64
        package internal(set) var phase: Phase
        /// Unit: ns of the boot clock of the session.
        package let since: Int64

        package init(number: Int64, phase: Phase, since: Int64) {
            (self.number, self.phase, self.since) = (number, phase, since)
        }
    }

    /// What is remembered of a pump beyond its open commands.
    package struct Pump: Sendable, Hashable {
        /// When effects were intended, or were told to have gone out, whichever is later; within the window. What was
        /// not sent counts as well: what goes before an effect may have been said, and a program that tries again and
        /// again is what the pace is for. Unit: ns of the boot clock of the session.
        package internal(set) var intents: [Int64] = []
        package internal(set) var failures: [Int64] = []
        package internal(set) var isLocked = false
        package internal(set) var stop: Stop?
        /// Whether somebody has looked at it since the record was damaged.
        package internal(set) var isLookedAt = true

        package init(
            intents: [Int64] = [], failures: [Int64] = [], isLocked: Bool = false, stop: Stop? = nil,
            isLookedAt: Bool = true
        ) {
            (self.intents, self.failures, self.isLocked) = (intents, failures, isLocked)
            (self.stop, self.isLookedAt) = (stop, isLookedAt)
        }

        /// What is outside its window counts no more.
        mutating func forget(_ rules: CommandRules, at now: Int64) {
            intents.removeAll { span(from: $0, to: now) >= rules.window }
            failures.removeAll { span(from: $0, to: now) > rules.failureWindow }
        }
    }

    package let rules: CommandRules
    /// By number: those that have not ended.
    package private(set) var open: [Int64: Command] = [:]
    package private(set) var pumps: [PumpKey: Pump] = [:]
    /// Whether events are missing: pumps that are not named here are to be looked at too.
    package private(set) var isRecordDamaged = false
    /// The number of the last event, and its time.
    package private(set) var last: Int64 = 0
    private var lastTime: Int64 = 0

    package init(_ rules: CommandRules = CommandRules()) { self.rules = rules }

    /// Whether there is nothing to remember.
    package var isEmpty: Bool { open.isEmpty && pumps.isEmpty && !isRecordDamaged }

    package func pump(_ key: PumpKey) -> Pump {
        if let pump = pumps[key] { return pump }
        var pump = Pump()
        pump.isLookedAt = !isRecordDamaged
        return pump
    }

    /// The open command of a pump that bars others: one at most.
    package func underWay(on pump: PumpKey) -> (number: Int64, command: Command)? {
        open.first { $0.value.content.pump == pump && $0.value.state.isOpen }.map { ($0.key, $0.value) }
    }

    // MARK: The fold

    /// Takes the next event of the journal. Returns what the command came to, when it ended by it.
    ///
    /// Any event may come, whoever wrote the journal: one that does not fit what went before tells that the record is
    /// damaged, and is never taken for what it says.
    ///
    /// - Parameters:
    ///   - number: of the event in the journal, above all before.
    ///   - time: when it happened. Unit: ns of the boot clock of its session.
    @discardableResult package mutating func apply(_ event: CommandEvent, number: Int64, at time: Int64) -> CommandEnd?
    {
        guard number > last else {
            damage()
            return nil
        }
        let isFirst = last == 0
        last = number
        defer { lastTime = time }
        switch event {
        case .sessionBegan: beginSession(at: time)
        case .snapshot(let snapshot): take(snapshot, isFirst: isFirst, at: number)
        case .recordDamaged: damage()
        case .drafted(let content, let by, let shown):
            guard (1...2).contains(content.people) else { return contradict(content.pump) }
            open[number] = Command(
                content: content,
                state: content.people == 1
                    ? .verified(by: [by], since: time, shown: shown)
                    : .draft(by: by, since: time, shown: shown))
        case .stopAsked(let key, _): askStop(key, number, at: time)
        case .stopSent(let key, let stop):
            change(key) { if $0.stop?.number == stop, $0.stop?.phase == .asked { $0.stop?.phase = .sent } }
        case .stopConfirmed(let key, let stop): change(key) { if $0.stop?.number == stop { $0.stop = nil } }
        case .stopNotDelivered(let key, let stop):
            change(key) { if $0.stop?.number == stop { $0.stop?.phase = .notDelivered } }
        case .lookedAt(let key, _):
            change(key) { pump in
                pump.isLookedAt = true
                if pump.stop?.phase == .notDelivered { pump.stop = nil }
            }
        case .unlocked(let key, _): change(key) { ($0.isLocked, $0.failures) = (false, []) }
        case .verified(let command, _, _), .mismatched(let command, _), .changed(let command, _),
            .withdrawn(let command, _), .expired(let command), .refused(let command, _), .intended(let command, _),
            .notSent(let command, _), .sent(let command), .taken(let command), .rejected(let command),
            .unanswered(let command, _), .readBack(let command, _), .undecided(let command),
            .leftToPeople(let command), .resolved(let command, _, _):
            return take(event, of: command, at: time)
        }
        return nil
    }

    private mutating func take(_ event: CommandEvent, of number: Int64, at time: Int64) -> CommandEnd? {
        guard let command = open[number] else {
            damage()
            return nil
        }
        guard let next = Self.next(command, event, at: time) else {
            // What was said before its intent, or without one: of what else is the record not true?
            if command.state.isWaiting, event.isBehindIntent { damage() }
            return contradict(command.content.pump)
        }
        let key = command.content.pump
        switch next {
        case .state(let state):
            if case .intended = state { note(intent: time, of: key) }
            if case .intended = command.state { note(transmission: time, of: key) }
            if state.isUncertain, !command.state.isUncertain { note(failure: time, of: key) }
            open[number]?.state = state
            return nil
        case .end(let end):
            if end == .rejected { note(failure: time, of: key) }
            open[number] = nil
            return end
        }
    }

    private enum Next {
        case state(CommandState)
        case end(CommandEnd)
    }

    /// What an event brings about; `nil` where it cannot come in this state.
    private static func next(_ command: Command, _ event: CommandEvent, at time: Int64) -> Next? {
        switch (command.state, event) {
        case (.draft(let first, let since, let shown), .verified(_, let second, let again)):
            // Where the pump showed something else to the second, it is not known on what both have entered it.
            let both = shown == again ? shown : nil
            return first == second ? nil : .state(.verified(by: [first, second], since: since, shown: both))
        case (.draft, .mismatched): return .end(.void(.mismatched))
        case (.draft, .changed), (.verified, .changed): return .end(.void(.changed))
        case (.draft, .withdrawn), (.verified, .withdrawn): return .end(.void(.withdrawn))
        case (.draft, .expired), (.verified, .expired): return .end(.void(.expired))
        case (.draft, .refused), (.verified, .refused): return .end(.void(.refused))
        case (.verified, .intended(_, let effect)): return .state(.intended(effect))
        case (.intended, .notSent(_, let reason)): return .end(.notSent(reason))
        case (.intended(let effect), .sent): return .state(.sent(effect))
        case (.intended(let effect), .unanswered), (.sent(let effect), .unanswered):
            return .state(.doubt(effect, isTaken: false, since: time))
        case (.sent(let effect), .taken): return .state(.acknowledged(effect))
        case (.sent, .rejected): return .end(.rejected)
        case (.acknowledged, .taken), (.uncertain, .unanswered): return .state(command.state)
        // It proved late that it did nothing, and had not said that it takes it.
        case (.uncertain(let doubt), .rejected): return doubt.isTaken ? nil : .end(.rejected)
        case (.acknowledged(let effect), .undecided), (.acknowledged(let effect), .unanswered):
            return .state(.doubt(effect, isTaken: true, since: time))
        case (.acknowledged(let effect), .readBack(_, let shown)):
            return next(command, Evidence(shown, of: effect, kind: command.content.kind, isTaken: true))
        case (.uncertain(let doubt), .readBack(_, let shown)):
            return next(
                command, Evidence(shown, of: doubt.effect, kind: command.content.kind, isTaken: doubt.isTaken))
        case (.uncertain, .undecided): return .state(command.state)
        case (.uncertain(var doubt), .taken):
            // It said so late.
            doubt.isTaken = true
            return .state(.uncertain(doubt))
        case (.uncertain(var doubt), .leftToPeople):
            doubt.isLeftToPeople = true
            return .state(.uncertain(doubt))
        case (.uncertain(let doubt), .resolved(_, let people, let seen)):
            // Before it is their task, what was said may still be on its way.
            return doubt.isLeftToPeople && Set(people).count >= command.content.people ? .end(.resolved(seen)) : nil
        default: return nil
        }
    }

    private static func next(_ command: Command, _ evidence: Evidence) -> Next {
        switch evidence {
        case .confirms: .end(.confirmed)
        case .contradicts: .end(.notInEffect)
        case .saysNothing: .state(command.state)
        }
    }

    /// What had not been said is void. What was intended may have been said: nobody knows. The times of another
    /// session's clock are not compared: what was done counts as done just now.
    private mutating func beginSession(at time: Int64) {
        for (number, command) in open {
            switch command.state {
            case .draft, .verified: open[number] = nil
            case .intended(let effect), .sent(let effect):
                open[number]?.state = .doubt(effect, isTaken: false, since: time)
            case .acknowledged(let effect): open[number]?.state = .doubt(effect, isTaken: true, since: time)
            case .uncertain(var doubt):
                doubt.since = time
                open[number]?.state = .uncertain(doubt)
            }
        }
        let (rules, lastTime) = (rules, lastTime)
        for key in pumps.keys {
            change(key) { pump in
                pump.forget(rules, at: lastTime)
                pump.intents = pump.intents.map { _ in time }
                pump.failures = pump.failures.map { _ in time }
                pump.stop?.phase = .notDelivered
            }
        }
    }

    /// A stop voids what was being prepared: going on afterwards is a new command.
    private mutating func askStop(_ key: PumpKey, _ number: Int64, at time: Int64) {
        for (number, command) in open where command.content.pump == key && command.state.isWaiting {
            open[number] = nil
        }
        change(key) { $0.stop = Stop(number: number, phase: .asked, since: time) }
    }

    // MARK: Snapshots

    /// All that the events before came to. A fold that begins with it needs none of them.
    package struct Snapshot: Sendable, Hashable {
        package let open: [Int64: Command]
        package let pumps: [PumpKey: Pump]
        package let isRecordDamaged: Bool

        package init(open: [Int64: Command], pumps: [PumpKey: Pump], isRecordDamaged: Bool) {
            (self.open, self.pumps, self.isRecordDamaged) = (open, pumps, isRecordDamaged)
        }
    }

    package var snapshot: Snapshot { Snapshot(open: open, pumps: pumps, isRecordDamaged: isRecordDamaged) }

    /// Where events before it were read, it must say what they said.
    private mutating func take(_ snapshot: Snapshot, isFirst: Bool, at number: Int64) {
        let isWhole = snapshot.open.allSatisfy {
            (1..<number).contains($0.key) && (1...2).contains($0.value.content.people)
        }
        // What a pump is bounded by may have changed with the program since; what is open may not.
        guard isWhole, isFirst || snapshot.open == open else { return damage() }
        guard isFirst else { return }
        (open, pumps, isRecordDamaged) = (snapshot.open, snapshot.pumps, snapshot.isRecordDamaged)
    }

    private mutating func damage() {
        isRecordDamaged = true
        for key in pumps.keys { pumps[key]?.isLookedAt = false }
    }

    /// An event that cannot be true of this pump.
    private mutating func contradict(_ key: PumpKey) -> CommandEnd? {
        change(key) { $0.isLookedAt = false }
        return nil
    }

    private mutating func change(_ key: PumpKey, _ body: (inout Pump) -> Void) {
        var changed = pump(key)
        body(&changed)
        pumps[key] = changed
    }

    private mutating func note(intent time: Int64, of key: PumpKey) {
        let rules = rules
        change(key) { pump in
            pump.forget(rules, at: time)
            pump.intents = Array((pump.intents + [time]).suffix(rules.mostInWindow))
        }
    }

    /// The effect may have gone out long after it was intended: the next is apart from that.
    private mutating func note(transmission time: Int64, of key: PumpKey) {
        change(key) { pump in
            if let last = pump.intents.popLast() { pump.intents.append(max(last, time)) }
        }
    }

    private mutating func note(failure time: Int64, of key: PumpKey) {
        let rules = rules
        change(key) { pump in
            pump.forget(rules, at: time)
            pump.failures = Array((pump.failures + [time]).suffix(rules.failuresThatLock))
            if pump.failures.count == rules.failuresThatLock { pump.isLocked = true }
        }
    }
}

/// What bounds the driving of pumps. Units of times: ns.
package struct CommandRules: Sendable, Hashable {
    /// How long a draft may wait, from its first entry to its transmission.
    package var longestDraft: Int64 = 300_000_000_000
    /// Between two effects on one pump at least.
    package var leastGap: Int64 = 5_000_000_000
    /// Effects on one pump within ``window`` at most.
    package var mostInWindow = 12
    package var window: Int64 = 3_600_000_000_000
    /// Failures within ``failureWindow`` that lock a pump until somebody unlocks it.
    package var failuresThatLock = 3
    package var failureWindow: Int64 = 600_000_000_000
    /// How long a command may be uncertain before it is a person's task.
    package var patience: Int64 = 60_000_000_000
    /// How long after its expiry the line may still report of an effect.
    package var longestExchange: Int64 = 60_000_000_000
    /// How long a stop may be under way before nobody can say that the pump stands.
    package var longestStop: Int64 = 30_000_000_000

    package init() {}
}
