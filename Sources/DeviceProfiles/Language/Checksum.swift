/// The checksums of device protocols. Each is proved by the published check value of its catalogue entry or by vectors.
public enum ChecksumAlgorithm: String, Sendable, CaseIterable {
    /// The low byte of the sum of all bytes.
    case sum8 = "sum8"
    /// All bits of ``sum8`` inverted (0xFF − sum).
    case invertedSum8 = "inverted-sum8"
    /// All bytes combined by exclusive or.
    case xor8 = "xor8"
    /// CRC-16 with polynomial 0x1021, start 0xFFFF; check value 0x29B1.
    case crc16CCITTFalse = "crc16-ccitt-false"
    /// CRC-16 with polynomial 0x1021, start 0; check value 0x31C3.
    case crc16XMODEM = "crc16-xmodem"
    /// CRC-16 with polynomial 0x8005 reflected, start 0xFFFF; check value 0x4B37.
    case crc16Modbus = "crc16-modbus"

    /// Size of the result. Unit: bits.
    public var bits: Int {
        switch self {
        case .sum8, .invertedSum8, .xor8: 8
        case .crc16CCITTFalse, .crc16XMODEM, .crc16Modbus: 16
        }
    }

    /// The checksum of some bytes.
    public func compute(_ bytes: some Sequence<UInt8>) -> UInt16 {
        switch self {
        case .sum8: UInt16(bytes.reduce(UInt8(0), &+))
        case .invertedSum8: UInt16(0xFF - bytes.reduce(UInt8(0), &+))
        case .xor8: UInt16(bytes.reduce(UInt8(0), ^))
        case .crc16CCITTFalse: Self.forward(bytes, start: 0xFFFF)
        case .crc16XMODEM: Self.forward(bytes, start: 0)
        case .crc16Modbus: Self.reflected(bytes, polynomial: 0xA001, start: 0xFFFF)
        }
    }

    private static func forward(_ bytes: some Sequence<UInt8>, start: UInt16) -> UInt16 {
        var crc = start
        for byte in bytes {
            crc ^= UInt16(byte) << 8
            for _ in 0..<8 { crc = crc & 0x8000 != 0 ? crc << 1 ^ 0x1021 : crc << 1 }
        }
        return crc
    }

    private static func reflected(_ bytes: some Sequence<UInt8>, polynomial: UInt16, start: UInt16) -> UInt16 {
        var crc = start
        for byte in bytes {
            crc ^= UInt16(byte)
            for _ in 0..<8 { crc = crc & 1 != 0 ? crc >> 1 ^ polynomial : crc >> 1 }
        }
        return crc
    }
}

/// A checksum within a frame: over which bytes, written how, standing where.
public struct ChecksumRule: Sendable {
    public enum Coverage: Sendable, Hashable {
        /// Bytes of the frame, counted from its first byte as 0.
        case bytes(ClosedRange<Int>)
        /// All between the start mark and the mark before the checksum.
        case payload
    }

    public enum Encoding: String, Sendable {
        /// The number itself, the more significant byte first.
        case raw
        /// Upper-case hexadecimal digits.
        case hex
    }

    public enum Place: Sendable, Hashable {
        /// From this byte of the frame on.
        case at(Int)
        /// Between this mark and the frame's end mark.
        case after(UInt8)
    }

    public let algorithm: ChecksumAlgorithm
    public let coverage: Coverage
    public let encoding: Encoding
    public let place: Place

    /// Size on the wire. Unit: bytes.
    public var length: Int { encoding == .hex ? algorithm.bits / 4 : algorithm.bits / 8 }

    /// The checksum of some bytes as it stands on the wire.
    public func encoded(over bytes: some Sequence<UInt8>) -> [UInt8] {
        let value = algorithm.compute(bytes)
        return (0..<length).map { Self.digit($0, of: value, encoding: encoding, length: length) }
    }

    /// Whether the bytes on the wire are this checksum. No allocation.
    public func matches(_ written: some Collection<UInt8>, over bytes: some Sequence<UInt8>) -> Bool {
        guard written.count == length else { return false }
        let value = algorithm.compute(bytes)
        var position = 0
        for byte in written {
            if byte != Self.digit(position, of: value, encoding: encoding, length: length) { return false }
            position += 1
        }
        return true
    }

    private static func digit(_ position: Int, of value: UInt16, encoding: Encoding, length: Int) -> UInt8 {
        switch encoding {
        case .raw: return UInt8(truncatingIfNeeded: value >> (8 * UInt16(length - 1 - position)))
        case .hex:
            let nibble = UInt8(truncatingIfNeeded: value >> (4 * UInt16(length - 1 - position))) & 15
            return nibble < 10 ? 0x30 + nibble : 0x37 + nibble
        }
    }
}
