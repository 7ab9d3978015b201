import Logging
import Observability
import RealTime
import Synchronization

/// Tells the service manager how this process is: that it runs, a sentence, and a sign of life as long as each thread
/// moves. On a thread of its own: what hangs elsewhere does not hang here.
final class ServiceWatch: Sendable {
    /// How a look around came out.
    struct Look: Sendable {
        /// Whether what was asked for runs.
        var isReady: Bool
        /// How it is, in a sentence.
        var status: String
        /// Threads that stand.
        var standing: [String] = []
    }

    /// How often it looks around. Unit: ns.
    private static let every: Int64 = 250_000_000
    /// In how many rounds on end threads stand before the manager is asked to replace the process: two seconds. In a
    /// process that was stopped as a whole, or on a machine that was, all of them seem to stand in the first round.
    private static let patience = 8

    private let manager: ServiceManager
    private let logger: Logger
    private let look: @Sendable (_ now: Int64) -> Look
    private let stopFlag = StopFlag()
    private let thread = Mutex<RealTimeThread?>(nil)

    /// - Parameter look: asked at each round, on this watch's thread; it must not wait for anybody.
    init(_ manager: ServiceManager, logger: Logger, look: @escaping @Sendable (_ now: Int64) -> Look) {
        (self.manager, self.logger, self.look) = (manager, logger, look)
    }

    func start() {
        do {
            let started = try RealTimeThread(name: "service watch", priority: 0) { [self] in watch() }
            thread.withLock { $0 = started }
        } catch {
            logger.error("the service manager is not told how the host is", metadata: ["reason": "\(error)"])
        }
    }

    /// The end is begun: no sign of life is owed any more but that it goes on.
    func beginStopping() { manager.tell(.stopping, .status("stopping")) }

    func stop() {
        stopFlag.set()
        thread.withLock { $0?.join() }
    }

    /// What is said of one round to the next.
    private struct Told {
        var isReady = false
        var status = ""
        var standing: [String] = []
        /// In how many rounds on end threads have stood.
        var rounds = 0
    }

    private func watch() {
        let clock = MonotonicClock()
        var told = Told()
        while !stopFlag.isSet {
            round(look(clock.now()), &told)
            clock.sleep(until: clock.now() + Self.every)
        }
    }

    private func round(_ look: Look, _ told: inout Told) {
        // A manager whose queue is full is told in the next round.
        if look.isReady, !told.isReady { told.isReady = manager.tell(.ready) }
        if look.status != told.status, manager.tell(.status(look.status)) { told.status = look.status }
        tellWhetherItLives(look, &told)
        guard look.standing != told.standing else { return }
        told.standing = look.standing
        if !look.standing.isEmpty {
            logger.critical(
                "a thread of the host does not move: the service manager will replace the host",
                metadata: ["threads": "\(look.standing.joined(separator: ", "))"])
        }
    }

    /// The manager alone would wait from here for as long as it waits for a sign of life of a process that hangs.
    private func tellWhetherItLives(_ look: Look, _ told: inout Told) {
        guard !look.standing.isEmpty else {
            told.rounds = 0
            manager.tell(.alive)
            return
        }
        told.rounds += 1
        // What has not started yet has the manager's patience with starts.
        if told.rounds >= Self.patience, told.isReady, manager.patience != nil { manager.tell(.stuck) }
    }
}
