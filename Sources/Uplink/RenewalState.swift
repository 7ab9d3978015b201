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
    /// Of the time that is left, one part in so many may pass between two attempts.
    private static let share: Int64 = 20

    private(set) var failures = 0
    private(set) var fault: EnrolmentFault?
    /// Nobody asks before.
    private var until: Instant?

    /// - Parameters:
    ///   - due: from when on it is to be renewed; `nil` where there is no certificate. Unit: s since 1970.
    ///   - now: `nil` while the clock is not set. Unit: s since 1970.
    func step(due: Int64?, now: Int64?, at instant: Instant) -> Step {
        guard let due else { return .waitForCertificate }
        guard let now else { return .waitForClock }
        if now < due { return .rest }
        return until.map { instant >= $0 } ?? true ? .ask : .rest
    }

    mutating func succeed() { (failures, fault, until) = (0, nil, nil) }

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
        let usual = step / 2 + Int64(Double(step - step / 2) * min(max(chance, 0), 1))
        return max(usual, min(max(0, retryAfter ?? 0), ESTClient.mostPatience))
    }
}
