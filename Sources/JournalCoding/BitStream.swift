/// A journal block that cannot be read: what is wrong, without any of its content.
package struct BlockDamage: Error, Equatable, CustomStringConvertible {
    package let description: String

    package init(_ description: String) { self.description = description }
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

    /// Makes the last byte whole. Returns how many bits that took.
    @discardableResult
    mutating func align() -> Int {
        defer { (held, heldCount) = (0, 0) }
        guard heldCount > 0 else { return 0 }
        bytes.append(UInt8(truncatingIfNeeded: held << UInt64(8 - heldCount)))
        return 8 - heldCount
    }

    /// Appends all bits of bytes but the last `padding` ones. Range of `padding`: 0…7.
    mutating func append(bitsOf more: ArraySlice<UInt8>, padding: Int) {
        guard !more.isEmpty else { return }
        var place = more.startIndex
        let last = more.endIndex - 1
        while place + 4 <= last {
            let high = UInt64(more[place]) << 24 | UInt64(more[place + 1]) << 16
            put(high | UInt64(more[place + 2]) << 8 | UInt64(more[place + 3]), bits: 32)
            place += 4
        }
        while place < last {
            put(UInt64(more[place]), bits: 8)
            place += 1
        }
        put(UInt64(more[last]) >> UInt64(padding), bits: 8 - padding)
    }

    /// Replaces a byte that was written.
    mutating func set(_ byte: UInt8, at place: Int) { bytes[place] = byte }

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

    /// Leaves out the bits up to the next whole byte, and gives back whole bytes taken in advance. Returns how many
    /// bits were left out.
    @discardableResult
    mutating func align() -> Int {
        defer { (held, heldCount) = (0, 0) }
        place -= heldCount / 8
        return heldCount % 8
    }

    mutating func byte() throws(BlockDamage) -> UInt8 {
        align()
        guard place < bytes.endIndex else { throw BlockDamage("the block ends within its header") }
        place += 1
        return bytes[place - 1]
    }

    mutating func take(_ count: Int) throws(BlockDamage) -> ArraySlice<UInt8> { bytes[try pass(count)] }

    /// Leaves bytes out, and returns where they are.
    mutating func pass(_ count: Int) throws(BlockDamage) -> Range<Int> {
        align()
        guard count >= 0, remaining >= count else { throw BlockDamage("the block ends within its content") }
        place += count
        return (place - count)..<place
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
        guard value <= UInt64(limit) else {
            throw BlockDamage("the block announces \(value) where at most \(limit) can be")
        }
        return Int(value)
    }
}

/// Small magnitudes of either sign as small numbers: 0, −1, 1, −2 … become 0, 1, 2, 3 ….
func zigzag(_ value: Int64) -> UInt64 { UInt64(bitPattern: value &<< 1 ^ value >> 63) }

func unzigzag(_ value: UInt64) -> Int64 { Int64(bitPattern: value >> 1) ^ -Int64(bitPattern: value & 1) }

/// CRC-32C (Castagnoli), reflected polynomial 0x82F63B78; the check value of "123456789" is 0xE3069283.
package enum CRC32C {
    /// Eight tables one after the other: what a byte does to the sum when none to seven others follow it.
    private static let tables: InlineArray<2048, UInt32> = {
        var tables = InlineArray<2048, UInt32>(repeating: 0)
        for index in 0..<256 {
            tables[index] = (0..<8).reduce(UInt32(index)) { crc, _ in crc & 1 == 1 ? crc >> 1 ^ 0x82F6_3B78 : crc >> 1 }
        }
        for index in 256..<2048 { tables[index] = tables[index - 256] >> 8 ^ tables[Int(tables[index - 256] & 0xFF)] }
        return tables
    }()

    package static func compute(_ bytes: ArraySlice<UInt8>) -> UInt32 { ~update(.max, bytes) }

    package static func compute(_ bytes: [UInt8]) -> UInt32 { ~update(.max, bytes[...]) }

    /// Takes a number's eight bytes into a sum, the lowest first.
    package static func update(_ sum: UInt32, _ number: Int64) -> UInt32 {
        step(sum ^ UInt32(truncatingIfNeeded: number), UInt32(truncatingIfNeeded: number >> 32))
    }

    /// Takes more bytes into a sum that began with all ones; its complement is the checksum.
    package static func update(_ sum: UInt32, _ bytes: ArraySlice<UInt8>) -> UInt32 {
        var sum = sum
        var place = bytes.startIndex
        while place + 8 <= bytes.endIndex {
            sum = step(sum ^ word(bytes, place), word(bytes, place + 4))
            place += 8
        }
        while place < bytes.endIndex {
            sum = sum >> 8 ^ tables[Int(UInt8(truncatingIfNeeded: sum) ^ bytes[place])]
            place += 1
        }
        return sum
    }

    @inline(__always)
    private static func word(_ bytes: ArraySlice<UInt8>, _ place: Int) -> UInt32 {
        UInt32(bytes[place]) | UInt32(bytes[place + 1]) << 8 | UInt32(bytes[place + 2]) << 16 | UInt32(bytes[place + 3])
            << 24
    }

    /// Eight bytes at once: the first four with the sum in them.
    @inline(__always)
    private static func step(_ first: UInt32, _ second: UInt32) -> UInt32 {
        tables[1792 + Int(first & 0xFF)] ^ tables[1536 + Int(first >> 8 & 0xFF)]
            ^ tables[1280 + Int(first >> 16 & 0xFF)] ^ tables[1024 + Int(first >> 24)]
            ^ tables[768 + Int(second & 0xFF)] ^ tables[512 + Int(second >> 8 & 0xFF)]
            ^ tables[256 + Int(second >> 16 & 0xFF)] ^ tables[Int(second >> 24)]
    }
}
