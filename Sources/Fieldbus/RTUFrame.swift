/// Modbus RTU frames: their checksum and how long they are. Source: MODBUS over Serial Line V1.02, MODBUS Application Protocol V1.1b3.
enum RTUFrame {
    /// The longest frame. Unit: bytes. Source: MODBUS over Serial Line V1.02, 2.5.1.
    static let longest = 256
    /// A request for registers or bits, and the loopback of function 08. Unit: bytes.
    static let requestLength = 8
    /// An exception. Unit: bytes.
    static let exceptionLength = 5

    private static let table: [UInt16] = (0..<256).map { index in
        (0..<8).reduce(UInt16(index)) { crc, _ in crc & 1 != 0 ? crc >> 1 ^ 0xA001 : crc >> 1 }
    }

    /// CRC-16/MODBUS.
    static func checksum(_ bytes: [UInt8], _ range: Range<Int>) -> UInt16 {
        var crc: UInt16 = 0xFFFF
        for place in range { crc = crc >> 8 ^ table[Int(UInt8(truncatingIfNeeded: crc) ^ bytes[place])] }
        return crc
    }

    /// Whether the last two bytes of the range are the checksum of those before them.
    static func isWhole(_ bytes: [UInt8], _ range: Range<Int>) -> Bool {
        guard range.count >= 4 else { return false }
        let crc = checksum(bytes, range.lowerBound..<(range.upperBound - 2))
        return bytes[range.upperBound - 2] == UInt8(truncatingIfNeeded: crc) && bytes[range.upperBound - 1] == UInt8(crc >> 8)
    }

    static func appendChecksum(_ bytes: inout [UInt8]) {
        let crc = checksum(bytes, 0..<bytes.count)
        bytes.append(UInt8(truncatingIfNeeded: crc))
        bytes.append(UInt8(crc >> 8))
    }

    /// The length of the answer that begins here; `nil` when its function is not known or its length is not there yet.
    static func answerLength(_ bytes: [UInt8], at place: Int, end: Int) -> Int? {
        guard end - place >= 3 else { return nil }
        switch bytes[place + 1] {
        case 1...4: return 5 + Int(bytes[place + 2])
        case 5, 6, 8, 15, 16: return requestLength
        case 0x81...0xAB: return exceptionLength
        default: return nil
        }
    }
}
