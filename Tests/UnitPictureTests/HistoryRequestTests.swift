import Testing

@testable import UnitPicture

/// Questions about the past are read strictly.
@Suite struct HistoryRequestTests {
    static let time = ["from": "1000", "to": "2000"]

    @Test func eachPathIsReadAsItsQuestion() throws {
        let range = try HistoryTime(from: 1000, to: 2000)
        #expect(try HistoryRequest(path: "/streams", parameters: Self.time) == .streams(range, mark: nil))
        #expect(try HistoryRequest(path: "/log", parameters: Self.time) == .log(range, limit: 200))
        let columns = Self.time.merging(["streams": "3,1", "columns": "4000", "mark": "test"]) { $1 }
        #expect(
            try HistoryRequest(path: "/history", parameters: columns)
                == .columns(range, streams: [3, 1], count: 4000, mark: .test))
        let table = Self.time.merging(["streams": "3", "format": "csv"]) { $1 }
        let request = try #require(try HistoryRequest(path: "/history", parameters: table))
        #expect(request == .samples(range, streams: [3], mark: nil))
        #expect(request.contentType == "text/csv; charset=utf-8" && request.attachment == "history.csv")
        #expect(try HistoryRequest(path: "/live", parameters: Self.time) == nil)
    }

    @Test(arguments: [
        ["from": "2000", "to": "1000"], ["from": "1000", "to": "1000"], ["from": "-1", "to": "1000"],
        ["from": "1e3", "to": "2000"], ["from": "+1", "to": "2000"], ["from": "01", "to": "2000"], ["to": "2000"],
        ["from": "0", "to": "2678400001"], ["from": "0", "to": "9223372036854775807"],
        ["from": "0", "to": "92233720368547758070"], ["from": "1", "to": "2", "other": "1"],
        ["from": "1", "to": "2", "mark": "training"],
    ])
    func aTimeThatCannotBeAskedForIsRefused(_ parameters: [String: String]) {
        #expect(throws: HistoryFault.self) { try HistoryRequest(path: "/streams", parameters: parameters) }
    }

    @Test(arguments: [
        "", "0", "-1", "1,1", "1,,2", "1 ", "a", "1,2147483648000000000000",
        (1...33).map(String.init).joined(separator: ","),
    ])
    func streamsThatCannotBeAskedForAreRefused(_ streams: String) {
        let parameters = Self.time.merging(["streams": streams, "columns": "10"]) { $1 }
        #expect(throws: HistoryFault.self) { try HistoryRequest(path: "/history", parameters: parameters) }
    }

    @Test(arguments: [["columns": "0"], ["columns": "4001"], [:], ["columns": "10", "format": "xml"]])
    func columnsThatCannotBeDrawnAreRefused(_ more: [String: String]) {
        let parameters = Self.time.merging(["streams": "1"]) { $1 }.merging(more) { $1 }
        #expect(throws: HistoryFault.self) { try HistoryRequest(path: "/history", parameters: parameters) }
    }

    @Test(arguments: ["0", "1001", "-5", "x"])
    func aLogHasABound(_ limit: String) {
        let parameters = Self.time.merging(["limit": limit]) { $1 }
        #expect(throws: HistoryFault.self) { try HistoryRequest(path: "/log", parameters: parameters) }
    }
}
