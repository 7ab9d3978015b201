/// The checksums of device protocols. Each is proved by the published check value of its catalogue entry or by vectors.
public enum ChecksumAlgorithm: String, Sendable, CaseIterable {
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
    public var bits: Int {
        switch self {
        case .sum8, .invertedSum8, .zeroSum8, .xor8, .crc8: 8
        case .sum16, .crc16CCITTFalse, .crc16XMODEM, .crc16X25, .crc16Modbus: 16
        }
    }

    /// The checksum of some bytes. No allocation.
    public func compute(_ bytes: some Sequence<UInt8>) -> UInt16 {
        switch self {
        case .sum8: UInt16(bytes.reduce(UInt8(0), &+))
        case .invertedSum8: UInt16(0xFF - bytes.reduce(UInt8(0), &+))
        case .zeroSum8: UInt16(0 &- bytes.reduce(UInt8(0), &+))
        case .sum16: bytes.reduce(UInt16(0)) { $0 &+ UInt16($1) }
        case .xor8: UInt16(bytes.reduce(UInt8(0), ^))
        case .crc8: Self.forward8(bytes)
        case .crc16CCITTFalse: Self.forward(bytes, start: 0xFFFF)
        case .crc16XMODEM: Self.forward(bytes, start: 0)
        case .crc16X25: ~Self.reflected(bytes, polynomial: 0x8408, start: 0xFFFF)
        case .crc16Modbus: Self.reflected(bytes, polynomial: 0xA001, start: 0xFFFF)
        }
    }

    private static func forward8(_ bytes: some Sequence<UInt8>) -> UInt16 {
        var crc: UInt8 = 0
        for byte in bytes {
            crc ^= byte
            for _ in 0..<8 { crc = crc & 0x80 != 0 ? crc << 1 ^ 0x07 : crc << 1 }
        }
        return UInt16(crc)
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

/// How the number of a checksum is written.
public enum ChecksumEncoding: String, Sendable, Hashable, CaseIterable {
    /// The number itself, the more significant byte first.
    case raw
    case rawLowFirst = "raw-low-first"
    /// Upper-case hexadecimal digits.
    case hex
    case hexLower = "hex-lower"
    /// Decimal digits with leading zeros.
    case decimal

    /// Size on the wire of a checksum of so many bits; `digits` counts for ``decimal`` only. Unit: bytes.
    public func length(bits: Int, digits: Int) -> Int {
        switch self {
        case .raw, .rawLowFirst: bits / 8
        case .hex, .hexLower: bits / 4
        case .decimal: digits
        }
    }

    /// One byte of the number as it stands on the wire. No allocation.
    public func byte(_ position: Int, of value: UInt16, length: Int) -> UInt8 {
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
public struct ChecksumRule: Sendable {
    public enum Coverage: Sendable, Hashable {
        /// Bytes of the frame, counted from its first byte as 0; without an end, to the byte before the checksum.
        case bytes(from: Int, through: Int?)
        /// All between the start mark and the mark before the checksum.
        case payload
    }

    public let algorithm: ChecksumAlgorithm
    public let coverage: Coverage
    public let encoding: ChecksumEncoding
    /// Digits of a decimal checksum.
    public let digits: Int
    /// The checksum's first byte; `nil` when it is the last thing before the end mark.
    public let at: Int?
    /// The marks of which one stands right before the checksum; empty when there is none.
    public let after: [UInt8]
    /// Computed over the bytes as they are on the wire, with their stuffing.
    public let overWire: Bool

    /// Size on the wire. Unit: bytes.
    public var length: Int { encoding.length(bits: algorithm.bits, digits: digits) }

    /// The checksum of some bytes as it stands on the wire.
    public func encoded(over bytes: some Sequence<UInt8>) -> [UInt8] {
        let value = algorithm.compute(bytes)
        return (0..<length).map { encoding.byte($0, of: value, length: length) }
    }

    /// Whether the bytes on the wire are this checksum. No allocation.
    public func matches(_ written: some Collection<UInt8>, over bytes: some Sequence<UInt8>) -> Bool {
        guard written.count == length else { return false }
        let value = algorithm.compute(bytes)
        var position = 0
        for byte in written {
            if byte != encoding.byte(position, of: value, length: length) { return false }
            position += 1
        }
        return true
    }
}
