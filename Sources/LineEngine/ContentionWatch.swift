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
