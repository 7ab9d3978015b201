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

    public init() {}
}

/// A profile compiled for one device: flat lists of offsets, shifts and limits. After this nothing is looked up by name.
public struct DevicePlan: Sendable {
    public let handle: String
    public let profile: DeviceProfile
    public let line: LineDescription
    /// The streams of samples; ``FieldPlan/stream`` and the records of a line index them.
    public let streams: [StreamDescriptor]
    public let alerts: [AlertDescription]
    public let protocolPlan: ProtocolPlan
    /// The serial number that the device must report; `nil` when any will do.
    public let expectedSerial: String?

    public enum ProtocolPlan: Sendable {
        case serial(SerialPlan)
        case modbus(ModbusPlan)
    }
}

/// Where a value lies among bytes, with every shift worked out.
public struct BitSlice: Sendable, Hashable {
    public let byte: Int
    public let low: UInt8
    public let width: UInt8
}

/// How one value is taken out of a message and judged.
public struct OutputPlan: Sendable {
    public enum Source: Sendable {
        /// Joined slices, the most significant first.
        case bits([BitSlice], signed: Bool, width: Int)
        /// An item of a split message as a decimal with this many places.
        case decimal(item: Int, places: Int)
        case text(item: Int)
    }

    /// The stream the value goes to; `nil` when only alerts or identity use it.
    public let stream: Int?
    public let source: Source
    public let isFloat: Bool
    public let missingNumbers: [(code: Int64, validity: Validity)]
    public let missingTexts: [(text: [UInt8], validity: Validity)]
    public let gates: [FieldDescription.Gate]
    /// In counts of the stream; for floats the limits as they are.
    public let plausible: ClosedRange<Double>?
    public let absolute: ClosedRange<Double>?
    public let alerts: [AlertPlan]
    public let isIdentity: Bool
}

/// A condition on a value.
public struct AlertPlan: Sendable {
    /// Index into ``DevicePlan/alerts``.
    public let alert: Int
    public let numbers: [Int64]
    public let texts: [[UInt8]]
    /// The condition holds when the value is one of these, or when it is none of them.
    public let holdsWhenListed: Bool
}

/// A serial device's messages, compiled.
public struct SerialPlan: Sendable {
    public let frame: FramePlan
    /// What every frame of fixed length carries.
    public let frameOutputs: [OutputPlan]
    public let packet: PacketPlan?
    public let requests: [RequestPlan]
    /// The longest time between two messages of a device that speaks unasked. Unit: ns; `nil` when it only answers.
    public let streamPeriod: Int64?
}

/// A frame, compiled.
public struct FramePlan: Sendable {
    public let shape: FrameDescription.Shape
    public let checksum: ChecksumRule?
    /// The most bytes a frame can have.
    public let longest: Int
}

/// A run of fixed frames, compiled.
public struct PacketPlan: Sendable {
    public let count: Int
    public let firstWhen: BitTest
    public let outputs: [OutputPlan]
}

/// A request, compiled: the whole frame that is sent, and what its reply must look like.
public struct RequestPlan: Sendable {
    public enum Item: Sendable {
        case literal([UInt8])
        case any
    }

    public let name: String
    public let bytes: [UInt8]
    public let reply: [Item]
    public let moreItems: Bool
    public let outputs: [OutputPlan]
    public let period: Int64
}

/// A Modbus device's reads, compiled.
public struct ModbusPlan: Sendable {
    public let blocks: [ModbusBlock]
}

/// One read of neighbouring registers.
public struct ModbusBlock: Sendable {
    public let unit: UInt8
    public let space: RegisterSource.Space
    public let address: Int
    public let count: Int
    public let period: Int64
    /// Offsets are bytes from the first register's upper byte.
    public let outputs: [OutputPlan]

    /// The most registers that one Modbus read may ask for. Source: MODBUS Application Protocol V1.1b3, 6.3 and 6.4.
    public static let longest = 125

    /// The function code of the read.
    public var function: UInt8 { space == .input ? 4 : 3 }
}
