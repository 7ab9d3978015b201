import CommandFacts
import CommandRecord
import DeviceModel
import Foundation
import GRDB
import JournalFolds
import PumpDesk
import TestSupport
import Testing

@testable import NabdHost
@testable import SampleJournal

/// What a start finds of commands in a real journal.
@Suite struct CommandFoldTests {
    private let pump = PumpKey(serial: "8003-00107")

    private var content: CommandContent {
        CommandContent(pump: pump, line: "/dev/ttyS0", command: "rate", kind: .set, entries: [])
    }

    private let effect = Effect(
        bytes: [1], wanted: [Expectation("rate", ["5"])], before: [Reading("rate", "3")], profileDigest: "00",
        expires: 1 << 40)

    /// A journal with a session's beginning and these events; returns the number of the first of them.
    @discardableResult
    private func write(_ events: [CommandEvent], to folder: TemporaryFolder) throws -> Int64 {
        let writer = try JournalWriter(directory: "\(folder.path)/journal", bootID: "b", now: 1, utc: 1)
        let units =
            [UnitEvent.hostStarted(unit: "u", alertsEnded: 0, at: 1)]
            + events.compactMap { UnitEvent.command($0, device: "pump", at: 2) }
        let last = try writer.record(
            units.map(JournalWriter.Event.init), now: 2, utcOffset: 0, quality: .synchronised)
        try writer.finish(now: 3, utc: 3, quality: .synchronised)
        return last - Int64(events.count) + 1
    }

    private func ledger(_ folder: TemporaryFolder) -> CommandLedger {
        CommandHistory(journal: "\(folder.path)/journal").ledger
    }

    @Test func anIntentWithoutAnEndIsUncertain() throws {
        let folder = try TemporaryFolder()
        let number = try write([.drafted(content, by: Operator("a"))], to: folder)
        try write([.drafted(content, by: Operator("a"))], to: folder)
        #expect(ledger(folder).open.count == 1, "a draft of an earlier session")
        let next = try write([.drafted(content, by: Operator("a"))], to: folder)
        #expect(next > number)
        try write([], to: folder)
        #expect(ledger(folder).open.isEmpty && !ledger(folder).isRecordDamaged)
    }

    @Test func anIntentSurvivesAndASummaryStandsForIt() throws {
        let folder = try TemporaryFolder()
        let writer = try JournalWriter(directory: "\(folder.path)/journal", bootID: "b", now: 1, utc: 1)
        func record(_ events: [UnitEvent]) throws -> Int64 {
            try writer.record(events.map(JournalWriter.Event.init), now: 2, utcOffset: 0, quality: .synchronised)
        }
        func told(_ event: CommandEvent) throws -> UnitEvent {
            try #require(UnitEvent.command(event, device: "pump", at: 2))
        }
        _ = try record([.hostStarted(unit: "u", alertsEnded: 0, at: 1)])
        let number = try record([try told(.drafted(content, by: Operator("a")))])
        _ = try record([
            try told(.verified(number, by: Operator("b"))), try told(.intended(number, effect)),
        ])
        let before = ledger(folder)
        #expect(before.open[number]?.state == .intended(effect))
        _ = try record([try told(.snapshot(before.snapshot))])
        #expect(ledger(folder).open == before.open && !ledger(folder).isRecordDamaged)
        _ = try record([.hostStarted(unit: "u", alertsEnded: 0, at: 1)])
        #expect(ledger(folder).open[number]?.state.isUncertain == true && !ledger(folder).isRecordDamaged)
        // A summary that nobody can read takes nothing away.
        let strange = UnitEvent.command(.commandLedger, device: nil, .members(["ledger": .string("other")]), at: 2)
        _ = try record([try #require(strange), .hostStarted(unit: "u", alertsEnded: 0, at: 1)])
        #expect(ledger(folder).open[number]?.state.isUncertain == true && ledger(folder).isRecordDamaged)
        try writer.finish(now: 3, utc: 3, quality: .synchronised)
    }

    /// A row that is not as it was written, one that is gone, and one of a younger host.
    @Test(arguments: ["UPDATE events SET body = '{}' WHERE id = ?", "DELETE FROM events WHERE id = ?"])
    func whatIsMissingMakesEveryPumpToBeLookedAt(_ damage: String) throws {
        let folder = try TemporaryFolder()
        let first = try write(
            [
                .stopAsked(pump, by: Operator("a")), .unlocked(pump, by: Operator("a")),
            ],
            to: folder)
        #expect(!ledger(folder).isRecordDamaged)
        let files = try FileManager.default.contentsOfDirectory(atPath: "\(folder.path)/journal")
        let file = try #require(files.first { $0.hasPrefix("events") && $0.hasSuffix(".sqlite") })
        let queue = try DatabaseQueue(path: "\(folder.path)/journal/\(file)")
        try queue.write { try $0.execute(sql: damage, arguments: [first]) }
        #expect(ledger(folder).isRecordDamaged && !ledger(folder).pump(pump).isLookedAt)
    }

    /// A whole book whose rows say what cannot be: a transmission without an intent, and one before its intent.
    @Test(arguments: [false, true]) func whatWasSaidBeforeItsIntentMakesEveryPumpToBeLookedAt(isIntended: Bool) throws {
        func book(_ order: (Int64) -> [CommandEvent]) throws -> CommandLedger {
            let folder = try TemporaryFolder()
            // The number of a command is that of its first event: the one behind the session's beginning.
            let number = try write([.drafted(content, by: Operator("a"))], to: try TemporaryFolder())
            let told: [CommandEvent] = [
                .unlocked(PumpKey(serial: "other"), by: Operator("a")), .drafted(content, by: Operator("a")),
                .verified(number + 1, by: Operator("b")),
            ]
            #expect(try write(told + order(number + 1), to: folder) == number)
            return ledger(folder)
        }
        let wrong = try book { isIntended ? [.sent($0), .intended($0, effect)] : [.sent($0)] }
        #expect(wrong.isRecordDamaged)
        for pump in [pump, PumpKey(serial: "other"), PumpKey(serial: "never")] {
            #expect(!wrong.pump(pump).isLookedAt, "\(pump)")
        }
        let right = try book { isIntended ? [.intended($0, effect), .sent($0)] : [.intended($0, effect)] }
        #expect(!right.isRecordDamaged && right.pump(pump).isLookedAt && right.open.count == 1)
    }
}
