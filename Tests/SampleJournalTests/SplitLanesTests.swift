import Foundation
import GRDB
import TestSupport
import Testing

@testable import SampleJournal

/// Books of versions that had fewer lanes, and what a lane notes of itself.
@Suite struct SplitLanesTests {
    private let folder: TemporaryFolder
    private let books: DeliveryBooks

    init() throws {
        folder = try TemporaryFolder()
        books = DeliveryBooks(journal: "\(folder.path)/journal")
    }

    private func open() throws -> DeliveryBook {
        try DeliveryBook.opened(books, destination: "https://a.example", unit: "u").book
    }

    private let place = SamplePosition(session: 1, window: 50, chunk: 8, length: 10, part: "Observation/x")

    /// As a version before left it, with stretches and events that are missing.
    private func writeOlder() throws {
        let book = try open()
        let filed = try book.filedThrough()
        for lane in [DeliveryLane.numerics, .waveforms] {
            _ = try book.settle(
                lane, SampleSpan(begin: SamplePosition(), position: place), filed: filed, stored: ["a"], parked: [])
        }
        try book.beginSpan(.numerics, at: SamplePosition(session: 1, window: 90, chunk: 20, length: 10))
        for lane in [DeliveryLane.alarms, .events] {
            _ = try book.settle(
                lane, missing: [3...7], seen: 40, returns: 0, filed: filed, stored: ["b"], parked: [])
        }
        try book.queue.write { db in
            try db.execute(
                sql: """
                    DELETE FROM facts WHERE name = 'pumpLanes'; DELETE FROM lanes WHERE name LIKE 'pump%';
                    DELETE FROM missing WHERE lane LIKE 'pump%'; DELETE FROM spans WHERE lane LIKE 'pump%'
                    """)
        }
    }

    /// What was one lane has the same place in both: nothing is sent again, and nothing left out.
    @Test func whatWasOneLaneGoesOnAsTwo() throws {
        try writeOlder()
        let path = try #require(books.paths.first)
        // Where nobody writes it, it holds the record as it did.
        #expect(try DeliveryBook(readingFrom: path).lanes() == [.alarms, .events, .numerics, .waveforms])
        #expect(books.summary().stored == (8, 2))
        let book = try open()
        #expect(try book.lanes() == DeliveryLane.allCases)
        #expect(try book.spans(.pumpState) == book.spans(.numerics) && book.spans(.pumpState).count == 2)
        #expect(try book.position(.pumpState) == place)
        #expect(try book.missing(.pumpEvents, through: 42) == [3...7, 41...42])
        #expect(books.summary().stored == (8, 2))
    }

    /// Once: a lane that goes on alone is not put back, nor one that has not begun put forward.
    @Test func itIsDoneOnce() throws {
        let new = try open()
        _ = try new.settle(
            .numerics, SampleSpan(begin: SamplePosition(), position: place), filed: 0, stored: [], parked: [])
        _ = try new.settle(.events, missing: [], seen: 40, returns: 0, filed: 0, stored: [], parked: [])
        let opened = try open()
        #expect(try opened.position(.pumpState) == SamplePosition())
        #expect(try opened.missing(.pumpEvents, through: 42) == [1...42])
        #expect(books.summary().stored == (0, 0))
    }

    @Test func aLaneNotesWhatItStoredAndWhyItWaits() throws {
        let book = try open()
        #expect(try book.note(of: .pumpState) == LaneNote())
        _ = try book.settle(
            .pumpState, SampleSpan(begin: SamplePosition(), position: place), filed: 0, stored: ["a", "b"], parked: [])
        _ = try book.settle(.pumpEvents, missing: [], seen: 4, returns: 0, filed: 0, stored: ["c"], parked: [])
        try book.note(.pumpState, error: "HTTP 503", utc: 5)
        try book.note([.pumpState: (behind: 60, perMinute: 7, left: nil), .waveforms: (1, 2, 3)])
        let note = try book.note(of: .pumpState)
        #expect(note.stored == 2 && (note.lastStored ?? 0) > 0 && note.error == "HTTP 503" && note.errorTime == 5)
        #expect(note.behind == 60 && note.perMinute == 7 && note.left == nil)
        #expect(try book.note(of: .pumpEvents).stored == 1)
        #expect(try book.note(of: .waveforms).left == 3)
        #expect(try book.note(of: .events) == LaneNote())
        #expect(try book.storedCount() == 3)
        // What is impossible is not known.
        try book.queue.write {
            try $0.execute(sql: "UPDATE counters SET value = 9223372036854775807 WHERE name LIKE 'lane.%'")
            try $0.execute(sql: "UPDATE counters SET value = 'x' WHERE name LIKE 'lane.%stored'")
        }
        let damaged = try book.note(of: .pumpState)
        #expect(damaged.behind == nil && damaged.perMinute == nil && damaged.stored == nil)
    }
}
