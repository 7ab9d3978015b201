import AsyncHTTPClient
import DeviceModel
import FHIRMapping
import Foundation
import Gzip
import NIOHTTP1

/// FHIR R4 over HTTPS with mutual TLS 1.3.
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
    /// Answers of services that do not read gzip: the right one, and those that were seen.
    private static let ofEncoding: Set<Int> = [400, 415, 422, 500, 501]

    let base: String
    let words: ExchangeWords
    private let client: ExchangeClient

    /// - Parameter meter: counts what goes over its connections.
    init(_ endpoint: UplinkEndpoint, meter: WireMeter = WireMeter()) throws {
        guard endpoint.server.hasPrefix("https://") else {
            throw EndpointError(description: "the records service must be https://…, not \(endpoint.server)")
        }
        base = endpoint.server.hasSuffix("/") ? String(endpoint.server.dropLast()) : endpoint.server
        words = ExchangeWords(endpoint)
        client = ExchangeClient(try endpoint.tls(), meter: meter)
    }

    /// Ends its connections.
    func shutdown() async { await client.shutdown() }

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

    /// One exchange; `nil` when its time is over.
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
        await client.exchange(
            request, within: limit, limit: size, words: words ?? self.words, read, failed: failed)
    }
}
