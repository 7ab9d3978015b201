/// What is known of the certificate in use and of having it renewed, and what is to be done.
struct RenewalState {
    typealias Instant = ContinuousClock.Instant

    enum Step: Equatable {
        /// While nobody knows what time it is nobody knows what is due.
        case waitForClock
        /// There is none yet: a person enrols the unit.
        case waitForCertificate
        case rest
        case ask
    }

    /// The first pause after a failure, and the longest. Unit: s.
    private static let pauses: ClosedRange<Int64> = 15...21_600
    /// How long a process that has just begun waits: it may be one that is started again and again. Unit: s.
    private static let firstPauses: ClosedRange<Int64> = 15...60
    /// Of the time that is left, one part in so many may pass between two attempts.
    private static let share: Int64 = 20
    /// Of the time that is left, the server may ask for one part in so many.
    private static let patience: Int64 = 4

    private(set) var failures = 0
    private(set) var fault: EnrolmentFault?
    /// Nobody asks before.
    private(set) var until: Instant?

    /// - Parameters:
    ///   - due: from when on it is to be renewed; `nil` where there is no certificate. Unit: s since 1970.
    ///   - now: `nil` while the clock is not set. Unit: s since 1970.
    mutating func step(due: Int64?, now: Int64?, at instant: Instant) -> Step {
        guard let due else { return .waitForCertificate }
        guard let now else { return .waitForClock }
        if now < due {
            // Whoever put it right, it is: by hand, or the clock's.
            (failures, fault) = (0, nil)
            return .rest
        }
        return until.map { instant >= $0 } ?? true ? .ask : .rest
    }

    /// The process begins, and knows nothing of those before it.
    ///
    /// - Parameters:
    ///   - left: of the certificate in use. Unit: s.
    ///   - chance: 0 to 1, so that units that were switched on together do not ask together.
    mutating func begin(left: Int64, at instant: Instant, chance: Double) {
        let usual = Self.between(Self.firstPauses.lowerBound, Self.firstPauses.upperBound, chance)
        until = instant + .seconds(left > 0 ? min(usual, left / Self.share) : usual)
    }

    /// Another certificate is in place. It is not renewed at once, whatever its dates and the clock say: each renewal
    /// costs the authority a signature.
    ///
    /// - Parameters:
    ///   - due: from when on the new one is to be renewed. Unit: s since 1970.
    ///   - end: of the new one. Unit: s since 1970.
    ///   - now: unit: s since 1970.
    mutating func succeed(due: Int64, end: Int64, now: Int64, at instant: Instant) {
        (failures, fault) = (0, now >= due ? .dueAtOnce : nil)
        let part = max(0, end - now) / Self.share
        until = instant + .seconds(min(Self.pauses.upperBound, max(Self.pauses.lowerBound, part)))
    }

    /// - Parameters:
    ///   - left: of the certificate in use. Unit: s.
    ///   - chance: 0 to 1, so that units that failed together do not come back together.
    mutating func fail(_ fault: EnrolmentFault, left: Int64, at instant: Instant, chance: Double) {
        failures += 1
        self.fault = fault
        until = instant + .seconds(Self.pause(failures, left: left, retryAfter: fault.retryAfter, chance: chance))
    }

    /// Unit: s.
    static func pause(_ failures: Int, left: Int64, retryAfter: Int64?, chance: Double) -> Int64 {
        let grown = min(pauses.lowerBound << min(failures - 1, 16), pauses.upperBound)
        // One that is over may be renewed all the same, at some servers: hourly.
        let most = left > 0 ? max(pauses.lowerBound, left / share) : 3600
        let step = min(grown, most)
        // A server may not ask for so much patience that the certificate ends meanwhile.
        let patient = left > 0 ? max(pauses.lowerBound, left / patience) : ESTClient.mostPatience
        return max(
            between(step / 2, step, chance), min(max(0, retryAfter ?? 0), patient, ESTClient.mostPatience))
    }

    private static func between(_ least: Int64, _ most: Int64, _ chance: Double) -> Int64 {
        least + Int64(Double(most - least) * min(max(chance, 0), 1))
    }
}
