#if Commands
import CommandFacts
import DevicePlans
import ProfileLanguage
import RealTime

/// Stops: before everything else, and as long as somebody may count on one.
extension ModbusEngine {
    var isDriven: Bool { devices.contains { !$0.drive.commands.isEmpty } }

    /// Whether somebody wants a stop of a device that has not begun.
    func isStopWanted(_ device: Int) -> Bool {
        recorder.stopsAsked(device: device) > devices[device].drive.stopsTaken
    }

    /// Stops that were asked for begin; one that is tried too long while the line is not there is given up.
    mutating func takeStops(at now: Int64) {
        guard isDriven else { return }
        for device in devices.indices where isStopWanted(device) { beginStop(device, at: now) }
    }

    /// The line is not there: a stop that is asked for now is told as not delivered. Returns whether any is tried.
    mutating func takeStopsUnheard(at now: Int64) -> Bool {
        takeStops(at: now)
        for device in devices.indices {
            if let run = devices[device].drive.run, now >= run.deadline { endRun(device, because: .expired, at: now) }
        }
        return devices.contains { $0.drive.run != nil }
    }

    /// When a line that is closed is opened: soon where somebody wants a stop. Unit: ns.
    mutating func openingDue(_ until: Int64, at now: Int64) -> Int64 {
        takeStopsUnheard(at: now) ? min(until, closedAt + CommandRun.openingPause) : until
    }

    /// A stop goes before everything: what was on its way to an effect, on any device of the line, is not said any
    /// more.
    private mutating func beginStop(_ device: Int, at now: Int64) {
        devices[device].drive.stopsTaken = recorder.stopsAsked(device: device)
        let number = devices[device].drive.stopsTaken
        if case .stop(let stop)? = devices[device].drive.run?.goal { return joinStop(device, stop, at: now) }
        for other in devices.indices where !devices[other].drive.isStopping {
            endRun(other, because: other == device ? .stopped : .lineNotClean, at: now)
        }
        guard let command = devices[device].drive.commands.firstIndex(where: { $0.kind == .stop }) else {
            return report(.notDelivered, device, number: number, at: now)
        }
        var stop = CommandRun.Stop(number: number, end: now + CommandRun.longestStop)
        // Told at once, and tried all the same.
        if !isOpen {
            stop.isLossTold = true
            report(.notDelivered, device, number: number, at: now)
        }
        devices[device].drive.run = CommandRun(goal: .stop(stop), command: command, step: .effect)
    }

    /// Who asks again while a stop is under way asks for the same; but somebody may have started the pump at its keys
    /// since it was said, so it is said again where that does no harm.
    private mutating func joinStop(_ device: Int, _ before: CommandRun.Stop, at now: Int64) {
        guard let command = devices[device].drive.run?.command else { return }
        let number = devices[device].drive.stopsTaken
        var stop = before
        (stop.number, stop.end) = (number, now + CommandRun.longestStop)
        if let saidAt = stop.saidAt {
            report(.said, device, number: number, at: now)
            if devices[device].drive.commands[command].mayBeRepeated, now - saidAt >= CommandRun.repeatPause {
                stop.isToBeSaid = true
                devices[device].drive.run?.step = .effect
            }
        }
        if !isOpen { report(.notDelivered, device, number: number, at: now) }
        devices[device].drive.run?.goal = .stop(stop)
    }

    private var isOpen: Bool {
        switch phase {
        case .idle, .exchanging: true
        case .closed, .opening, .ended: false
        }
    }

    /// The device does not show that it stands: soon it is looked at again, and told again where that does no harm.
    mutating func tryStopAgain(_ device: Int, _ plan: CommandPlan, _ stop: CommandRun.Stop, at now: Int64) -> Turn {
        var stop = stop
        stop.isToBeSaid = plan.mayBeRepeated || !stop.isSaid
        devices[device].drive.run?.goal = .stop(stop)
        devices[device].drive.run?.attempts &+= 1
        return goTo(device, .settle(until: now + CommandRun.stopPause), at: now)
    }

    /// A question to a neighbour while stops are tried and wait for their next attempt: its values go on. Only where it
    /// is well and its answer is over in time for that, or barely later, if it should come not at all.
    ///
    /// - Parameter until: when the next attempt is made. Unit: ns.
    mutating func nextBetweenStops(until: Int64, at now: Int64) -> Int? {
        guard !isLeaving, now >= readyAt, wire.restDue == nil else { return nil }
        for device in devices.indices {
            guard let run = devices[device].drive.run else { continue }
            guard run.isStop else { return nil }
            switch run.step {
            // Behind a barrier nobody is asked.
            case .rest, .prepare, .effect: return nil
            case .settle, .barrier, .look: break
            }
        }
        var next: Int?
        for index in roster.questions.indices {
            let question = roster.questions[index]
            guard question.due <= now, question.failures == 0, devices[question.device].drive.run == nil,
                devices[question.device].health.isWell, case .whole = question.body.mode,
                let longest = longest(question.body, of: question.device, at: now),
                longest <= until - now + Self.putOff
            else { continue }
            if next.map({ question.due < roster.questions[$0].due }) ?? true { next = index }
        }
        return next
    }

    /// How much later an attempt of a stop may be made for a neighbour that falls silent in this moment. Unit: ns.
    private static var putOff: Int64 { 100_000_000 }

    private mutating func longest(_ read: ModbusRead, of device: Int, at now: Int64) -> Int64? {
        guard let request = read.request(read.block, wider: 0) else { return nil }
        let question = WireQuestion(
            unit: read.block.unit, request: request, slowestReply: devices[device].plan.line.slowestReply)
        guard wire.expiry(of: question, now: now) == nil else { return nil }
        return wire.longest(question, at: now).map { $0 + devices[device].plan.line.turnaround }
    }

    /// Whether a stop must still be said before the line is left.
    func owesStop(at now: Int64) -> Bool {
        guard isDriven, now < leavingEnd else { return false }
        for device in devices.indices {
            if isStopWanted(device) || devices[device].drive.rank == 0 { return true }
        }
        return false
    }

    /// The host stops: what has not been said is not said any more, but for stops; what was said is waited for.
    mutating func leaveCommands(at now: Int64) {
        let slowest = devices.map(\.plan.line.slowestReply).max() ?? 0
        leavingEnd = now + Self.longestFarewell + min(Self.longestFarewell, slowest)
        for device in devices.indices where !devices[device].drive.isStopping {
            if case .exchanging(let exchange) = phase, exchange.device == device, case .effect = exchange.purpose {
                continue
            }
            endRun(device, because: .hostStopping, at: now)
        }
    }

    /// Nothing is said any more: whoever waits is told.
    mutating func endCommands(at now: Int64) {
        guard isDriven else { return }
        for device in devices.indices {
            endRun(device, because: .hostStopping, at: now)
            guard isStopWanted(device) else { continue }
            devices[device].drive.stopsTaken = recorder.stopsAsked(device: device)
            report(.notDelivered, device, number: devices[device].drive.stopsTaken, at: now)
        }
    }

    func report(_ kind: StopReport.Kind, _ device: Int, number: Int64, at now: Int64) {
        _ = recorder.stopReports.push(
            StopReport(number: number, device: Int32(truncatingIfNeeded: device), kind: kind, time: now))
    }
}
#endif
