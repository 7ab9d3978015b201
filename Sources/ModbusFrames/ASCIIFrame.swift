/// Modbus ASCII: the same requests and answers as RTU, in hexadecimal digits with a sum of their own. Source: MODBUS
/// over Serial Line V1.02, 2.5.2.
package enum ASCIIFrame {
    /// The longest frame: colon, 255 bytes in two digits each, CR, LF. Unit: characters.
    package static let longest = 513

    /// The frame in ASCII of one in RTU. The checksum is replaced by the sum over the bytes themselves, not over their
    /// digits.
    package static func ascii(ofRTU frame: [UInt8]) -> [UInt8] {
        let bytes = frame.dropLast(2)
        var characters: [UInt8] = [0x3A]
        characters.reserveCapacity(2 * frame.count + 3)
        for byte in bytes { append(byte, to: &characters) }
        append(sum(bytes), to: &characters)
        return characters + [0x0D, 0x0A]
    }

    /// All bytes with it sum to 0.
    static func sum(_ bytes: some Sequence<UInt8>) -> UInt8 { 0 &- bytes.reduce(0) { $0 &+ $1 } }

    private static func append(_ byte: UInt8, to characters: inout [UInt8]) {
        for nibble in [byte >> 4, byte & 15] { characters.append(nibble < 10 ? 0x30 + nibble : 0x37 + nibble) }
    }

    static func nibble(_ character: UInt8) -> UInt8? {
        switch character {
        case 0x30...0x39: character - 0x30
        case 0x41...0x46: character - 0x37
        default: nil
        }
    }
}

/// Takes characters of Modbus ASCII and gives whole frames as RTU has them. What is not whole is dropped.
package struct ASCIIReader: Sendable {
    private var bytes: [UInt8] = []
    private var high: UInt8?
    private var isInFrame = false
    private var isEnding = false

    package init() { bytes.reserveCapacity(RTUFrame.longest) }

    /// A new connection, or a new caller: what has begun belongs to nothing.
    package mutating func reset() {
        bytes.removeAll(keepingCapacity: true)
        (high, isInFrame, isEnding) = (nil, false, false)
    }

    /// Takes one character; puts the frame that it ends behind `frames`.
    package mutating func take(_ character: UInt8, into frames: inout [UInt8]) {
        if character == 0x3A {
            reset()
            isInFrame = true
            return
        }
        guard isInFrame else { return }
        if isEnding {
            if character == 0x0A, high == nil, bytes.count >= 3,
                ASCIIFrame.sum(bytes.dropLast()) == bytes[bytes.count - 1]
            {
                bytes.removeLast()
                RTUFrame.seal(&bytes)
                frames += bytes
            }
            return reset()
        }
        if character == 0x0D {
            isEnding = true
        } else if let nibble = ASCIIFrame.nibble(character), bytes.count < RTUFrame.longest - 1 {
            if let first = high { bytes.append(first << 4 | nibble) }
            high = high == nil ? nibble : nil
        } else {
            reset()
        }
    }
}
