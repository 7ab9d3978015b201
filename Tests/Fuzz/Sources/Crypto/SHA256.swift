/// Stands for the module of this name: a reader hashes its file for the record, which is not what is fuzzed, and the
/// library takes minutes to build. 32 bytes that depend on the data; no digest.
package enum SHA256 {
    package static func hash(data: [UInt8]) -> [UInt8] {
        var state: UInt64 = 0xCBF2_9CE4_8422_2325
        for byte in data { state = (state ^ UInt64(byte)) &* 0x100_0000_01B3 }
        return (0..<32).map { UInt8(truncatingIfNeeded: state >> (UInt64($0) % 8 * 8)) }
    }
}
