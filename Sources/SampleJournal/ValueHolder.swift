import JournalCoding

/// Whose values are, as whoever asks for a history knows it.
package enum ValueHolder: Sendable, Hashable {
    /// A number that stands for somebody; `nil` where nobody is known.
    case of(Int64?)
    /// They are told to nobody who asks so.
    case withheld
}

/// Whose a device's values are from a moment of a session on.
package struct HolderChange: Sendable, Hashable {
    /// Unit: ns of the monotonic clock; the least number for the session's beginning.
    package let from: Int64
    package let holder: ValueHolder

    package init(from: Int64, holder: ValueHolder) { (self.from, self.holder) = (from, holder) }

    /// Where nothing is asked of whose values are: they are nobody's, from the beginning on.
    static let nobody = [HolderChange(from: .min, holder: .of(nil))]

    /// - Parameter told: in their order. What comes before the first is nobody's, and is told.
    static func whole(_ told: [HolderChange]) -> [HolderChange] { told.first?.from == .min ? told : nobody + told }
}

/// Whose the values of one column are.
package enum ColumnHolder: Sendable, Hashable {
    /// It has no values.
    case none
    case one(Int64?)
    /// Values of several are in it.
    case several

    mutating func take(_ holder: Int64?) {
        switch self {
        case .none: self = .one(holder)
        case .one(holder): break
        case .one, .several: self = .several
        }
    }
}

extension SamplePiece {
    /// How many of its samples were taken before a time. Unit: ns since 1970.
    func count(before time: Int64) -> Int {
        let distance = time.subtractingReportingOverflow(utc)
        guard !distance.overflow else { return time < utc ? 0 : places.count }
        guard distance.partialValue > 0 else { return 0 }
        return Int(min((distance.partialValue - 1) / step + 1, Int64(places.count)))
    }

    /// Some of its samples, by their place among them.
    private func part(_ chosen: Range<Int>) -> SamplePiece {
        SamplePiece(
            places: (places.lowerBound + chosen.lowerBound)..<(places.lowerBound + chosen.upperBound),
            utc: utc &+ Int64(chosen.lowerBound) &* step, step: step, validity: validity, reason: reason)
    }

    /// Gives its parts, in order, each with whose it is.
    ///
    /// - Parameter changes: those of the chunk's session, in their order, from the least number on.
    func held(
        by changes: [HolderChange], in chunk: JournalChunk, _ body: (SamplePiece, ValueHolder) throws -> Void
    ) rethrows {
        // By the monotonic clock: the wall clock is that of the chunk, on both sides.
        func begin(_ change: HolderChange) -> Int64 { change.from == .min ? .min : chunk.utc(at: change.from) }
        var done = 0
        for (index, change) in changes.enumerated() where done < places.count {
            let isLast = index + 1 == changes.count
            let end = isLast ? places.count : count(before: begin(changes[index + 1]))
            guard end > done else { continue }
            try body(done == 0 && end == places.count ? self : part(done..<end), change.holder)
            done = end
        }
    }
}
