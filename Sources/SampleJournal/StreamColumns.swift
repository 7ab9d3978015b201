package import DeviceModel
import JournalCoding

/// A stream in columns of time of equal width: the least and the greatest value of each, and where there are none.
package struct StreamColumns: Sendable, Equatable {
    /// The number of the stream.
    package let stream: Int64
    package let descriptor: StreamDescriptor
    /// Values in each column; samples that carry none are not among them.
    package private(set) var count: [Int]
    /// Whose the values of each column are, where that was asked for.
    package private(set) var holders: [ColumnHolder]
    /// The gaps, oldest first where the wall clock was not set back. Those that lie within one column with the one
    /// before are told as one. At most two a column and 64.
    package private(set) var gaps: [StreamGap] = []
    /// Blocks that cannot be read and are of the stream, or may be.
    package internal(set) var damagedBlocks = 0
    /// What the bits are compared by: the least and the greatest of each column.
    private var least: [Int64]
    private var greatest: [Int64]
    private let order: ValueOrder
    private let edges: ColumnEdges
    /// The column of the last sample: the next one is there too, or in the next.
    private var place = 0

    init(_ stream: Int64, _ descriptor: StreamDescriptor, _ edges: ColumnEdges) {
        (self.stream, self.descriptor, self.edges) = (stream, descriptor, edges)
        order = ValueOrder(descriptor.form)
        count = [Int](repeating: 0, count: edges.count)
        holders = [ColumnHolder](repeating: .none, count: edges.count)
        least = [Int64](repeating: .max, count: edges.count)
        greatest = [Int64](repeating: .min, count: edges.count)
    }

    /// The bits of the least and the greatest value of a column, in the stream's form; `nil` where there is none.
    package func low(_ column: Int) -> Int64? { count[column] > 0 ? order.bits(least[column]) : nil }
    package func high(_ column: Int) -> Int64? { count[column] > 0 ? order.bits(greatest[column]) : nil }

    /// The same as an exact number, `null` where there is none.
    package func lowNumber(_ column: Int) -> JSON { low(column).map { descriptor.json(bits: $0, text: nil) } ?? .null }
    package func highNumber(_ column: Int) -> JSON {
        high(column).map { descriptor.json(bits: $0, text: nil) } ?? .null
    }

    /// Whether bits are a number.
    func isNumber(_ bits: Int64) -> Bool { order.isNumber(bits) }
    /// Whether all bits are.
    var areAllNumbers: Bool { order.isOfIntegers }

    /// Takes values of a piece, one for each of its samples, all of one holder.
    mutating func take(_ piece: SamplePiece, _ bits: ArraySlice<Int64>, of holder: Int64?) {
        var (next, utc) = (bits.startIndex, piece.utc)
        while next < bits.endIndex, let column = edges.column(of: utc, near: place) {
            place = column
            let left = (edges.end(of: column) &- utc &- 1) / piece.step &+ 1
            let end = next + Int(min(left, Int64(bits.endIndex - next)))
            var (low, high) = (least[column], greatest[column])
            if order == .asStored {
                for value in bits[next..<end] { (low, high) = (min(low, value), max(high, value)) }
            } else {
                for value in bits[next..<end] {
                    let key = order.key(value)
                    (low, high) = (min(low, key), max(high, key))
                }
            }
            (least[column], greatest[column]) = (low, high)
            count[column] += end - next
            holders[column].take(holder)
            utc = utc &+ Int64(end - next) &* piece.step
            next = end
        }
    }

    /// Takes a gap.
    mutating func take(_ gap: StreamGap) {
        if let last = gaps.last, isOneWith(last, gap) || gaps.count >= 2 * edges.count + 64 {
            gaps[gaps.count - 1] = StreamGap(
                from: min(last.from, gap.from), to: max(last.to, gap.to),
                cause: last.cause == gap.cause ? gap.cause : .several)
        } else {
            gaps.append(gap)
        }
    }

    /// Whether a gap lies within one column, and the next begins in it.
    private func isOneWith(_ last: StreamGap, _ gap: StreamGap) -> Bool {
        guard let column = edges.column(of: last.from, near: place) else { return false }
        let end = edges.end(of: column)
        return last.to < end && gap.from < end && gap.from >= last.from
    }
}

/// Where columns begin and end.
final class ColumnEdges: Sendable, Equatable {
    private let edges: [Int64]
    var count: Int { edges.count - 1 }
    var range: Range<Int64> { edges[0]..<edges[count] }

    init(_ range: Range<Int64>, count: Int) {
        let width = Int128(range.upperBound) - Int128(range.lowerBound)
        edges = (0...count).map { range.lowerBound &+ Int64(truncatingIfNeeded: width * Int128($0) / Int128(count)) }
    }

    static func == (one: ColumnEdges, other: ColumnEdges) -> Bool { one.edges == other.edges }

    func end(of column: Int) -> Int64 { edges[column + 1] }

    /// The column that a time lies in, looked for first where the last one was and behind that.
    func column(of utc: Int64, near place: Int) -> Int? {
        if edges[place] <= utc, utc < edges[place + 1] { return place }
        if place + 2 < edges.count, edges[place + 1] <= utc, utc < edges[place + 2] { return place + 1 }
        guard range.contains(utc) else { return nil }
        var (low, high) = (0, count)
        while high - low > 1 {
            let middle = (low + high) / 2
            if edges[middle] <= utc { low = middle } else { high = middle }
        }
        return low
    }
}

/// In what order the stored bits of a form stand, as numbers that can be compared.
private enum ValueOrder: Equatable {
    case asStored
    /// Integers with a scale below zero: more counts are less.
    case reversed
    case float32
    case float64

    init(_ form: ValueForm) {
        switch form {
        case .integer(let scale): self = scale.multiplier < 0 ? .reversed : .asStored
        case .float32: self = .float32
        case .float64: self = .float64
        case .text: self = .asStored
        }
    }

    var isOfIntegers: Bool { self == .asStored || self == .reversed }

    func isNumber(_ bits: Int64) -> Bool {
        switch self {
        case .asStored, .reversed: true
        case .float32: Float(bitPattern: UInt32(truncatingIfNeeded: bits)).isFinite
        case .float64: Double(bitPattern: UInt64(bitPattern: bits)).isFinite
        }
    }

    /// IEEE 754 numbers stand as their bits do, but for those below zero, which stand the other way round.
    func key(_ bits: Int64) -> Int64 {
        switch self {
        case .asStored: return bits
        case .reversed: return ~bits
        case .float32:
            let single = Int32(truncatingIfNeeded: bits)
            return Int64(single ^ (single >> 31 & .max))
        case .float64: return bits ^ (bits >> 63 & .max)
        }
    }

    func bits(_ key: Int64) -> Int64 {
        switch self {
        case .asStored: return key
        case .reversed: return ~key
        case .float32:
            let single = Int32(truncatingIfNeeded: key)
            return Int64(UInt32(bitPattern: single ^ (single >> 31 & .max)))
        case .float64: return key ^ (key >> 63 & .max)
        }
    }
}
