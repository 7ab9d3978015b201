import DeviceModel

/// Whether a device is heard: what its thread says about it, and how long it is left alone after it fell silent.
struct DeviceHealth {
    private enum State {
        /// Nothing heard yet since the line was opened.
        case unknown
        case heard
        case silent
    }

    /// Failures in a row after which a device is called silent and asked less often.
    static let patience = 3
    /// The longest a silent device is left alone. Unit: ns.
    static let longestPause: Int64 = 30_000_000_000

    private var state = State.unknown
    private var failures: Int64 = 0
    private var isStale = false
    private var lastFresh: Int64
    /// Three of the device's periods; `nil` when it speaks at times only, and so is never stale. Unit: ns.
    private let staleAfter: Int64?

    init(period: Int64?, now: Int64) {
        staleAfter = period.map { 3 * $0 }
        lastFresh = now
    }

    /// A value came.
    mutating func hear(time: Int64, sink: inout RingSink) {
        failures = 0
        lastFresh = time
        isStale = false
        if state != .heard { sink.event(.deviceConnected, time: time) }
        state = .heard
    }

    /// A request failed. Returns how long to leave the device alone beyond its period. Unit: ns.
    mutating func fail(period: Int64, time: Int64, sink: inout RingSink) -> Int64 {
        failures += 1
        guard failures >= Self.patience else { return 0 }
        if state != .silent { sink.event(.deviceSilent, figure: failures, time: time) }
        state = .silent
        let doublings = min(failures - Int64(Self.patience), 20)
        return min(Self.longestPause, period << doublings)
    }

    /// The line was lost.
    mutating func lose(errno: Int32, time: Int64, sink: inout RingSink) {
        if state != .silent { sink.event(.deviceDisconnected, figure: Int64(errno), time: time) }
        state = .silent
    }

    /// Whether three periods have passed without a fresh sample; told once for each time it happens.
    mutating func becomesStale(time: Int64, sink: inout RingSink) -> Bool {
        guard let staleAfter, !isStale, time - lastFresh > staleAfter else { return false }
        isStale = true
        sink.event(.deviceStale, time: time)
        return true
    }
}

/// When a line that was lost is opened again: after 0.5 s, doubling to 30 s, for ever, spread so that lines do not march in step.
struct Reconnection {
    private var attempts: Int64 = 0
    private(set) var next: Int64 = 0
    private var spread: UInt64

    init(seed: UInt64) { spread = seed | 1 }

    mutating func failed(at now: Int64) {
        let step = min(30_000_000_000, Int64(500_000_000) << min(attempts, 6))
        attempts += 1
        // xorshift64: up to a quarter of the step is taken off.
        spread ^= spread << 13
        spread ^= spread >> 7
        spread ^= spread << 17
        next = now + step - Int64(spread % UInt64(step / 4))
    }

    mutating func succeeded() { attempts = 0 }
}
