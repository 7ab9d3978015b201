import DeviceModel
import Foundation
import SampleJournal
import Synchronization
import TestSupport
import Testing

@testable import Uplink

/// What people say while it is on its way, and however it comes about.
extension PatientsAtServiceTests {
    // MARK: One meanwhile

    /// Somebody says who is there while a bundle is under way, to which nobody is there: it does not count.
    @Test(arguments: [Part.numerics, .alarms]) private func whatIsSaidMeanwhileCounts(part: Part) async throws {
        try story.run(seconds: 14)
        try story.alert(device: nil, bed: "chair-1")
        try story.run(seconds: 20)
        let book = try book()
        let (runner, other) = (try makeRunner(book), try makeRunner(book))
        _ = try await step(runner, .configuration)
        let box = Mutex(false)
        let unsafe = Unsafe(story: story, ana: ana, work: other.work)
        service.state.withLock { state in
            state.whileUnderWay = {
                guard
                    box.withLock({ done in
                        defer { done = true }; return !done
                    })
                else { return }
                try unsafe.bindAndTakeStock()
            }
        }
        _ = try await step(runner, part)
        #expect(box.withLock { $0 })
        try story.run(seconds: 15)
        try story.end()
        try await deliver()
        #expect(try faults() == [])
    }

    /// Half of a bundle is stored, then the way is gone; then somebody says who has been there, to the same process.
    @Test(arguments: [Part.numerics, .alarms])
    func whatIsKnownOfABundleIsForgottenWithIt(part: Part) async throws {
        try story.run(seconds: 14)
        for _ in 0..<4 { try story.alert(device: nil, bed: "chair-1") }
        try story.run(seconds: 20)
        let runner = try makeRunner(try book())
        _ = try await step(runner, .configuration)
        _ = try await step(runner, .events)
        service.state.withLock { ($0.entryLimit, $0.burst) = (1, part == .alarms ? 1 : 9) }
        guard case .waits = try await step(runner, part) else {
            Issue.record("nothing was left")
            return
        }
        service.state.withLock { ($0.entryLimit, $0.burst) = (1000, nil) }
        try story.bind("chair-1", ana, ago: 30)
        try story.run(seconds: 15)
        try story.end()
        for _ in 0..<20 { for part in Part.allCases { _ = try await step(runner, part) } }
        #expect(try runner.work.pending() == 0)
        #expect(try faults() == [])
    }

    /// Only used by one task at a time.
    private struct Unsafe: @unchecked Sendable {
        let story: BedStory
        let ana: String
        let work: DeliveryWork

        func bindAndTakeStock() throws {
            try story.bind("chair-1", ana, ago: 30)
            _ = try work.takeStock()
        }
    }

    /// Killed after each bundle of a correction, once before it is stored and once before that is answered.
    @Test(arguments: Array(stride(from: 0, to: 24, by: 2))) func aKillAtAnyStepLosesNothing(bundles: Int) async throws {
        try story.run(seconds: 14)
        let number = try #require(try story.bind("chair-1", ana))
        try story.alert(device: nil, bed: "chair-1")
        try story.run(seconds: 25)
        try await deliver()
        try story.withdraw(number, for: ben)
        try story.alert(device: "ox", bed: nil)
        try story.run(seconds: 13)
        service.state.withLock { ($0.entryLimit, $0.burst) = (2, bundles) }
        let killed = try makeRunner(try book())
        for part in [Part.configuration, .alarms, .numerics, .numerics, .alarms, .events, .numerics] {
            _ = try await step(killed, part)
        }
        service.state.withLock { ($0.burst, $0.loseAnswers) = (nil, 1) }
        _ = try await step(try makeRunner(try book()), bundles % 4 == 0 ? .alarms : .numerics)
        service.state.withLock { $0.loseAnswers = 0 }
        try story.run(seconds: 10)
        try story.end()
        try await deliver()
        #expect(try faults() == [])
    }

    /// A service that was restored from before a correction is found out, and gets the correction again.
    @Test func aServiceThatForgotACorrectionGetsItAgain() async throws {
        try story.run(seconds: 60)
        try story.alert(device: "ox", bed: nil)
        let book = try book()
        func makeWatched() throws -> (runner: LaneRunner, watch: Reconciliation) {
            let watch = Reconciliation(book, every: .nanoseconds(1))
            return (try makeRunner(book, watch), watch)
        }
        func deliver(_ runner: LaneRunner) async throws {
            for _ in 0..<20 { for part in Part.allCases { _ = try await step(runner, part) } }
        }
        let (before, after) = (try makeWatched(), try makeWatched())
        try await deliver(before.runner)
        // What is found there last is from long after what will be corrected.
        try story.run(seconds: 60)
        try await deliver(before.runner)
        #expect(try await before.watch.look(service) == .kept)
        let restored = service.state.withLock { $0.resources }
        try story.bind("chair-1", ana, ago: 110)
        try await deliver(after.runner)
        #expect(try faults() == [])
        #expect(try book.refilings(.numerics) == [])
        service.state.withLock { $0.resources = restored }
        #expect(try !faults().isEmpty)
        guard case .contradicted = try await after.watch.look(service) else {
            Issue.record("it is not found out")
            return
        }
        try story.end()
        try await self.deliver()
        #expect(try faults() == [])
    }

    /// Too many changes at once for the book: the lane goes back, and nothing is lost.
    @Test func soManyChangesAtOnceAreOne() async throws {
        for round in 0..<40 {
            try story.run(seconds: 4)
            _ = round
        }
        try await deliver()
        for round in 0..<70 {
            // Each a second of its own, long ago.
            guard let number = try story.bind("chair-1", round % 2 == 0 ? ana : ben, ago: 150 - Int64(round)) else {
                continue
            }
            try story.withdraw(number)
        }
        try story.run(seconds: 15)
        try story.end()
        try await deliver()
        #expect(try faults() == [])
    }

    /// A new alarm goes out while much is delivered anew.
    @Test func whatIsDeliveredAnewHoldsUpNoAlarm() async throws {
        try story.run(seconds: 300)
        try await deliver()
        try story.bind("chair-1", ana, ago: 290)
        try story.alert(device: nil, bed: "chair-1")
        let runner = try makeRunner(try book())
        let before = service.state.withLock { $0.bundles.count }
        _ = try await runner.advance(.alarms)
        // The patient, and the alarm.
        #expect(service.state.withLock { $0.bundles.count } <= before + 2)
        #expect(service.state.withLock { $0.resources.values.contains { $0.contains("urn:nabd:alert") } })
        // What is new goes before what is delivered anew.
        try story.run(seconds: 80)
        service.state.withLock { ($0.entryLimit, $0.keepsOrder) = (2, true) }
        _ = try await runner.advance(.numerics)
        let first = service.state.withLock { state in
            state.order.compactMap { state.resources[$0]?.firstMatch(of: /"data":"([0-9]+)/).flatMap { Int64($0.1) } }
        }
        #expect(first.first ?? 0 > 900, "\(first)")
        try story.end()
        try await deliver()
        #expect(try faults() == [])
    }

    // MARK: Whatever comes

    /// Any order of what people say, sessions, outages, lost answers and kills.
    @Test(arguments: 0..<24) func howeverItComesAboutAllIsUnderTheRightSubject(seed: UInt64) async throws {
        var random = SeededGenerator(seed: seed &* 7919 &+ 3)
        let subjects = "abcd".map(BedStory.subject)
        var runners = [try makeRunner(try book()), try makeRunner(try book())]
        service.state.withLock { $0.checksReferences = seed % 3 == 0 }
        for _ in 0..<Int.random(in: 20...60, using: &random) {
            switch Int.random(in: 0..<15, using: &random) {
            case 0..<4: try story.run(seconds: Int64.random(in: 1...12, using: &random))
            case 4:
                let ago = Bool.random(using: &random) ? Int64.random(in: 0...40, using: &random) : 0
                guard ago * BedStory.second < story.sessionAge else { continue }
                try story.bind(
                    Bool.random(using: &random) ? "chair-1" : "chair-2", subjects.randomElement(using: &random) ?? ana,
                    ago: ago)
            case 5: if let one = story.bindings.randomElement(using: &random) { try story.unbind(one.number) }
            case 6:
                if let one = story.bindings.randomElement(using: &random) {
                    try story.withdraw(one.number, for: Bool.random(using: &random) ? subjects.randomElement() : nil)
                }
            case 7:
                try story.alert(
                    device: "ox", bed: Bool.random(using: &random) ? "chair-1" : nil)
            case 8:
                if Bool.random(using: &random) {
                    try story.end(inGoodOrder: Bool.random(using: &random))
                    try story.begin()
                }
            case 9: service.state.withLock { $0.loseAnswers = Int.random(in: 1...2, using: &random) }
            case 10: service.state.withLock { $0.unavailableFor = Int.random(in: 1...3, using: &random) }
            case 11:
                service.state.withLock { $0.entryLimit = Int.random(in: 1...8, using: &random) }
            // A kill: nothing but the book is left.
            case 12: runners = [try makeRunner(try book()), try makeRunner(try book())]
            default:
                let runner = runners[Int.random(in: 0..<2, using: &random)]
                for _ in 0..<Int.random(in: 1...4, using: &random) {
                    _ = try await step(runner, Part.allCases.randomElement(using: &random) ?? .numerics)
                }
            }
        }
        try story.run(seconds: 3)
        try story.end()
        service.state.withLock { ($0.loseAnswers, $0.unavailableFor, $0.entryLimit) = (0, 0, 1000) }
        try await deliver()
        #expect(try faults() == [], "seed \(seed)")
        #expect(try book().parkedCounts() == (0, 0))
    }
}
