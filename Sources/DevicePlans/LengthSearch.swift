/// The search for what a device does not answer where that may be the length of the read, a value that it does not
/// have, or a register between those that are wanted.
///
/// Parts are asked from the first value on, shorter where they fail and longer where they are answered, so that the
/// longest that is answered is found on the way; a part that fails although longer ones were answered is halved until
/// what is in it stands alone.
///
/// A device that is silent may be gone: nothing that failed before anything was answered says anything. When something
/// is, all of it is asked once more; only if that fails again, beside what was answered, is it too long.
struct LengthSearch: Sendable {
    /// Values that are asked for alone, before a device that answers nothing at all is believed to be gone.
    private static let mostSilent = 3

    let block: ModbusBlock
    let atoms: [[Int]]
    private enum Phase {
        /// Nothing has been answered yet: it is asked for less and less.
        case probing
        /// Something was answered: all of it is asked once more.
        case proving
        case searching
        /// All of it was answered after all.
        case whole
    }

    private var phase: Phase
    private var position = 0
    /// The longest read that was answered, and the shortest that failed for its length. Unit: registers.
    private var good = 0
    private var bad: Int
    /// Where the part ends that fails although longer ones were answered.
    private var local: Int?
    private(set) var asked: Range<Int>
    private var answered: [Range<Int>] = []
    private var failed: [Range<Int>] = []
    private(set) var refusedAtoms: [Int] = []

    init(_ block: ModbusBlock, _ atoms: [[Int]], isSilent: Bool) {
        self.block = block
        self.atoms = atoms
        phase = isSilent ? .probing : .searching
        bad = block.count
        asked = 0..<atoms.count
        failed.append(asked)
        ask()
    }

    private func length(_ range: Range<Int>) -> Int { block.reading(atoms, range).count }

    mutating func take(isLegal: Bool) -> Bool {
        switch phase {
        case .probing: return probe(isLegal: isLegal)
        case .proving:
            phase = isLegal ? .whole : .searching
            guard !isLegal else { return true }
            ask()
            return false
        case .searching: return search(isLegal: isLegal)
        case .whole: return true
        }
    }

    private mutating func probe(isLegal: Bool) -> Bool {
        guard !isLegal else {
            good = length(asked)
            phase = .proving
            asked = 0..<atoms.count
            return false
        }
        if asked.count > 1 {
            asked = asked.lowerBound..<(asked.lowerBound + asked.count / 2)
        } else if asked.upperBound < min(atoms.count, Self.mostSilent) {
            asked = asked.upperBound..<(asked.upperBound + 1)
        } else {
            return true
        }
        return false
    }

    private mutating func search(isLegal: Bool) -> Bool {
        if isLegal {
            answered.append(asked)
            good = max(good, length(asked))
            position = asked.upperBound
        } else {
            failed.append(asked)
            if asked.count == 1 {
                refusedAtoms.append(asked.lowerBound)
                position += 1
            } else if local != nil || length(asked) <= good {
                local = asked.upperBound
            } else {
                bad = min(bad, length(asked))
            }
        }
        if let end = local, position >= end { local = nil }
        guard position < atoms.count else { return true }
        ask()
        return false
    }

    private mutating func ask() {
        if let local {
            asked = position..<(position + max(1, (local - position) / 2))
            return
        }
        let target = good == 0 ? bad / 2 : bad - good > max(1, good / 8) ? (good + bad) / 2 : good
        var end = position + 1
        while end < atoms.count, length(position..<(end + 1)) <= target { end += 1 }
        asked = position..<end
    }

    var refusedAll: Bool {
        switch phase {
        case .probing, .proving: true
        case .searching: answered.isEmpty
        case .whole: false
        }
    }

    /// What failed for something in it: longer reads were answered.
    private var culprits: [Range<Int>] { failed.filter { $0.count == 1 || length($0) <= good } }

    /// The longest read that the device answers; `nil` when what failed is explained by what is in it.
    var longest: Int? {
        guard case .searching = phase else { return nil }
        let culprits = culprits
        let isOfLength = failed.contains { range in
            range.count > 1 && length(range) > good
                && !culprits.contains { range.lowerBound <= $0.lowerBound && $0.upperBound <= range.upperBound }
        }
        return isOfLength && good > 0 ? good : nil
    }

    /// As few reads as hold no culprit and are no longer than the longest that is answered.
    var remaining: [Range<Int>] {
        guard case .searching = phase else { return [0..<atoms.count] }
        let culprits = culprits
        let limit = longest ?? block.count
        var ranges: [Range<Int>] = []
        var start = 0
        for atom in atoms.indices {
            let range = start..<(atom + 1)
            let isWhole = !culprits.contains { range.lowerBound <= $0.lowerBound && $0.upperBound <= range.upperBound }
            if isWhole, atom == start || length(range) <= limit { continue }
            if start < atom { ranges.append(start..<atom) }
            start = refusedAtoms.contains(atom) ? atom + 1 : atom
        }
        if start < atoms.count { ranges.append(start..<atoms.count) }
        return ranges
    }
}
