/// Who is at which bed, slowly and plainly: a cell for each bed and each moment that there may be, which holds the
/// number of the binding that counts there. It knows nothing of intervals.
struct BindingOracle {
    struct Known {
        let bed: Int
        let subject: Int
        /// The cell from which on it was said to hold.
        let since: Int
        /// The cell in which somebody said that it ended.
        var ended: Int?
        /// Whether it ended as events may be lost.
        var isLost = false
        var isWithdrawn = false
        var isReplaced = false
    }

    /// By bed, then by moment; 0 is nobody.
    private(set) var cells: [[Int]]
    private(set) var known: [Int: Known] = [:]

    init(beds: Int, moments: Int) { cells = Array(repeating: Array(repeating: 0, count: moments), count: beds) }

    /// Returns whether it is taken.
    mutating func bind(_ number: Int, bed: Int, subject: Int, since: Int, now: Int, replacing: Int?) -> Bool {
        guard since <= now else { return false }
        var end = cells[bed].count
        var ended: Int?
        if let replacing {
            guard let former = known[replacing], former.bed == bed, former.isWithdrawn, !former.isReplaced,
                former.since == since
            else { return false }
            if let stop = former.ended { (end, ended) = (stop, stop) }
            // Up to whoever came next; whoever was there already is in the way.
            for moment in since..<max(since, end) where former.ended == nil && cells[bed][moment] != 0 {
                if moment == since, since > 0, cells[bed][since - 1] == cells[bed][since] { return false }
                (end, ended) = (moment, moment)
                break
            }
        }
        for moment in since..<max(since, end) {
            if cells[bed][moment] != 0 { return false }
            for other in cells.indices where known[cells[other][moment]]?.subject == subject { return false }
        }
        for moment in since..<max(since, end) { cells[bed][moment] = number }
        if let replacing { known[replacing]?.isReplaced = true }
        known[number] = Known(bed: bed, subject: subject, since: since, ended: ended)
        return true
    }

    mutating func unbind(_ number: Int, bed: Int, now: Int) -> Bool {
        guard let binding = known[number], binding.bed == bed, !binding.isWithdrawn else { return false }
        if binding.isLost {
            known[number]?.isLost = false
            return true
        }
        guard binding.ended == nil else { return false }
        known[number]?.ended = now
        for moment in now..<cells[bed].count where cells[bed][moment] == number { cells[bed][moment] = 0 }
        return true
    }

    mutating func withdraw(_ number: Int, bed: Int) -> Bool {
        guard let binding = known[number], binding.bed == bed, !binding.isWithdrawn else { return false }
        known[number]?.isWithdrawn = true
        for moment in cells[bed].indices where cells[bed][moment] == number { cells[bed][moment] = 0 }
        return true
    }

    mutating func lose(now: Int) {
        for (number, binding) in known where binding.ended == nil && !binding.isWithdrawn {
            _ = unbind(number, bed: binding.bed, now: now)
            known[number]?.isLost = true
        }
    }

    func subject(bed: Int, moment: Int) -> Int? { known[cells[bed][moment]]?.subject }
}
