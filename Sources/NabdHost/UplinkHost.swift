package import Logging
import DeviceModel
import RealTime
import Observability
import ServiceLifecycle
import Synchronization
import Uplink

/// The uplink as a process of its own: it reads the journal beside the process that writes it, and keeps the books.
package final class UplinkHost: Service {
    /// How long a stop waits for the records service. Unit: s.
    static let farewell = 8

    private let client: any RecordsService
    private let uplink: UplinkService
    /// `nil` where the certificate is not renewed by itself.
    private let renewing: CertificateRenewal?
    private let logger: Logger
    /// The signs of life of the tasks that deliver.
    private let beat = Beat()
    private let isStopping = Atomic<Bool>(false)

    /// - Returns: `nil` for a unit without an uplink.
    package convenience init?(_ configuration: UnitConfiguration, logger: Logger) {
        self.init(configuration, mayWrite: { true }, logger: logger)
    }

    /// - Parameter mayWrite: whether the books are this process's to write.
    init?(_ configuration: UnitConfiguration, mayWrite: @escaping @Sendable () -> Bool, logger: Logger) {
        guard let endpoint = configuration.uplink else { return nil }
        let clock = ClockJudge(file: configuration.clockFile)
        let link = LinkUse(configuration.uplinkLimits) { clock.now() == .unknown ? nil : WallClock.now() }
        renewing = endpoint.enrolment.map { settings in
            CertificateRenewal(settings, for: endpoint, meter: link.meter, logger: logger) {
                clock.now() == .unknown ? nil : WallClock.now() / 1_000_000_000
            }
        }
        let client = endpoint.service(meter: link.meter, renewing: renewing)
        self.client = client
        self.logger = logger
        var settings = UplinkService.Settings(
            unit: configuration.unit, destination: endpoint.destination,
            isTestData: configuration.isTestData, window: configuration.uplinkWindow,
            names: configuration.names, compresses: configuration.uplinkCompresses,
            reconcileEvery: configuration.reconcileEvery,
            machine: MachineMark.current(unit: configuration.unit), waveforms: configuration.uplinkWaveforms,
            identity: PatientIdentities.reader(configuration.patientFolder))
        settings.unsetClock = configuration.unsetClock
        uplink = UplinkService(
            journal: configuration.journalDirectory, service: client, settings: settings,
            logger: logger, time: UplinkService.Time(now: { MonotonicClock().now() }, boot: BootMark.current),
            link: link, mayWrite: mayWrite)
    }

    /// Delivers until a graceful shutdown, and then what it can in a few seconds.
    package func run() async throws {
        logger.info("the uplink is running")
        let delivery = Task { await deliver() }
        let pulse = Task { [beat] in
            while !Task.isCancelled {
                beat.give(at: MonotonicClock().now())
                try? await Task.sleep(for: .seconds(1))
            }
        }
        let watch = watchService()
        try? await gracefulShutdown()
        logger.info("stopping")
        isStopping.store(true, ordering: .relaxed)
        watch?.beginStopping()
        delivery.cancel()
        await delivery.value
        _ = await finish()
        pulse.cancel()
        watch?.stop()
    }

    /// Tells the service manager how delivery is, where one asked.
    private func watchService() -> ServiceWatch? {
        guard let manager = ServiceManager() else { return nil }
        let thread = PulseWatch.Thread(name: "delivery", beat: beat, started: MonotonicClock().now())
        let watch = ServiceWatch(manager, logger: logger) { [self] now in
            let isStopping = isStopping.load(ordering: .relaxed)
            return ServiceWatch.Look(
                isReady: true, status: uplink.status.problem ?? "delivering",
                standing: isStopping ? [] : PulseWatch.standing([thread], at: now))
        }
        watch.start()
        return watch
    }

    /// Delivers until the task is cancelled.
    func deliver() async {
        await withTaskGroup(of: Void.self) { group in
            if let renewing { group.addTask { await renewing.run() } }
            await uplink.run()
            group.cancelAll()
        }
    }

    /// Delivers what is left, for a few seconds, and ends. Returns the resources still pending, if that is known.
    func finish() async -> Int? {
        var left: Int?
        do {
            let pending = try await uplink.finish(within: .seconds(Self.farewell))
            if pending > 0 { logger.notice("resources wait for the next start", metadata: ["pending": "\(pending)"]) }
            left = pending
        } catch {
            // The record is whole by now; what was not delivered waits for the next start.
            logger.warning("the rest could not be delivered before the end", metadata: ["reason": "\(error)"])
        }
        await client.shutdown()
        return left
    }

    /// Ends without delivering anything.
    func abandon() async { await client.shutdown() }
}
