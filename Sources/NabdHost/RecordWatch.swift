import Logging
import RealTime
import SampleJournal
import Synchronization

/// Reads the chain of events while the host runs, soon after the start and then every hour: that somebody changed what
/// was recorded is told while the unit is out, not when the record is asked for. On a thread of its own, with pauses:
/// reading may take minutes.
final class RecordWatch: Sendable {
    /// When it looks. Unit: ns.
    struct Times: Sendable {
        /// After the start.
        var first: Int64 = 10_000_000_000
        /// After each look.
        var every: Int64 = 3_600_000_000_000
        /// Between a fault and the second look at it: a host that writes meanwhile must not look like a thief.
        var again: Int64 = 1_000_000_000
        /// After each 500 events.
        var pause: Int64 = 5_000_000
    }

    /// How long it may take to notice that it is to end. Unit: ns.
    private static let step: Int64 = 100_000_000
    /// Faults of one look that the log names; more are counted.
    private static let named = 5

    private struct Ending: Error {}

    private let directory: String
    private let times: Times
    private let logger: Logger
    private let stopFlag = StopFlag()
    private let thread = Mutex<RealTimeThread?>(nil)
    private let isChanged = Mutex(false)

    init(journal directory: String, _ times: Times = Times(), logger: Logger) {
        (self.directory, self.times, self.logger) = (directory, times, logger)
    }

    /// Whether the newest look found an event that is not as it was written.
    var holds: Bool { isChanged.withLock { $0 } }

    func start() {
        do {
            let started = try RealTimeThread(name: "record watch", priority: 0) { [self] in watch() }
            thread.withLock { $0 = started }
        } catch {
            logger.error("nobody looks whether events were changed", metadata: ["reason": "\(error)"])
        }
    }

    func stop() {
        stopFlag.set()
        thread.withLock { $0?.join() }
    }

    private func watch() {
        var pause = times.first
        while wait(pause) {
            pause = times.every
            do {
                var changed = try look()
                if !changed.isEmpty {
                    guard wait(times.again) else { return }
                    changed = try look()
                }
                tell(changed)
            } catch is Ending {
                return
            } catch {
                logger.warning("whether events were changed is not known", metadata: ["reason": "\(error)"])
            }
        }
    }

    /// The events that are not as they were written. What is missing is told by the journal itself.
    private func look() throws -> [JournalReader.ChainFault] {
        let reader = try JournalReader(directory: directory)
        return try reader.verifyChain {
            guard wait(times.pause) else { throw Ending() }
        }.faults.filter {
            switch $0 {
            case .changed: true
            case .missing: false
            }
        }
    }

    private func tell(_ changed: [JournalReader.ChainFault]) {
        let was = isChanged.withLock { state in
            defer { state = !changed.isEmpty }
            return state
        }
        guard !changed.isEmpty, !was else { return }
        let more = changed.count > Self.named ? "; and \(changed.count - Self.named) more" : ""
        logger.critical(
            "recorded events are not as they were written: run nabd journal verify, and keep the disk as it is",
            metadata: ["events": "\(changed.prefix(Self.named).map(\.words).joined(separator: "; "))\(more)"])
    }

    /// Returns whether it goes on.
    private func wait(_ time: Int64) -> Bool {
        let clock = MonotonicClock()
        let end = clock.now() + time
        while !stopFlag.isSet {
            let now = clock.now()
            guard now < end else { return true }
            clock.sleep(until: min(end, now + Self.step))
        }
        return false
    }
}
