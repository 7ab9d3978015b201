import Testing

@testable import CommandFacts
@testable import PumpControl

/// How often something is done to a device: the program's own, and what a site or a profile tightens it to (C-17,
/// C-39). All of it is what the journal's events came to.
@Suite struct PaceTests {
    private static let second: Int64 = 1_000_000_000
    private static let minute: Int64 = 60 * second

    private static func rules(_ gap: Int64, _ most: Int) -> CommandRules {
        var rules = CommandRules()
        (rules.leastGap, rules.mostInWindow) = (gap, most)
        return rules
    }

    private func refusal(_ ledger: CommandLedger, _ rules: CommandRules, at now: Int64) -> CommandLedger.Refusal? {
        do throws(CommandLedger.Refusal) { try ledger.checkPace(of: LedgerTests.pump, within: rules, at: now) } catch {
            return error
        }
        return nil
    }

    /// One that was taken and has shown.
    private func done(_ desk: inout LedgerTests.Desk, at time: Int64) throws {
        let number = try desk.intended(at: time)
        for event in [
            CommandEvent.sent(number), .taken(number), .readBack(number, LedgerTests.shown("12.5")),
        ] { desk.tell(event, at: time) }
        #expect(desk.end == .confirmed)
    }

    @Test func c39_aPauseIsFromOneBeginningToTheNext() throws {
        var desk = LedgerTests.Desk()
        let rules = Self.rules(3 * Self.minute, 6)
        #expect(refusal(desk.ledger, rules, at: 0) == nil)
        try done(&desk, at: 10)
        #expect(refusal(desk.ledger, rules, at: 10) == .init(.tooSoon, wait: 3 * Self.minute))
        #expect(refusal(desk.ledger, rules, at: 9 + 3 * Self.minute) == .init(.tooSoon, wait: 1))
        #expect(refusal(desk.ledger, rules, at: 10 + 3 * Self.minute) == nil)
        // What is looser counts for nothing.
        let looser = refusal(desk.ledger, Self.rules(0, 100), at: 10 + Self.second)
        #expect(looser == .init(.tooSoon, wait: 4 * Self.second))
        // The same wherever it is decided.
        #expect(throws: CommandLedger.Refusal(.tooSoon, wait: 3 * Self.minute)) {
            try desk.ledger.draft(LedgerTests.content(), by: LedgerTests.first, shown: [], within: rules, at: 10)
        }
        // Of another clock.
        #expect(refusal(desk.ledger, rules, at: .min) == .init(.tooSoon, wait: 3 * Self.minute))
    }

    /// What had left its window when the last session ended does not come back with the next, whose clock is another.
    @Test func whatWasOverBeforeARestartIsOverBehindIt() throws {
        var desk = LedgerTests.Desk()
        let rules = desk.ledger.rules
        try done(&desk, at: 0)
        let number = try desk.intended(at: rules.leastGap)
        desk.tell(.sent(number), at: rules.leastGap)
        desk.tell(.rejected(number), at: rules.leastGap)
        #expect(desk.ledger.pump(LedgerTests.pump).intents.count == 2)
        #expect(desk.ledger.pump(LedgerTests.pump).failures.count == 1)
        var early = desk
        early.tell(.sessionBegan, at: 7)
        #expect(early.ledger.pump(LedgerTests.pump).intents == [7, 7])
        #expect(early.ledger.pump(LedgerTests.pump).failures == [7])
        let other = PumpKey(port: "p")
        desk.tell(.stopAsked(other, by: LedgerTests.first), at: rules.window + rules.leastGap)
        desk.tell(.sessionBegan, at: 7)
        #expect(desk.ledger.pump(LedgerTests.pump).intents.isEmpty)
        #expect(desk.ledger.pump(LedgerTests.pump).failures.isEmpty)
    }

    @Test func c39_soManyInAnyHour() throws {
        var desk = LedgerTests.Desk()
        let rules = Self.rules(Self.minute, 3)
        for turn in 0..<3 { try done(&desk, at: Int64(turn) * 10 * Self.minute) }
        let now = 20 * Self.minute + 30 * Self.second
        #expect(refusal(desk.ledger, rules, at: now) == .init(.tooMany, wait: 40 * Self.minute - 30 * Self.second))
        #expect(refusal(desk.ledger, rules, at: 60 * Self.minute) == nil)
        // With a lower number more have to leave the hour.
        #expect(
            refusal(desk.ledger, Self.rules(Self.minute, 2), at: now)?.wait == 50 * Self.minute - 30 * Self.second)
        // What is possible again has both behind it.
        let longer = refusal(desk.ledger, Self.rules(50 * Self.minute, 3), at: now)
        #expect(longer == .init(.tooMany, wait: 50 * Self.minute - 30 * Self.second))
    }

    /// Whatever a site says, the program's own number counts.
    @Test func c39_neverMoreThanTheProgramsOwn() throws {
        var desk = LedgerTests.Desk()
        for turn in 0..<12 { try done(&desk, at: Int64(turn) * Self.minute) }
        let refused = refusal(desk.ledger, Self.rules(0, 100), at: 12 * Self.minute)
        #expect(refused == .init(.tooMany, wait: 48 * Self.minute))
        #expect(refusal(desk.ledger, Self.rules(0, 100), at: 60 * Self.minute) == nil)
    }

    /// A kill is another session: what was done counts as done just now. So does what a summary says in place of the
    /// events before it.
    @Test func c39_theyOutliveAKillAndASummary() throws {
        var desk = LedgerTests.Desk()
        let rules = Self.rules(3 * Self.minute, 2)
        try done(&desk, at: 0)
        desk.tell(.sessionBegan, at: 2 * Self.minute)
        #expect(refusal(desk.ledger, rules, at: 4 * Self.minute) == .init(.tooSoon, wait: Self.minute))
        try done(&desk, at: 5 * Self.minute)
        var later = CommandLedger()
        later.apply(.snapshot(desk.ledger.snapshot), number: 1000, at: 6 * Self.minute)
        later.apply(.sessionBegan, number: 1001, at: 7 * Self.minute)
        #expect(refusal(later, rules, at: 66 * Self.minute) == .init(.tooMany, wait: Self.minute))
        #expect(refusal(later, rules, at: 67 * Self.minute) == nil)
    }

    /// What was not sent counts like what was: nothing gives a pause back.
    @Test func c39_whatWasNotSentGivesNoPauseBack() throws {
        var desk = LedgerTests.Desk()
        let rules = Self.rules(3 * Self.minute, 2)
        let number = try desk.intended(at: 0)
        desk.tell(.notSent(number, .changed), at: Self.second)
        #expect(refusal(desk.ledger, rules, at: Self.second) == .init(.tooSoon, wait: 3 * Self.minute - Self.second))
        let second = try desk.intended(at: 10 * Self.minute)
        desk.tell(.notSent(second, .lineNotClean), at: 10 * Self.minute)
        #expect(refusal(desk.ledger, rules, at: 15 * Self.minute) == .init(.tooMany, wait: 45 * Self.minute))
        // Nor over a kill.
        desk.tell(.sessionBegan, at: 20 * Self.minute)
        #expect(refusal(desk.ledger, rules, at: 21 * Self.minute) == .init(.tooMany, wait: 59 * Self.minute))
    }

    /// The effect may go out up to ten seconds after it was intended: the pause is from then on.
    @Test(arguments: ["sent", "unanswered"]) func c39_aPauseIsFromTheTransmission(word: String) throws {
        var desk = LedgerTests.Desk()
        let rules = Self.rules(3 * Self.minute, 2)
        try done(&desk, at: 0)
        let number = try desk.intended(at: 10 * Self.minute)
        let said = 10 * Self.minute + 9 * Self.second
        desk.tell(word == "sent" ? .sent(number) : .unanswered(number, .lineLost), at: said)
        #expect(desk.ledger.pump(LedgerTests.pump).intents == [0, said])
        let six = Self.rules(3 * Self.minute, 6)
        #expect(refusal(desk.ledger, six, at: said) == .init(.tooSoon, wait: 3 * Self.minute))
        // Of the hour as well.
        #expect(refusal(desk.ledger, rules, at: 65 * Self.minute) == nil)
        #expect(refusal(desk.ledger, Self.rules(0, 1), at: 65 * Self.minute)?.wait == said - 5 * Self.minute)
        // What comes of it later moves nothing; nor does a clock that is behind.
        if word == "sent" { desk.tell(.taken(number), at: said + Self.minute) }
        #expect(desk.ledger.pump(LedgerTests.pump).intents == [0, said])
        var other = LedgerTests.Desk()
        let early = try other.intended(at: Self.minute)
        other.tell(.sent(early), at: 0)
        #expect(other.ledger.pump(LedgerTests.pump).intents == [Self.minute])
    }

    @Test func aRefusalSaysWhenItIsPossibleAgain() {
        let told: [(CommandLedger.Refusal, String)] = [
            (.init(.tooSoon, wait: 1), "It is too soon after the last time: it is possible again in 1 s."),
            (
                .init(.tooSoon, wait: 2 * Self.minute + 4 * Self.second + 1),
                "It is too soon after the last time: it is possible again in 2 min 5 s."
            ),
            (
                .init(.tooMany, wait: 41 * Self.minute),
                "This was done as often as is allowed in an hour: it is possible again in 41 min; until then use the "
                    + "device's own keys."
            ), (.init(.tooSoon, 7), RefusalReason.tooSoon.text), (.init(.locked), RefusalReason.locked.text),
        ]
        for (refusal, words) in told { #expect(refusal.text == words) }
    }

    /// What shows that something began may be everything but what was there.
    @Test func anythingButTheseIsShownByAnotherValue() {
        let effect = Effect(
            bytes: [1], wanted: [Expectation("cuff", ["0"], isOther: true)], before: [Reading("cuff", "0")],
            profileDigest: "00", expires: 9)
        #expect(!effect.isShown(by: effect.before) && effect.isShown(by: [Reading("cuff", "7")]))
        #expect(!effect.isShown(by: []) && !effect.isShown(by: [Reading("rate", "7")]))
    }
}
