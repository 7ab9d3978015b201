import Foundation
import TestSupport
import Testing

@testable import CommandRecord

/// One thing in a text that is whole is made wrong, by hand: none of it is read.
@Suite struct FaultTableTests {
    /// The lines of the file of what was written; the last is a snapshot of every state.
    private static func lines() throws -> [(kind: String, body: String)] {
        try String(contentsOfFile: Repository.path("Tests/journals/commands-1.txt"), encoding: .utf8)
            .split(separator: "\n").map { $0.split(separator: " ", maxSplits: 1).map(String.init) }
            .map { ($0[0], $0[1]) }
    }

    /// - Parameter text: stands in the body; the first of it is replaced.
    private func check(_ line: (kind: String, body: String), _ text: String, _ wrong: String) throws {
        #expect(try CommandRecord.event(kind: line.kind, body: line.body) != nil)
        let place = try #require(line.body.firstRange(of: text), "\(text)")
        let body = line.body.replacing(place, with: wrong)
        #expect(throws: CommandRecord.Fault.self, "\(wrong)") { try CommandRecord.event(kind: line.kind, body: body) }
    }

    @Test(arguments: [
        // Numbers and pumps: each once, in their order.
        (#""number":10"#, #""number":9"#), (#""number":10"#, #""number":8"#), (#""number":9"#, #""number":0"#),
        (#""pump":"serial:1""#, #""pump":"serial:0""#), (#""pump":"serial:1""#, #""pump":"serial:3""#),
        (#""pump":"serial:1""#, #""pump":"COM1""#),
        // Who belongs to a state.
        (#"{"by":["layla"],"#, #"{"by":["layla","b"],"#), (#"{"by":["layla"],"#, #"{"by":[],"#),
        (#"{"by":["layla"],"#, "{"), (#"{"by":["layla","عمر"],"#, #"{"by":["layla","b","c"],"#),
        // What belongs to a state.
        (#""state":"draft""#, #""state":"sent""#), (#""state":"draft""#, #""state":"uncertain""#),
        (#""state":"sent""#, #""state":"draft""#), (#""state":"sent""#, #""state":"uncertain""#),
        (#""state":"sent""#, #""state":"confirmed""#), (#","since":-9223372036854775808"#, ""),
        (#","state":"sent""#, #","since":1,"state":"sent""#), (#","state":"sent""#, #","state":"sent","taken":true"#),
        (#""number":12,"#, #""left":true,"number":12,"#), (#""number":12,"#, #""number":12,"since":1,"#),
        (#""number":13,"#, #""left":false,"number":13,"#), (#","taken":true"#, ""), (#""left":true,"#, ""),
        (#""number":12,"#, #""number":12,"shown":[],"#), (#""number":15,"#, #""number":15,"shown":[],"#),
        (#""number":9,"#, #""number":9,"shown":{},"#), (#""number":9,"#, #""number":9,"shown":null,"#),
        (#""since":-1,"#, ""), (#""state":"draft""#, #""state":"draft","taken":true"#),
        // Words and ranges.
        (#""kind":"trigger""#, #""kind":"Trigger""#), (#""people":1"#, #""people":0"#),
        (#""people":1"#, #""people":3"#), (#""people":1"#, #""people":1.0"#), (#""phase":"sent""#, #""phase":"lost""#),
        (#""number":5"#, #""number":0"#), (#""intents":[1,-2]"#, #""intents":[1,]"#),
        (#""intents":[1,-2]"#, #""intents":[,1]"#), (#""intents":[1,-2]"#, #""intents":[1 ,-2]"#),
        (#""damaged":true"#, #""damaged":True"#), (#""damaged":true"#, #""damaged":null"#),
        // Bytes.
        (#""bytes":"2100ff""#, #""bytes":"""#), (#""bytes":"2100ff""#, #""bytes":"2""#),
        (#""bytes":"2100ff""#, #""bytes":"2100f""#), (#""bytes":"2100ff""#, #""bytes":"2100FF""#),
        (#""bytes":"2100ff""#, #""bytes":"21 0ff""#), (#""bytes":"2100ff""#, #""bytes":"21٠0ff""#),
        // A value that was read is one.
        (#""field":"rate","values":["5"]"#, #""field":"rate","values":["5","6"]"#),
        (#""field":"rate","values":["5"]"#, #""field":"rate","values":[]"#),
    ])
    func aSnapshotWithOneFaultIsNotRead(text: String, wrong: String) throws {
        try check(try #require(try Self.lines().last), text, wrong)
    }

    /// Quantities are exact, in one form.
    @Test(arguments: [
        "12.50", "012.5", ".5", "5.", "+1", "-1", "1e1", "12,5", "١٢", "1 ", "", "1234567890123", "NaN", "0x1",
    ])
    func c28_aQuantityInAnotherFormIsNotRead(text: String) throws {
        let line = try #require(try Self.lines().first { $0.kind == "commandDrafted" })
        try check(line, #""quantity":"0.000000001""#, #""quantity":"\#(text)""#)
    }

    /// Entries stand in the order of their names.
    @Test func entriesOutOfTheirOrderAreNotRead() throws {
        let line = try #require(try Self.lines().first { $0.kind == "commandDrafted" })
        let before = #"{"name":"a","quantity":"1","unit":"mL"},"#
        let behind = #"{"name":"x","quantity":"1","unit":"mL"},"#
        try check(line, #""entries":["#, #""entries":["# + behind)
        let body = line.body.replacing(#""entries":["#, with: #""entries":["# + before)
        #expect(throws: Never.self) { try CommandRecord.event(kind: line.kind, body: body) }
    }
}

extension String {
    fileprivate func replacing(_ range: Range<String.Index>, with text: String) -> String {
        self[..<range.lowerBound] + text + self[range.upperBound...]
    }
}
