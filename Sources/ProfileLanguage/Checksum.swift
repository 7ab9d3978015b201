/// The checksums of device protocols. Each is proved by the published check value of its catalogue entry or by vectors.
package enum ChecksumAlgorithm: String, Sendable, CaseIterable {
    /// The low byte of the sum of all bytes.
    case sum8 = "sum8"
    /// All bits of ``sum8`` inverted (0xFF − sum).
    case invertedSum8 = "inverted-sum8"
    /// The two's complement of ``sum8``: all bytes with it sum to 0.
    case zeroSum8 = "zero-sum8"
    /// The low 16 bits of the sum of all bytes.
    case sum16 = "sum16"
    /// All bytes combined by exclusive or.
    case xor8 = "xor8"
    /// CRC-8 with polynomial 0x07, start 0; check value 0xF4.
    case crc8 = "crc8"
    /// CRC-16 with polynomial 0x1021, start 0xFFFF; check value 0x29B1.
    case crc16CCITTFalse = "crc16-ccitt-false"
    /// CRC-16 with polynomial 0x1021, start 0; check value 0x31C3.
    case crc16XMODEM = "crc16-xmodem"
    /// CRC-16 with polynomial 0x1021 reflected, start 0xFFFF, inverted at the end; check value 0x906E.
    case crc16X25 = "crc16-x25"
    /// CRC-16 with polynomial 0x8005 reflected, start 0xFFFF; check value 0x4B37.
    case crc16Modbus = "crc16-modbus"

    /// Size of the result. Unit: bits.
    package var bits: Int {
        switch self {
        case .sum8, .invertedSum8, .zeroSum8, .xor8, .crc8: 8
        case .sum16, .crc16CCITTFalse, .crc16XMODEM, .crc16X25, .crc16Modbus: 16
        }
    }

    /// The checksum of some bytes.
    package func compute(_ bytes: some Sequence<UInt8>) -> UInt16 {
        let bytes = Array(bytes)
        return compute(bytes, 0..<bytes.count)
    }

    /// The checksum of some bytes of an array. No allocation.
    package func compute(_ bytes: [UInt8], _ range: Range<Int>) -> UInt16 {
        switch self {
        case .sum8: return Self.sum(bytes, range) & 0xFF
        case .invertedSum8: return ~Self.sum(bytes, range) & 0xFF
        case .zeroSum8: return (0 &- Self.sum(bytes, range)) & 0xFF
        case .sum16: return Self.sum(bytes, range)
        case .xor8:
            var sum: UInt8 = 0
            for place in range { sum ^= bytes[place] }
            return UInt16(sum)
        case .crc8:
            var crc: UInt8 = 0
            for place in range {
                crc ^= bytes[place]
                for _ in 0..<8 { crc = crc & 0x80 != 0 ? crc << 1 ^ 0x07 : crc << 1 }
            }
            return UInt16(crc)
        case .crc16CCITTFalse: return Self.forward(bytes, range, start: 0xFFFF)
        case .crc16XMODEM: return Self.forward(bytes, range, start: 0)
        case .crc16X25: return ~Self.reflected(bytes, range, Self.reflected1021)
        case .crc16Modbus: return Self.reflected(bytes, range, Self.reflected8005)
        }
    }

    private static func sum(_ bytes: [UInt8], _ range: Range<Int>) -> UInt16 {
        var sum: UInt16 = 0
        for place in range { sum &+= UInt16(bytes[place]) }
        return sum
    }

    /// What one byte makes of a CRC, for every byte.
    private static let forward1021: [UInt16] = (0..<256).map { byte in
        (0..<8).reduce(UInt16(byte) << 8) { crc, _ in crc & 0x8000 != 0 ? crc << 1 ^ 0x1021 : crc << 1 }
    }
    private static let reflected1021 = reflectedTable(0x8408)
    private static let reflected8005 = reflectedTable(0xA001)

    private static func reflectedTable(_ polynomial: UInt16) -> [UInt16] {
        (0..<256).map { byte in
            (0..<8).reduce(UInt16(byte)) { crc, _ in crc & 1 != 0 ? crc >> 1 ^ polynomial : crc >> 1 }
        }
    }

    private static func forward(_ bytes: [UInt8], _ range: Range<Int>, start: UInt16) -> UInt16 {
        let table = forward1021
        var crc = start
        for place in range { crc = crc << 8 ^ table[Int(UInt8(crc >> 8) ^ bytes[place])] }
        return crc
    }

    private static func reflected(_ bytes: [UInt8], _ range: Range<Int>, _ table: [UInt16]) -> UInt16 {
        var crc: UInt16 = 0xFFFF
        for place in range { crc = crc >> 8 ^ table[Int(UInt8(truncatingIfNeeded: crc) ^ bytes[place])] }
        return crc
    }
}

/// How the number of a checksum is written.
package enum ChecksumEncoding: String, Sendable, Hashable, CaseIterable {
    /// The number itself, the more significant byte first.
    case raw
    case rawLowFirst = "raw-low-first"
    /// Upper-case hexadecimal digits.
    case hex
    case hexLower = "hex-lower"
    /// Decimal digits with leading zeros.
    case decimal

    /// Size on the wire of a checksum of so many bits; `digits` counts for ``decimal`` only. Unit: bytes.
    package func length(bits: Int, digits: Int) -> Int {
        switch self {
        case .raw, .rawLowFirst: bits / 8
        case .hex, .hexLower: bits / 4
        case .decimal: digits
        }
    }

    /// One byte of the number as it stands on the wire. No allocation.
    package func byte(_ position: Int, of value: UInt16, length: Int) -> UInt8 {
        switch self {
        case .raw: return UInt8(truncatingIfNeeded: value >> (8 * UInt16(length - 1 - position)))
        case .rawLowFirst: return UInt8(truncatingIfNeeded: value >> (8 * UInt16(position)))
        case .hex, .hexLower:
            let nibble = UInt8(truncatingIfNeeded: value >> (4 * UInt16(length - 1 - position))) & 15
            return nibble < 10 ? 0x30 + nibble : (self == .hex ? 0x37 : 0x57) + nibble
        case .decimal:
            var left = UInt32(value)
            for _ in 0..<(length - 1 - position) { left /= 10 }
            return 0x30 + UInt8(truncatingIfNeeded: left % 10)
        }
    }
}

/// A checksum within a frame: over which bytes, written how, standing where.
package struct ChecksumRule: Sendable {
    package enum Coverage: Sendable, Hashable {
        /// Bytes of the frame, counted from its first byte as 0; without an end, to the byte before the checksum.
        case bytes(from: Int, through: Int?)
        /// All between the start mark and the mark before the checksum.
        case payload
    }

    package let algorithm: ChecksumAlgorithm
    package let coverage: Coverage
    package let encoding: ChecksumEncoding
    /// Digits of a decimal checksum.
    package let digits: Int
    /// The checksum's first byte; `nil` when it is the last thing before the end mark.
    package let at: Int?
    /// The marks of which one stands right before the checksum; empty when there is none.
    package let after: [[UInt8]]
    /// Computed over the bytes as they are on the wire, with their stuffing.
    package let overWire: Bool

    /// Bytes of the mark; all have as many.
    package var markLength: Int { after.first?.count ?? 0 }

    /// Whether one of the marks ends right before a place.
    package func isMarked(_ bytes: [UInt8], before place: Int) -> Bool {
        place >= markLength
            && after.contains { mark in mark.indices.allSatisfy { bytes[place - mark.count + $0] == mark[$0] } }
    }

    /// Size on the wire. Unit: bytes.
    package var length: Int { encoding.length(bits: algorithm.bits, digits: digits) }

    /// The checksum of some bytes as it stands on the wire.
    package func encoded(over bytes: some Sequence<UInt8>) -> [UInt8] {
        let value = algorithm.compute(bytes)
        return (0..<length).map { encoding.byte($0, of: value, length: length) }
    }

    /// Whether the bytes from `place` of `written` are this checksum of a range of `bytes`. No allocation.
    package func matches(_ written: [UInt8], at place: Int, over bytes: [UInt8], _ range: Range<Int>) -> Bool {
        let length = length
        guard place >= 0, place + length <= written.count, range.upperBound <= bytes.count else { return false }
        let value = algorithm.compute(bytes, range)
        for position in 0..<length where written[place + position] != encoding.byte(position, of: value, length: length)
        { return false }
        return true
    }
}
