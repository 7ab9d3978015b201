package import RealTime

/// Time that passes only when somebody waits; when its end is reached, it asks for a stop.
package final class VirtualClock: MonotonicTime, @unchecked Sendable {
    private var time: Int64 = 1_000_000_000
    private let end: Int64
    package let stop = StopFlag()

    /// - Parameter seconds: how long it runs until it asks for a stop.
    package init(seconds: Int64 = 1 << 32) { end = (1 + seconds) * 1_000_000_000 }

    package func now() -> Int64 { time }

    package func sleep(until deadline: Int64) {
        time = max(time, deadline)
        if time >= end { stop.set() }
    }
}
