/// Somebody who does not exist, for devices that are played at one bed: what all of them measure comes from here, so
/// that the beats of a curve are those that a number counts.
///
/// The same patient gives the same values at the same time, whoever asks and in whatever order.
package struct PlayedPatient: Sendable, Hashable {
    /// What happens to a patient for a while: it comes and goes slowly, as in a body.
    package struct Episode: Sendable, Hashable {
        package enum Change: Sendable, Hashable {
            /// The saturation falls to a value, and heart and breathing become faster with it. Unit: %.
            case desaturation(to: Double)
            /// Unit: 1/min.
            case heartRate(by: Double)
            /// Unit: Cel.
            case temperature(by: Double)
            /// Of a cuff and of a catheter. Unit: mm[Hg].
            case pressure(by: Double)
        }

        package let change: Change
        package let time: PlayedTimes

        package init(_ change: Change, _ time: PlayedTimes) { (self.change, self.time) = (change, time) }
    }

    /// Decides all that differs from another patient.
    package let seed: UInt64
    package let episodes: [Episode]

    package init(seed: UInt64, episodes: [Episode] = []) { (self.seed, self.episodes) = (seed, episodes) }
}

/// When something is the case, in the time of the play: once, or again and again.
package struct PlayedTimes: Sendable, Hashable {
    /// Unit: s since the play began.
    package let start: Double
    /// Unit: s.
    package let length: Double
    /// From one start to the next; `nil`: it happens once. Unit: s.
    package let every: Double?

    package init(from start: Double, for length: Double, every: Double? = nil) {
        (self.start, self.length, self.every) = (start, length, every)
    }

    /// How long it has been the case; `nil` while it is not. Unit: s.
    func elapsed(at seconds: Double) -> Double? {
        var since = seconds - start
        if let every, every > 0, since > 0 { since -= (since / every).rounded(.down) * every }
        return since >= 0 && since < length ? since : nil
    }

    /// How much of it there is: it takes a fifth of its length, and ten seconds at most, to come and to go.
    /// Range: 0…1.
    func share(at seconds: Double) -> Double {
        guard let since = elapsed(at: seconds) else { return 0 }
        let slope = max(0.001, min(10, length / 5))
        return Shape.step(min(since, length - since) / slope)
    }
}
