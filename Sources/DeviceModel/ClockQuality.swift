/// How sure the wall clock was when something was recorded. Raw values are stored in the journal; they are never
/// renumbered.
package enum ClockQuality: UInt8, Sendable {
    /// The clock is not set: its time is impossible.
    case unknown = 0
    /// The clock runs on its own since it was last synchronised or set.
    case holdover = 1
    case synchronised = 2

    /// The word in JSON lines.
    package var word: String {
        switch self {
        case .unknown: "unknown"
        case .holdover: "holdover"
        case .synchronised: "synchronised"
        }
    }
}
