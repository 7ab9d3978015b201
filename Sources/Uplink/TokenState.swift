/// What is known of this unit's token, and what is to be done for it. Times are of a clock that nobody sets.
struct TokenState {
    typealias Instant = ContinuousClock.Instant

    enum Phase {
        /// Nobody has asked, or what there was is not taken any more.
        case none
        case held(Held)
        /// Asking came to nothing; what there was before goes on as long as it is good.
        case failing(Failure, former: Held?)
    }

    struct Held: Equatable {
        let token: String
        /// From then on another is asked for.
        let renewAt: Instant
        let endsAt: Instant
    }

    struct Failure: Equatable {
        let reason: String
        /// Nobody asks again before.
        let until: Instant
        /// An alarm does not before: where the token service asked for patience, or its tokens are not taken.
        let urgentUntil: Instant
    }

    enum Step: Equatable {
        case use(String)
        /// Another is to be asked for; this one is good meanwhile.
        case renew(whileUsing: String)
        case ask
        case wait(reason: String)
    }

    /// The longest pause that is not the service's own wish. Unit: s.
    private static let longestPause: Int64 = 15
    /// The longest that the service may wish for. Unit: s.
    private static let patience: Int64 = 3600
    /// How long before its end a token is renewed, at most. Unit: s.
    private static let margin: Double = 60

    private(set) var phase = Phase.none
    /// How often it came to nothing since the records service took a token.
    private var failures = 0

    /// - Parameter isUrgent: an alarm is to go, which waits for no pause but one that the token service asked for,
    ///   or one after a token that was not taken.
    func step(at now: Instant, isUrgent: Bool = false) -> Step {
        switch phase {
        case .none: return .ask
        case .held(let held):
            if now < held.renewAt { return .use(held.token) }
            return now < held.endsAt ? .renew(whileUsing: held.token) : .ask
        case .failing(let failure, let former):
            if let former, now < former.endsAt {
                return now < failure.until ? .use(former.token) : .renew(whileUsing: former.token)
            }
            let until = isUrgent ? failure.urgentUntil : failure.until
            return now < until ? .wait(reason: failure.reason) : .ask
        }
    }

    /// A token was given.
    mutating func take(_ token: AccessToken, at now: Instant) {
        let seconds = Double(token.lifetime)
        phase = .held(
            Held(
                token: token.value, renewAt: now + .seconds(seconds - min(Self.margin, seconds / 4)),
                endsAt: now + .seconds(seconds)))
    }

    /// Asking came to nothing.
    ///
    /// - Parameter holdsAlarms: whether alarms wait for the pause too: another token would help them no more.
    mutating func fail(_ failure: TokenFailure, at now: Instant, holdsAlarms: Bool = false) {
        failures += 1
        let usual = min(Self.longestPause, 1 << min(failures - 1, 6))
        let asked = max(0, min(failure.retryAfter ?? 0, Self.patience))
        let pause = max(usual, asked)
        let former: Held? =
            switch phase {
            case .held(let held): held
            case .failing(_, let former): former
            case .none: nil
            }
        phase = .failing(
            Failure(
                reason: failure.reason, until: now + .seconds(pause),
                urgentUntil: now + .seconds(holdsAlarms ? pause : asked)), former: former)
    }

    /// The records service took a token.
    mutating func prove(_ token: String) { if holds(token) { failures = 0 } }

    /// The records service does not take a token any more. Another may be there already.
    mutating func drop(_ token: String) { if holds(token) { phase = .none } }

    /// The records service does not take one that was given a moment ago: another would fare no better.
    mutating func refuse(_ token: String, _ failure: TokenFailure, at now: Instant) {
        guard holds(token) else { return }
        phase = .none
        fail(failure, at: now, holdsAlarms: true)
    }

    private func holds(_ token: String) -> Bool {
        switch phase {
        case .held(let held): held.token == token
        case .failing(_, let former): former?.token == token
        case .none: false
        }
    }
}
