import Hummingbird
package import Logging

/// Serves metrics and health over HTTP to programs on this machine: `/metrics` for Prometheus, `/health` for a
/// watchdog.
///
/// It tells counts of lines and devices, never a value of a patient.
package struct MetricsServer: Sendable {
    private let application: any ApplicationProtocol

    /// - Parameters:
    ///   - port: on 127.0.0.1.
    ///   - metrics: makes the text, at each request anew.
    ///   - health: `nil` when all is well, else what is not, in a sentence.
    package init(
        port: Int, logger: Logger, metrics: @escaping @Sendable () -> MetricsText,
        health: @escaping @Sendable () -> String?
    ) {
        let router = Router(context: BasicRequestContext.self)
        router.get("metrics") { _, _ in
            Response(
                status: .ok, headers: [.contentType: "text/plain; version=0.0.4; charset=utf-8"],
                body: ResponseBody(byteBuffer: ByteBuffer(string: metrics().text)))
        }
        router.get("health") { _, _ in
            let problem = health()
            return Response(
                status: problem == nil ? .ok : .serviceUnavailable,
                headers: [.contentType: "text/plain; charset=utf-8"],
                body: ResponseBody(byteBuffer: ByteBuffer(string: "\(problem ?? "ok")\n")))
        }
        var quiet = logger
        quiet.logLevel = .critical
        application = Application(
            router: router,
            configuration: ApplicationConfiguration(address: .hostname("127.0.0.1", port: port), serverName: nil),
            logger: quiet)
    }

    /// Serves until the task is cancelled or a graceful shutdown.
    package func run() async throws { try await application.run() }
}
