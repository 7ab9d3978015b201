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
        put(value, bits: min(bits, 32))
    }

    /// At most 56 bits, of which fewer than eight are still held.
    private mutating func put(_ value: UInt64, bits: Int) {
        held = held &<< UInt64(bits) | value & (1 &<< UInt64(bits) &- 1)
        heldCount += bits
        while heldCount >= 8 {
            heldCount -= 8
            bytes.append(UInt8(truncatingIfNeeded: held &>> UInt64(heldCount)))
        }
    }

    /// As many ones as `quotient`, a zero, and the lowest bits of `rest`.
    mutating func writeRice(quotient: Int, rest: UInt64, bits: Int) {
        let prefix: UInt64 = 1 &<< UInt64(quotient + 1) &- 2
        guard quotient + 1 + bits <= 48 else {
            put(prefix, bits: quotient + 1)
            return write(rest, bits: bits)
        }
        put(prefix &<< UInt64(bits) | rest & (1 &<< UInt64(bits) &- 1), bits: quotient + 1 + bits)
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
    /// Bits taken from the bytes but not yet read, the next one highest.
    private var held: UInt64 = 0
    private var heldCount = 0

    init(_ bytes: ArraySlice<UInt8>) {
        self.bytes = bytes
        place = bytes.startIndex
    }

    /// Whole bytes not yet read.
    var remaining: Int { bytes.endIndex - place + heldCount / 8 }

    private mutating func fill() {
        while heldCount <= 56, place < bytes.endIndex {
            held |= UInt64(bytes[place]) &<< UInt64(56 - heldCount)
            heldCount += 8
            place += 1
        }
    }

    private mutating func drop(_ count: Int) {
        held = count < 64 ? held &<< UInt64(count) : 0
        heldCount -= count
    }

    mutating func read(bits: Int) throws(BlockDamage) -> UInt64 {
        if bits > 32 { return try read(bits: bits - 32) << 32 | (try read(bits: 32)) }
        guard bits > 0 else { return 0 }
        if heldCount < bits { fill() }
        guard heldCount >= bits else { throw BlockDamage("the block ends within its values") }
        let value = held &>> UInt64(64 - bits)
        drop(bits)
        return value
    }

    /// Counts ones up to a zero, which is taken too, or up to a limit. Range of the limit: 0…32.
    mutating func ones(upTo limit: Int) throws(BlockDamage) -> Int {
        if heldCount <= limit { fill() }
        let found = (~held).leadingZeroBitCount
        if found >= limit {
            guard heldCount >= limit else { throw BlockDamage("the block ends within its values") }
            drop(limit)
            return limit
        }
        guard heldCount > found else { throw BlockDamage("the block ends within its values") }
        drop(found + 1)
        return found
    }

    /// Leaves out the bits up to the next whole byte, and gives back whole bytes taken in advance.
    mutating func align() {
        place -= heldCount / 8
        (held, heldCount) = (0, 0)
    }

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
    /// Eight tables one after the other: what a byte does to the sum when none to seven others follow it.
    private static let tables: [UInt32] = {
        var tables: [UInt32] = (0..<256).map { index in
            (0..<8).reduce(UInt32(index)) { crc, _ in crc & 1 == 1 ? crc >> 1 ^ 0x82F6_3B78 : crc >> 1 }
        }
        for index in 256..<2048 { tables.append(tables[index - 256] >> 8 ^ tables[Int(tables[index - 256] & 0xFF)]) }
        return tables
    }()

    static func compute(_ bytes: ArraySlice<UInt8>) -> UInt32 { ~update(.max, bytes) }

    static func compute(_ bytes: [UInt8]) -> UInt32 { ~update(.max, bytes[...]) }

    /// Takes more bytes into a sum that began with all ones; its complement is the checksum.
    static func update(_ sum: UInt32, _ bytes: ArraySlice<UInt8>) -> UInt32 {
        let tables = tables
        var sum = sum
        var place = bytes.startIndex
        while place + 8 <= bytes.endIndex {
            sum ^= UInt32(bytes[place]) | UInt32(bytes[place + 1]) << 8 | UInt32(bytes[place + 2]) << 16 | UInt32(bytes[place + 3]) << 24
            let low =
                tables[1792 + Int(sum & 0xFF)] ^ tables[1536 + Int(sum >> 8 & 0xFF)] ^ tables[1280 + Int(sum >> 16 & 0xFF)] ^ tables[1024 + Int(sum >> 24)]
            let high =
                tables[768 + Int(bytes[place + 4])] ^ tables[512 + Int(bytes[place + 5])] ^ tables[256 + Int(bytes[place + 6])] ^ tables[Int(bytes[place + 7])]
            sum = low ^ high
            place += 8
        }
        while place < bytes.endIndex {
            sum = sum >> 8 ^ tables[Int(UInt8(truncatingIfNeeded: sum) ^ bytes[place])]
            place += 1
        }
        return sum
    }
}
