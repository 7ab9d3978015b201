import DeviceModel

/// What a configuration may change of a profile for one device.
public struct DeviceOverrides: Sendable {
    /// By metric: another scale, for a variant that counts in other steps.
    public var scale: [String: DecimalScale] = [:]
    /// By metric: another period. Unit: ns.
    public var period: [String: Int64] = [:]
    /// By virtual device: another Modbus unit.
    public var units: [String: UInt8] = [:]
    /// The device's own Modbus unit.
    public var unit: UInt8?
    /// Another baud rate or format.
    public var serial: SerialFormat?
    /// The slots of the rack that are there; `nil` for all that the profile names.
    public var slots: [String]?

    public init() {}
}

/// A profile compiled for one device: flat lists of offsets, shifts and limits. After this nothing is looked up by name.
public struct DevicePlan: Sendable {
    public let handle: String
    public let profile: DeviceProfile
    public let line: LineDescription
    /// The streams of samples; the records of a line index them.
    public let streams: [StreamDescriptor]
    /// The alerts, those of a rack once for each slot.
    public let alerts: [AlertDescription]
    /// The slots of the rack, as the device calls them.
    public let slots: [String]
    public let protocolPlan: ProtocolPlan
    /// The serial number that the device must report; `nil` when any will do.
    public let expectedSerial: String?

    public enum ProtocolPlan: Sendable {
        case serial(SerialPlan)
        case modbus(ModbusPlan)
    }
}

/// A serial device's messages, compiled.
public struct SerialPlan: Sendable {
    public let frames: [FrameFormat]
    /// Groups of frames made of different bytes: each has a framer of its own.
    public let interleaved: [[Int]]
    /// By frame: what every such frame carries.
    public let frameFields: [[FieldPlan]]
    public let packet: PacketPlan?
    public let messages: [MessagePlan]
    public let requests: [RequestPlan]
    /// Requests said when the line opens and when the host stops.
    public let open: [Int]
    public let close: [Int]
    /// What is said back; messages are those of this plan.
    public let answers: [SessionDescription.Answer]
    /// Fields whose text is needed to say something.
    public let remembered: [(name: String, field: Int)]
    /// The longest time between two messages of a device that speaks unasked. Unit: ns; `nil` when it only answers, or speaks at times only.
    public let streamPeriod: Int64?
    /// Whether the device speaks unasked.
    public let listens: Bool

    /// The most bytes of a frame.
    public var longest: Int { frames.map(\.longest).max() ?? 0 }
}

/// A run of fixed frames, compiled.
public struct PacketPlan: Sendable {
    public let frame: Int
    public let frameLength: Int
    public let count: Int
    public let firstWhen: ByteTest
    public let fields: [FieldPlan]
}

/// A template, compiled: every value has a place in a table of captures.
public struct TextPlan: Sendable {
    public enum Segment: Sendable {
        case literal([UInt8])
        /// `capture` is the place in the table; −1 for a value that is ignored.
        case hole(capture: Int, width: Int?)
    }

    public let items: [[Segment]]
    public let separator: Separator?
    public let moreItems: Bool
    public let captures: Int
}

/// One kind of message, compiled.
public struct MessagePlan: Sendable {
    public let name: String
    public let frame: Int
    public let when: [ByteTest]
    public let length: ClosedRange<Int>?
    public let text: TextPlan?
    /// Where the records stand in the captures of `text`; `nil` for the whole payload.
    public let recordsCapture: Int?
    public let records: RecordPlan?
    /// The capture with the rack's slot.
    public let slotCapture: Int?
    /// The slot of a request that is said for one.
    public let fixedSlot: Int?
    public let fields: [FieldPlan]
    public let isReply: Bool
    /// It tells results: told again, byte for byte, they are the same results.
    public let isEpisodic: Bool
}

/// Records of a message, compiled.
public struct RecordPlan: Sendable {
    public struct Keyed: Sendable {
        public let key: [UInt8]
        public let field: FieldPlan
    }

    public let division: MessageDescription.Records.Division
    public let each: TextPlan
    public let keyCapture: Int
    public let valueCapture: Int?
    public let slotCapture: Int?
    public let keyed: [Keyed]
    /// Fields that stand in every record.
    public let fields: [FieldPlan]
}

/// A request, compiled.
public struct RequestPlan: Sendable {
    public let name: String
    public let send: SendTemplate
    /// The frame that carries it; `nil` for the bytes as they are.
    public let frame: Int?
    /// The message that answers it; `nil` when there is none.
    public let reply: Int?
    /// Unit: ns; `nil` for a step of the session.
    public let period: Int64?
    public let retries: Int
    public let isRepeatable: Bool
    public let slot: Int?
}

extension SerialPlan {
    /// The bytes of something that is said, with the values it needs; `nil` when one of them is not known.
    public func bytes(_ send: SendTemplate, frame: Int?, value: (String) -> [UInt8]?) -> [UInt8]? {
        guard let payload = send.bytes(value) else { return nil }
        return frame.map { frames[$0].encode(payload: payload) } ?? payload
    }
}

/// A Modbus device's reads, compiled.
public struct ModbusPlan: Sendable {
    public let blocks: [ModbusBlock]
}
