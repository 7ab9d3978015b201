/// A patient at a bed, from when to when.
package struct Binding: Sendable, Hashable {
    /// The sequence of the event by which it began.
    package let number: Int64
    package let bed: String
    /// The patient: 64 hexadecimal digits.
    package let subject: String
    package let since: Moment
    /// The withdrawn binding in whose place it stands, by its number.
    package let replaces: Int64?
    /// The ids of those who bound.
    package let by: [String]
    package internal(set) var state: State

    package enum State: Sendable, Hashable {
        /// The patient is at the bed.
        case open
        /// The patient was at the bed until then.
        case ended(Ending)
        /// It was another patient, as was found later.
        case withdrawn(Withdrawal)
    }

    package struct Ending: Sendable, Hashable {
        package enum Cause: String, Sendable, Hashable, CaseIterable {
            /// Somebody said so; or the host, as the bed is no longer in the configuration.
            case said
            /// It stands in place of one that had ended then.
            case replaced
            /// Events that may have told of it are lost: nobody knows whether the patient is still there.
            case lost
        }

        package let at: Moment
        /// The ids of those who said so; empty where nobody did.
        package let by: [String]
        package let cause: Cause

        package init(at: Moment, by: [String], cause: Cause = .said) {
            (self.at, self.by, self.cause) = (at, by, cause)
        }
    }

    package struct Withdrawal: Sendable, Hashable {
        package let at: Moment
        package let by: [String]
        /// How it had ended before; `nil` where it held until it was withdrawn.
        package let ending: Ending?
        /// The number of the binding that stands in its place.
        package internal(set) var replacement: Int64?

        package init(at: Moment, by: [String], ending: Ending?, replacement: Int64? = nil) {
            (self.at, self.by, self.ending, self.replacement) = (at, by, ending, replacement)
        }
    }

    package init(
        number: Int64, bed: String, subject: String, since: Moment, replaces: Int64?, by: [String], state: State
    ) {
        (self.number, self.bed, self.subject, self.since) = (number, bed, subject, since)
        (self.replaces, self.by, self.state) = (replaces, by, state)
    }

    /// Until when values were filed under it; `nil` while it is open.
    package var until: Moment? {
        switch state {
        case .open: nil
        case .ended(let ending): ending.at
        case .withdrawn(let withdrawal): withdrawal.ending?.at ?? withdrawal.at
        }
    }

    /// The sessions that it names.
    var sessions: Set<String> {
        var keys: Set = [since.session]
        if let until { keys.insert(until.session) }
        if case .withdrawn(let withdrawal) = state { keys.insert(withdrawal.at.session) }
        return keys
    }

    package var isOpen: Bool { state == .open }

    /// Whether nobody knows if the patient is still there.
    package var isLost: Bool {
        switch state {
        case .ended(let ending): ending.cause == .lost
        case .open, .withdrawn: false
        }
    }

    package var isWithdrawn: Bool {
        switch state {
        case .withdrawn: true
        case .open, .ended: false
        }
    }
}

/// All that the events of beds up to it came to: a reader may begin here.
package struct BedSnapshot: Sendable, Hashable {
    package struct Bed: Sendable, Hashable {
        package let bed: String
        /// As the session has it now.
        package let configured: ConfiguredBed
        package let preset: PresetChoice?
        /// From when on it has these devices; `nil` for the session's beginning. Unit: ns of the monotonic clock.
        package let since: Int64?

        package init(bed: String, configured: ConfiguredBed, preset: PresetChoice?, since: Int64? = nil) {
            (self.bed, self.configured, self.preset, self.since) = (bed, configured, preset, since)
        }
    }

    /// In the order of their ids.
    package let beds: [Bed]
    /// In the order of their numbers: all that are open, and the last of the others.
    package let bindings: [Binding]
    /// The keys of the sessions that the bindings name and of the last ones, in the order in which they were: a binding
    /// may reach back into one of them.
    package let sessions: [String]

    package init(beds: [Bed], bindings: [Binding], sessions: [String]) {
        (self.beds, self.bindings, self.sessions) = (beds, bindings, sessions)
    }
}
