import CommandFacts
import DeviceModel
import Foundation
import LineEngine
import OperatorDesk
import PumpDesk
import TestSupport
import Testing

/// The command path from what people enter to what the pump does, in virtual time.
@Suite struct PumpDeskTests {
    /// Whoever asks for a command of a profile in which one cannot be carried out is told which, and why.
    @Test func whatCannotBeCarriedOutIsRefusedWithTheReason() throws {
        let world = try DeskWorld(commands: .faulty(hasStop: true))
        for entry in [world.rate("12.5"), DeskEntry(device: "pump", command: "start", entries: [:])] {
            guard case .refused(let code, let words, _)? = world.ask(.draft(entry, by: world.first)) else {
                Issue.record("it was taken")
                continue
            }
            #expect(code == "notDriven")
            #expect(words.contains("“rate” could not be carried out: “rate” shows another unit"), "\(words)")
        }
        guard case .pumps(let pumps)? = world.ask(.list) else { return #expect(Bool(false)) }
        #expect(pumps.map(\.isDriven) == [false])
        guard case .stop(_, let isProven, _)? = world.stop() else { return #expect(Bool(false)) }
        #expect(isProven == true)
    }

    /// A pump of which nothing can be carried out cannot be stopped either: whoever asks is told that at once.
    @Test func whereNothingCanBeCarriedOutNoStopIsPromised() throws {
        let world = try DeskWorld(commands: .faulty(hasStop: false))
        guard case .refused(let code, let words, _)? = world.stop() else { return #expect(Bool(false)) }
        #expect(code == "unknownPump" && words.contains("cannot stop “pump”"), "\(words)")
        guard case .refused("notDriven", _, _)? = world.ask(.draft(world.rate("12.5"), by: world.first)) else {
            return #expect(Bool(false))
        }
    }

    /// Whether all of them are made: `make command-test` asks for that.
    private static let isLong = ProcessInfo.processInfo.environment["NABD_LONG"] != nil
    private static let commands = isLong ? 10_000 : 1_000
    private static let kills = isLong ? 2_000 : 200

    @Test func aCommandIsEnteredTwiceCarriedOutOnceAndProven() throws {
        let world = try DeskWorld()
        let number = try #require(world.ready(world.rate("12.5")))
        let view = try #require(world.start(number))
        #expect(view.stage == .ended && view.end == "confirmed" && world.pump.rate == "12.5")
        #expect(world.pump.effects.map(\.word) == ["INF_RATE"] && world.undurable == 0)
        #expect(
            world.kinds(of: number) == ["verified", "intended", "sent", "taken", "readBack"],
            "\(world.kinds(of: number))")
    }

    @Test func whatTheFirstEnteredIsNotShownBeforeTheSecondHasEnteredIt() throws {
        let world = try DeskWorld()
        guard case .command(let draft)? = world.ask(.draft(world.rate("41.7"), by: world.first)) else {
            Issue.record("no draft")
            return
        }
        for request in [DeskRequest.list, .show(draft.number), .history(most: 10)] {
            #expect(!"\(world.ask(request).debugDescription)".contains("41.7"))
        }
        #expect(world.ask(.verify(draft.number, world.rate("4.1"), by: world.second)) != nil)
        #expect(world.view(draft.number)?.end == "mismatched")
        #expect(world.ask(.start(draft.number, by: world.first)) != nil)
        world.go(for: 5_000_000_000)
        #expect(world.pump.effects.isEmpty)
    }

    private func code(_ answer: DeskAnswer?) -> String {
        if case .refused(let code, _, _)? = answer { code } else { "\(answer.debugDescription)" }
    }

    @Test func whatMayNotBeIsRefusedInOneSentence() throws {
        let world = try DeskWorld()
        for text in ["1e1", "+1", ".5", "5.", "012.5", "12.50", "12,5", "١٢", "0.05", "1200.1", "12.55"] {
            let answer = world.ask(.draft(world.rate(text), by: world.first))
            #expect(code(answer) == "quantity", "\(text)")
        }
        #expect(
            code(world.ask(.draft(DeskEntry(device: "pump", command: "rate", entries: [:]), by: world.first)))
                == "missingArgument")
        #expect(
            code(world.ask(.draft(DeskEntry(device: "pmp", command: "rate", entries: [:]), by: world.first)))
                == "unknownPump")
        #expect(
            code(world.ask(.draft(DeskEntry(device: "pump", command: "stop", entries: [:]), by: world.first)))
                == "stop")
        #expect(
            code(world.ask(.draft(DeskEntry(device: "pump", command: "bolus", entries: [:]), by: world.first)))
                == "unknownCommand")
        guard case .command(let draft)? = world.ask(.draft(world.rate("5"), by: world.first)) else { return }
        #expect(code(world.ask(.verify(draft.number, world.rate("5"), by: world.first))) == "samePerson")
        #expect(code(world.ask(.start(draft.number, by: world.second))) == "notVerified")
        #expect(world.pump.effects.isEmpty)
    }

    /// Case 1 of the facts: obeyed, and no answer ever; a second command is refused, and what it did is read.
    @Test func aCommandWhoseAnswerIsLostIsProvenByWhatThePumpShows() throws {
        let world = try DeskWorld()
        let number = try #require(world.ready(world.rate("12.5")))
        world.pump.mischief["INF_RATE"] = .obeysSilently
        let view = try #require(world.start(number))
        #expect(view.end == "confirmed" && world.pump.effects.count == 1)
        #expect(world.kinds(of: number).contains("unanswered"))
    }

    @Test func aPumpThatSaysYesAndDoesNothingIsAPersonsTask() throws {
        let world = try DeskWorld()
        let number = try #require(world.ready(world.rate("12.5")))
        world.pump.mischief["INF_RATE"] = .lies
        _ = world.ask(.start(number, by: world.second))
        world.go(for: 30_000_000_000)
        #expect(world.view(number)?.stage == .uncertain)
        #expect(code(world.ask(.draft(world.rate("7"), by: world.first))) == "uncertainPending")
        #expect(code(world.ask(.resolve(number, seen: .notInEffect, by: [world.first, world.second]))) == "tooSoon")
        world.go(for: 60_000_000_000)
        #expect(world.desk.alarms.contains { $0.alert == .commandUncertain && $0.holds })
        #expect(code(world.ask(.resolve(number, seen: .notInEffect, by: [world.first]))) == "onePersonMore")
        #expect(world.ask(.resolve(number, seen: .notInEffect, by: [world.first, world.second])) != nil)
        #expect(world.view(number)?.end == "resolved: notInEffect" && world.pump.effects.count == 1)
    }

    @Test func aBrokenJournalBarsEveryEffectAndNoStop() throws {
        let world = try DeskWorld()
        let number = try #require(world.ready(world.rate("12.5")))
        world.pump.set(mode: "STOP", at: 0)
        world.isJournalBroken = true
        #expect(code(world.ask(.start(number, by: world.second))) == "journal")
        #expect(code(world.ask(.draft(world.rate("5"), by: world.first))) == "journal")
        world.go(for: 5_000_000_000)
        #expect(world.pump.effects.isEmpty)
        world.pump.set(mode: "INFUSE", at: world.line.clock.now())
        guard case .stop(_, let isProven, _)? = world.stop() else {
            Issue.record("no answer")
            return
        }
        #expect(isProven == true && world.pump.mode == "STOP")
        world.isJournalBroken = false
        world.go(for: 1_000_000_000)
        #expect(
            world.journal.map { DeskWorld.word($0.event.event) }.suffix(3) == [
                "stopAsked", "stopSent", "stopConfirmed",
            ])
        // What had been entered is void.
        #expect(code(world.ask(.start(number, by: world.second))) == "unknownCommand")
    }

    @Test func aStopThatIsNotProvenBarsThePumpUntilSomebodyHasLooked() throws {
        let world = try DeskWorld()
        world.pump.set(mode: "INFUSE", at: 0)
        world.go(for: 3_000_000_000)
        var answer: DeskAnswer?
        _ = world.line.recorder.askStop(device: 0)
        world.put(.stop(device: "pump", by: world.first)) { answer = $0 }
        world.go(for: 20_000_000_000) {
            world.pump.mischief["INF_STOP"] = .lies
            return answer != nil
        }
        guard case .stop(_, let isProven, _)? = answer else {
            Issue.record("no answer")
            return
        }
        #expect(isProven == false)
        #expect(code(world.ask(.draft(world.rate("5"), by: world.first))) == "stopPending")
        #expect(world.ask(.lookedAt(device: "pump", by: world.first)) != nil)
        world.pump.set(mode: "STOP", at: 0)
        #expect(world.ready(world.rate("5")) != nil)
    }

    /// What has happened is written before what is decided: a write that failed lets none pass it.
    @Test func nothingIsDecidedBeforeWhatHappenedIsWritten() throws {
        let world = try DeskWorld()
        world.go(for: 1_000_000_000)
        world.failures = 1
        _ = world.line.recorder.askStop(device: 0)
        #expect(code(world.ask(.draft(world.rate("5"), by: world.first))) == "journal")
        world.go(for: 1_000_000_000)
        #expect(world.journal.first.map { DeskWorld.word($0.event.event) } == "stopAsked")
    }

    /// A start that was verified before the stop, and asked for right behind it, before the stop's own request came.
    @Test func aStopVoidsWhatWasEnteredWhoeverSpeaksFirst() throws {
        let world = try DeskWorld()
        let number = try #require(world.ready(world.rate("12.5")))
        _ = world.line.recorder.askStop(device: 0)
        #expect(code(world.ask(.start(number, by: world.second))) == "unknownCommand")
        world.go(for: 5_000_000_000)
        #expect(world.pump.effects.map(\.word) == ["INF_STOP"])
        // Who asks late hears what it came to.
        guard case .stop(_, let isProven, _)? = world.ask(.stop(device: "pump", by: nil)) else {
            Issue.record("no answer")
            return
        }
        #expect(isProven == true)
    }

    /// Somebody who hears nothing goes to the pump: what was to be started is not, long after.
    @Test func aStartDoesNotWaitForALineThatIsGone() throws {
        let world = try DeskWorld()
        let number = try #require(world.ready(world.rate("12.5")))
        world.line.line.breaksAt = world.line.clock.now()
        world.line.line.isGoneUntil = world.line.clock.now() + 15_000_000_000
        world.go(for: 100_000_000)
        let asked = world.line.clock.now()
        #expect(code(world.ask(.start(number, by: world.second))) == "notFresh")
        #expect(world.line.clock.now() - asked < 15_000_000_000)
        world.go(for: 30_000_000_000)
        #expect(world.pump.effects.isEmpty)
    }

    /// Case 16: what was interrupted is not begun again in full by the same order.
    @Test func anOrderBeginsOneDelivery() throws {
        let world = try DeskWorld()
        let entry = DeskEntry(device: "pump", command: "start", entries: [:], order: "order-1")
        let number = try #require(world.ready(entry))
        #expect(world.start(number)?.end == "confirmed")
        world.go(for: 6_000_000_000)
        _ = world.stop()
        world.go(for: 6_000_000_000)
        #expect(code(world.ask(.draft(entry, by: world.first))) == "orderUsed")
        let other = DeskEntry(device: "pump", command: "start", entries: [:], order: "order-2")
        #expect(world.ready(other) != nil)
    }

    // MARK: Kills

    /// Killed at any moment: never a second effect, never a lost intent, and what is uncertain is found out.
    @Test func whereverTheHostIsKilledNothingIsSaidTwice() throws {
        var generator = SeededGenerator(seed: 7)
        var ends: [String: Int] = [:]
        for turn in 0..<Self.kills {
            let world = try DeskWorld()
            let number = try #require(world.ready(world.rate("\(10 + turn % 100).5")))
            if turn % 3 == 0 {
                world.pump.mischief["INF_RATE"] = PlayedPump.Mischief.allCases.randomElement(using: &generator)
            }
            world.put(.start(number, by: world.second)) { _ in }
            world.go(for: Int64.random(in: 0...3_000_000_000, using: &generator))
            for _ in 0..<Int.random(in: 1...2, using: &generator) {
                try world.kill()
                world.go(for: Int64.random(in: 0...2_000_000_000, using: &generator))
            }
            let isIntended = world.kinds(of: number).contains("intended")
            #expect(world.pump.effects.count <= (isIntended ? 1 : 0))
            world.go(for: 30_000_000_000)
            #expect(world.pump.effects.count <= (isIntended ? 1 : 0), "said after a restart")
            #expect(world.undurable == 0)
            let state = world.desk.ledger.open[number]
            ends[state.map { _ in "uncertain" } ?? world.view(number)?.end ?? "void", default: 0] += 1
            if state == nil, world.view(number)?.end == "confirmed" {
                #expect(world.pump.rate == "\(10 + turn % 100).5")
            }
        }
        #expect(ends.count >= 4, "\(ends)")
    }

    // MARK: Ten thousand

    @Test func thousandsOfCommandsToAPumpThatMisbehaves() throws {
        var generator = SeededGenerator(seed: 11)
        var rules = CommandRules()
        rules.mostInWindow = 1 << 20
        let world = try DeskWorld(rules)
        var ends: [String: Int] = [:]
        let words = ["INF", "INF_RATE", "INST_SERIALNO", "REMOTE_CTRL", "COMMS_PROTOCOL"]
        for turn in 0..<Self.commands {
            let quantity = "\(1 + turn % 1100).\(1 + turn % 9)"
            guard let number = world.ready(world.rate(quantity)) else {
                ends["not entered", default: 0] += 1
                // Locked, uncertain, or as often as is allowed: somebody looks, and time passes.
                for open in world.desk.ledger.open.keys.sorted() {
                    _ = world.ask(.resolve(open, seen: .inEffect, by: [world.first, world.second]))
                }
                _ = world.ask(.unlock(device: "pump", by: world.first))
                world.go(for: 60_000_000_000)
                continue
            }
            for _ in 0..<Int.random(in: 0...1, using: &generator) {
                world.pump.mischief[words.randomElement(using: &generator) ?? "INF"] = PlayedPump.Mischief.allCases
                    .randomElement(using: &generator)
            }
            if Int.random(in: 0..<12, using: &generator) == 0 {
                world.line.line.breaksAt =
                    world.line.clock.now() + Int64.random(in: 0...2_000_000_000, using: &generator)
            }
            let before = world.pump.effects.count
            let view = world.start(number)
            let said = world.pump.effects.count - before
            #expect(said <= 1)
            let end = view?.end ?? view?.stage.rawValue ?? "none"
            ends[end, default: 0] += 1
            if end == "confirmed" {
                #expect(said == 1 && world.pump.rate == quantity)
            } else if end.hasPrefix("notSent") {
                #expect(said == 0, "\(end)")
            } else if end == "notInEffect" {
                #expect(world.pump.rate != quantity)
            }
            world.pump.mischief = [:]
            world.go(for: 6_000_000_000)
        }
        #expect(world.undurable == 0 && world.desk.ledger.isRecordDamaged == false)
        if Self.isLong { print(ends.sorted { $0.key < $1.key }) }
        #expect((ends["confirmed"] ?? 0) > Self.commands / 2 && ends.count > 5, "\(ends)")
    }
}
