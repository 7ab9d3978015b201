import LineEngine
import Synchronization
import DeviceModel
import Logging
import Observability
import RealTime
import Sampling

/// How the host tells how it is: at its socket, and to the service manager.
extension UnitHost {
    /// How often a status socket that cannot be had is tried again. Unit: s.
    private static let statusAgain = 10

    /// How the host is now.
    package var status: UnitStatus {
        UnitStatus(
            summary: summary, picture: recorder.totals.picture, uplink: view?.now,
            examination: examiner.now, configuration: configuration, now: MonotonicClock().now(),
            utc: WallClock.now(), clock: clock.now(), health: health)
    }

    /// The same in short; it waits for no disk.
    private var health: UnitHealth {
        let (totals, now) = (recorder.totals, MonotonicClock().now())
        return UnitHealth(
            picture: totals.picture, journalProblem: totals.problem,
            standing: PulseWatch.standing(threads, at: now), now: now,
            identityFaults: examiner.now?.identityFaults ?? [])
    }

    /// The threads that the record hangs on.
    private var threads: [PulseWatch.Thread] {
        guard let began = began.withLock({ $0 }) else { return [] }
        return [PulseWatch.Thread(name: "journal", beat: recorder.beat, started: began)]
            + workers.map { worker in
                PulseWatch.Thread(
                    name: "line \(worker.devices.first ?? "")", beat: worker.recorder.beat, started: began)
            }
    }

    /// Whoever looks on must not be able to stop what is looked at: without its socket the host runs on, says so once,
    /// and tries again until it is told to stop.
    func tellStatus() async -> StatusSocket? {
        var isTold = false
        while !Task.isCancelled {
            do throws(StatusSocketError) { return try startStatus() } catch {
                if !isTold { logger.error("nobody can ask how the host is", metadata: ["reason": "\(error)"]) }
                isTold = true
            }
            try? await Task.sleep(for: .seconds(Self.statusAgain))
        }
        return nil
    }

    private func startStatus() throws(StatusSocketError) -> StatusSocket {
        let socket = try StatusSocket(
            path: configuration.statusSocket,
            answers: [
                "metrics": { [self] in metrics.text }, "health": { [self] in health.text },
                UnitStatus.word: { [self] in status.json.text },
            ])
        try socket.start()
        return socket
    }

    /// Tells the service manager how the host is, where one asked.
    func watchService() -> ServiceWatch? {
        guard let manager = ServiceManager() else { return nil }
        let watch = ServiceWatch(manager, logger: logger) { [self] _ in
            let health = health
            return ServiceWatch.Look(
                isReady: recorder.totals.isUnderWay, status: health.sentence, standing: health.standing)
        }
        watch.start()
        return watch
    }
}
