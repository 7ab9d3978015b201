/// Whether an alert stands, in the words of HL7's devicealert-presence.
package enum AlertPresence: String, Sendable, CaseIterable {
    /// The condition holds, and nobody has said that they saw it.
    case on
    /// The condition holds no longer, and nobody has said that they saw it.
    case latched
    /// The condition holds, and somebody has said that they saw it.
    case ack
    /// Nothing of it stands.
    case off
}

/// How an alert is signalled, in the words of HL7's devicealert-activation.
package enum AlertActivation: String, Sendable, CaseIterable {
    case on
    /// Silent for a while, by somebody's word; it comes on again by itself.
    case paused
    /// Silent by somebody's word until the bed has another patient or preset, or the host begins anew.
    case off
}

/// What changed of an alert between its beginning and its end.
package enum AlertChange: String, Sendable, CaseIterable {
    /// The condition ended; it stands until somebody acknowledges it.
    case latched
    /// The condition came back before anybody acknowledged it.
    case returned
    /// Somebody has seen to it.
    case acknowledged
    /// Somebody had it be silent for a while.
    case paused
    /// It is signalled again, as the time is over.
    case resumed
    /// Nobody has answered for it: it is signalled more strongly.
    case escalated
    /// It was acknowledged, and still holds: it is signalled once more.
    case signalledAgain
    /// Its condition became worse.
    case priorityRaised
    case switchedOff
    case switchedOn
    /// Nobody has seen for a while whether the condition still holds: the host began anew, or no value says so.
    case unconfirmed
    /// The condition was seen again.
    case confirmed
    /// Its device is at another bed.
    case moved
}

/// What an alert had come to when something of it changed.
package struct AlertStanding: Sendable, Hashable {
    /// As written, so that a change of a younger host is told too.
    package let change: String
    package let presence: AlertPresence
    package let activation: AlertActivation

    package init(change: AlertChange, presence: AlertPresence, activation: AlertActivation) {
        (self.change, self.presence, self.activation) = (change.rawValue, presence, activation)
    }

    /// As it was written; `nil` where the members do not say it.
    init?(members: [String: String]) {
        guard let change = members["change"], let presence = members["presence"].flatMap(AlertPresence.init),
            let activation = members["activation"].flatMap(AlertActivation.init)
        else { return nil }
        (self.change, self.presence, self.activation) = (change, presence, activation)
    }
}
