import Testing

@testable import CommandFacts
@testable import PumpControl

/// The fold over a journal that anybody may have written (C-34, C-35).
@Suite struct RecordTests {
    typealias Desk = LedgerTests.Desk

    @Test func thisBuildHasTheCommandPathAndKnowsWhatOneWithoutItSays() {
        #expect(CommandPath.isBuilt)
        #expect(CommandPath.lacking.contains("monitor-only build") && CommandPath.lacking.contains("“Commands”"))
    }

    @Test func c35_missingEventsMakeEveryPumpToBeLookedAt() throws {
        var desk = Desk()
        let known = try desk.draft(LedgerTests.content())
        desk.tell(.stopConfirmed(LedgerTests.pump, of: 1))
        desk.tell(.recordDamaged)
        let never = PumpKey(port: "/dev/ttyS1", slot: "A2")
        for pump in [LedgerTests.pump, never] {
            #expect(!desk.ledger.pump(pump).isLookedAt)
            let content = LedgerTests.content(pump: pump)
            #expect(throws: CommandLedger.Refusal(.mustBeLookedAt)) {
                try desk.ledger.draft(content, by: LedgerTests.first, at: 0)
            }
            desk.tell(.lookedAt(pump, by: LedgerTests.first))
            #expect(desk.ledger.pump(pump).isLookedAt)
            #expect(throws: Never.self) { try desk.ledger.draft(content, by: LedgerTests.first, at: 0) }
        }
        #expect(desk.ledger.open[known] != nil && desk.ledger.isRecordDamaged)
        #expect(!desk.ledger.pump(PumpKey(serial: "3")).isLookedAt)
    }

    @Test func anEventOfAnUnknownCommandIsDamage() {
        var desk = Desk()
        desk.tell(.sent(5))
        #expect(desk.ledger.isRecordDamaged)
    }

    /// What a line did stands behind the intent that it did it on. Where the intent is missing, or comes later, the
    /// record is not true of any pump.
    @Test func c35_whatWasSaidBeforeItsIntentMakesEveryPumpToBeLookedAt() throws {
        let effect = LedgerTests.effect()
        let made: [(Int64) -> CommandEvent] = [
            { .notSent($0, .expired) }, { .sent($0) }, { .taken($0) }, { .rejected($0) }, { .unanswered($0, .silent) },
            { .readBack($0, LedgerTests.shown("12.5")) }, { .undecided($0) }, { .leftToPeople($0) },
            { .resolved($0, by: [LedgerTests.first, LedgerTests.second], .inEffect) },
        ]
        let other = PumpKey(port: "/dev/ttyS1", slot: "A2")
        for (place, event) in made.enumerated() {
            for people in 1...2 {
                var desk = Desk()
                desk.tell(.stopConfirmed(other, of: 1))
                let number = try desk.draft(LedgerTests.content(people: people))
                desk.tell(event(number))
                #expect(desk.ledger.isRecordDamaged && desk.end == nil, "event \(place), \(people) people")
                // Its intent comes now: too late for anybody to believe either.
                if people == 1 { desk.tell(.intended(number, effect)) }
                for pump in [LedgerTests.pump, other, PumpKey(serial: "never")] {
                    #expect(!desk.ledger.pump(pump).isLookedAt, "event \(place), \(pump)")
                }
            }
        }
        // What cannot follow an intent that is there is of that pump alone.
        var desk = Desk()
        let number = try desk.intended()
        desk.tell(.taken(number))
        #expect(!desk.ledger.isRecordDamaged && !desk.ledger.pump(LedgerTests.pump).isLookedAt)
        #expect(desk.ledger.pump(other).isLookedAt)
    }

    @Test func numbersOnlyGrow() {
        var ledger = CommandLedger()
        ledger.apply(.sessionBegan, number: 5, at: 0)
        #expect(ledger.last == 5 && !ledger.isRecordDamaged)
        ledger.apply(.stopAsked(LedgerTests.pump, by: LedgerTests.first), number: 5, at: 0)
        #expect(ledger.isRecordDamaged && ledger.pump(LedgerTests.pump).stop == nil)
    }

    /// In each state every event that does not belong there is taken for nothing but a reason to look.
    @Test func anEventThatCannotBeIsNotBelieved() throws {
        let effect = LedgerTests.effect()
        func events(_ number: Int64) -> [CommandEvent] {
            [
                .verified(number, by: LedgerTests.first), .verified(number, by: LedgerTests.third),
                .mismatched(number, by: LedgerTests.third), .withdrawn(number, by: LedgerTests.first),
                .expired(number), .refused(number, .tooSoon), .intended(number, effect),
                .notSent(number, .expired), .sent(number), .taken(number), .rejected(number),
                .unanswered(number, .silent), .readBack(number, LedgerTests.shown("12.5")), .undecided(number),
                .leftToPeople(number), .resolved(number, by: [LedgerTests.first, LedgerTests.second], .inEffect),
                .changed(number, shown: []),
            ]
        }
        // By state: which of them belong there.
        let states: [(made: (inout Desk) throws -> Int64, fits: Set<Int>)] = [
            ({ try $0.draft(LedgerTests.content()) }, [1, 2, 3, 4, 5, 16]),
            ({ try $0.draft(LedgerTests.content(people: 1)) }, [3, 4, 5, 6, 16]),
            ({ try $0.intended() }, [7, 8, 11]),
            (
                { desk in
                    let number = try desk.intended()
                    desk.tell(.sent(number))
                    return number
                }, [9, 10, 11]
            ),
            (
                { desk in
                    let number = try desk.intended()
                    desk.tell(.sent(number))
                    desk.tell(.taken(number))
                    return number
                }, [9, 11, 12, 13]
            ),
            ({ try $0.uncertain(isTaken: false) }, [9, 10, 11, 12, 13, 14]),
            ({ try $0.uncertain(isTaken: true) }, [9, 11, 12, 13, 14]),
            (
                { desk in
                    let number = try desk.uncertain(isTaken: false)
                    desk.tell(.leftToPeople(number))
                    return number
                }, [9, 10, 11, 12, 13, 14, 15]
            ),
        ]
        for (place, state) in states.enumerated() {
            for index in 0..<17 {
                var desk = Desk()
                let number = try state.made(&desk)
                let before = desk.ledger.open[number]
                desk.tell(events(number)[index])
                let isLookedAt = desk.ledger.pump(LedgerTests.pump).isLookedAt
                #expect(isLookedAt == state.fits.contains(index), "state \(place), event \(index)")
                if !isLookedAt { #expect(desk.ledger.open[number] == before && desk.end == nil) }
            }
        }
    }

    /// Any events in any order: nothing traps, and a snapshot at any place says what all before it said.
    @Test func c34_anySnapshotStandsForAllBeforeIt() {
        var generator = SystemRandomNumberGenerator()
        let pumps = [LedgerTests.pump, PumpKey(port: "p")]
        let people = [LedgerTests.first, LedgerTests.second]
        for _ in 0..<2_000 {
            var desk = Desk()
            for _ in 0..<Int.random(in: 1...40, using: &generator) {
                let number = Int64.random(in: 0...max(1, desk.ledger.last), using: &generator)
                let pump = pumps[Int.random(in: 0...1, using: &generator)]
                let person = people[Int.random(in: 0...1, using: &generator)]
                let events: [CommandEvent] = [
                    .sessionBegan, .drafted(LedgerTests.content(pump: pump), by: person),
                    .drafted(LedgerTests.content(pump: pump), by: person, shown: LedgerTests.entered),
                    .verified(number, by: person, shown: LedgerTests.entered), .changed(number, shown: []),
                    .drafted(LedgerTests.content(.trigger, pump: pump, people: 1), by: person),
                    .verified(number, by: person), .mismatched(number, by: person), .withdrawn(number, by: person),
                    .expired(number), .refused(number, .tooSoon), .intended(number, LedgerTests.effect()),
                    .notSent(number, .lineLost), .sent(number), .taken(number), .rejected(number),
                    .unanswered(number, .damaged), .readBack(number, LedgerTests.shown("5")),
                    .readBack(number, LedgerTests.shown("12.5")), .undecided(number), .leftToPeople(number),
                    .resolved(number, by: people, .inEffect), .stopAsked(pump, by: person), .stopSent(pump, of: number),
                    .stopConfirmed(pump, of: number), .stopNotDelivered(pump, of: number), .lookedAt(pump, by: person),
                    .unlocked(pump, by: person), .snapshot(desk.ledger.snapshot),
                ]
                // Now and then a time that no clock has.
                let times = [.min, .max, Int64.random(in: 0...1_000, using: &generator) * LedgerTests.second1]
                let time = times[min(2, Int.random(in: 0...20, using: &generator))]
                desk.tell(events[Int.random(in: 0..<events.count, using: &generator)], at: time)
                _ = desk.ledger.due(at: time)
            }
            let place = Int.random(in: 0...desk.journal.count, using: &generator)
            var whole = CommandLedger()
            for entry in desk.journal[..<place] { whole.apply(entry.event, number: entry.number, at: entry.time) }
            var short = CommandLedger()
            short.apply(.snapshot(whole.snapshot), number: Int64(place) + 1, at: 0)
            whole.apply(.snapshot(whole.snapshot), number: Int64(place) + 1, at: 0)
            for entry in desk.journal[place...] {
                whole.apply(entry.event, number: entry.number + 1, at: entry.time)
                short.apply(entry.event, number: entry.number + 1, at: entry.time)
            }
            #expect(whole == short)
        }
    }

    @Test func aSnapshotThatSaysSomethingElseIsDamage() throws {
        var desk = Desk()
        _ = try desk.draft(LedgerTests.content())
        let snapshot = desk.ledger.snapshot
        desk.tell(.snapshot(snapshot))
        #expect(!desk.ledger.isRecordDamaged)
        _ = try desk.draft(LedgerTests.content(pump: PumpKey(serial: "2", slot: "A1")))
        desk.tell(.snapshot(snapshot))
        #expect(desk.ledger.isRecordDamaged && desk.ledger.open.count == 2)
        // A first one is believed only where it can be true.
        for (number, people) in [(5, 2), (9, 2), (3, 0), (3, 3)] as [(Int64, Int)] {
            var forged = CommandLedger()
            let command = CommandLedger.Command(
                content: LedgerTests.content(people: people), state: .sent(LedgerTests.effect()))
            forged.apply(
                .snapshot(.init(open: [number: command], pumps: [:], isRecordDamaged: false)), number: 5, at: 0)
            #expect(forged.isRecordDamaged && forged.open.isEmpty)
        }
    }

    @Test func aPumpIsKnownByItsSerialElseByItsPort() {
        #expect(PumpKey(serial: "1").text == "serial:1" && PumpKey(port: "/dev/a", slot: "B2").text == "port:/dev/a#B2")
        #expect(
            PumpKey(text: "serial:1#A") == PumpKey(serial: "1", slot: "A") && PumpKey(port: "p") < PumpKey(serial: "1"))
    }
}

/// What a ledger is told in words, and what is asked of its parts.
@Suite struct LedgerWordsTests {
    @Test func everyRefusalHasOneSentenceInBothLanguages() {
        for reason in RefusalReason.allCases {
            #expect(reason.text.hasSuffix(".") && reason.arabicText.hasSuffix("."))
        }
        #expect(Set(RefusalReason.allCases.map(\.text)).count == RefusalReason.allCases.count)
        #expect(Set(RefusalReason.allCases.map(\.arabicText)).count == RefusalReason.allCases.count)
    }

    @Test func anEmptyLedgerNeedsNoSummary() {
        var ledger = CommandLedger()
        #expect(ledger.isEmpty)
        ledger.apply(.sessionBegan, number: 1, at: 0)
        #expect(ledger.isEmpty)
        var damaged = ledger
        damaged.apply(.recordDamaged, number: 2, at: 0)
        #expect(!damaged.isEmpty)
        var entered = ledger
        entered.apply(.drafted(LedgerTests.content(), by: LedgerTests.first), number: 2, at: 0)
        #expect(!entered.isEmpty)
        ledger.apply(.unlocked(LedgerTests.pump, by: LedgerTests.first), number: 2, at: 0)
        #expect(!ledger.isEmpty)
    }

    @Test func itIsToldHowManyHaveEnteredACommand() {
        let (a, b) = (LedgerTests.first, LedgerTests.second)
        #expect(CommandState.draft(by: a, since: 0).people == 1)
        #expect(CommandState.verified(by: [a, b], since: 0).people == 2)
        #expect(CommandState.sent(LedgerTests.effect()).people == nil)
    }

    @Test func anEventTellsWhichCommandItIsAbout() {
        let (a, pump) = (LedgerTests.first, LedgerTests.pump)
        let about: [CommandEvent] = [
            .verified(7, by: a), .mismatched(7, by: a), .changed(7, shown: []), .withdrawn(7, by: a), .expired(7),
            .refused(7, .tooSoon),
            .intended(7, LedgerTests.effect()), .notSent(7, .expired), .sent(7), .taken(7), .rejected(7),
            .unanswered(7, .silent), .readBack(7, LedgerTests.shown("5")), .undecided(7), .leftToPeople(7),
            .resolved(7, by: [a], .inEffect),
        ]
        #expect(about.allSatisfy { $0.command == 7 })
        let others: [CommandEvent] = [
            .sessionBegan, .snapshot(CommandLedger().snapshot), .recordDamaged,
            .drafted(LedgerTests.content(), by: a), .stopAsked(pump, by: a), .stopSent(pump, of: 7),
            .stopConfirmed(pump, of: 7), .stopNotDelivered(pump, of: 7), .lookedAt(pump, by: a), .unlocked(pump, by: a),
        ]
        #expect(others.allSatisfy { $0.command == nil })
    }
}
