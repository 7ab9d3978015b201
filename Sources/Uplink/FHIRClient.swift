import AsyncHTTPClient
import DeviceModel
package import FHIRMapping
import Foundation
import NIOCore
import NIOHTTP1
import NIOSSL

/// Where the records service is, and who this unit is to it.
package struct UplinkEndpoint: Sendable {
    /// The base address of the FHIR server, `https://…`.
    package let server: String
    /// PEM file of the authority that signed the server's certificate. No other authority is trusted.
    package let authority: String
    /// PEM files of this unit's certificate and key.
    package let clientCertificate: String
    package let clientKey: String

    package init(server: String, authority: String, clientCertificate: String, clientKey: String) {
        self.server = server
        self.authority = authority
        self.clientCertificate = clientCertificate
        self.clientKey = clientKey
    }

    /// Whole days until this unit's certificate expires, by the wall clock; negative when it has. Throws
    /// ``EndpointError``.
    package func daysLeft() throws -> Int {
        guard let certificate = try? NIOSSLCertificate.fromPEMFile(clientCertificate).first else {
            throw EndpointError(description: "\(clientCertificate) is not a readable PEM certificate")
        }
        return Int(((Double(certificate.notValidAfter) - Date().timeIntervalSince1970) / 86_400).rounded(.down))
    }
}

/// A certificate or key file that cannot be used.
package struct EndpointError: Error, CustomStringConvertible {
    package let description: String
}

/// FHIR R4 over HTTPS with mutual TLS 1.3. One pinned authority, no redirects, bounded replies, bounded time.
package final class FHIRClient: RecordsService {
    /// The longest reply that is read. Unit: bytes.
    private static let replyLimit = 4 << 20
    /// The longest time from the first byte of a request to the last of its answer.
    private static let exchangeLimit = TimeAmount.seconds(60)

    private let base: String
    private let client: HTTPClient

    package init(_ endpoint: UplinkEndpoint) throws {
        guard endpoint.server.hasPrefix("https://") else {
            throw EndpointError(description: "the records service must be https://…, not \(endpoint.server)")
        }
        base = endpoint.server.hasSuffix("/") ? String(endpoint.server.dropLast()) : endpoint.server
        var tls = TLSConfiguration.makeClientConfiguration()
        tls.minimumTLSVersion = .tlsv13
        tls.certificateVerification = .fullVerification
        do {
            tls.trustRoots = .certificates(try NIOSSLCertificate.fromPEMFile(endpoint.authority))
        } catch {
            throw EndpointError(
                description: "\(endpoint.authority) is not a readable PEM certificate of an authority (\(error))")
        }
        do {
            tls.certificateChain = try NIOSSLCertificate.fromPEMFile(endpoint.clientCertificate).map {
                .certificate($0)
            }
        } catch {
            throw EndpointError(
                description: "\(endpoint.clientCertificate) is not a readable PEM certificate (\(error))")
        }
        do {
            tls.privateKey = .privateKey(try NIOSSLPrivateKey(file: endpoint.clientKey, format: .pem))
        } catch {
            throw EndpointError(description: "\(endpoint.clientKey) is not a readable PEM key (\(error))")
        }
        var configuration = HTTPClient.Configuration(tlsConfiguration: tls)
        configuration.redirectConfiguration = .disallow
        configuration.timeout = .init(connect: .seconds(10), read: .seconds(30))
        configuration.connectionPool.retryConnectionEstablishment = false
        // A connection of HTTP/2 that the way has forgotten takes every request and answers none.
        configuration.httpVersion = .http1Only
        client = HTTPClient(eventLoopGroupProvider: .singleton, configuration: configuration)
    }

    package func shutdown() async { try? await client.shutdown() }

    package func put(_ resources: [FHIRResource]) async -> DeliveryOutcome {
        var bytes: [UInt8] = []
        FHIRResource.transaction(resources).write(to: &bytes)
        var request = HTTPClientRequest(url: base)
        request.method = .POST
        request.headers.add(name: "Content-Type", value: "application/fhir+json")
        request.headers.add(name: "Accept", value: "application/fhir+json")
        request.body = .bytes(bytes)
        return await exchange(request, expected: resources.count)
    }

    /// One exchange, from the first byte to the last within the limit: an answer that drips is none.
    private func exchange(_ request: HTTPClientRequest, expected: Int) async -> DeliveryOutcome {
        await withTaskGroup(of: DeliveryOutcome?.self) { group in
            group.addTask { [client] in
                do {
                    let response = try await client.execute(request, timeout: Self.exchangeLimit)
                    let body = try await response.body.collect(upTo: Self.replyLimit)
                    let retryAfter = Self.retryAfter(
                        response.headers.first(name: "Retry-After"), date: response.headers.first(name: "Date"))
                    return Self.outcome(
                        status: Int(response.status.code), body: Data(body.readableBytesView), retryAfter: retryAfter,
                        expected: expected)
                } catch {
                    return .unavailable(reason: Self.words(error), retryAfter: nil)
                }
            }
            group.addTask {
                try? await Task.sleep(for: .nanoseconds(Self.exchangeLimit.nanoseconds))
                return nil
            }
            let first = await group.next() ?? nil
            group.cancelAll()
            return first ?? .unavailable(reason: "the exchange took longer than 60 s", retryAfter: nil)
        }
    }

    /// The wait a service asks for, written as seconds or as a date. A date is counted from the service's own clock,
    /// not from ours, which may be years off. Unit: s.
    static func retryAfter(_ value: String?, date: String?) -> Int64? {
        guard let value else { return nil }
        if let seconds = Int64(value) { return max(0, seconds) }
        let formatter = DateFormatter()
        formatter.locale = Locale(identifier: "en_US_POSIX")
        formatter.timeZone = TimeZone(identifier: "GMT")
        formatter.dateFormat = "EEE, dd MMM yyyy HH:mm:ss 'GMT'"
        guard let until = formatter.date(from: value), let now = date.flatMap({ formatter.date(from: $0) }) else {
            return nil
        }
        return Int64(exactly: max(0, until.timeIntervalSince(now)).rounded())
    }

    /// What an answer means. An answer that is not FHIR (a captive portal, a proxy's page) says nothing about the
    /// content.
    static func outcome(status: Int, body: Data, retryAfter: Int64?, expected: Int) -> DeliveryOutcome {
        let document = try? JSONSerialization.jsonObject(with: body) as? [String: Any]
        let isFHIR = document?["resourceType"] is String
        switch status {
        case 200...299:
            guard let document, document["resourceType"] as? String == "Bundle",
                let entries = document["entry"] as? [[String: Any]]
            else {
                return .unavailable(
                    reason: "HTTP \(status) without a FHIR bundle: is this the records service?", retryAfter: nil)
            }
            guard entries.count == expected else {
                return .unavailable(
                    reason: "the service answered \(entries.count) entries to \(expected)", retryAfter: nil)
            }
            return outcome(of: entries, retryAfter: retryAfter)
        case 413: return .tooLarge
        // 409 and 412 are about the moment (another write of the same resource), not about the content.
        case 400 where isFHIR, 410 where isFHIR, 422 where isFHIR:
            return .refused(reason: "HTTP \(status): \(diagnostics(document))")
        case 400, 401, 403, 404, 405:
            return .unavailable(
                reason: "HTTP \(status): the service does not accept this unit: check address, certificate and rights",
                retryAfter: retryAfter ?? 30)
        default: return .unavailable(reason: "HTTP \(status)", retryAfter: retryAfter)
        }
    }

    /// What the answers to the entries mean together. One that is about the moment, or that says nothing, leaves the
    /// whole bundle for later: what is stored already is put there again under the same id.
    private static func outcome(of entries: [[String: Any]], retryAfter: Int64?) -> DeliveryOutcome {
        var refusal: Int?
        for entry in entries {
            let status = (entry["response"] as? [String: Any])?["status"] as? String
            guard let status, let code = Int(status.prefix { $0.isASCII && $0.isNumber }) else {
                return .unavailable(reason: "an entry was answered without a status", retryAfter: retryAfter)
            }
            switch code {
            case 200...299: continue
            case 400, 410, 422: refusal = refusal ?? code
            default: return .unavailable(reason: "an entry was answered with \(code)", retryAfter: retryAfter)
            }
        }
        return refusal.map { .refused(reason: "an entry was answered with \($0)") } ?? .acknowledged
    }

    /// The codes of an OperationOutcome. Its free text may repeat content and is not taken over.
    private static func diagnostics(_ document: [String: Any]?) -> String {
        let issues = document?["issue"] as? [[String: Any]] ?? []
        return issues.compactMap { $0["code"] as? String }.prefix(3).joined(separator: ", ")
    }

    private static func words(_ error: any Error) -> String {
        let text = String(describing: error)
        if text.contains("CERTIFICATE_VERIFY_FAILED") || text.contains("unableToValidateCertificate") {
            return "TLS: the server's certificate is not signed by the pinned authority, or not valid now (\(text))"
        }
        return text
    }
}
