import Foundation
import Hummingbird
import HummingbirdTLS
package import Logging
import NIOCore
import NIOSSL

/// A records service for demonstrations: FHIR R4 transactions over HTTPS with mutual TLS 1.3, on this machine only, in
/// memory only.
package struct SandboxServer: Sendable {
    private let application: any ApplicationProtocol
    private let store: SandboxStore
    private let port: AsyncStream<Int>

    package init(_ certificates: SandboxCertificates, logger: Logger) throws {
        let store = SandboxStore()
        self.store = store
        let (port, announce) = AsyncStream<Int>.makeStream()
        self.port = port
        var tls = TLSConfiguration.makeServerConfiguration(
            certificateChain: try NIOSSLCertificate.fromPEMBytes(Array(certificates.server.utf8)).map {
                .certificate($0)
            },
            privateKey: .privateKey(try NIOSSLPrivateKey(bytes: Array(certificates.serverKey.utf8), format: .pem)))
        tls.minimumTLSVersion = .tlsv13
        // Hostname verification would look for the client's address in its certificate; its authority is what counts.
        tls.certificateVerification = .noHostnameVerification
        tls.trustRoots = .certificates(try NIOSSLCertificate.fromPEMBytes(Array(certificates.authority.utf8)))
        var quiet = logger
        quiet.logLevel = .critical
        application = Application(
            router: Self.router(store), server: try .tls(tlsConfiguration: tls),
            configuration: ApplicationConfiguration(address: .hostname("127.0.0.1", port: 0), serverName: nil),
            onServerRunning: { channel in
                announce.yield(channel.localAddress?.port ?? 0)
                announce.finish()
            }, logger: quiet)
    }

    /// Serves until the task is cancelled or a graceful shutdown.
    package func run() async throws { try await application.run() }

    /// The base address, once the server listens.
    package func address() async -> String? {
        for await port in port { return "https://localhost:\(port)/fhir" }
        return nil
    }

    /// Resources that were put here; of the oldest none is held any more.
    package func count() async -> Int { await store.count }

    private static func router(_ store: SandboxStore) -> Router<BasicRequestContext> {
        let router = Router(context: BasicRequestContext.self)
        router.post("fhir") { request, _ in
            let body = try await request.body.collect(upTo: 16 << 20)
            do {
                let statuses = try await store.take(Data(body.readableBytesView))
                let entries = statuses.map { ["response": ["status": $0]] }
                let bundle: [String: Any] = [
                    "resourceType": "Bundle", "type": "transaction-response", "entry": entries,
                ]
                return try response(200, JSONSerialization.data(withJSONObject: bundle))
            } catch let refusal as SandboxStore.Refusal {
                return try response(refusal.status, outcome(refusal.text))
            }
        }
        router.get("fhir/{type}/{id}") { _, context in
            let url = "\(context.parameters.get("type") ?? "")/\(context.parameters.get("id") ?? "")"
            guard let resource = await store.read(url) else { return try response(404, outcome("\(url) is not here")) }
            return response(200, resource)
        }
        router.get("fhir/{type}") { request, context in
            let limit = request.uri.queryParameters.get("_count").flatMap { Int($0) } ?? 100
            guard
                let found = await store.search(context.parameters.get("type") ?? "", limit: min(max(0, limit), 10_000))
            else {
                return try response(500, outcome("the search failed"))
            }
            return response(200, found)
        }
        return router
    }

    private static func outcome(_ text: String) throws -> Data {
        let document: [String: Any] = [
            "resourceType": "OperationOutcome",
            "issue": [["severity": "error", "code": "invalid", "diagnostics": text]],
        ]
        return try JSONSerialization.data(withJSONObject: document)
    }

    private static func response(_ status: Int, _ body: Data) -> Response {
        Response(
            status: .init(code: status), headers: [.contentType: "application/fhir+json"],
            body: ResponseBody(byteBuffer: ByteBuffer(bytes: body)))
    }
}
