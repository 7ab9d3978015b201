import PumpControl

/// What the events of commands before came to.
extension CommandBody.Ledger {
    init(_ snapshot: CommandLedger.Snapshot) {
        self.init(
            open: snapshot.open.sorted { $0.key < $1.key }.map { CommandBody.Open($0.key, $0.value) },
            pumps: snapshot.pumps.sorted { $0.key < $1.key }.map { CommandBody.Pump($0.key, $0.value) },
            damaged: snapshot.isRecordDamaged)
    }

    var snapshot: CommandLedger.Snapshot? {
        var open: [Int64: CommandLedger.Command] = [:]
        for entry in self.open {
            guard let command = entry.command, open.updateValue(command, forKey: entry.number) == nil else {
                return nil
            }
        }
        var pumps: [PumpKey: CommandLedger.Pump] = [:]
        for entry in self.pumps {
            guard let key = CommandBody.key(entry.pump), let pump = entry.ledgerPump,
                pumps.updateValue(pump, forKey: key) == nil
            else { return nil }
        }
        return CommandLedger.Snapshot(open: open, pumps: pumps, isRecordDamaged: damaged)
    }
}

extension CommandBody.Open {
    init(_ number: Int64, _ command: CommandLedger.Command) {
        let content = CommandBody.Content(command.content)
        func entry(
            _ state: String, by: [String]? = nil, effect: Effect? = nil, taken: Bool? = nil, left: Bool? = nil,
            since: Int64? = nil
        ) -> CommandBody.Open {
            CommandBody.Open(
                number: number, content: content, state: state, by: by, effect: effect.map { CommandBody.Deed($0) },
                taken: taken, left: left, since: since)
        }
        self =
            switch command.state {
            case .draft(let by, let since): entry("draft", by: [by.id], since: since)
            case .verified(let by, let since): entry("verified", by: by.map(\.id), since: since)
            case .intended(let effect): entry("intended", effect: effect)
            case .sent(let effect): entry("sent", effect: effect)
            case .acknowledged(let effect): entry("acknowledged", effect: effect)
            case .uncertain(let doubt):
                entry(
                    "uncertain", effect: doubt.effect, taken: doubt.isTaken, left: doubt.isLeftToPeople,
                    since: doubt.since)
            }
    }

    var command: CommandLedger.Command? {
        guard let content = content.content, let state = commandState else { return nil }
        return CommandLedger.Command(content: content, state: state)
    }

    private var commandState: CommandState? {
        let people = (by ?? []).map { Operator($0) }
        switch (state, effect?.effect) {
        case ("draft", nil):
            guard people.count == 1, let since else { return nil }
            return .draft(by: people[0], since: since)
        case ("verified", nil):
            guard (1...2).contains(people.count), let since else { return nil }
            return .verified(by: people, since: since)
        case ("intended", let effect?): return .intended(effect)
        case ("sent", let effect?): return .sent(effect)
        case ("acknowledged", let effect?): return .acknowledged(effect)
        case ("uncertain", let effect?):
            guard let taken, let left, let since else { return nil }
            return .uncertain(
                CommandState.Uncertainty(effect: effect, isTaken: taken, since: since, isLeftToPeople: left))
        default: return nil
        }
    }
}

extension CommandBody.Pump {
    init(_ key: PumpKey, _ pump: CommandLedger.Pump) {
        self.init(
            pump: key.text, intents: pump.intents, failures: pump.failures, locked: pump.isLocked,
            lookedAt: pump.isLookedAt,
            stop: pump.stop.map { CommandBody.Stop(number: $0.number, phase: $0.phase.rawValue, since: $0.since) })
    }

    var ledgerPump: CommandLedger.Pump? {
        var standing: CommandLedger.Stop?
        if let stop {
            guard let phase = CommandLedger.Stop.Phase(rawValue: stop.phase) else { return nil }
            standing = CommandLedger.Stop(number: stop.number, phase: phase, since: stop.since)
        }
        return CommandLedger.Pump(
            intents: intents, failures: failures, isLocked: locked, stop: standing, isLookedAt: lookedAt)
    }
}
