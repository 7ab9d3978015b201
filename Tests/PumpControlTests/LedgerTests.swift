import Testing

@testable import CommandFacts
@testable import PumpControl

/// The ledger: what each event brings about, and what may be asked for.
@Suite struct LedgerTests {
    static let pump = PumpKey(serial: "8003-00107")
    static let (first, second, third) = (Operator("a"), Operator("b"), Operator("c"))
    static let second1: Int64 = 1_000_000_000

    static func content(
        _ kind: CommandKind = .set, pump: PumpKey = pump, line: String = "/dev/ttyUSB0", rate: Int64 = 125,
        people: Int = 2
    ) -> CommandContent {
        CommandContent(
            pump: pump, line: line, command: "rate", kind: kind,
            entries: [
                CommandEntry("volume", ExactQuantity(50, places: 0) ?? ExactQuantity.zero, unit: "mL"),
                CommandEntry("rate", ExactQuantity(rate, places: 1) ?? ExactQuantity.zero, unit: "mL/h"),
            ], people: people)
    }

    /// What a pump that gives 5 mL/h shows.
    static let entered = [Reading("rate", "5")]

    static func effect(before: String = "5", expires: Int64 = 200 * second1) -> Effect {
        Effect(
            bytes: [1], wanted: [Expectation("rate", ["12.5"])], before: [Reading("rate", before)],
            profileDigest: "00", expires: expires)
    }

    static func shown(_ value: String?, isAfter: Bool = true, isClean: Bool = true) -> ReadBack {
        ReadBack(
            isAskedAfter: isAfter, isClean: isClean, readings: value.map { [Reading("rate", $0)] } ?? [])
    }

    /// A ledger with its journal.
    struct Desk {
        var ledger = CommandLedger()
        var journal: [(event: CommandEvent, number: Int64, time: Int64)] = []
        var end: CommandEnd?

        mutating func tell(_ event: CommandEvent, at time: Int64 = 0) {
            let number = ledger.last + 1
            journal.append((event, number, time))
            if let end = ledger.apply(event, number: number, at: time) { self.end = end }
        }

        mutating func draft(_ content: CommandContent, shows: [Reading] = entered, at time: Int64 = 0) throws -> Int64 {
            tell(try ledger.draft(content, by: first, shown: shows, at: time), at: time)
            return ledger.last
        }

        mutating func intended(_ kind: CommandKind = .set, before: String = "5", at time: Int64 = 0) throws -> Int64 {
            let shows = [Reading("rate", before)]
            let number = try draft(content(kind), shows: shows, at: time)
            let verified = try ledger.verify(number, entering: content(kind), by: second, shown: shows, at: time)
            tell(verified, at: time)
            let effect = effect(before: before, expires: time + second1)
            tell(try ledger.intend(number, effect, at: time), at: time)
            return number
        }

        mutating func uncertain(_ kind: CommandKind = .set, before: String = "5", isTaken: Bool, at time: Int64 = 0)
            throws -> Int64
        {
            let number = try intended(kind, before: before, at: time)
            tell(.sent(number), at: time)
            if isTaken { tell(.taken(number), at: time) }
            tell(isTaken ? .undecided(number) : .unanswered(number, .silent), at: time)
            return number
        }
    }

    private func refusal(_ body: () throws(CommandLedger.Refusal) -> CommandEvent) -> CommandLedger.Refusal? {
        do throws(CommandLedger.Refusal) { _ = try body() } catch { return error }
        return nil
    }

    // MARK: People

    @Test func c11_twoPeopleEnterTheSameEachByThemselves() throws {
        var desk = Desk()
        let number = try desk.draft(Self.content())
        #expect(
            refusal { () throws(CommandLedger.Refusal) in
                try desk.ledger.verify(number, entering: Self.content(), by: Self.first, at: 0)
            } == .init(.samePerson, number))
        desk.tell(try desk.ledger.verify(number, entering: Self.content(), by: Self.second, at: 0))
        #expect(
            desk.ledger.open[number]?.state
                == .verified(by: [Self.first, Self.second], since: 0, shown: Self.entered))
        #expect(
            refusal { () throws(CommandLedger.Refusal) in
                try desk.ledger.verify(number, entering: Self.content(), by: Self.third, at: 0)
            } == .init(.notDraft, number))
    }

    @Test(arguments: [content(rate: 126), content(.trigger), content(line: "x"), content(pump: PumpKey(port: "p"))])
    func c12_whatDiffersInAnyPartVoidsBoth(entered: CommandContent) throws {
        var desk = Desk()
        let number = try desk.draft(Self.content())
        desk.tell(try desk.ledger.verify(number, entering: entered, by: Self.second, at: 0))
        #expect(desk.end == .void(.mismatched) && desk.ledger.open.isEmpty)
    }

    @Test func theOrderOfEntriesSaysNothing() {
        let entries = Self.content().entries
        let turned = CommandContent(
            pump: Self.pump, line: "/dev/ttyUSB0", command: "rate", kind: .set, entries: entries.reversed())
        #expect(turned == Self.content() && entries.map(\.name) == ["rate", "volume"])
    }

    @Test func whatOnePersonMayDoNeedsOne() throws {
        var desk = Desk()
        let number = try desk.draft(Self.content(people: 1))
        #expect(desk.ledger.open[number]?.state == .verified(by: [Self.first], since: 0, shown: Self.entered))
        desk.tell(.drafted(Self.content(people: 3), by: Self.first))
        #expect(desk.ledger.open.count == 1 && !desk.ledger.pump(Self.pump).isLookedAt)
        for people in [0, 3] {
            #expect(throws: CommandLedger.Refusal(.notAllowed)) {
                try Desk().ledger.draft(Self.content(people: people), by: Self.first, at: 0)
            }
        }
    }

    @Test func whoEnteredItMayWithdrawIt() throws {
        var desk = Desk()
        let number = try desk.draft(Self.content())
        desk.tell(try desk.ledger.withdraw(number, by: Self.first))
        #expect(desk.end == .void(.withdrawn))
        #expect(
            refusal { () throws(CommandLedger.Refusal) in try desk.ledger.withdraw(number, by: Self.first) }
                == .init(.unknownCommand))
        let other = try desk.intended(at: 10 * Self.second1)
        #expect(
            refusal { () throws(CommandLedger.Refusal) in try desk.ledger.withdraw(other, by: Self.first) }
                == .init(.notDraft, other))
        var verified = Desk()
        let third = try verified.draft(Self.content(people: 1))
        verified.tell(try verified.ledger.withdraw(third, by: Self.first))
        #expect(verified.end == .void(.withdrawn))
    }

    // MARK: Time

    @Test func c10_aDraftExpires() throws {
        let late = 301 * Self.second1
        var desk = Desk()
        let number = try desk.draft(Self.content())
        #expect(desk.ledger.due(at: 300 * Self.second1).isEmpty)
        #expect(desk.ledger.due(at: late) == [.expired(number)])
        #expect(try desk.ledger.verify(number, entering: Self.content(), by: Self.second, at: late) == .expired(number))
        desk.tell(try desk.ledger.verify(number, entering: Self.content(), by: Self.second, at: 1))
        #expect(try desk.ledger.intend(number, Self.effect(), at: late) == .expired(number))
        #expect(desk.ledger.due(at: late) == [.expired(number)])
        for expires in [0, 301 * Self.second1] {
            #expect(
                refusal { () throws(CommandLedger.Refusal) in
                    try desk.ledger.intend(number, Self.effect(expires: expires), at: 1)
                } == .init(.notAllowed, number))
        }
        desk.tell(.expired(number), at: late)
        #expect(desk.end == .void(.expired))
        var draft = Desk()
        let other = try draft.draft(Self.content())
        let later = try draft.draft(Self.content(line: "other"))
        #expect(draft.ledger.due(at: late) == [.expired(other), .expired(later)])
        draft.tell(.expired(other), at: late)
        #expect(draft.end == .void(.expired))
    }

    @Test func c10_aRestartVoidsWhatWasNotSaid() throws {
        var desk = Desk()
        _ = try desk.draft(Self.content())
        desk.tell(.sessionBegan)
        #expect(desk.ledger.open.isEmpty)
        _ = try desk.draft(Self.content(people: 1))
        desk.tell(.sessionBegan)
        #expect(desk.ledger.open.isEmpty)
    }

    @Test func c03_whatWasIntendedIsUncertainAfterARestart() throws {
        for said in 0...3 {
            var desk = Desk()
            let number = try desk.intended()
            if said > 0 { desk.tell(.sent(number)) }
            if said > 1 { desk.tell(.taken(number)) }
            if said > 2 { desk.tell(.undecided(number)) }
            desk.tell(.sessionBegan, at: 7)
            let doubt = CommandState.doubt(Self.effect(expires: Self.second1), isTaken: said > 1, since: 7)
            #expect(desk.ledger.open[number]?.state == doubt, "\(said)")
        }
    }

    @Test func c07_whatIsUncertainForAMinuteIsATask() throws {
        var desk = Desk()
        let number = try desk.uncertain(isTaken: false, at: 10)
        #expect(desk.ledger.due(at: 60 * Self.second1).isEmpty)
        #expect(desk.ledger.due(at: 60 * Self.second1 + 10) == [.leftToPeople(number)])
        desk.tell(.leftToPeople(number))
        #expect(desk.ledger.due(at: 600 * Self.second1).isEmpty && desk.ledger.open[number] != nil)
    }

    // MARK: What the line reports

    @Test func whatWasNotSaidHasEnded() throws {
        var desk = Desk()
        let number = try desk.intended()
        desk.tell(.notSent(number, .changed))
        #expect(desk.end == .notSent(.changed) && !desk.ledger.isOpen(number))
    }

    @Test func aProvenRefusalIsAnEnd() throws {
        var desk = Desk()
        let number = try desk.intended()
        #expect(desk.ledger.isOpen(number))
        desk.tell(.sent(number))
        desk.tell(.rejected(number))
        #expect(desk.end == .rejected)
    }

    @Test func c05_whatProvesNothingIsUncertain() throws {
        for doubt in Doubt.allCases {
            var desk = Desk()
            let number = try desk.intended()
            if doubt != .lineLost { desk.tell(.sent(number)) }
            desk.tell(.unanswered(number, doubt))
            #expect(desk.ledger.open[number]?.state.isUncertain == true && desk.end == nil)
        }
    }

    @Test func c06_anAcknowledgementIsNoProof() throws {
        var desk = Desk()
        let number = try desk.intended()
        desk.tell(.sent(number))
        desk.tell(.taken(number))
        for shown in [
            Self.shown("5"), Self.shown("13"), Self.shown(nil), Self.shown("12.5", isAfter: false),
            Self.shown("12.5", isClean: false),
        ] {
            desk.tell(.readBack(number, shown))
            #expect(desk.end == nil && desk.ledger.open[number]?.state.isOpen == true)
        }
        desk.tell(.readBack(number, Self.shown("12.5")))
        #expect(desk.end == .confirmed)
    }

    @Test(
        arguments: [
            // By kind, whether it was taken, what it was before, what it shows.
            (.set, false, "5", "12.5", .confirmed), (.set, true, "5", "12.5", .confirmed),
            (.trigger, false, "5", "12.5", nil), (.trigger, true, "5", "12.5", .confirmed),
            (.set, false, "5", "5", .notInEffect), (.set, true, "5", "5", nil), (.trigger, false, "5", "5", nil),
            (.trigger, true, "5", "5", nil), (.set, false, "12.5", "12.5", nil),
            (.set, true, "12.5", "12.5", .confirmed),
            (.trigger, false, "12.5", "12.5", nil), (.trigger, true, "12.5", "12.5", nil), (.set, false, "5", "9", nil),
            (.set, true, "5", "9", nil), (.trigger, false, "5", "9", nil),
        ] as [(CommandKind, Bool, String, String, CommandEnd?)])
    func c08_aReadingDecidesOnlyWhatItCan(
        kind: CommandKind, isTaken: Bool, before: String, shows: String, end: CommandEnd?
    ) throws {
        var desk = Desk()
        let number = try desk.uncertain(kind, before: before, isTaken: isTaken)
        desk.tell(.undecided(number))
        for spoilt in [Self.shown(shows, isAfter: false), Self.shown(shows, isClean: false), Self.shown(nil)] {
            desk.tell(.readBack(number, spoilt))
            #expect(desk.end == nil)
        }
        desk.tell(.readBack(number, Self.shown(shows)))
        #expect(desk.end == end)
    }

    /// A counter that the device gives to each start proves it, whoever else pressed a key.
    @Test(arguments: [("5", CommandEnd.confirmed), ("12.5", nil)])
    func c08_aTriggerIsProvenByEvidenceOfItsOwn(before: String, end: CommandEnd?) throws {
        var desk = Desk()
        let shows = [Reading("rate", before)]
        let number = try desk.draft(Self.content(.trigger, people: 1), shows: shows)
        let effect = Effect(
            bytes: [1], wanted: [Expectation("rate", ["12.5"])], isEvidenceOwn: true, before: shows,
            profileDigest: "00", expires: 9)
        desk.tell(try desk.ledger.intend(number, effect, at: 0))
        desk.tell(.unanswered(number, .silent))
        desk.tell(.readBack(number, Self.shown("12.5")))
        #expect(desk.end == end)
    }

    /// An acknowledgement that comes late is one.
    @Test func whatIsTakenLateIsTaken() throws {
        var desk = Desk()
        let number = try desk.uncertain(.trigger, isTaken: false)
        desk.tell(.taken(number))
        #expect(desk.end == nil)
        desk.tell(.readBack(number, Self.shown("12.5")))
        #expect(desk.end == .confirmed)
    }

    @Test func whatIsWantedOfNothingIsNeverShown() {
        let nothing = Effect(bytes: [1], wanted: [], before: [], profileDigest: "", expires: 0)
        #expect(!nothing.isShown(by: []) && !nothing.isUnchanged(in: []))
        let unknown = Effect(
            bytes: [1], wanted: [Expectation("rate", ["1"])], before: [], profileDigest: "", expires: 0)
        #expect(!unknown.isUnchanged(in: [Reading("rate", "5")]))
    }

    // MARK: One at a time

    @Test func c07_nothingElseIsDoneToAPumpInDoubt() throws {
        var desk = Desk()
        let number = try desk.uncertain(isTaken: false)
        let other = PumpKey(serial: "2")
        #expect(
            refusal { () throws(CommandLedger.Refusal) in
                try desk.ledger.draft(Self.content(.trigger), by: Self.first, at: 100 * Self.second1)
            } == .init(.uncertainPending, number))
        // Another pump of the line is not in doubt.
        #expect(throws: Never.self) { try desk.ledger.draft(Self.content(pump: other), by: Self.first, at: 0) }
        #expect(desk.ledger.underWay(on: Self.pump)?.number == number && desk.ledger.underWay(on: other) == nil)
    }

    @Test func c17_oneEffectIsUnderWayOnALine() throws {
        let other = PumpKey(serial: "2")
        for steps in 1...3 {
            var desk = Desk()
            let number = try desk.intended()
            if steps > 1 { desk.tell(.sent(number)) }
            if steps > 2 { desk.tell(.taken(number)) }
            for content in [Self.content(), Self.content(pump: other), Self.content(line: "other")] {
                #expect(
                    refusal { () throws(CommandLedger.Refusal) in
                        try desk.ledger.draft(content, by: Self.first, at: 0)
                    } == .init(.underWay, number))
            }
            #expect(throws: Never.self) {
                try desk.ledger.draft(Self.content(pump: other, line: "other"), by: Self.first, at: 0)
            }
        }
    }

    /// Two commands were entered; the one that comes second waits for the first.
    @Test func aVerifiedCommandIsNotIntendedBesideAnother() throws {
        var desk = Desk()
        let one = try desk.draft(Self.content(people: 1))
        let two = try desk.draft(Self.content(.trigger, people: 1))
        desk.tell(try desk.ledger.intend(one, Self.effect(), at: 0))
        let reason = refusal { () throws(CommandLedger.Refusal) in
            try desk.ledger.intend(two, Self.effect(), at: 0)
        }
        #expect(reason == .init(.underWay, one))
        #expect(
            refusal { () throws(CommandLedger.Refusal) in try desk.ledger.intend(99, Self.effect(), at: 0) }
                == .init(.unknownCommand))
        #expect(
            refusal { () throws(CommandLedger.Refusal) in try desk.ledger.intend(one, Self.effect(), at: 0) }
                == .init(.notVerified, one))
        #expect(
            refusal { () throws(CommandLedger.Refusal) in
                try desk.ledger.verify(99, entering: Self.content(), by: Self.first, at: 0)
            } == .init(.unknownCommand))
        desk.tell(.refused(two, .tooSoon))
        #expect(desk.end == .void(.refused))
        let three = try Desk().ledger.draft(Self.content(), by: Self.first, at: 0)
        var other = Desk()
        other.tell(three)
        other.tell(.refused(other.ledger.last, .notAllowed))
        #expect(other.end == .void(.refused))
    }

    @Test func anEffectWithoutBytesOrEvidenceIsNotIntended() throws {
        let wanted = [Expectation("rate", ["1"])]
        for effect in [
            Effect(bytes: [], wanted: wanted, before: [], profileDigest: "", expires: 9),
            Effect(bytes: [1], wanted: [], before: [], profileDigest: "", expires: 9),
            // What it was before is not known: it would prove nothing.
            Effect(bytes: [1], wanted: wanted, before: [], profileDigest: "", expires: 9),
            Effect(bytes: [1], wanted: wanted, before: [Reading("mode", "1")], profileDigest: "", expires: 9),
        ] {
            var desk = Desk()
            let number = try desk.draft(Self.content(people: 1), shows: effect.before)
            #expect(
                refusal { () throws(CommandLedger.Refusal) in try desk.ledger.intend(number, effect, at: 0) }
                    == .init(.notAllowed, number))
        }
        var desk = Desk()
        let number = try desk.draft(Self.content(people: 1))
        #expect(throws: Never.self) {
            try desk.ledger.intend(number, Self.effect(expires: 300 * Self.second1), at: 0)
        }
    }

    // MARK: Bounds

    @Test func c17_effectsAreApartAndNotTooMany() throws {
        var desk = Desk()
        var time: Int64 = 0
        for turn in 0..<12 {
            let number = try desk.intended(at: time)
            desk.tell(.sent(number), at: time)
            desk.tell(.taken(number), at: time)
            desk.tell(.readBack(number, Self.shown("12.5")), at: time)
            let soon = time + 5 * Self.second1 - 1
            #expect(
                refusal { () throws(CommandLedger.Refusal) in
                    try desk.ledger.draft(Self.content(), by: Self.first, at: soon)
                }
                    == (turn < 11
                        ? .init(.tooSoon, wait: 1) : .init(.tooMany, wait: 3540 * Self.second1 + 1)))
            time += 5 * Self.second1
        }
        let again = refusal { () throws(CommandLedger.Refusal) in
            try desk.ledger.draft(Self.content(), by: Self.first, at: time)
        }
        #expect(again == .init(.tooMany, wait: 3540 * Self.second1))
        #expect(throws: Never.self) {
            try desk.ledger.draft(Self.content(), by: Self.first, at: 3600 * Self.second1)
        }
        // After a restart what was done counts as done just now: its clock says nothing.
        desk.tell(.sessionBegan, at: 9000 * Self.second1)
        #expect(
            refusal { () throws(CommandLedger.Refusal) in
                try desk.ledger.draft(Self.content(), by: Self.first, at: 9006 * Self.second1)
            } == .init(.tooMany, wait: 3594 * Self.second1))
    }

    /// Twelve commands of three months bar nothing on the morning after.
    @Test func whatIsOutsideItsWindowIsForgottenOverARestart() throws {
        var desk = Desk()
        for day in 0..<12 {
            let time = Int64(day) * 86_400 * Self.second1
            let number = try desk.intended(at: time)
            desk.tell(.sent(number), at: time)
            desk.tell(.rejected(number), at: time)
        }
        #expect(!desk.ledger.pump(Self.pump).isLocked)
        desk.tell(.sessionBegan, at: 40 * Self.second1)
        #expect(throws: Never.self) {
            try desk.ledger.draft(Self.content(), by: Self.first, at: 50 * Self.second1)
        }
        #expect(desk.ledger.pump(Self.pump).failures.count == 1)
    }

    @Test func c17_threeFailuresLockAPump() throws {
        var desk = Desk()
        for failure in 0..<3 {
            let time = Int64(failure) * 300 * Self.second1
            #expect(!desk.ledger.pump(Self.pump).isLocked)
            if failure == 1 {
                let number = try desk.intended(at: time)
                desk.tell(.sent(number), at: time)
                desk.tell(.rejected(number), at: time)
            } else {
                let number = try desk.uncertain(isTaken: false, at: time)
                desk.tell(.leftToPeople(number), at: time)
                desk.tell(.resolved(number, by: [Self.first, Self.second], .notInEffect), at: time)
            }
        }
        let time = 700 * Self.second1
        #expect(
            refusal { () throws(CommandLedger.Refusal) in
                try desk.ledger.draft(Self.content(), by: Self.first, at: time)
            } == .init(.locked))
        desk.tell(.unlocked(Self.pump, by: Self.second))
        #expect(throws: Never.self) { try desk.ledger.draft(Self.content(), by: Self.first, at: time) }
        #expect(desk.ledger.pump(Self.pump).failures.isEmpty)
    }

    /// One command in doubt is one failure, however often its readings decide nothing.
    @Test func oneDoubtIsOneFailure() throws {
        var desk = Desk()
        let number = try desk.uncertain(isTaken: false)
        for _ in 0..<4 { desk.tell(.undecided(number)) }
        #expect(desk.ledger.pump(Self.pump).failures.count == 1 && !desk.ledger.pump(Self.pump).isLocked)
    }

    @Test func failuresFarApartLockNothing() throws {
        var desk = Desk()
        for failure in 0..<4 {
            let time = Int64(failure) * 301 * Self.second1
            let number = try desk.uncertain(isTaken: false, at: time)
            desk.tell(.leftToPeople(number), at: time)
            desk.tell(.resolved(number, by: [Self.first, Self.second], .notInEffect), at: time)
        }
        #expect(!desk.ledger.pump(Self.pump).isLocked && desk.ledger.pump(Self.pump).failures.count == 2)
        // After a restart they count as of just now; one more locks.
        desk.tell(.sessionBegan, at: 5_000 * Self.second1)
        let number = try desk.uncertain(isTaken: false, at: 5_100 * Self.second1)
        #expect(number > 0 && desk.ledger.pump(Self.pump).isLocked)
    }

    // MARK: People again

    @Test func c33_twoSayWhatThePumpShows() throws {
        var desk = Desk()
        let number = try desk.uncertain(.trigger, isTaken: true)
        let people = [Self.second, Self.third]
        #expect(
            refusal { () throws(CommandLedger.Refusal) in
                try desk.ledger.resolve(number, seen: .inEffect, by: people)
            } == .init(.tooSoon, number))
        desk.tell(.leftToPeople(number))
        for people in [[], [Self.first], [Self.first, Self.first]] {
            #expect(
                refusal { () throws(CommandLedger.Refusal) in
                    try desk.ledger.resolve(number, seen: .inEffect, by: people)
                } == .init(.onePersonMore, number))
        }
        desk.tell(try desk.ledger.resolve(number, seen: .inEffect, by: [Self.second, Self.third]))
        #expect(desk.end == .resolved(.inEffect))
        #expect(
            refusal { () throws(CommandLedger.Refusal) in
                try desk.ledger.resolve(number, seen: .inEffect, by: [Self.second, Self.third])
            } == .init(.unknownCommand))
        let other = try desk.draft(Self.content(pump: PumpKey(port: "p"), line: "p"))
        #expect(
            refusal { () throws(CommandLedger.Refusal) in
                try desk.ledger.resolve(other, seen: .inEffect, by: [Self.second, Self.third])
            } == .init(.notOpen, other))
        // A journal that says that one did resolve it is not believed.
        for (people, isTask) in [([Self.first], true), ([Self.first, Self.first], true), (people, false)] {
            var forged = Desk()
            let open = try forged.uncertain(isTaken: false)
            if isTask { forged.tell(.leftToPeople(open)) }
            forged.tell(.resolved(open, by: people, .notInEffect))
            #expect(forged.end == nil && forged.ledger.open[open] != nil && !forged.ledger.pump(Self.pump).isLookedAt)
        }
    }

    // MARK: Stop

    @Test func c18_aStopVoidsWhatIsPreparedAndBarsUntilItIsProven() throws {
        var desk = Desk()
        let other = PumpKey(serial: "2")
        let draft = try desk.draft(Self.content())
        let verified = try desk.draft(Self.content(people: 1))
        let foreign = try desk.draft(Self.content(pump: other))
        desk.tell(desk.ledger.stop(Self.pump, by: Self.first))
        let stop = desk.ledger.last
        #expect(desk.ledger.open[draft] == nil && desk.ledger.open[verified] == nil && desk.ledger.open[foreign] != nil)
        func pending() -> CommandLedger.Refusal? {
            refusal { () throws(CommandLedger.Refusal) in
                try desk.ledger.draft(Self.content(), by: Self.first, at: 0)
            }
        }
        #expect(pending() == .init(.stopPending) && desk.ledger.pump(Self.pump).stop?.phase == .asked)
        desk.tell(.stopSent(Self.pump, of: stop))
        #expect(pending() == .init(.stopPending) && desk.ledger.pump(Self.pump).stop?.phase == .sent)
        desk.tell(.stopConfirmed(Self.pump, of: stop))
        #expect(pending() == nil)
    }

    @Test func aStopThatWasNotDeliveredIsAPersonsTask() throws {
        for restarts in [false, true] {
            var desk = Desk()
            desk.tell(desk.ledger.stop(Self.pump, by: Self.first))
            let stop = desk.ledger.last
            desk.tell(restarts ? .sessionBegan : .stopNotDelivered(Self.pump, of: stop))
            #expect(desk.ledger.pump(Self.pump).stop?.phase == .notDelivered)
            // What comes late changes nothing.
            desk.tell(.stopSent(Self.pump, of: stop))
            #expect(desk.ledger.pump(Self.pump).stop?.phase == .notDelivered)
            desk.tell(.lookedAt(Self.pump, by: Self.first))
            #expect(desk.ledger.pump(Self.pump).stop == nil)
        }
        var desk = Desk()
        desk.tell(.stopNotDelivered(Self.pump, of: 1))
        #expect(desk.ledger.pump(Self.pump).stop == nil)
        desk.tell(desk.ledger.stop(Self.pump, by: Self.first))
        desk.tell(.lookedAt(Self.pump, by: Self.first))
        #expect(desk.ledger.pump(Self.pump).stop?.phase == .asked)
    }

    /// What is reported of the first of two stops says nothing of the second, which may still be on its way.
    @Test func aSecondStopIsProvenByItself() {
        var desk = Desk()
        desk.tell(desk.ledger.stop(Self.pump, by: Self.first))
        let first = desk.ledger.last
        desk.tell(desk.ledger.stop(Self.pump, by: Self.second))
        let second = desk.ledger.last
        for event in [CommandEvent.stopSent(Self.pump, of: first), .stopConfirmed(Self.pump, of: first)] {
            desk.tell(event)
            #expect(desk.ledger.pump(Self.pump).stop?.phase == .asked)
        }
        desk.tell(.stopNotDelivered(Self.pump, of: first))
        #expect(desk.ledger.pump(Self.pump).stop?.phase == .asked)
        desk.tell(.stopConfirmed(Self.pump, of: second))
        #expect(desk.ledger.pump(Self.pump).stop == nil)
    }

    // MARK: A line that reports nothing

    /// Nothing bars a pump for ever: what the line does not report is in doubt, and then a person's task.
    @Test func whatTheLineDoesNotReportIsInDoubt() throws {
        let late = 62 * Self.second1
        for said in 0...2 {
            var desk = Desk()
            let number = try desk.intended()
            if said > 0 { desk.tell(.sent(number)) }
            if said > 1 { desk.tell(.taken(number)) }
            #expect(desk.ledger.due(at: 61 * Self.second1).isEmpty)
            let due = desk.ledger.due(at: late)
            #expect(due == [said > 1 ? .undecided(number) : .unanswered(number, .silent)])
            for event in due { desk.tell(event, at: late) }
            #expect(desk.ledger.open[number]?.state.isUncertain == true)
            #expect(desk.ledger.due(at: late + 60 * Self.second1) == [.leftToPeople(number)])
        }
        var desk = Desk()
        desk.tell(desk.ledger.stop(PumpKey(serial: "2"), by: Self.first))
        desk.tell(desk.ledger.stop(Self.pump, by: Self.first))
        #expect(desk.ledger.due(at: 30 * Self.second1).isEmpty)
        let due = desk.ledger.due(at: 31 * Self.second1)
        #expect(due == [.stopNotDelivered(PumpKey(serial: "2"), of: 1), .stopNotDelivered(Self.pump, of: 2)])
        for event in due { desk.tell(event) }
        #expect(desk.ledger.due(at: 31 * Self.second1).isEmpty)
    }

    /// What is told twice, or when it is in doubt already, changes nothing; a proof that comes late is one.
    @Test func lateReportsSayWhatTheySay() throws {
        var desk = Desk()
        let number = try desk.intended()
        desk.tell(.sent(number))
        desk.tell(.taken(number))
        desk.tell(.taken(number))
        desk.tell(.unanswered(number, .lineLost))
        desk.tell(.unanswered(number, .silent))
        #expect(
            desk.ledger.open[number]?.state
                == .doubt(Self.effect(expires: Self.second1), isTaken: true, since: 0))
        #expect(desk.ledger.pump(Self.pump).isLookedAt)
        desk.tell(.rejected(number))
        #expect(desk.end == nil && !desk.ledger.pump(Self.pump).isLookedAt)
        var other = Desk()
        let late = try other.uncertain(isTaken: false)
        other.tell(.rejected(late))
        #expect(other.end == .rejected && other.ledger.pump(Self.pump).isLookedAt)
    }

    @Test func anIntentGoesOnBesideAStop() throws {
        var desk = Desk()
        let number = try desk.intended()
        desk.tell(desk.ledger.stop(Self.pump, by: Self.first))
        #expect(desk.ledger.open[number]?.state.isOpen == true && desk.ledger.due(at: Self.second1).isEmpty)
        desk.tell(.notSent(number, .stopped))
        #expect(desk.end == .notSent(.stopped))
    }
}

/// At a pump that shows the same as ever.
extension CommandLedger {
    func draft(_ content: CommandContent, by person: Operator, at now: Int64) throws(Refusal) -> CommandEvent {
        try draft(content, by: person, shown: LedgerTests.entered, at: now)
    }

    func verify(_ number: Int64, entering content: CommandContent, by person: Operator, at now: Int64)
        throws(Refusal) -> CommandEvent
    {
        try verify(number, entering: content, by: person, shown: LedgerTests.entered, at: now)
    }
}

extension ExactQuantity {
    static var zero: ExactQuantity {
        guard let zero = ExactQuantity(0, places: 0) else { preconditionFailure("zero is a quantity") }
        return zero
    }
}
