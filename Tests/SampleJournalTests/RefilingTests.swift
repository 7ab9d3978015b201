import DeviceModel
import Foundation
import GRDB
import TestSupport
import Testing

@testable import SampleJournal

/// What the book notes of that which is to be delivered anew.
@Suite struct RefilingTests {
    private let folder: TemporaryFolder
    private let book: DeliveryBook
    private let books: DeliveryBooks

    init() throws {
        folder = try TemporaryFolder()
        books = DeliveryBooks(journal: "\(folder.path)/journal")
        book = try DeliveryBook.opened(books, destination: "https://a.example", unit: "u").book
    }

    private func place(_ session: Int64, _ window: Int64, chunk: Int64 = 0, part: String = "") -> SamplePosition {
        SamplePosition(session: session, window: window, chunk: chunk, length: 10, part: part)
    }

    private func pass(_ place: SamplePosition, from begin: SamplePosition = SamplePosition()) throws {
        #expect(
            try book.settle(
                .numerics, SampleSpan(begin: begin, position: place), filed: book.filedThrough(), stored: [],
                parked: []))
    }

    private func refile(
        _ begin: SamplePosition, to: Int64, through event: Int64, events: [Int64] = []
    ) throws -> [Refiling] {
        let change = FilingChange(begin: begin, to: to, devices: ["ox", "pump"])
        #expect(
            try book.refile(after: book.filedThrough(), through: event, [change], events: [.alarms: events]))
        return try book.refilings(.numerics)
    }

    /// Of a change only what the lane has passed is noted: the rest it delivers by itself.
    @Test(arguments: [
        (100, "", Int64.max, [20, 100]), (100, "Observation/x", .max, [20, 110]), (100, "", 50, [20, 50]),
        (20, "", .max, []),
        (20, "Observation/x", .max, [20, 30]), (10, "", .max, []),
    ]) func whatTheLaneHasPassedIsNoted(window: Int, part: String, to: Int64, expected: [Int64]) throws {
        try pass(place(1, Int64(window), chunk: 7, part: part))
        let noted = try refile(place(1, 20, chunk: 3), to: to, through: 5)
        #expect(noted.flatMap { [$0.begin.window, $0.end.window] } == expected)
        #expect(noted.allSatisfy { $0.devices == ["ox", "pump"] && $0.begin.session == 1 && $0.position == $0.begin })
        #expect(try book.filedThrough() == 5)
        // The record is held until it is done.
        #expect(books.summary().stored.chunk == 0, "the waveforms have not begun")
        #expect(try book.refilings(.waveforms) == [])
    }

    @Test func ofSeveralStretchesEachHasItsPart() throws {
        try pass(place(1, 40))
        try book.beginSpan(.numerics, at: place(1, 80))
        try pass(place(1, 100), from: place(1, 80))
        let noted = try refile(place(1, 20), to: .max, through: 5)
        #expect(noted.map { [$0.begin.window, $0.end.window] } == [[20, 40], [80, 100]])
        // One of an earlier session is passed whole; one of a later one not at all.
        #expect(try refile(place(0, 3), to: .max, through: 6).suffix(1).map(\.end.window) == [.max])
        #expect(try refile(place(2, 3), to: .max, through: 7).count == 3)
    }

    @Test func whoeverWasNotFirstNotesNothing() throws {
        try pass(place(1, 100))
        _ = try refile(place(1, 20), to: .max, through: 5)
        #expect(try !book.refile(after: 0, through: 6, [], events: [:]))
        #expect(try book.filedThrough() == 5)
        let span = SampleSpan(begin: SamplePosition(), position: place(1, 200))
        #expect(try !book.settle(.numerics, span, filed: 0, stored: ["a"], parked: []))
        #expect(try book.position(.numerics) == place(1, 100) && book.storedCount() == 1)
        let number = try #require(try book.refilings(.numerics).first?.number)
        #expect(try !book.settle(number, at: nil, filed: 0, stored: [], parked: []))
        #expect(try book.settle(number, at: place(1, 30), filed: 5, stored: [], parked: []))
        #expect(try book.refilings(.numerics).map(\.position.window) == [30])
        #expect(try book.settle(number, at: nil, filed: 5, stored: [], parked: []))
        #expect(try book.refilings(.numerics) == [])
    }

    @Test func eventsThatWereDealtWithAreMissingAgain() throws {
        #expect(
            try book.settle(
                .alarms, missing: [4...5], seen: 20, returns: 0, filed: 0, stored: [], parked: []))
        _ = try refile(place(1, 20), to: .max, through: 30, events: [3, 5, 9, 10, 21])
        #expect(try book.missing(.alarms, through: 20) == [3...3, 4...5, 9...10])
        #expect(try book.missing(.events, through: 0) == [])
    }

    @Test func tooManyAtOnceAreOne() throws {
        try pass(place(1, 1000))
        for number in 0..<Int64(DeliveryBook.mostRefilings) {
            #expect(try refile(place(1, 900 - 10 * number), to: .max, through: 5 + number).count == number + 1)
        }
        #expect(try refile(place(1, 500), to: 510, through: 500) == [])
        #expect(try book.position(.numerics).window == 270)
    }

    /// A book of a version before this one has no place for it, and gets one.
    @Test func aBookOfBeforeIsGoneOnWith() throws {
        try book.queue.write { try $0.execute(sql: "DROP TABLE refilings") }
        #expect(try book.refilings(.numerics) == [])
        #expect(books.summary().count == 1)
        let opened = try DeliveryBook.opened(books, destination: "https://a.example", unit: "u")
        #expect(opened.setAside == nil)
        #expect(try opened.book.refile(after: 0, through: 5, [], events: [:]))
    }
}
