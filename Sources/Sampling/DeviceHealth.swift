import DeviceModel

/// Whether a device is heard, and each part of what it tells is fresh: what its thread says about it, and how long it is left alone after
/// it fell silent.
struct DeviceHealth {
    /// Something of a device that comes with a period of its own: a read, a request, what it says unasked.
    struct Part {
        let period: Int64
        /// The first of its metrics, in words.
        let name: String
        fileprivate var lastFresh: Int64
        fileprivate var isStale = false

        init(period: Int64, name: String, now: Int64) {
            self.period = period
            self.name = name
            lastFresh = now
        }
    }

    /// What came instead of answers since the device was last heard.
    enum Trace {
        case nothing
        case damage
        case others
    }

    private enum State {
        /// Nothing heard yet since the line was opened.
        case unknown
        case heard
        case silent
    }

    /// Failures in a row after which a device is called silent and asked less often.
    static let patience: Int64 = 3

    private var state = State.unknown
    private(set) var failures: Int64 = 0
    private var parts: [Part]
    private var trace = Trace.nothing
    private var isLost = false
    private var hasOpened = false

    init(parts: [Part]) { self.parts = parts }

    /// Whether the device answered when it was last asked.
    var isWell: Bool { state == .heard && failures == 0 }

    /// It answered.
    mutating func hear(time: Int64, sink: inout RingSink) {
        failures = 0
        trace = .nothing
        if state != .heard { sink.event(.deviceConnected, time: time) }
        state = .heard
    }

    /// A part brought values.
    mutating func refresh(_ part: Int, time: Int64, sink: inout RingSink) {
        guard parts.indices.contains(part) else { return }
        parts[part].lastFresh = time
        guard parts[part].isStale else { return }
        parts[part].isStale = false
        if !parts.contains(where: \.isStale) { sink.alert(.stale, holds: false, time: time) }
    }

    /// A request failed.
    mutating func fail(_ trace: Trace, time: Int64, sink: inout RingSink) {
        failures += 1
        if trace != .nothing { self.trace = trace }
        if failures >= Self.patience { callSilent(time: time, sink: &sink) }
    }

    /// The line was lost.
    mutating func lose(errno: Int32, time: Int64, sink: inout RingSink) {
        if !isLost { sink.event(.deviceDisconnected, figure: Int64(errno), time: time) }
        (isLost, state) = (true, .unknown)
    }

    /// The line is open, and the first question is asked at a time. Unit: ns.
    mutating func open(askingAt start: Int64) {
        isLost = false
        failures = 0
        // Before the first question nothing can be missed.
        if !hasOpened { for index in parts.indices { parts[index].lastFresh = max(parts[index].lastFresh, start) } }
        hasOpened = true
    }

    func isStale(_ part: Int) -> Bool { parts[part].isStale }

    /// The next part of which three periods have passed without a fresh sample; told once for each time it happens.
    mutating func nextStale(time: Int64, sink: inout RingSink) -> Int? {
        for index in parts.indices where !parts[index].isStale && time - parts[index].lastFresh > 3 * parts[index].period {
            parts[index].isStale = true
            sink.event(.deviceStale, words: parts[index].name, time: time)
            sink.alert(.stale, holds: true, time: time)
            // A device that is asked seldom, for the sake of its neighbours, is called silent without waiting for the third failure.
            if failures > 1 { callSilent(time: time, sink: &sink) }
            return index
        }
        return nil
    }

    private mutating func callSilent(time: Int64, sink: inout RingSink) {
        guard state != .silent else { return }
        state = .silent
        switch trace {
        case .nothing: sink.event(.deviceSilent, figure: failures, text: "nothing was heard", time: time)
        case .damage: sink.event(.deviceSilent, figure: failures, text: "damaged bytes only: baud, parity, wire?", time: time)
        case .others: sink.event(.deviceSilent, figure: failures, text: "other units only: unit?", time: time)
        }
    }
}

/// How long a device that fails is left alone.
///
/// On a line with others each failure is paid for out of a small share of the line's time, which those that fail divide: dead devices cost
/// their neighbours that share and no more. A failure that stands alone, as noise makes them, is charged a tenth, so that a device on a bad
/// wire is still asked. A device that is alone on its line costs nobody anything: its pause doubles.
struct FailureBudget {
    /// The share of a line's time that failures of all its devices may take, when they come one after another.
    ///
    /// With the usual time-out of half a second a dead device is asked every 37 s, and in its first half minute costs a neighbour
    /// two time-outs: less than 5 % of that time.
    static let share = 0.015
    /// The longest a device is left alone: with others on its line, and alone. Unit: ns.
    static let longestPause: Int64 = 120_000_000_000
    static let longestPauseAlone: Int64 = 10_000_000_000
    /// What a failure after an answer is charged.
    private static let alone = 0.1
    /// Failures that can be saved for.
    private static let most = 2.0

    private let hasNeighbours: Bool
    private let cost: Double
    /// Unit: ns.
    private var saved: Double
    private var last: Int64

    /// - Parameter cost: what a failure takes of the line's time. Unit: ns.
    init(hasNeighbours: Bool, cost: Int64, now: Int64) {
        self.hasNeighbours = hasNeighbours
        self.cost = Double(cost)
        // The first is free.
        saved = Double(cost) * Self.alone
        last = now
    }

    /// A failure took this long. Returns how long to leave the device alone. Unit: ns.
    ///
    /// - Parameters:
    ///   - failures: of this device, in a row.
    ///   - failing: devices of the line that fail.
    mutating func spend(_ took: Int64, failures: Int64, failing: Int, period: Int64, now: Int64) -> Int64 {
        guard hasNeighbours else {
            guard failures >= DeviceHealth.patience else { return 0 }
            return min(Self.longestPauseAlone, period << min(failures - DeviceHealth.patience, 20))
        }
        let rate = Self.share / Double(max(1, failing))
        saved = min(Self.most * cost, saved + Double(now - last) * rate) - Double(took) * (failures > 1 ? 1 : Self.alone)
        // What the longest pause does not pay for is never owed.
        saved = max(saved, -Double(Self.longestPause) * rate)
        last = now
        return saved >= 0 ? 0 : Int64(-saved / rate)
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

/// Whether somebody else talks on a line: five frames within ten seconds that are damaged or that nobody asked for.
struct ContentionWatch {
    private static let window: Int64 = 10_000_000_000
    private var times = [Int64](repeating: .min / 2, count: 5)
    private var next = 0
    private var holds = false

    /// A frame that cannot be explained. Returns whether contention begins with it.
    mutating func see(time: Int64) -> Bool {
        let oldest = times[next]
        times[next] = time
        next = (next + 1) % times.count
        guard !holds, time - oldest <= Self.window else { return false }
        holds = true
        return true
    }

    /// Whether contention ends: a window has passed without such a frame.
    mutating func ends(time: Int64) -> Bool {
        guard holds, time - times[(next + times.count - 1) % times.count] > Self.window else { return false }
        holds = false
        return true
    }
}
