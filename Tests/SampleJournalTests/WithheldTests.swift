import Foundation
import GRDB
import TestSupport
import Testing

@testable import SampleJournal

/// What the book says of that which the policy does not send.
@Suite struct WithheldTests {
    private let folder: TemporaryFolder
    private let books: DeliveryBooks
    private let book: DeliveryBook

    init() throws {
        folder = try TemporaryFolder()
        books = DeliveryBooks(journal: "\(folder.path)/journal")
        book = try DeliveryBook.opened(books, destination: "https://a.example", unit: "u").book
    }

    private func stretch(
        _ first: Int64, _ end: Int64, device: String = "ecg", session: Int64 = 1, chunk: Int64 = 40, length: Int64 = 10
    ) -> Withheld {
        Withheld(
            lane: .waveforms, device: device, session: session, first: first, end: end, chunk: chunk, length: length)
    }

    private func listed() throws -> [[Int64]] { try book.withheld(.waveforms).map { [$0.first, $0.end, $0.chunk] } }

    /// Everything else of the record is stored, as far as chunk 100.
    private func passAll() throws {
        for lane in DeliveryLane.allCases {
            if lane.isOfSamples {
                let place = SamplePosition(session: 1, window: 1000, chunk: 100, length: 10)
                #expect(
                    try book.settle(
                        lane, SampleSpan(begin: SamplePosition(), position: place), filed: 0, stored: [], parked: []))
            }
        }
    }

    @Test func adjoiningWindowsAreOneStretchHoweverTheyCome() throws {
        try book.withhold([stretch(20, 30, chunk: 44)])
        try book.withhold([stretch(30, 40, chunk: 46), stretch(0, 10), stretch(20, 30, chunk: 44)])
        #expect(try listed() == [[0, 10, 40], [20, 40, 44]])
        try book.withhold([stretch(10, 20, chunk: 42)])
        #expect(try listed() == [[0, 40, 40]])
        // Another device's, another session's and those of another length are others.
        try book.withhold([
            stretch(40, 50, device: "co2"), stretch(40, 50, session: 2), stretch(40, 60, length: 20),
        ])
        #expect(try book.withheld(.waveforms).count == 4)
        #expect(try book.withheldTime(.waveforms) == 40 + 10 + 10 + 20)
        #expect(try book.withheld(.numerics) == [])
    }

    /// A damaged book: what no clock says is not on the list, and holds the record until somebody has looked.
    @Test(arguments: [
        (Int64.max - 9, Int64.max, Int64(10)), (0, 10, Int64.max), (1 << 61, 1 << 62, 10), (.min, 0, 10), (10, 10, 10),
    ])
    func aRowThatMakesNoSenseIsNotListedAndHoldsTheRecord(first: Int64, end: Int64, length: Int64) throws {
        try passAll()
        try DatabaseQueue(path: books.path(of: "https://a.example")).write { db in
            try db.execute(
                sql: "INSERT INTO withheld(lane, device, session, first, until, chunk, length) "
                    + "VALUES (?, ?, 1, ?, ?, 40, ?)",
                arguments: ["waveforms", "ecg", first, end, length])
        }
        #expect(try book.withheld(.waveforms) == [] && book.withheldTime(.waveforms) == 0)
        #expect(books.summary().stored.chunk == 0)
    }

    /// What is withheld is not stored: nothing of it leaves the journal unasked, and all of it once somebody asks.
    @Test func whatIsWithheldHoldsTheRecord() throws {
        try passAll()
        #expect(books.summary().stored.chunk == 100)
        try book.withhold([stretch(20, 40, chunk: 30), stretch(60, 80, chunk: 70)])
        #expect(books.summary().stored.chunk == 30)
        let refiling = try #require(try book.pull([stretch(20, 40, chunk: 30)]))
        // Off the list, it is among what is to be delivered anew, which holds it too.
        #expect(try listed() == [[60, 80, 70]])
        #expect(books.summary().stored.chunk == 30)
        #expect(try book.settle(refiling.number, at: nil, filed: 0, stored: [], parked: []))
        #expect(books.summary().stored.chunk == 70)
        try books.leave(.release)
        try book.follow(books)
        #expect(books.summary().stored.chunk == 70, "that word is about what is parked")
        try books.leave(.releaseWithheld)
        try book.follow(books)
        #expect(try listed() == [] && books.summary().stored.chunk == 100)
        #expect(try book.counter("releasedWithheld") == 1)
    }

    @Test func whatIsPulledIsCutOutOfItsStretch() throws {
        try book.withhold([stretch(0, 100), stretch(0, 50, device: "co2")])
        let refiling = try #require(
            try book.pull([stretch(20, 40), stretch(20, 40, device: "co2")]))
        #expect(refiling.devices == ["ecg", "co2"] && refiling.begin.window == 20 && refiling.end.window == 40)
        #expect(refiling.begin == refiling.position && refiling.begin.length == 10)
        #expect(try listed() == [[0, 20, 40], [0, 20, 40], [40, 50, 40], [40, 100, 40]])
        #expect(try book.refilings(.waveforms) == [refiling])
        #expect(try book.pull([]) == nil)
    }

    /// With another policy what was asked for and not delivered is withheld again, from the window on in which it is.
    @Test(arguments: [(20, ""), (30, ""), (30, "Observation/x"), (40, "")])
    func whatWasPulledIsTakenBack(window: Int, part: String) throws {
        try book.withhold([stretch(0, 100)])
        let refiling = try #require(try book.pull([stretch(20, 40)]))
        let place = SamplePosition(session: 1, window: Int64(window), chunk: 42, length: 10, part: part)
        #expect(try book.settle(refiling.number, at: place, filed: 0, stored: [], parked: []))
        try book.takeBackPulled()
        #expect(try book.refilings(.waveforms) == [])
        let expected: [[Int64]] =
            window == 20
            ? [[0, 100, 40]] : window == 30 ? [[0, 20, 40], [30, 100, 40]] : [[0, 20, 40], [40, 100, 40]]
        #expect(try listed() == expected)
        try book.takeBackPulled()
        #expect(try listed() == expected)
    }

    /// What somebody has bound or withdrawn is no matter of the policy.
    @Test func whatIsDeliveredAnewForAPatientIsNotTakenBack() throws {
        try passAll()
        let begin = SamplePosition(session: 1, window: 20, chunk: 30, length: 10)
        #expect(
            try book.refile(
                after: 0, through: 5, [FilingChange(begin: begin, to: 60, devices: ["ecg"])], events: [:]))
        try book.takeBackPulled()
        #expect(try book.refilings(.waveforms).count == 1 && listed() == [])
    }

    @Test func theListIsBoundedAndLosesNothing() throws {
        let count = Int64(DeliveryBook.mostWithheld)
        // Apart from one another by more and more.
        var first = Int64(0)
        var all: [Withheld] = []
        for number in 0..<(count + 10) {
            all.append(stretch(first, first + 10, chunk: 2 * number))
            first += 20 + number * 10
        }
        try book.withhold(all)
        let list = try book.withheld(.waveforms)
        #expect(list.count == Int(count))
        #expect(all.allSatisfy { one in list.contains { $0.first <= one.first && one.end <= $0.end } })
        // The nearest ones are one.
        #expect(list.first?.first == 0 && list.first?.chunk == 0 && list[1].end - list[1].first == 10)
    }

    @Test(arguments: [
        "UPDATE withheld SET length = 0", "UPDATE withheld SET until = first", "UPDATE withheld SET session = -1",
        "UPDATE withheld SET chunk = -5", "UPDATE withheld SET first = 'x'",
        "UPDATE withheld SET first = -9223372036854775808, until = 9223372036854775807",
    ]) func aRowThatMakesNoSenseHoldsTheRecordAndNothingElse(damage: String) throws {
        try passAll()
        try book.withhold([stretch(20, 40)])
        try book.queue.write { try $0.execute(sql: damage) }
        #expect(try listed() == [] && book.withheldTime(.waveforms) == 0)
        #expect(books.summary().stored.chunk == 0, "nobody knows what it needs")
        try book.withhold([stretch(40, 50)])
        #expect(try listed() == [[40, 50, 40]])
    }

    @Test func whatTheJournalLostLeavesTheList() throws {
        try book.withhold([stretch(0, 100)])
        let whole = try book.withheld(.waveforms)[0]
        try book.forget(whole, but: whole.cut(from: 40, chunk: 60))
        #expect(try listed() == [[40, 100, 60]])
        try book.forget(whole, but: nil)
        #expect(try listed() == [[40, 100, 60]], "that one is not there any more")
        try book.forget(try book.withheld(.waveforms)[0], but: nil)
        #expect(try listed() == [])
    }

    /// A book that was begun before anything was withheld.
    @Test func anOlderBookIsGoneOnWith() throws {
        try book.queue.write { db in
            try db.execute(sql: "DROP TABLE withheld; ALTER TABLE refilings DROP COLUMN pulled")
        }
        let path = try #require(books.paths.first)
        #expect(try DeliveryBook(readingFrom: path).withheld(.waveforms) == [])
        #expect(try DeliveryBook(readingFrom: path).withheldTime(.waveforms) == 0)
        #expect(books.summary().count == 1)
        let opened = try DeliveryBook.opened(books, destination: "https://a.example", unit: "u")
        #expect(opened.setAside == nil)
        try opened.book.withhold([stretch(0, 100)])
        #expect(try opened.book.pull([stretch(0, 10)]) != nil)
        #expect(try opened.book.monthCount().bytes == nil)
    }
}
