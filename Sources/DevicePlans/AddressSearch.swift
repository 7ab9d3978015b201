/// The search for a register that a device does not have, after it refused a whole read for it.
///
/// Parts of the read are asked one after another, each half of what is left to search: what is legal arrives on the
/// way, and the culprit among n values is found with at most log2(n) reads. One more asks for it alone, where it has
/// not been; one more brings what lies behind it, and searches there if that is refused too.
struct AddressSearch: Sendable {
    let block: ModbusBlock
    let atoms: [[Int]]
    /// What is not yet known to be legal: atoms from `low`; the culprit is no further than `high`.
    private var low = 0
    private var high: Int
    private(set) var asked: Range<Int>
    private var legal: [Range<Int>] = []
    private(set) var refusedAtoms: [Int] = []
    /// Whether what is asked is the culprit by all that was answered, and must only be refused.
    private var isProving = false
    /// Whether the culprit was answered when it was asked alone: then it is the length that is refused, and nothing of
    /// what was found holds.
    private(set) var isOfLength = false

    init(_ block: ModbusBlock, _ atoms: [[Int]]) {
        self.block = block
        self.atoms = atoms
        high = atoms.count - 1
        asked = 0..<atoms.count
        askHalf()
    }

    mutating func take(isLegal: Bool) -> Bool {
        if isProving {
            isOfLength = isLegal
            return isLegal || passCulprit()
        }
        if isLegal {
            legal.append(asked)
            low = asked.upperBound
        } else {
            high = asked.upperBound - 1
        }
        if low < high {
            askHalf()
        } else if low > high {
            return goOnBehind()
        } else if isLegal || asked.count > 1 {
            isProving = true
            asked = low..<(low + 1)
        } else {
            return passCulprit()
        }
        return false
    }

    private mutating func passCulprit() -> Bool {
        isProving = false
        refusedAtoms.append(low)
        low += 1
        return goOnBehind()
    }

    private mutating func goOnBehind() -> Bool {
        high = atoms.count - 1
        asked = low..<atoms.count
        return asked.isEmpty
    }

    private mutating func askHalf() { asked = low..<(low + (high - low + 1) / 2) }

    var refusedAll: Bool { refusedAtoms.count == atoms.count }

    /// What lies between the registers that the device does not have; as it was answered when it has all.
    var remaining: [Range<Int>] {
        guard !refusedAtoms.isEmpty else { return legal }
        var ranges: [Range<Int>] = []
        var start = 0
        for cut in refusedAtoms + [atoms.count] {
            if start < cut { ranges.append(start..<cut) }
            start = cut + 1
        }
        return ranges
    }
}
