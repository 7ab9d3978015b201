import DeviceModel
import Nomenclature

/// A device as its profile file describes it: what the file says, checked, before it is compiled for one device of a unit.
///
/// The parts stand in the order of the file: device, line, frames, fields, requests, session, metrics, alerts, simulation.
public struct DeviceProfile: Sendable {
    /// `vendor/model`, from the folders the file stands in.
    public var name = ""
    public var path = ""
    public var device = Identity()
    public var provenance: [Provenance] = []
    public var line = LineDescription()
    public var vmds: [VirtualDevice] = []
    public var frames: [FrameDescription] = []
    public var fields: [FieldDescription] = []
    public var requests: [RequestDescription] = []
    /// The field that holds the device's own serial number; `nil` when the protocol does not tell it.
    public var identityField: String?
    public var metrics: [MetricDescription] = []
    public var alerts: [AlertDescription] = []
    /// What the device's player sends, by field or metric.
    public var simulation: [String: SimulatedValue] = [:]

    public struct Identity: Sendable {
        public var manufacturer = ""
        public var model = ""
        /// What the device is, in words, such as `syringe pump`.
        public var kind = ""
    }

    /// Where the facts in a profile come from.
    public struct Provenance: Sendable {
        public let document: String
        /// Where the document was seen.
        public let seen: String
        public let firmware: String?
        /// The fact has no independent confirmation.
        public let unverified: Bool
        public let location: SourceLocation
    }

    /// A virtual medical device within the device: a pump of a rack, a battery behind a gateway.
    public struct VirtualDevice: Sendable {
        public let name: String
        public let label: String
        /// The Modbus unit identifier under which it answers; `nil` when it shares the device's.
        public let unit: UInt8?
    }
}

/// How bytes are carried.
public struct LineDescription: Sendable {
    public enum Transport: Sendable {
        case serial
        case modbusRTU
        case modbusTCP
    }

    public var transport = Transport.serial
    /// `nil` on TCP.
    public var serial: SerialFormat?
    /// Modbus unit identifier, 1…247 (255 on TCP gateways that ignore it).
    public var unit: UInt8 = 1
    /// Modbus TCP port.
    public var port = 502
    /// The silence the device needs between its reply and the next request. Unit: ns.
    public var turnaround: Int64 = 0
    /// The longest the device may take to answer. Unit: ns.
    public var slowestReply: Int64 = 1_000_000_000

    public init() {}
}

/// Baud, bits, parity and stop bits of a serial line.
public struct SerialFormat: Sendable, Hashable {
    public enum Parity: String, Sendable {
        case none = "N"
        case even = "E"
        case odd = "O"
    }

    public var baud: Int
    public var dataBits: Int
    public var parity: Parity
    public var stopBits: Int

    public init(baud: Int, dataBits: Int = 8, parity: Parity = .none, stopBits: Int = 1) {
        self.baud = baud
        self.dataBits = dataBits
        self.parity = parity
        self.stopBits = stopBits
    }

    /// Reads `8N1`, `7E1`, `8O2`.
    public mutating func apply(format: String) -> Bool {
        let characters = Array(format)
        guard characters.count == 3, let bits = characters[0].wholeNumberValue, (7...8).contains(bits),
            let parity = Parity(rawValue: String(characters[1])), let stop = characters[2].wholeNumberValue, (1...2).contains(stop)
        else { return false }
        dataBits = bits
        self.parity = parity
        stopBits = stop
        return true
    }

    /// Bits on the wire for one byte: start, data, parity, stop.
    public var bitsPerByte: Int { 1 + dataBits + (parity == .none ? 0 : 1) + stopBits }
}

/// A single bit of a frame and the value it must have.
public struct BitTest: Sendable, Hashable {
    public let byte: Int
    public let bit: Int
    public let isSet: Bool

    public init(byte: Int, bit: Int, isSet: Bool) {
        self.byte = byte
        self.bit = bit
        self.isSet = isSet
    }

    /// Whether the bit has that value in the frame that begins at `start`.
    public func holds(in bytes: [UInt8], from start: Int) -> Bool { (bytes[start + byte] >> UInt8(bit) & 1 == 1) == isSet }
}

/// Where a message starts and ends, and how its wholeness is told.
public struct FrameDescription: Sendable {
    public enum Shape: Sendable {
        /// A fixed number of bytes after a fixed start.
        case fixed(start: [UInt8], length: Int, validWhen: [BitTest])
        /// From a start mark to an end mark, the payload between them perhaps split into items.
        case delimited(start: [UInt8], end: [UInt8], abort: UInt8?, longest: Int, split: UInt8?)
        /// A run of fixed frames that together carry one set of values.
        case packet(of: String, count: Int, firstWhen: BitTest)
    }

    public let name: String
    public let shape: Shape
    public let checksum: ChecksumRule?
    public let location: SourceLocation
}

/// What a field holds.
public enum FieldType: Sendable, Hashable {
    /// Bits of binary frames.
    case bits(signed: Bool)
    case float32
    /// A decimal number in text, held exactly with this many digits after the point.
    case decimal(places: Int)
    case text
}

/// What is where in a message.
public struct FieldDescription: Sendable {
    /// Bits of one byte; a field may join several, the most significant first.
    public struct Slice: Sendable, Hashable {
        /// Position of the frame within a packet, from 0; 0 outside packets.
        public let frame: Int
        public let byte: Int
        public let low: Int
        public let width: Int
    }

    public enum Place: Sendable {
        /// Slices of the frame or packet with this name.
        case slices(scope: String, [Slice])
        /// An item named by a request's reply.
        case item
    }

    public let name: String
    public let place: Place
    public let type: FieldType
    public let missing: [Missing]
    public let gates: [Gate]
    public let location: SourceLocation

    /// A value by which the device says that it has none.
    public struct Missing: Sendable, Hashable {
        public enum Code: Sendable, Hashable {
            case integer(Int64)
            case text(String)
        }

        public let code: Code
        public let validity: Validity

        public init(code: Code, validity: Validity) {
            self.code = code
            self.validity = validity
        }
    }

    /// A status bit that decides how far the value counts.
    public struct Gate: Sendable, Hashable {
        public let test: BitTest
        public let validity: Validity
    }
}

/// What is asked of the device, and how its answer is known.
public struct RequestDescription: Sendable {
    /// One item of a reply.
    public enum Item: Sendable, Hashable {
        case literal(String)
        case field(String)
        case ignored
    }

    public let name: String
    /// The payload sent, without the frame around it.
    public let send: String
    /// The frame that carries the request and its reply.
    public let frame: String
    public let reply: [Item]
    /// The reply may have items after the last one named.
    public let moreItems: Bool
    /// Time between two requests. Unit: ns.
    public let period: Int64
    public let location: SourceLocation
}

/// Which registers of a Modbus device hold a value.
public struct RegisterSource: Sendable, Hashable {
    public enum Space: String, Sendable, Hashable {
        /// Read with function 4.
        case input
        /// Read with function 3.
        case holding
    }

    public enum Form: Sendable, Hashable {
        case integer(registers: Int, signed: Bool)
        case float32
    }

    public let space: Space
    /// The address on the wire, from 0.
    public let address: Int
    public let form: Form
    /// The less significant register comes first.
    public let lowWordFirst: Bool
    public let missing: [FieldDescription.Missing]
    public let vmd: String?
    public let location: SourceLocation

    public var registers: Int {
        switch form {
        case .integer(let registers, _): registers
        case .float32: 2
        }
    }
}

/// What a field means.
public struct MetricDescription: Sendable {
    public enum Source: Sendable {
        case field(String)
        case registers(RegisterSource)
    }

    public let code: MetricCode
    public let source: Source
    public var scale: DecimalScale
    public let unit: UnitOfMeasure?
    /// Time between two samples; `nil` when a request decides it. Unit: ns.
    public var period: Int64?
    public let isWaveform: Bool
    /// Outside it a value is questionable. In the metric's unit.
    public let plausible: ClosedRange<Double>?
    /// Outside it a value is invalid: the device cannot measure it. In the metric's unit.
    public let absolute: ClosedRange<Double>?
    public let vmd: String?
    public let location: SourceLocation
}

/// A condition of the device that somebody should know of.
public struct AlertDescription: Sendable {
    public enum Priority: String, Sendable, CaseIterable {
        case high
        case medium
        case low
    }

    public enum Test: Sendable, Hashable {
        case isOneOf([FieldDescription.Missing.Code])
        case isNoneOf([FieldDescription.Missing.Code])
    }

    /// `MDC_EVT_…` with a verified number, or a name of the project's own.
    public let name: String
    public let code: UInt32?
    public let field: String
    public let test: Test
    public let priority: Priority
    public let text: String
    /// What a nurse reads, in Arabic.
    public let arabicText: String
    public let location: SourceLocation
}

/// What a player of the device sends for one field or metric, in the metric's unit.
public enum SimulatedValue: Sendable {
    case number(Double)
    case text(String)
    /// Goes slowly to and fro between two values.
    case swing(low: Double, high: Double, period: Int64)
    /// Grows steadily.
    case ramp(start: Double, perHour: Double)
    /// A pulse wave at the rate given by another field. Unit of the rate: 1/min.
    case pulse(low: Double, high: Double, rateField: String)
}
