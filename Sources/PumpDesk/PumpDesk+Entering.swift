import CommandFacts
import DevicePlans
import LineEngine
import OperatorDesk
import PumpControl

/// What somebody wants, whole, within what the pump takes, and allowed.
struct Entry {
    let pump: DrivenPump
    let plan: CommandPlan
    let content: CommandContent
    /// How far apart effects on this pump must be, and how many an hour.
    let rules: CommandRules
}

/// What somebody has entered and is not recorded yet: the pump is asked what it shows, and that is kept with it.
struct Entering {
    enum Step {
        case draft
        /// The draft that was entered once more.
        case verify(Int64)
    }

    let step: Step
    let content: CommandContent
    let person: Operator
    let answer: (DeskAnswer) -> Void

    /// `nil` of what has no number yet.
    var number: Int64? { if case .verify(let number) = step { number } else { nil } }
}

/// What people enter, each by themselves, and what the pump shows at that moment.
extension PumpDesk {
    func draft(_ entry: Entry, by person: Operator, _ ask: Ask, at now: Int64) throws(DeskRefusal) {
        // What is refused whatever the pump shows is refused before it is asked.
        _ = try refusing { () throws(CommandLedger.Refusal) in
            try ledger.draft(entry.content, by: person, shown: [], within: entry.rules, at: now)
        }
        let entering = Entering(step: .draft, content: entry.content, person: person, answer: ask.answer)
        try look(for: entering, entry.plan, on: entry.pump, at: now)
    }

    func verify(_ number: Int64, _ entry: Entry, by person: Operator, _ ask: Ask, at now: Int64) throws(DeskRefusal) {
        // The same here, as if the pump showed what it showed to the first.
        let before = ledger.open[number]?.state.shown
        let event = try refusing { () throws(CommandLedger.Refusal) in
            try ledger.verify(number, entering: entry.content, by: person, shown: before ?? [], at: now)
        }
        guard case .verified = event else { throw try void(number, by: event, before, on: entry.pump, at: now) }
        let entering = Entering(step: .verify(number), content: entry.content, person: person, answer: ask.answer)
        try look(for: entering, entry.plan, on: entry.pump, at: now)
    }

    private func look(for entering: Entering, _ plan: CommandPlan, on pump: DrivenPump, at now: Int64)
        throws(DeskRefusal)
    {
        guard !isClosing else { throw DeskRefusal.closing(entering.number) }
        guard !isOwing else { throw DeskRefusal.journal }
        guard let place = pump.command(plan.name)?.place else { throw DeskRefusal(.unknownCommand) }
        let order = nextOrder()
        let isHanded = pump.line.hand(
            in: LineOrder(
                number: order, device: pump.device, content: .look(Int32(place)), deadline: now + Self.orderPatience))
        guard isHanded else { throw DeskRefusal.busy(entering.number) }
        self.entering[order] = entering
    }

    /// What the pump shows is known: what was entered is recorded with it.
    func enter(_ entering: Entering, _ outcome: OrderOutcome, on pump: DrivenPump, at now: Int64) {
        do throws(DeskRefusal) {
            let number = try record(entering, outcome, on: pump, at: now)
            guard let view = view(number) else { throw DeskRefusal(.unknownCommand, number) }
            entering.answer(.command(view))
        } catch {
            entering.answer(error.answer)
        }
    }

    private func record(_ entering: Entering, _ outcome: OrderOutcome, on pump: DrivenPump, at now: Int64)
        throws(DeskRefusal) -> Int64
    {
        guard !isClosing else { throw DeskRefusal.closing(entering.number) }
        guard let plan = pump.command(entering.content.command)?.plan, let shown = pump.shown(outcome, of: plan) else {
            throw DeskRefusal.notFresh(entering.number)
        }
        let (content, person) = (entering.content, entering.person)
        switch entering.step {
        case .draft:
            let event = try refusing { () throws(CommandLedger.Refusal) in
                try ledger.draft(content, by: person, shown: shown, at: now)
            }
            return try record(event, on: pump, at: now)
        case .verify(let number):
            let before = ledger.open[number]?.state.shown
            let event = try refusing { () throws(CommandLedger.Refusal) in
                try ledger.verify(number, entering: content, by: person, shown: shown, at: now)
            }
            guard case .verified = event else { throw try void(number, by: event, before, on: pump, at: now) }
            _ = try record(event, on: pump, at: now)
            return number
        }
    }

    /// What waited is void by an event: makes that durable, and says why.
    ///
    /// - Parameter before: what the pump showed when it was entered, as far as that is known.
    func void(
        _ number: Int64, by event: CommandEvent, _ before: [Reading]?, on pump: DrivenPump, at now: Int64
    ) throws(DeskRefusal) -> DeskRefusal {
        _ = try record(event, on: pump, at: now)
        switch event {
        case .mismatched:
            return DeskRefusal(
                code: "mismatch", "What you entered is not what the first person entered: both are void.", number)
        case .changed(_, let shown):
            return DeskRefusal(code: "changed", pump.words(ofChangeFrom: before, to: shown), number)
        default: return DeskRefusal.expired(number)
        }
    }

    /// A stop, or the host's end: what is being entered is not recorded.
    func dropEntering(on pump: PumpKey?, because refusal: (Int64?) -> DeskRefusal) {
        for (order, entering) in entering where pump == nil || entering.content.pump == pump {
            self.entering[order] = nil
            entering.answer(refusal(entering.number).answer)
        }
    }
}
