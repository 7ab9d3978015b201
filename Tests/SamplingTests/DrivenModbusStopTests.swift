import CommandFacts
import LineEngine
import ModbusFrames
import RealTime
import TestSupport
import Testing

/// Stops over Modbus, several pumps on a line, and any mischief.
@Suite struct DrivenModbusStopTests {
    static let stop = ModbusRequest.write(.register(address: 1200, value: 0))

    private func reports(_ line: DrivenModbusLine, for time: Int64) -> [StopReport] {
        var found: [StopReport] = []
        line.go(for: time) {
            while let report = line.recorder.stopReports.pop() { found.append(report) }
            return found.last?.kind == .proven
        }
        return found
    }

    private func running(isTCP: Bool, units: [UInt8] = [20]) throws -> DrivenModbusLine {
        let line = try DrivenModbusLine(isTCP: isTCP, units: units)
        for pump in line.pumps { pump.startStop = 3 }
        line.go(for: 5_000_000_000)
        return line
    }

    @Test(arguments: [false, true]) func aStopIsSaidAtOnceAndProven(isTCP: Bool) throws {
        let line = try running(isTCP: isTCP)
        let asked = line.clock.now()
        #expect(line.recorder.askStop(device: 0) == 1)
        let reports = reports(line, for: 10_000_000_000)
        #expect(reports.map(\.kind) == [.said, .proven] && reports.allSatisfy { $0.number == 1 })
        #expect(!line.pumps[0].isRunning && line.pumps[0].writes.map(\.request) == [Self.stop])
        // The exchange in progress, and the pause in which the loop looks for stops.
        #expect((line.pumps[0].writes.first?.time ?? .max) - asked <= 100_000_000)
    }

    /// A device that owes an answer holds a stop for as long as its slowest reply, and no longer.
    @Test(arguments: [false, true]) func aSilentPumpHoldsAStopNoLongerThanItsSlowestReply(isTCP: Bool) throws {
        let line = try running(isTCP: isTCP)
        line.pumps[0].deafReads = 1
        line.go { line.pumps[0].deafReads == 0 }
        let asked = line.clock.now()
        _ = line.recorder.askStop(device: 0)
        #expect(reports(line, for: 10_000_000_000).map(\.kind) == [.said, .proven])
        #expect((line.pumps[0].writes.first?.time ?? .max) - asked <= 650_000_000)
    }

    @Test(arguments: [PlayedModbusPump.Mischief.obeysSilently, .answersTwice, .damaged, .refuses(4)], [false, true])
    func aStopIsProvenByWhatThePumpShows(_ mischief: PlayedModbusPump.Mischief, isTCP: Bool) throws {
        let line = try running(isTCP: isTCP)
        line.pumps[0].mischief = mischief
        _ = line.recorder.askStop(device: 0)
        #expect(reports(line, for: 10_000_000_000).map(\.kind) == [.said, .proven])
        #expect(!line.pumps[0].isRunning)
    }

    /// It is told again where that does no harm, and given up after 10 s.
    @Test(arguments: [false, true]) func aStopThatIsNotObeyedIsTold(isTCP: Bool) throws {
        let line = try running(isTCP: isTCP)
        _ = line.recorder.askStop(device: 0)
        let asked = line.clock.now()
        var found: [StopReport] = []
        line.go(for: 20_000_000_000) {
            line.pumps[0].mischief = .lies
            while let report = line.recorder.stopReports.pop() { found.append(report) }
            return false
        }
        #expect(found.map(\.kind) == [.said, .notDelivered])
        #expect(line.pumps[0].isRunning && line.pumps[0].writes.count > 1)
        #expect((line.pumps[0].writes.last?.time ?? .max) - asked <= 10_500_000_000)
    }

    @Test(arguments: [true, false], [false, true])
    func aStopOnALineThatIsGoneIsToldAtOnceAndTriedForTenSeconds(comesBack: Bool, isTCP: Bool) throws {
        let line = try running(isTCP: isTCP)
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
        #expect(line.pumps[0].writes.isEmpty == !comesBack && line.pumps[0].isRunning == !comesBack)
    }

    /// A host that is leaving says a stop that was asked for, and tells of each.
    @Test(arguments: [0, 30_000_000, 60_000_000] as [Int64], [false, true])
    func aHostThatLeavesStillStops(after delay: Int64, isTCP: Bool) throws {
        let line = try running(isTCP: isTCP)
        _ = line.recorder.askStop(device: 0)
        line.go(for: delay)
        line.leave()
        var reports: [StopReport] = []
        while let report = line.recorder.stopReports.pop() { reports.append(report) }
        #expect(!line.pumps[0].isRunning && line.pumps[0].writes.count == 1)
        #expect(reports.map(\.kind) == [.said, .notDelivered])
    }

    // MARK: Several pumps on a line

    @Test(arguments: [false, true]) func ofSeveralPumpsOneIsWrittenTo(isTCP: Bool) throws {
        let line = try DrivenModbusLine(isTCP: isTCP, units: [20, 21])
        let look = try #require(line.look("rate", of: 1))
        let order = try #require(line.order("rate", ["new-rate": "2.500"], of: 1, before: look.told))
        _ = line.hand(.command(order), to: 1)
        #expect(line.outcome()?.kind == .sent(.taken))
        #expect(line.pumps[0].writes.isEmpty && line.pumps[1].rate == 2.5)
        // What was decided for one is not said to another.
        let other = try #require(line.look("rate", of: 0))
        let strange = try #require(line.order("rate", ["new-rate": "3.500"], of: 1, before: other.told))
        _ = line.hand(.command(strange), to: 0)
        #expect(line.outcome()?.kind == .notSent(.lineNotClean))
        #expect(line.pumps[0].writes.isEmpty && line.pumps[1].writes.count == 1)
    }

    /// A stop that is tried holds no other stop, and bars what else was on its way.
    @Test(arguments: [false, true]) func aStopThatIsTriedHoldsNoOther(isTCP: Bool) throws {
        let line = try running(isTCP: isTCP, units: [20, 21])
        _ = line.recorder.askStop(device: 0)
        var asked: Int64?
        var proven: [Int32] = []
        line.go(for: 9_000_000_000) {
            line.pumps[0].mischief = .deaf
            if asked == nil, line.pumps[0].writes.count == 2 {
                asked = line.clock.now()
                _ = line.recorder.askStop(device: 1)
            }
            while let report = line.recorder.stopReports.pop() {
                if report.kind == .proven { proven.append(report.device) }
            }
            return false
        }
        let first = try #require(line.pumps[1].writes.first)
        // The exchange in progress with the silent one.
        #expect(first.time - (asked ?? 0) <= 700_000_000 && proven == [1])
        #expect(!line.pumps[1].isRunning && line.pumps[0].isRunning)
    }

    /// The times of the writes to a pump that does not stand, as it is told again and again.
    private func attempts(
        units: [UInt8], _ mischief: PlayedModbusPump.Mischief, neighbourFailsAfter: Int64 = .max
    ) throws -> (writes: [Int64], reads: Int) {
        let line = try running(isTCP: false, units: units)
        // Where in a neighbour's exchange it is asked for is the same in both.
        line.go(for: 1_000_000_000)
        line.go(for: 1_000_000_000) { line.pumps[0].reads.last.map { line.clock.now() - $0 == 20_000_000 } ?? false }
        let asked = line.clock.now()
        let before = line.pumps.last?.reads.count ?? 0
        if neighbourFailsAfter < .max { line.pumps.last?.silentFrom = asked + neighbourFailsAfter }
        _ = line.recorder.askStop(device: 0)
        line.go(for: 9_900_000_000) {
            line.pumps[0].mischief = mischief
            return false
        }
        return (line.pumps[0].writes.map { $0.time - asked }, (line.pumps.last?.reads.count ?? 0) - before)
    }

    /// Between two attempts the neighbours go on being read; no attempt is later for it.
    @Test(arguments: [PlayedModbusPump.Mischief.lies, .deaf, .refuses(4)])
    func neighboursAreReadBetweenTheAttemptsOfAStop(_ mischief: PlayedModbusPump.Mischief) throws {
        let alone = try attempts(units: [20], mischief)
        let beside = try attempts(units: [20, 21], mischief)
        #expect(alone.writes.count > 3 && beside.writes.count >= alone.writes.count, "\(alone) \(beside)")
        for (one, other) in zip(alone.writes, beside.writes) {
            #expect(other <= one + 25_000_000, "\(alone) \(beside)")
        }
        #expect(beside.reads >= 10, "\(beside.reads)")
    }

    /// A neighbour that falls silent just then puts one attempt off by a tenth of a second, and is left alone from then
    /// on.
    @Test(arguments: [0, 700_000_000, 1_500_000_000, 3_000_000_000] as [Int64])
    func aNeighbourThatFallsSilentPutsAStopOffOnceAndBarely(after time: Int64) throws {
        let alone = try attempts(units: [20], .lies)
        let beside = try attempts(units: [20, 21], .lies, neighbourFailsAfter: time)
        for (one, other) in zip(alone.writes, beside.writes) {
            #expect(other <= one + 125_000_000, "\(alone) \(beside)")
        }
        #expect(beside.writes.count >= alone.writes.count - 1)
    }

    // MARK: Any mischief

    /// Thousands of commands to a pump that misbehaves: a write is said once at most, never after *not sent*, a
    /// refusal is of a pump that did nothing, and what a clean look tells is what the pump holds.
    @Test(arguments: [false, true]) func whateverThePumpDoesAWriteIsSaidOnceAndALookIsTrue(isTCP: Bool) throws {
        var generator = SeededGenerator(seed: isTCP ? 17 : 16)
        let line = try DrivenModbusLine(isTCP: isTCP, seconds: 1 << 30)
        let pump = line.pumps[0]
        let mischiefs: [PlayedModbusPump.Mischief] = [
            .obeysSilently, .lies, .takesAnother, .saysAnother, .answersLate, .answersTwice, .deaf, .damaged,
            .refuses(2), .refuses(4), .refuses(6), .loses,
        ]
        var counts: [String: Int] = [:]
        for turn in 0..<2_000 {
            guard let look = line.look("rate"), look.kind == .looked(isClean: true) else {
                counts["no look", default: 0] += 1
                continue
            }
            let quantity = "\(1 + turn % 29).5"
            let order = try #require(line.order("rate", ["new-rate": quantity], before: look.told))
            if Int.random(in: 0..<10, using: &generator) == 0 { pump.rate = 0.25 }
            if Bool.random(using: &generator) { pump.mischief = mischiefs.randomElement(using: &generator) }
            if Int.random(in: 0..<10, using: &generator) == 0 {
                pump.deafReads = Int.random(in: 1...3, using: &generator)
            }
            if Int.random(in: 0..<10, using: &generator) == 0 {
                line.line.breaksAt = line.clock.now() + Int64.random(in: 0...2_000_000_000, using: &generator)
            }
            let (before, rate) = (pump.writes.count, pump.rate)
            _ = line.hand(.command(order))
            let outcome = try #require(line.outcome())
            let said = pump.writes.count - before
            #expect(said <= 1)
            switch outcome.kind {
            case .notSent(let reason):
                #expect(said == 0, "said although \(reason)")
                counts["not sent: \(reason)", default: 0] += 1
            case .sent(let answer):
                if answer == .rejected { #expect(pump.rate == rate, "refused, and done") }
                counts["sent: \(answer)", default: 0] += 1
            default: Issue.record("\(outcome.kind)")
            }
            pump.mischief = nil
            if let after = line.look("rate"), after.kind == .looked(isClean: true) {
                let told = line.values(after, "rate")["capacity"]
                #expect(told == "\(pump.rate)".replacing(/\.0$/, with: ""), "\(pump.rate)")
            }
            line.go(for: 2_000_000_000)
            #expect(pump.writes.count - before == said, "said again")
        }
        #expect((counts["sent: taken"] ?? 0) > 700 && counts.count > 6, "\(counts)")
    }
}
