package import ModbusFrames

/// Something to be done once on a line, handed in by another thread. A plain value.
package struct LineOrder: Sendable, BitwiseCopyable {
    package enum Content: Sendable, BitwiseCopyable {
        /// A read of a Modbus device's registers or bits. Range of `count`: 1…125 registers, 1…2,000 bits.
        case read(ModbusFunction, unit: UInt8, address: UInt16, count: UInt16)
        /// A question of a text protocol, by its place in the plan.
        case request(Int32)
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
    }

    package let number: UInt64
    package let kind: Kind
    /// When it was said; 0 where it was not. Unit: ns of the monotonic clock.
    package let said: Int64
    /// When it was decided. Unit: ns of the monotonic clock.
    package let time: Int64
    /// The data of the answer: of a read without byte count; of a text protocol none, its values come as samples.
    package var bytes: InlineArray<256, UInt8>

    init(_ order: LineOrder, _ kind: Kind, said: Int64, time: Int64) {
        number = order.number
        self.kind = kind
        self.said = said
        self.time = time
        bytes = InlineArray(repeating: 0)
    }

    static let blank = OrderOutcome(.none, .notSaid, said: 0, time: 0)
}
