package import CommandFacts
package import DeviceModel

extension UnitEvent {
    /// An event of a command on its way to the journal. `nil` for what is not written as one: a session's beginning, a
    /// damaged record; and for what could not be read again as what it is, such as a command of three people or an
    /// effect without bytes.
    ///
    /// - Parameters:
    ///   - device: the pump's handle; `nil` for what is about none.
    ///   - time: unit ns of the monotonic clock.
    package static func command(_ event: CommandEvent, device: String?, at time: Int64) -> UnitEvent? {
        guard let kind = event.kind, let members = event.members,
            (try? CommandRecord.event(kind: kind.name, body: members.text)) == event
        else { return nil }
        return .command(kind, device: device, members, at: time)
    }
}

extension CommandEvent {
    /// As what it stands in the journal; `nil` for what others write.
    var kind: EventKind? {
        switch self {
        case .sessionBegan, .recordDamaged: nil
        case .snapshot: .commandLedger
        case .drafted: .commandDrafted
        case .verified: .commandVerified
        case .mismatched: .commandMismatched
        case .changed: .commandChanged
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

    /// In the order of their names. The number of what begins here is the event's own, and stands in no member.
    var members: JSON? {
        switch self {
        case .sessionBegan, .recordDamaged: nil
        case .snapshot(let snapshot): .members(["ledger": snapshot.body])
        case .drafted(let content, let person, let shown):
            .members(["by": [person].body, "content": content.body, "shown": shown?.body])
        case .verified(let number, let person, let shown):
            .members(["by": [person].body, "number": .integer(number), "shown": shown?.body])
        case .changed(let number, let shown): .members(["number": .integer(number), "shown": shown.body])
        case .mismatched(let number, let person), .withdrawn(let number, let person):
            .members(["by": [person].body, "number": .integer(number)])
        case .expired(let number), .sent(let number), .taken(let number), .rejected(let number),
            .undecided(let number), .leftToPeople(let number):
            .members(["number": .integer(number)])
        case .refused(let number, let reason): Self.members(number, reason)
        case .intended(let number, let effect): .members(["effect": effect.body, "number": .integer(number)])
        case .notSent(let number, let reason): Self.members(number, reason)
        case .unanswered(let number, let doubt): Self.members(number, doubt)
        case .readBack(let number, let shown): .members(["number": .integer(number), "shown": shown.body])
        case .resolved(let number, let people, let seen):
            .members(["by": people.body, "number": .integer(number), "word": .string(seen.rawValue)])
        case .stopAsked(let pump, let person), .lookedAt(let pump, let person), .unlocked(let pump, let person):
            .members(["by": [person].body, "pump": .string(pump.text)])
        case .stopSent(let pump, let stop), .stopConfirmed(let pump, let stop), .stopNotDelivered(let pump, let stop):
            .members(["pump": .string(pump.text), "stop": .integer(stop)])
        }
    }

    private static func members(_ number: Int64, _ word: some RawRepresentable<String>) -> JSON {
        .members(["number": .integer(number), "word": .string(word.rawValue)])
    }
}
