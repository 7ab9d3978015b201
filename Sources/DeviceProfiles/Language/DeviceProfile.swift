import DeviceModel
import Nomenclature

/// A device as its profile file describes it: what the file says, checked, before it is compiled for one device of a unit.
///
/// The parts stand in the order of the file: device, line, frames, messages, fields, requests, session, metrics, alerts, commands, simulation.
public struct DeviceProfile: Sendable {
    /// `vendor/model`, from the folders the file stands in.
    public var name = ""
    public var path = ""
    public var device = Identity()
    public var provenance: [Provenance] = []
    public var line = LineDescription()
    public var vmds: [VirtualDevice] = []
    public var frames: [FrameFormat] = []
    public var packet: PacketFormat?
    /// What the device sends unasked, and the replies of requests.
    public var messages: [MessageDescription] = []
    public var fields: [FieldDescription] = []
    public var requests: [RequestDescription] = []
    public var session = SessionDescription()
    public var metrics: [MetricDescription] = []
    public var alerts: [AlertDescription] = []
    public var commands: [CommandDescription] = []
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
        /// The places of a rack, each a virtual device by itself, as the device calls them; empty for a single virtual device.
        public let slots: [String]

        /// The name of the virtual device in one slot.
        public func name(slot: String) -> String { "\(name)-\(slot)" }
    }

    /// The rack's virtual device, of which there is one for each slot.
    public var rack: VirtualDevice? { vmds.first { !$0.slots.isEmpty } }

    /// The Modbus unit under which a virtual device (or, for `nil`, the device itself) answers.
    public func unit(ofVMD name: String?) -> UInt8 {
        name.flatMap { name in vmds.first { $0.name == name }?.unit } ?? line.unit
    }

    /// The index of a frame by its name.
    public func frameIndex(_ name: String) -> Int? { frames.firstIndex { $0.name == name } }
}

/// How bytes are carried.
public struct LineDescription: Sendable {
    public enum Transport: Sendable {
        case serial
        case modbusRTU
        case modbusTCP
    }

    public enum FlowControl: String, Sendable, CaseIterable {
        case none
        case hardware = "rts-cts"
        case software = "xon-xoff"
    }

    public var transport = Transport.serial
    /// `nil` on TCP.
    public var serial: SerialFormat?
    /// Modbus unit identifier, 1…247 (255 on TCP gateways that ignore it).
    public var unit: UInt8 = 1
    /// TCP port: of Modbus TCP, or of a serial protocol that is also spoken over TCP.
    public var port: Int?
    /// The silence the device needs between its reply and the next request. Unit: ns.
    public var turnaround: Int64 = 0
    /// The longest the device may take to answer. Unit: ns.
    public var slowestReply: Int64 = 1_000_000_000
    /// A frame interrupted for this long is abandoned; `nil` for never. Unit: ns.
    public var quiet: Int64?
    /// What the device needs between the line's opening and the first question. Unit: ns.
    public var pauseAfterOpening: Int64 = 0
    /// The longest read that the device answers; `nil` for what Modbus allows. Unit: registers or bits.
    public var longestRead: Int?
    /// Whether a read may be wider than planned, to be told from one whose answer is owed.
    public var mayWiden = true
    /// Registers that no merged read may touch.
    public var neverRead: [(space: RegisterSource.Space, registers: ClosedRange<Int>)] = []

    public init() {}
}

/// Baud, bits, parity, stop bits, flow control and the levels of the control lines.
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
    public var flow = LineDescription.FlowControl.none
    /// Levels of DTR and RTS; `nil` leaves them as the system sets them.
    public var dtr: Bool?
    public var rts: Bool?
    /// Whether the port's driver switches the direction of an RS-485 line.
    public var isRS485 = false

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

/// One kind of message: how it is known, and where its values stand.
public struct MessageDescription: Sendable {
    /// Records that follow each other in one message.
    public struct Records: Sendable {
        public enum Division: Sendable, Hashable {
            case separator(Separator)
            /// So many bytes each.
            case stride(Int)
        }

        public let division: Division
        public let each: Template
    }

    public var name = ""
    /// Index into ``DeviceProfile/frames``.
    public var frame = 0
    public var when: [ByteTest] = []
    /// Bytes of the whole plain frame; `nil` for any.
    public var length: ClosedRange<Int>?
    public var template: Template?
    public var records: Records?
    /// The device sends it only when asked.
    public var isReply = false
    public var location = SourceLocation(file: "", line: 1, column: 1)

    public init() {}

    /// The names of all values that stand in the message.
    public var holes: [String] { (template?.holes ?? []) + (records?.each.holes ?? []) }

    /// Holes with a meaning of their own.
    public static let reserved: Set<String> = ["key", "value", "slot", "repeat"]
}

/// What is asked of the device, and how its answer is known.
public struct RequestDescription: Sendable {
    public enum Class: String, Sendable, CaseIterable {
        /// Changes nothing.
        case read
        /// May be said twice with the effect of once.
        case idempotent
        /// Is said once, ever.
        case effect
    }

    public let name: String
    public let send: SendTemplate
    /// The frame that carries it; `nil` sends the bytes as they are.
    public let frame: Int?
    /// Index into ``DeviceProfile/messages``; `nil` when the device does not answer.
    public let reply: Int?
    /// Time between two requests; `nil` for a step of a session. Unit: ns.
    public let period: Int64?
    public let effect: Class
    /// How often it is said again when the answer did not come.
    public let retries: Int
    /// Said once for every slot of the rack.
    public let forEachSlot: Bool
    public let location: SourceLocation
}

/// What must be said to begin, to stay and to end.
public struct SessionDescription: Sendable {
    public struct Answer: Sendable {
        public enum Trigger: Sendable, Hashable {
            case frame(Int)
            case message(Int)
            /// A frame that was not whole.
            case damage
        }

        public let to: Trigger
        public let send: SendTemplate
        public let frame: Int?
    }

    /// The field that holds the device's own serial number; `nil` when the protocol does not tell it.
    public var identityField: String?
    /// Requests said in order when the line opens, and when the host stops.
    public var open: [Int] = []
    public var close: [Int] = []
    public var answers: [Answer] = []
    /// The state of a field by which the device says that it no longer obeys the host.
    public var controlLost: (field: String, test: FieldTest)?

    public init() {}
}

/// What a field means.
public struct MetricDescription: Sendable {
    /// The value counts only while another field has one of these values.
    public struct Condition: Sendable, Hashable {
        public let field: String
        public let codes: [ValueCode]
        /// All values of the field that are known; any other one gives an invalid sample. Empty when another metric gives it.
        public let known: [ValueCode]
    }

    public let code: MetricCode
    public let field: String
    public var scale: DecimalScale
    /// What is added to the value, in counts of the scale.
    public let offsetCounts: Int64
    public let unit: UnitOfMeasure?
    /// Time between two samples; `nil` when a request decides it. Unit: ns.
    public var period: Int64?
    public let isWaveform: Bool
    /// A result, not a periodic sample.
    public let isEpisodic: Bool
    public let condition: Condition?
    /// Outside it a value is questionable. In the metric's unit.
    public let plausible: ClosedRange<Double>?
    /// Outside it a value is invalid: the device cannot measure it. In the metric's unit.
    public let absolute: ClosedRange<Double>?
    /// A change from one value to the next that is larger makes the later one questionable. In the metric's unit.
    public let jump: Double?
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

    /// `MDC_EVT_…` with a verified number, or a name of the project's own.
    public let name: String
    public let code: UInt32?
    public let field: String
    public let test: FieldTest
    public let priority: Priority
    public let text: String
    /// What a nurse reads, in Arabic.
    public let arabicText: String
    /// The virtual device that it is about; set for each slot of a rack when the profile is compiled.
    public internal(set) var vmd: String?
    public let location: SourceLocation
}

/// What may be changed at a device, within what limits. Declared here; who may ask for it, and how it is verified, is the command path's.
public struct CommandDescription: Sendable {
    public struct Argument: Sendable {
        public let name: String
        public let unit: UnitOfMeasure
        public let range: ClosedRange<Double>
        /// The smallest change the device can make.
        public let step: DecimalScale
        /// Digits sent after the point.
        public let places: Int
        /// The most digits the device takes; `nil` for no limit.
        public let digits: Int?
        /// What one count of the number sent is worth; one for the quantity itself.
        public let scale: DecimalScale
        public let location: SourceLocation
    }

    public struct Step: Sendable {
        public let send: SendTemplate
        public let frame: Int?
        /// Index into ``DeviceProfile/messages``.
        public let reply: Int?
    }

    public let name: String
    public let arguments: [Argument]
    public let steps: [Step]
    public let effect: RequestDescription.Class
    /// By field: the values that allow the command.
    public let requires: [(field: String, codes: [ValueCode])]
    /// By field: the argument that it must show afterwards, or the codes.
    public let readBack: [(field: String, shows: ReadBack)]
    public let hazards: String
    public let location: SourceLocation

    public enum ReadBack: Sendable {
        case argument(String)
        case codes([ValueCode])
    }
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
    /// Values of a recording, one every period, again and again. Unit of the period: ns.
    case recording([Double], period: Int64)
}
