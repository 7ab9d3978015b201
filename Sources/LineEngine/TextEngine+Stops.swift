#if Commands
import CommandFacts
import DeviceDrivers
import DevicePlans
import ProfileLanguage
import RealTime

/// Stops: before everything else, and as long as somebody may count on one.
extension TextEngine {
    /// Whether somebody wants a stop that has not begun.
    var isStopWanted: Bool { recorder.stopsAsked(device: 0) > stopsTaken }

    /// Whether a stop has begun, or somebody wants one.
    var isStopping: Bool { isStopWanted || run?.isStop == true }

    /// The line is not there: a stop that is asked for now is told as not delivered, and one that is tried too long is
    /// given up.
    mutating func takeStopUnheard(at now: Int64) {
        if isStopWanted { beginStop(at: now) }
        if let run, now >= run.deadline { endRun(because: .expired, at: now) }
    }

    /// When a line that is closed is opened: soon where somebody wants a stop. Unit: ns.
    mutating func openingDue(_ until: Int64, at now: Int64) -> Int64 {
        takeStopUnheard(at: now)
        return run == nil ? until : min(until, closedAt + CommandRun.openingPause)
    }

    /// A stop goes before everything: what was on its way to an effect is not said any more.
    mutating func beginStop(at now: Int64) {
        stopsTaken = recorder.stopsAsked(device: 0)
        if case .stop(let stop)? = run?.goal { return joinStop(stop, at: now) }
        endRun(because: .stopped, at: now)
        guard let command = plan.commands.firstIndex(where: { $0.kind == .stop }) else {
            return report(.notDelivered, number: stopsTaken, at: now)
        }
        var stop = CommandRun.Stop(number: stopsTaken, end: now + CommandRun.longestStop)
        // Told at once, and tried all the same.
        if !isOpen {
            stop.isLossTold = true
            report(.notDelivered, number: stopsTaken, at: now)
        }
        run = CommandRun(goal: .stop(stop), command: command, step: .prepare(0))
    }

    /// Who asks again while a stop is under way asks for the same; but somebody may have started the pump at its keys
    /// since it was said, so it is said again where that does no harm.
    private mutating func joinStop(_ before: CommandRun.Stop, at now: Int64) {
        guard let command = run?.command else { return }
        var stop = before
        (stop.number, stop.end) = (stopsTaken, now + CommandRun.longestStop)
        if let saidAt = stop.saidAt {
            report(.said, number: stopsTaken, at: now)
            if plan.commands[command].mayBeRepeated, now - saidAt >= CommandRun.repeatPause {
                stop.isToBeSaid = true
                run?.step = .prepare(0)
            }
        }
        if !isOpen { report(.notDelivered, number: stopsTaken, at: now) }
        run?.goal = .stop(stop)
    }

    func isShown(_ plan: CommandPlan, since: Int64) -> Bool {
        guard !intake.decoder.isStranger, !plan.shows.isEmpty else { return false }
        for shown in plan.shows {
            guard let test = shown.test,
                intake.decoder.passes(plan.watched[shown.watched], test, since: since) == true
            else { return false }
        }
        return true
    }

    /// The device does not show that it stands: soon it is looked at again, and told again where that does no harm.
    mutating func tryStopAgain(_ plan: CommandPlan, _ stop: CommandRun.Stop, at now: Int64) -> Turn {
        var stop = stop
        stop.isToBeSaid = plan.mayBeRepeated || !stop.isSaid
        run?.goal = .stop(stop)
        run?.attempts &+= 1
        return goTo(.settle(until: now + CommandRun.stopPause), at: now)
    }

    /// Whether a stop must still be said before the line is left.
    var owesStop: Bool {
        if isStopWanted { return true }
        if case .stop(let stop)? = run?.goal { return !stop.isSaid }
        return false
    }

    /// Nothing is said any more: whoever waits for a stop is told.
    mutating func endStops(at now: Int64) {
        endRun(because: .hostStopping, at: now)
        guard isStopWanted else { return }
        stopsTaken = recorder.stopsAsked(device: 0)
        report(.notDelivered, number: stopsTaken, at: now)
    }

    func report(_ kind: StopReport.Kind, number: Int64, at now: Int64) {
        _ = recorder.stopReports.push(StopReport(number: number, device: 0, kind: kind, time: now))
    }
}
#endif
