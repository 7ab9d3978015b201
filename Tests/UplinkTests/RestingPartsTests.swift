import Testing

@testable import Uplink

/// Which lanes are tried while a service is down, and which while one of them alone is not taken.
@Suite struct RestingPartsTests {
    private static let lanes: [DeliveryPart] = [.pumpEvents, .pumpState, .events, .numerics, .waveforms]
    private static let down = Wait(cause: .moment, reason: "HTTP 503", retryAfter: nil)

    /// Tries in so many seconds of a service that takes nothing of some lanes, looked at four times a second.
    ///
    /// - Parameters:
    ///   - refused: whether a lane is not taken at that second.
    ///   - hasNews: whether a lane has something to send at that second.
    private func tries(
        seconds: Int, _ refused: (DeliveryPart, Int) -> Bool, hasNews: (DeliveryPart, Int) -> Bool = { _, _ in true }
    ) -> [(second: Int, part: DeliveryPart)] {
        var rests = RestingParts()
        var dice = SystemRandomNumberGenerator()
        let begin = ContinuousClock.now
        var tried: [(Int, DeliveryPart)] = []
        for quarter in 0..<seconds * 4 {
            let (second, now) = (quarter / 4, begin + .milliseconds(250 * quarter))
            let resting = rests.resting(at: now)
            var (waits, done, hasStored): ([DeliveryPart: Wait], [DeliveryPart], Bool) = ([:], [], false)
            for lane in Self.lanes where !resting.contains(lane) {
                guard hasNews(lane, second) else {
                    done.append(lane)
                    continue
                }
                tried.append((second, lane))
                if refused(lane, second) { waits[lane] = Self.down } else { (hasStored, done) = (true, done + [lane]) }
            }
            rests.take(waits: waits, done: done, hasStored: hasStored, at: now) { failures, asked in
                // As the uplink has it, without what is asked for.
                asked == nil ? Int.random(in: 100...min(60_000, 1000 << min(failures - 1, 6)), using: &dice) : 0
            }
        }
        return tried
    }

    /// Each lane for itself would ask ten times a minute in the end, with pauses of 30 s on average.
    @Test func aServiceThatIsDownIsAskedForAllLanesByOne() {
        for _ in 0..<20 {
            let tried = tries(seconds: 1800) { _, _ in true }
            // Pauses of up to 1, 2, 4 … s at first; then 30 s on average, one of them for all lanes.
            let late = tried.filter { $0.second >= 300 }
            #expect(late.count < 90, "\(late.count) in 25 minutes")
            #expect(late.count > 25, "\(late.count) in 25 minutes")
            #expect(Set(late.map(\.part)) == Set(Self.lanes), "each has its turn: one of them may be to blame")
        }
    }

    @Test func onceSomethingIsStoredAllGoOnAtOnce() {
        for _ in 0..<20 {
            let tried = tries(seconds: 900) { _, second in second < 600 }
            let first = tried.first { $0.second >= 600 }?.second ?? 0
            #expect(first < 700)
            #expect(Set(tried.filter { (600...first + 1).contains($0.second) }.map(\.part)) == Set(Self.lanes))
        }
    }

    /// What is not taken of one lane makes no other slower, nor is it asked more often for what others have stored.
    @Test func aLaneThatIsNotTakenRestsByItself() {
        for _ in 0..<20 {
            let tried = tries(seconds: 600) { lane, _ in lane == .events }
            #expect(tried.count { $0.part == .numerics } == 2400)
            #expect(tried.count { $0.part == .events } < 60)
        }
    }

    /// Two that are not taken, while the third has something to say only once a minute.
    @Test func whatHasSomethingNewIsTriedAtOnce() {
        let tried = tries(seconds: 600) { lane, _ in
            lane != .numerics
        } hasNews: { lane, second in
            lane == .events || lane == .waveforms || lane == .numerics && second % 60 == 0
        }
        #expect(Set(tried.filter { $0.part == .numerics }.map(\.second)) == Set(stride(from: 0, to: 600, by: 60)))
    }

    /// Where the service said how long, that is had by that lane, whatever others store.
    @Test func whatWasAskedForIsHad() {
        var rests = RestingParts()
        let begin = ContinuousClock.now
        let asked = Wait(cause: .moment, reason: "HTTP 503", retryAfter: 60)
        rests.take(waits: [.events: asked, .numerics: Self.down], done: [], hasStored: false, at: begin) {
            $1 == nil ? 1000 : 60_000
        }
        let then = begin + .seconds(2)
        #expect(rests.resting(at: then) == [.events])
        rests.take(waits: [:], done: [.numerics], hasStored: true, at: then) { _, _ in 1000 }
        #expect(rests.resting(at: then + .seconds(1)) == [.events])
        #expect(rests.resting(at: begin + .seconds(61)).isEmpty)
    }

    /// What may not go now is not the one that is tried for all: nothing would be tried.
    @Test func whatMayNotGoIsNotTriedForAll() {
        var rests = RestingParts()
        let begin = ContinuousClock.now
        rests.take(waits: [.numerics: Self.down, .events: Self.down], done: [], hasStored: false, at: begin) { _, _ in
            1000
        }
        let then = begin + .seconds(2)
        let tried = Set([DeliveryPart.numerics, .events]).subtracting(rests.resting(at: then))
        #expect(tried.count == 1)
        for part in [DeliveryPart.numerics, .events] {
            #expect(!rests.resting(at: then, of: [part]).contains(part))
        }
    }
}
