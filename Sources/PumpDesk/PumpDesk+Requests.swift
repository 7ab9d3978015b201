import CommandFacts
import DevicePlans
import LineEngine
import Nomenclature
import OperatorDesk
import ProfileLanguage
import PumpControl

/// What people ask.
extension PumpDesk {
    func take(_ ask: Ask, at now: Int64) {
        do throws(DeskRefusal) { try answer(ask, at: now) } catch { ask.answer(error.answer) }
    }

    private func answer(_ ask: Ask, at now: Int64) throws(DeskRefusal) {
        switch ask.request {
        case .list: ask.answer(.pumps(pumps.map(view)))
        case .show(let number):
            guard let view = view(number) else { throw DeskRefusal(.unknownCommand, number) }
            ask.answer(.command(view))
        case .history(let most): ask.answer(.commands(history(most)))
        case .preview(let entry):
            let entry = try read(entry)
            ask.answer(
                .preview(
                    bytes: try bytes(entry.pump, entry.plan, entry.content),
                    words: "This would be said to \(entry.pump.handle), once, after it was prepared and looked at."))
        case .draft(let entry, let person): try draft(try read(entry), by: person, ask, at: now)
        case .verify(let number, let entry, let person):
            try verify(number, try read(entry), by: person, ask, at: now)
        case .withdraw(let number, let person):
            let event = try refusing { () throws(CommandLedger.Refusal) in try ledger.withdraw(number, by: person) }
            _ = try record(event, on: pump(of: number), at: now)
            // What is being asked of the pump for it decides nothing any more.
            work[number] = nil
            starting.removeValue(forKey: number)?(DeskRefusal(.notVerified, number).answer)
            try answer(ask, with: number)
        case .start(let number, _): try start(number, ask, at: now)
        case .stop(let device, _): try stop(device, ask)
        case .resolve(let number, let seen, let people):
            let event = try refusing { () throws(CommandLedger.Refusal) in
                try ledger.resolve(number, seen: seen, by: people)
            }
            _ = try record(event, on: pump(of: number), at: now)
            try answer(ask, with: number)
        case .lookedAt(let device, let person):
            let pump = try known(device)
            _ = try record(.lookedAt(pump.key, by: person), on: pump, at: now)
            ask.answer(.done(words: "It is recorded that somebody has looked at \(device)."))
        case .unlock(let device, let person):
            let pump = try known(device)
            _ = try record(.unlocked(pump.key, by: person), on: pump, at: now)
            ask.answer(.done(words: "\(device) may be driven again."))
        }
    }

    private func answer(_ ask: Ask, with number: Int64) throws(DeskRefusal) {
        guard let view = view(number) else { throw DeskRefusal(.unknownCommand, number) }
        ask.answer(.command(view))
    }

    // MARK: Starting

    /// The pump is asked what it shows; what is decided on that is decided when it has answered.
    private func start(_ number: Int64, _ ask: Ask, at now: Int64) throws(DeskRefusal) {
        guard let command = ledger.open[number] else { throw DeskRefusal(.unknownCommand, number) }
        guard case .verified = command.state else { throw DeskRefusal(.notVerified, number) }
        guard work[number] == nil else { throw DeskRefusal(.underWay, number) }
        guard !isClosing else { throw DeskRefusal.closing(number) }
        guard let pump = pump(command.content.pump), pump.lineName == command.content.line,
            let plan = pump.command(command.content.command)
        else {
            throw DeskRefusal(code: "notDriven", "This pump is not driven by this unit any more.", number)
        }
        // Once more, by what holds now.
        let allowed = try judge(pump, plan.plan, command.content, standing: nil)
        guard allowed.people <= command.content.people else { throw DeskRefusal.tooFew(number) }
        let order = nextOrder()
        // Before it is handed over: a stop from here on counts against it.
        let stops = pump.line.stopsAsked(device: pump.device)
        let isHanded = pump.line.hand(
            in: LineOrder(
                number: order, device: pump.device, content: .look(Int32(plan.place)),
                deadline: now + Self.orderPatience))
        guard isHanded else { throw DeskRefusal.busy(number) }
        work[number] = .looking(order: order, stops: stops, rules: allowed.rules)
        starting[number] = ask.answer
    }

    /// What the pump shows is known: decides, makes the intent durable, and hands over what it holds.
    func decide(
        _ number: Int64, stops: Int64, within rules: CommandRules, _ outcome: OrderOutcome, on pump: DrivenPump,
        at now: Int64
    ) {
        work[number] = nil
        let answer = starting.removeValue(forKey: number) ?? { _ in }
        do throws(DeskRefusal) {
            answer(.command(try carryOut(number, stops: stops, within: rules, outcome, on: pump, at: now)))
        } catch {
            answer(error.answer)
        }
    }

    private func carryOut(
        _ number: Int64, stops: Int64, within rules: CommandRules, _ outcome: OrderOutcome, on pump: DrivenPump,
        at now: Int64
    ) throws(DeskRefusal) -> CommandView {
        guard let command = ledger.open[number], let (place, plan) = pump.command(command.content.command) else {
            throw DeskRefusal(.unknownCommand, number)
        }
        guard !isClosing else { throw DeskRefusal.closing(number) }
        guard let shown = pump.shown(outcome, of: plan) else { throw DeskRefusal.notFresh(number) }
        let bytes = try bytes(pump, plan, command.content)
        let effect = Effect(
            bytes: bytes, wanted: wanted(plan, command.content), before: shown,
            profileDigest: pump.profileDigest, expires: now + Self.orderPatience)
        guard let order = CommandOrder(command: place, stops: stops, effect: bytes, before: outcome.told) else {
            throw DeskRefusal(code: "tooLong", "What would be said is too long.", number)
        }
        let event = try refusing { () throws(CommandLedger.Refusal) in
            try ledger.intend(number, effect, within: rules, at: now)
        }
        guard case .intended = event else {
            throw try void(number, by: event, command.state.shown, on: pump, at: now)
        }
        // Once more, with what the pump is set to.
        let allowed = try judge(
            pump, plan, command.content, standing: pump.standing(outcome, of: plan),
            isRunning: pump.isRunning(outcome, of: plan))
        guard allowed.people <= command.content.people else { throw DeskRefusal.tooFew(number) }
        // A site may have tightened it since.
        try refusing { () throws(CommandLedger.Refusal) in
            try ledger.checkPace(of: pump.key, within: allowed.rules, at: now)
        }
        // Durable first: the line gets it when this has returned, and not when it has thrown.
        _ = try record(event, on: pump, at: now)
        let lineOrder = LineOrder(
            number: nextOrder(), device: pump.device, content: .command(order), deadline: effect.expires)
        if pump.line.hand(in: lineOrder) {
            work[number] = .carrying(order: lineOrder.number)
        } else {
            tell([.notSent(number, .lineNotClean)], on: pump, at: now)
        }
        guard let view = view(number) else { throw DeskRefusal(.unknownCommand, number) }
        return view
    }

    private func wanted(_ plan: CommandPlan, _ content: CommandContent) -> [Expectation] {
        plan.shows.map { shown in
            let name = plan.watched[shown.watched].name
            switch shown.what {
            case .values(let values): return Expectation(name, values)
            case .otherThan(let others): return Expectation(name, others, isOther: true)
            case .argument(let argument):
                let entry = content.entries.first { $0.name == argument }
                return Expectation(name, entry.map { [$0.quantity.text] } ?? [])
            }
        }
    }

    // MARK: What was entered

    /// What somebody entered, whole: every argument, each a quantity that the pump takes, and allowed.
    private func read(_ entry: DeskEntry) throws(DeskRefusal) -> Entry {
        let pump = try known(entry.device)
        guard let (_, plan) = pump.command(entry.command) else {
            if let fault = pump.plan.faultyCommands.first {
                throw DeskRefusal(
                    code: "notDriven", "\(entry.device) is not driven, it can at most be stopped: \(fault).")
            }
            throw DeskRefusal(
                code: "unknownCommand",
                "\(entry.device) has no command “\(entry.command)”; it has "
                    + pump.commands.filter { $0.kind != .stop }.map(\.name).joined(separator: ", ") + ".")
        }
        let kind: CommandKind
        switch plan.kind {
        case .set: kind = .set
        case .trigger: kind = .trigger
        case .stop: throw DeskRefusal(code: "stop", "A stop is not entered: say “stop”, and it is done at once.")
        }
        let arguments = plan.description.arguments
        if let strange = entry.entries.keys.sorted().first(where: { name in !arguments.contains { $0.name == name } }) {
            throw DeskRefusal(code: "unknownArgument", "“\(entry.command)” takes no “\(strange)”.")
        }
        var entries: [CommandEntry] = []
        for argument in arguments {
            guard let text = entry.entries[argument.name] else {
                throw DeskRefusal(code: "missingArgument", "Enter “\(argument.name)”, in \(argument.unit.display).")
            }
            entries.append(try quantity(text, argument))
        }
        func content(_ people: Int) -> CommandContent {
            CommandContent(
                pump: pump.key, line: pump.lineName, command: plan.name, kind: kind, entries: entries, people: people,
                order: entry.order, reason: entry.reason)
        }
        try checkStrangers(pump)
        try checkOrder(content(2))
        let allowed = try judge(pump, plan, content(2), standing: nil)
        return Entry(pump: pump, plan: plan, content: content(allowed.people), rules: allowed.rules)
    }

    private func quantity(_ text: String, _ argument: CommandDescription.Argument) throws(DeskRefusal) -> CommandEntry {
        do throws(CommandDescription.Argument.Refusal) { _ = try argument.written(text) } catch {
            throw DeskRefusal(code: "quantity", "\(error)")
        }
        guard let quantity = try? ExactQuantity(text) else { throw DeskRefusal(code: "quantity", "\(text)") }
        return CommandEntry(argument.name, quantity, unit: argument.unit.ucum)
    }

    private func bytes(_ pump: DrivenPump, _ plan: CommandPlan, _ content: CommandContent) throws(DeskRefusal)
        -> [UInt8]
    {
        var arguments: [String: [UInt8]] = [:]
        for argument in plan.description.arguments {
            guard let entry = content.entries.first(where: { $0.name == argument.name }),
                let written = try? argument.written(entry.quantity.text)
            else { throw DeskRefusal(code: "missingArgument", "“\(argument.name)” is missing.") }
            arguments[argument.name] = written
        }
        guard let bytes = pump.plan.effect(of: plan, arguments: arguments) else {
            throw DeskRefusal(code: "unknownCommand", "What would be said cannot be made of what was entered.")
        }
        return bytes
    }

    /// Returns how many must enter it, and how far apart from others it must be.
    private func judge(
        _ pump: DrivenPump, _ plan: CommandPlan, _ content: CommandContent, standing: [CommandEntry]?,
        isRunning: Bool = false
    ) throws(DeskRefusal) -> (people: Int, rules: CommandRules) {
        let verdict = gate.judge(
            EnteredCommand(
                pump: pump, command: plan, kind: content.kind, entries: content.entries, order: content.order,
                reason: content.reason, standing: standing, isRunning: isRunning, utc: utc))
        switch verdict {
        case .allowed(let people, let rules): return (people, rules)
        case .refused(let code, let words): throw DeskRefusal(code: code, words.joined(separator: " "))
        }
    }

    // MARK: Helpers

    /// A command in doubt of a pump that the configuration called otherwise, on the same line.
    private func checkStrangers(_ pump: DrivenPump) throws(DeskRefusal) {
        let stranger = ledger.open.first {
            $0.value.state.isUncertain && $0.value.content.line == pump.lineName
                && self.pump($0.value.content.pump) == nil
        }
        if let stranger { throw DeskRefusal(.uncertainPending, stranger.key) }
    }

    /// An order begins one delivery: what is left of it, or more of it, is another order.
    private func checkOrder(_ content: CommandContent) throws(DeskRefusal) {
        guard content.kind == .trigger, let order = content.order else { return }
        let used = traces.contains { _, trace in
            guard trace.content.kind == .trigger, trace.content.order == order, !trace.isWaiting else { return false }
            switch trace.end {
            case nil, .confirmed, .resolved(.inEffect): return true
            case .void, .notSent, .rejected, .notInEffect, .resolved(.notInEffect): return false
            }
        }
        if used {
            throw DeskRefusal(
                code: "orderUsed", "This order was begun already: going on needs an order for what is left.")
        }
    }

    private func known(_ device: String) throws(DeskRefusal) -> DrivenPump {
        if let pump = pump(device) { return pump }
        throw DeskRefusal(
            code: "unknownPump",
            pumps.isEmpty
                ? "This unit drives no pump: there is no policy that allows it."
                : "This unit drives no pump “\(device)”; it drives \(pumps.map(\.handle).joined(separator: ", ")).")
    }

    func pump(of number: Int64) -> DrivenPump? { traces[number].flatMap { pump($0.content.pump) } }

    func record(_ event: CommandEvent, on pump: DrivenPump?, at now: Int64) throws(DeskRefusal) -> Int64 {
        do { return try decide(event, on: pump, at: now) } catch { throw DeskRefusal.journal }
    }

    func refusing<Value>(_ body: () throws(CommandLedger.Refusal) -> Value) throws(DeskRefusal) -> Value {
        do throws(CommandLedger.Refusal) { return try body() } catch {
            throw DeskRefusal(error)
        }
    }
}
