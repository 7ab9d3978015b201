/// How long a device that fails is left alone.
///
/// On a line with others each failure is paid for out of a small share of the line's time, which those that fail
/// divide: dead devices cost their neighbours that share and no more. A failure that stands alone, as noise makes them,
/// is charged a tenth, so that a device on a bad wire is still asked. A device that is alone on its line costs nobody
/// anything: its pause doubles.
struct FailureBudget {
    /// The share of a line's time that failures of all its devices may take, when they come one after another.
    ///
    /// With the usual time-out of half a second a dead device is asked every 37 s, and in its first half minute costs a
    /// neighbour two time-outs: less than 5 % of that time.
    static let share = 0.015
    /// The longest a device is left alone: with others on its line, and alone. Unit: ns.
    static let longestPause: Int64 = 120_000_000_000
    static let longestPauseAlone: Int64 = 10_000_000_000
    /// What a failure after an answer is charged, unless it took very long.
    private static let alone = 0.1
    /// Unit: ns.
    private static let veryLong: Int64 = 1_000_000_000
    /// The share that failures which take very long may have at most, when even the longest pause does not pay for
    /// them.
    private static let mostShare = 0.025
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
        saved =
            min(Self.most * cost, saved + Double(now - last) * rate) - Double(took)
            * (failures > 1 || took > Self.veryLong ? 1 : Self.alone)
        // What the longest pause does not pay for is never owed.
        let longest = max(Double(Self.longestPause), Double(took) * Double(max(1, failing)) / Self.mostShare)
        saved = max(saved, -longest * rate)
        last = now
        return saved >= 0 ? 0 : Int64(-saved / rate)
    }
}
