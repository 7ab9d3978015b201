import DeviceModel
import Foundation
import Logging
import Nomenclature
import Synchronization
import TestSupport
import Testing

@testable import SampleJournal
@testable import Uplink

/// What goes and what waits when a link may carry only so much; nothing is lost by it.
@Suite(.serialized) struct LinkServiceTests {
    private let folder: TemporaryFolder
    private let service = ScriptedService()
    private static let second: Int64 = 1_000_000_000
    private static let november: Int64 = 1_795_000_000_000_000_000
    private static let december: Int64 = 1_798_000_000_000_000_000
    private static let server = "https://records.example/fhir"

    init() throws { folder = try TemporaryFolder() }

    private var journal: String { "\(folder.path)/journal" }

    private func book() throws -> DeliveryBook {
        try DeliveryBook(readingFrom: DeliveryBooks(journal: journal).path(of: Self.server))
    }

    /// A monitor, a pump and a curve of so many seconds, an alarm, a command and another event.
    private func write(seconds: Int64, from start: Int64 = second) throws {
        let writer = try JournalWriter(
            directory: journal, bootID: "b", now: start, utc: Self.november + start, unit: "u",
            window: 10 * Self.second)
        for device in ["ecg", "ox", "pump"] {
            try writer.record(
                "deviceConfigured", device: device, body: ["manufacturer": .string("M")], monotonic: start,
                utc: Self.november + start, quality: .synchronised)
        }
        func record(_ kind: String, _ body: KeyValuePairs<String, JSON?>) throws {
            try writer.record(
                kind, device: "pump", body: body, monotonic: start, utc: Self.november + start, quality: .synchronised)
        }
        try record(
            "alertStart",
            ["alert": .string("MDC_EVT_HI"), "instance": .string("i"), "priority": .string("high")])
        try record("commandSent", [:])
        try record("deviceSilent", [:])
        let streams = try writer.register([
            BedStory.stream("ecg", "MDC_ECG_ELEC_POTL", isWaveform: true), BedStory.stream("ox", isWaveform: false),
            BedStory.stream("pump", "MDC_FLOW_FLUID_PUMP", isWaveform: false),
        ])
        for number in 0..<seconds {
            let time = start + number * Self.second
            for stream in streams {
                writer.append(
                    SampleRecord(kind: .sample, index: 0, monotonicNanoseconds: time, bits: number), stream: stream)
            }
            try writer.commit(now: time, utc: Self.november + time, quality: .synchronised)
        }
        let end = start + seconds * Self.second
        try writer.finish(now: end, utc: Self.november + end, quality: .synchronised)
    }

    private func makeUplink(_ link: LinkUse) -> UplinkService {
        var logger = Logger(label: "test")
        logger.logLevel = .critical
        return UplinkService(
            journal: journal, service: service,
            settings: UplinkService.Settings(
                unit: "u", destination: Self.server, isTestData: true, window: 10 * Self.second,
                names: Nomenclature(), compresses: false, reconcileEvery: 3_600_000_000_000),
            logger: logger, time: UplinkService.Time(now: { 1 }, boot: 1), link: link)
    }

    private func stored() throws -> [DeliveryLane: Int64] {
        let book = try book()
        return Dictionary(
            uniqueKeysWithValues: try DeliveryLane.allCases.map { ($0, try book.note(of: $0).stored ?? 0) })
    }

    /// Waveforms stop first, then everything but alarms and events of pumps; the next month takes what waited.
    @Test func aMonthThatIsUsedUpStopsOneAfterTheOther() async throws {
        try write(seconds: 35)
        func deliver(spent: Int, at utc: Int64?) async throws -> Int {
            let link = LinkUse(LinkLimits(bytesPerMonth: 10_000_000)) { utc }
            link.meter.sent(spent)
            return try await makeUplink(link).finish(within: .seconds(20))
        }
        // All but what is allowed of it: the month ends in the middle of nothing.
        #expect(try await deliver(spent: 10_000_000, at: Self.november) > 0)
        var stored = try stored()
        #expect(stored[.alarms] == 1 && stored[.pumpEvents] == 1)
        #expect(stored[.events] == 0 && stored[.pumpState] == 0 && stored[.numerics] == 0 && stored[.waveforms] == 0)
        // Nobody knows that the month is over, and another process goes on with it.
        #expect(try await deliver(spent: 0, at: nil) > 0)
        #expect(try self.stored() == stored)
        #expect(try await deliver(spent: 8_000_000, at: Self.december) > 0)
        stored = try self.stored()
        #expect(stored[.numerics] == 8 && stored[.pumpState] == 8 && (stored[.events] ?? 0) >= 4)
        #expect(stored[.waveforms] == 0)
        #expect(try await deliver(spent: 0, at: Self.november + 70 * 86_400 * Self.second) == 0)
        #expect(try self.stored()[.waveforms] == 4)
        #expect(try book().problem() == nil)
    }

    /// Where much is owed, an alarm goes at once, and nothing else.
    @Test func anAlarmDoesNotWaitForTheCap() async throws {
        try write(seconds: 35)
        let link = LinkUse(LinkLimits(bitsPerSecond: 8000))
        link.meter.sent(10_000_000)
        #expect(try await makeUplink(link).finish(within: .seconds(5)) > 0)
        var stored = try stored()
        #expect(stored.removeValue(forKey: .alarms) == 1)
        #expect(stored.values.allSatisfy { $0 == 0 }, "\(stored)")
    }

    /// What was sent is paid for, but for the last bundle, and bundles are small; a busy machine is slower still.
    @Test(.timeLimit(.minutes(3))) func theCapHolds() async throws {
        try write(seconds: 300)
        let link = LinkUse(LinkLimits(bitsPerSecond: 160_000))
        service.state.withLock { $0.meter = link.meter }
        let begin = ContinuousClock.now
        #expect(try await makeUplink(link).finish(within: .seconds(60)) == 0)
        let seconds = (ContinuousClock.now - begin) / .seconds(1)
        let sent = Double(link.meter.totals.sent)
        #expect(sent > 2 * Double(link.limits.bundleBytes), "all of it was one bundle: this looks at nothing")
        #expect((sent - 2 * Double(link.limits.bundleBytes)) * 8 <= 160_000 * seconds)
        #expect(try stored()[.waveforms] == 30)
    }
}
