import Foundation
import Testing

@testable import CommandFacts
@testable import PumpControl

/// What those who ask are told of commands, as the journal's events tell it.
@Suite struct HistoryTests {
    private static let content = LedgerTests.content()

    /// A history of these events, numbered from 1, and the number of the last.
    private func history(_ events: [CommandEvent]) -> CommandHistory {
        var history = CommandHistory()
        for (place, event) in events.enumerated() {
            history.take(event, number: Int64(place + 1), at: Int64(place + 1) * 10)
        }
        return history
    }

    private func view(_ history: CommandHistory, _ number: Int64 = 1) throws -> CommandView {
        try #require(history.traces[number]).view(
            number: number, state: history.ledger.open[number]?.state, device: "pump-a", waitsFor: "somebody",
            fieldUnit: { $0 == "rate" ? "mL/h" : nil })
    }

    private static let drafted = CommandEvent.drafted(content, by: LedgerTests.first, shown: LedgerTests.entered)
    private static let entered = [drafted, .verified(1, by: LedgerTests.second, shown: LedgerTests.entered)]
    private static let intended = entered + [.intended(1, LedgerTests.effect())]
    private static let sent = intended + [.sent(1)]

    @Test(
        arguments: [
            ([drafted], CommandView.Stage.draft, 1), (entered, .verified, 2), (intended, .intended, 2),
            (sent, .sent, 2),
            (sent + [.taken(1)], .acknowledged, 2), (sent + [.unanswered(1, .silent)], .uncertain, 2),
            (sent + [.rejected(1)], .ended, 2),
        ] as [([CommandEvent], CommandView.Stage, Int)])
    func aViewSaysWhereACommandStands(events: [CommandEvent], stage: CommandView.Stage, people: Int) throws {
        let view = try view(history(events))
        #expect(view.stage == stage && view.people == people && view.needed == 2)
        #expect(view.since == Int64(events.count) * 10 && view.device == "pump-a" && view.waitsFor == "somebody")
        #expect(view.atEntry == [ReadingView("rate", "5", unit: "mL/h")])
        // Nobody sees what one has entered.
        #expect((view.entries == nil) == (stage == .draft))
        #expect((view.end == nil) == (stage != .ended))
        if let entries = view.entries {
            #expect(entries == [EntryView("rate", "12.5", unit: "mL/h"), EntryView("volume", "50", unit: "mL")])
        }
    }

    @Test(
        arguments: [
            ([drafted, .withdrawn(1, by: LedgerTests.first)], "withdrawn"), ([drafted, .expired(1)], "expired"),
            ([drafted, .mismatched(1, by: LedgerTests.second)], "mismatched"),
            (entered + [.refused(1, .tooSoon)], "refused"),
            (entered + [.changed(1, shown: [Reading("rate", "7")])], "changed"),
            ([drafted, .sessionBegan], "restarted"),
            ([drafted, .stopAsked(LedgerTests.pump, by: LedgerTests.first)], "stopped"),
            (intended + [.notSent(1, .lineLost)], "notSent: lineLost"), (sent + [.rejected(1)], "rejected"),
            (sent + [.taken(1), .readBack(1, LedgerTests.shown("12.5"))], "confirmed"),
            (sent + [.unanswered(1, .silent), .readBack(1, LedgerTests.shown("5"))], "notInEffect"),
            (
                sent + [
                    .unanswered(1, .silent), .leftToPeople(1),
                    .resolved(1, by: [LedgerTests.first, LedgerTests.second], .inEffect),
                ], "resolved: inEffect"
            ),
        ] as [([CommandEvent], String)])
    func anEndIsOneWord(events: [CommandEvent], word: String) throws {
        let view = try view(history(events))
        #expect(view.end == word && view.stage == .ended)
    }

    @Test func theLastThatThePumpShowedIsTold() throws {
        #expect(try view(history(Self.entered)).readings.isEmpty)
        #expect(try view(history(Self.intended)).readings == [ReadingView("rate", "5", unit: "mL/h")])
        let read = history(Self.sent + [.readBack(1, LedgerTests.shown("12.5")), .readBack(1, LedgerTests.shown(nil))])
        #expect(try view(read).readings.isEmpty)
        #expect(
            try view(history(Self.sent + [.readBack(1, LedgerTests.shown("9"))])).readings
                == [ReadingView("rate", "9", unit: "mL/h")])
        let changed = history(Self.entered + [.changed(1, shown: [Reading("mode", "STOP")])])
        #expect(try view(changed).readings == [ReadingView("mode", "STOP")])
    }

    /// Whoever knows no pump tells what it showed as it stands in the record.
    @Test func withoutAProfileThereAreNoUnits() throws {
        let history = history(Self.intended)
        let told = try #require(history.traces[1]).view(number: 1, state: nil, device: "pump-a")
        #expect(told.readings == [ReadingView("rate", "5")] && told.atEntry == told.readings)
    }

    /// A stop voids what waits on that pump and nothing else: neither another's nor what has been intended.
    @Test func aStopVoidsWhatWaitsOnThatPump() throws {
        let other = CommandEvent.drafted(
            LedgerTests.content(pump: PumpKey(port: "p"), line: "p"), by: LedgerTests.first)
        let stop = CommandEvent.stopAsked(LedgerTests.pump, by: LedgerTests.first)
        let waiting = history([Self.drafted, other, stop])
        #expect(try view(waiting).end == "stopped" && view(waiting, 2).end == nil)
        #expect(try view(history(Self.intended + [stop])).end == nil)
        #expect(try view(history([Self.drafted, .expired(1), stop])).end == "expired")
        // Nor does a session that begins end what may have been said.
        #expect(try view(history(Self.intended + [.sessionBegan])).stage == .uncertain)
    }

    /// What a summary holds open is known from it, and not twice.
    @Test func aSummaryBeginsTheTracesOfWhatIsOpen() throws {
        for events in [[Self.drafted], Self.entered, Self.intended] {
            let before = history(events)
            var later = CommandHistory()
            later.take(.snapshot(before.ledger.snapshot), number: 100, at: 5)
            let view = try view(later)
            #expect(view.since == 5 && view.people == min(events.count, 2))
            #expect(view.atEntry.isEmpty == (events.count == 3))
            var same = before
            same.take(.snapshot(before.ledger.snapshot), number: 100, at: 5)
            #expect(try self.view(same) == self.view(before))
        }
    }

    /// Only so many are kept, and those that have not ended go on.
    @Test func theOldestThatHaveEndedAreForgotten() throws {
        var history = CommandHistory()
        var number: Int64 = 0
        func take(_ event: CommandEvent) {
            number += 1
            history.take(event, number: number, at: number)
        }
        take(Self.drafted)
        for _ in 0..<CommandHistory.mostTraces {
            take(Self.drafted)
            take(.withdrawn(number, by: LedgerTests.first))
        }
        #expect(history.traces.count == CommandHistory.mostTraces)
        #expect(history.traces[1] != nil && history.traces[2] == nil && history.traces[4] != nil)
        // Where none has ended none goes.
        var open = CommandHistory()
        for number in 1...Int64(CommandHistory.mostTraces + 1) { open.take(Self.drafted, number: number, at: 0) }
        #expect(open.traces.count == CommandHistory.mostTraces + 1)
    }

    @Test func aLineCannotMakeAViewOfWhatNobodyMaySee() throws {
        let whole = try view(history(Self.sent + [.rejected(1)]))
        let encoded = try JSONEncoder().encode(whole)
        #expect(try JSONDecoder().decode(CommandView.self, from: encoded) == whole)
        let blind = CommandView(
            number: 1, device: "pump-a", command: "rate", stage: .draft, people: 1,
            entries: [EntryView("rate", "12.5", unit: "mL/h")], since: 7)
        #expect(blind.entries == nil)
        let short = try JSONEncoder().encode(blind)
        let text = String(decoding: short, as: UTF8.self)
        #expect(["entries", "atEntry", "waitsFor", "end"].allSatisfy { !text.contains("\"\($0)\"") })
        #expect(try JSONDecoder().decode(CommandView.self, from: short) == blind)
        let entry = #"{"name":"rate","quantity":"9","unit":"mL/h"}"#
        let forged = text.replacingOccurrences(of: "\"number\":1", with: "\"number\":1,\"entries\":[\(entry)]")
        #expect(forged != text)
        #expect(try JSONDecoder().decode(CommandView.self, from: Data(forged.utf8)).entries == nil)
        for stage in CommandView.Stage.allCases where stage != .draft {
            let open = CommandView(
                number: 1, device: "pump-a", command: "rate", stage: stage, people: 2,
                entries: [EntryView("rate", "12.5", unit: "mL/h")], since: 7)
            #expect(open.entries?.count == 1)
        }
    }
}
