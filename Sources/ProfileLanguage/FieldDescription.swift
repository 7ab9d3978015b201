package import DeviceModel
package import StrictYAML

/// What a field holds.
package enum FieldType: Sendable, Hashable {
    /// Bits of binary frames and registers.
    case bits(signed: Bool)
    /// Bits of which the first is the sign and the others say how much.
    case signMagnitude
    case float32
    case float64
    /// Two decimal digits in each byte.
    case bcd
    /// A decimal exponent and a mantissa, FLOAT-Type or SFLOAT-Type, held exactly with this many digits after the
    /// point. Source: IEEE 11073-20601.
    case medicalFloat(places: Int)
    /// A decimal number in text, held exactly with this many digits after the point.
    case decimal(places: Int)
    /// Degrees and minutes written together, `ddmm.mmmm`, held as degrees to ten-millionths, 1 cm on the ground.
    case degreesMinutes
    /// Hours, minutes and perhaps seconds with colons between them, held as a number of the last.
    case sexagesimal
    /// A hexadecimal number in text.
    case hex
    case text

    package var isText: Bool { self == .text }
    /// Whether it stands in the text of a message.
    package var isWritten: Bool {
        switch self {
        case .decimal, .degreesMinutes, .sexagesimal, .hex, .text: true
        case .bits, .signMagnitude, .float32, .float64, .bcd, .medicalFloat: false
        }
    }

    /// Whether values are kept as the floating-point bits that were sent.
    var isFloat: Bool { self == .float32 || self == .float64 }

    /// Digits kept after the point of a number that is written; `nil` of all other types.
    package var places: Int? {
        switch self {
        case .decimal(let places), .medicalFloat(let places): places
        case .degreesMinutes: 7
        case .sexagesimal: 0
        case .bits, .signMagnitude, .float32, .float64, .bcd, .hex, .text: nil
        }
    }
}

/// A test on the value of a field.
package enum FieldTest: Sendable, Hashable {
    case isOneOf([ValueCode])
    case isNoneOf([ValueCode])
    case bit(Int)
    /// The text as it was sent contains this.
    case has(String)
    /// The value is in the message at all.
    case present
    /// The value is not in the message.
    case absent
    /// In the unit of the metric that shows the field.
    case above(Double)
    case below(Double)
}

/// What is where in a message.
package struct FieldDescription: Sendable {
    /// Bits of one byte; a field may join several, the most significant first.
    package struct Slice: Sendable, Hashable {
        /// Position of the frame within a packet, from 0; 0 outside packets.
        package let frame: Int
        package let byte: Int
        package let low: Int
        package let width: Int
    }

    /// Values that follow each other in a record, `stride` bytes apart; without a count as many as it has.
    package struct Samples: Sendable, Hashable {
        package let count: Int?
        package let stride: Int
    }

    package enum Place: Sendable {
        /// Slices of the frame, packet or message with this name; `count` values that follow each other, `stride` bytes
        /// apart.
        case slices(scope: String, [Slice], count: Int, stride: Int)
        /// The hole with the field's name.
        case hole
        /// The value of the record with this key in a message.
        case keyed(message: String, key: String)
        /// Slices of the binary records of a message, or of an attribute beside them; of every record where there is no
        /// key.
        case record(message: String, key: [UInt8]?, attribute: UInt16?, [Slice], samples: Samples?)
        /// Slices of the attribute of this number, which stands once in the lists of a message.
        case attribute(message: String, UInt16, [Slice])
        case registers(RegisterSource)
    }

    /// A value by which the device says that it has none.
    package struct Missing: Sendable, Hashable {
        package let code: ValueCode
        package let validity: Validity
    }

    /// What decides how far the value counts.
    package struct Gate: Sendable, Hashable {
        package enum Test: Sendable, Hashable {
            case bytes(ByteTest)
            case field(String, FieldTest)
        }

        package let test: Test
        package let validity: Validity
    }

    package let name: String
    package let place: Place
    package let type: FieldType
    /// Texts taken off either end.
    package var strip: [String] = []
    package var missing: [Missing] = []
    package var gates: [Gate] = []
    /// Words for codes; empty for none.
    package var table: [(code: ValueCode, word: String)] = []
    /// The word for a code that is not in the table; `nil` makes it invalid.
    package var otherwise: String?
    package let location: SourceLocation

    /// The name as its author knows it: registers named in a metric have the metric's.
    package var shownName: String { name.split(separator: "/").last.map(String.init) ?? name }

    /// Bits of one value of a binary field.
    package var width: Int {
        switch place {
        case .slices(_, let slices, _, _), .record(_, _, _, let slices, _), .attribute(_, _, let slices):
            slices.reduce(0) { $0 + $1.width }
        case .registers(let source):
            source.bits?.count
                ?? (source.space.isBits
                    ? 1 : source.parts.isEmpty ? source.registers * 16 : source.parts.reduce(0) { $0 + $1.bits.count })
        case .hole, .keyed: 0
        }
    }

    /// Whether it is several values that follow each other.
    var isSeveral: Bool {
        switch place {
        case .slices(_, _, let count, _): count > 1
        case .record(_, _, _, _, let samples): samples != nil
        case .hole, .keyed, .attribute, .registers: false
        }
    }

    /// Whether it is known how its values look; where its own part is wrong, that was told, and nothing follows from
    /// it.
    var hasForm: Bool { type.isWritten || (1...64).contains(width) }

    /// Whether the field's values are words.
    package var givesText: Bool { type.isText || !table.isEmpty }
}

/// Which registers of a Modbus device hold a value.
package struct RegisterSource: Sendable, Hashable {
    package enum Space: String, Sendable, Hashable, CaseIterable {
        /// Read with function 4.
        case input
        /// Read with function 3.
        case holding
        /// Read with function 1.
        case coil
        /// Read with function 2.
        case discrete
        /// Objects of the device identification, read with function 43, type 14, one in each request.
        case identification

        package var function: UInt8 {
            switch self {
            case .coil: 1
            case .discrete: 2
            case .holding: 3
            case .input: 4
            case .identification: 43
            }
        }

        package init?(function: UInt8) {
            guard let space = Self.allCases.first(where: { $0.function == function }) else { return nil }
            self = space
        }

        /// Whether one address holds one bit.
        package var isBits: Bool { self == .coil || self == .discrete }
    }

    /// The most registers that one Modbus read may ask for. Source: MODBUS Application Protocol V1.1b3, 6.3 and 6.4.
    package static let longestRead = 125

    package let space: Space
    /// The address on the wire, from 0.
    package let address: Int
    /// How many addresses the value takes.
    package let registers: Int
    /// The bits of a single register; `nil` for all.
    package let bits: ClosedRange<Int>?
    /// The less significant register comes first.
    package let lowWordFirst: Bool
    /// Of each register the less significant byte comes first.
    package let lowByteFirst: Bool
    /// Registers of which the value is put together, the most significant bits first; empty when it is all of them in
    /// order.
    package let parts: [Part]

    package struct Part: Sendable, Hashable {
        package let address: Int
        package let bits: ClosedRange<Int>
    }
    /// Time between two reads when no metric decides it. Unit: ns.
    package let period: Int64?
    package let vmd: String?
}
