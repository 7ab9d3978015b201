package import CommandFacts
package import ModbusFrames

/// Something to be done once on a line, handed in by another thread. A plain value.
package struct LineOrder: Sendable, BitwiseCopyable {
    package enum Content: Sendable, BitwiseCopyable {
        /// A read of a Modbus device's registers or bits. Range of `count`: 1…125 registers, 1…2,000 bits.
        case read(ModbusFunction, unit: UInt8, address: UInt16, count: UInt16)
        /// A question of a text protocol, by its place in the plan.
        case request(Int32)
        /// What a command depends on and shows, asked anew: the command, by its place in the plan.
        case look(Int32)
        /// What a command is for.
        case command(CommandOrder)
    }

    /// Chosen by whoever hands it in; its outcome has the same.
    package let number: UInt64
    /// The device, by its place on the line.
    package let device: Int32
    package let content: Content
    /// It is not said after this. Unit: ns of the monotonic clock.
    package let deadline: Int64

    package init(number: UInt64, device: Int, content: Content, deadline: Int64) {
        self.number = number
        self.device = Int32(truncatingIfNeeded: device)
        self.content = content
        self.deadline = deadline
    }

    /// What empty places of a mailbox hold.
    package static let none = LineOrder(number: 0, device: 0, content: .request(0), deadline: 0)
}

extension LineOrder {
    /// What becomes of it when it is not said.
    func unsaid(because reason: NotSentReason) -> OrderOutcome.Kind {
        switch content {
        case .read, .request: .notSaid
        case .look: .looked(isClean: false)
        case .command: .notSent(reason)
        }
    }
}

/// A text that a device told, and when. A plain value.
package struct ToldText: Sendable, BitwiseCopyable {
    /// A longer text is not compared, and so is not known. Unit: bytes.
    package static let longest = 32

    private let bytes: InlineArray<32, UInt8>
    private let count: UInt8
    /// Unit: ns of the monotonic clock.
    package let time: Int64

    package static let unknown = ToldText()

    private init() { (bytes, count, time) = (InlineArray(repeating: 0), .max, 0) }

    package init(_ text: [UInt8], at time: Int64) {
        guard text.count <= Self.longest else {
            self = .unknown
            return
        }
        var bytes = InlineArray<32, UInt8>(repeating: 0)
        for place in text.indices { bytes[place] = text[place] }
        (self.bytes, count, self.time) = (bytes, UInt8(text.count), time)
    }

    package var isKnown: Bool { count <= Self.longest }
    /// Empty where the place of the field was empty.
    package var text: [UInt8] { isKnown ? (0..<Int(count)).map { bytes[$0] } : [] }

    /// Whether a text is the same.
    func isSame(as text: [UInt8]) -> Bool {
        guard text.count == Int(count) else { return false }
        for place in text.indices where bytes[place] != text[place] { return false }
        return true
    }
}

/// The texts of what a command watches, each in its place.
package typealias ToldTexts = InlineArray<8, ToldText>

/// What became of an order. Each order that was taken has exactly one.
package struct OrderOutcome: Sendable, BitwiseCopyable {
    package enum Kind: Sendable, BitwiseCopyable, Equatable {
        /// The device answered; the answer's data are the first `length` of ``OrderOutcome/bytes``.
        case answered(length: Int)
        /// The device refused. Source of the codes: MODBUS Application Protocol V1.1b3, section 7.
        case refused(code: UInt8)
        /// It was said, once, and what came of it is not known.
        case unknown
        /// Nothing was said.
        case notSaid
        /// The device was asked; ``OrderOutcome/told`` is what it told since.
        ///
        /// - isClean: whether nothing of before could still have come: asked behind a rest and a barrier.
        case looked(isClean: Bool)
        /// Not a byte of the effect was said.
        case notSent(NotSentReason)
        /// The effect was said, all or any of it.
        case sent(Answer)

        package enum Answer: Sendable, BitwiseCopyable, Equatable {
            case taken
            case rejected
            case doubt(Doubt)
        }
    }

    package let number: UInt64
    package let kind: Kind
    /// When it was said; 0 where it was not. Unit: ns of the monotonic clock.
    package let said: Int64
    /// When it was decided. Unit: ns of the monotonic clock.
    package let time: Int64
    /// The data of the answer: of a read without byte count; of a text protocol none, its values come as samples.
    package var bytes: InlineArray<256, UInt8>
    /// Of a look: by what the command watches.
    package var told: ToldTexts

    init(_ order: LineOrder, _ kind: Kind, said: Int64, time: Int64) {
        number = order.number
        self.kind = kind
        self.said = said
        self.time = time
        bytes = InlineArray(repeating: 0)
        told = ToldTexts(repeating: .unknown)
    }

    static let blank = OrderOutcome(.none, .notSaid, said: 0, time: 0)
}
