import RealTime

/// Time that passes only when somebody waits; when its end is reached, it asks for a stop.
public final class VirtualClock: MonotonicTime, @unchecked Sendable {
    private var time: Int64 = 1_000_000_000
    private let end: Int64
    public let stop = StopFlag()

    /// - Parameter seconds: how long it runs until it asks for a stop.
    public init(seconds: Int64 = 1 << 32) { end = (1 + seconds) * 1_000_000_000 }

    public func now() -> Int64 { time }

    public func sleep(until deadline: Int64) {
        time = max(time, deadline)
        if time >= end { stop.set() }
    }
}
