import NIOCore
import NIOHTTPTypes

/// Holds one connection to its limits: how long a head and a body may take to come and how long they may be, and how
/// long the client may take nothing of its answer. On the connection's event loop.
final class ConnectionGuard: ChannelDuplexHandler, RemovableChannelHandler {
    typealias InboundIn = HTTPRequestPart
    typealias InboundOut = HTTPRequestPart
    typealias OutboundIn = HTTPResponsePart
    typealias OutboundOut = HTTPResponsePart

    private enum State {
        /// A request is awaited, its head perhaps under way, until the connection is closed.
        case awaiting(Scheduled<Void>)
        /// Its body is read: so many bytes of it are there.
        case reading(Int, Scheduled<Void>)
        /// It is there; it is answered.
        case answering
        /// Its body is longer than any may be, or its answer was there first: the rest is not read, and after the
        /// answer the connection ends.
        case deaf(Scheduled<Void>)
        case closed
    }

    private let book: ConnectionBook
    private let bytes = HeadBytes()
    private var state = State.closed
    private var standing: Scheduled<Void>?

    init(book: ConnectionBook) { self.book = book }

    func handlerAdded(context: ChannelHandlerContext) {
        guard book.enter(context.channel) else { return context.close(promise: nil) }
        try? context.pipeline.syncOperations.addHandler(HeadGuard(bytes), position: .first)
        // What waits in the system's buffer is what a screen that stands does not show.
        _ = context.channel.setOption(.socketOption(.so_sndbuf), value: ConsoleLimits.sendBuffer)
        state = .awaiting(deadline(context))
    }

    func handlerRemoved(context: ChannelHandlerContext) {
        end(context)
    }

    func channelInactive(context: ChannelHandlerContext) {
        end(context)
        context.fireChannelInactive()
    }

    private func end(_ context: ChannelHandlerContext) {
        become(.closed)
        standing?.cancel()
        standing = nil
        book.leave(context.channel)
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        switch (unwrapInboundIn(data), state) {
        case (_, .deaf), (_, .closed): return
        case (.head, _):
            book.answering(context.channel)
            bytes.count = nil
            become(.reading(0, deadline(context)))
        case (.body(let part), .reading(let count, let limit)):
            let count = count + part.readableBytes
            state = .reading(count, limit)
            if count > ConsoleLimits.body { state = .deaf(limit) }
        case (.end, .reading):
            become(.answering)
        case (.body, _), (.end, _): break
        }
        context.fireChannelRead(data)
    }

    func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        guard case .end = unwrapOutboundIn(data) else { return context.write(data, promise: promise) }
        if case .answering = state {
            context.write(data, promise: promise)
            bytes.count = 0
            book.idle(context.channel)
            become(.awaiting(deadline(context)))
        } else {
            // Nobody reads on what is not wanted.
            context.writeAndFlush(data, promise: promise)
            context.close(promise: nil)
        }
    }

    func channelWritabilityChanged(context: ChannelHandlerContext) {
        standing?.cancel()
        let channel = context.channel
        standing =
            channel.isWritable
            ? nil
            : context.eventLoop.scheduleTask(in: .seconds(ConsoleLimits.standing)) { channel.close(promise: nil) }
        context.fireChannelWritabilityChanged()
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        // Whoever ends his side listens to nothing any more: what is read for him stops.
        if event as? ChannelEvent == .inputClosed { context.close(promise: nil) }
        context.fireUserInboundEventTriggered(event)
    }

    private func deadline(_ context: ChannelHandlerContext) -> Scheduled<Void> {
        let channel = context.channel
        return context.eventLoop.scheduleTask(in: .seconds(ConsoleLimits.patience)) { channel.close(promise: nil) }
    }

    private func become(_ next: State) {
        switch state {
        case .awaiting(let limit), .reading(_, let limit), .deaf(let limit): limit.cancel()
        case .answering, .closed: break
        }
        state = next
    }
}

/// The bytes of a head that have come.
private final class HeadBytes {
    /// `nil` once the head is whole, until the next one is awaited.
    var count: Int? = 0
}

/// Ends a connection whose head is longer than any may be, before anybody keeps it.
private final class HeadGuard: ChannelInboundHandler, RemovableChannelHandler {
    typealias InboundIn = ByteBuffer
    typealias InboundOut = ByteBuffer

    private let bytes: HeadBytes

    init(_ bytes: HeadBytes) { self.bytes = bytes }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        if let count = bytes.count { bytes.count = count + unwrapInboundIn(data).readableBytes }
        context.fireChannelRead(data)
        // Those of a request that became whole just now do not count any more.
        if let count = bytes.count, count > ConsoleLimits.head { context.close(promise: nil) }
    }
}
