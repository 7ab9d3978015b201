/// The search for a register that a device does not have, after it refused a whole read for it.
///
/// Parts of the read are asked one after another, each half of what is left to search: what is legal arrives on the way, and the culprit among
/// n values is found with at most log2(n) reads. One more brings what lies behind it, and searches there if that is refused too.
public struct RegisterSearch: Sendable {
    private let block: ModbusBlock
    private let atoms: [[Int]]
    /// Whether the last one left must be the culprit. A device that refuses a read for its length, or for a register between those that are
    /// wanted, refuses none of these.
    private let isOfAddress: Bool
    /// What is not yet known to be legal: atoms from `low`; the culprit is no further than `high`.
    private var low = 0
    private var high: Int
    private var asked: Range<Int>
    private var legal: [Range<Int>] = []
    private var refusedAtoms: [Int] = []

    /// - Parameters:
    ///   - exception: 2 (illegal data address) or 3 (illegal data value, which some devices give for either).
    /// `nil` when the read holds one value only.
    public init?(_ block: ModbusBlock, exception: UInt8) {
        atoms = block.atoms
        guard atoms.count > 1 else { return nil }
        self.block = block
        isOfAddress = exception == 2 && block.isDense
        high = atoms.count - 1
        asked = 0..<atoms.count
        askHalf()
    }

    /// What to read next.
    public var part: ModbusBlock { reading(asked) }

    /// The part was answered, or refused. Returns whether the search is over.
    public mutating func take(isLegal: Bool) -> Bool {
        if isLegal {
            legal.append(asked)
            low = asked.upperBound
        } else {
            high = asked.upperBound - 1
        }
        if low < high {
            askHalf()
            return false
        }
        if low == high, !isOfAddress, isLegal || asked.count > 1 {
            asked = low..<(low + 1)
            return false
        }
        if low == high {
            refusedAtoms.append(low)
            low += 1
        }
        high = atoms.count - 1
        asked = low..<atoms.count
        return asked.isEmpty
    }

    private mutating func askHalf() { asked = low..<(low + (high - low + 1) / 2) }

    private func reading(_ range: Range<Int>) -> ModbusBlock { block.narrowed(to: atoms[range].flatMap { $0 }.sorted()) }

    /// Whether no part of the read was answered.
    public var refusedAll: Bool { refusedAtoms.count == atoms.count }

    /// The reads that replace the refused one: between the registers that the device does not have, or as they were answered when it has all.
    public var remaining: [ModbusBlock] {
        guard isOfAddress, !refusedAtoms.isEmpty else { return legal.map(reading) }
        var ranges: [Range<Int>] = []
        var start = 0
        for cut in refusedAtoms + [atoms.count] {
            if start < cut { ranges.append(start..<cut) }
            start = cut + 1
        }
        return ranges.map(reading)
    }

    /// The reads that the device refuses.
    public var refused: [ModbusBlock] { refusedAtoms.map { reading($0..<($0 + 1)) } }
}
