import RealTime
import Testing

@Suite struct RingTests {
    @Test func aFullRingRefusesAndAnEmptyOneGivesNothing() {
        let ring = Ring<Int>(minimumCapacity: 3, blank: 0)
        #expect(ring.capacity == 4)
        #expect(ring.pop() == nil)
        for value in 1...4 { #expect(ring.push(value)) }
        #expect(!ring.push(5))
        #expect((0..<4).map { _ in ring.pop() } == [1, 2, 3, 4])
        #expect(ring.pop() == nil)
    }

    @Test func nothingIsLostOrReorderedBetweenThreads() throws {
        let ring = Ring<Int>(minimumCapacity: 64, blank: 0)
        let count = 200_000
        let producer = try RealTimeThread(name: "producer", priority: 0) {
            var next = 0
            while next < count { if ring.push(next) { next += 1 } }
        }
        var expected = 0
        while expected < count {
            guard let value = ring.pop() else { continue }
            guard value == expected else {
                Issue.record("\(value) came where \(expected) was due")
                break
            }
            expected += 1
        }
        producer.join()
    }
}

@Suite struct LatenessTests {
    @Test func quantilesAreWithinABucket() throws {
        let histogram = LatenessHistogram()
        #expect(LatenessHistogram.quantile(0.5, of: [histogram]) == nil)
        for microseconds in 1...1000 { histogram.record(Int64(microseconds) * 1000) }
        for (share, expected) in [(0.5, 500_000.0), (0.99, 990_000.0), (1.0, 1_000_000.0)] {
            let value = Double(try #require(LatenessHistogram.quantile(share, of: [histogram])))
            #expect(abs(value - expected) / expected < 0.07, "\(share): \(value)")
        }
        #expect(histogram.total == 1000)
    }

    @Test func extremesHaveABucket() {
        let histogram = LatenessHistogram()
        for value in [Int64.min, -1, 0, 1, Int64.max] { histogram.record(value) }
        #expect(histogram.total == 5)
    }
}

@Suite struct ClockTests {
    @Test func sleepingReachesItsDeadline() {
        let clock = MonotonicClock()
        let deadline = clock.now() + 20_000_000
        clock.sleep(until: deadline)
        #expect(clock.now() >= deadline)
        clock.sleep(until: 0)
    }

    @Test func aThreadSaysHowItIsScheduled() throws {
        let thread = try RealTimeThread(name: "a name longer than fifteen bytes", priority: 0) {}
        thread.join()
        #expect(thread.scheduling == .ordinary)
    }
}
