package import CommandFacts
package import DeviceModel

/// Events of commands as the journal has them.
///
/// What is read is, byte for byte, what would be written for it: a text in any other form is damage. That a text was
/// changed into another one of the form, such as a digit into another digit, the journal's chain of hashes tells.
package enum CommandRecord {
    /// An event that does not say what an event of its kind must say. Whoever folds takes it for a damaged record.
    package struct Fault: Error, Sendable, Hashable, CustomStringConvertible {
        /// The event's kind; `nil` for one of a younger host.
        package let kind: EventKind?
        /// Where in its members it begins to be otherwise, counted in bytes from 1.
        package let column: Int

        /// What to do, without a word of what the event says.
        package var description: String {
            guard let kind else {
                return "an event of a pump has a name of a younger host: what it means is not known here, look at "
                    + "every pump before anything is done to it"
            }
            return "members:1:\(column): an event “\(kind.name)” does not say what it must: the record is damaged, "
                + "look at every pump before anything is done to it"
        }
    }

    /// All that whoever folds a journal must read, in the journal's order; and what ``event(kind:body:)`` does not
    /// know.
    package static let kinds: [EventKind] =
        EventKind.ofCommands + [.hostStarted, .journalGap, .eventsLost, .journalSetAside, .journalFileFailed]

    /// What an event of the journal tells of commands; `nil` where it tells nothing of them.
    ///
    /// - Parameters:
    ///   - kind: its name.
    ///   - body: its members, a JSON object as the journal has it.
    package static func event(kind name: String, body text: String) throws(Fault) -> CommandEvent? {
        guard let kind = EventKind(rawValue: name) else {
            if EventKind.isNamedAsOfCommand(name) { throw Fault(kind: nil, column: 1) }
            return nil
        }
        switch kind {
        case .hostStarted: return .sessionBegan
        case .eventsLost: return .recordDamaged
        case .journalGap, .journalSetAside, .journalFileFailed: return isOfSamples(text) ? nil : .recordDamaged
        default:
            guard kind.isOfCommand else { return nil }
            var reader = BodyReader(text)
            do throws(BodyReader.Damage) {
                return try reader.whole { reader throws(BodyReader.Damage) in try read(kind, &reader) }
            } catch { throw Fault(kind: kind, column: error.place + 1) }
        }
    }

    /// Samples are no commands. What does not say in so many words that it is of samples may be of events.
    private static func isOfSamples(_ text: String) -> Bool {
        ["{\"part\":\"samples\"", "{\"file\":\"samples"].contains { text.utf8.starts(with: $0.utf8) }
    }

    private static func read(_ kind: EventKind, _ reader: inout BodyReader) throws(BodyReader.Damage) -> CommandEvent {
        switch kind {
        case .commandLedger:
            try reader.member("ledger")
            return .snapshot(try reader.object(CommandLedger.Snapshot.read))
        case .commandDrafted:
            let person = try Operator.read(&reader)
            try reader.member("content")
            let content = try reader.object(CommandContent.read)
            return .drafted(content, by: person, shown: try Reading.readShownIfAny(&reader))
        case .stopAsked, .pumpLookedAt, .pumpUnlocked:
            let person = try Operator.read(&reader)
            let pump = try PumpKey.read(&reader)
            switch kind {
            case .stopAsked: return .stopAsked(pump, by: person)
            case .pumpLookedAt: return .lookedAt(pump, by: person)
            default: return .unlocked(pump, by: person)
            }
        case .stopSent, .stopConfirmed, .stopNotDelivered:
            let pump = try PumpKey.read(&reader)
            let stop = try reader.number("stop")
            switch kind {
            case .stopSent: return .stopSent(pump, of: stop)
            case .stopConfirmed: return .stopConfirmed(pump, of: stop)
            default: return .stopNotDelivered(pump, of: stop)
            }
        default: return try readOfOne(kind, &reader)
        }
    }

    /// An event that names the command that it is about.
    private static func readOfOne(_ kind: EventKind, _ reader: inout BodyReader) throws(BodyReader.Damage)
        -> CommandEvent
    {
        switch kind {
        case .commandVerified:
            let person = try Operator.read(&reader)
            let number = try reader.number("number")
            return .verified(number, by: person, shown: try Reading.readShownIfAny(&reader))
        case .commandChanged:
            let number = try reader.number("number")
            try reader.member("shown")
            return .changed(number, shown: try Reading.readAll(&reader))
        case .commandMismatched:
            let person = try Operator.read(&reader)
            return .mismatched(try reader.number("number"), by: person)
        case .commandWithdrawn:
            let person = try Operator.read(&reader)
            return .withdrawn(try reader.number("number"), by: person)
        case .commandResolved:
            let people = try Operator.readAll(&reader)
            return .resolved(try reader.number("number"), by: people, try reader.word("word"))
        case .commandIntended:
            try reader.member("effect")
            let effect = try reader.object(Effect.read)
            return .intended(try reader.number("number"), effect)
        case .commandReadBack:
            let number = try reader.number("number")
            try reader.member("shown")
            return .readBack(number, try reader.object(ReadBack.read))
        case .commandExpired: return .expired(try reader.number("number"))
        case .commandSent: return .sent(try reader.number("number"))
        case .commandTaken: return .taken(try reader.number("number"))
        case .commandRejected: return .rejected(try reader.number("number"))
        case .commandUndecided: return .undecided(try reader.number("number"))
        case .commandLeftToPeople: return .leftToPeople(try reader.number("number"))
        case .commandRefused: return .refused(try reader.number("number"), try reader.word("word"))
        case .commandNotSent: return .notSent(try reader.number("number"), try reader.word("word"))
        case .commandUnanswered: return .unanswered(try reader.number("number"), try reader.word("word"))
        // A kind that nothing here reads.
        default: throw reader.damage
        }
    }
}
