/// How the values of a block are written: by differences (none, first or second, whichever is smallest in the mean) with Rice codes whose parameter
/// follows the running mean of what went before. Every bit comes back, extremes and wrapped differences too.
///
/// On a real ECG (108,000 samples at 360 Hz, blocks of 15 s) it takes less than the best fixed parameter of each block does; a test says so.
enum ValueCoding {
    /// Longer unary parts are escaped to the 64 bits themselves.
    private static let escape = 24
    /// The mean is kept times eight, and moves by an eighth of each difference.
    private static let shift: UInt64 = 3
    /// What a single difference can move the mean by at most; keeps sums within 64 bits.
    private static let ceiling: UInt64 = 1 << 40

    // MARK: Numbers

    static func write(_ values: [Int64], to writer: inout BitWriter) {
        guard !values.isEmpty else { return }
        let (order, mean) = choose(values)
        writer.byte(UInt8(order))
        writer.varint(mean)
        for value in values.prefix(order) { writer.signed(value) }
        var before = order > 0 ? values[order - 1] : 0
        var slope = order > 1 ? values[1] &- values[0] : 0
        var scaled = mean
        for index in order..<values.count {
            let value = values[index]
            let residual = zigzag(order == 0 ? value : order == 1 ? value &- before : value &- before &- slope)
            slope = value &- before
            before = value
            let parameter = parameter(scaled)
            let quotient = residual >> UInt64(parameter)
            if quotient < UInt64(escape) {
                writer.writeRice(quotient: Int(quotient), rest: residual, bits: parameter)
            } else {
                writer.write(1 << UInt64(escape) - 1, bits: escape)
                writer.write(residual, bits: 64)
            }
            scaled = scaled &+ min(residual, ceiling) &- scaled >> shift
        }
        writer.align()
    }

    static func read(_ reader: inout BitReader, count: Int) throws(BlockDamage) -> [Int64] {
        guard count > 0 else { return [] }
        let order = Int(try reader.byte())
        guard order <= 2, order < count || order == 0 else { throw BlockDamage("the block's values are of an unknown kind") }
        var scaled = try reader.varint()
        guard scaled <= ceiling << shift else { throw BlockDamage("the block's values are of an unknown kind") }
        guard reader.remaining * 8 >= count - order else { throw BlockDamage("the block announces more values than it has bits") }
        var values: [Int64] = []
        values.reserveCapacity(count)
        for _ in 0..<order { values.append(try reader.signed()) }
        var before = order > 0 ? values[order - 1] : 0
        var slope = order > 1 ? values[1] &- values[0] : 0
        for _ in order..<count {
            let parameter = parameter(scaled)
            let quotient = try reader.ones(upTo: escape)
            let residual = quotient == escape ? try reader.read(bits: 64) : UInt64(quotient) << UInt64(parameter) | (try reader.read(bits: parameter))
            let difference = unzigzag(residual)
            let value = order == 0 ? difference : order == 1 ? before &+ difference : before &+ slope &+ difference
            slope = value &- before
            before = value
            values.append(value)
            scaled = scaled &+ min(residual, ceiling) &- scaled >> shift
        }
        reader.align()
        return values
    }

    /// The order whose differences are smallest, and their mean times eight.
    private static func choose(_ values: [Int64]) -> (order: Int, mean: UInt64) {
        var sums: (UInt64, UInt64, UInt64) = (0, 0, 0)
        var (before, slope): (Int64, Int64) = (0, 0)
        for (index, value) in values.enumerated() {
            let difference = value &- before
            sums.0 &+= min(zigzag(value), ceiling)
            if index > 0 { sums.1 &+= min(zigzag(difference), ceiling) }
            if index > 1 { sums.2 &+= min(zigzag(difference &- slope), ceiling) }
            (before, slope) = (value, difference)
        }
        let counts = (UInt64(values.count), UInt64(max(1, values.count - 1)), UInt64(max(1, values.count - 2)))
        let means = (sums.0 << shift / counts.0, sums.1 << shift / counts.1, sums.2 << shift / counts.2)
        // A higher order writes more values whole: it must be worth it.
        if values.count > 3, means.2 < means.1, means.2 < means.0 { return (2, means.2) }
        if values.count > 1, means.1 < means.0 { return (1, means.1) }
        return (0, means.0)
    }

    /// The Rice parameter for a mean: the power of two at or below it.
    private static func parameter(_ scaled: UInt64) -> Int {
        let mean = scaled >> shift
        return mean == 0 ? 0 : 63 - mean.leadingZeroBitCount
    }

    // MARK: Text

    static func write(texts: [String], to writer: inout BitWriter) {
        guard !texts.isEmpty else { return }
        var distinct: [String] = []
        var places: [String: Int64] = [:]
        let indices = texts.map { text -> Int64 in
            if let index = places[text] { return index }
            places[text] = Int64(distinct.count)
            distinct.append(text)
            return Int64(distinct.count - 1)
        }
        writer.varint(UInt64(distinct.count))
        for text in distinct {
            writer.varint(UInt64(text.utf8.count))
            writer.append(text.utf8)
        }
        write(indices, to: &writer)
    }

    static func readTexts(_ reader: inout BitReader, count: Int, longest: Int) throws(BlockDamage) -> [String] {
        guard count > 0 else { return [] }
        var distinct: [String] = []
        for _ in 0..<(try reader.count(count)) {
            let length = try reader.count(longest)
            distinct.append(String(decoding: try reader.take(length), as: UTF8.self))
        }
        let indices = try read(&reader, count: count)
        var texts: [String] = []
        for index in indices {
            guard let position = Int(exactly: index), distinct.indices.contains(position) else {
                throw BlockDamage("the block points to a text that it does not have")
            }
            texts.append(distinct[position])
        }
        return texts
    }
}
