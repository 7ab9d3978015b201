/// Which parts of the delivery rest after what may be their own fault, and until when.
///
/// Each rests for itself: one that is not taken makes no other slower. But where several are not taken and nothing is,
/// it is the service: then one of them is tried for all, each in its turn, with pauses that grow, and once something
/// is stored all go on.
struct RestingParts {
    typealias Instant = ContinuousClock.Instant

    private struct Rest {
        var failures: Int
        var until: Instant
        /// The number of its last try: who was tried longest ago is the next to be tried for all.
        var tried: Int
        /// Whether the service said how long.
        var isAsked: Bool
    }

    private var rests: [DeliveryPart: Rest] = [:]
    /// How often it came to nothing since the service looks as if it were down, and when the next is tried.
    private var down: (failures: Int, until: Instant)?
    private var tries = 0

    /// What is not to be tried now.
    ///
    /// - Parameter going: what may go at all: what may not is never the one that is tried for all.
    func resting(at now: Instant, of going: [DeliveryPart] = DeliveryPart.allCases) -> Set<DeliveryPart> {
        var resting = Set(rests.filter { $0.value.until > now }.keys)
        guard let down else { return resting }
        let due = rests.filter { $0.value.until <= now }
        let candidates = due.filter { going.contains($0.key) }
        let next = down.until <= now ? candidates.min { $0.value.tried < $1.value.tried }?.key : nil
        resting.formUnion(due.keys.filter { $0 != next })
        return resting
    }

    /// A batch of each that did not rest came to this.
    ///
    /// - Parameters:
    ///   - waits: why some wait that wait for themselves.
    ///   - done: those of which all went that there was.
    ///   - hasStored: whether the service has stored something of any.
    ///   - pause: how long, by how often it came to nothing and what the service asked for. Unit: ms.
    mutating func take(
        waits: [DeliveryPart: Wait], done: [DeliveryPart], hasStored: Bool, at now: Instant,
        pause: (_ failures: Int, _ asked: Int64?) -> Int
    ) {
        for part in done { rests[part] = nil }
        for (part, wait) in waits {
            tries += 1
            let failures = (rests[part]?.failures ?? 0) + 1
            rests[part] = Rest(
                failures: failures, until: now + .milliseconds(pause(failures, wait.retryAfter)), tried: tries,
                isAsked: wait.retryAfter != nil)
        }
        if hasStored {
            if down != nil {
                for (part, rest) in rests where !rest.isAsked && waits[part] == nil { rests[part]?.until = now }
            }
            down = nil
        } else if rests.count < 2 {
            down = nil
        } else if !waits.isEmpty {
            let failures = (down?.failures ?? 0) + 1
            down = (failures, now + .milliseconds(pause(failures, nil)))
        }
    }
}
