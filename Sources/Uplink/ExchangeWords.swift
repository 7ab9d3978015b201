import AsyncHTTPClient
import Foundation
import NIOCore
import NIOHTTP1
import NIOPosix
import NIOSSL
import PlainFiles

/// Why an exchange with a service came to nothing, in words of ours: what a library or the service says is never passed
/// on.
struct ExchangeWords {
    /// PEM files of the authority that is trusted, and of this unit's certificate, which tells the earliest time.
    private let authority: String
    private let own: String
    /// Who is asked: `the records service`.
    private let service: String
    /// Where it is.
    private let address: String

    init(_ endpoint: UplinkEndpoint) {
        self.init(
            authority: endpoint.authority, own: endpoint.clientCertificate, "the records service", at: endpoint.server)
    }

    init(authority: String, own: String, _ service: String, at address: String) {
        (self.authority, self.own, self.service, self.address) = (authority, own, service, address)
    }

    /// The same of another service, which is trusted by the same authority.
    func of(_ service: String, at address: String) -> ExchangeWords {
        ExchangeWords(authority: authority, own: own, service, at: address)
    }

    func words(_ error: any Error) async -> String {
        switch error {
        case let fault as ServerCertificate.Fault: return fault.description
        case let error as HTTPClientError: return ofHTTP(error)
        case let error as NIOConnectionError: return ofConnecting(error)
        case let error as IOError: return Self.ofSystem(error)
        case is NIOTooManyBytesError: return "the reply of \(service) is longer than what is read of one"
        case HTTPParserError.invalidEOFState: return "\(service) closed the connection"
        case is HTTPParserError: return "what answers there speaks no HTTP"
        case is CancellationError: return "given up"
        case let error where Self.isOfTLS(error): return await reasonOfTLS(error)
        default: return "the exchange broke off (\(type(of: error)))"
        }
    }

    private func ofHTTP(_ error: HTTPClientError) -> String {
        switch error {
        case .connectTimeout: "no connection within \(ExchangeClient.connectLimit) s"
        case .tlsHandshakeTimeout: "TLS: no handshake within \(ExchangeClient.connectLimit) s"
        case .remoteConnectionClosed, .uncleanShutdown: "\(service) closed the connection"
        case .cancelled, .deadlineExceeded: "given up"
        default: "the reply of \(service) breaks the rules of HTTP"
        }
    }

    private func ofConnecting(_ error: NIOConnectionError) -> String {
        let reasons = error.connectionErrors.compactMap { $0.error as? IOError }
        if let reason = reasons.first { return Self.ofSystem(reason) }
        if error.connectionErrors.isEmpty {
            return "the name “\(error.host)” has no address: DNS, or the link is down"
        }
        return "no connection within \(ExchangeClient.connectLimit) s"
    }

    private static func ofSystem(_ error: IOError) -> String {
        "the connection failed: \(String(cString: strerror(error.errnoCode)))"
    }

    private static func isOfTLS(_ error: any Error) -> Bool {
        error is NIOSSLError || error is NIOSSLExtraError || error is BoringSSLError
    }

    private func reasonOfTLS(_ error: any Error) async -> String {
        // The library's text names alerts of the protocol by constants of its own.
        let text = String(describing: error)
        if text.contains("_ALERT_") {
            return text.contains("PROTOCOL_VERSION")
                ? "TLS: the server does not speak TLS 1.3"
                : "TLS: the server does not take this unit's certificate: is it expired, or not registered there?"
        }
        return await ofServer() ?? "TLS: the handshake failed, though the server's certificate is right"
    }

    /// What is wrong with the certificate that the server shows; `nil` when nothing is.
    func ofServer() async -> String? {
        guard let place = UplinkEndpoint.place(of: address) else { return "TLS: the handshake failed" }
        let shown = await ServerProbe.certificates(
            host: place.host, port: place.port, isGreeted: address.hasPrefix("\(NATSSettings.scheme):"))
        guard let first = shown.first else {
            return "TLS: the server shows no certificate, or does not speak TLS 1.3"
        }
        let authorities = PlainFile.bytes(authority).flatMap { try? NIOSSLCertificate.fromPEMBytes($0) } ?? []
        let shownByUs = PlainFile.bytes(own).flatMap { try? NIOSSLCertificate.fromPEMBytes($0) } ?? []
        do throws(ServerCertificate.Fault) {
            let fault = try await ServerCertificate(first).refusal(
                by: authorities, others: Array(shown.dropFirst()), own: shownByUs, host: place.host, now: Date())
            return fault?.description
        } catch { return error.description }
    }
}
