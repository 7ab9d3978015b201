package import DeviceModel
package import PumpControl

extension UnitEvent {
    /// An event of a command on its way to the journal; `nil` for what is not written as one: a session's beginning, a
    /// damage.
    ///
    /// - Parameter device: the pump's handle; `nil` for what is about none.
    package static func command(_ event: CommandEvent, device: String?, at time: Int64) -> UnitEvent? {
        guard let kind = CommandRecord.kind(of: event), let members = CommandRecord.body(of: event).json else {
            return nil
        }
        return .command(kind, device: device, members, at: time)
    }
}

/// Events of commands as a journal has them.
package enum CommandRecord {
    /// An event that cannot be read as what it must be: the record is damaged.
    package struct Fault: Error, Sendable, Hashable, CustomStringConvertible {
        /// The event's name.
        package let kind: String

        package var description: String { "an event “\(kind)” of a command cannot be read: the record is damaged" }
    }

    /// All that whoever folds a journal must read, in the order of the journal.
    package static let kinds: [EventKind] =
        EventKind.ofCommands + [.hostStarted, .journalGap, .eventsLost, .journalSetAside, .journalFileFailed]

    static func kind(of event: CommandEvent) -> EventKind? {
        switch event {
        case .sessionBegan, .recordDamaged: nil
        case .snapshot: .commandLedger
        case .drafted: .commandDrafted
        case .verified: .commandVerified
        case .mismatched: .commandMismatched
        case .withdrawn: .commandWithdrawn
        case .expired: .commandExpired
        case .refused: .commandRefused
        case .intended: .commandIntended
        case .notSent: .commandNotSent
        case .sent: .commandSent
        case .taken: .commandTaken
        case .rejected: .commandRejected
        case .unanswered: .commandUnanswered
        case .readBack: .commandReadBack
        case .undecided: .commandUndecided
        case .leftToPeople: .commandLeftToPeople
        case .resolved: .commandResolved
        case .stopAsked: .stopAsked
        case .stopSent: .stopSent
        case .stopConfirmed: .stopConfirmed
        case .stopNotDelivered: .stopNotDelivered
        case .lookedAt: .pumpLookedAt
        case .unlocked: .pumpUnlocked
        }
    }

    static func body(of event: CommandEvent) -> CommandBody {
        var body = CommandBody()
        body.number = event.command
        switch event {
        case .sessionBegan, .recordDamaged, .expired, .sent, .taken, .rejected, .undecided, .leftToPeople: break
        case .snapshot(let snapshot): body.ledger = CommandBody.Ledger(snapshot)
        case .drafted(let content, let by): (body.content, body.by) = (CommandBody.Content(content), [by.id])
        case .verified(_, let by), .mismatched(_, let by), .withdrawn(_, let by): body.by = [by.id]
        case .refused(_, let reason): body.word = reason.rawValue
        case .intended(_, let effect): body.effect = CommandBody.Deed(effect)
        case .notSent(_, let reason): body.word = reason.rawValue
        case .unanswered(_, let doubt): body.word = doubt.rawValue
        case .readBack(_, let shown): body.shown = CommandBody.Shown(shown)
        case .resolved(_, let by, let seen): (body.by, body.word) = (by.map(\.id), seen.rawValue)
        case .stopAsked(let pump, let by), .lookedAt(let pump, let by), .unlocked(let pump, let by):
            (body.pump, body.by) = (pump.text, [by.id])
        case .stopSent(let pump, let stop), .stopConfirmed(let pump, let stop), .stopNotDelivered(let pump, let stop):
            (body.pump, body.stop) = (pump.text, stop)
        }
        return body
    }

    /// What an event of a journal says of commands; `nil` where it says nothing.
    ///
    /// - Parameters:
    ///   - kind: the event's name.
    ///   - body: its members, a JSON object.
    /// - Throws: ``Fault``: whoever folds takes that for a damaged record.
    package static func event(kind: String, body text: String) throws(Fault) -> CommandEvent? {
        guard let known = EventKind(rawValue: kind) else {
            // Of a younger host: what it means for a pump, nobody here knows.
            if ["command", "stop", "pump"].contains(where: kind.hasPrefix) { throw Fault(kind: kind) }
            return nil
        }
        switch known {
        case .hostStarted: return .sessionBegan
        case .eventsLost: return .recordDamaged
        // Of samples only; what does not say which may be of events.
        case .journalGap, .journalSetAside, .journalFileFailed: return isOfSamples(text) ? nil : .recordDamaged
        default: break
        }
        guard known.isOfCommand else { return nil }
        guard let body = CommandBody(text: text), let event = read(known, body) else { throw Fault(kind: kind) }
        return event
    }

    private static func isOfSamples(_ text: String) -> Bool {
        text.contains("\"part\":\"samples\"") || text.contains("\"file\":\"samples")
    }

    private static func read(_ kind: EventKind, _ body: CommandBody) -> CommandEvent? {
        if let number = body.number { return read(kind, number, body) }
        let by = (body.by ?? []).map { Operator($0) }
        let pump = body.pump.flatMap(CommandBody.key)
        switch (kind, pump) {
        case (.commandLedger, nil): return body.ledger?.snapshot.map { .snapshot($0) }
        case (.commandDrafted, nil):
            guard by.count == 1, let content = body.content?.content else { return nil }
            return .drafted(content, by: by[0])
        case (.stopAsked, let pump?): return by.count == 1 ? .stopAsked(pump, by: by[0]) : nil
        case (.pumpLookedAt, let pump?): return by.count == 1 ? .lookedAt(pump, by: by[0]) : nil
        case (.pumpUnlocked, let pump?): return by.count == 1 ? .unlocked(pump, by: by[0]) : nil
        case (.stopSent, let pump?): return body.stop.map { .stopSent(pump, of: $0) }
        case (.stopConfirmed, let pump?): return body.stop.map { .stopConfirmed(pump, of: $0) }
        case (.stopNotDelivered, let pump?): return body.stop.map { .stopNotDelivered(pump, of: $0) }
        default: return nil
        }
    }

    private static func read(_ kind: EventKind, _ number: Int64, _ body: CommandBody) -> CommandEvent? {
        let by = (body.by ?? []).map { Operator($0) }
        switch kind {
        case .commandVerified: return by.count == 1 ? .verified(number, by: by[0]) : nil
        case .commandMismatched: return by.count == 1 ? .mismatched(number, by: by[0]) : nil
        case .commandWithdrawn: return by.count == 1 ? .withdrawn(number, by: by[0]) : nil
        case .commandExpired: return .expired(number)
        case .commandRefused: return body.word.flatMap(RefusalReason.init).map { .refused(number, $0) }
        case .commandIntended: return body.effect?.effect.map { .intended(number, $0) }
        case .commandNotSent: return body.word.flatMap(NotSentReason.init).map { .notSent(number, $0) }
        case .commandSent: return .sent(number)
        case .commandTaken: return .taken(number)
        case .commandRejected: return .rejected(number)
        case .commandUnanswered: return body.word.flatMap(Doubt.init).map { .unanswered(number, $0) }
        case .commandReadBack: return body.shown?.shown.map { .readBack(number, $0) }
        case .commandUndecided: return .undecided(number)
        case .commandLeftToPeople: return .leftToPeople(number)
        case .commandResolved:
            guard !by.isEmpty, let seen = body.word.flatMap(Resolution.init) else { return nil }
            return .resolved(number, by: by, seen)
        default: return nil
        }
    }
}
