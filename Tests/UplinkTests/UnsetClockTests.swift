import DeviceModel
import FHIRMapping
import Foundation
import Logging
import Nomenclature
import Synchronization
import TestSupport
import Testing

@testable import SampleJournal
@testable import Uplink

/// Samples of a time at which the wall clock was not set: held or marked, and mapped later under the same names.
@Suite struct UnsetClockTests {
    private static let second: Int64 = 1_000_000_000
    private static let utc: Int64 = 1_795_000_000_000_000_000
    private static let server = "https://records.example/fhir"

    private let folder: TemporaryFolder
    private let service = ScriptedService()

    init() throws { folder = try TemporaryFolder() }

    private var journal: String { "\(folder.path)/journal" }
    private var books: DeliveryBooks { DeliveryBooks(journal: journal) }

    /// A session that gives a value a second.
    private final class Session {
        private let writer: JournalWriter
        private let stream: Int
        private var time: Int64
        private var count: Int64 = 0
        private var isSet = false

        init(_ journal: String, boot: String, start: Int64) throws {
            time = start
            writer = try JournalWriter(
                directory: journal, bootID: boot, now: start, utc: start, unit: "u", window: 10 * second)
            try writer.record(
                "deviceConfigured", device: "d", body: ["manufacturer": .string("M")], monotonic: start, utc: start,
                quality: .unknown)
            stream = try writer.register([
                StreamDescriptor(
                    device: "d", vmd: nil, metric: "MDC_TEMP", code: 150_344, unit: "Cel", form: .integer(.one),
                    isWaveform: false, periodNanoseconds: second, profile: "m/d")
            ])[0]
        }

        func give(_ values: Int, isSet: Bool) throws {
            self.isSet = isSet
            for _ in 0..<values {
                let record = SampleRecord(kind: .sample, index: 0, monotonicNanoseconds: time, bits: count)
                writer.append(record, stream: stream)
                try writer.commit(now: time, utc: wall, quality: isSet ? .synchronised : .unknown)
                (time, count) = (time + second, count + 1)
            }
        }

        func end() throws {
            try writer.finish(now: time, utc: wall, quality: isSet ? .synchronised : .unknown)
        }

        private var wall: Int64 { isSet ? utc + time : time }
    }

    private func deliver(_ policy: UnsetClock) async throws {
        var logger = Logger(label: "test")
        logger.logLevel = .critical
        var settings = UplinkService.Settings(
            unit: "u", destination: Self.server, isTestData: true, window: 10 * Self.second, names: Nomenclature(),
            compresses: false, reconcileEvery: 3600 * Self.second)
        settings.unsetClock = policy
        let uplink = UplinkService(
            journal: journal, service: service, settings: settings, logger: logger,
            time: UplinkService.Time(now: { 1 }, boot: 1))
        _ = try await uplink.finish(within: .seconds(20))
    }

    private struct Sent: Equatable {
        let data: String
        /// When it began; `nil` where it has no time.
        let start: String?
        let isTagged: Bool
    }

    /// What the service has of the samples, by its address.
    private var sent: [String: Sent] {
        service.state.withLock { state in
            state.resources.filter { $0.value.contains("valueSampledData") }.mapValues { text in
                Sent(
                    data: text.firstMatch(of: /"data":"([^"]*)"/).map { String($0.1) } ?? "",
                    start: text.firstMatch(of: /"start":"([^"]*)"/).map { String($0.1) },
                    isTagged: text.contains(#""system":"urn:nabd:clock","code":"unknown""#))
            }
        }
    }

    private func instant(_ time: Int64) -> String { UTCTime.text(nanoseconds: Self.utc + time) }

    private var heldChunk: Int64 { books.summary().stored.chunk }

    @Test func markedOnesGoAtOnceAndAreMappedUnderTheSameNames() async throws {
        let session = try Session(journal, boot: "a", start: Self.second)
        try session.give(25, isSet: false)
        try await deliver(.mark)
        let before = sent
        #expect(before.count == 2 && before.values.allSatisfy { $0.start == nil && $0.isTagged }, "\(before)")
        #expect(heldChunk == 0, "the record keeps what is to be mapped")
        try session.give(10, isSet: true)
        try await deliver(.mark)
        let after = sent
        #expect(Set(before.keys).isSubset(of: after.keys))
        for (url, one) in before {
            #expect(after[url]?.data == one.data && after[url]?.start != nil && after[url]?.isTagged == true)
        }
        #expect(after.values.allSatisfy { $0.start != nil })
        #expect(Set(after.values.compactMap(\.start)).contains(instant(Self.second)))
        // Each value once.
        let values = after.values.flatMap { $0.data.split(separator: " ").compactMap { Int($0) } }.sorted()
        #expect(values == Array(0..<30))
        let measured = service.state.withLock { state in state.resources.filter { $0.key.hasPrefix("Observation/obs") }
        }
        #expect(!measured.values.contains { $0.contains("1970") })
        try session.end()
        try await deliver(.mark)
        #expect(heldChunk > 0)
        #expect(try DeliveryBook(readingFrom: books.path(of: Self.server)).unmapped(.numerics).isEmpty)
    }

    /// Both ways the service ends with the same resources.
    @Test func heldOnesWaitAndComeToTheSame() async throws {
        func story(_ session: Session, _ policy: UnsetClock) async throws {
            try session.give(25, isSet: false)
            try await deliver(policy)
            if policy == .hold { #expect(sent.isEmpty) }
            try session.give(10, isSet: true)
            try session.end()
            try await deliver(policy)
        }
        try await story(Session(journal, boot: "a", start: Self.second), .hold)
        let held = sent
        #expect(held.values.allSatisfy { $0.start != nil } && held.count >= 4)
        // The same record, to a destination that has nothing.
        try FileManager.default.removeItem(atPath: books.directory)
        service.state.withLock { $0.resources = [:] }
        try await deliver(.mark)
        #expect(sent == held)
    }

    @Test func aLaterSessionOfTheBootTellsWhenTheFormerWas() async throws {
        let first = try Session(journal, boot: "a", start: Self.second)
        try first.give(25, isSet: false)
        try first.end()
        try await deliver(.hold)
        let before = sent
        #expect(before.count == 3 && before.values.allSatisfy { $0.start == nil })
        let second = try Session(journal, boot: "a", start: 100 * Self.second)
        try second.give(15, isSet: true)
        try await deliver(.hold)
        for (url, one) in before { #expect(sent[url]?.data == one.data && sent[url]?.start != nil) }
        #expect(sent.values.contains { $0.start == instant(Self.second) })
    }

    @Test func anotherBootTellsNothingAndHoldsNothing() async throws {
        let first = try Session(journal, boot: "a", start: Self.second)
        try first.give(25, isSet: false)
        try first.end()
        try await deliver(.hold)
        let before = sent
        #expect(before.count == 3 && heldChunk == 0)
        let second = try Session(journal, boot: "b", start: Self.second)
        try second.give(15, isSet: true)
        try second.end()
        try await deliver(.hold)
        for url in before.keys { #expect(sent[url] == before[url]) }
        #expect(heldChunk > 20)
    }
}
