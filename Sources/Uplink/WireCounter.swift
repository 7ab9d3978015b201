import NIOCore

/// Counts what a connection's socket takes and gives, beneath TLS.
final class WireCounter: ChannelDuplexHandler {
    typealias InboundIn = ByteBuffer
    typealias InboundOut = ByteBuffer
    typealias OutboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    /// The handshake is over when the library shows a connection: what it takes with certificates of two links in both
    /// directions, about. Unit: bytes.
    static let handshake = (sent: 2048, received: 2048)

    private let meter: WireMeter

    private init(_ meter: WireMeter) { self.meter = meter }

    static func count(_ channel: any Channel, _ meter: WireMeter) -> EventLoopFuture<Void> {
        meter.sent(handshake.sent)
        meter.received(handshake.received)
        return channel.eventLoop.submit {
            try channel.pipeline.syncOperations.addHandler(WireCounter(meter), position: .first)
        }
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        meter.received(unwrapInboundIn(data).readableBytes)
        context.fireChannelRead(data)
    }

    func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        meter.sent(unwrapOutboundIn(data).readableBytes)
        context.write(data, promise: promise)
    }
}
