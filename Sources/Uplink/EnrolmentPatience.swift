/// How long somebody in front of a terminal waits for a certificate: ten minutes in all, however often the server asks
/// for a little more.
package struct EnrolmentPatience: Sendable {
    private static let longest = Duration.seconds(600)

    private let end: ContinuousClock.Instant

    package init(from begin: ContinuousClock.Instant) { end = begin + Self.longest }

    /// How long to wait before the same is asked for again; `nil` where it is not: the server gave another answer, or
    /// it would be too late.
    package func pause(after fault: EnrolmentFault, at now: ContinuousClock.Instant) -> Duration? {
        guard case .pending(let time) = fault, now + .seconds(time) <= end else { return nil }
        return .seconds(time)
    }
}
