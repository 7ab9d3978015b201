import CommandFacts
import LineEngine
import OperatorDesk
import PumpDesk
import TestSupport
import Testing

/// How often a device may be commanded, as site and profile say, from what is entered to what is said (C-39).
@Suite struct PaceDeskTests {
    private static let minute: Int64 = 60_000_000_000

    private static func world(most: Int = 6, people: Int = 1) throws -> DeskWorld {
        var rules = CommandRules()
        (rules.leastGap, rules.mostInWindow) = (3 * minute, most)
        return try DeskWorld(CommandRules(), gate: EverythingAllowed(people: people, rules: rules))
    }

    private func drafted(_ world: DeskWorld, _ rate: String) -> Int64? {
        if case .command(let view)? = world.ask(.draft(world.rate(rate), by: world.first)) { view.number } else { nil }
    }

    private func refusal(_ answer: DeskAnswer?) -> (code: String, words: String) {
        if case .refused(let code, let words, _)? = answer { (code, words) } else { ("\(answer.debugDescription)", "") }
    }

    @Test func c39_oneOfMany() throws {
        let world = try Self.world()
        // Entered before the first was begun: each is looked at again when it is started.
        let numbers = try (1...5).map { try #require(drafted(world, "\($0)")) }
        #expect(world.start(numbers[0])?.end == "confirmed")
        for number in numbers.dropFirst() {
            let (code, words) = refusal(world.ask(.start(number, by: world.second)))
            #expect(code == "tooSoon" && words.contains("it is possible again in 3 min."), "\(words)")
        }
        for _ in 0..<100 {
            #expect(refusal(world.ask(.draft(world.rate("7"), by: world.first))).code == "tooSoon")
        }
        #expect(world.pump.effects.count == 1)
    }

    @Test func c39_theyOutliveAKill() throws {
        let world = try Self.world(most: 2)
        #expect(world.start(try #require(drafted(world, "1")))?.end == "confirmed")
        try world.kill()
        let (code, words) = refusal(world.ask(.draft(world.rate("2"), by: world.first)))
        #expect(code == "tooSoon" && words.contains("possible again in"), "\(words)")
        world.go(for: 3 * Self.minute)
        #expect(world.start(try #require(drafted(world, "2")))?.end == "confirmed")
        try world.kill()
        world.go(for: 10 * Self.minute)
        let again = refusal(world.ask(.draft(world.rate("3"), by: world.first)))
        #expect(again.code == "tooMany" && again.words.contains("possible again in 50 min"), "\(again.words)")
        #expect(world.pump.effects.count == 2)
    }

    /// Nothing keeps a stop waiting.
    @Test func c39_aStopIsSaidInThePause() throws {
        let world = try Self.world()
        #expect(world.start(try #require(drafted(world, "1")))?.end == "confirmed")
        #expect(refusal(world.ask(.draft(world.rate("2"), by: world.first))).code == "tooSoon")
        guard case .stop(_, let isProven, _)? = world.stop() else {
            Issue.record("no answer to a stop")
            return
        }
        #expect(isProven == true)
    }

    /// What was not said counts like what was: nothing gives a pause back.
    @Test func c39_whatWasNotSentIsCounted() throws {
        let world = try Self.world()
        let number = try #require(drafted(world, "1"))
        world.pump.mischief["REMOTE_CTRL"] = .deaf
        world.put(.start(number, by: world.second)) { _ in }
        world.go(for: Self.minute) {
            if case .intended? = world.desk.ledger.open[number]?.state { true } else { false }
        }
        world.pump.set(rate: "7", at: world.line.clock.now())
        world.go(for: Self.minute) { world.desk.ledger.open[number] == nil }
        #expect(world.kinds(of: number).last == "notSent" && world.pump.effects.isEmpty)
        world.go(for: 5_000_000_000)
        #expect(refusal(world.ask(.draft(world.rate("2"), by: world.first))).code == "tooSoon")
        world.go(for: 3 * Self.minute)
        #expect(drafted(world, "2") != nil)
    }

    /// A line that is busy says the effect seconds after it was intended: the pause is from then on.
    @Test func c39_aPauseIsFromWhatWasSaid() throws {
        let world = try Self.world()
        let number = try #require(drafted(world, "1"))
        #expect(world.start(number)?.end == "confirmed")
        let intents = world.desk.ledger.pump(PumpKey(port: "played")).intents
        let sent = world.journal.first { DeskWorld.word($0.event.event) == "sent" }?.event.time
        #expect(intents == [sent ?? 0])
    }
}
