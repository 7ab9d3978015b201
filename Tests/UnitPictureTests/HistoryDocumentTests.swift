import DeviceModel
import Foundation
import Testing

@testable import SampleJournal
@testable import UnitPicture

/// What is answered of the past equals a plain reading of the whole journal, is of one kind of data, and is bounded.
@Suite struct HistoryDocumentTests {
    private static let milli: Int64 = 1_000_000

    /// The whole time of a unit, and some more. Unit: ms since 1970.
    private static func time(_ unit: HistoryUnit, from: Int64 = 0, to: Int64 = 40_000) -> [String: String] {
        let begin = (HistoryUnit.utc + 100 * HistoryUnit.second) / milli
        return [
            "from": "\(begin - 5000 + from)", "to": "\((unit.now + HistoryUnit.utc) / milli + to)",
        ]
    }

    private static func sessions(_ reading: HistoryReading, _ mark: DataMark) throws -> Set<Int64> {
        try HistorySessions(reading.reader).numbers(of: mark)
    }

    @Test(arguments: [1, 2, 3, 4] as [UInt64], [1, 7, 113, 600])
    func columnsEqualAPlainReading(_ seed: UInt64, _ count: Int) throws {
        let unit = try HistoryUnit(seed: seed)
        for isTest in [false, true, false] { try unit.run(isTest: isTest, seconds: 90, steps: true) }
        let reading = try unit.document()
        for mark in [DataMark.real, .test] {
            for metric in ["saturation", "wave", "single"] {
                let number = try reading.number(metric)
                var parameters = Self.time(unit, from: Int64(seed) * 777, to: -Int64(seed) * 1234)
                parameters.merge(["streams": "\(number)", "columns": "\(count)", "mark": mark.rawValue]) { $1 }
                let answer = try reading.object("/history", parameters)
                #expect(answer["mark"] as? String == (mark == .test ? "test" : nil))
                let stream = try #require((answer["streams"] as? [[String: Any]])?.first)
                let plain = try Self.plain(reading, number, parameters, count, Self.sessions(reading, mark))
                #expect(stream["count"] as? [Int] == plain.map(\.count))
                for (member, take) in [("low", Self.least), ("high", Self.greatest)] {
                    let told = try #require(stream[member] as? [Any]).map { ($0 as? String).flatMap(Double.init) }
                    #expect(told == plain.map(take))
                    // Digits are those that were recorded.
                    let texts = Set(plain.flatMap { $0 })
                    #expect(
                        try #require(stream[member] as? [Any]).allSatisfy {
                            ($0 as? String).map(texts.contains) ?? true
                        })
                }
            }
        }
    }

    private static func least(_ texts: [String]) -> Double? { texts.compactMap(Double.init).min() }
    private static func greatest(_ texts: [String]) -> Double? { texts.compactMap(Double.init).max() }

    /// The texts of all values of each column.
    private static func plain(
        _ reading: HistoryReading, _ number: Int64, _ parameters: [String: String], _ count: Int,
        _ sessions: Set<Int64>
    ) throws -> [[String]] {
        let from = try #require(parameters["from"].flatMap { Int64($0) }) * milli
        let to = try #require(parameters["to"].flatMap { Int64($0) }) * milli
        var columns = [[String]](repeating: [], count: count)
        let edges = (0...count).map { from + Int64(Int128(to - from) * Int128($0) / Int128(count)) }
        for sample in try reading.exported(number, from: from, to: to, sessions: sessions) {
            let column = try #require(edges.lastIndex { $0 <= sample.utc })
            columns[column].append(sample.text)
        }
        return columns
    }

    @Test func dataOfTestsAreNeverPutBesideDataOfPatients() throws {
        let unit = try HistoryUnit()
        try unit.run(isTest: false)
        try unit.run(isTest: true)
        let reading = try unit.document()
        let number = try reading.number("saturation")
        var parameters = Self.time(unit)
        parameters.merge(["streams": "\(number)", "columns": "50"]) { $1 }
        // Without a word: those of the newest run.
        let newest = try reading.object("/history", parameters)
        #expect(newest["mark"] as? String == "test")
        #expect((newest["sessions"] as? [[String: Any]])?.map { $0["mark"] as? String } == ["test"])
        let stream = try #require((newest["streams"] as? [[String: Any]])?.first)
        let counts = try #require(stream["count"] as? [Int])
        #expect(counts.prefix(20).allSatisfy { $0 == 0 } && counts.suffix(30).contains { $0 > 0 })
        // What is left out was not lost, and is not said to be.
        let words = try #require(stream["gaps"] as? [[Any]]).compactMap { $0[2] as? String }
        #expect(words.first == "otherMark" && !words.contains("missing"))
        parameters["mark"] = "real"
        let real = try reading.object("/history", parameters)
        let others = try #require(((real["streams"] as? [[String: Any]])?.first)?["count"] as? [Int])
        #expect(others.prefix(20).contains { $0 > 0 } && others.suffix(15).allSatisfy { $0 == 0 })
        // And so are the tables.
        for mark in ["real", "test"] {
            var table = Self.time(unit)
            table.merge(["streams": "\(number)", "format": "csv", "mark": mark]) { $1 }
            let lines = String(decoding: try reading.bytes("/history", table).all, as: UTF8.self).split(separator: "\n")
            let sessions = try Self.sessions(reading, mark == "test" ? .test : .real)
            var cursor = JournalExport.Cursor(after: 0)
            var plain = [JournalExport.csvHeader]
            try JournalExport(reading.reader).samples(
                from: &cursor, JournalReader.Selection(streams: [number], sessions: sessions, from: .min, to: .max),
                csv: true
            ) { plain.append($0) }
            #expect(lines.map(String.init) == plain && plain.count > 40)
        }
    }

    @Test func tablesAreThoseOfTheExport() throws {
        let unit = try HistoryUnit(seed: 9)
        try unit.run(isTest: false, seconds: 100, steps: true)
        let reading = try unit.document()
        let (one, drug) = (try reading.number("rate", vmd: "1"), try reading.number("drug"))
        var parameters = Self.time(unit)
        parameters.merge(["streams": "\(one),\(drug)", "format": "csv"]) { $1 }
        let told = String(decoding: try reading.bytes("/history", parameters).all, as: UTF8.self)
            .split(separator: "\n").map(String.init)
        var (all, cursor) = ([JournalExport.csvHeader], JournalExport.Cursor(after: 0))
        try JournalExport(reading.reader).samples(from: &cursor, csv: true) { all.append($0) }
        let expected = all.filter { $0 == all[0] || $0.contains("pump,1,rate") || $0.contains("pump,,drug") }
        #expect(told == expected && told.count > 80 && expected.count < all.count)
    }

    @Test func streamsAreListedWithTheirBedAndTheirTimes() throws {
        let unit = try HistoryUnit()
        try unit.run(isTest: false, beds: ["chair-1": ["oximeter", "pump"], "chair-2": ["monitor"]])
        let middle = unit.now
        try unit.run(isTest: true, beds: ["chair-2": ["oximeter"]])
        let reading = try unit.document()
        let answer = try reading.object("/streams", Self.time(unit))
        let streams = try #require(answer["streams"] as? [[String: Any]])
        #expect(streams.count == HistoryUnit.all.count)
        let saturation = try #require(streams.first { $0["metric"] as? String == "saturation" })
        #expect(saturation["bed"] as? String == "chair-2" && saturation["kind"] as? String == "number")
        #expect(streams.first { $0["metric"] as? String == "wave" }?["bed"] is NSNull)
        #expect((answer["sessions"] as? [[String: Any]])?.map { $0["mark"] as? String } == [nil, "test"])
        for (name, isFirst) in [("first", true), ("last", false)] {
            let number = try reading.number("saturation")
            let all = try reading.exported(
                number, from: .min, to: .max,
                sessions: Self.sessions(reading, .real).union(Self.sessions(reading, .test)))
            let told = try #require(saturation[name] as? Int64)
            // Samples without a value are samples too.
            let bound = try #require(isFirst ? all.first : all.last).utc / Self.milli
            #expect(isFirst ? told <= bound && bound - told < 20_000 : told >= bound && told - bound < 20_000)
        }
        // Before the second run, and of the first kind only.
        var early = Self.time(unit)
        early["to"] = "\((middle + HistoryUnit.utc) / Self.milli)"
        let first = try #require((try reading.object("/streams", early))["streams"] as? [[String: Any]])
        #expect(first.first { $0["metric"] as? String == "saturation" }?["bed"] as? String == "chair-1")
        early["mark"] = "test"
        #expect(((try reading.object("/streams", early))["streams"] as? [Any])?.isEmpty == true)
    }

    @Test func eventsAreThoseOfTheDevicesAndTheirBedsAndBounded() throws {
        let unit = try HistoryUnit()
        var at = unit.now
        func alert(_ device: String?, _ bed: String?, _ instance: String) -> JournalWriter.Event {
            JournalWriter.Event(
                "alertStart", device: device,
                body: [
                    "alert": .string("NABD_X"), "bed": bed.map(JSON.string), "instance": .string(instance),
                    "priority": .string("high"),
                ], monotonic: at)
        }
        let bound = JournalWriter.Event(
            "patientBound", body: ["bed": .string("chair-1"), "subject": .string("5a5a5a")], monotonic: at)
        try unit.run(
            isTest: false, beds: ["chair-1": ["oximeter"], "chair-2": ["monitor"]],
            events: [alert("oximeter", nil, "a"), alert("monitor", nil, "b"), alert("monitor", "chair-1", "c"), bound])
        let early = at
        at = unit.now
        try unit.run(isTest: false, events: (0..<1500).map { alert("oximeter", nil, "many-\($0)") })
        let reading = try unit.document()
        var parameters = Self.time(unit)
        parameters.merge(["streams": "\(try reading.number("saturation"))", "columns": "5"]) { $1 }
        let answer = try reading.object("/history", parameters)
        let events = try #require(answer["events"] as? [[Any]])
        let instances = events.compactMap { $0[3] as? String }
        #expect(instances.prefix(2) == ["a", "c"] && !instances.contains("b"))
        #expect(events.count == HistoryEvents.most && answer["eventsMore"] as? Bool == true)
        #expect(events.contains { $0[1] as? String == "patientBound" })
        // The last ones of the log, and no patient in it.
        var log = Self.time(unit)
        log["limit"] = "40"
        let last = try reading.object("/log", log)
        let told = try #require(last["events"] as? [[String: Any]])
        #expect(told.count == 40 && last["more"] as? Bool == true)
        #expect(told.last?["event"] as? String == "hostStopped")
        #expect((told.dropLast().last?["body"] as? [String: Any])?["instance"] as? String == "many-1499")
        log["limit"] = "1000"
        log["to"] = "\((early + 70 * HistoryUnit.second + HistoryUnit.utc) / Self.milli)"
        let all = try reading.bytes("/log", log).all
        #expect(!String(decoding: all, as: UTF8.self).contains("5a5a5a"))
        #expect(String(decoding: all, as: UTF8.self).contains("patientBound"))
    }

    /// Whoever enters the same as the second person may look at a screen (C-11).
    @Test func c11_nothingOfWhatWasEnteredIsInTheLog() throws {
        let unit = try HistoryUnit()
        let content = JSON.members([
            "command": .string("rate"),
            "entries": .array([.members(["name": .string("new-rate"), "quantity": .string("417.25")])]),
        ])
        try unit.run(
            isTest: false,
            events: EventKind.allCases.filter(\.isOfCommand).map { kind in
                JournalWriter.Event(
                    kind.name, device: "pump",
                    body: [
                        "by": .array([.string("amal")]), "content": content, "effect": content, "shown": content,
                        "ledger": content, "number": .integer(7),
                    ], monotonic: unit.now)
            })
        let log = String(decoding: try unit.document().bytes("/log", Self.time(unit)).all, as: UTF8.self)
        #expect(log.contains("commandDrafted") && log.contains("amal") && log.contains("\"number\":7"))
        #expect(!log.contains("417.25"))
    }

    @Test func anAnswerComesInPiecesAndEndsWhenNobodyWantsItAnyMore() throws {
        struct Gone: Error {}
        let unit = try HistoryUnit()
        try unit.run(isTest: false, seconds: 120)
        let reading = try unit.document()
        let numbers = try ["saturation", "wave", "single"].map { "\(try reading.number($0))" }.joined(separator: ",")
        var parameters = Self.time(unit)
        parameters.merge(["streams": numbers, "columns": "4000"]) { $1 }
        let whole = try reading.bytes("/history", parameters)
        #expect(whole.longest <= 64 << 10 && whole.all.count > 64 << 10)
        let lines = whole.all.split(separator: UInt8(ascii: "\n"))
        #expect(lines.dropLast().allSatisfy { String(decoding: $0, as: UTF8.self).hasPrefix("{\"progress\":") })
        #expect(lines.count > 2)
        var asked = 0
        #expect(throws: CancellationError.self) {
            _ = try reading.bytes("/history", parameters) {
                asked += 1
                return asked > 1
            }
        }
        let request = try #require(try HistoryRequest(path: "/history", parameters: parameters))
        #expect(throws: Gone.self) { try HistoryDocument(reading.reader).answer(request) { _ in throw Gone() } }
        for (path, more) in [("/history", ["format": "csv"]), ("/streams", [:]), ("/log", [:])] {
            var parameters = Self.time(unit)
            if path == "/history" { parameters["streams"] = numbers }
            parameters.merge(more) { $1 }
            #expect(throws: CancellationError.self, "\(path)") {
                _ = try reading.bytes(path, parameters, isCancelled: { true })
            }
        }
    }

    @Test func whatIsNotThereOrTooMuchIsRefusedBeforeAnything() throws {
        let unit = try HistoryUnit()
        try unit.run(isTest: false, seconds: 5)
        let reading = try unit.document()
        var parameters = Self.time(unit)
        parameters.merge(["streams": "999", "columns": "10"]) { $1 }
        #expect(throws: HistoryFault.self) { _ = try reading.bytes("/history", parameters) }
        parameters["streams"] = "\(try reading.number("drug"))"
        #expect(throws: HistoryFault.self) { _ = try reading.bytes("/history", parameters) }
        // A day of a waveform of 50 Hz has more rows than a file may have.
        let number = try reading.number("wave")
        let table = [
            "streams": "\(number)", "format": "csv", "from": "1790000000000", "to": "1790086400000",
        ]
        let fault = #expect(throws: HistoryFault.self) { _ = try reading.bytes("/history", table) }
        #expect(fault?.code == "tooMuch")
    }
}
