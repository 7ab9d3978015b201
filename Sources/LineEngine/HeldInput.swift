/// Whether what a device says unasked is said now, or lay in a buffer while nobody read: the host stood still, a
/// terminal server did, or a port had filled before the host began.
///
/// What lay there cannot be told apart from what is new, and how old each value is is not known: so none of it counts
/// as now. It is seen by the host's own pauses, and by more coming at once than the device can have said since.
struct HeldInput {
    /// A pause of the host that is longer than this is told. Unit: ns.
    private static let longestPause: Int64 = 1_000_000_000
    /// How long it is counted what comes. Unit: ns.
    private static let window: Int64 = 500_000_000
    /// How much more than it can have said since may come at once, for adapters that collect, beside two of its rarest
    /// messages. Unit: ns of the device's own time.
    private static let least = 1e9
    /// How many times faster than its profile says a device may speak.
    private static let haste = 1.5
    /// Windows after which what comes too fast is the device's own pace.
    private static let mostWindows = 10

    /// Bytes a second that the device says, as its profile tells or as was seen.
    private var pace: Double
    private let slack: Double
    private var windowStart: Int64
    private var windowBytes = 0.0
    private var fastWindows = 0
    private var lastLook: Int64
    /// Since when nothing counts as now; `nil` when it does. Unit: ns.
    private(set) var heldSince: Int64?
    /// Whether the host stood still, and not all that lay there has been heard.
    private var isBehind = false
    /// Whether it was last this host that stood still, and not a box on the way.
    private(set) var isByHost = false
    /// When it last began not to count; what lay there may have been left out at once. Unit: ns.
    private var lastBegin: Int64?

    /// - Parameters:
    ///   - pace: bytes a second, more than 0.
    ///   - period: the longest time between two messages of a kind. Unit: ns.
    init(pace: Double, period: Int64, now: Int64) {
        self.pace = pace
        slack = Self.least + 2 * Double(period)
        (windowStart, lastLook) = (now, now)
    }

    var isHeld: Bool { heldSince != nil }

    /// Whether nobody looked for longer than a host that runs takes.
    private func hasPaused(at now: Int64) -> Bool { now - lastLook > Self.longestPause }

    /// Whether that nothing counts as now says nothing of the line: nobody looked, or what lay there is being left out.
    func excuses(at now: Int64) -> Bool {
        isHeld || hasPaused(at: now) || lastBegin.map { now - $0 < Self.longestPause } ?? false
    }

    /// The line was opened: what comes first may have waited for that.
    mutating func open(at now: Int64) {
        (windowStart, windowBytes, fastWindows, lastLook) = (now, 0, 0, now)
        (heldSince, isBehind) = (nil, false)
    }

    /// It is looked what has come. Returns how old it may be, once, when it begins not to count as now. Unit: ns.
    ///
    /// - Parameters:
    ///   - isAll: whether nothing more lies there.
    mutating func look(_ count: Int, isAll: Bool, at now: Int64) -> Int64? {
        defer { lastLook = now }
        var age: Int64?
        if hasPaused(at: now), count > 0 {
            age = begin(now - lastLook, at: now)
            (isBehind, isByHost) = (true, true)
        }
        if isBehind, isAll { isBehind = false }
        windowBytes += Double(count)
        let elapsed = Double(now - windowStart)
        let told = windowBytes / pace * 1e9
        if told > elapsed * Self.haste + slack, heldSince == nil {
            age = begin(Int64(told - elapsed), at: now)
            isByHost = false
        }
        if now - windowStart >= Self.window {
            endWindow(isFast: told > elapsed * Self.haste + Double(Self.window), elapsed: elapsed, at: now)
        }
        return age
    }

    private mutating func begin(_ age: Int64, at now: Int64) -> Int64? {
        guard heldSince == nil else { return nil }
        (heldSince, lastBegin) = (now, now)
        return age
    }

    private mutating func endWindow(isFast: Bool, elapsed: Double, at now: Int64) {
        fastWindows = isFast ? fastWindows + 1 : 0
        if fastWindows >= Self.mostWindows {
            // Nothing holds so much: the device speaks faster than its profile says.
            pace = max(pace, windowBytes / (elapsed / 1e9))
            fastWindows = 0
        }
        if fastWindows == 0, !isBehind { heldSince = nil }
        (windowStart, windowBytes) = (now, 0)
    }
}
