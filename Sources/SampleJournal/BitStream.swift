/// A journal block that cannot be read: what is wrong, without any of its content.
public struct BlockDamage: Error, Equatable, CustomStringConvertible {
    public let description: String

    init(_ description: String) { self.description = description }
}

/// Appends bits, the most significant first, and whole bytes.
struct BitWriter {
    /// Whole bytes written so far; ``align()`` makes the last one whole.
    private(set) var bytes: [UInt8] = []
    /// Bits that do not fill a byte yet, the last written lowest.
    private var held: UInt64 = 0
    private var heldCount = 0

    init(capacity: Int = 0) { bytes.reserveCapacity(capacity) }

    mutating func write(_ value: UInt64, bits: Int) {
        if bits > 32 { write(value >> 32, bits: bits - 32) }
        let count = min(bits, 32)
        held = held << UInt64(count) | value & (1 << UInt64(count) - 1)
        heldCount += count
        while heldCount >= 8 {
            heldCount -= 8
            bytes.append(UInt8(truncatingIfNeeded: held >> UInt64(heldCount)))
        }
    }

    mutating func align() {
        if heldCount > 0 { bytes.append(UInt8(truncatingIfNeeded: held << UInt64(8 - heldCount))) }
        (held, heldCount) = (0, 0)
    }

    mutating func byte(_ value: UInt8) {
        align()
        bytes.append(value)
    }

    mutating func append(_ more: some Sequence<UInt8>) {
        align()
        bytes += more
    }

    /// A number of seven bits a byte, the least significant first.
    mutating func varint(_ value: UInt64) {
        align()
        var rest = value
        while rest >= 0x80 {
            bytes.append(UInt8(truncatingIfNeeded: rest) | 0x80)
            rest >>= 7
        }
        bytes.append(UInt8(rest))
    }

    mutating func signed(_ value: Int64) { varint(zigzag(value)) }
}

/// Takes bits and bytes back; throws at the end instead of reading beyond it.
struct BitReader {
    private let bytes: ArraySlice<UInt8>
    private var place: Int
    private var left = 0

    init(_ bytes: ArraySlice<UInt8>) {
        self.bytes = bytes
        place = bytes.startIndex
    }

    /// Whole bytes not yet read.
    var remaining: Int { bytes.endIndex - place }

    mutating func read(bits: Int) throws(BlockDamage) -> UInt64 {
        var value: UInt64 = 0
        var wanted = bits
        while wanted > 0 {
            if left == 0 {
                guard place < bytes.endIndex else { throw BlockDamage("the block ends within its values") }
                place += 1
                left = 8
            }
            let taken = min(left, wanted)
            let part = bytes[place - 1] >> UInt8(left - taken) & UInt8(truncatingIfNeeded: 1 << UInt64(taken) - 1)
            value = value << UInt64(taken) | UInt64(part)
            left -= taken
            wanted -= taken
        }
        return value
    }

    mutating func align() { left = 0 }

    mutating func byte() throws(BlockDamage) -> UInt8 {
        align()
        guard place < bytes.endIndex else { throw BlockDamage("the block ends within its header") }
        place += 1
        return bytes[place - 1]
    }

    mutating func take(_ count: Int) throws(BlockDamage) -> ArraySlice<UInt8> {
        align()
        guard count >= 0, remaining >= count else { throw BlockDamage("the block ends within its content") }
        place += count
        return bytes[(place - count)..<place]
    }

    mutating func varint() throws(BlockDamage) -> UInt64 {
        var value: UInt64 = 0
        var shift: UInt64 = 0
        while true {
            let next = try byte()
            guard shift < 63 || next <= 1 else { throw BlockDamage("a number in the block is longer than 64 bits") }
            value |= UInt64(next & 0x7F) << shift
            if next & 0x80 == 0 { return value }
            shift += 7
            guard shift <= 63 else { throw BlockDamage("a number in the block is longer than 64 bits") }
        }
    }

    mutating func signed() throws(BlockDamage) -> Int64 { unzigzag(try varint()) }

    /// A number that must not exceed a limit.
    mutating func count(_ limit: Int) throws(BlockDamage) -> Int {
        let value = try varint()
        guard value <= UInt64(limit) else { throw BlockDamage("the block announces \(value) where at most \(limit) can be") }
        return Int(value)
    }
}

/// Small magnitudes of either sign as small numbers: 0, −1, 1, −2 … become 0, 1, 2, 3 ….
func zigzag(_ value: Int64) -> UInt64 { UInt64(bitPattern: value &<< 1 ^ value >> 63) }

func unzigzag(_ value: UInt64) -> Int64 { Int64(bitPattern: value >> 1) ^ -Int64(bitPattern: value & 1) }

/// CRC-32C (Castagnoli), reflected polynomial 0x82F63B78; the check value of "123456789" is 0xE3069283.
enum CRC32C {
    private static let table: [UInt32] = (0..<256).map { index in
        (0..<8).reduce(UInt32(index)) { crc, _ in crc & 1 == 1 ? crc >> 1 ^ 0x82F6_3B78 : crc >> 1 }
    }

    static func compute(_ bytes: some Sequence<UInt8>) -> UInt32 {
        var crc = UInt32.max
        for byte in bytes { crc = crc >> 8 ^ table[Int(UInt8(truncatingIfNeeded: crc) ^ byte)] }
        return ~crc
    }
}
