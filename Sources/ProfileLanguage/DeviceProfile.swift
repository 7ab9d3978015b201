package import DeviceModel
package import Nomenclature
package import StrictYAML

/// A device as its profile file describes it: what the file says, checked, before it is compiled for one device of a
/// unit.
///
/// The parts stand in the order of the file: device, line, frames, messages, fields, requests, session, metrics,
/// alerts, commands, simulation.
package struct DeviceProfile: Sendable {
    /// `vendor/model`, from the folders the file stands in.
    package var name = ""
    package var path = ""
    /// The files it is made of: its own, and after it those that it extends.
    package var sources: [Source] = []
    package var device = Identity()
    /// The names that the profile may use: the tables beside it, and its own.
    package var names = Nomenclature()
    package var provenance: [Provenance] = []
    package var line = LineDescription()
    /// Where the file says what line it is.
    package var lineLocation = SourceLocation(file: "", line: 1, column: 1)
    package var vmds: [VirtualDevice] = []
    package var frames: [FrameFormat] = []
    package var packet: PacketFormat?
    /// What the device sends unasked, and the replies of requests.
    package var messages: [MessageDescription] = []
    package var fields: [FieldDescription] = []
    package var requests: [RequestDescription] = []
    package var session = SessionDescription()
    package var metrics: [MetricDescription] = []
    package var alerts: [AlertDescription] = []
    package var heartbeats: [Heartbeat] = []
    package var commands: [CommandDescription] = []
    /// What the device's player sends, by field or metric.
    package var simulation: [String: SimulatedValue] = [:]

    /// A field that moves as long as the device is behind its values: a gateway that repeats its last answer does not
    /// move it.
    package struct Heartbeat: Sendable {
        package let field: String
        /// The longest time between two changes. Unit: ns.
        package let within: Int64
        /// The virtual device whose values it vouches for; `nil`: all.
        package let vmd: String?
        package let location: SourceLocation
    }

    /// A file that a profile is made of.
    package struct Source: Sendable {
        /// `vendor/model`.
        package let name: String
        /// As it was read.
        package let bytes: [UInt8]
    }

    package struct Identity: Sendable {
        package var manufacturer = ""
        package var model = ""
        /// What the device is, in words, such as `syringe pump`.
        package var kind = ""
        /// Whom its values are about; `nil` when the tables do not know the kind.
        package var `class`: DeviceClass?
        /// Whether no treatment is given with it.
        package var isForTraining = false
    }

    /// Where the facts in a profile come from.
    package struct Provenance: Sendable {
        package let document: String
        /// Where the document was seen.
        package let seen: String
        package let firmware: String?
        /// The fact has no independent confirmation.
        package let unverified: Bool
        package let location: SourceLocation
    }

    /// A virtual medical device within the device: a pump of a rack, a battery behind a gateway.
    package struct VirtualDevice: Sendable {
        package let name: String
        package let label: String
        /// The Modbus unit identifier under which it answers; `nil` when it shares the device's.
        package let unit: UInt8?
        /// The places of a rack, each a virtual device by itself, as the device calls them; empty for a single virtual
        /// device.
        package let slots: [String]

        /// The name of the virtual device in one slot.
        package func name(slot: String) -> String { "\(name)-\(slot)" }
    }

    /// The rack's virtual device, of which there is one for each slot.
    package var rack: VirtualDevice? { vmds.first { !$0.slots.isEmpty } }

    /// The Modbus unit under which a virtual device (or, for `nil`, the device itself) answers.
    package func unit(ofVMD name: String?) -> UInt8 {
        name.flatMap { name in vmds.first { $0.name == name }?.unit } ?? line.unit
    }

    /// What a metric is called now, where a file uses a name that it once had.
    package func currentName(_ metric: String) -> String { names.metric(metric)?.referenceID ?? metric }

    /// The index of a frame by its name.
    package func frameIndex(_ name: String) -> Int? { frames.firstIndex { $0.name == name } }
}

/// How bytes are carried.
package struct LineDescription: Sendable {
    package enum Transport: Sendable {
        case serial
        case modbusRTU
        case modbusTCP
    }

    package enum FlowControl: String, Sendable, CaseIterable {
        case none
        case hardware = "rts-cts"
        case software = "xon-xoff"
    }

    package var transport = Transport.serial
    /// Modbus RTU in hexadecimal digits.
    package var isASCII = false
    /// `nil` on TCP.
    package var serial: SerialFormat?
    /// Modbus unit identifier, 1…247 (255 on TCP gateways that ignore it).
    package var unit: UInt8 = 1
    /// TCP port: of Modbus TCP, or of a serial protocol that is also spoken over TCP.
    package var port: Int?
    /// The silence the device needs between its reply and the next request. Unit: ns.
    package var turnaround: Int64 = 0
    /// The longest the device may take to answer. Unit: ns.
    package var slowestReply: Int64 = 1_000_000_000
    /// A frame interrupted for this long is abandoned; `nil` for never. Unit: ns.
    package var quiet: Int64?
    /// What the device needs between the line's opening and the first question. Unit: ns.
    package var pauseAfterOpening: Int64 = 0
    /// The longest read that the device answers; `nil` for what Modbus allows. Unit: registers or bits.
    package var longestRead: Int?
    /// Whether a read may be wider than planned, to be told from one whose answer is owed.
    package var mayWiden = true
    /// Registers that no merged read may touch.
    package var neverRead: [(space: RegisterSource.Space, registers: ClosedRange<Int>)] = []

    package init() {}
}

/// Baud, bits, parity, stop bits, flow control and the levels of the control lines.
package struct SerialFormat: Sendable, Hashable {
    package enum Parity: String, Sendable {
        case none = "N"
        case even = "E"
        case odd = "O"
    }

    package var baud: Int
    package var dataBits: Int
    package var parity: Parity
    package var stopBits: Int
    package var flow = LineDescription.FlowControl.none
    /// Levels of DTR and RTS; `nil` leaves them as the system sets them.
    package var dtr: Bool?
    package var rts: Bool?
    /// Whether the port's driver switches the direction of an RS-485 line.
    package var isRS485 = false

    package init(baud: Int, dataBits: Int = 8, parity: Parity = .none, stopBits: Int = 1) {
        self.baud = baud
        self.dataBits = dataBits
        self.parity = parity
        self.stopBits = stopBits
    }

    /// Reads `8N1`, `7E1`, `8O2`.
    package mutating func apply(format: String) -> Bool {
        let characters = Array(format)
        guard characters.count == 3, let bits = characters[0].wholeNumberValue, (7...8).contains(bits),
            let parity = Parity(rawValue: String(characters[1])), let stop = characters[2].wholeNumberValue,
            (1...2).contains(stop)
        else { return false }
        dataBits = bits
        self.parity = parity
        stopBits = stop
        return true
    }

    /// Bits on the wire for one byte: start, data, parity, stop.
    package var bitsPerByte: Int { 1 + dataBits + (parity == .none ? 0 : 1) + stopBits }
}

/// One kind of message: how it is known, and where its values stand.
package struct MessageDescription: Sendable {
    package var name = ""
    /// Index into ``DeviceProfile/frames``.
    package var frame = 0
    package var when: [ByteTest] = []
    /// Bytes of the whole plain frame; `nil` for any.
    package var length: ClosedRange<Int>?
    package var template: Template?
    package var records: Records?
    package var parts: Parts?
    /// The device sends it only when asked.
    package var isReply = false
    package var location = SourceLocation(file: "", line: 1, column: 1)

    package init() {}

    /// The names of all values that stand in the message.
    package var holes: [String] { (template?.holes ?? []) + (records?.each.holes ?? []) }

    /// Holes with a meaning of their own.
    package static let reserved: Set<String> = ["key", "value", "slot", "repeat"]
}

/// What is asked of the device, and how its answer is known.
package struct RequestDescription: Sendable {
    package enum Class: String, Sendable, CaseIterable {
        /// Changes nothing.
        case read
        /// May be said twice with the effect of once.
        case idempotent
        /// Is said once, ever.
        case effect
    }

    /// What is sent before, and how long nothing is sent after it.
    package struct Prelude: Sendable {
        package let send: SendTemplate
        package let frame: Int?
        /// Unit: ns.
        package let pause: Int64

        package init(send: SendTemplate, frame: Int?, pause: Int64) {
            (self.send, self.frame, self.pause) = (send, frame, pause)
        }
    }

    package let name: String
    package let prelude: [Prelude]
    package let send: SendTemplate
    /// The frame that carries it; `nil` sends the bytes as they are.
    package let frame: Int?
    /// Index into ``DeviceProfile/messages``; `nil` when the device does not answer.
    package let reply: Int?
    /// Index into ``DeviceProfile/messages`` of the answer by which the device refuses; `nil` when none is known.
    package let refusal: Int?
    /// Time between two requests; `nil` for a step of a session. Unit: ns.
    package let period: Int64?
    package let effect: Class
    /// How often it is said again when the answer did not come.
    package let retries: Int
    /// Said once for every slot of the rack.
    package let forEachSlot: Bool
    package let location: SourceLocation
}

/// What must be said to begin, to stay and to end.
package struct SessionDescription: Sendable {
    package struct Answer: Sendable {
        package enum Trigger: Sendable, Hashable {
            case frame(Int)
            case message(Int)
            /// A frame that was not whole.
            case damage
        }

        package let to: Trigger
        package let send: SendTemplate
        package let frame: Int?

        package init(to: Trigger, send: SendTemplate, frame: Int?) {
            (self.to, self.send, self.frame) = (to, send, frame)
        }
    }

    /// The field that holds the device's own serial number; `nil` when the protocol does not tell it.
    package var identityField: String?
    /// Requests said in order when the line opens, and when the host stops.
    package var open: [Int] = []
    package var close: [Int] = []
    package var answers: [Answer] = []
    /// The state of a field by which the device says that it no longer obeys the host.
    package var controlLost: (field: String, test: FieldTest)?
    /// `nil` where nobody knows.
    package var silence: Silence?

    /// What the device does when the host says nothing any more.
    package enum Silence: Sendable, Hashable {
        /// The words of the language.
        enum Deed: String, CaseIterable {
            case goesOn = "goes-on"
            case stops
        }

        case goesOn
        /// - after: unit ns.
        case stops(after: Int64)
    }

    package init() {}
}

/// What a field means.
package struct MetricDescription: Sendable {
    /// The value counts only while another field has one of these values.
    package struct Condition: Sendable, Hashable {
        package let field: String
        package let codes: [ValueCode]
        /// All values of the field that are known; any other one gives an invalid sample. Empty when another metric
        /// gives it.
        package let known: [ValueCode]
    }

    /// What else of the message the number is made of.
    package struct Terms: Sendable {
        /// The values of the other field that say that the number is not negative; empty where all others do.
        package var negativeWhen: (field: String, test: FieldTest, positive: [ValueCode])?
        /// Counts of this field that one of the other's counts is worth.
        package var plus: [(field: String, times: Int64)] = []
        /// The power of ten, and which are believed.
        package var exponent: (field: String, range: ClosedRange<Int>)?

        package var fields: [String] { [negativeWhen?.field, exponent?.field].compactMap { $0 } + plus.map(\.field) }
    }

    /// What tells one result from another.
    package struct ResultMark: Sendable {
        /// Fields of which one at least has another value in another result; empty, and no time of its own: each
        /// message is another result.
        package let newWhen: [String]
        package let takenAt: TakenAt?
    }

    /// The result's own time.
    package struct TakenAt: Sendable {
        package let field: String
        package let format: TimeFormat
        /// A result that is older, or younger than now by more, is not of now. Unit: ns.
        package let within: Int64
    }

    package let name: MetricName
    package let field: String
    package var scale: DecimalScale
    /// What is added to the value, in the metric's unit.
    package let offset: DecimalNumber
    package let unit: UnitOfMeasure?
    /// Time between two samples; `nil` when a request decides it. Unit: ns.
    package var period: Int64?
    package let isWaveform: Bool
    /// A result, not a periodic sample.
    package let isEpisodic: Bool
    /// `nil`: a message with the same bytes tells the same result.
    package let mark: ResultMark?
    package let terms: Terms?
    package let condition: Condition?
    /// Outside it a value is questionable. In the metric's unit.
    package let plausible: ClosedRange<Double>?
    /// Outside it a value is invalid: the device cannot measure it. In the metric's unit.
    package let absolute: ClosedRange<Double>?
    /// A change from one value to the next that is larger makes the later one questionable. In the metric's unit.
    package let jump: Double?
    /// How many numbers the counter has, from 0 on; `nil`: it is none. As it is read, before the scale.
    package let wrapsAt: Double?
    package let vmd: String?
    package let location: SourceLocation

    /// What is added to the value, in counts of how it is kept; 0 of what is no whole number of them, which lint
    /// refuses.
    package func offsetCounts(_ form: ValueForm) -> Int64 {
        if case .integer(let scale) = form { offset.exactCounts(of: scale) ?? 0 } else { 0 }
    }
}

/// A condition of the device that somebody should know of.
package struct AlertDescription: Sendable {
    package enum Priority: String, Sendable, CaseIterable {
        case high
        case medium
        case low
    }

    /// `MDC_EVT_…` with a verified number, or a name of the project's own.
    package let name: String
    package let code: UInt32?
    package let field: String
    package let test: FieldTest
    package let priority: Priority
    package let text: String
    /// What a nurse reads, in Arabic.
    package let arabicText: String
    /// The virtual device that it is about; set for each slot of a rack when the profile is compiled.
    package var vmd: String?
    /// Whether it tells that the device no longer obeys the host.
    package internal(set) var isControlLost = false
    package let location: SourceLocation
}
