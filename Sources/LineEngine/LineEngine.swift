/// What a line does next.
package enum LineAction: Equatable, BitwiseCopyable {
    /// The line is closed: nothing is done until then. Unit: ns.
    case rest(until: Int64)
    /// The line is opened, anew if it is open.
    case open
    /// Whatever comes is awaited until then, and heard when it comes. Unit: ns.
    case listen(until: Int64)
    /// Nothing is done until then; what has come by then is heard together. Unit: ns.
    case gather(until: Int64)
    /// The engine's ``LineEngine/outgoing`` bytes go out, by then at the latest. Unit: ns.
    case say(by: Int64)
    /// Nothing more is to be done: the line is closed.
    case end
}

/// Why a line is no longer there.
package struct LineLoss: Equatable, BitwiseCopyable {
    /// The system's error number; 0 where the other side ended the connection.
    package let errno: Int32
    /// Whether it is a connection that was ended at its other side, which is no fault by itself.
    package let isEnded: Bool

    /// What comes is not what the line is for: EBADMSG of Linux, whose numbers the journal keeps; no port gives it.
    static let wrongProtocol = LineLoss(errno: 74, isEnded: false)

    package init(errno: Int32, isEnded: Bool) {
        self.errno = errno
        self.isEnded = isEnded
    }
}

/// What is done on a line, decided without doing it. The same calls in the same order give the same answers: nothing
/// here waits, reads a clock or allocates in steady state. Calls come from the one thread that owns the line; all times
/// are of the monotonic clock, in ns.
package protocol LineEngine {
    /// The bytes to be said.
    var outgoing: [UInt8] { get }

    /// Whether a device on the line may be commanded, so that a stop must be heard at once.
    var isDriven: Bool { get }

    /// What is to be done now. After a ``LineAction`` was carried out, the engine is told what came of it and asked
    /// again.
    mutating func next(at now: Int64) -> LineAction
    mutating func opened(at now: Int64)
    /// The line could not be opened, or was lost.
    mutating func lost(_ loss: LineLoss, at now: Int64)
    /// Another caller is on the line: what came before belongs to nothing.
    mutating func renewed(at now: Int64)
    /// What was to be said has been handed to the line.
    mutating func said(at now: Int64)
    /// Bytes came.
    ///
    /// - Parameters:
    ///   - isAll: whether nothing more lay there.
    mutating func heard(_ bytes: [UInt8], count: Int, isAll: Bool, at now: Int64)
    /// An order was taken out of the mailbox. Its outcome comes in a ring of its own.
    mutating func take(_ order: LineOrder, at now: Int64)
    /// Whether another order can be taken now.
    var mayTakeOrder: Bool { get }
    /// The host stops: from now on only what ends the session is said.
    mutating func leave(at now: Int64)
}

extension LineEngine {
    package var isDriven: Bool { false }
    package mutating func renewed(at now: Int64) {}
}
