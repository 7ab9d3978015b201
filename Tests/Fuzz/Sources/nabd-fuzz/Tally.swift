import Foundation
import Synchronization

/// What the runs of a program came to: told on its last lines. The fuzzer counts runs and not what they reached, and
/// its clock goes on while the program is stopped or others have the processor.
enum Tally {
    /// Texts that were read as a profile or a preset, and those that were in order.
    static let made = Atomic<Int>(0)
    static let loaded = Atomic<Int>(0)
    /// The longest run. Unit: ns of the processor.
    private static let slowest = Atomic<UInt64>(0)
    /// A run that takes longer is a finding. Unit: ns of the processor.
    private static let limit: UInt64 = 5_000_000_000

    static func add(_ count: borrowing Atomic<Int>) { count.add(1, ordering: .relaxed) }

    /// Runs an input by the processor's time.
    static func time(_ run: () -> Void) {
        let begin = processorTime()
        run()
        let took = processorTime() - begin
        if took > limit { broken("a run of \(took / 1_000_000) ms") }
        slowest.max(took, ordering: .relaxed)
    }

    private static func processorTime() -> UInt64 {
        var time = timespec()
        clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time)
        return UInt64(time.tv_sec) * 1_000_000_000 + UInt64(time.tv_nsec)
    }

    /// Tells it when the fuzzer is done.
    static func tellAtEnd() {
        atexit {
            var text = "stat::slowest_run_cpu_us: \(Tally.slowest.load(ordering: .relaxed) / 1000)\n"
            let made = Tally.made.load(ordering: .relaxed)
            if made > 0 {
                text += "stat::texts_read: \(made)\n"
                text += "stat::texts_in_order: \(Tally.loaded.load(ordering: .relaxed))\n"
            }
            FileHandle.standardError.write(Data(text.utf8))
        }
    }
}
