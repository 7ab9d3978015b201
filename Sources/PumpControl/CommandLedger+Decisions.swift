package import CommandFacts

/// What may be done, decided without doing it. Each answer is the event that is to be journalled, or why not.
extension CommandLedger {
    /// Why something is not done.
    package struct Refusal: Error, Sendable, Hashable {
        package let reason: RefusalReason
        /// The command that stands in the way.
        package let command: Int64?
        /// How long until it is possible again, where time alone brings that. Unit: ns.
        package let wait: Int64?

        package init(_ reason: RefusalReason, _ command: Int64? = nil, wait: Int64? = nil) {
            (self.reason, self.command, self.wait) = (reason, command, wait)
        }
    }

    /// Somebody enters a command.
    ///
    /// - Parameters:
    ///   - shown: what the pump shows at this moment: it is kept with what was entered.
    ///   - tighter: how far apart effects must be, and how many an hour, where a site or a profile says so.
    package func draft(
        _ content: CommandContent, by person: Operator, shown: [Reading], within tighter: CommandRules? = nil,
        at now: Int64
    ) throws(Refusal) -> CommandEvent {
        guard (1...2).contains(content.people) else { throw Refusal(.notAllowed) }
        try checkPump(content, besides: nil, within: tighter, at: now)
        return .drafted(content, by: person, shown: shown)
    }

    /// A second person enters the same without having seen it. What differs voids both, and so does a pump that shows
    /// something else than to the first.
    package func verify(
        _ number: Int64, entering content: CommandContent, by person: Operator, shown: [Reading], at now: Int64
    ) throws(Refusal) -> CommandEvent {
        guard let command = open[number] else { throw Refusal(.unknownCommand) }
        guard case .draft(let first, let since, let before) = command.state else { throw Refusal(.notDraft, number) }
        if isOver(since, at: now) { return .expired(number) }
        if first == person { throw Refusal(.samePerson, number) }
        if content == command.content, shown != before { return .changed(number, shown: shown) }
        return content == command.content
            ? .verified(number, by: person, shown: shown) : .mismatched(number, by: person)
    }

    package func withdraw(_ number: Int64, by person: Operator) throws(Refusal) -> CommandEvent {
        guard let command = open[number] else { throw Refusal(.unknownCommand) }
        guard command.state.isWaiting else { throw Refusal(.notDraft, number) }
        return .withdrawn(number, by: person)
    }

    /// The verified command is to be carried out: once this event is durable, and not before, its bytes go to the line.
    /// Where the pump shows something else than when it was entered, or that is not known, it is void instead.
    package func intend(_ number: Int64, _ effect: Effect, within tighter: CommandRules? = nil, at now: Int64)
        throws(Refusal) -> CommandEvent
    {
        guard let command = open[number] else { throw Refusal(.unknownCommand) }
        guard case .verified(_, let since, let shown) = command.state else { throw Refusal(.notVerified, number) }
        if isOver(since, at: now) { return .expired(number) }
        try checkPump(command.content, besides: number, within: tighter, at: now)
        guard effect.before == shown else { return .changed(number, shown: effect.before) }
        guard !effect.bytes.isEmpty, effect.isBeforeKnown, now < effect.expires,
            span(from: since, to: effect.expires) <= rules.longestDraft
        else { throw Refusal(.notAllowed, number) }
        return .intended(number, effect)
    }

    /// Somebody has stood before the pump. Where two entered the command, two say what it shows; and not before it is
    /// their task: until then what was said may still be on its way.
    package func resolve(_ number: Int64, seen: Resolution, by people: [Operator]) throws(Refusal) -> CommandEvent {
        guard let command = open[number] else { throw Refusal(.unknownCommand) }
        guard case .uncertain(let doubt) = command.state else { throw Refusal(.notOpen, number) }
        guard doubt.isLeftToPeople else { throw Refusal(.tooSoon, number) }
        guard Set(people).count >= command.content.people else { throw Refusal(.onePersonMore, number) }
        return .resolved(number, by: people, seen)
    }

    /// A stop is never refused.
    package func stop(_ pump: PumpKey, by person: Operator) -> CommandEvent { .stopAsked(pump, by: person) }

    /// What time alone brings about.
    package func due(at now: Int64) -> [CommandEvent] {
        open.sorted { $0.key < $1.key }.compactMap { number, command in
            switch command.state {
            case .draft(_, let since, _), .verified(_, let since, _):
                isOver(since, at: now) ? .expired(number) : nil
            case .uncertain(let doubt):
                !doubt.isLeftToPeople && span(from: doubt.since, to: now) >= rules.patience
                    ? .leftToPeople(number) : nil
            // A line that reports nothing any more has lost it.
            case .intended(let effect), .sent(let effect):
                span(from: effect.expires, to: now) > rules.longestExchange ? .unanswered(number, .silent) : nil
            case .acknowledged(let effect):
                span(from: effect.expires, to: now) > rules.longestExchange ? .undecided(number) : nil
            }
        }
            + pumps.sorted { $0.key < $1.key }.compactMap { key, pump in
                guard let stop = pump.stop, stop.phase != .notDelivered,
                    span(from: stop.since, to: now) > rules.longestStop
                else { return nil }
                return .stopNotDelivered(key, of: stop.number)
            }
    }

    private func isOver(_ since: Int64, at now: Int64) -> Bool { span(from: since, to: now) > rules.longestDraft }

    /// Whether what a line reports of a command still says something: a person may have resolved it meanwhile.
    package func isOpen(_ number: Int64) -> Bool { open[number]?.state.isOpen ?? false }

    /// Whether anything at all may be done to a pump but reading and stopping it.
    private func checkPump(
        _ content: CommandContent, besides own: Int64?, within tighter: CommandRules?, at now: Int64
    ) throws(Refusal) {
        let pump = pump(content.pump)
        if !pump.isLookedAt { throw Refusal(.mustBeLookedAt) }
        for (number, command) in open where number != own && command.state.isOpen {
            guard command.content.pump == content.pump || command.content.line == content.line else { continue }
            if command.content.pump == content.pump, command.state.isUncertain {
                throw Refusal(.uncertainPending, number)
            }
            if !command.state.isUncertain { throw Refusal(.underWay, number) }
        }
        if pump.stop != nil { throw Refusal(.stopPending) }
        if pump.isLocked { throw Refusal(.locked) }
        try checkPace(of: content.pump, within: tighter ?? rules, at: now)
    }

    /// Whether an effect on a pump would come too soon behind the last, or be one too many in an hour.
    ///
    /// - Parameter tighter: what a site or a profile says; what is looser than the program's own counts for nothing.
    package func checkPace(of key: PumpKey, within tighter: CommandRules, at now: Int64) throws(Refusal) {
        let intents = pump(key).intents
        let gap = max(rules.leastGap, tighter.leastGap)
        let apart = intents.last.map { gap - max(0, span(from: $0, to: now)) } ?? 0
        let inWindow = intents.filter { span(from: $0, to: now) < rules.window }
        // Before one more, all but so many must have left the window.
        let leaving = inWindow.count - max(1, min(rules.mostInWindow, tighter.mostInWindow))
        if leaving >= 0 {
            let free = rules.window - max(0, span(from: inWindow[leaving], to: now))
            throw Refusal(.tooMany, wait: max(apart, free))
        }
        if apart > 0 { throw Refusal(.tooSoon, wait: apart) }
    }
}
