import CommandFacts
import Testing

@testable import OperatorDesk

/// What a second person is shown before they have entered holds no value of the first (C-11; the pump that was set
/// wrongly twice because the second nurse was read the settings).
@Suite struct BlindnessTests {
    private static func view(_ stage: CommandView.Stage, _ people: Int, needed: Int = 2) -> CommandView {
        CommandView(
            number: 1, device: "p1", command: "set-rate", stage: stage, people: people, needed: needed,
            entries: [EntryView("rate", "417.25", unit: "mL/h")], since: 1)
    }

    @Test(arguments: CommandView.Stage.allCases, 0...2)
    func c11_aViewHoldsWhatWasEnteredOnlyAfterAllHaveEnteredIt(stage: CommandView.Stage, people: Int) {
        let isShown = Self.view(stage, people).entries != nil
        #expect(isShown == (stage != .draft && people == 2))
        #expect(Self.view(.draft, 1, needed: 1).entries == nil)
    }

    /// Whatever a desk answers, and whoever asks: nothing of a draft is in the bytes that go out.
    @Test func c11_nothingOfADraftGoesOverTheSocket() async throws {
        let door = try Door(
            NotedDesk { request in
                switch request {
                case .history: .commands([Self.view(.draft, 1), Self.view(.ended, 1)])
                default: .command(Self.view(.draft, 1))
                }
            })
        for ask in [DeskLine.Ask.show(1), .history(most: 9), .draft(Door.entry), .verify(1, Door.entry)] {
            for person in [Door.amal, Door.basma] {
                let answer = try await door.ask(ask, by: person)
                let text = answer.map { String(decoding: AnswerLine($0).line, as: UTF8.self) } ?? ""
                #expect(text.contains("set-rate") && !text.contains("417"), "\(text)")
            }
        }
        try await door.close()
    }

    /// A line that says it cannot make a view of it either.
    @Test func c11_aLineMakesNoSuchView() {
        let line =
            #"{"answer":"command","command":{"command":"c","device":"d","entries":[{"name":"rate","quantity":"417.25","#
            + #""unit":"mL/h"}],"needed":2,"number":1,"people":1,"readings":[],"since":1,"stage":"draft"},"desk":1}"#
        guard case .command(let view) = AnswerLine(Array(line.utf8))?.answer else {
            Issue.record("not read")
            return
        }
        #expect(view.entries == nil)
    }
}
