import DeviceModel
import Testing

@testable import NabdHost

@Suite struct EventQueueTests {
    private func events(_ numbers: Range<Int>) -> [UnitEvent] {
        numbers.map { .clockStepped(milliseconds: Int64($0), at: Int64($0)) }
    }

    private func numbers(_ events: some Sequence<UnitEvent>) -> [Int64] { events.map(\.monotonic) }

    @Test func theOldestComeFirstAndNotTooMany() {
        var queue = EventQueue(beginning: [])
        queue.add(events(0..<150))
        queue.add(.clockStepped(milliseconds: 150, at: 150))
        queue.add(events(151..<450))
        #expect(numbers(queue.batch) == Array(0..<200))
        queue.take(200, at: 1)
        #expect(numbers(queue.batch) == Array(200..<400))
        queue.take(200, at: 1)
        #expect(numbers(queue.batch) == Array(400..<450))
        queue.take(50, at: 1)
        #expect(queue.batch.isEmpty)
    }

    @Test func theSessionHasBegunWhenItsBeginningIsWritten() {
        var queue = EventQueue(beginning: events(0..<250))
        queue.add(events(250..<300))
        #expect(!queue.isBegun)
        queue.take(200, at: 1)
        #expect(!queue.isBegun)
        queue.take(100, at: 1)
        #expect(queue.isBegun)
        #expect(EventQueue(beginning: []).isBegun)
    }

    @Test func upToTheLimitNothingIsGivenUp() {
        var queue = EventQueue(beginning: [])
        queue.add(events(0..<EventQueue.limit))
        let first = queue.keepWithinLimit()
        #expect(first == 0)
        queue.take(200, at: 1)
        #expect(queue.waiting.count == EventQueue.limit - 200, "nothing was lost, so nothing is told")
    }

    @Test func beyondItTheOldestGoAndTheBeginningStays() throws {
        var queue = EventQueue(beginning: events(0..<3))
        queue.add(events(3..<(EventQueue.limit + 7)))
        let first = queue.keepWithinLimit()
        #expect(first == 7)
        #expect(numbers(queue.waiting.prefix(5)) == [0, 1, 2, 10, 11])
        let second = queue.keepWithinLimit()
        #expect(second == 0)
        queue.add(events(0..<5))
        let third = queue.keepWithinLimit()
        #expect(third == 5)
        queue.take(1, at: 99)
        let told = try #require(queue.waiting.last)
        #expect(told.kind == .eventsLost && told.monotonic == 99)
        #expect(told.members == .members(["figure": .integer(12), "cause": .string("disk")]))
        queue.take(1, at: 100)
        #expect(queue.waiting.count { $0.kind == .eventsLost } == 1, "once")
    }

    @Test func aBeginningLongerThanTheLimitStaysWhole() {
        var queue = EventQueue(beginning: events(0..<(EventQueue.limit + 100)))
        queue.add(events(0..<50))
        let first = queue.keepWithinLimit()
        #expect(first == 50)
        let second = queue.keepWithinLimit()
        #expect(second == 0)
        #expect(queue.waiting.count == EventQueue.limit + 100)
    }
}
