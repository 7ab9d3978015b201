import CommandFacts
import LineEngine
import OperatorDesk
import PumpDesk
import TestSupport
import Testing

/// What the pump shows when a command is entered is kept with it, and held against what it shows later (C-29, case 13).
@Suite struct EnteringTests {
    private func refusal(_ answer: DeskAnswer?) -> (code: String, words: String) {
        if case .refused(let code, let words, _)? = answer { (code, words) } else { ("\(answer.debugDescription)", "") }
    }

    private func drafted(_ world: DeskWorld, _ entry: DeskEntry) throws -> Int64 {
        guard case .command(let view)? = world.ask(.draft(entry, by: world.first)) else {
            throw DeskWorld.JournalFault()
        }
        return view.number
    }

    private func events(_ world: DeskWorld) -> [String] { world.journal.map { DeskWorld.word($0.event.event) } }

    @Test func c29_whatThePumpShowsIsInTheJournalWithWhatWasEntered() throws {
        let world = try DeskWorld()
        let number = try #require(world.ready(world.rate("12.5")))
        let shown = [Reading("mode", "STOP"), Reading("alarm", "-"), Reading("rate", "5")]
        guard case .drafted(_, _, shown) = world.journal[0].event.event,
            case .verified(number, _, shown) = world.journal[1].event.event
        else {
            Issue.record("\(world.journal.map(\.event.event))")
            return
        }
        let atEntry = [
            ReadingView("mode", "STOP"), ReadingView("alarm", "-"), ReadingView("rate", "5", unit: "mL/h"),
        ]
        #expect(world.view(number)?.atEntry == atEntry)
        #expect(world.start(number)?.end == "confirmed" && world.view(number)?.atEntry == atEntry)
    }

    @Test func c29_aKeyBetweenTheEnteringAndTheStartVoidsWhatWasEntered() throws {
        let world = try DeskWorld()
        let number = try #require(world.ready(world.rate("12.5")))
        world.pump.set(rate: "7", at: world.line.clock.now())
        let (code, words) = refusal(world.ask(.start(number, by: world.second)))
        #expect(code == "changed" && words.contains("showed rate 5 mL/h; now it shows rate 7 mL/h."), "\(words)")
        #expect(!words.contains("mode") && !words.contains("12.5"), "only what differs, and nothing of the entry")
        let view = try #require(world.view(number))
        #expect(view.stage == .ended && view.end == "changed")
        #expect(view.atEntry.contains(ReadingView("rate", "5", unit: "mL/h")))
        #expect(view.readings.contains(ReadingView("rate", "7", unit: "mL/h")))
        // It is void, also when the pump shows again what it showed.
        world.pump.set(rate: "5.0", at: world.line.clock.now())
        #expect(refusal(world.ask(.start(number, by: world.second))).code == "unknownCommand")
        world.go(for: 5_000_000_000)
        #expect(world.pump.effects.isEmpty && world.kinds(of: number) == ["verified", "changed"])
        // Entered anew it is another command, on what the pump shows now.
        let again = try #require(world.ready(world.rate("12.5")))
        #expect(world.start(again)?.end == "confirmed" && world.pump.effects.count == 1)
    }

    /// What must hold for the command counts as much as what it sets: a pump that waits in another way was touched.
    @Test func c29_aStateThatIsAnotherVoidsItEvenWhereBothAreAllowed() throws {
        let world = try DeskWorld()
        let number = try #require(world.ready(DeskEntry(device: "pump", command: "start", entries: [:])))
        world.pump.set(mode: "SET", at: world.line.clock.now())
        let (code, words) = refusal(world.ask(.start(number, by: world.second)))
        #expect(code == "changed" && words.contains("showed mode STOP; now it shows mode SET."), "\(words)")
        #expect(world.pump.effects.isEmpty)
    }

    @Test func c29_aKeyBetweenTheTwoPeopleVoidsWhatTheFirstEntered() throws {
        let world = try DeskWorld()
        let number = try drafted(world, world.rate("12.5"))
        world.pump.set(rate: "7", at: world.line.clock.now())
        let (code, words) = refusal(world.ask(.verify(number, world.rate("12.5"), by: world.second)))
        #expect(code == "changed" && words.contains("rate 5 mL/h") && words.contains("rate 7 mL/h"), "\(words)")
        #expect(!words.contains("12.5") && world.view(number)?.end == "changed")
        #expect(refusal(world.ask(.verify(number, world.rate("12.5"), by: world.second))).code == "unknownCommand")
    }

    /// Not known now is not valid: without an answer nothing is entered, and what was entered waits.
    @Test func c29_whatAPumpThatDoesNotAnswerShowsIsNotKnown() throws {
        let world = try DeskWorld()
        func breakLine() {
            world.line.line.breaksAt = world.line.clock.now()
            world.line.line.isGoneUntil = world.line.clock.now() + 15_000_000_000
            world.go(for: 100_000_000)
        }
        breakLine()
        #expect(refusal(world.ask(.draft(world.rate("12.5"), by: world.first))).code == "notFresh")
        #expect(world.journal.isEmpty)
        world.go(for: 30_000_000_000)
        let number = try drafted(world, world.rate("12.5"))
        breakLine()
        #expect(refusal(world.ask(.verify(number, world.rate("12.5"), by: world.second))).code == "notFresh")
        #expect(world.view(number)?.stage == .draft)
        // What is refused whatever the pump shows is refused at once, and what differs voids both.
        let asked = world.line.clock.now()
        #expect(refusal(world.ask(.verify(number, world.rate("12.5"), by: world.first))).code == "samePerson")
        #expect(refusal(world.ask(.verify(number, world.rate("4"), by: world.second))).code == "mismatch")
        #expect(world.line.clock.now() - asked < 1_000_000_000 && world.view(number)?.end == "mismatched")
        #expect(events(world) == ["drafted", "mismatched"])
    }

    @Test func aStopMeanwhileKeepsWhatIsEnteredFromBeingRecorded() throws {
        let world = try DeskWorld()
        var answers: [String] = []
        let number = try drafted(world, world.rate("5"))
        // It lets somebody wait, whether it is a poll or a look that it does not hear.
        world.pump.mischief["INF"] = .deaf
        world.put(.draft(world.rate("12.5"), by: world.first)) { answers.append(refusal($0).code) }
        world.put(.verify(number, world.rate("5"), by: world.second)) { answers.append(refusal($0).code) }
        world.go(for: 50_000_000)
        #expect(answers.isEmpty, "the pump is being asked")
        _ = world.line.recorder.askStop(device: 0)
        world.go(for: 100_000_000)
        #expect(answers == ["stopPending", "stopPending"])
        world.go(for: 20_000_000_000)
        #expect(events(world) == ["drafted", "stopAsked", "stopSent", "stopConfirmed"] && answers.count == 2)
    }

    @Test func aHostThatEndsAnswersWhoeverEntersSomething() throws {
        let world = try DeskWorld()
        var codes: [String] = []
        world.put(.draft(world.rate("5"), by: world.first)) { codes.append(refusal($0).code) }
        world.go(for: 50_000_000)
        world.desk.beginClosing()
        world.put(.draft(world.rate("5"), by: world.first)) { codes.append(refusal($0).code) }
        world.go(for: 50_000_000)
        #expect(codes == ["notRunning"])
        world.desk.close()
        #expect(codes == ["notRunning", "notRunning"])
        world.go(for: 5_000_000_000)
        #expect(world.journal.isEmpty && codes.count == 2)
    }

    /// Keys pressed at any moment: an effect goes out on top of what the pump showed at the entering, or not at all.
    @Test func c29_noEffectIsSaidOnTopOfAnotherValueThanThatAtItsEntering() throws {
        var generator = SeededGenerator(seed: 29)
        var rules = CommandRules()
        rules.mostInWindow = 1 << 20
        let world = try DeskWorld(rules)
        var ends: [String: Int] = [:]
        var atEntry: Double?
        var onTop: [String] = []
        world.pump.onEffect = { [unowned world] _ in
            if Double(world.pump.rate) != atEntry { onTop.append("\(atEntry ?? -1) and \(world.pump.rate)") }
        }
        for turn in 0..<300 {
            let entry = world.rate("\(20 + turn % 100)")
            var key: Int64? = world.line.clock.now() + Int64.random(in: 0...300_000_000, using: &generator)
            if Bool.random(using: &generator) { key = nil }
            func goOn(_ request: DeskRequest) -> DeskAnswer? {
                var answer: DeskAnswer?
                world.put(request) { answer = $0 }
                world.go(for: 60_000_000_000) {
                    if let due = key, world.line.clock.now() >= due {
                        key = nil
                        world.pump.set(rate: "\(1 + turn % 9)", at: due)
                    }
                    return answer != nil
                }
                return answer
            }
            let answer = goOn(.draft(entry, by: world.first))
            guard case .command(let draft)? = answer else {
                ends[refusal(answer).code, default: 0] += 1
                world.go(for: 10_000_000_000)
                continue
            }
            // What it showed to the first is what counts.
            atEntry = draft.atEntry.first { $0.field == "rate" }.flatMap { Double($0.value) }
            if case .command? = goOn(.verify(draft.number, entry, by: world.second)) {
                _ = goOn(.start(draft.number, by: world.second))
            }
            world.go(for: 12_000_000_000) { world.desk.ledger.open[draft.number]?.state.isOpen != true }
            ends[world.view(draft.number)?.end ?? "none", default: 0] += 1
            world.go(for: 6_000_000_000)
        }
        #expect(onTop.isEmpty, "\(onTop)")
        #expect((ends["changed"] ?? 0) > 10 && (ends["confirmed"] ?? 0) > 100, "\(ends)")
    }
}
