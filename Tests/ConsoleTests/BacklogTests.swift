import Console
import NIOCore
import Testing

/// What becomes of a screen that takes what it is told too slowly.
@Suite struct BacklogTests {
    private static let second: Int64 = 1_000_000_000

    private static func waves(_ count: Int = 1_000) -> Frame {
        .waves([UInt8](repeating: UInt8(ascii: "1"), count: count), of: "chair-1")
    }
    private static func beat(_ text: String = "{}") -> Frame { .beat(Array(text.utf8)) }
    private static func text(_ buffers: [ByteBuffer]) -> String { buffers.map { String(buffer: $0) }.joined() }

    @Test func aScreenThatTakesEverythingGetsEverythingInItsOrder() {
        var backlog = Backlog()
        for round in Int64(0)..<100 {
            #expect(backlog.push(Self.beat("{\"n\":\(round)}"), at: round * Self.second) == .taken)
            #expect(backlog.push(Self.waves(), at: round * Self.second) == .taken)
            let told = Self.text(backlog.take())
            #expect(told.hasPrefix("event: beat\ndata: {\"n\":\(round)}\n\nevent: waves\ndata: 1"))
            #expect(backlog.isEmpty)
        }
    }

    @Test func wavesGoFirstAndThenTheScreen() {
        var backlog = Backlog()
        #expect(backlog.push(Self.beat("{\"n\":0}"), at: 0) == .taken)
        #expect(backlog.push(Self.waves(), at: 0) == .taken)
        #expect(backlog.push(Self.waves(), at: Self.second) == .taken)
        // Older than a second: what waits of waves is left out, and what comes.
        #expect(backlog.push(Self.beat("{\"n\":1}"), at: Self.second + 1) == .wavesLeftOut)
        #expect(backlog.push(Self.waves(), at: Self.second + 1) == .wavesLeftOut)
        #expect(backlog.push(Self.beat("{\"n\":2}"), at: 5 * Self.second) == .taken)
        var other = backlog
        #expect(Self.text(other.take()) == (0...2).map { "event: beat\ndata: {\"n\":\($0)}\n\n" }.joined())
        #expect(backlog.push(Self.beat(), at: 5 * Self.second + 1) == .tooSlow)
        #expect(backlog.push(Self.waves(), at: 5 * Self.second + 1) == .tooSlow)
    }

    @Test func aScreenThatTakesThingsAgainHasWavesAgain() {
        var backlog = Backlog()
        _ = backlog.push(Self.beat(), at: 0)
        #expect(backlog.push(Self.waves(), at: 2 * Self.second) == .wavesLeftOut)
        _ = backlog.take()
        #expect(backlog.push(Self.waves(), at: 2 * Self.second) == .taken)
    }

    @Test func theBytesAreBoundedWhateverTheTime() {
        var backlog = Backlog()
        var taken = 0
        while backlog.push(Self.waves(10_000), at: 0) == .taken { taken += 1 }
        #expect((20...26).contains(taken))
        var outcome = Backlog.Outcome.taken
        let large = Self.beat(String(repeating: "1", count: 100_000))
        for _ in 0..<100 where outcome == .taken { outcome = backlog.push(large, at: 0) }
        #expect(outcome == .tooSlow)
    }

    @Test func aNewPictureTakesThePlaceOfAllThatWaitsButNotOfItsAge() {
        var backlog = Backlog()
        _ = backlog.push(Self.beat("{\"n\":0}"), at: 0)
        let picture = [Frame.picture(Array("{}".utf8)), Self.waves(400_000)]
        backlog.open(picture, at: 4 * Self.second)
        #expect(backlog.push(Self.beat(), at: 6 * Self.second) == .tooSlow)
        let told = Self.text(backlog.take())
        #expect(told.hasPrefix("event: picture\ndata: {}\n\nevent: waves\n") && told.utf8.count > 400_000)
    }

    @Test func aFrameIsOneEventOnOneLine() {
        #expect(String(buffer: Frame.beat(Array("{}".utf8)).bytes) == "event: beat\ndata: {}\n\n")
        let failure = String(buffer: Frame.failure(Refusal(503, "journal", "a\nb")).bytes)
        #expect(failure == "event: failure\ndata: {\"code\":\"journal\",\"failure\":\"a\\nb\"}\n\n")
    }
}
