import ArgumentParser
import Foundation
import Logging
import NabdHost
import Observability
import ServiceLifecycle
import UnixSignals

struct ExporterCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "exporter",
        abstract: "Serve a running host's metrics and health over HTTP on 127.0.0.1. Ends on SIGTERM or SIGINT.",
        discussion: "The host itself listens on no TCP port for it: it tells its status at a Unix socket beside the "
            + "journal, to its own user and group. `metrics: {port: …}` in the unit's configuration is the port here."
    ).examples("nabd exporter", "curl http://127.0.0.1:9464/health")

    @OptionGroup var file: UnitFile

    func run() async throws {
        signal(SIGPIPE, SIG_IGN)
        let unit = try file.load(faultsCost: .itsPart)
        guard let port = unit.metricsPort else {
            throw Failure(.usage, "\(file.path) has no port for metrics: write “metrics: {port: 9464}”")
        }
        let logger = makeLogger(level: .info)
        let server = MetricsServer(port: port, socket: unit.statusSocket, logger: logger)
        logger.info("metrics and health are served", metadata: ["address": "http://127.0.0.1:\(port)"])
        let group = ServiceGroup(
            configuration: ServiceGroupConfiguration(
                services: [.init(service: ExporterService(server: server))],
                gracefulShutdownSignals: [.sigterm, .sigint], logger: makeLogger(level: .error)))
        do { try await group.run() } catch {
            throw Failure(.unavailable, "metrics cannot be served at port \(port): is it taken?")
        }
    }
}

private struct ExporterService: Service {
    let server: MetricsServer

    func run() async throws { try await server.run() }
}
