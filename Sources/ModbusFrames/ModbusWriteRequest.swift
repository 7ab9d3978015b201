#if Commands
/// A write, as a request without its envelope. Source: MODBUS Application Protocol V1.1b3, section 6.
package enum ModbusWriteRequest: Sendable, Equatable {
    case coil(address: Int, isOn: Bool)
    case register(address: Int, value: UInt16)
    /// Range: 1…1,968 coils. Source: 6.11.
    case coils(address: Int, [Bool])
    /// Range: 1…123 registers. Source: 6.12.
    case registers(address: Int, [UInt16])

    package var function: ModbusFunction {
        switch self {
        case .coil: .writeSingleCoil
        case .register: .writeSingleRegister
        case .coils: .writeMultipleCoils
        case .registers: .writeMultipleRegisters
        }
    }

    /// The first coil or register that it writes.
    package var address: Int {
        switch self {
        case .coil(let address, _), .register(let address, _), .coils(let address, _), .registers(let address, _):
            address
        }
    }

    /// Whether the answer is the request once more, byte for byte. Source: 6.5 and 6.6.
    var isItsOwnAnswer: Bool {
        switch self {
        case .coil, .register: true
        case .coils, .registers: false
        }
    }

    /// Adds its bytes behind the function code. A single write allocates nothing.
    func append(to bytes: inout [UInt8]) {
        switch self {
        case .coil(let address, let isOn):
            bytes.append(word: address)
            bytes.append(word: isOn ? 0xFF00 : 0)
        case .register(let address, let value):
            bytes.append(word: address)
            bytes.append(word: Int(value))
        case .coils(let address, let coils):
            bytes.append(word: address)
            bytes.append(word: coils.count)
            bytes.append(UInt8(truncatingIfNeeded: (coils.count + 7) / 8))
            bytes.append(bits: coils)
        case .registers(let address, let values):
            bytes.append(word: address)
            bytes.append(word: values.count)
            bytes.append(UInt8(truncatingIfNeeded: values.count * 2))
            for value in values { bytes.append(word: Int(value)) }
        }
    }

    /// Reads the write that these bytes are, from its function code to its last byte; `nil` when they are none.
    init?(_ bytes: [UInt8], _ range: Range<Int>, _ function: ModbusFunction) {
        let first = bytes.word(range.lowerBound + 1)
        let second = bytes.word(range.lowerBound + 3)
        let data = range.lowerBound + 6
        switch function {
        case .writeSingleCoil:
            guard range.count == 5, second == 0 || second == 0xFF00 else { return nil }
            self = .coil(address: first, isOn: second != 0)
        case .writeSingleRegister:
            guard range.count == 5 else { return nil }
            self = .register(address: first, value: UInt16(second))
        case .writeMultipleCoils:
            guard range.count > 6, (1...1968).contains(second), Int(bytes[data - 1]) == (second + 7) / 8,
                range.count == 6 + (second + 7) / 8
            else { return nil }
            self = .coils(address: first, (0..<second).map { bytes[data + $0 / 8] >> UInt8($0 % 8) & 1 == 1 })
        case .writeMultipleRegisters:
            guard range.count > 6, (1...123).contains(second), Int(bytes[data - 1]) == second * 2,
                range.count == 6 + second * 2
            else { return nil }
            self = .registers(address: first, (0..<second).map { UInt16(bytes.word(data + $0 * 2)) })
        case .readCoils, .readDiscreteInputs, .readHoldingRegisters, .readInputRegisters, .diagnostics,
            .encapsulatedInterface:
            return nil
        }
    }
}
#endif
