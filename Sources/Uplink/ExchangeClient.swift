import AsyncHTTPClient
import Foundation
import Gzip
import NIOCore
import NIOSSL

/// Exchanges with a server over TLS 1.3: one pinned authority, no redirects, bounded replies, bounded time.
final class ExchangeClient: Sendable {
    /// Unit: s.
    static let connectLimit = 10
    /// How long its connections have to end in order.
    private static let endingPatience = Duration.seconds(1)
    /// A sleep that says none may last a quarter longer.
    private static let tolerance = Duration.milliseconds(50)

    private let client: HTTPClient

    /// - Parameter meter: counts what goes over its connections.
    init(_ tls: TLSConfiguration, meter: WireMeter) {
        var configuration = HTTPClient.Configuration(tlsConfiguration: tls)
        configuration.redirectConfiguration = .disallow
        configuration.decompression = Gzip.reading(atMost: FHIRClient.replyLimit)
        configuration.timeout = .init(connect: .seconds(Int64(Self.connectLimit)))
        configuration.connectionPool.retryConnectionEstablishment = false
        // An alarm has one of its own beside the most bundles that are under way.
        configuration.connectionPool.concurrentHTTP1ConnectionsPerHostSoftLimit = 2 * Pace.mostUnderWay
        // A connection of HTTP/2 that the way has forgotten takes every request and answers none.
        configuration.httpVersion = .http1Only
        configuration.http1_1ConnectionDebugInitializer = { channel in
            WireCounter.count(channel, meter).flatMap { Self.inspect(channel) }
        }
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

    /// One exchange, from the first byte to the last within the limit: an answer that drips is none. When the time is
    /// over the connection is closed: nobody knows what still comes over it; `nil` then.
    ///
    /// - Parameters:
    ///   - size: the longest reply that is read. Unit: bytes.
    ///   - words: of the service that is asked.
    func exchange<Result: Sendable>(
        _ request: HTTPClientRequest, within limit: Duration, limit size: Int, words: ExchangeWords,
        _ read: @escaping @Sendable (HTTPClientResponse, Data) -> Result,
        failed: @escaping @Sendable (String) -> Result
    ) async -> Result? {
        await withTaskGroup(of: Result?.self) { group in
            group.addTask { [client] in
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
