import NIOCore

/// What came of a caller's line.
enum Heard: Sendable, Hashable {
    case line(DeskLine)
    /// The pump has been told to stop already, if there is one, and the caller has heard so.
    case stop(DeskLine, device: String, isAsked: Bool)
    /// Nothing more is read from this caller.
    case fault(DeskLine.Fault)
}

/// Bytes to lines, and answers to bytes, on the event loop.
///
/// A stop is asked for here, in the moment in which its line is whole: it waits for no sign-in, no task and no desk.
/// A caller who is not being answered has a bounded time for a whole line, and for taking his answer.
final class DeskLineHandler: ChannelDuplexHandler {
    typealias InboundIn = ByteBuffer
    typealias InboundOut = Heard
    typealias OutboundIn = AnswerLine
    typealias OutboundOut = ByteBuffer

    private enum State {
        /// A line is awaited.
        case listening(Scheduled<Void>?)
        /// So many lines are with the desk.
        case answering(Int)
        case deaf
    }

    private let desk: any CommandDesk
    private let patience: TimeAmount
    private var state = State.listening(nil)
    private var heard = ByteBuffer()

    init(desk: any CommandDesk, patience: TimeAmount) { (self.desk, self.patience) = (desk, patience) }

    func channelActive(context: ChannelHandlerContext) {
        listen(context)
        context.fireChannelActive()
    }

    func channelInactive(context: ChannelHandlerContext) {
        become(.deaf)
        context.fireChannelInactive()
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        if case .deaf = state { return }
        var bytes = unwrapInboundIn(data)
        heard.writeBuffer(&bytes)
        while let end = heard.readableBytesView.firstIndex(of: 0x0A) {
            let length = end - heard.readerIndex
            let line = heard.readBytes(length: length) ?? []
            heard.moveReaderIndex(forwardBy: 1)
            do throws(DeskLine.Fault) { hear(try DeskLine(line), context) } catch { return refuse(error, context) }
        }
        heard.discardReadBytes()
        if heard.readableBytes >= DeskLine.longest { refuse(.tooLong, context) }
    }

    func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        let answer = unwrapOutboundIn(data)
        if case .answering(let count) = state {
            if count > 1 { become(.answering(count - 1)) } else { listen(context) }
        }
        context.write(wrapOutboundOut(ByteBuffer(bytes: answer.line)), promise: promise)
    }

    private func hear(_ line: DeskLine, _ context: ChannelHandlerContext) {
        if case .stop(let device) = line.ask {
            let isAsked = desk.stopNow(device: device)
            tell(Self.stopAnswer(isAsked), context)
            goOn()
            context.fireChannelRead(wrapInboundOut(.stop(line, device: device, isAsked: isAsked)))
        } else {
            goOn()
            context.fireChannelRead(wrapInboundOut(.line(line)))
        }
    }

    static func stopAnswer(_ isAsked: Bool) -> DeskAnswer {
        .stop(
            asked: isAsked,
            words: isAsked
                ? "The pump is being told to stop. Look at it: nothing is proven yet."
                : "There is no such pump on a line of this host: stop it by its own STOP key now.")
    }

    private func tell(_ answer: DeskAnswer, _ context: ChannelHandlerContext) {
        context.writeAndFlush(wrapOutboundOut(ByteBuffer(bytes: AnswerLine(answer).line)), promise: nil)
    }

    private func refuse(_ fault: DeskLine.Fault, _ context: ChannelHandlerContext) {
        become(.deaf)
        heard.clear()
        context.fireChannelRead(wrapInboundOut(.fault(fault)))
    }

    private func goOn() {
        switch state {
        case .listening: become(.answering(1))
        case .answering(let count): state = .answering(count + 1)
        case .deaf: break
        }
    }

    private func listen(_ context: ChannelHandlerContext) {
        let channel = context.channel
        become(.listening(context.eventLoop.scheduleTask(in: patience) { channel.close(promise: nil) }))
    }

    private func become(_ next: State) {
        if case .listening(let limit) = state { limit?.cancel() }
        state = next
    }
}
