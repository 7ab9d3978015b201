package import DeviceModel
package import ProfileLanguage

/// A profile compiled for one device: flat lists of offsets, shifts and limits. After this nothing is looked up by
/// name.
package struct DevicePlan: Sendable {
    package let handle: String
    package let profile: DeviceProfile
    package let line: LineDescription
    /// The streams of samples; the records of a line index them.
    package let streams: [StreamDescriptor]
    /// The alerts, those of a rack once for each slot.
    package let alerts: [AlertDescription]
    /// The slots of the rack, as the device calls them.
    package let slots: [String]
    package let protocolPlan: ProtocolPlan
    package let heartbeats: [HeartbeatPlan]
    /// The most states that decide about one another in a row; 0 where every state decides about values only.
    package let gateDepth: Int
    /// The serial number that the device must report; `nil` when any will do.
    package let expectedSerial: String?

    package enum ProtocolPlan: Sendable {
        case serial(SerialPlan)
        case modbus(ModbusPlan)
    }
}

/// A serial device's messages, compiled.
package struct SerialPlan: Sendable {
    package let frames: [FramePlan]
    /// Groups of frames made of different bytes: each has a framer of its own.
    package let interleaved: [[Int]]
    /// By frame: what every such frame carries.
    package let frameFields: [FieldList]
    package let packet: PacketPlan?
    package let messages: [MessagePlan]
    /// By frame: the messages that it carries.
    package let messagesOfFrame: [[Int]]
    /// Those of the profile, and behind them the steps of its commands where the device is driven.
    package let requests: [RequestPlan]
    /// What may be carried out, and why something may not; neither where the device is not driven.
    package let compiled: CompiledCommands
    package let likeness: Likeness
    /// Requests said when the line opens and when the host stops.
    package let open: [Int]
    package let close: [Int]
    /// What is said back; messages are those of this plan.
    package let answers: [SessionDescription.Answer]
    /// Fields whose text is needed to say something.
    package let remembered: [(name: String, field: Int)]
    /// What never leaves as something that is said.
    package let barred: [WirePattern]
    /// The longest time between two messages of a device that speaks unasked. Unit: ns; `nil` when it only answers, or
    /// speaks at times only.
    package let streamPeriod: Int64?
    /// Whether the device speaks unasked.
    package let listens: Bool

    /// Whether one frame could be both messages.
    package func isAlike(_ one: Int, _ other: Int) -> Bool { one == other || likeness.isAlike(one, other) }

    /// Whether what may come where a message was awaited could be taken for an answer to a request. No allocation.
    package func isMistakable(_ request: Int, _ message: Int) -> Bool {
        let asked = requests[request]
        for comes in likeness.coming[message] {
            if let reply = asked.reply, isAlike(reply, comes) { return true }
            if let refusal = asked.refusal, isAlike(refusal, comes) { return true }
        }
        return false
    }

    /// Whether values are taken from frames of this kind.
    package func carriesValues(frame: Int) -> Bool {
        !frameFields[frame].fields.isEmpty || packet?.frame == frame
            || messages.contains {
                $0.frame == frame
                    && (!$0.fields.isEmpty || $0.records?.keyed.isEmpty == false || $0.records?.fields.isEmpty == false)
            }
    }

    /// The most bytes of a frame.
    package var longest: Int { frames.map(\.longest).max() ?? 0 }
}

/// A run of fixed frames, compiled. A class, as all that is looked at for each frame.
package final class PacketPlan: Sendable {
    /// What is asked of each frame.
    package struct Part: Sendable, BitwiseCopyable {
        package let frameLength: Int
        package let count: Int
        package let isFirst: ByteCheck
    }

    package let frame: Int
    package let part: Part
    package let firstWhen: ByteTest
    package let list: FieldList

    package var frameLength: Int { part.frameLength }
    package var count: Int { part.count }

    package init(frame: Int, frameLength: Int, count: Int, firstWhen: ByteTest, list: FieldList) {
        self.frame = frame
        part = Part(frameLength: frameLength, count: count, isFirst: ByteCheck(firstWhen))
        self.firstWhen = firstWhen
        self.list = list
    }
}

/// A template, compiled: every value has a place in a table of captures. Its parts lie flat: going through them counts
/// no references.
package final class TextPlan: Sendable {
    package enum Segment: Sendable, BitwiseCopyable {
        /// Bytes of ``literals``.
        case literal(at: Int, count: Int)
        /// `capture` is the place in the table; −1 for a value that is ignored.
        case hole(capture: Int, width: Int?)
    }

    /// Neighbours of ``segments``.
    package struct Item: Sendable, BitwiseCopyable {
        package let first: Int
        package let count: Int

        package var end: Int { first + count }
    }

    package let segments: [Segment]
    package let literals: [UInt8]
    package let items: [Item]
    package let separator: Separator?
    package let moreItems: Bool
    package let optionalFrom: Int
    package let captures: Int

    package init(_ template: Template) {
        var segments: [Segment] = []
        var literals: [UInt8] = []
        var next = 0
        items = template.items.map { item in
            let first = segments.count
            for segment in item {
                switch segment {
                case .literal(let text):
                    segments.append(.literal(at: literals.count, count: text.count))
                    literals += text
                case .hole("_", let width): segments.append(.hole(capture: -1, width: width))
                case .hole(_, let width):
                    segments.append(.hole(capture: next, width: width))
                    next += 1
                }
            }
            return Item(first: first, count: item.count)
        }
        (self.segments, self.literals) = (segments, literals)
        separator = template.separator
        moreItems = template.moreItems
        optionalFrom = template.optionalFrom
        captures = next
    }
}

/// One kind of message, compiled.
package final class MessagePlan: Sendable {
    package let name: String
    package let frame: Int
    package let when: [ByteTest]
    package let isWhen: [ByteCheck]
    package let length: ClosedRange<Int>?
    package let text: TextPlan?
    /// Where the records stand in the captures of `text`; `nil` for the whole payload.
    package let recordsCapture: Int?
    package let records: RecordPlan?
    /// Messages before it that hold some of its records.
    package let parts: MessageDescription.Parts?
    /// The capture with the rack's slot.
    package let slotCapture: Int?
    /// The slot of a request that is said for one.
    package let fixedSlot: Int?
    package let list: FieldList
    package let isReply: Bool
    /// It tells results: told again, byte for byte, they are the same results.
    package let isEpisodic: Bool
    /// Such a message that comes again and again, whether the result is new or not: what is told first, after the line
    /// was opened, may be of any time before.
    package let isRepeated: Bool

    package var fields: [FieldPlan] { list.fields }

    init(
        name: String, frame: Int, when: [ByteTest], length: ClosedRange<Int>?, text: TextPlan?, recordsCapture: Int?,
        records: RecordPlan?, parts: MessageDescription.Parts? = nil, slotCapture: Int?, fixedSlot: Int?,
        list: FieldList, isReply: Bool, isEpisodic: Bool, isRepeated: Bool
    ) {
        self.name = name
        self.frame = frame
        self.when = when
        isWhen = when.map { ByteCheck($0) }
        self.length = length
        self.text = text
        self.recordsCapture = recordsCapture
        self.records = records
        self.parts = parts
        self.slotCapture = slotCapture
        self.fixedSlot = fixedSlot
        self.list = list
        self.isReply = isReply
        self.isEpisodic = isEpisodic
        self.isRepeated = isRepeated
    }
}

/// Records of a message, compiled.
package final class RecordPlan: Sendable {
    package struct Keyed: Sendable {
        /// What the record is; empty of an attribute, which has no record.
        package let key: [UInt8]
        package var attribute: UInt16?
        package let field: FieldPlan
    }

    package let division: MessageDescription.Records.Division
    package let each: TextPlan
    package let keyCapture: Int
    package let valueCapture: Int?
    package let slotCapture: Int?
    package let keyed: [Keyed]
    /// Fields that stand in every record.
    package let fields: [FieldPlan]
    /// Fields of attributes that stand beside binary records.
    package let beside: [(attribute: UInt16, field: FieldPlan)]
    /// Whether a record says who the device is.
    package let hasIdentity: Bool
    package let binary: BinaryRecords?
    /// Whether an attribute is read for itself.
    package let hasAttributes: Bool

    init(
        division: MessageDescription.Records.Division, each: TextPlan, keyCapture: Int, valueCapture: Int?,
        slotCapture: Int?, keyed: [Keyed], fields: [FieldPlan],
        beside: [(attribute: UInt16, field: FieldPlan)] = []
    ) {
        self.division = division
        self.each = each
        self.keyCapture = keyCapture
        self.valueCapture = valueCapture
        self.slotCapture = slotCapture
        self.keyed = keyed
        self.fields = fields
        self.beside = beside
        hasIdentity = keyed.contains(where: \.field.isIdentity)
        binary = if case .binary(let records) = division { records } else { nil }
        hasAttributes = keyed.contains { $0.attribute != nil }
    }

    /// The bytes of a frame with this payload in which the records stand.
    package func region(_ payload: Range<Int>) -> Range<Int> {
        guard let binary else { return payload }
        return min(binary.from, payload.upperBound)..<payload.upperBound
    }
}

/// A request, compiled.
package struct RequestPlan: Sendable {
    package let name: String
    /// What is said before.
    package let prelude: [RequestDescription.Prelude]
    package let send: SendTemplate
    /// The frame that carries it; `nil` for the bytes as they are.
    package let frame: Int?
    /// The message that answers it; `nil` when there is none.
    package let reply: Int?
    /// The message by which the device refuses; `nil` when none is known.
    package let refusal: Int?
    /// Unit: ns; `nil` for a step of the session.
    package let period: Int64?
    package let retries: Int
    package let isRepeatable: Bool
    /// Whether it does more than read.
    package let isInstruction: Bool
    package let slot: Int?
}

extension SerialPlan {
    /// The bytes of something that is said, with the values it needs; `nil` when one of them is not known.
    package func bytes(
        _ send: SendTemplate, frame: Int?, saying: SendTemplate.Saying = SendTemplate.Saying(),
        value: (String) -> [UInt8]?
    ) -> [UInt8]? {
        guard let payload = send.bytes(saying, value) else { return nil }
        return frame.map { frames[$0].format.encode(payload: payload) } ?? payload
    }
}

extension SerialPlan {
    /// The most samples of a message of which only its records tell how many; 0 where there are none.
    package var mostOpenSamples: Int {
        let open = messages.filter { message in
            message.records?.keyed.contains { if case .bits(_, nil, _) = $0.field.source { true } else { false } }
                ?? false
        }
        return open.map { frames[$0.frame].longest }.max() ?? 0
    }
}

/// A Modbus device's reads and writes, compiled.
package struct ModbusPlan: Sendable {
    package let blocks: [ModbusBlock]
    /// What may be carried out, and why something may not; neither where the device is not driven.
    package let compiled: CompiledCommands
    /// What has their effects.
    package let writes: [ModbusWritePlan]
    /// What is read for them, each by itself: one look never fails for what another command depends on.
    package let reads: [ModbusBlock]
}

extension SerialPlan {
    package var commands: [CommandPlan] { compiled.plans }
}

extension ModbusPlan {
    package var commands: [CommandPlan] { compiled.plans }
}

extension DevicePlan {
    /// What may be carried out; none where the device is not driven.
    package var commands: [CommandPlan] {
        switch protocolPlan {
        case .serial(let serial): serial.commands
        case .modbus(let modbus): modbus.commands
        }
    }

    /// Commands of the profile that cannot be carried out: then nothing but a stop is. None where the device is not
    /// driven.
    package var faultyCommands: [CompiledCommands.Faulty] {
        switch protocolPlan {
        case .serial(let serial): serial.compiled.faults
        case .modbus(let modbus): modbus.compiled.faults
        }
    }
}
