/// What a Modbus request asks for. Source: MODBUS Application Protocol V1.1b3, section 6.
package enum ModbusFunction: UInt8, Sendable, BitwiseCopyable, CaseIterable {
    case readCoils = 1
    case readDiscreteInputs = 2
    case readHoldingRegisters = 3
    case readInputRegisters = 4
    case writeSingleCoil = 5
    case writeSingleRegister = 6
    case diagnostics = 8
    case writeMultipleCoils = 15
    case writeMultipleRegisters = 16
    /// Of what it can carry, the device identification only (type 14). Source: 6.19, 6.21.
    case encapsulatedInterface = 43

    /// Whether it changes nothing in the device.
    package var isRead: Bool {
        switch self {
        case .readCoils, .readDiscreteInputs, .readHoldingRegisters, .readInputRegisters, .diagnostics,
            .encapsulatedInterface:
            true
        case .writeSingleCoil, .writeSingleRegister, .writeMultipleCoils, .writeMultipleRegisters: false
        }
    }

    /// Whether it is about single bits, eight of them to a byte.
    package var isOfBits: Bool {
        switch self {
        case .readCoils, .readDiscreteInputs, .writeSingleCoil, .writeMultipleCoils: true
        case .readHoldingRegisters, .readInputRegisters, .writeSingleRegister, .writeMultipleRegisters, .diagnostics,
            .encapsulatedInterface:
            false
        }
    }

    /// Data bytes of the answer to a read of so many registers or bits.
    package func dataBytes(_ count: Int) -> Int { isOfBits ? (count + 7) / 8 : count * 2 }

    /// The type of encapsulated interface that is the device identification. Source: 6.21.
    package static let identificationType: UInt8 = 14
    /// The access to one object of it. Source: 6.21.
    package static let oneObject: UInt8 = 4

    /// Set in the function code of an exception.
    package static let exceptionBit: UInt8 = 0x80

    /// The most registers that one read may ask for. Source: 6.3 and 6.4.
    package static let longestRead = 125
}
