package import DeviceModel

/// One alert that has begun and not ended.
package struct Alarm: Sendable, Hashable {
    /// Whether the host has seen the condition itself.
    package enum Sight: String, Sendable, Hashable {
        case seen
        /// A host before this one saw it; this one has not yet been able to.
        case unconfirmed
    }

    /// How it is signalled while nobody has answered for it.
    package enum Signal: Sendable, Hashable {
        /// - since: unit ns of the monotonic clock.
        case given(since: Int64, Escalation)
        /// - until: unit ns of the monotonic clock.
        case paused(until: Int64, Escalation)
        /// Somebody switched it off.
        case off
    }

    package enum Escalation: String, Sendable, Hashable {
        case none
        case escalated
    }

    package enum State: Sendable, Hashable {
        /// The condition holds, as far as is known.
        case on(Signal, Sight)
        /// The condition holds no longer; it stands until somebody acknowledges it.
        case latched(Signal)
        /// Somebody has seen to it, and the condition holds.
        ///
        /// - signalsAgain: when it is signalled once more; `nil`: not at all. Unit: ns of the monotonic clock.
        case ack(signalsAgain: Int64?, Sight)
    }

    package internal(set) var record: AlertRecord
    package internal(set) var priority: AlertPriority
    package let nature: AlertNature
    /// Whether it stands after its condition has ended, until somebody acknowledges it.
    package internal(set) var latches: Bool
    package internal(set) var state: State
    /// How often the condition came back.
    package internal(set) var count = 0
    /// When it began. Unit: ns since 1970, as the clock was then.
    package let began: Int64
    /// What its pauses come to. Unit: ns.
    package internal(set) var paused: Int64 = 0
    /// Who acknowledged it, by their ids; empty where nobody has.
    package internal(set) var acknowledgedBy: [String] = []

    package var condition: String { record.condition }

    package var presence: AlertPresence {
        switch state {
        case .on: .on
        case .latched: .latched
        case .ack: .ack
        }
    }

    package var activation: AlertActivation {
        switch state {
        case .on(let signal, _), .latched(let signal): signal.activation
        case .ack: .on
        }
    }

    package var isUnconfirmed: Bool {
        switch state {
        case .on(_, .unconfirmed), .ack(_, .unconfirmed): true
        case .on(_, .seen), .ack(_, .seen), .latched: false
        }
    }

    package var isEscalated: Bool {
        switch state {
        case .on(.given(_, let escalation), _), .on(.paused(_, let escalation), _), .latched(.given(_, let escalation)),
            .latched(.paused(_, let escalation)):
            escalation == .escalated
        case .on(.off, _), .latched(.off), .ack: false
        }
    }

    /// Until when it is silent by somebody's word; `nil` where it is not paused. Unit: ns of the monotonic clock.
    package var pausedUntil: Int64? {
        switch state {
        case .on(.paused(let until, _), _), .latched(.paused(let until, _)): until
        case .on(.given, _), .on(.off, _), .latched(.given), .latched(.off), .ack: nil
        }
    }

    /// Whether its condition holds, as far as is known.
    var holds: Bool {
        switch state {
        case .on, .ack: true
        case .latched: false
        }
    }
}

extension Alarm.Signal {
    var activation: AlertActivation {
        switch self {
        case .given: .on
        case .paused: .paused
        case .off: .off
        }
    }

    var escalation: Alarm.Escalation {
        switch self {
        case .given(_, let escalation), .paused(_, let escalation): escalation
        case .off: .none
        }
    }
}

/// An alert that somebody switched off at a bed: whichever device tells it.
package struct AlarmSwitch: Sendable, Hashable {
    package let bed: String
    /// The alert's name.
    package let name: String
    /// The metric whose value it is about; `nil` for what is about none.
    package let metric: String?

    package init(bed: String, name: String, metric: String?) {
        (self.bed, self.name, self.metric) = (bed, name, metric)
    }

    package func isOf(_ record: AlertRecord) -> Bool {
        record.bed == bed && record.name == name && record.metric == metric
    }
}

/// Something that happened to alerts: what the journal holds of them, and all that the ledger is a fold of.
package enum AlarmEvent: Sendable, Hashable {
    /// - repeated: how many more changes of the same alert it stands for.
    case began(AlertRecord, nature: AlertNature, latches: Bool, repeated: UInt32 = 0)
    case changed(AlertRecord, Change)
    /// - reason: why it ended although its condition was not seen to; `nil` when it was.
    case ended(AlertRecord, reason: AlertEnding?, by: [String] = [], repeated: UInt32 = 0)
    case switchedOff(AlarmSwitch, by: [String])
    case switchedOn(AlarmSwitch, by: [String])
    case ledger([Alarm], switchedOff: Set<AlarmSwitch>)

    package enum Change: Sendable, Hashable {
        case latched
        case returned
        case acknowledged(by: [String])
        /// - until: unit ns of the monotonic clock.
        case paused(until: Int64, by: [String])
        case resumed
        case escalated
        case signalledAgain
        /// - latches: whether it stands after its condition from now on.
        case priorityRaised(latches: Bool)
        case switchedOff
        case switchedOn
        case unconfirmed
        case confirmed
        /// Its device is at another bed.
        case moved

        /// Whether an alert that was acknowledged is signalled by it.
        var signals: Bool {
            switch self {
            case .signalledAgain, .priorityRaised: true
            case .latched, .returned, .acknowledged, .paused, .resumed, .escalated, .switchedOff, .switchedOn,
                .unconfirmed,
                .confirmed, .moved:
                false
            }
        }
    }
}

/// Why something that was asked about alerts is not done.
package enum AlarmRefusal: String, Error, Sendable, Hashable, CaseIterable {
    case noSuchAlarm
    case hasBecomeWorse
    case notPaused
    case pausedTooOften
    case nothingToPause
    case mayNotBeOff
    case isOff
    case isNotOff

    package var words: String {
        switch self {
        case .noSuchAlarm: "This alarm has ended, or never was: list the alarms again."
        case .hasBecomeWorse:
            "One of these alarms has become worse since it was shown, so none is acknowledged: look at the patient, "
                + "and list the alarms again."
        case .notPaused: "A pause is from 1 to 120 seconds."
        case .pausedTooOften: "This alarm has been silent for 10 minutes in all: see to it, or acknowledge it."
        case .nothingToPause: "There is no alarm at this bed that could be silenced."
        case .mayNotBeOff:
            "This alarm cannot be switched off: it tells of a fault by which this unit may fail the patient."
        case .isOff: "This alarm is off already."
        case .isNotOff: "This alarm is not off."
        }
    }
}
