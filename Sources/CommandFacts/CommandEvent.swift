/// What becomes of a command, as the journal's events tell it. What is true of a command is a fold over them, and
/// nothing else remembers anything.
///
/// A command's number is that of its first event in the journal: it grows over restarts without a counter of its own.
package enum CommandEvent: Sendable, Hashable {
    /// The host began a session: what had not been said is void, what had no end is uncertain.
    case sessionBegan
    /// All that the events before came to, so that the journal need not keep them.
    case snapshot(CommandLedger.Snapshot)
    /// Events are missing or damaged: every pump is to be looked at.
    case recordDamaged

    /// - shown: what the pump showed at this moment; `nil` where an older host did not keep it.
    case drafted(CommandContent, by: Operator, shown: [Reading]? = nil)
    /// A second person entered the same, blind.
    ///
    /// - shown: what the pump showed at this moment; `nil` where an older host did not keep it.
    case verified(Int64, by: Operator, shown: [Reading]? = nil)
    /// A second person entered something else.
    case mismatched(Int64, by: Operator)
    /// The pump shows something else than when it was entered: what was entered is void.
    case changed(Int64, shown: [Reading])
    case withdrawn(Int64, by: Operator)
    case expired(Int64)
    case refused(Int64, RefusalReason)

    case intended(Int64, Effect)
    /// Not a byte of it was said.
    case notSent(Int64, NotSentReason)
    /// It may be on the wire, all or any of it.
    case sent(Int64)
    /// The device said that it takes it.
    case taken(Int64)
    /// The device proved that it did nothing.
    case rejected(Int64)
    /// What came, or did not come, proves nothing.
    case unanswered(Int64, Doubt)
    /// The device was asked what it shows.
    case readBack(Int64, ReadBack)
    /// The reading back is over and has shown nothing that decides.
    case undecided(Int64)
    /// It is a person's task now.
    case leftToPeople(Int64)
    /// Somebody stood before the pump and says what it shows.
    case resolved(Int64, by: [Operator], Resolution)

    case stopAsked(PumpKey, by: Operator)
    /// Of a stop, by the number of its first event: a second one may be under way when the first is proven.
    case stopSent(PumpKey, of: Int64)
    case stopConfirmed(PumpKey, of: Int64)
    case stopNotDelivered(PumpKey, of: Int64)

    /// Somebody has looked at a pump after the record had been damaged, or a stop was not proven.
    case lookedAt(PumpKey, by: Operator)
    /// Somebody lets a pump be driven again after too many failures.
    case unlocked(PumpKey, by: Operator)
}

extension CommandEvent {
    /// The command that it is about; `nil` for what is about none, or begins one.
    package var command: Int64? {
        switch self {
        case .sessionBegan, .snapshot, .recordDamaged, .drafted, .stopAsked, .stopSent, .stopConfirmed,
            .stopNotDelivered, .lookedAt, .unlocked:
            nil
        case .verified(let number, _, _), .mismatched(let number, _), .changed(let number, _),
            .withdrawn(let number, _), .expired(let number), .refused(let number, _), .intended(let number, _),
            .notSent(let number, _), .sent(let number), .taken(let number), .rejected(let number),
            .unanswered(let number, _), .readBack(let number, _), .undecided(let number), .leftToPeople(let number),
            .resolved(let number, _, _):
            number
        }
    }
}

extension CommandEvent {
    /// Whether it tells what became of an intent, so that the journal has the intent before it.
    var isBehindIntent: Bool {
        switch self {
        case .notSent, .sent, .taken, .rejected, .unanswered, .readBack, .undecided, .leftToPeople, .resolved: true
        case .sessionBegan, .snapshot, .recordDamaged, .drafted, .verified, .mismatched, .changed, .withdrawn,
            .expired, .refused, .intended, .stopAsked, .stopSent, .stopConfirmed, .stopNotDelivered, .lookedAt,
            .unlocked:
            false
        }
    }
}

/// Why not a byte was said.
package enum NotSentReason: String, Sendable, Hashable, CaseIterable, BitwiseCopyable {
    case expired
    case stopped
    case lineLost
    case hostStopping
    case controlRefused
    case changed
    case notFresh
    case otherDevice
    case lineNotClean
}

/// Why it is not known what the device did.
package enum Doubt: String, Sendable, Hashable, CaseIterable, BitwiseCopyable {
    case silent
    case damaged
    case otherDevice
    case lineLost
    /// An exception or a word that proves nothing.
    case unproven
}

/// What a device showed after a command.
package struct ReadBack: Sendable, Hashable {
    /// Whether it was asked after the effect was said.
    package let isAskedAfter: Bool
    /// Whether nothing of before could still come: asked behind a rest and a barrier, on one connection.
    package let isClean: Bool
    package let readings: [Reading]

    package init(isAskedAfter: Bool, isClean: Bool, readings: [Reading]) {
        (self.isAskedAfter, self.isClean, self.readings) = (isAskedAfter, isClean, readings)
    }
}

/// What a person saw at the pump.
package enum Resolution: String, Sendable, Hashable, CaseIterable {
    case inEffect
    case notInEffect
}

/// Why a command is not made, or not accepted.
package enum RefusalReason: String, Sendable, Hashable, CaseIterable {
    case unknownCommand
    case notDraft
    case notVerified
    case samePerson
    /// What an earlier command did to this pump is not known.
    case uncertainPending
    /// Another command is under way on this pump or its line.
    case underWay
    /// The record is damaged: somebody must look at the pump.
    case mustBeLookedAt
    case tooSoon
    case tooMany
    case locked
    case stopPending
    case notAllowed
    case onePersonMore
    case notOpen
}
