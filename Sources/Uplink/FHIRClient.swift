import AsyncHTTPClient
import DeviceModel
package import FHIRMapping
import Foundation
import NIOCore
import NIOHTTP1
import NIOSSL

/// FHIR R4 over HTTPS with mutual TLS 1.3. One pinned authority, no redirects, bounded replies, bounded time.
package final class FHIRClient: RecordsService {
    /// The longest reply that is read. Unit: bytes.
    static let replyLimit = 4 << 20
    /// Unit: s.
    static let connectLimit = 10

    private let base: String
    private let words: ExchangeWords
    private let client: HTTPClient

    package init(_ endpoint: UplinkEndpoint) throws {
        guard endpoint.server.hasPrefix("https://") else {
            throw EndpointError(description: "the records service must be https://…, not \(endpoint.server)")
        }
        base = endpoint.server.hasSuffix("/") ? String(endpoint.server.dropLast()) : endpoint.server
        let tls = try endpoint.tls()
        var configuration = HTTPClient.Configuration(tlsConfiguration: tls)
        configuration.redirectConfiguration = .disallow
        configuration.timeout = .init(connect: .seconds(Int64(Self.connectLimit)))
        configuration.connectionPool.retryConnectionEstablishment = false
        // A connection of HTTP/2 that the way has forgotten takes every request and answers none.
        configuration.httpVersion = .http1Only
        configuration.http1_1ConnectionDebugInitializer = { Self.inspect($0) }
        words = ExchangeWords(endpoint)
        client = HTTPClient(eventLoopGroupProvider: .singleton, configuration: configuration)
    }

    package func shutdown() async { try? await client.shutdown() }

    package func put(_ resources: [FHIRResource], within limit: Duration) async -> Answer {
        var bytes: [UInt8] = []
        FHIRResource.transaction(resources).write(to: &bytes)
        var request = HTTPClientRequest(url: base)
        request.method = .POST
        request.headers.add(name: "Content-Type", value: "application/fhir+json")
        request.headers.add(name: "Accept", value: "application/fhir+json")
        request.body = .bytes(bytes)
        return await exchange(request, expected: resources.count, within: limit)
    }

    /// One exchange, from the first byte to the last within the limit: an answer that drips is none. When the time is
    /// over the connection is closed: nobody knows what still comes over it.
    private func exchange(_ request: HTTPClientRequest, expected: Int, within limit: Duration) async -> Answer {
        await withTaskGroup(of: Answer?.self) { group in
            group.addTask { [client, words] in
                do {
                    let response = try await client.execute(request, timeout: .hours(1))
                    let body = try await response.body.collect(upTo: Self.replyLimit)
                    let headers = response.headers
                    let retryAfter = AnswerReader.retryAfter(
                        headers.first(name: "Retry-After"), date: headers.first(name: "Date"),
                        milliseconds: headers.first(name: "x-ms-retry-after-ms"))
                    return AnswerReader.answer(
                        status: Int(response.status.code), body: Data(body.readableBytesView), retryAfter: retryAfter,
                        expected: expected)
                } catch { return .unreachable(reason: await words.words(error)) }
            }
            group.addTask {
                try? await Task.sleep(for: limit)
                return nil
            }
            let first = await group.next() ?? nil
            group.cancelAll()
            return first ?? .timedOut(reason: "no whole answer within \(limit.components.seconds) s")
        }
    }

    /// Ends a connection whose certificate the library took although it is weak, or anybody's of a domain.
    private static func inspect(_ channel: any Channel) -> EventLoopFuture<Void> {
        channel.nioSSL_peerCertificate().flatMapThrowing { shown in
            guard let shown else { throw ServerCertificate.Fault.unreadable }
            if let weakness = try ServerCertificate(shown).weakness { throw weakness }
        }.flatMapError { error in
            channel.close().flatMap { channel.eventLoop.makeFailedFuture(error) }
        }
    }
}
