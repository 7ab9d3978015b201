import CommandFacts
import DeviceModel

// All that the events of commands before came to, as it stands in the journal.

extension CommandLedger.Snapshot {
    var body: JSON {
        .members([
            "damaged": .bool(isRecordDamaged),
            "open": .array(open.sorted { $0.key < $1.key }.map { $0.value.body($0.key) }),
            "pumps": .array(pumps.sorted { $0.key < $1.key }.map { $0.value.body($0.key) }),
        ])
    }

    static func read(_ reader: inout BodyReader) throws(BodyReader.Damage) -> CommandLedger.Snapshot {
        let isRecordDamaged = try reader.boolean("damaged")
        try reader.member("open")
        let open = try reader.array { reader throws(BodyReader.Damage) in
            try reader.object(CommandLedger.Command.read)
        }
        try reader.member("pumps")
        let pumps = try reader.array { reader throws(BodyReader.Damage) in try reader.object(CommandLedger.Pump.read) }
        // Each once, in their order.
        guard zip(open, open.dropFirst()).allSatisfy({ $0.number < $1.number }),
            zip(pumps, pumps.dropFirst()).allSatisfy({ $0.key < $1.key })
        else { throw reader.damage }
        return CommandLedger.Snapshot(
            open: Dictionary(uniqueKeysWithValues: open.map { ($0.number, $0.command) }),
            pumps: Dictionary(uniqueKeysWithValues: pumps.map { ($0.key, $0.pump) }), isRecordDamaged: isRecordDamaged)
    }
}

extension CommandLedger.Command {
    /// What belongs to the state stands beside it.
    private struct Members {
        var by: [Operator]?
        var effect: Effect?
        var left: Bool?
        var shown: [Reading]?
        var since: Int64?
        var taken: Bool?
    }

    func body(_ number: Int64) -> JSON {
        var told = Members()
        switch state {
        case .draft(let person, let since, let shown): told = Members(by: [person], shown: shown, since: since)
        case .verified(let people, let since, let shown): told = Members(by: people, shown: shown, since: since)
        case .intended(let effect), .sent(let effect), .acknowledged(let effect): told.effect = effect
        case .uncertain(let doubt):
            told = Members(
                effect: doubt.effect, left: doubt.isLeftToPeople, since: doubt.since, taken: doubt.isTaken)
        }
        return .members([
            "by": told.by?.body, "content": content.body, "effect": told.effect?.body,
            "left": told.left.map(JSON.bool), "number": .integer(number), "shown": told.shown?.body,
            "since": told.since.map { .integer($0) }, "state": .string(Word(state).rawValue),
            "taken": told.taken.map(JSON.bool),
        ])
    }

    static func read(_ reader: inout BodyReader) throws(BodyReader.Damage) -> (
        number: Int64, command: CommandLedger.Command
    ) {
        var told = Members()
        told.by = try Operator.readIfAny(&reader)
        try reader.member("content")
        let content = try reader.object(CommandContent.read)
        told.effect = reader.hasMember("effect") ? try reader.object(Effect.read) : nil
        told.left = try reader.booleanIfAny("left")
        let number = try reader.number("number")
        told.shown = try Reading.readShownIfAny(&reader)
        told.since = try reader.integerIfAny("since")
        let word: Word = try reader.word("state")
        told.taken = try reader.booleanIfAny("taken")
        guard let state = state(word, told) else { throw reader.damage }
        return (number, CommandLedger.Command(content: content, state: state))
    }

    /// A state with what belongs to it, and nothing else.
    private static func state(_ word: Word, _ told: Members) -> CommandState? {
        switch (word, told.by, told.effect, told.left, told.shown, told.since, told.taken) {
        case (.draft, let people?, nil, nil, let shown, let since?, nil):
            people.count == 1 ? .draft(by: people[0], since: since, shown: shown) : nil
        case (.verified, let people?, nil, nil, let shown, let since?, nil):
            people.count <= 2 ? .verified(by: people, since: since, shown: shown) : nil
        case (.intended, nil, let effect?, nil, nil, nil, nil): .intended(effect)
        case (.sent, nil, let effect?, nil, nil, nil, nil): .sent(effect)
        case (.acknowledged, nil, let effect?, nil, nil, nil, nil): .acknowledged(effect)
        case (.uncertain, nil, let effect?, let left?, nil, let since?, let taken?):
            .uncertain(CommandState.Uncertainty(effect: effect, isTaken: taken, since: since, isLeftToPeople: left))
        default: nil
        }
    }

    private enum Word: String {
        case draft
        case verified
        case intended
        case sent
        case acknowledged
        case uncertain

        init(_ state: CommandState) {
            self =
                switch state {
                case .draft: .draft
                case .verified: .verified
                case .intended: .intended
                case .sent: .sent
                case .acknowledged: .acknowledged
                case .uncertain: .uncertain
                }
        }
    }
}

extension CommandLedger.Pump {
    func body(_ key: PumpKey) -> JSON {
        .members([
            "failures": .array(failures.map { .integer($0) }), "intents": .array(intents.map { .integer($0) }),
            "locked": .bool(isLocked), "lookedAt": .bool(isLookedAt), "pump": .string(key.text),
            "stop": stop.map(\.body),
        ])
    }

    static func read(_ reader: inout BodyReader) throws(BodyReader.Damage) -> (key: PumpKey, pump: CommandLedger.Pump) {
        let (failures, intents) = (try reader.integers("failures"), try reader.integers("intents"))
        let (isLocked, isLookedAt) = (try reader.boolean("locked"), try reader.boolean("lookedAt"))
        let key = try PumpKey.read(&reader)
        let stop = reader.hasMember("stop") ? try reader.object(CommandLedger.Stop.read) : nil
        return (
            key,
            CommandLedger.Pump(
                intents: intents, failures: failures, isLocked: isLocked, stop: stop, isLookedAt: isLookedAt)
        )
    }
}

extension CommandLedger.Stop {
    var body: JSON {
        .members(["number": .integer(number), "phase": .string(phase.rawValue), "since": .integer(since)])
    }

    static func read(_ reader: inout BodyReader) throws(BodyReader.Damage) -> CommandLedger.Stop {
        let number = try reader.number("number")
        let phase: Phase = try reader.word("phase")
        return CommandLedger.Stop(number: number, phase: phase, since: try reader.integer("since"))
    }
}
