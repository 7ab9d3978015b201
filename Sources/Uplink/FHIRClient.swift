import AsyncHTTPClient
import DeviceModel
import FHIRMapping
import Foundation
import Gzip
import NIOCore
import NIOHTTP1
import NIOSSL

/// FHIR R4 over HTTPS with mutual TLS 1.3. One pinned authority, no redirects, bounded replies, bounded time.
final class FHIRClient: Sendable {
    /// What an exchange came to.
    struct Answered<Value: Sendable>: Sendable {
        let value: Value
        let token: TokenVerdict
    }

    /// What an answer says of the token that went with the request.
    enum TokenVerdict: Sendable {
        case taken
        /// HTTP 401.
        case refused
        /// There was no answer.
        case unknown

        init(_ head: HTTPClientResponse) { self = head.status.code == 401 ? .refused : .taken }
    }

    /// The longest reply that is read. Unit: bytes.
    static let replyLimit = 4 << 20
    /// Unit: s.
    static let connectLimit = 10
    /// Answers of services that do not read gzip: the right one, and those that were seen.
    private static let ofEncoding: Set<Int> = [400, 415, 422, 500, 501]

    /// How long its connections have to end in order.
    private static let endingPatience = Duration.seconds(1)
    /// A sleep that says none may last a quarter longer.
    private static let tolerance = Duration.milliseconds(50)

    let base: String
    let words: ExchangeWords
    private let client: HTTPClient

    /// - Parameter meter: counts what goes over its connections.
    init(_ endpoint: UplinkEndpoint, meter: WireMeter = WireMeter()) throws {
        guard endpoint.server.hasPrefix("https://") else {
            throw EndpointError(description: "the records service must be https://…, not \(endpoint.server)")
        }
        base = endpoint.server.hasSuffix("/") ? String(endpoint.server.dropLast()) : endpoint.server
        let tls = try endpoint.tls()
        var configuration = HTTPClient.Configuration(tlsConfiguration: tls)
        configuration.redirectConfiguration = .disallow
        configuration.decompression = Gzip.reading(atMost: Self.replyLimit)
        configuration.timeout = .init(connect: .seconds(Int64(Self.connectLimit)))
        configuration.connectionPool.retryConnectionEstablishment = false
        // A connection of HTTP/2 that the way has forgotten takes every request and answers none.
        configuration.httpVersion = .http1Only
        configuration.http1_1ConnectionDebugInitializer = { channel in
            WireCounter.count(channel, meter).flatMap { Self.inspect(channel) }
        }
        words = ExchangeWords(endpoint)
        client = HTTPClient(eventLoopGroupProvider: .singleton, configuration: configuration)
    }

    /// Ends its connections. One whose other side goes on sending and does not hear that it is over is not waited for:
    /// it ends by itself, or with the process.
    func shutdown() async {
        let (ending, ended) = AsyncStream<Void>.makeStream()
        Task { [client] in
            try? await client.shutdown()
            ended.finish()
        }
        let patience = Task {
            try? await Task.sleep(for: Self.endingPatience, tolerance: Self.tolerance)
            ended.finish()
        }
        for await _ in ending {}
        patience.cancel()
    }

    /// - Parameter token: goes in the request's head; `nil` where the unit's certificate alone says who it is.
    func put(_ resources: [FHIRResource], within limit: Duration, compressed: Bool, token: String?) async
        -> Answered<Answer>
    {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(resources.reduce(256) { $0 + $1.size + 160 })
        FHIRResource.transaction(resources).write(to: &bytes)
        var request = HTTPClientRequest(url: base)
        request.method = .POST
        request.headers.add(name: "Content-Type", value: "application/fhir+json")
        request.headers.add(name: "Accept", value: "application/fhir+json")
        authorise(&request, token)
        if compressed, let body = Gzip.compressed(bytes) {
            request.headers.add(name: "Content-Encoding", value: "gzip")
            bytes = body
        }
        request.body = .bytes(bytes)
        let isCompressed = request.headers.contains(name: "Content-Encoding")
        let exchanged = await exchange(request, within: limit) { head, body -> Answered<Answer> in
            let answer = AnswerReader.answer(
                status: Int(head.status.code), body: body,
                retryAfter: AnswerReader.retryAfter(
                    head.headers.first(name: "Retry-After"), date: head.headers.first(name: "Date"),
                    milliseconds: head.headers.first(name: "x-ms-retry-after-ms")),
                expected: resources.count)
            let isOfEncoding = isCompressed && Self.ofEncoding.contains(Int(head.status.code))
            return Answered(value: isOfEncoding ? .encodingRefused(answer) : answer, token: TokenVerdict(head))
        } failed: {
            Answered(value: .unreachable(reason: $0), token: .unknown)
        }
        return exchanged
            ?? Answered(
                value: .timedOut(reason: "no whole answer within \(limit.components.seconds) s"), token: .unknown)
    }

    private func authorise(_ request: inout HTTPClientRequest, _ token: String?) {
        if let token { request.headers.add(name: "Authorization", value: "Bearer \(token)") }
    }

    func read(_ url: String, within limit: Duration, token: String?) async -> Answered<ReadAnswer> {
        var request = HTTPClientRequest(url: "\(base)/\(url)")
        request.headers.add(name: "Accept", value: "application/fhir+json")
        authorise(&request, token)
        let answer = await exchange(request, within: limit) { head, body -> Answered<ReadAnswer> in
            let found: ReadAnswer =
                switch head.status.code {
                case 200: .found(Array(body))
                case 404 where AnswerReader.isFHIR(body), 410: .missing
                case 401, 403, 405: .notAllowed
                default: .unknown
                }
            return Answered(value: found, token: TokenVerdict(head))
        } failed: { _ in
            Answered(value: .unknown, token: .unknown)
        }
        return answer ?? Answered(value: .unknown, token: .unknown)
    }

    /// One exchange, from the first byte to the last within the limit: an answer that drips is none. When the time is
    /// over the connection is closed: nobody knows what still comes over it; `nil` then.
    ///
    /// - Parameters:
    ///   - size: the longest reply that is read. Unit: bytes.
    ///   - words: of the service that is asked; `nil` for the records service.
    func exchange<Result: Sendable>(
        _ request: HTTPClientRequest, within limit: Duration, limit size: Int = replyLimit,
        words: ExchangeWords? = nil,
        _ read: @escaping @Sendable (HTTPClientResponse, Data) -> Result,
        failed: @escaping @Sendable (String) -> Result
    ) async -> Result? {
        await withTaskGroup(of: Result?.self) { group in
            group.addTask { [client, words = words ?? self.words] in
                do {
                    let response = try await client.execute(request, timeout: .hours(1))
                    let body = try await response.body.collect(upTo: size)
                    return read(response, Data(body.readableBytesView))
                } catch { return failed(await words.words(error)) }
            }
            group.addTask {
                try? await Task.sleep(for: limit, tolerance: Self.tolerance)
                return nil
            }
            let first = await group.next() ?? nil
            group.cancelAll()
            return first
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
