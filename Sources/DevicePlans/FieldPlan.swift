package import DeviceModel
package import ProfileLanguage

/// Where a value lies among bytes, with every shift worked out.
package struct BitSlice: Sendable, Hashable {
    package let byte: Int
    package let low: UInt8
    package let width: UInt8
}

/// How one value is taken out of a message, judged, and where it goes.
///
/// A class so that going through a plan counts one reference a field, not one for each list in it.
package final class FieldPlan: Sendable {
    package enum Source: Sendable {
        /// Joined slices, the most significant first; `count` values, `stride` bytes apart, without a count as many as
        /// there are.
        case bits([BitSlice], count: Int?, stride: Int)
        /// The capture of a template.
        case capture(Int)
        /// Text in bytes that are always there.
        case bytes(Range<Int>)
        /// The same, of registers whose second byte comes first.
        case swappedBytes(Range<Int>)
    }

    package enum Reading: Sendable {
        case number(signed: Bool, width: Int)
        case signMagnitude(width: Int)
        case float32
        case float64
        case bcd(digits: Int)
        case medicalFloat(MedicalFloat, places: Int)
        case decimal(places: Int)
        case degreesMinutes
        case sexagesimal
        case hex
        case text
    }

    /// A word for a code.
    package struct Word: Sendable {
        package let code: CodePlan
        package let word: [UInt8]
    }

    /// The field's place in the table of values.
    package let index: Int
    package let source: Source
    /// Values that follow each other: 1 of all but the samples of a curve, `nil` where as many count as stand there.
    package let samples: Int?
    package let reading: Reading
    package let strip: [[UInt8]]
    package let missing: [(code: CodePlan, validity: Validity)]
    package let gates: [GatePlan]
    package let table: [Word]
    package let otherwise: [UInt8]?
    package let targets: [TargetPlan]
    /// Whether the value goes to one place, and where: looking there counts no reference.
    package let hasOneTarget: Bool
    package let target: TargetPlan
    package let alerts: [AlertPlan]
    package let isIdentity: Bool
    /// Whether another value decides about it, or is a part of it.
    package let looksElsewhere: Bool
    /// Whether its text is needed to say something.
    package let isRemembered: Bool
    /// Whether another value depends on it.
    package let isTested: Bool
    /// How many others decide, one about the next, before this one may decide about another; 0 where nothing decides
    /// about it.
    package let gateDepth: Int

    init(
        index: Int, source: Source, reading: Reading, strip: [[UInt8]], missing: [(code: CodePlan, validity: Validity)],
        gates: [GatePlan],
        table: [Word], otherwise: [UInt8]?, targets: [TargetPlan], alerts: [AlertPlan], isIdentity: Bool,
        isRemembered: Bool, isTested: Bool,
        gateDepth: Int
    ) {
        self.index = index
        self.source = source
        samples = if case .bits(_, let count, _) = source { count } else { 1 }
        self.reading = reading
        self.strip = strip
        self.missing = missing
        self.gates = gates
        self.table = table
        self.otherwise = otherwise
        self.targets = targets
        hasOneTarget = targets.count == 1
        target = targets.first ?? .none
        looksElsewhere =
            targets.contains { $0.condition != nil || $0.terms != nil || $0.result != nil }
            || gates.contains { if case .field = $0.test { true } else { false } }
        self.alerts = alerts
        self.isIdentity = isIdentity
        self.isRemembered = isRemembered
        self.isTested = isTested
        self.gateDepth = gateDepth
    }
}

/// A test on a value, compiled.
package enum TestPlan: Sendable, Hashable {
    /// Whether it is one of these must be as expected.
    case listed([CodePlan], expected: Bool)
    case bit(Int)
    case has([UInt8])
    case present
    case absent
    case above(LimitPlan)
    case below(LimitPlan)
}

/// The largest change from one value to the next that is believed.
package enum ChangePlan: Sendable, Hashable {
    /// In counts of the stream; where a counter begins at 0 again, before what is added to it, or never.
    case counts(Int128, wrapsAt: Int128?)
    /// Of floats, as it is.
    case float(Double)
}

/// What makes a value count less.
package struct GatePlan: Sendable {
    package enum Test: Sendable {
        case bytes(ByteTest)
        case field(Int, TestPlan)
    }

    package let test: Test
    package let validity: Validity
    /// How old the other field's value may be to say something now; 0 when it must stand in the same message. Unit: ns.
    package let longestAge: Int64
}

/// What else of the message a number is made of.
package struct TermsPlan: Sendable {
    /// A value of the other field that passes neither is no sign that is known; without `positive` all others are
    /// positive.
    package let negativeWhen: (field: Int, test: TestPlan, positive: TestPlan?)?
    /// `times`: counts of this number that one count of the other is.
    package let plus: [(field: Int, times: Int64)]
    package let exponent: (field: Int, range: ClosedRange<Int>)?
}

/// What tells one result from another.
package struct ResultPlan: Sendable {
    /// Fields of the same message or record.
    package let marks: [Int]
    /// The field with the result's own time, how it is written, and how old it may be. Unit: ns.
    package let time: (field: Int, format: TimeFormat, within: Int64)?
}

/// What must move for values to count.
package struct HeartbeatPlan: Sendable {
    package let field: Int
    /// Unit: ns.
    package let within: Int64
    /// By stream: whether it is vouched for.
    package let covers: [Bool]
}

/// Where a value goes.
package final class TargetPlan: Sendable {
    package struct Condition: Sendable {
        package let field: Int
        package let test: TestPlan
        /// Any value that fails this makes the sample invalid; `nil` leaves that to another target.
        package let known: TestPlan?
        /// How old the other field's value may be; 0 when it must stand in the same message. Unit: ns.
        package let longestAge: Int64
    }

    /// The stream, or that of the rack's first slot.
    package let stream: Int
    package let isSlotted: Bool
    /// A result: what is not told is not missing.
    package let isEpisodic: Bool
    /// What tells one result from another; `nil` where the message does.
    package let result: ResultPlan?
    package let terms: TermsPlan?
    package let condition: Condition?
    /// Added to the value. Unit: counts.
    package let offset: Int64
    /// In counts of the stream, of floats the limits as they are; the widest where nothing is said.
    package let plausible: PlainNumber.Limits
    package let absolute: PlainNumber.Limits
    package let jump: ChangePlan?

    /// What stands where there is no target.
    static let none = TargetPlan(
        stream: 0, isSlotted: false, isEpisodic: false, condition: nil, offset: 0,
        plausible: PlainNumber.Limits(counts: nil), absolute: PlainNumber.Limits(counts: nil), jump: nil)

    /// Fields without which the value says nothing.
    var partners: [Int] {
        [condition?.field, terms?.negativeWhen?.field, terms?.exponent?.field, result?.time?.field].compactMap { $0 }
            + (terms?.plus.map(\.field) ?? [])
            + (result?.marks ?? [])
    }

    init(
        stream: Int, isSlotted: Bool, isEpisodic: Bool, result: ResultPlan? = nil, terms: TermsPlan? = nil,
        condition: Condition?, offset: Int64,
        plausible: PlainNumber.Limits, absolute: PlainNumber.Limits, jump: ChangePlan?
    ) {
        self.terms = terms
        self.stream = stream
        self.isSlotted = isSlotted
        self.isEpisodic = isEpisodic
        self.result = result
        self.condition = condition
        self.offset = offset
        self.plausible = plausible
        self.absolute = absolute
        self.jump = jump
    }
}

/// A condition on a value that is an alert.
package struct AlertPlan: Sendable {
    /// Index into ``DevicePlan/alerts``, or that of the rack's first slot.
    package let alert: Int
    package let isSlotted: Bool
    package let test: TestPlan
}

/// One read of neighbouring registers.
package struct ModbusBlock: Sendable {
    package let unit: UInt8
    package let space: RegisterSource.Space
    package let address: Int
    package let count: Int
    package let period: Int64
    /// Offsets are bytes from the first register's upper byte.
    package let list: FieldList
    /// Bytes of text in which the two of each register stand in the other order.
    package let swapped: [Range<Int>]

    init(unit: UInt8, space: RegisterSource.Space, address: Int, count: Int, period: Int64, fields: [FieldPlan]) {
        self.unit = unit
        self.space = space
        self.address = address
        self.count = count
        self.period = period
        list = FieldList(fields)
        swapped = fields.compactMap { field in if case .swappedBytes(let range) = field.source { range } else { nil } }
    }

    /// The values, the one that identifies the device first.
    package var fields: [FieldPlan] { list.fields }

    /// The most registers that one Modbus read may ask for.
    package static let longest = RegisterSource.longestRead
    /// The longest object of the device identification that an answer has room for. Unit: bytes. Source: MODBUS
    /// Application Protocol V1.1b3, 6.21: 253 bytes, less nine before it.
    package static let longestObject = 244

    /// The function code of the read.
    package var function: UInt8 { space.function }

    /// Data bytes of the reply.
    package var replySize: Int {
        if space == .identification { return ModbusBlock.longestObject }
        return space.isBits ? (count + 7) / 8 : count * 2
    }
}

extension ModbusBlock {
    /// The first and last register of each field, in the order of the fields.
    private var spans: [ClosedRange<Int>] {
        fields.map { (address + $0.bytes.lowerBound / 2)...(address + ($0.bytes.upperBound - 1) / 2) }
    }

    /// The registers of each field with all that its values depend on.
    private var reaches: [ClosedRange<Int>] {
        let spans = spans
        return fields.indices.map { index in
            let conditions = fields[index].targets.flatMap(\.partners)
            let all = [spans[index]] + fields.indices.filter { conditions.contains(fields[$0].index) }.map { spans[$0] }
            return (all.map(\.lowerBound).min() ?? 0)...(all.map(\.upperBound).max() ?? 0)
        }
    }

    /// The fields by register, those that share one, or mean something only together, in one: what can be read apart
    /// from the rest.
    package var atoms: [[Int]] {
        let spans = reaches
        let order = fields.indices.sorted { spans[$0].lowerBound < spans[$1].lowerBound }
        var atoms: [[Int]] = []
        var end = -1
        for index in order {
            if spans[index].lowerBound > end { atoms.append([]) }
            atoms[atoms.count - 1].append(index)
            end = max(end, spans[index].upperBound)
        }
        return atoms
    }

    /// Whether every register of the read is wanted.
    var isDense: Bool {
        var wanted = Set<Int>()
        for span in spans { wanted.formUnion(span) }
        return wanted.count == count
    }

    func narrowed(to indices: [Int]) -> ModbusBlock {
        let low = indices.map { spans[$0].lowerBound }.min() ?? address
        let high = indices.map { spans[$0].upperBound }.max() ?? address
        return ModbusBlock(
            unit: unit, space: space, address: low, count: high - low + 1, period: period,
            fields: indices.compactMap { fields[$0].moved(by: (address - low) * 2, within: (high - low + 1) * 2) })
    }
}

extension FieldPlan {
    /// Whether it is several values that follow each other.
    package var isCurve: Bool { samples != 1 }

    /// As many as there are whole ones, of a curve that does not say how many.
    ///
    /// - Parameter length: of what it stands in. Unit: bytes.
    package func wholeSamples(in length: Int) -> Int {
        guard case .bits(let slices, nil, let stride) = source else { return samples ?? 1 }
        return (length - slices.reduce(0) { max($0, $1.byte) } + stride - 1) / stride
    }

    /// The bytes the field is taken from, of a field of bits or bytes.
    var bytes: Range<Int> {
        switch source {
        case .bits(let slices, let count, let stride):
            let low = slices.map(\.byte).min() ?? 0
            return low..<((slices.map(\.byte).max() ?? 0) + 1 + ((count ?? 1) - 1) * stride)
        case .bytes(let range), .swappedBytes(let range): return range
        case .capture: return 0..<1
        }
    }

    /// The same field read from bytes that start elsewhere; `nil` when it does not lie wholly within them.
    func moved(by distance: Int, within length: Int) -> FieldPlan? {
        guard bytes.lowerBound + distance >= 0, bytes.upperBound + distance <= length else { return nil }
        let moved: Source
        switch source {
        case .bits(let slices, let count, let stride):
            moved = .bits(
                slices.map { BitSlice(byte: $0.byte + distance, low: $0.low, width: $0.width) }, count: count,
                stride: stride)
        case .bytes(let range): moved = .bytes((range.lowerBound + distance)..<(range.upperBound + distance))
        case .swappedBytes(let range):
            moved = .swappedBytes((range.lowerBound + distance)..<(range.upperBound + distance))
        case .capture: return nil
        }
        return FieldPlan(
            index: index, source: moved, reading: reading, strip: strip, missing: missing, gates: gates, table: table,
            otherwise: otherwise,
            targets: targets, alerts: alerts, isIdentity: isIdentity, isRemembered: isRemembered, isTested: isTested,
            gateDepth: gateDepth)
    }
}
