/// The search for what of a read a device does not answer. What it answers arrives on the way.
package struct RegisterSearch: Sendable {
    /// Why a read is searched.
    package enum Cause: Sendable {
        /// Exception 2: a register that is not there.
        case address
        /// Exception 3: some devices give it for a register that is not there, others for a read that is too long.
        case length
        /// Nothing was heard: it may be either.
        case silence
    }

    private enum Way: Sendable {
        case address(AddressSearch)
        case length(LengthSearch)
    }

    private let block: ModbusBlock
    private let atoms: [[Int]]
    private var way: Way
    package let cause: Cause

    /// `nil` when the read holds one value only.
    package init?(_ block: ModbusBlock, cause: Cause) {
        atoms = block.atoms
        guard atoms.count > 1 else { return nil }
        self.block = block
        self.cause = cause
        // A device that refuses a read for a register between those that are wanted refuses none of these.
        if cause == .address, block.isDense {
            way = .address(AddressSearch(block, atoms))
        } else {
            way = .length(LengthSearch(block, atoms, isSilent: cause == .silence))
        }
    }

    /// What to read next.
    package var part: ModbusBlock {
        switch way {
        case .address(let search): block.reading(atoms, search.asked)
        case .length(let search): block.reading(atoms, search.asked)
        }
    }

    /// The part was answered, or not. Returns whether the search is over.
    package mutating func take(isLegal: Bool) -> Bool {
        switch way {
        case .address(var search):
            let isOver = search.take(isLegal: isLegal)
            // Some devices give exception 2 for a read that is too long.
            way = search.isOfLength ? .length(LengthSearch(block, atoms, isSilent: false)) : .address(search)
            return isOver && !search.isOfLength
        case .length(var search):
            defer { way = .length(search) }
            return search.take(isLegal: isLegal)
        }
    }

    /// Whether no part of the read was answered.
    package var refusedAll: Bool {
        switch way {
        case .address(let search): search.refusedAll
        case .length(let search): search.refusedAll
        }
    }

    /// The longest read that the device answers, where that was what failed; `nil` where it was not. Unit: registers or
    /// bits.
    package var longest: Int? { if case .length(let search) = way { search.longest } else { nil } }

    /// The reads that replace the one that failed.
    package var remaining: [ModbusBlock] {
        switch way {
        case .address(let search): search.remaining.map { block.reading(atoms, $0) }
        case .length(let search): search.remaining.map { block.reading(atoms, $0) }
        }
    }

    /// The reads that the device refuses.
    package var refused: [ModbusBlock] {
        switch way {
        case .address(let search): search.refusedAtoms.map { block.reading(atoms, $0..<($0 + 1)) }
        case .length(let search): search.refusedAtoms.map { block.reading(atoms, $0..<($0 + 1)) }
        }
    }
}

extension ModbusBlock {
    /// The read of some of its atoms, one after another.
    func reading(_ atoms: [[Int]], _ range: Range<Int>) -> ModbusBlock {
        narrowed(to: atoms[range].flatMap { $0 }.sorted())
    }

    /// The same in as few reads as are no longer than a device answers; a value that is longer by itself stays whole.
    package func parts(noLongerThan limit: Int?) -> [ModbusBlock] {
        guard let limit, count > limit else { return [self] }
        let atoms = atoms
        var parts: [ModbusBlock] = []
        var start = 0
        for atom in atoms.indices where atom > start && reading(atoms, start..<(atom + 1)).count > limit {
            parts.append(reading(atoms, start..<atom))
            start = atom
        }
        parts.append(reading(atoms, start..<atoms.count))
        return parts
    }
}
