import DeviceModel
import Foundation
import PumpControl
import TestSupport
import Testing

@testable import CommandRecord

/// Events of commands, written and read again.
@Suite struct CommandRecordTests {
    private static let effect = Effect(
        bytes: [0x21, 0x00, 0xFF], wanted: [Expectation("rate", ["12.5"]), Expectation("mode", ["STOP", "SET"])],
        isEvidenceOwn: true, before: [Reading("rate", "5"), Reading("mode", "STOP")],
        profileDigest: "ab", expires: 9_000_000_000_000_000)

    private static func content(_ quantity: String = "0.000000001") throws -> CommandContent {
        CommandContent(
            pump: PumpKey(serial: "8003-00107", slot: "A3"), line: "/dev/ttyUSB0", command: "rate", kind: .set,
            entries: [CommandEntry("new-rate", try ExactQuantity(quantity), unit: "mL/h")], people: 2, order: "o-\"1",
            reason: "سبب")
    }

    private static func ledger() throws -> CommandLedger {
        var ledger = CommandLedger()
        let pump = PumpKey(serial: "1")
        let events: [CommandEvent] = [
            .sessionBegan, .drafted(try content(), by: Operator("a")), .verified(2, by: Operator("b")),
            .intended(2, effect), .sent(2), .unanswered(2, .silent), .drafted(try content("7"), by: Operator("c")),
            .stopAsked(pump, by: Operator("d")), .stopNotDelivered(pump, of: 8),
        ]
        for (place, event) in events.enumerated() { ledger.apply(event, number: Int64(place + 1), at: Int64(place)) }
        return ledger
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
            + Doubt.allCases.map { .unanswered(7, $0) }
    }

    func written(_ event: CommandEvent) throws -> (kind: String, body: String) {
        let unit = try #require(UnitEvent.command(event, device: "pump", at: 1))
        return (unit.kind.name, unit.members.text)
    }

    @Test func everyEventIsReadAsItWasWritten() throws {
        var kinds: Set<String> = []
        for event in try Self.all() {
            let (kind, body) = try written(event)
            kinds.insert(kind)
            #expect(try CommandRecord.event(kind: kind, body: body) == event, "\(body)")
        }
        #expect(kinds == Set(EventKind.ofCommands.map(\.name)), "a kind is not written")
    }

    /// What shipped versions wrote: these lines never change.
    @Test func whatWasWrittenIsReadForEver() throws {
        let lines = try String(
            contentsOfFile: Repository.path("Tests/journals/commands-1.txt"), encoding: .utf8
        )
        .split(separator: "\n").map { $0.split(separator: " ", maxSplits: 1).map(String.init) }
        let all = try Self.all()
        #expect(lines.count == all.count)
        for (line, event) in zip(lines, all) { #expect(try CommandRecord.event(kind: line[0], body: line[1]) == event) }
    }

    @Test func theStateOfTheJournalItselfCounts() throws {
        func read(_ kind: EventKind, _ body: String = "{}") throws -> CommandEvent? {
            try CommandRecord.event(kind: kind.name, body: body)
        }
        #expect(try read(.hostStarted) == .sessionBegan)
        #expect(try read(.journalGap, #"{"part":"events","known":9,"found":7}"#) == .recordDamaged)
        #expect(try read(.journalGap, #"{"part":"samples","known":9,"found":7}"#) == nil)
        #expect(try read(.journalSetAside, #"{"file":"events-1.sqlite.damaged"}"#) == .recordDamaged)
        #expect(try read(.journalSetAside, #"{"file":"samples-1.sqlite.damaged"}"#) == nil)
        #expect(try read(.journalGap) == .recordDamaged && read(.eventsLost) == .recordDamaged)
        #expect(try read(.lineStatistics) == nil)
        #expect(throws: CommandRecord.Fault.self) { try CommandRecord.event(kind: "commandPaused", body: "{}") }
        #expect(try CommandRecord.event(kind: "somethingElse", body: "{}") == nil)
    }

    /// Whatever the text is, it is read as what it says, or is a fault; never a crash, never half of it.
    @Test func aDamagedTextIsAFaultOrAnotherWholeEvent() throws {
        var generator = SeededGenerator(seed: 5)
        let all = try Self.all().map(written)
        var faults = 0
        for _ in 0..<60_000 {
            let (kind, text) = all[Int.random(in: 0..<all.count, using: &generator)]
            var bytes = Array(text.utf8)
            for _ in 0..<Int.random(in: 1...3, using: &generator) {
                let place = Int.random(in: 0..<bytes.count, using: &generator)
                switch Int.random(in: 0..<4, using: &generator) {
                case 0: bytes[place] = UInt8.random(in: 0...255, using: &generator)
                case 1: bytes.remove(at: place)
                case 2: bytes.removeSubrange(place...)
                default: bytes.insert(contentsOf: Array(#"{["0-"#.utf8), at: place)
                }
                if bytes.isEmpty { bytes = [0x7B] }
            }
            do {
                let event = try CommandRecord.event(kind: kind, body: String(decoding: bytes, as: UTF8.self))
                // What is read can be written, and is then the same.
                let again = try written(try #require(event))
                #expect(try CommandRecord.event(kind: again.kind, body: again.body) == event)
            } catch is CommandRecord.Fault { faults += 1 }
        }
        #expect(faults > 30_000 && faults < 60_000, "\(faults)")
    }

    /// Each member that is missing, and each of another type, is a fault.
    @Test func whatIsMissingIsAFault() throws {
        for event in try Self.all() {
            let (kind, text) = try written(event)
            let object = try #require(try JSONSerialization.jsonObject(with: Data(text.utf8)) as? [String: Any])
            for name in object.keys {
                for value in [nil, ["x": 1], "x", -1.5] as [Any?] {
                    var changed = object
                    changed[name] = value
                    let body = String(
                        decoding: try JSONSerialization.data(withJSONObject: changed), as: UTF8.self)
                    #expect(throws: CommandRecord.Fault.self, "\(kind) \(body)") {
                        try CommandRecord.event(kind: kind, body: body)
                    }
                }
            }
        }
    }
}
