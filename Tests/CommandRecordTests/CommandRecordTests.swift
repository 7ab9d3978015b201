import CommandFacts
import DeviceModel
import Foundation
import TestSupport
import Testing

@testable import CommandRecord

/// Events of commands, written and read again.
@Suite struct CommandRecordTests {
    private static let effect = Effect(
        bytes: [0x21, 0x00, 0xFF], wanted: [Expectation("rate", ["12.5"]), Expectation("mode", ["STOP", "SET"])],
        isEvidenceOwn: true, before: [Reading("rate", "5"), Reading("mode", "STOP")],
        profileDigest: "ab", expires: 9_000_000_000_000_000)

    private static func content(_ quantity: String = "0.000000001", people: Int = 2) throws -> CommandContent {
        CommandContent(
            pump: PumpKey(serial: "8003-00107", slot: "A3"), line: "/dev/ttyUSB0", command: "rate", kind: .set,
            entries: [CommandEntry("new-rate", try ExactQuantity(quantity), unit: "mL/h")], people: people,
            order: "o-\"1", reason: "سبب")
    }

    private static func ledger() throws -> CommandLedger {
        var ledger = CommandLedger()
        let pump = PumpKey(serial: "1")
        let events: [CommandEvent] = [
            .sessionBegan, .drafted(try content(), by: Operator("a")), .verified(2, by: Operator("b")),
            .intended(2, effect), .sent(2), .unanswered(2, .silent), .drafted(try content("7"), by: Operator("c")),
            .stopAsked(pump, by: Operator("d")), .stopNotDelivered(pump, of: 8),
        ]
        for (place, event) in events.enumerated() {
            // It went out at the moment of its intent: the pause is from the later of the two.
            ledger.apply(event, number: Int64(place + 1), at: Int64(place == 4 ? 3 : place))
        }
        return ledger
    }

    /// Every state of a command and every phase of a stop.
    private static func everyState() throws -> CommandLedger.Snapshot {
        let (a, b) = (Operator("layla"), Operator("عمر"))
        let doubt = CommandState.Uncertainty(effect: effect, isTaken: true, since: -1, isLeftToPeople: true)
        let states: [CommandState] = [
            .draft(by: a, since: .min), .verified(by: [a, b], since: .max), .verified(by: [b], since: 0),
            .intended(effect), .sent(effect), .acknowledged(effect), .uncertain(doubt),
        ]
        let content = CommandContent(
            pump: PumpKey(port: "/dev/ttyS1"), line: "/dev/ttyS1", command: "start", kind: .trigger, entries: [],
            people: 1)
        let open = states.enumerated().map { (Int64($0) + 9, CommandLedger.Command(content: content, state: $1)) }
        let pumps = [CommandLedger.Stop.Phase.asked, .sent, .notDelivered].enumerated().map { place, phase in
            (
                PumpKey(serial: "\(place)"),
                CommandLedger.Pump(
                    intents: [1, -2], failures: [3], isLocked: true,
                    stop: CommandLedger.Stop(number: 5, phase: phase, since: 4), isLookedAt: false)
            )
        }
        return CommandLedger.Snapshot(
            open: Dictionary(uniqueKeysWithValues: open), pumps: Dictionary(uniqueKeysWithValues: pumps),
            isRecordDamaged: true)
    }

    static func all() throws -> [CommandEvent] {
        let (a, b, pump) = (Operator("layla"), Operator("عمر"), PumpKey(port: "/dev/ttyUSB0"))
        return [
            .snapshot(try ledger().snapshot), .drafted(try content(), by: a), .verified(7, by: b),
            .mismatched(7, by: b), .withdrawn(7, by: a), .expired(7), .intended(7, effect), .sent(7), .taken(7),
            .rejected(7), .readBack(7, ReadBack(isAskedAfter: true, isClean: false, readings: [Reading("a", "")])),
            .undecided(7), .leftToPeople(7), .resolved(7, by: [a, b], .notInEffect), .stopAsked(pump, by: a),
            .stopSent(pump, of: 8), .stopConfirmed(pump, of: 8), .stopNotDelivered(pump, of: 8),
            .lookedAt(pump, by: a), .unlocked(pump, by: a),
        ] + RefusalReason.allCases.map { .refused(7, $0) } + NotSentReason.allCases.map { .notSent(7, $0) }
            + Doubt.allCases.map { .unanswered(7, $0) } + [.snapshot(try everyState())]
    }

    /// What hosts write since they keep what a pump showed when a command was entered.
    static func entered() throws -> [CommandEvent] {
        let (a, b) = (Operator("layla"), Operator("عمر"))
        let shown = [Reading("rate", "5"), Reading("mode", "STOP")]
        let content = try content()
        let open: [Int64: CommandLedger.Command] = [
            9: CommandLedger.Command(content: content, state: .draft(by: a, since: 1, shown: shown)),
            10: CommandLedger.Command(content: content, state: .verified(by: [a, b], since: 2, shown: [])),
        ]
        return [
            .drafted(content, by: a, shown: shown), .drafted(content, by: a, shown: []),
            .verified(7, by: b, shown: shown), .verified(7, by: b, shown: []), .changed(7, shown: shown),
            .changed(7, shown: []),
            .snapshot(CommandLedger.Snapshot(open: open, pumps: [:], isRecordDamaged: false)),
        ]
    }

    /// The members that an event of a kind has: of older hosts without what they did not keep.
    private static func forms(of kind: EventKind) -> [[String]] {
        let names = kind.members.map(\.name)
        return [.commandDrafted, .commandVerified].contains(kind) ? [names, names.filter { $0 != "shown" }] : [names]
    }

    private func written(_ event: CommandEvent) throws -> UnitEvent {
        try #require(UnitEvent.command(event, device: "pump", at: 1), "\(event)")
    }

    private func read(_ kind: EventKind, _ body: String = "{}") throws -> CommandEvent? {
        try CommandRecord.event(kind: kind.name, body: body)
    }

    @Test func everyKindIsWrittenWithTheMembersOfTheTable() throws {
        var kinds: Set<EventKind> = []
        for event in try Self.all() + Self.entered() {
            let unit = try written(event)
            guard case .object(let members) = unit.members else {
                Issue.record("\(unit.kind) has no members")
                continue
            }
            if members.map(\.name) == unit.kind.members.map(\.name) { kinds.insert(unit.kind) }
            #expect(Self.forms(of: unit.kind).contains(members.map(\.name)), "\(unit.kind)")
            #expect(unit.device == "pump" && unit.monotonic == 1)
            #expect(try read(unit.kind, unit.members.text) == event)
        }
        #expect(kinds == Set(EventKind.ofCommands), "a kind is not written")
    }

    /// What shipped versions wrote: these lines never change. What is written now is in the same form.
    @Test func whatWasWrittenIsReadForEver() throws {
        let lines = try ["commands-1", "commands-2"].flatMap { name in
            try String(contentsOfFile: Repository.path("Tests/journals/\(name).txt"), encoding: .utf8)
                .split(separator: "\n").map { $0.split(separator: " ", maxSplits: 1).map(String.init) }
        }
        let all = try Self.all() + Self.entered()
        #expect(lines.count == all.count)
        for (line, event) in zip(lines, all) {
            #expect(try CommandRecord.event(kind: line[0], body: line[1]) == event)
            #expect(try written(event).members.text == line[1])
        }
        #expect(Set(lines.map { $0[0] }) == Set(EventKind.ofCommands.map(\.name)), "a kind is not in the file")
    }

    @Test func randomEventsAreReadAsTheyWereWritten() throws {
        var random = RandomCommands(seed: 1)
        var kinds: Set<EventKind> = []
        for _ in 0..<100_000 {
            let event = random.event(of: random.number())
            let unit = try written(event)
            kinds.insert(unit.kind)
            let text = unit.members.text
            let again = try #require(try read(unit.kind, text))
            #expect(again == event, "\(text)")
            // Byte for byte: texts that look alike are equal to Swift.
            #expect(try written(again).members.text.utf8.elementsEqual(text.utf8))
        }
        #expect(kinds == Set(EventKind.ofCommands))
    }

    /// A ledger that is told from the journal's texts is the one that was told of the events; and one that begins with
    /// its snapshot goes on as it does.
    @Test func aLedgerOfTheTextsIsTheLedger() throws {
        var random = RandomCommands(seed: 2)
        var (remembered, damaged) = (0, 0)
        for _ in 0..<100_000 / 20 {
            var (told, folded) = (CommandLedger(), CommandLedger())
            var number: Int64 = 0
            for step in 0..<20 {
                number += 1 + Int64(random.below(2))
                var event = random.event(of: random.one(of: told.open.keys) ?? 1)
                if case .snapshot = event { event = step == 0 ? event : .snapshot(told.snapshot) }
                let time = random.time()
                let unit = try written(event)
                told.apply(event, number: number, at: time)
                folded.apply(try #require(try read(unit.kind, unit.members.text)), number: number, at: time)
            }
            #expect(folded == told)
            remembered += told.open.isEmpty ? 0 : 1
            damaged += told.isRecordDamaged ? 1 : 0
            // From the snapshot on.
            let unit = try written(.snapshot(told.snapshot))
            var short = CommandLedger()
            short.apply(try #require(try read(unit.kind, unit.members.text)), number: number + 1, at: 5)
            told.apply(.snapshot(told.snapshot), number: number + 1, at: 5)
            let next = random.event(of: told.open.keys.min() ?? 1)
            for event in [.sessionBegan, next] {
                told.apply(event, number: told.last + 1, at: 9)
                short.apply(event, number: short.last + 1, at: 9)
            }
            #expect(short.snapshot == told.snapshot)
        }
        #expect(remembered > 1000 && damaged > 1000 && damaged < 5000, "\(remembered) \(damaged)")
    }

    /// What could not be read again is not written: the caller learns it before anything is done.
    @Test func whatCannotBeReadAgainIsNotWritten() throws {
        let (a, pump) = (Operator("a"), PumpKey(serial: "1"))
        func effect(_ bytes: [UInt8]) -> Effect {
            Effect(bytes: bytes, wanted: [], before: [], profileDigest: "", expires: 0)
        }
        func snapshot(_ number: Int64, _ people: Int) throws -> CommandEvent {
            let state = CommandState.verified(by: Array(repeating: a, count: people), since: 0)
            return .snapshot(
                CommandLedger.Snapshot(
                    open: [number: CommandLedger.Command(content: try Self.content(), state: state)], pumps: [:],
                    isRecordDamaged: false))
        }
        let never: [CommandEvent] = [
            .sessionBegan, .recordDamaged, .drafted(try Self.content(people: 3), by: a),
            .drafted(try Self.content(people: 0), by: a), .intended(7, effect([])), .sent(0), .expired(-1),
            .resolved(7, by: [], .inEffect), .stopAsked(PumpKey(text: "COM1"), by: a), .stopSent(pump, of: 0),
            try snapshot(0, 1), try snapshot(1, 0), try snapshot(1, 3),
        ]
        for event in never { #expect(UnitEvent.command(event, device: nil, at: 1) == nil, "\(event)") }
        for event in [.drafted(try Self.content(people: 1), by: a), .intended(7, effect([0])), try snapshot(1, 2)] {
            #expect(UnitEvent.command(event, device: nil, at: 1) != nil, "\(event)")
        }
    }

    // MARK: The journal's own state

    @Test func theStateOfTheJournalItselfCounts() throws {
        func read(_ event: UnitEvent) throws -> CommandEvent? { try self.read(event.kind, event.members.text) }
        #expect(try read(.hostStarted(unit: "u", alertsEnded: nil, at: 1)) == .sessionBegan)
        let damage: [UnitEvent] = [
            .eventsLost(1, cause: .disk, at: 1), .journalGap(part: "events", known: 9, found: 7, at: 1),
            .journalGap(file: "events-00000001.sqlite", at: 1),
            .journalSetAside(file: "events-00000001.sqlite.damaged", reason: "r", at: 1),
            .journalFileFailed(file: "events-00000001.sqlite", reason: #"{"part":"samples""#, at: 1),
        ]
        for event in damage { #expect(try read(event) == .recordDamaged, "\(event)") }
        let others: [UnitEvent] = [
            .journalGap(part: "samples", known: 9, found: 7, at: 1),
            .journalGap(file: "samples-00000001.sqlite", at: 1),
            .journalSetAside(file: "samples.sqlite.damaged", reason: "events", at: 1),
            .journalFileFailed(file: "samples-00000001.sqlite", reason: "events", at: 1),
            .hostStopped(alertsEnded: nil, at: 1), .journalPruned(file: "events-1", bytes: 1, cause: "c", at: 1),
        ]
        for event in others { #expect(try read(event) == nil, "\(event)") }
        // What does not say of what it is.
        for kind in [EventKind.journalGap, .journalSetAside, .journalFileFailed] {
            for body in ["{}", "", #"{"reason":"r","file":"samples-1"}"#] {
                #expect(try self.read(kind, body) == .recordDamaged)
            }
        }
    }

    @Test func everyKindThatSaysSomethingIsReadByAFold() throws {
        for kind in EventKind.allCases {
            let says: Bool
            do { says = try read(kind) != nil } catch { says = true }
            #expect(CommandRecord.kinds.contains(kind) == says, "\(kind)")
        }
        #expect(Set(CommandRecord.kinds).count == CommandRecord.kinds.count)
    }

    @Test(arguments: ["commandPaused", "command", "stopHeld", "pumpMoved", "commands", "stop\u{301}x"])
    func anEventOfAYoungerHostIsDamage(name: String) {
        #expect(throws: CommandRecord.Fault(kind: nil, column: 1)) {
            try CommandRecord.event(kind: name, body: "{}")
        }
    }

    @Test(arguments: ["moonRose", "", "Command", "nonstop", "hostPaused"])
    func whatIsNotOfPumpsIsNothing(name: String) throws {
        #expect(try CommandRecord.event(kind: name, body: "{") == nil)
    }

    // MARK: Damage

    @Test(arguments: [
        (EventKind.commandSent, "", 1), (.commandSent, "{}", 2), (.commandSent, #"{"number":07}"#, 11),
        (.commandSent, #"{"number":7,"number":7}"#, 12), (.commandSent, #"{"number":7} "#, 13),
        (.commandSent, #"{"number":7"#, 12), (.commandSent, #"{"number":9223372036854775808}"#, 11),
        (.commandRefused, #"{"number":7,"word":"maybe"}"#, 27), (.commandVerified, #"{"by":["a","b"],"number":7}"#, 16),
        (.stopSent, #"{"pump":"COM1","stop":8}"#, 15), (.stopAsked, #"{"by":["\u0041"],"pump":"port:"}"#, 9),
        (.stopAsked, #"{"by":["\/"],"pump":"port:"}"#, 9), (.stopAsked, #"{"by":["\ud800"],"pump":"port:"}"#, 9),
        (.stopAsked, #"{"by":["\u000A"],"pump":"port:"}"#, 9), (.stopAsked, #"{"by":["\u000a"],"pump":"port:"}"#, 9),
    ])
    func aFaultSaysWhereItIs(kind: EventKind, body: String, column: Int) {
        #expect(throws: CommandRecord.Fault(kind: kind, column: column)) { try read(kind, body) }
    }

    @Test func aFaultSaysNothingOfWhatWasWritten() throws {
        for body in [#"{"by":["canary"],"content":{"command":"canary"#, #"{"canary":1}"#] {
            for kind in EventKind.ofCommands.map(\.name) + ["commandCanary", "stop canary"] {
                do {
                    _ = try CommandRecord.event(kind: kind, body: body)
                    Issue.record("\(kind) was read")
                } catch {
                    #expect(!"\(error)".lowercased().contains("canary"))
                    #expect("\(error)".contains("look at every pump"))
                }
            }
        }
    }

    /// Whatever becomes of a text, it is a fault, or is read as exactly what it says now: written again it is the same
    /// text. So no part of it is passed over, repaired or taken for something else. What turns one digit of a quantity
    /// into another is for the journal's chain of hashes to tell: nothing in the text can.
    @Test(arguments: Damage.allCases) func aDamagedTextIsAFaultOrSaysSomethingElse(damage: Damage) throws {
        var random = RandomCommands(seed: 3)
        var (faults, others, deep) = (0, 0, 0)
        for _ in 0..<20_000 {
            let unit = try written(random.event(of: random.number()))
            guard let text = damage.text(unit.members, &random), text != unit.members.text else { continue }
            if text.utf8.count > 20_000 { deep += 1 }
            do {
                let event = try #require(try read(unit.kind, text))
                others += 1
                #expect(try written(event).members.text.utf8.elementsEqual(text.utf8), "\(text)")
            } catch is CommandRecord.Fault { faults += 1 }
        }
        #expect(faults > 5000, "\(damage): \(faults) faults")
        if damage.isAlwaysOutOfForm { #expect(others == 0, "\(damage)") } else { #expect(others > 50, "\(damage)") }
        #expect(damage != .nested || deep > 5000)
    }

    /// A text under another event's name is never taken for that event, unless both say the same of a command.
    @Test func aTextBelongsToItsKind() throws {
        var random = RandomCommands(seed: 4)
        var faults = 0
        for _ in 0..<5000 {
            let unit = try written(random.event(of: random.number()))
            guard case .object(let members) = unit.members else { continue }
            for kind in EventKind.ofCommands where !Self.forms(of: kind).contains(members.map(\.name)) {
                #expect(throws: CommandRecord.Fault.self, "\(unit.kind) as \(kind)") {
                    try read(kind, unit.members.text)
                }
                faults += 1
            }
        }
        #expect(faults > 50_000)
    }

    /// All others must be there: without one nothing is read.
    @Test func onlyAnOrderAReasonAStopAndWhatAPumpShowedMayBeMissing() throws {
        var optional: Set<String> = []
        for event in try Self.all() + Self.entered() {
            let unit = try written(event)
            let names = Set(unit.members.text.matches(of: /"([a-zA-Z]+)":/).map { String($0.output.1) })
            for name in names {
                let without = unit.members.without(name)
                if (try? read(unit.kind, without.text)) != nil { optional.insert("\(unit.kind) \(name)") }
            }
        }
        let drafted = ["order", "reason", "shown"].map { "commandDrafted \($0)" } + ["commandVerified shown"]
        #expect(optional == Set(drafted + ["order", "reason", "shown", "stop"].map { "commandLedger \($0)" }))
    }
}

extension JSON {
    /// Without the members of this name, at any depth.
    fileprivate func without(_ name: String) -> JSON {
        switch self {
        case .object(let members):
            .object(
                members.filter { $0.name != name }.map { Member(name: $0.name, value: $0.value.without(name)) })
        case .array(let values): .array(values.map { $0.without(name) })
        default: self
        }
    }
}
