import CommandFacts
import DevicePlans
import LineEngine
import RealTime
import TestSupport
import Testing

/// Commands on a line, in virtual time: what goes before, the one transmission, what stands against it, and stops.
@Suite struct DrivenLineTests {
    /// A command of the profile that cannot be carried out bars all but the stop; the pump goes on being read.
    @Test func aFaultyCommandLeavesTheStopAndTheSampling() throws {
        let line = try DrivenLine(commands: .faulty(hasStop: true))
        #expect(line.plan.commands.map(\.name) == ["stop"])
        #expect(line.plan.faultyCommands.map(\.name) == ["rate", "start"])
        line.pump.set(rate: "5", at: 0)
        line.go(for: 10_000_000_000)
        #expect(line.values > 20, "\(line.values)")
        // There is nothing to look at for any other.
        let said = line.line.said.count
        _ = line.hand(.look(3))
        #expect(line.outcome()?.kind == .looked(isClean: false))
        #expect(line.line.said[said...].allSatisfy { !$0.text.contains("REMOTE") } && line.pump.effects.isEmpty)
        #expect(line.recorder.askStop(device: 0) == 1)
        var reports: [StopReport] = []
        line.go(for: 20_000_000_000) {
            while let report = line.recorder.stopReports.pop() { reports.append(report) }
            return reports.last?.kind == .proven
        }
        #expect(reports.map(\.kind) == [.said, .proven])
    }

    private func values(_ outcome: OrderOutcome, _ line: DrivenLine, _ command: String) -> [String: String] {
        let plan = line.serial.commands[line.command(command)]
        var found: [String: String] = [:]
        for place in plan.watched.indices where outcome.told[place].isKnown {
            found[plan.watched[place].name] = plan.watched[place].value(outcome.told[place].text)
        }
        return found
    }

    private func said(_ line: DrivenLine) -> [String] {
        line.line.said.map { String($0.text.dropFirst().prefix { $0 != "|" }) }
    }

    @Test func aLookTellsWhatThePumpShowsNow() throws {
        let line = try DrivenLine()
        line.go(for: 3_000_000_000)
        let outcome = try #require(line.look("rate"))
        #expect(outcome.kind == .looked(isClean: true))
        #expect(values(outcome, line, "rate") == ["mode": "STOP", "alarm": "-", "rate": "5"])
        #expect(line.pump.effects.isEmpty)
    }

    @Test func aCommandIsPreparedLookedAtAndSaidOnce() throws {
        let line = try DrivenLine()
        let look = try #require(line.look("rate"))
        let order = try #require(line.order("rate", ["new-rate": "12.5"], before: look.told))
        let first = line.line.said.count
        _ = line.hand(.command(order))
        let outcome = try #require(line.outcome())
        #expect(outcome.kind == .sent(.taken))
        let words = said(line)[first...].map { $0.prefix { $0 != "^" } }
        let steps = try #require(words.firstIndex(of: "INF_RATE"))
        #expect(words[..<steps].suffix(4) == ["INST_SERIALNO", "COMMS_PROTOCOL", "REMOTE_CTRL", "INF"])
        #expect(line.pump.effects.map(\.word) == ["INF_RATE"] && line.pump.rate == "12.5")
        let after = try #require(line.look("rate"))
        #expect(values(after, line, "rate")["rate"] == "12.5")
        // Reading goes on.
        line.go(for: 3_000_000_000)
        #expect(said(line).suffix(2).contains("INF"))
    }

    /// What stands against it is found on the line, last; not a byte of the effect is said then.
    @Test(arguments: [
        "anotherRate", "running", "stopped", "expired", "otherDevice", "controlRefused", "leaving", "unplugged",
    ])
    func whatHasChangedIsNotSent(_ how: String) throws {
        let line = try DrivenLine(expecting: "8003-00107")
        line.go(for: 2_000_000_000)
        let look = try #require(line.look("rate"))
        #expect(look.kind == .looked(isClean: true))
        let order = try #require(line.order("rate", ["new-rate": "12.5"], before: look.told))
        let wanted: NotSentReason
        switch how {
        case "anotherRate":
            line.pump.set(rate: "7.0", at: line.clock.now())
            wanted = .changed
        case "running":
            line.pump.set(mode: "INFUSE", at: line.clock.now())
            wanted = .changed
        case "stopped":
            _ = line.recorder.askStop(device: 0)
            wanted = .stopped
        case "otherDevice":
            line.pump.serial = "8003-00108"
            wanted = .otherDevice
        case "controlRefused":
            for _ in 0..<3 { line.pump.mischief["REMOTE_CTRL"] = .deaf }
            wanted = .controlRefused
        case "unplugged":
            line.line.isConnection = true
            wanted = .lineLost
        case "leaving": wanted = .hostStopping
        default: wanted = .expired
        }
        if how == "controlRefused" {
            // Each time it is tried.
            _ = line.hand(.command(order))
            var outcome: OrderOutcome?
            line.go {
                line.pump.mischief["REMOTE_CTRL"] = .deaf
                outcome = outcome ?? line.recorder.outcomes.pop()
                return outcome != nil
            }
            #expect(outcome?.kind == .notSent(wanted))
        } else if how == "leaving" {
            _ = line.hand(.command(order))
            line.leave()
            #expect(line.recorder.outcomes.pop()?.kind == .notSent(wanted))
        } else if how == "unplugged" {
            line.line.breaksAt = line.clock.now() + 50_000_000
            _ = line.hand(.command(order))
            #expect(line.outcome()?.kind == .notSent(wanted))
        } else {
            _ = line.hand(.command(order), within: how == "expired" ? 1_000_000 : 30_000_000_000)
            #expect(line.outcome()?.kind == .notSent(wanted))
        }
        #expect(line.pump.effects.filter { $0.word != "INF_STOP" }.isEmpty)
    }

    /// It shows what it showed when it was decided, and that is nothing a command may be said in.
    @Test func whatACommandRequiresIsAskedOnTheLine() throws {
        let line = try DrivenLine()
        line.pump.set(mode: "INFUSE", at: 0)
        let look = try #require(line.look("rate"))
        #expect(look.kind == .looked(isClean: true) && values(look, line, "rate")["mode"] == "INFUSE")
        let order = try #require(line.order("rate", ["new-rate": "12.5"], before: look.told))
        _ = line.hand(.command(order))
        #expect(line.outcome()?.kind == .notSent(.changed) && line.pump.effects.isEmpty)
    }

    @Test(arguments: [
        (PlayedPump.Mischief.obeysSilently, Doubt.silent), (.deaf, .silent), (.answersLate, .silent),
        (.damaged, .damaged),
    ])
    func whatIsNotAnsweredIsInDoubtAndNeverSaidAgain(_ mischief: PlayedPump.Mischief, _ doubt: Doubt) throws {
        let line = try DrivenLine()
        let look = try #require(line.look("rate"))
        let order = try #require(line.order("rate", ["new-rate": "12.5"], before: look.told))
        line.pump.mischief["INF_RATE"] = mischief
        _ = line.hand(.command(order))
        #expect(line.outcome()?.kind == .sent(.doubt(doubt)))
        let after = try #require(line.look("rate"))
        #expect(after.kind == .looked(isClean: true))
        #expect(values(after, line, "rate")["rate"] == (mischief == .deaf ? "5" : "12.5"))
        line.go(for: 30_000_000_000)
        #expect(line.pump.effects.count == 1)
    }

    // MARK: Stops

    private func reports(_ line: DrivenLine, for time: Int64) -> [StopReport] {
        var found: [StopReport] = []
        line.go(for: time) {
            while let report = line.recorder.stopReports.pop() { found.append(report) }
            return found.last?.kind == .proven
        }
        return found
    }

    @Test func aStopIsSaidAtOnceAndProven() throws {
        let line = try DrivenLine()
        line.pump.set(mode: "INFUSE", at: 0)
        line.go(for: 5_000_000_000)
        let asked = line.clock.now()
        #expect(line.recorder.askStop(device: 0) == 1)
        let reports = reports(line, for: 10_000_000_000)
        #expect(reports.map(\.kind) == [.said, .proven] && reports.allSatisfy { $0.number == 1 })
        #expect(line.pump.mode == "STOP")
        let first = try #require(line.line.said.first { $0.time >= asked && $0.text.contains("REMOTE_CTRL") })
        // The exchange in progress and the pause in which the loop looks for stops.
        #expect(first.time - asked <= 50_000_000)
    }

    /// A session that waits, a device that owes an answer, a line that must rest: nothing holds a stop.
    @Test func nothingHoldsAStop() throws {
        let line = try DrivenLine()
        line.pump.set(mode: "INFUSE", at: 0)
        line.go(for: 5_000_000_000)
        line.pump.mischief["INF"] = .deaf
        line.go { line.pump.mischief["INF"] == nil }
        let asked = line.clock.now()
        _ = line.recorder.askStop(device: 0)
        let reports = reports(line, for: 10_000_000_000)
        #expect(reports.map(\.kind) == [.said, .proven])
        let first = try #require(line.line.said.first { $0.time > asked })
        // The pump's slowest reply is waited for, and no rest behind it.
        #expect(first.text.contains("REMOTE_CTRL") && first.time - asked <= 550_000_000)
    }

    @Test func aStopThatIsObeyedInSilenceIsProvenByWhatThePumpShows() throws {
        let line = try DrivenLine()
        line.pump.set(mode: "INFUSE", at: 0)
        line.go(for: 5_000_000_000)
        line.pump.mischief["INF_STOP"] = .obeysSilently
        _ = line.recorder.askStop(device: 0)
        #expect(reports(line, for: 10_000_000_000).map(\.kind) == [.said, .proven])
        #expect(line.pump.effects.count == 1)
    }

    /// It is told again where that does no harm, and given up after 10 s.
    @Test func aStopThatIsNotObeyedIsTold() throws {
        let line = try DrivenLine()
        line.pump.set(mode: "INFUSE", at: 0)
        line.go(for: 5_000_000_000)
        _ = line.recorder.askStop(device: 0)
        let asked = line.clock.now()
        var found: [StopReport] = []
        line.go(for: 20_000_000_000) {
            line.pump.mischief["INF_STOP"] = .lies
            while let report = line.recorder.stopReports.pop() { found.append(report) }
            return false
        }
        #expect(found.map(\.kind) == [.said, .notDelivered])
        #expect(line.pump.mode == "INFUSE" && line.pump.effects.count > 1)
        let last = try #require(line.pump.effects.last)
        #expect(last.time - asked <= 10_500_000_000)
    }

    @Test func aStopOnALineThatIsGoneIsToldAtOnceAndTriedForTenSeconds() throws {
        let line = try DrivenLine()
        line.pump.set(mode: "INFUSE", at: 0)
        line.go(for: 5_000_000_000)
        for comesBack in [true, false] {
            line.pump.set(mode: "INFUSE", at: line.clock.now())
            let stopped = line.pump.effects.count
            line.line.breaksAt = line.clock.now()
            line.line.isGoneUntil = line.clock.now() + (comesBack ? 4_000_000_000 : 30_000_000_000)
            line.go(for: 1_000_000_000)
            let asked = line.clock.now()
            _ = line.recorder.askStop(device: 0)
            var found: [StopReport] = []
            line.go(for: 40_000_000_000) {
                while let report = line.recorder.stopReports.pop() { found.append(report) }
                return false
            }
            #expect(found.first?.kind == .notDelivered && (found.first?.time ?? .max) - asked <= 1_000_000_000)
            #expect(found.last?.kind == (comesBack ? .proven : .notDelivered))
            // The first one comes before the pump has said who it is, which its control is made of.
            #expect(line.pump.effects.count - stopped == (comesBack ? 2 : 0), "a stop that came much later")
            #expect(line.pump.mode == (comesBack ? "STOP" : "INFUSE"))
        }
    }

    /// Who asks again asks for the same, and both hear the one end; but somebody may have started the pump at its keys
    /// meanwhile, so it is said again: behind the exchange in progress, and not behind the proof of the first.
    @Test func aSecondWordJoinsTheStopUnderWayAndIsSaidAgain() throws {
        let line = try DrivenLine()
        line.pump.set(mode: "INFUSE", at: 0)
        line.go(for: 5_000_000_000)
        _ = line.recorder.askStop(device: 0)
        line.go { line.pump.effects.count == 1 }
        line.go(for: 100_000_000)
        _ = line.recorder.askStop(device: 0)
        let asked = line.clock.now()
        var found: [StopReport] = []
        line.go(for: 10_000_000_000) {
            while let report = line.recorder.stopReports.pop() { found.append(report) }
            return line.pump.effects.count == 2
        }
        #expect(
            line.pump.effects.count == 2 && line.clock.now() - asked <= 550_000_000, "\(line.clock.now() - asked) ns")
        found += reports(line, for: 10_000_000_000)
        #expect(found.map(\.kind) == [.said, .said, .proven] && found.last?.number == 2)
        #expect(line.pump.effects.count == 2)
    }

    /// On a line that is gone, each who asks is told at once, and not when the first one's time is over.
    @Test func eachWhoAsksOnALostLineIsToldAtOnce() throws {
        let line = try DrivenLine()
        line.pump.set(mode: "INFUSE", at: 0)
        line.go(for: 5_000_000_000)
        line.line.breaksAt = line.clock.now()
        line.line.isGoneUntil = line.clock.now() + 30_000_000_000
        line.go(for: 1_000_000_000)
        for number in Int64(1)...3 {
            let asked = line.clock.now()
            _ = line.recorder.askStop(device: 0)
            var told: StopReport?
            line.go(for: 2_000_000_000) {
                while let report = line.recorder.stopReports.pop() { told = told ?? report }
                return false
            }
            #expect(told?.kind == .notDelivered && told?.number == number)
            #expect((told?.time ?? .max) - asked <= 1_000_000_000)
        }
    }

    /// A wire that damages and doubles what comes does not end it before its time.
    @Test func aStopIsTriedForTenSecondsOnANoisyLine() throws {
        let line = try DrivenLine()
        line.pump.set(mode: "INFUSE", at: 0)
        line.go(for: 5_000_000_000)
        _ = line.recorder.askStop(device: 0)
        let asked = line.clock.now()
        var found: [StopReport] = []
        line.go(for: 20_000_000_000) {
            let now = line.clock.now()
            line.pump.mischief = [:]
            if now - asked < 6_000_000_000 {
                line.pump.mischief["INF_STOP"] = .deaf
                for word in ["INF", "SYRINGE_STATUS", "INST_SERIALNO"] { line.pump.mischief[word] = .answersTwice }
            }
            while let report = line.recorder.stopReports.pop() { found.append(report) }
            return found.last?.kind == .proven
        }
        #expect(found.map(\.kind) == [.said, .proven] && line.pump.mode == "STOP")
    }

    /// A host that is leaving says a stop that was asked for, and tells of each.
    @Test func aHostThatLeavesStillStops() throws {
        for delay in [0, 30_000_000, 60_000_000] as [Int64] {
            let line = try DrivenLine()
            line.pump.set(mode: "INFUSE", at: 0)
            line.go(for: 5_000_000_000)
            _ = line.recorder.askStop(device: 0)
            line.go(for: delay)
            line.leave()
            var reports: [StopReport] = []
            while let report = line.recorder.stopReports.pop() { reports.append(report) }
            #expect(line.pump.mode == "STOP" && line.pump.effects.count == 1, "after \(delay) ns")
            #expect(reports.map(\.kind) == [.said, .notDelivered])
        }
    }

    /// What the effect was answered is not taken for what the pump shows: the look behind it asks something else first.
    @Test func aLookBehindAnEffectComesBehindABarrier() throws {
        let line = try DrivenLine()
        let look = try #require(line.look("rate"))
        let order = try #require(line.order("rate", ["new-rate": "12.5"], before: look.told))
        _ = line.hand(.command(order))
        #expect(line.outcome()?.kind == .sent(.taken))
        let first = line.line.said.count
        #expect(line.look("rate")?.kind == .looked(isClean: true))
        let words = said(line)[first...].map { $0.prefix { $0 != "^" } }
        let status = try #require(words.lastIndex(of: "INF"))
        let barriers: [Substring] = ["SYRINGE_STATUS", "INST_SERIALNO", "INF_VTBI"]
        #expect(words[..<status].contains { barriers.contains($0) }, "\(words)")
    }

    // MARK: Any mischief

    /// Thousands of commands to a pump that misbehaves: an effect is said once at most, never after *not sent*, and
    /// what a clean look tells is what the pump was while it was asked.
    @Test func whateverThePumpDoesACommandIsSaidOnceAndALookIsTrue() throws {
        var generator = SeededGenerator(seed: 16)
        let line = try DrivenLine(seconds: 1 << 30)
        let words = ["INF", "INF_RATE", "INST_SERIALNO", "REMOTE_CTRL", "COMMS_PROTOCOL", "SYRINGE_STATUS"]
        var counts: [String: Int] = [:]
        for turn in 0..<6_000 {
            let look = line.look("rate")
            guard let look, look.kind == .looked(isClean: true) else {
                counts["no look", default: 0] += 1
                continue
            }
            let rate = "\(1 + turn % 900).5"
            let order = try #require(line.order("rate", ["new-rate": rate], before: look.told))
            if Int.random(in: 0..<10, using: &generator) == 0 {
                line.pump.set(rate: "3.3", at: line.clock.now())
            }
            for _ in 0..<Int.random(in: 0...2, using: &generator) {
                let word = words.randomElement(using: &generator) ?? "INF"
                line.pump.mischief[word] = PlayedPump.Mischief.allCases.randomElement(using: &generator)
            }
            if Int.random(in: 0..<10, using: &generator) == 0 {
                line.line.breaksAt = line.clock.now() + Int64.random(in: 0...2_000_000_000, using: &generator)
            }
            let before = line.pump.effects.count
            _ = line.hand(.command(order))
            let outcome = try #require(line.outcome())
            let said = line.pump.effects.count - before
            #expect(said <= 1)
            switch outcome.kind {
            case .notSent(let reason):
                #expect(said == 0, "said although \(reason)")
                counts["not sent: \(reason)", default: 0] += 1
            case .sent(let answer): counts["sent: \(answer)", default: 0] += 1
            default: Issue.record("\(outcome.kind)")
            }
            if let after = line.look("rate"), after.kind == .looked(isClean: true) {
                let told = values(after, line, "rate")["rate"]
                let shown = line.pump.rates.last { $0.since <= after.said }?.rate
                let during = line.pump.rates.filter { $0.since > after.said && $0.since <= after.time }.map(\.rate)
                let possible = ([shown] + during).compactMap { $0 }.map {
                    $0.hasSuffix(".0") ? String($0.dropLast(2)) : $0
                }
                #expect(told.map(possible.contains) ?? true, "told \(told ?? "-"), was \(possible)")
            }
        }
        #expect((counts["sent: taken"] ?? 0) > 2_000 && counts.count > 7, "\(counts)")
    }
}
