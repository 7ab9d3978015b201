import Hummingbird
import HummingbirdCore
package import Logging
import NIOPosix

/// Serves what a host tells at its status socket over HTTP to programs on this machine: `/metrics` for Prometheus,
/// `/health` for a watchdog. It is a process of its own: whatever is done to it, the host does not notice.
///
/// It tells counts of lines and devices, never a value of a patient.
package struct MetricsServer: Sendable {
    /// Connections at once; more wait.
    private static let mostConnections = 32
    /// How long a connection may be idle. Unit: s.
    private static let idleTime = 10

    private let application: any ApplicationProtocol

    /// - Parameters:
    ///   - port: on 127.0.0.1.
    ///   - socket: the host's, as ``StatusSocket`` has it.
    package init(port: Int, socket: String, logger: Logger) {
        let router = Router(context: BasicRequestContext.self)
        router.get("metrics") { _, _ in
            await Self.response(socket, "metrics", type: "text/plain; version=0.0.4; charset=utf-8")
        }
        router.get("health") { _, _ in await Self.response(socket, "health", type: "text/plain; charset=utf-8") }
        var quiet = logger
        quiet.logLevel = .critical
        application = Application(
            router: router, server: .http1(configuration: .init(idleTimeout: .seconds(Int64(Self.idleTime)))),
            configuration: ApplicationConfiguration(
                address: .hostname("127.0.0.1", port: port), serverName: nil,
                availableConnectionsDelegate: MaximumAvailableConnections(Self.mostConnections, logger: quiet)),
            logger: quiet)
    }

    private static func response(_ socket: String, _ word: String, type: String) async -> Response {
        let (status, text): (HTTPResponse.Status, String)
        do {
            let answer = try await NIOThreadPool.singleton.runIfActive { try StatusSocket.ask(word, at: socket) }
            // A host that is degraded samples and records: whoever replaces it for that makes a gap.
            (status, text) = (answer.hasPrefix("failing\n") ? .serviceUnavailable : .ok, answer)
        } catch {
            (status, text) = (.serviceUnavailable, "the host does not tell how it is: \(error)\n")
        }
        return Response(
            status: status, headers: [.contentType: type], body: ResponseBody(byteBuffer: ByteBuffer(string: text)))
    }

    /// Serves until the task is cancelled or a graceful shutdown.
    package func run() async throws { try await application.run() }
}
