/// A block whose values stay coded.
package struct CodedBlock {
    package let frame: BlockFrame
    private let isText: Bool
    /// `nil` of texts, and when no value is kept.
    private let head: ValueCoding.Head?
    /// The values with their head, and where their codes begin.
    private let values: ArraySlice<UInt8>
    private let codes: Int

    /// Reads a block with its checksum. `isText` tells whether its stream is one of text.
    package init(_ bytes: ArraySlice<UInt8>, base: Int64, isText: (Int64) -> Bool) throws(BlockDamage) {
        let body = try BlockFrame.checked(bytes)
        var reader = BitReader(body)
        let frame = try BlockFrame(&reader, base: base)
        let (isText, values) = (isText(frame.stream), body.suffix(reader.remaining))
        let head = frame.kept > 0 && !isText ? try ValueCoding.Head(&reader) : nil
        (self.frame, self.isText, self.head, self.values, codes) = (
            frame, isText, head, values, body.endIndex - reader.remaining
        )
    }

    /// One block in the place of several, of which each follows the one before. Where the codes of each go on from
    /// those before, they are put together as they are; otherwise the values are coded anew.
    ///
    /// - Parameter group: their places among `all`.
    package static func joined(_ all: [CodedBlock], _ group: ArraySlice<Int>, base: Int64) throws(BlockDamage)
        -> [UInt8]
    {
        let frame = BlockFrame.joined(group.map { all[$0].frame })
        guard let first = first(all, group) else { return try decoded(all, group, frame: frame).encoded(base: base) }
        return frame.encoded(base: base, capacity: group.reduce(64) { $0 + all[$1].values.count }) { writer in
            first.write(to: &writer) { writer in
                for place in group {
                    if let head = all[place].head {
                        writer.append(bitsOf: all[place].values[all[place].codes...], padding: head.padding)
                    }
                }
            }
        }
    }

    /// The head to begin with, when all codes behind it go on from those before them.
    private static func first(_ all: [CodedBlock], _ group: ArraySlice<Int>) -> ValueCoding.Head? {
        var first: ValueCoding.Head?
        for place in group {
            guard let head = all[place].head else { continue }
            if first == nil { first = head } else if !head.isContinued { return nil }
        }
        return first
    }

    private static func decoded(_ all: [CodedBlock], _ group: ArraySlice<Int>, frame: BlockFrame) throws(BlockDamage)
        -> SampleBlock
    {
        var (bits, texts): ([Int64], [String]) = ([], [])
        bits.reserveCapacity(frame.count)
        for place in group {
            let decoded = try SampleBlock(frame: all[place].frame, values: all[place].values, isText: all[place].isText)
            bits += decoded.bits
            texts += decoded.texts
        }
        return SampleBlock(frame: frame, bits: bits, texts: texts)
    }
}
