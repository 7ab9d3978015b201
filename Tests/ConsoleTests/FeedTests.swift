import Logging
import NIOCore
import RealTime
import Synchronization
import Testing

@testable import Console
@testable import UnitPicture

/// One reader for all screens.
@Suite struct FeedTests {
    private struct Broken: Error, CustomStringConvertible {
        let description = "it is broken"
    }

    /// A picture that says what it is told to say.
    private final class Played: PictureSource, Sendable {
        struct State {
            var beats: [Result<PictureBeat, Broken>] = []
            var takes = 0
        }
        let state = Mutex(State())
        let number: Int

        init(_ number: Int) { self.number = number }

        func play(_ beat: Result<PictureBeat, Broken>) { state.withLock { $0.beats.append(beat) } }

        func take() throws -> PictureBeat {
            let next = state.withLock { state in
                state.takes += 1
                return state.beats.isEmpty ? nil : state.beats.removeFirst()
            }
            return try next?.get() ?? PictureBeat(changes: Array("{}".utf8), isWhole: false, waves: [:])
        }
        func whole() -> [UInt8] { Array("{\"picture\":\(number)}".utf8) }
        func waves(of bed: String) -> [UInt8] { Array("{\"bed\":\"\(bed)\"}".utf8) }
        var beds: [String] { ["chair-1", ""] }
    }

    /// What opens the journal: fails as often as it is told, and counts.
    private final class Opening: Sendable {
        let played = Played(1)
        let failures = Mutex(0)
        let opened = Atomic(0)

        func open() throws -> OpenedJournal {
            let fails = failures.withLock { left in
                left -= 1
                return left >= 0
            }
            if fails { throw Broken() }
            opened.add(1, ordering: .relaxed)
            return OpenedJournal(played) { _ in try? await Task.sleep(for: .milliseconds(5)) }
        }
    }

    private static func feed(_ opening: Opening) -> LiveFeed {
        LiveFeed(opening: { try opening.open() }, logger: Logger(label: "t") { _ in SwiftLogNoOpLogHandler() })
    }

    /// Hears a screen until a text has come.
    private static func hear(_ screen: Screen, until text: String) async -> String {
        var heard = ""
        while !heard.contains(text), let told = await screen.next() {
            heard += told.map { String(buffer: $0) }.joined()
        }
        return heard
    }

    @Test(.timeLimit(.minutes(1))) func everyScreenHasThePictureFirstAndThenTheSameBytes() async throws {
        let opening = Opening()
        let feed = Self.feed(opening)
        let running = Task { await feed.run() }
        while feed.trouble != nil || opening.opened.load(ordering: .relaxed) == 0 { await Task.yield() }
        let all = try await feed.join(.all) {}
        let bed = try await feed.join(.bed("chair-1")) {}
        let none = try await feed.join(.none) {}
        // At once: waves that wait for a second are left out.
        async let ofAll = Self.hear(all, until: "{\"n\":8}")
        async let toBed = Self.hear(bed, until: "{\"n\":8}")
        let waves = ["chair-1": Array("[1]".utf8), "": Array("[2]".utf8)]
        opening.played.play(.success(PictureBeat(changes: Array("{\"n\":7}".utf8), isWhole: false, waves: waves)))
        opening.played.play(.success(PictureBeat(changes: Array("{\"n\":8}".utf8), isWhole: false, waves: [:])))
        let heard = await ofAll
        let begin = "event: picture\ndata: {\"picture\":1}\n\nevent: waves\ndata: {\"bed\":\"chair-1\"}\n\n"
        #expect(heard.hasPrefix(begin + "event: waves\ndata: {\"bed\":\"\"}\n\n"))
        #expect(heard.contains("data: {\"n\":7}\n\nevent: waves\ndata: [2]\n\nevent: waves\ndata: [1]\n\n"))
        let ofBed = await toBed
        #expect(ofBed.hasPrefix(begin + "event: beat") && ofBed.contains("data: [1]") && !ofBed.contains("data: [2]"))
        let ofNone = await Self.hear(none, until: "{\"n\":8}")
        #expect(!ofNone.contains("event: waves") && ofNone.contains("{\"n\":7}"))
        running.cancel()
        await running.value
        #expect(all.isClosed && bed.isClosed && none.isClosed)
        await #expect(throws: Refusal.ending) { try await feed.join(.all) {} }
    }

    /// Far clinicians have places of their own: however many look, the unit's screens are served, and the other way
    /// round.
    @Test(.timeLimit(.minutes(1))) func farScreensTakeNoPlaceOfTheUnitsOwn() async throws {
        let opening = Opening()
        let feed = Self.feed(opening)
        let running = Task { await feed.run() }
        while feed.trouble != nil || opening.opened.load(ordering: .relaxed) == 0 { await Task.yield() }
        var screens: [Screen] = []
        for _ in 0..<ConsoleLimits.farScreens { screens.append(try await feed.join(.none, isFar: true) {}) }
        await #expect(throws: Refusal.tooManyScreens) { try await feed.join(.none, isFar: true) {} }
        for _ in 0..<ConsoleLimits.screens { screens.append(try await feed.join(.none) {}) }
        await #expect(throws: Refusal.tooManyScreens) { try await feed.join(.none) {} }
        for screen in screens { screen.close() }
        running.cancel()
        await running.value
    }

    /// A turn that two end, the client that goes and the answer that ends, is one turn.
    @Test func aTurnEndsOnce() async throws {
        let turns = Turns(most: 1, waiting: 0)
        try await turns.begin(orElse: .tooManyHistories)
        let held = HeldTurn(turns)
        await held.end()
        await held.end()
        try await turns.begin(orElse: .tooManyHistories)
        await #expect(throws: Refusal.tooManyHistories) { try await turns.begin(orElse: .tooManyHistories) }
    }

    @Test(.timeLimit(.minutes(1))) func whatCannotBeReadIsSaidAndComesBackByItself() async throws {
        let opening = Opening()
        opening.failures.withLock { $0 = 1 }
        let feed = Self.feed(opening)
        let running = Task { await feed.run() }
        while feed.trouble == nil { await Task.yield() }
        #expect(feed.trouble == "The journal cannot be read: it is broken")
        let screen = try await feed.join(.none) {}
        let first = await Self.hear(screen, until: "event: picture")
        #expect(first.hasPrefix("event: failure\ndata: {\"code\":\"journal\",\"failure\":\"The journal cannot be read"))
        #expect(feed.trouble == nil)
        opening.played.play(.failure(Broken()))
        let again = await Self.hear(screen, until: "event: picture")
        #expect(again.contains("event: failure") && opening.opened.load(ordering: .relaxed) == 2)
        running.cancel()
        await running.value
    }

    @Test(.timeLimit(.minutes(1))) func aPictureThatChangedIsToldWhole() async throws {
        let opening = Opening()
        let feed = Self.feed(opening)
        let running = Task { await feed.run() }
        let screen = try await feed.join(.none) {}
        _ = await Self.hear(screen, until: "event: picture")
        opening.played.play(.success(PictureBeat(changes: Array("{\"n\":9}".utf8), isWhole: true, waves: [:])))
        let heard = await Self.hear(screen, until: "event: picture")
        #expect(!heard.contains("{\"n\":9}"))
        running.cancel()
        await running.value
    }

    @Test func aScreenTooManyIsRefusedAndOneThatWentMakesRoom() async throws {
        let feed = Self.feed(Opening())
        var screens: [Screen] = []
        for _ in 0..<ConsoleLimits.screens { screens.append(try await feed.join(.all) {}) }
        await #expect(throws: Refusal.tooManyScreens) { try await feed.join(.all) {} }
        screens[3].close()
        _ = try await feed.join(.all) {}
        await #expect(throws: Refusal.tooManyScreens) { try await feed.join(.all) {} }
    }

    @Test(.timeLimit(.minutes(1))) func whoWaitsForAClosedScreenIsToldSo() async {
        let closings = Atomic(0)
        let screen = Screen(waves: .all) { closings.add(1, ordering: .relaxed) }
        let waiting = Task { await screen.next() }
        try? await Task.sleep(for: .milliseconds(20))
        screen.close()
        #expect(await waiting.value == nil)
        #expect(closings.load(ordering: .relaxed) == 1)
        let cancelled = Screen(waves: .all) {}
        let other = Task { await cancelled.next() }
        other.cancel()
        #expect(await other.value == nil)
        #expect(cancelled.isClosed)
    }

    @Test func aScreenThatTakesNothingIsClosedAndItsWayWithIt() {
        let closings = Atomic(0)
        let screen = Screen(waves: .all) { closings.add(1, ordering: .relaxed) }
        #expect(screen.push(.beat([]), at: 1))
        #expect(!screen.push(.beat([]), at: 6_000_000_002))
        #expect(screen.isClosed && closings.load(ordering: .relaxed) == 1)
    }
}
