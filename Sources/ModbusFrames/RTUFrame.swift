/// The envelope of Modbus RTU: unit before, checksum behind. Source: MODBUS over Serial Line V1.02, 2.5.1.
package enum RTUFrame {
    /// The longest frame. Unit: bytes. Source: MODBUS over Serial Line V1.02, 2.5.1.
    package static let longest = 256
    /// The shortest frame: unit, function, checksum. Unit: bytes.
    package static let shortest = 4
    /// What stands around a request or an answer: unit and checksum. Unit: bytes.
    package static let envelope = 3

    private static let table: [UInt16] = (0..<256).map { index in
        (0..<8).reduce(UInt16(index)) { crc, _ in crc & 1 != 0 ? crc >> 1 ^ 0xA001 : crc >> 1 }
    }

    /// CRC-16/MODBUS.
    package static func checksum(_ bytes: [UInt8], _ range: Range<Int>) -> UInt16 {
        var crc: UInt16 = 0xFFFF
        for place in range { crc = crc >> 8 ^ table[Int(UInt8(truncatingIfNeeded: crc) ^ bytes[place])] }
        return crc
    }

    /// Whether the last two bytes of the range are the checksum of those before them.
    package static func isWhole(_ bytes: [UInt8], _ range: Range<Int>) -> Bool {
        guard range.count >= shortest else { return false }
        let crc = checksum(bytes, range.lowerBound..<(range.upperBound - 2))
        return bytes[range.upperBound - 2] == UInt8(truncatingIfNeeded: crc)
            && bytes[range.upperBound - 1] == UInt8(crc >> 8)
    }

    /// Puts the checksum behind the bytes.
    package static func seal(_ bytes: inout [UInt8]) {
        let crc = checksum(bytes, 0..<bytes.count)
        bytes.append(UInt8(truncatingIfNeeded: crc))
        bytes.append(UInt8(crc >> 8))
    }

    /// A whole frame of bytes that begin with a function code.
    package static func frame(unit: UInt8, _ pdu: [UInt8]) -> [UInt8] {
        var bytes = [unit] + pdu
        seal(&bytes)
        return bytes
    }

    /// Makes `bytes` the frame of a request.
    package static func compose(unit: UInt8, _ request: ModbusRequest, into bytes: inout [UInt8]) {
        bytes.removeAll(keepingCapacity: true)
        bytes.append(unit)
        request.append(to: &bytes)
        seal(&bytes)
    }

    /// The length of the answer's frame that begins here; `nil` when its function is not known or its length is not
    /// there yet. Unit: bytes.
    package static func answerLength(_ bytes: [UInt8], at place: Int, end: Int) -> Int? {
        guard end - place >= 3 else { return nil }
        return ModbusAnswer.length(bytes, at: place + 1, end: end).map { $0 + envelope }
    }

    /// The length of the request's frame that begins here; `nil` when its function is not known or its length is not
    /// there yet. Unit: bytes.
    package static func requestLength(_ bytes: [UInt8], at place: Int, end: Int) -> Int? {
        guard end - place >= 2, let function = ModbusFunction(rawValue: bytes[place + 1]) else { return nil }
        switch function {
        case .writeMultipleCoils, .writeMultipleRegisters: return end - place >= 7 ? 9 + Int(bytes[place + 6]) : nil
        case .encapsulatedInterface: return 7
        default: return 8
        }
    }

    /// The request whose whole frame begins here, and how long the frame is; `nil` when there is none.
    package static func request(_ bytes: [UInt8], at place: Int, end: Int) -> (request: ModbusRequest, length: Int)? {
        guard let length = requestLength(bytes, at: place, end: end), place + length <= end,
            isWhole(bytes, place..<(place + length)),
            let request = ModbusRequest(bytes, (place + 1)..<(place + length - 2))
        else { return nil }
        return (request, length)
    }
}
