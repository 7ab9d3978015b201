import Hummingbird
import HummingbirdCore
import LocalSocket
package import Logging
import NIOCore

/// Where screens reach this server.
package enum ConsoleAddress: Sendable, Hashable, CustomStringConvertible {
    /// On 127.0.0.1.
    case port(Int)
    /// A Unix socket, at which a proxy hands on what it is asked.
    case socket(String)

    package var port: Int? { if case .port(let port) = self { port } else { nil } }

    package var description: String {
        switch self {
        case .port(let port): "http://127.0.0.1:\(port)/"
        case .socket(let path): path
        }
    }
}

/// Serves screens over HTTP to this machine.
package struct ConsoleServer: Sendable {
    private let address: ConsoleAddress
    private let responder: ConsoleResponder
    private let book = ConnectionBook()
    private let logger: Logger

    package init(_ address: ConsoleAddress, responder: ConsoleResponder, logger: Logger) {
        (self.address, self.responder) = (address, responder)
        var quiet = logger
        // What comes over the wire is nobody's business in a log.
        quiet.logLevel = .critical
        self.logger = quiet
    }

    /// Serves until the task is cancelled.
    ///
    /// - Parameter running: called once it can be reached.
    /// - Throws: where the port or the socket's place is taken.
    package func run(running: @escaping @Sendable () -> Void) async throws {
        if case .socket(let path) = address {
            let place = try SocketPlace(path)
            defer { place.close() }
            try place.clear()
        }
        let book = book
        var http = HTTP1Channel.Configuration(
            additionalChannelHandlers: [ConnectionGuard(book: book)],
            httpDecoderConfiguration: .init(
                maxHeaderFieldSize: ConsoleLimits.head, maxHeaderListSize: ConsoleLimits.head,
                maxHeaderFieldCount: ConsoleLimits.fields))
        http.idleTimeout = nil
        let bind: BindAddress =
            switch address {
            case .port(let port): .hostname("127.0.0.1", port: port)
            case .socket(let path): .unixDomainSocket(path: path)
            }
        let application = Application(
            responder: responder, server: .http1(configuration: http),
            configuration: ApplicationConfiguration(address: bind, serverName: nil),
            onServerRunning: { _ in running() }, logger: logger)
        try await withTaskCancellationHandler {
            try await application.run()
        } onCancel: {
            book.closeAll()
        }
    }
}
