/// How the clocks on the wall stand to the monotonic one.
package struct CivilClock: Sendable, Hashable, BitwiseCopyable {
    /// UTC less the monotonic clock. Unit: ns.
    package let utcOffset: Int64
    /// The civil time of the unit less UTC. Unit: ns.
    package let zone: Int64

    package init(utcOffset: Int64, zone: Int64) { (self.utcOffset, self.zone) = (utcOffset, zone) }

    /// Unit: ns since 1970, of UTC or of civil time.
    package func now(monotonic: Int64, isUTC: Bool) -> Int64 { monotonic &+ utcOffset &+ (isUTC ? 0 : zone) }
}
