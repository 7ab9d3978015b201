#if Commands
import DevicePlans

/// What is being done on a line for a command, one exchange after another: a look, an effect with all that goes before
/// it, or a stop. Nothing else is asked meanwhile but, on RTU, neighbours between the attempts of a stop.
struct CommandRun {
    enum Goal {
        case look(LineOrder)
        case effect(LineOrder, CommandOrder)
        case stop(Stop)
    }

    struct Stop {
        /// How many stops were asked for with it.
        var number: Int64
        /// Until when it is tried. Unit: ns.
        var end: Int64
        /// When any of it last may have been on the line; `nil` before that. Unit: ns.
        var saidAt: Int64?
        var isSaid: Bool { saidAt != nil }
        /// Whether it is to be said, for the first time or again.
        var isToBeSaid = true
        /// Whether it was told that the line is gone.
        var isLossTold = false
    }

    enum Step {
        /// A question is asked whose answer comes behind everything of before.
        case barrier
        /// Behind its answer: what comes now belongs to before.
        case rest(until: Int64)
        case prepare(Int)
        case look(Int)
        case effect
        /// The device is given time to show what it did.
        case settle(until: Int64)
    }

    var goal: Goal
    /// By its place in the plan.
    let command: Int
    var step: Step
    /// How often it began anew because something went wrong before the effect.
    var attempts = 0
    /// From when on what is told counts. Unit: ns.
    var since: Int64 = 0

    /// How often it may begin anew.
    static let mostAttempts = 3
    /// How long a stop is tried. Unit: ns.
    static let longestStop: Int64 = 10_000_000_000
    /// How soon a device that does not show that it stands is asked again. Unit: ns.
    static let stopPause: Int64 = 500_000_000
    /// How soon somebody who asks again has it said again. Unit: ns.
    static let repeatPause: Int64 = 50_000_000
    /// How soon a line that is not there is opened again for a stop. Unit: ns.
    static let openingPause: Int64 = 250_000_000

    /// When it must be over. Unit: ns.
    var deadline: Int64 {
        switch goal {
        case .look(let order), .effect(let order, _): order.deadline
        case .stop(let stop): stop.end
        }
    }

    var isStop: Bool { if case .stop = goal { true } else { false } }

    /// What comes behind a barrier.
    var behindBarrier: Step {
        switch goal {
        case .effect: .prepare(0)
        case .look, .stop: .look(0)
        }
    }
}
#endif
