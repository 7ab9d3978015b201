import SampleJournal

/// Whether the journal takes what it is given, and what of that is to be said: once, for the words of each attempt may
/// differ.
struct JournalCondition {
    private enum State {
        case writes
        /// - reason: the last words about it.
        case fails(reason: String)
    }

    private var state = State.writes
    /// Whether the files could not be looked after: as long the journal does not count as written.
    private var cannotTidy = false
    /// What was last told about whose the journal is.
    private var toldOwner: String?

    /// The last words about it; `nil` while it is written.
    var problem: String? {
        switch state {
        case .writes: nil
        case .fails(let reason): reason
        }
    }

    /// Something was not written. Returns whether it is to be said.
    mutating func fail(_ error: any Error) -> Bool {
        let words = String(describing: error)
        let wrote = problem == nil
        state = .fails(reason: words)
        // Somebody must do something about whose the journal is, so that is said even behind another failure.
        guard Self.isAboutOwner(error) else { return wrote }
        defer { toldOwner = words }
        return words != toldOwner
    }

    private static func isAboutOwner(_ error: any Error) -> Bool {
        switch error {
        case JournalError.heldByAnother, JournalError.changedMeanwhile: true
        default: false
        }
    }

    /// The files were looked after.
    mutating func tidy() { cannotTidy = false }

    /// They could not be. Returns whether it is to be said.
    mutating func failToTidy(_ error: any Error) -> Bool {
        cannotTidy = true
        return fail(error)
    }

    /// Samples were written.
    ///
    /// - Parameter hasAllEvents: events are a file of their own; while they wait, the journal is not whole.
    /// - Returns: whether it is written again, and was not before.
    mutating func recover(hasAllEvents: Bool) -> Bool {
        guard problem != nil, hasAllEvents, !cannotTidy else { return false }
        state = .writes
        return true
    }
}
