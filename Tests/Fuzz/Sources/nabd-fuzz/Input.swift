/// The fuzzer's bytes, taken one after the other; zeros when they are over.
struct Input {
    private let bytes: [UInt8]
    private var place = 0

    init(_ bytes: [UInt8]) { self.bytes = bytes }

    var isOver: Bool { place >= bytes.count }

    mutating func byte() -> UInt8 {
        guard place < bytes.count else { return 0 }
        place += 1
        return bytes[place - 1]
    }

    /// Two bytes, the more significant first.
    mutating func word() -> Int { Int(byte()) << 8 | Int(byte()) }

    mutating func number() -> Int64 { (0..<8).reduce(0) { sum, _ in sum << 8 | Int64(byte()) } }

    /// At most so many bytes.
    mutating func take(_ count: Int) -> [UInt8] {
        let end = min(bytes.count, place + count)
        defer { place = end }
        return Array(bytes[place..<end])
    }

    mutating func rest() -> [UInt8] { take(bytes.count) }

    /// One of a list; `nil` when it is empty.
    mutating func one<Element>(of list: [Element]) -> Element? {
        let choice = list.count > 256 ? word() : Int(byte())
        return list.isEmpty ? nil : list[choice % list.count]
    }
}

/// Sizes of the pieces in which bytes arrive: the same for the same seed (SplitMix64). Seed 0 brings them one by one.
struct Pieces {
    private var state: UInt64
    private let isOneByOne: Bool

    init(seed: UInt8) {
        state = UInt64(seed)
        isOneByOne = seed == 0
    }

    mutating func next() -> Int {
        if isOneByOne { return 1 }
        state &+= 0x9E37_79B9_7F4A_7C15
        var z = state
        z = (z ^ z >> 30) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ z >> 27) &* 0x94D0_49BB_1331_11EB
        z ^= z >> 31
        // Mostly small, sometimes more than a frame.
        return 1 + Int(z % (z >> 32 & 7 == 0 ? 700 : 24))
    }
}
