import Foundation
import Logging
import Nomenclature
import Synchronization
import TestSupport
import Testing

@testable import SampleJournal
@testable import Uplink

/// Which waveforms go, what is kept of those that do not, and what becomes of it on another day.
@Suite(.serialized) struct WaveformPolicyTests {
    private let folder: TemporaryFolder
    private let service = ScriptedService()
    private let story: BedStory

    init() throws {
        folder = try TemporaryFolder()
        story = BedStory("\(folder.path)/journal", areWaveforms: true)
        try story.begin()
    }

    private var books: DeliveryBooks { DeliveryBooks(journal: story.journal) }

    private static let server = "https://records.example/fhir"

    private func book(_ destination: String = server) throws -> DeliveryBook {
        let unit = try #require(try JournalReader(directory: story.journal).unit())
        return try DeliveryBook.opened(books, destination: destination, unit: unit).book
    }

    private func makeUplink(
        _ policy: WaveformPolicy, to destination: String = server, _ service: ScriptedService? = nil
    ) -> UplinkService {
        var logger = Logger(label: "test")
        logger.logLevel = .critical
        return UplinkService(
            journal: story.journal, service: service ?? self.service,
            settings: UplinkService.Settings(
                unit: "u", destination: destination, isTestData: true, window: 10 * BedStory.second,
                names: Nomenclature(), compresses: false, reconcileEvery: 3_600_000_000_000, waveforms: policy),
            logger: logger, time: UplinkService.Time(now: { 1 }, boot: 1))
    }

    private func deliver(_ policy: WaveformPolicy) async throws {
        #expect(try await makeUplink(policy).finish(within: .seconds(60)) == 0)
    }

    /// A process that delivers step by step, after a kill.
    private func makeRunner(_ policy: WaveformPolicy) throws -> LaneRunner {
        let book = try book()
        try book.takeBackPulled()
        let reader = try JournalReader(directory: story.journal)
        let settings = UplinkService.Settings(
            unit: "u", destination: Self.server, isTestData: true, window: 10 * BedStory.second,
            names: Nomenclature(), compresses: false, reconcileEvery: 3_600_000_000_000, waveforms: policy)
        let unit = try #require(try reader.unit())
        return try LaneRunner(
            service, DeliveryWork(reader, book, unit: unit, settings: settings),
            Reconciliation(book, every: .seconds(3600)))
    }

    /// The values that are there, each as often as it is.
    private var values: [Int64] {
        service.state.withLock { state in
            state.resources.filter { $0.key.hasPrefix("Observation/") && !$0.value.contains("entered-in-error") }
                .values.flatMap { text in
                    text.firstMatch(of: /"data":"([^"]*)"/).map { $0.1.split(separator: " ").compactMap { Int64($0) } }
                        ?? []
                }
        }.sorted()
    }

    /// Of what owner, and in a window that touches 30 s around one of these moments of its session.
    private func values(of owners: Set<String>, around moments: [(session: Int, time: Int64)]) -> [Int64] {
        let (begun, session) = (story.begun, story.session)
        return story.values.filter { _, fact in
            guard owners.contains(fact.owner), fact.session == session else { return false }
            let window = begun + (fact.time - begun) / (10 * BedStory.second) * (10 * BedStory.second)
            return moments.contains {
                $0.session == fact.session && window < $0.time + AlarmTimes.around
                    && $0.time - AlarmTimes.around < window + 10 * BedStory.second
            }
        }.keys.sorted()
    }

    private var all: [Int64] { story.values.keys.sorted() }

    /// What a service has that gets everything from the beginning on.
    private func control() async throws -> [String: String] {
        let other = ScriptedService()
        let uplink = makeUplink(.always, to: "https://control.example/fhir", other)
        #expect(try await uplink.finish(within: .seconds(60)) == 0)
        _ = try books.retire("https://control.example/fhir")
        return other.state.withLock { $0.resources }
    }

    // MARK: Never, and later

    @Test func whatIsNeverSentIsListedAndKept() async throws {
        try story.run(seconds: 95)
        try story.end()
        try await deliver(.never)
        #expect(values == [])
        #expect(service.state.withLock { $0.resources.keys.contains { $0.hasPrefix("Device/") } })
        let list = try book().withheld(.waveforms)
        #expect(list.map(\.device).sorted() == ["fridge", "ox", "pump"])
        #expect(list.allSatisfy { $0.first == story.begun && $0.end == story.begun + 100 * BedStory.second })
        #expect(try book().withheldTime(.waveforms) == 300 * BedStory.second)
        #expect(try book().fact("waveforms") == "never")
        // It is not delivered: nothing of the record may go for it.
        #expect(try book().position(.waveforms).chunk > 0)
        #expect(try DeliveryBook.figures(books.path(of: Self.server)).stored.chunk == 0)
        try await deliver(.never)
        #expect(try book().withheld(.waveforms) == list)
    }

    @Test func withAnotherPolicyItIsSentOnceAndAsItWouldHaveBeen() async throws {
        try story.run(seconds: 335)
        try await deliverOpen(.never)
        try story.run(seconds: 20)
        try story.end()
        try await deliver(.always)
        #expect(values == all)
        let puts = service.state.withLock { $0.puts.filter { $0.key.hasPrefix("Observation/") } }
        #expect(puts.values.allSatisfy { $0 == 1 })
        #expect(try book().withheld(.waveforms) == [])
        #expect(try DeliveryBook.figures(books.path(of: Self.server)).stored.chunk > 0)
        #expect(try await control() == service.state.withLock { $0.resources })
    }

    /// While the session goes on, its last window waits.
    private func deliverOpen(_ policy: WaveformPolicy) async throws {
        _ = try await makeUplink(policy).finish(within: .seconds(60))
    }

    /// What is new goes before what was withheld, and of that the newest first.
    @Test func whatIsNewGoesBeforeWhatWasWithheld() async throws {
        try story.run(seconds: 600)
        try await deliverOpen(.never)
        service.state.withLock { $0.keepsOrder = true }
        try story.run(seconds: 30)
        let runner = try makeRunner(.always)
        while try await runner.advance(.waveforms) != .idle {}
        let firsts = service.state.withLock { state in
            state.order.compactMap { state.resources[$0]?.firstMatch(of: /"data":"([0-9]+)/).flatMap { Int64($0.1) } }
        }
        let new = firsts.prefix { $0 > 1750 }
        #expect(!new.isEmpty && new.count < firsts.count)
        // Sixteen windows at a time, the last ones first.
        let old = firsts.dropFirst(new.count)
        #expect(old.first ?? 0 > 1200 && old.last ?? 0 < 500, "\(Array(old))")
        try story.end()
        try await deliver(.always)
        #expect(values == all)
    }

    // MARK: Around alarms

    @Test func aroundAlarmsTheWindowsOfTheDeviceAndOfItsBedGo() async throws {
        try story.run(seconds: 100)
        let first = (session: story.session, time: story.now)
        try story.alert(device: "ox", bed: nil)
        try story.run(seconds: 100)
        let second = (session: story.session, time: story.now)
        try story.alert(device: nil, bed: "chair-2")
        try story.alert(device: nil, bed: nil)
        try story.run(seconds: 100)
        try story.end()
        try await deliver(.aroundAlarms)
        let expected = values(of: ["ox"], around: [first]) + values(of: ["pump"], around: [second])
        #expect(!expected.isEmpty && expected.count < all.count / 3)
        #expect(values == expected.sorted())
        // The rest is on the list, and nothing is on it and there.
        try await deliver(.always)
        #expect(values == all)
        #expect(try await control() == service.state.withLock { $0.resources })
    }

    /// Of an alarm that comes after its windows were passed they go all the same, each once.
    @Test func anAlarmThatComesLaterIsGivenWhatWasBeforeIt() async throws {
        try story.run(seconds: 100)
        let runner = try makeRunner(.aroundAlarms)
        while try await runner.advance(.waveforms) != .idle {}
        #expect(values == [])
        let moment = (session: story.session, time: story.now)
        try story.alert(device: "ox", bed: nil)
        while try await runner.advance(.waveforms) != .idle {}
        #expect(!values.isEmpty)
        try story.run(seconds: 60)
        while try await runner.advance(.waveforms) != .idle {}
        #expect(values == values(of: ["ox"], around: [moment]))
        #expect(service.state.withLock { $0.puts.filter { $0.key.hasPrefix("Observation/obs") }.values.max() } == 1)
    }

    /// What was to be sent by yesterday's policy and had not gone is withheld by today's.
    @Test func whatWasBegunIsNotGoneOnWith() async throws {
        try story.run(seconds: 400)
        try await deliverOpen(.never)
        try book().remember("paceEntries", 10)
        let runner = try makeRunner(.always)
        for _ in 0..<3 { _ = try await runner.advance(.waveforms) }
        let count = values.count
        #expect(count > 0 && count < all.count / 3)
        #expect(try book().refilings(.waveforms).count == 1)
        try story.end()
        try await deliver(.never)
        #expect(values.count == count)
        #expect(try book().refilings(.waveforms) == [])
        try await deliver(.always)
        #expect(values == all)
    }

    // MARK: Whose it is

    /// A wrong patient's waveforms that are there are put right whatever the policy is by then; those that are not
    /// there stay where they are.
    @Test func aCorrectionGoesWhateverThePolicyIs() async throws {
        let number = try #require(try story.bind("chair-1", BedStory.subject("a")))
        try story.run(seconds: 60)
        try await deliverOpen(.always)
        let sent = values
        try story.run(seconds: 60)
        try await deliverOpen(.never)
        #expect(values == sent)
        try story.withdraw(number, for: BedStory.subject("b"))
        try story.end()
        try await deliver(.never)
        #expect(values == sent, "under the right patient, and no more of them")
        let wrong = service.state.withLock { $0.resources.values.count { $0.contains("entered-in-error") } }
        #expect(wrong > 0)
        try await deliver(.always)
        #expect(values == all)
        #expect(try await control() == service.state.withLock { $0.resources })
    }

    // MARK: What the journal gives up

    /// What the journal has let go of is on no list: it holds nothing back.
    @Test func whatIsLostHoldsNothing() async throws {
        try story.run(seconds: 100)
        try await deliverOpen(.never)
        try story.end()
        try story.begin()
        try story.run(seconds: 100)
        try story.end()
        try await deliver(.never)
        #expect(try Set(book().withheld(.waveforms).map(\.session)).count == 2)
        // A stretch that nothing is left of, and one that the first part of is gone.
        for stretch in try book().withheld(.waveforms) where stretch.device == "ox" {
            try book().withhold([
                Withheld(
                    lane: .waveforms, device: "ox", session: stretch.session,
                    first: stretch.first - 500 * BedStory.second, end: stretch.first, chunk: 0,
                    length: stretch.length),
                Withheld(
                    lane: .waveforms, device: "gone", session: stretch.session, first: stretch.first,
                    end: stretch.end, chunk: 0, length: stretch.length),
            ])
        }
        let runner = try makeRunner(.never)
        _ = try await runner.advance(.waveforms)
        let list = try book().withheld(.waveforms)
        #expect(!list.contains { $0.device == "gone" })
        let oldest = try #require(list.first { $0.device == "ox" })
        let whole = try #require(list.first { $0.device == "pump" })
        #expect((0...10 * BedStory.second).contains(whole.first - oldest.first))
        try await deliver(.always)
        #expect(values == all)
    }

    // MARK: Whatever comes

    /// Any order of alarms, policies, what people say, outages, lost answers and kills: in the end all is there, as it
    /// would have been, and before that no window is neither there nor on the list.
    @Test(arguments: 0..<16) func nothingIsLostHoweverThePolicyChanges(seed: UInt64) async throws {
        var random = SeededGenerator(seed: seed &* 104_729 &+ 11)
        var runner = try makeRunner(.never)
        for _ in 0..<Int.random(in: 20...50, using: &random) {
            switch Int.random(in: 0..<12, using: &random) {
            case 0..<3: try story.run(seconds: Int64.random(in: 5...60, using: &random))
            case 3: try story.alert(device: ["ox", "pump"].randomElement(using: &random), bed: nil)
            case 4: try story.alert(device: nil, bed: "chair-1")
            case 5:
                try story.bind(
                    "chair-1", "abc".map(BedStory.subject).randomElement(using: &random) ?? BedStory.subject("a"))
            case 6:
                if let one = story.bindings.randomElement(using: &random) {
                    try story.withdraw(one.number, for: BedStory.subject("d"))
                }
            case 7: service.state.withLock { $0.loseAnswers = 1 }
            case 8:
                if Bool.random(using: &random) {
                    try story.end(inGoodOrder: Bool.random(using: &random))
                    try story.begin()
                }
            case 9: runner = try makeRunner(WaveformPolicy.allCases.randomElement(using: &random) ?? .never)
            default:
                for _ in 0..<Int.random(in: 1...4, using: &random) { _ = try await runner.advance(.waveforms) }
            }
        }
        try story.end()
        service.state.withLock { $0.loseAnswers = 0 }
        try await deliver(.aroundAlarms)
        let (there, list) = (Set(values), try book().withheld(.waveforms))
        let sessions = try JournalReader(directory: story.journal).sessions()
        for (value, fact) in story.values where !there.contains(value) {
            let session = sessions[fact.session].id
            let isListed = list.contains {
                $0.device == fact.owner && $0.session == session && $0.first <= fact.time && fact.time < $0.end
            }
            #expect(isListed, "seed \(seed): \(value) of \(fact.owner) is neither there nor on the list")
        }
        try await deliver(.always)
        #expect(values == all, "seed \(seed)")
        #expect(try book().withheld(.waveforms) == [])
        #expect(try await control() == service.state.withLock { $0.resources }, "seed \(seed)")
    }
}
