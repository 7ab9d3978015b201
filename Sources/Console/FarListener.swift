import Consultations
import Foundation
import Hummingbird
import HummingbirdCore
import HummingbirdTLS
package import Logging
import NIOCore
import NIOHTTP1
import NIOHTTPCompression
import NIOHTTPTypesHTTP1
import NIOSSL
import OperatorDesk
import RealTime

/// Serves far clinicians, over TLS in which both sides show who they are. It is there only where the unit's
/// configuration says so, and answers only while somebody on the unit has opened a consultation.
package struct FarListener: Sendable {
    private let place: FarPlace
    private let responder: FarResponder
    private let book = ConnectionBook(most: 32)
    private let logger: Logger

    /// - Parameters:
    ///   - people: the people's socket, at which looking is recorded.
    ///   - bootID: the machine's, as the host writes it.
    package init(
        _ place: FarPlace, files: ScreenFiles, feed: LiveFeed, past: any PastSource, directory: String, people: String?,
        bootID: String, logger: Logger
    ) {
        self.place = place
        let clock = MonotonicClock()
        responder = FarResponder(
            files: files, feed: feed, past: past,
            journal: FarJournal(directory: directory, bootID: bootID, clock: clock),
            visits: FarVisits { ask in await Self.record(ask, socket: people) }, connections: FarConnections(),
            clock: clock)
        var quiet = logger
        // What comes over the wire is nobody's business in a log.
        quiet.logLevel = .critical
        self.logger = quiet
    }

    /// Serves until the task is cancelled, or throws where the port or a certificate cannot be had.
    ///
    /// - Parameter running: called once it can be reached.
    package func run(running: @escaping @Sendable () -> Void) async throws {
        let tls = try place.tls()
        let responder = responder
        let (journal, connections, visits) = (responder.journal, responder.connections, responder.visits)
        let watching = Task {
            await journal.run {
                connections.cut { journal.isOpen($0) }
                await visits.settle(at: responder.clock.now()) { journal.isOpen($0) }
            }
        }
        defer { watching.cancel() }
        let limit = HandshakeLimit(at: responder.clock.now())
        let (book, clock) = (book, responder.clock)
        let server = HTTPServerBuilder { respond in
            var http = HTTP1Channel.Configuration(
                additionalChannelHandlers: [ConnectionGuard(book: book)],
                httpDecoderConfiguration: .init(
                    maxHeaderFieldSize: ConsoleLimits.head, maxHeaderListSize: ConsoleLimits.head,
                    maxHeaderFieldCount: ConsoleLimits.fields))
            http.idleTimeout = nil
            return FarChannel(
                base: try TLSChannel(HTTP1Channel(responder: respond, configuration: http), tlsConfiguration: tls),
                limit: limit, clock: clock)
        }
        let application = Application(
            responder: responder, server: server,
            configuration: ApplicationConfiguration(
                address: .hostname(place.address, port: place.port), serverName: nil),
            onServerRunning: { _ in running() }, logger: logger)
        try await withTaskCancellationHandler {
            try await application.run()
        } onCancel: {
            book.closeAll()
        }
    }

    /// Has the host record who looks. Until it says that it has, nothing is shown.
    private static func record(_ ask: ConsultationAsk, socket: String?) async -> Result<Int64, Refusal> {
        guard let socket else { return .failure(.nobodyAsked) }
        return await withCheckedContinuation { continuation in
            // A thread of its own: a host that stands keeps no task waiting.
            Thread.detachNewThread { continuation.resume(returning: answer(ask, socket: socket)) }
        }
    }

    private static func answer(_ ask: ConsultationAsk, socket: String) -> Result<Int64, Refusal> {
        let unrecorded = Refusal(
            503, "unrecorded", "The unit does not record now that you look, so nothing is shown: try again.")
        guard let line = try? DeskLine(.consultation(ask)).line(), let client = try? DeskClient(path: socket),
            (try? client.say(line)) != nil, let answer = try? client.answer(within: .seconds(5))
        else { return .failure(unrecorded) }
        switch answer.answer {
        case .visit(let number): return .success(number)
        case .refused(let code, let words, _): return .failure(Refusal(403, code, words))
        default: return .failure(unrecorded)
        }
    }
}

/// A connection from afar: counted before its handshake, held to little memory, its answers packed.
private struct FarChannel: ServerChildChannel {
    typealias Base = TLSChannel<HTTP1Channel>
    typealias Value = Base.Value

    /// What a link has not taken yet waits where it can still be changed, and not here. Unit: bytes.
    private static let buffer: Int32 = 8 << 10
    private static let marks = ChannelOptions.Types.WriteBufferWaterMark(low: 1 << 10, high: 4 << 10)

    private struct TooMany: Error {}

    let base: Base
    let limit: HandshakeLimit
    let clock: any MonotonicTime

    func setup(channel: any Channel, logger: Logger) -> EventLoopFuture<Value> {
        guard limit.take(channel.remoteAddress?.ipAddress ?? "", at: clock.now()) else {
            return channel.close().flatMapThrowing { throw TooMany() }
        }
        return base.setup(channel: channel, logger: logger).flatMapThrowing { value in
            try pack(channel)
            return value
        }.flatMap { value in
            channel.setOption(.socketOption(.so_sndbuf), value: .init(Self.buffer))
                .and(channel.setOption(.writeBufferWaterMark, value: Self.marks)).map { _ in value }
        }
    }

    func handle(value: Value, logger: Logger) async { await base.handle(value: value, logger: logger) }

    /// Text is packed on its way: five bytes become one at a thin link.
    private func pack(_ channel: any Channel) throws {
        let pipeline = channel.pipeline.syncOperations
        let codec = try pipeline.handler(type: HTTP1ToHTTPServerCodec.self)
        let compressor = HTTPResponseCompressor { head, isPossible in
            guard isPossible, let type = head.headers.first(name: "content-type") else { return .doNotCompress }
            return type.hasPrefix("text/") || type.hasPrefix("application/") || type.hasPrefix("image/svg")
                ? .compressIfPossible : .doNotCompress
        }
        try pipeline.addHandler(compressor, position: .before(codec))
    }
}
