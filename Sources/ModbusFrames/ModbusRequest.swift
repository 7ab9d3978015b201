/// A request without its envelope: function and what belongs to it. Source: MODBUS Application Protocol V1.1b3, section
/// 6.
package enum ModbusRequest: Sendable, Equatable {
    /// A read of registers or bits: functions 1 to 4. Range of `count`: 1…125 registers or 1…2,000 bits.
    case read(ModbusFunction, address: Int, count: Int)
    /// Function 08, sub-function 0: the device says the number back.
    case loopback(UInt16)
    /// Function 43, type 14, access 4: one object of the device identification.
    case identification(object: UInt8)
    /// Functions 5, 6, 15 and 16: there is none in a build without the command path.
    case write(ModbusWriteRequest)

    package var function: ModbusFunction {
        switch self {
        case .read(let function, _, _): function
        case .loopback: .diagnostics
        case .identification: .encapsulatedInterface
        case .write(let write): write.function
        }
    }

    /// Whether it asks for values.
    package var isData: Bool {
        switch self {
        case .read, .identification: true
        case .loopback, .write: false
        }
    }

    /// Whether the answer is the request once more, byte for byte. Source: 6.5, 6.6 and 6.8.
    package var isItsOwnAnswer: Bool {
        switch self {
        case .loopback: true
        case .write(let write): write.isItsOwnAnswer
        case .read, .identification: false
        }
    }

    /// Bytes of the answer from its function code on, when it is no exception; `nil` where only the answer tells.
    package var answerLength: Int? {
        switch self {
        case .read(let function, _, let count): 2 + function.dataBytes(count)
        case .identification: nil
        case .loopback, .write: 5
        }
    }

    /// Adds the request's bytes from its function code on. A read, a loopback and a single write allocate nothing.
    package func append(to bytes: inout [UInt8]) {
        bytes.append(function.rawValue)
        switch self {
        case .read(_, let address, let count):
            bytes.append(word: address)
            bytes.append(word: count)
        case .loopback(let number):
            bytes.append(word: 0)
            bytes.append(word: Int(number))
        case .identification(let object):
            bytes.append(ModbusFunction.identificationType)
            bytes.append(ModbusFunction.oneObject)
            bytes.append(object)
        case .write(let write): write.append(to: &bytes)
        }
    }

    /// Reads the request that these bytes are, from its function code to its last byte; `nil` when they are none, or
    /// one that is not listed here.
    package init?(_ bytes: [UInt8], _ range: Range<Int>) {
        guard range.count >= 4, let function = ModbusFunction(rawValue: bytes[range.lowerBound]) else { return nil }
        if function == .encapsulatedInterface {
            let place = range.lowerBound
            guard range.count == 4, bytes[place + 1] == ModbusFunction.identificationType,
                bytes[place + 2] == ModbusFunction.oneObject
            else { return nil }
            self = .identification(object: bytes[place + 3])
            return
        }
        guard range.count >= 5 else { return nil }
        let first = bytes.word(range.lowerBound + 1)
        let second = bytes.word(range.lowerBound + 3)
        switch function {
        case .readCoils, .readDiscreteInputs, .readHoldingRegisters, .readInputRegisters:
            guard range.count == 5 else { return nil }
            self = .read(function, address: first, count: second)
        case .encapsulatedInterface: return nil
        case .diagnostics:
            guard range.count == 5, first == 0 else { return nil }
            self = .loopback(UInt16(second))
        case .writeSingleCoil, .writeSingleRegister, .writeMultipleCoils, .writeMultipleRegisters:
            guard let write = ModbusWriteRequest(bytes, range, function) else { return nil }
            self = .write(write)
        }
    }
}

/// An answer without its envelope.
package enum ModbusAnswer: Sendable, Equatable {
    /// The data bytes of a read: where they lie.
    case data(Range<Int>)
    /// An object of the device identification: its number, and where its text lies.
    case object(UInt8, Range<Int>)
    /// A number said back, or what was written where: the four bytes behind the function code.
    case repeated(Int, Int)
    /// Source of the codes: MODBUS Application Protocol V1.1b3, section 7.
    case exception(code: UInt8)

    /// Reads the answer that begins here with its function code, as long as that code says; what lies behind it is not
    /// looked at. `nil` when it is not whole, or no answer of a known function.
    package init?(_ bytes: [UInt8], at place: Int, end: Int) {
        guard let length = Self.length(bytes, at: place, end: end), place + length <= end else { return nil }
        let code = bytes[place]
        if code & ModbusFunction.exceptionBit != 0 {
            self = .exception(code: bytes[place + 1])
        } else if code <= ModbusFunction.readInputRegisters.rawValue {
            self = .data((place + 2)..<(place + length))
        } else if code == ModbusFunction.encapsulatedInterface.rawValue {
            // One was asked for: the first is it.
            guard bytes[place + 6] >= 1 else { return nil }
            let text = place + Self.objectStart
            self = .object(bytes[place + 7], text..<(text + Int(bytes[text - 1])))
        } else {
            self = .repeated(bytes.word(place + 1), bytes.word(place + 3))
        }
    }

    /// Where the first object's text begins in an answer about the device identification. Unit: bytes from its function
    /// code: type, access, conformity, more, next, count, number and length stand before it.
    package static let objectStart = 9

    /// How long an answer about the device identification is; `nil` until its objects are there.
    private static func identificationLength(_ bytes: [UInt8], at place: Int, end: Int) -> Int? {
        guard end - place >= 7, bytes[place + 1] == ModbusFunction.identificationType else { return nil }
        var length = 7
        for _ in 0..<bytes[place + 6] {
            guard end - place >= length + 2 else { return nil }
            length += 2 + Int(bytes[place + length + 1])
            guard length <= longest else { return nil }
        }
        return length
    }

    /// The longest answer, from its function code on. Unit: bytes. Source: 4.1.
    package static let longest = 253

    /// How long the answer is that begins here, by its function; `nil` when that is not known, or not there yet. Unit:
    /// bytes.
    package static func length(_ bytes: [UInt8], at place: Int, end: Int) -> Int? {
        guard end - place >= 1 else { return nil }
        if bytes[place] & ModbusFunction.exceptionBit != 0 { return bytes[place] <= 0xAB ? 2 : nil }
        guard let function = ModbusFunction(rawValue: bytes[place]) else { return nil }
        switch function {
        case .readCoils, .readDiscreteInputs, .readHoldingRegisters, .readInputRegisters:
            return end - place >= 2 ? 2 + Int(bytes[place + 1]) : nil
        case .writeSingleCoil, .writeSingleRegister, .diagnostics, .writeMultipleCoils, .writeMultipleRegisters:
            return 5
        case .encapsulatedInterface: return identificationLength(bytes, at: place, end: end)
        }
    }

    /// The bytes of an answer with one object of the device identification, from its function code on. Conformity:
    /// basic and regular objects and the vendor's own, one at a time too.
    package static func identification(object: UInt8, _ text: [UInt8]) -> [UInt8] {
        let text = text.prefix(longest - objectStart)
        return [
            ModbusFunction.encapsulatedInterface.rawValue, ModbusFunction.identificationType, ModbusFunction.oneObject,
            0x83, 0, 0, 1, object, UInt8(truncatingIfNeeded: text.count),
        ] + text
    }

    /// The bytes of an answer to a read, from its function code on.
    package static func read(_ function: ModbusFunction, _ values: [UInt16]) -> [UInt8] {
        var bytes = [function.rawValue, UInt8(truncatingIfNeeded: function.dataBytes(values.count))]
        if function.isOfBits {
            bytes.append(bits: values.map { $0 != 0 })
        } else {
            for value in values { bytes.append(word: Int(value)) }
        }
        return bytes
    }

    /// The bytes of a refusal, from its function code on.
    package static func exception(_ function: UInt8, code: UInt8) -> [UInt8] {
        [function | ModbusFunction.exceptionBit, code]
    }
}

extension [UInt8] {
    mutating func append(word: Int) {
        append(UInt8(truncatingIfNeeded: word >> 8))
        append(UInt8(truncatingIfNeeded: word))
    }

    /// The first bit is the lowest of the first byte.
    mutating func append(bits: [Bool]) {
        for start in stride(from: 0, to: bits.count, by: 8) {
            var byte: UInt8 = 0
            for offset in 0..<Swift.min(8, bits.count - start) where bits[start + offset] { byte |= 1 << UInt8(offset) }
            append(byte)
        }
    }

    /// Two bytes, the upper one first.
    func word(_ place: Int) -> Int { Int(self[place]) << 8 | Int(self[place + 1]) }
}
