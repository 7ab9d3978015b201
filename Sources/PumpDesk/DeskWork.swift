import CommandFacts
import OperatorDesk

/// What the host is doing for a command that is open. Nothing of it is needed to know what is true: that is the
/// ledger.
enum DeskWork {
    /// The pump is asked what it shows, before anything is decided.
    ///
    /// - rules: how far apart from others it must be.
    case looking(order: UInt64, stops: Int64, rules: CommandRules)
    /// It is on its way to the line, or on it.
    case carrying(order: UInt64)
    case reading(ReadingBack)

    struct ReadingBack {
        enum Step {
            /// Unit: ns.
            case waits(until: Int64)
            case asked(order: UInt64)
        }

        /// When the effect was said; 0 in an earlier session. Unit: ns.
        let said: Int64
        /// From when on the pump should show it. Unit: ns.
        let from: Int64
        /// How often it was asked.
        var count = 0
        var step: Step

        /// When it is asked: at once, and again while it does not show; from then on as long as it takes. Unit: ns.
        static let schedule: [Int64] = [0, 1_000_000_000, 2_000_000_000, 5_000_000_000, 10_000_000_000]
        static let later: Int64 = 10_000_000_000

        var isOfSchedule: Bool { count <= Self.schedule.count }

        init(said: Int64, from: Int64) {
            (self.said, self.from, step) = (said, from, .waits(until: from))
        }

        /// It was asked, and did not show enough.
        mutating func putOff(at now: Int64) {
            let next =
                count < Self.schedule.count ? max(from + Self.schedule[count], now) : now + Self.later
            step = .waits(until: next)
        }
    }
}
