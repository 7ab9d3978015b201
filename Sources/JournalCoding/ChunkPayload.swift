/// Blocks one after the other, each with its length before it.
package enum ChunkPayload {
    /// CRC-32C over a chunk's numbers and over the length and the checksum of each of its blocks: what stands beside
    /// the blocks, and which blocks there are. What is in a block, its own checksum covers; so a damaged block costs no
    /// other.
    package static func checksum(_ numbers: [Int64], payload: [UInt8]) -> Int64 {
        var sum = numbers.reduce(UInt32.max) { CRC32C.update($0, $1) }
        for block in places(payload) {
            sum = CRC32C.update(sum, Int64(block.count))
            sum = CRC32C.update(sum, payload[max(block.lowerBound, block.upperBound - 4)..<block.upperBound])
        }
        return Int64(~sum)
    }

    package static func join(_ blocks: [[UInt8]]) -> [UInt8] {
        var writer = BitWriter(capacity: blocks.reduce(0) { $0 + $1.count + 4 })
        for block in blocks {
            writer.varint(UInt64(block.count))
            writer.append(block)
        }
        return writer.bytes
    }

    /// The blocks of a payload; what does not fit its announced length ends it.
    package static func split(_ payload: [UInt8]) -> [ArraySlice<UInt8>] { places(payload).map { payload[$0] } }

    private static func places(_ payload: [UInt8]) -> [Range<Int>] {
        var reader = BitReader(payload[...])
        var places: [Range<Int>] = []
        while reader.remaining > 0 {
            guard let length = try? reader.count(payload.count), let place = try? reader.pass(length) else {
                places.append(0..<0)
                break
            }
            places.append(place)
        }
        return places
    }
}
