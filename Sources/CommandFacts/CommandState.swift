/// Where a command that has not ended stands, with what belongs to each state.
package enum CommandState: Sendable, Hashable {
    /// - shown: what the pump showed when it was entered; `nil` where that is not known.
    case draft(by: Operator, since: Int64, shown: [Reading]? = nil)
    /// - shown: what the pump showed to each who entered it; `nil` where that is not known.
    case verified(by: [Operator], since: Int64, shown: [Reading]? = nil)
    case intended(Effect)
    case sent(Effect)
    case acknowledged(Effect)
    case uncertain(Uncertainty)

    /// It is known whether the effect was said, and its end is not.
    package struct Uncertainty: Sendable, Hashable {
        package let effect: Effect
        /// Whether the device had said that it takes it.
        package var isTaken: Bool
        /// Unit: ns of the boot clock of the session.
        package var since: Int64
        package var isLeftToPeople: Bool

        package init(effect: Effect, isTaken: Bool, since: Int64, isLeftToPeople: Bool) {
            (self.effect, self.isTaken, self.since) = (effect, isTaken, since)
            self.isLeftToPeople = isLeftToPeople
        }
    }

    static func doubt(_ effect: Effect, isTaken: Bool, since time: Int64) -> CommandState {
        .uncertain(Uncertainty(effect: effect, isTaken: isTaken, since: time, isLeftToPeople: false))
    }

    /// Whether an effect may be under way or in doubt: nothing else is done to the pump then but reading and stop.
    package var isOpen: Bool {
        switch self {
        case .intended, .sent, .acknowledged, .uncertain: true
        case .draft, .verified: false
        }
    }

    package var isUncertain: Bool { if case .uncertain = self { true } else { false } }
    /// How many have entered it, as long as it waits; `nil` from then on.
    package var people: Int? {
        switch self {
        case .draft: 1
        case .verified(let people, _, _): people.count
        case .intended, .sent, .acknowledged, .uncertain: nil
        }
    }
    /// What the pump showed when it was entered, as long as it waits; `nil` from then on, and where it is not known.
    package var shown: [Reading]? {
        switch self {
        case .draft(_, _, let shown), .verified(_, _, let shown): shown
        case .intended, .sent, .acknowledged, .uncertain: nil
        }
    }
    package var isWaiting: Bool {
        switch self {
        case .draft, .verified: true
        case .intended, .sent, .acknowledged, .uncertain: false
        }
    }
}

/// How a command ended.
package enum CommandEnd: Sendable, Hashable {
    /// Nothing was intended.
    case void(VoidReason)
    /// It was intended, and not a byte was said.
    case notSent(NotSentReason)
    /// The device proved that it did nothing.
    case rejected
    /// The device shows it.
    case confirmed
    /// A setting that the device shows not to have.
    case notInEffect
    case resolved(Resolution)

    package enum VoidReason: String, Sendable, Hashable {
        case withdrawn
        case expired
        case restarted
        case mismatched
        /// The pump shows something else than when it was entered.
        case changed
        case refused
        /// Somebody stopped the pump meanwhile.
        case stopped
    }
}

/// What a reading of the device says about a command, by the rules of docs/safety.
enum Evidence {
    case confirms
    case contradicts
    case saysNothing

    /// - Parameter isTaken: whether the device had said that it takes it.
    init(_ shown: ReadBack, of effect: Effect, kind: CommandKind, isTaken: Bool) {
        self = .saysNothing
        guard shown.isAskedAfter, shown.isClean, effect.isBeforeKnown else { return }
        let wasShown = effect.isShown(by: effect.before)
        if effect.isShown(by: shown.readings) {
            switch kind {
            // What it showed before as well is no evidence, unless the device has said that it takes the setting.
            case .set: if !wasShown || isTaken { self = .confirms }
            // A state that the device did not say that it takes may be somebody's key.
            case .trigger: if !wasShown, isTaken || effect.isEvidenceOwn { self = .confirms }
            }
        } else if kind == .set, !isTaken, effect.isUnchanged(in: shown.readings) {
            // A trigger may have run and ended. And what a device took and does not show, it may show later.
            self = .contradicts
        }
    }
}
