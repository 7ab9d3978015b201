import Foundation
import NIOCore
import NIOPosix
import NIOSSL
import Synchronization

/// Asks a server for its certificate and ends the connection before anything is said, this unit's own certificate
/// included: why it was not taken is for people to know.
enum ServerProbe {
    /// The longest greeting that is read. Unit: bytes.
    private static let longestGreeting = 64 << 10

    /// The certificates that the server shows, its own first; empty when it shows none.
    ///
    /// - Parameter isGreeted: whether the server says a line before TLS begins, as that of NATS does.
    static func certificates(host: String, port: Int, isGreeted: Bool = false) async -> [NIOSSLCertificate] {
        var tls = TLSConfiguration.makeClientConfiguration()
        tls.minimumTLSVersion = .tlsv13
        guard let context = try? NIOSSLContext(configuration: tls) else { return [] }
        // A name is told to the server, so that it shows the same certificate; an address is not.
        let isAddress = (try? SocketAddress(ipAddress: host, port: port)) != nil
        let found = Found()
        let bootstrap = ClientBootstrap(group: .singletonMultiThreadedEventLoopGroup).connectTimeout(.seconds(5))
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    let handler = try NIOSSLClientHandler(
                        context: context, serverHostname: isAddress ? nil : host,
                        customVerificationCallback: { shown, promise in
                            found.take(shown)
                            promise.succeed(.failed)
                        })
                    if isGreeted {
                        try channel.pipeline.syncOperations.addHandler(Greeting(before: handler))
                    } else {
                        try channel.pipeline.syncOperations.addHandler(handler)
                    }
                    try channel.pipeline.syncOperations.addHandler(Closer())
                }
            }
        guard let channel = try? await bootstrap.connect(host: host, port: port).get() else { return [] }
        let deadline = Task {
            try? await Task.sleep(for: .seconds(5))
            try? await channel.close()
        }
        try? await channel.closeFuture.get()
        deadline.cancel()
        return found.certificates
    }

    private final class Found: Sendable {
        private let shown = Mutex<[NIOSSLCertificate]>([])

        var certificates: [NIOSSLCertificate] { shown.withLock { $0 } }

        func take(_ certificates: [NIOSSLCertificate]) { shown.withLock { $0 = certificates } }
    }

    /// Ends the connection with the first error.
    private final class Closer: ChannelInboundHandler {
        typealias InboundIn = ByteBuffer

        func errorCaught(context: ChannelHandlerContext, error: any Error) { context.close(promise: nil) }
    }

    /// Passes over the server's first line; what follows is TLS.
    private final class Greeting: ChannelInboundHandler, RemovableChannelHandler {
        typealias InboundIn = ByteBuffer

        private let next: NIOSSLClientHandler
        private var length = 0

        init(before next: NIOSSLClientHandler) { self.next = next }

        func channelRead(context: ChannelHandlerContext, data: NIOAny) {
            let bytes = unwrapInboundIn(data)
            length += bytes.readableBytes
            guard length <= ServerProbe.longestGreeting else { return context.close(promise: nil) }
            guard bytes.readableBytesView.contains(0x0A) else { return }
            do {
                try context.pipeline.syncOperations.addHandler(next, position: .after(self))
                context.pipeline.syncOperations.removeHandler(self, promise: nil)
            } catch { context.close(promise: nil) }
        }
    }
}
