import Console
import Foundation
package import Logging
import Observability
import RealTime
import ServiceLifecycle
import Synchronization

/// The server of the screens: a process of its own, or a part of the host's. It reads the journal beside the process
/// that writes it, and writes nothing.
package final class ConsoleHost: Service {
    private let service: ConsoleService
    private let logger: Logger
    private let isStopping = Atomic<Bool>(false)

    /// - Returns: `nil` for a unit that serves no such screens, or a role that serves none.
    package init?(_ configuration: UnitConfiguration, role: HostRole, logger: Logger) {
        guard let place = configuration.console, let doors = Self.doors(configuration, role) else { return nil }
        self.logger = logger
        service = ConsoleService(
            ConsoleSettings(
                address: place.address, doors: doors, hosts: place.hosts, files: place.files,
                journal: configuration.journalDirectory, people: configuration.people?.socket,
                status: (socket: configuration.statusSocket, word: UnitStatus.word), bootID: BootMark.id,
                zone: TimeZone.current.identifier, commitEvery: configuration.commitEvery), logger: logger)
    }

    private static func doors(_ configuration: UnitConfiguration, _ role: HostRole) -> ConsoleDoors? {
        let far = configuration.far.map(\.place)
        return switch role {
        case .console: .here
        case .far: far.map(ConsoleDoors.far)
        case .all: far.map(ConsoleDoors.both) ?? .here
        case .acquire, .uplink, .clock: nil
        }
    }

    /// Shows until a graceful shutdown.
    package func run() async throws {
        logger.info("the server of the screens is running")
        let showing = Task.detached { await self.show() }
        let watch = watchService()
        try? await gracefulShutdown()
        logger.info("stopping")
        isStopping.store(true, ordering: .relaxed)
        watch?.beginStopping()
        showing.cancel()
        await showing.value
        watch?.stop()
    }

    /// Shows until the task is cancelled.
    func show() async { await service.run() }

    /// Tells the service manager how it is, where one asked.
    private func watchService() -> ServiceWatch? {
        guard let manager = ServiceManager() else { return nil }
        let thread = PulseWatch.Thread(name: "screens", beat: service.beat, started: MonotonicClock().now())
        let watch = ServiceWatch(manager, logger: logger) { [self] now in
            let isStopping = isStopping.load(ordering: .relaxed)
            return ServiceWatch.Look(
                isReady: service.isReached, status: service.sentence,
                standing: isStopping ? [] : PulseWatch.standing([thread], at: now))
        }
        watch.start()
        return watch
    }
}
