import CPosix
import Glibc

/// A source of monotonic time that threads sleep by. A parameter wherever time matters, so that tests and simulations
/// bring their own.
package protocol MonotonicTime: Sendable {
    /// Time since an arbitrary start; never goes back, goes on while the machine sleeps. Unit: ns.
    func now() -> Int64
    /// Sleeps until the clock shows at least `deadline`; returns at once when it already does. Unit: ns.
    func sleep(until deadline: Int64)
}

/// The machine's monotonic clock (`CLOCK_BOOTTIME`).
package struct MonotonicClock: MonotonicTime {
    package init() {}

    package func now() -> Int64 {
        var time = timespec()
        clock_gettime(CLOCK_BOOTTIME, &time)
        return Int64(time.tv_sec) &* 1_000_000_000 &+ Int64(time.tv_nsec)
    }

    package func sleep(until deadline: Int64) {
        guard deadline > 0 else { return }
        var time = timespec(tv_sec: Int(deadline / 1_000_000_000), tv_nsec: Int(deadline % 1_000_000_000))
        while clock_nanosleep(CLOCK_BOOTTIME, TIMER_ABSTIME, &time, nil) == EINTR {}
    }
}

/// The wall clock, which may step; nothing is timed by it.
package enum WallClock {
    /// Time since 1970-01-01T00:00:00Z. Unit: ns.
    package static func now() -> Int64 {
        var time = timespec()
        clock_gettime(CLOCK_REALTIME, &time)
        return Int64(time.tv_sec) &* 1_000_000_000 &+ Int64(time.tv_nsec)
    }

    /// Whether the kernel holds the wall clock to be synchronised; `nil` when it does not tell.
    package static func isSynchronised() -> Bool? {
        switch nabd_clock_synchronised() {
        case 1: true
        case 0: false
        default: nil
        }
    }
}
