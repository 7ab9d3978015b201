import Testing

@testable import CommandFacts
@testable import PumpControl

/// What the pump showed when a command was entered, and what becomes of it where it shows something else later (C-29,
/// case 13).
@Suite struct EntryLedgerTests {
    typealias Desk = LedgerTests.Desk
    private static let (first, second) = (LedgerTests.first, LedgerTests.second)
    /// What is not what was shown at the entering: another value, one more, one less, none.
    private static let others: [[Reading]] = [
        [Reading("rate", "7")], [Reading("rate", "5"), Reading("mode", "STOP")], [Reading("mode", "5")], [],
    ]

    private static func effect(_ before: [Reading]) -> Effect {
        Effect(bytes: [1], wanted: [Expectation("rate", ["12.5"])], before: before, profileDigest: "00", expires: 9)
    }

    private func verified(_ desk: inout Desk) throws -> Int64 {
        let number = try desk.draft(LedgerTests.content())
        desk.tell(try desk.ledger.verify(number, entering: LedgerTests.content(), by: Self.second, at: 0))
        return number
    }

    @Test func c29_whatWasEnteredIsCarriedOutOnWhatThePumpShowedThen() throws {
        var desk = Desk()
        let number = try verified(&desk)
        #expect(desk.ledger.open[number]?.state.shown == LedgerTests.entered)
        let effect = Self.effect(LedgerTests.entered)
        #expect(try desk.ledger.intend(number, effect, at: 0) == .intended(number, effect))
        desk.tell(.intended(number, effect))
        #expect(desk.ledger.open[number]?.state == .intended(effect) && desk.ledger.open[number]?.state.shown == nil)
    }

    @Test(arguments: others) func c29_aPumpThatShowsSomethingElseAtTheStartVoidsIt(shown: [Reading]) throws {
        var desk = Desk()
        let number = try verified(&desk)
        let event = try desk.ledger.intend(number, Self.effect(shown), at: 0)
        #expect(event == .changed(number, shown: shown))
        desk.tell(event)
        #expect(desk.end == .void(.changed) && desk.ledger.open.isEmpty)
        #expect(desk.ledger.pump(LedgerTests.pump).isLookedAt && desk.ledger.pump(LedgerTests.pump).intents.isEmpty)
    }

    @Test(arguments: others) func c29_aPumpThatShowsSomethingElseToTheSecondVoidsBoth(shown: [Reading]) throws {
        var desk = Desk()
        let number = try desk.draft(LedgerTests.content())
        let event = try desk.ledger.verify(
            number, entering: LedgerTests.content(), by: Self.second, shown: shown, at: 0)
        #expect(event == .changed(number, shown: shown))
        desk.tell(event)
        #expect(desk.end == .void(.changed) && desk.ledger.open.isEmpty)
        // Another entry is that, whatever the pump shows.
        var other = Desk()
        let draft = try other.draft(LedgerTests.content())
        let content = LedgerTests.content(rate: 126)
        #expect(
            try other.ledger.verify(draft, entering: content, by: Self.second, shown: shown, at: 0)
                == .mismatched(draft, by: Self.second))
    }

    /// An older host did not keep it. What it wrote is read as ever; and what is not known is never equal to anything.
    @Test func c29_whatIsNotKnownOfTheEnteringIsNotEqual() throws {
        var old = Desk()
        old.tell(.drafted(LedgerTests.content(), by: Self.first))
        let number = old.ledger.last
        #expect(
            try old.ledger.verify(number, entering: LedgerTests.content(), by: Self.second, shown: [], at: 0)
                == .changed(number, shown: []))
        old.tell(.verified(number, by: Self.second))
        #expect(old.ledger.open[number]?.state == .verified(by: [Self.first, Self.second], since: 0))
        for shown in Self.others + [LedgerTests.entered] {
            #expect(try old.ledger.intend(number, Self.effect(shown), at: 0) == .changed(number, shown: shown))
        }
        old.tell(.intended(number, LedgerTests.effect()))
        #expect(old.ledger.open[number]?.state.isOpen == true && old.ledger.pump(LedgerTests.pump).isLookedAt)
        // Nor is it known where the journal says that the pump showed one thing to the first, another to the second.
        for shown in [nil, Self.others[0]] {
            var forged = Desk()
            let draft = try forged.draft(LedgerTests.content())
            forged.tell(.verified(draft, by: Self.second, shown: shown))
            #expect(forged.ledger.open[draft]?.state.people == 2 && forged.ledger.open[draft]?.state.shown == nil)
        }
    }

    @Test func c29_whatOnePersonEntersIsHeldAgainstThePumpToo() throws {
        var desk = Desk()
        let number = try desk.draft(LedgerTests.content(.trigger, people: 1))
        #expect(desk.ledger.open[number]?.state.shown == LedgerTests.entered)
        let shown = Self.others[0]
        #expect(try desk.ledger.intend(number, Self.effect(shown), at: 0) == .changed(number, shown: shown))
    }

    /// What is too late, or beside another command, is that first.
    @Test func c29_whatIsTooLateHasExpired() throws {
        var desk = Desk()
        let number = try verified(&desk)
        let late = 301 * LedgerTests.second1
        #expect(try desk.ledger.intend(number, Self.effect(Self.others[0]), at: late) == .expired(number))
    }

    // MARK: What is told of it

    private func view(_ history: CommandHistory, _ number: Int64) throws -> CommandView {
        try #require(history.traces[number]).view(
            number: number, state: history.ledger.open[number]?.state, device: "pump",
            fieldUnit: { $0 == "rate" ? "mL/h" : nil })
    }

    @Test func bothAreToldWhatItShowedThenAndWhatItShowsNow() throws {
        var history = CommandHistory()
        let then = LedgerTests.entered + [Reading("mode", "STOP")]
        let now = [Reading("rate", "7"), Reading("mode", "SET")]
        history.take(.drafted(LedgerTests.content(), by: Self.first, shown: then), number: 1, at: 0)
        let atEntry = [ReadingView("rate", "5", unit: "mL/h"), ReadingView("mode", "STOP")]
        #expect(try view(history, 1).atEntry == atEntry)
        // A reader may begin with what the events before came to.
        var later = CommandHistory()
        later.take(.snapshot(history.ledger.snapshot), number: 2, at: 0)
        history.take(.snapshot(history.ledger.snapshot), number: 2, at: 0)
        for var history in [history, later] {
            history.take(.verified(1, by: Self.second, shown: then), number: 3, at: 0)
            #expect(try view(history, 1).atEntry == atEntry && view(history, 1).readings.isEmpty)
            history.take(.changed(1, shown: now), number: 4, at: 5)
            let told = try view(history, 1)
            #expect(told.stage == .ended && told.end == "changed" && told.since == 5)
            #expect(told.atEntry == atEntry)
            #expect(told.readings == [ReadingView("rate", "7", unit: "mL/h"), ReadingView("mode", "SET")])
        }
        var old = CommandHistory()
        old.take(.drafted(LedgerTests.content(), by: Self.first), number: 1, at: 0)
        #expect(try view(old, 1).atEntry.isEmpty)
    }
}
