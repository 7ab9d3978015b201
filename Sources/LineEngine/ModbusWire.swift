import ModbusFrames

/// A question to a unit of a Modbus line, as it goes out.
struct WireQuestion: Equatable {
    let unit: UInt8
    let request: ModbusRequest
    /// How long the device may take until its answer begins. Unit: ns.
    let slowestReply: Int64
    /// Whether what it asks can be had by no other shape.
    var isOnlyShape = false

    /// Bytes of the answer from its function code on; `nil` where only the answer tells.
    var answerLength: Int? { request.answerLength }
    /// The object of the device identification that it asks for.
    var object: UInt8? { if case .identification(let object) = request { object } else { nil } }
    /// Data bytes of a read; `nil` for what is said back.
    var dataBytes: Int? {
        if case .read(let function, _, let count) = request { function.dataBytes(count) } else { nil }
    }
}

/// What became of a question.
enum WireResult: Equatable {
    /// The answer's bytes are in the wire's ``ModbusWire/answer``.
    case answered
    /// Whether it can be of another question of that function.
    case refused(code: UInt8, isAmbiguous: Bool)
    case failed(ExchangeFailure)
}

/// What a wire does next.
enum WireStep: Equatable {
    /// Bytes may come until then. Unit: ns.
    case listen(until: Int64)
    /// What is in ``ModbusWire/outgoing`` goes out now.
    case say
    case done(WireResult)
    /// The line must be opened anew: what comes next could belong to anything.
    case reopen(WireResult)
}

/// A refusal that came after it had been given up: whose it is, its code, and how long it took. Unit: ns.
struct LateRefusal: Equatable {
    let unit: UInt8
    let code: UInt8
    let took: Int64
}

/// One exchange at a time over a Modbus line: what may be said now, what a byte means now. RTU and TCP differ by their
/// frames and by what can be mistaken for an answer. Pure: nothing here waits, reads a clock or allocates.
protocol ModbusWire {
    /// The bytes to be said.
    var outgoing: [UInt8] { get }
    /// The bytes of the last answer, and where its function code stands.
    var answer: [UInt8] { get }
    static var answerStart: Int { get }
    /// Whether what was said and not answered may still be on its way, until the line is opened anew.
    static var isHeldByNetwork: Bool { get }

    mutating func opened(at now: Int64)
    /// The line was lost. What was asked may still be answered where it outlives the line.
    mutating func lost(at now: Int64)
    /// Until when an answer could be taken for this question's; `nil` when it may be asked. Unit: ns.
    mutating func expiry(of question: WireQuestion, now: Int64) -> Int64?
    /// Until when an answer of this shape is better waited for than asked for in another; `nil` where it is not. Unit:
    /// ns.
    func worthWaiting(for question: WireQuestion, now: Int64) -> Int64?
    /// A question is to go out as soon as the line is silent.
    mutating func ask(_ question: WireQuestion, at now: Int64)
    /// The question is not asked after all: it has not gone out.
    mutating func withdraw()
    /// The bytes have been handed to the line.
    mutating func said(at now: Int64)
    /// Bytes came; with a count of 0 nothing did.
    mutating func heard(_ bytes: [UInt8], count: Int, at now: Int64)
    mutating func next(at now: Int64) -> WireStep
    /// Whether a request's own first bytes are its whole answer, so that an adapter that brings them back says what the
    /// device would: a write of several whose values happen to be the checksum of what stands before them.
    ///
    /// - Parameter told: unit and request.
    func looksAnswered(by told: [UInt8]) -> Bool
    /// How long an exchange that is begun now takes at most, until the next may be asked; `nil` where it would not go
    /// out at once, or may have the line opened anew. Unit: ns.
    func longest(_ question: WireQuestion, at now: Int64) -> Int64?
    /// What is to be looked at while nothing is asked: when, or `nil`. Unit: ns.
    var restDue: Int64? { get }
    /// Looks at what came while nothing was asked. Returns whether the line must be opened anew.
    mutating func lookAtRest(at now: Int64) -> Bool
    /// Whether a part of a frame has come, whose rest has not.
    var holdsPart: Bool { get }
    /// Whether one of these units owes an answer that was asked for since a time, over a way that is taken until then.
    /// Unit: ns.
    func isHeldUp(by isMeant: (UInt8) -> Bool, since time: Int64) -> Bool
    /// The last refusal that came after it had been given up.
    mutating func takeLateRefusal() -> LateRefusal?
    mutating func takeSighting() -> LinkSighting?
}

/// What an adapter or a network, and a scheduler, may add to a device's own time. Unit: ns.
let wireMargin: Int64 = 50_000_000
