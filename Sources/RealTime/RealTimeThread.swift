import CPosix
import Glibc
import Synchronization

/// How a thread is scheduled; told to people in the log and the summary.
package enum SchedulingOutcome: String, Sendable {
    /// SCHED_FIFO: the thread runs before everything ordinary.
    case realTime = "real-time priority (SCHED_FIFO)"
    /// Not allowed to use SCHED_FIFO; timer slack 1 ns and a raised nice value.
    case raised = "raised priority: SCHED_FIFO was refused (needs CAP_SYS_NICE or LimitRTPRIO)"
    /// Neither was allowed; timer slack 1 ns.
    case ordinary = "ordinary priority: neither SCHED_FIFO nor a raised nice value is allowed"
}

/// Whether the process's memory stays in memory; told to people in the log, the summary and `nabd doctor`.
package enum MemoryLock: String, Sendable {
    /// Every page stays from its first use on.
    case locked = "locked"
    /// Pages may be taken away under pressure, and fetching them back delays a thread.
    case refused = "not locked: needs CAP_IPC_LOCK or LimitMEMLOCK=infinity"

    /// Whether ``lock()`` is allowed. A limit that is neither none nor waived is not tried: it would fail later, at an
    /// allocation.
    package static var isAllowed: Bool { nabd_may_lock_memory() == 1 }

    /// Locks the process's memory, now and what is used later.
    package static func lock() -> MemoryLock { isAllowed && nabd_lock_memory() == 0 ? .locked : .refused }
}

/// A thread of its own for one line: no task, no pool, nothing that waits for anything else.
package final class RealTimeThread: @unchecked Sendable {
    fileprivate final class Start: Sendable {
        let name: String
        let body: @Sendable () -> Void
        let outcome = Atomic<UInt8>(0)

        init(name: String, body: @escaping @Sendable () -> Void) {
            self.name = name
            self.body = body
        }
    }

    private let start: Start
    private var handle = pthread_t()

    /// Starts the thread.
    ///
    /// - Parameters:
    ///   - name: at most 15 bytes are shown by the system.
    ///   - priority: SCHED_FIFO priority, 1…99; 0 asks for none.
    ///   - body: runs until it returns; it must know by itself when to stop.
    package init(name: String, priority: Int32, body: @escaping @Sendable () -> Void) throws(ThreadStartError) {
        start = Start(name: name, body: body)
        let context = Unmanaged.passRetained(StartContext(start: start, priority: priority))
        let code = pthread_create(&handle, nil, runThread, context.toOpaque())
        guard code == 0 else {
            context.release()
            throw ThreadStartError(code: code)
        }
    }

    /// How the thread is scheduled; `nil` until it has begun to run.
    package var scheduling: SchedulingOutcome? {
        switch start.outcome.load(ordering: .acquiring) {
        case 1: .realTime
        case 2: .raised
        case 3: .ordinary
        default: nil
        }
    }

    /// Waits until the body has returned. Called once.
    package func join() { pthread_join(handle, nil) }

    fileprivate final class StartContext {
        /// More than a line's loop was ever seen to use. Unit: bytes.
        private static let usedStack = 256 << 10

        let start: Start
        let priority: Int32

        init(start: Start, priority: Int32) {
            self.start = start
            self.priority = priority
        }

        func run() {
            nabd_name_thread(start.name)
            nabd_prefault_stack(Self.usedStack)
            _ = nabd_set_timer_slack(1)
            let outcome: UInt8 =
                priority > 0 && nabd_set_fifo(priority) == 0 ? 1 : priority > 0 && nabd_set_nice(-20) == 0 ? 2 : 3
            start.outcome.store(outcome, ordering: .releasing)
            start.body()
        }
    }
}

/// The system refused a new thread.
package struct ThreadStartError: Error, CustomStringConvertible {
    /// errno.
    package let code: Int32

    package var description: String {
        "no thread could be started (\(String(cString: strerror(code)))): raise the limit on processes (ulimit -u)"
    }
}

private func runThread(_ context: UnsafeMutableRawPointer?) -> UnsafeMutableRawPointer? {
    guard let context else { return nil }
    Unmanaged<RealTimeThread.StartContext>.fromOpaque(context).takeRetainedValue().run()
    return nil
}

/// A flag that any thread sets and any thread reads.
package final class StopFlag: Sendable {
    private let flag = Atomic<Bool>(false)

    package init() {}

    package var isSet: Bool { flag.load(ordering: .acquiring) }

    package func set() { flag.store(true, ordering: .releasing) }
}
