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

/// How many bundles share a way, and what that teaches.
@Suite struct SharedWayTests {
    @Test func whoSharesTheWayIsCountedByTheTimeInWhichHeDoes() {
        var share = WayShare()
        share.begin(1, at: 0)
        #expect(share.end(1, at: 2) == 1)
        share.begin(2, at: 10)
        share.begin(3, at: 11)
        // Three of four seconds beside the other.
        #expect(share.end(2, at: 14) == 1.75)
        share.begin(4, at: 14)
        // Three of four beside the first, one beside the last.
        #expect(share.end(3, at: 15) == 2)
        #expect(share.end(4, at: 16) == 1.5)
        #expect(share.end(5, at: 16) == 1, "it never began")
        share.begin(6, at: 20)
        #expect(share.end(6, at: 20) == 1, "it took no time")
        share.begin(7, at: 30)
        #expect(share.end(7, at: 31) == 1, "what was over before says nothing")
    }

    /// A way of so much latency on which a full bundle takes so long by itself; bundles share it. Their number is
    /// found, and then stays, whatever it is: several that share the way are no sign that it is narrower.
    @Test(arguments: [0.3, 0.45, 0.6, 0.9, 1.2, 2.4], [0.02, 0.1, 0.3, 0.5, 0.8, 1.1, 2])
    func theirNumberDoesNotSwing(latency: Double, carrying: Double) {
        var pace = Pace()
        pace.answered(entries: 1, bytes: 1000, seconds: 2 * latency)
        pace.answered(entries: 1, bytes: 1000, seconds: latency)
        var counts: [Int] = []
        for _ in 0..<40 {
            let count = pace.underWay
            counts.append(count)
            // Together they take as long as one after the other would, and are answered one after the other.
            for place in 1...count {
                let seconds = latency + carrying * Double(count + place) / 2
                pace.answered(entries: 100, bytes: 1 << 19, seconds: seconds, sharing: Double(count))
            }
            // The last of a lane is small, and shares the way as well.
            pace.answered(
                entries: 3, bytes: 2000, seconds: latency + (count > 1 ? carrying : 0), sharing: Double(count))
        }
        let settled = Set(counts.dropFirst(10))
        #expect(settled.count <= 2 && (settled.max() ?? 0) - (settled.min() ?? 0) <= 1, "\(counts)")
        // Where one fills the way there is one; where it is wide there are as many as it has room for.
        if carrying >= latency { #expect(settled == [1]) }
        if carrying <= latency / 8 { #expect(settled == [Int(min(8, latency / 0.15))]) }
    }

    /// The first exchange makes the connection too. How long the way is, a small one says: large ones alone never do.
    @Test func theSecondExchangeIsSmall() {
        var pace = Pace()
        let sizes = Array(repeating: 3000, count: 200)
        #expect(pace.fitting(sizes) == 100)
        pace.answered(entries: 100, bytes: 300_000, seconds: 2.4)
        #expect(pace.fitting(sizes) == 5)
        #expect(pace.fitting([20_000, 1]) == 1, "what is large by itself goes alone")
        pace.answered(entries: 5, bytes: 15_000, seconds: 1.2)
        #expect(pace.fitting(sizes) == 100)
        #expect(pace.underWay == 1)
        pace.answered(entries: 100, bytes: 300_000, seconds: 1.3)
        #expect(pace.underWay == 8)
    }

    /// 64 kbit/s, where nobody says so: small exchanges are slow there too, and what alarms take shows in them.
    @Test func aNarrowWayIsNoLongOne() {
        var pace = Pace()
        for round in 0..<30 {
            pace.answered(entries: 1, bytes: 4000, seconds: round.isMultiple(of: 3) ? 1.4 : 0.5)
            pace.answered(entries: 100, bytes: 1 << 18, seconds: 12)
            #expect(pace.underWay == 1)
        }
    }
}

/// A service behind a long way.
private final class FarService: RecordsService {
    struct Seen {
        var underWay = 0
        var most = 0
        var fails = false
        var failed = 0
    }

    let near = ScriptedService()
    let seen = Mutex(Seen())
    private let way: Duration

    init(way: Duration) { self.way = way }

    func put(_ resources: [FHIRResource], within limit: Duration, compressed: Bool) async -> Answer {
        seen.withLock {
            $0.underWay += 1
            $0.most = max($0.most, $0.underWay)
        }
        defer { seen.withLock { $0.underWay -= 1 } }
        try? await Task.sleep(for: way)
        let fails = seen.withLock { seen in
            let fails = seen.fails && resources.contains { $0.json.text.contains("\"data\":\"30 ") }
            seen.failed += fails ? 1 : 0
            return fails
        }
        return fails
            ? .notNow(reason: "HTTP 503", retryAfter: nil)
            : await near.put(resources, within: limit, compressed: compressed)
    }

    func read(_ url: String, within limit: Duration) async -> ReadAnswer { await near.read(url, within: limit) }
}

/// Bundles that go beside each other are settled in their order, each resource once.
@Suite struct LongWayTests {
    private let folder: TemporaryFolder
    private static let second: Int64 = 1_000_000_000
    private static let utc: Int64 = 1_700_000_000_000_000_000
    private static let curves = 40
    private static let windows: Int64 = 10

    init() throws { folder = try TemporaryFolder() }

    private var journal: String { "\(folder.path)/journal" }

    private func makeUplink(_ service: any RecordsService) -> UplinkService {
        var logger = Logger(label: "test")
        logger.logLevel = .critical
        return UplinkService(
            journal: journal, service: service,
            settings: UplinkService.Settings(
                unit: "u", destination: "https://far.example/fhir", isTestData: true, window: 10 * Self.second,
                names: Nomenclature(), compresses: false, reconcileEvery: 3600 * Self.second),
            logger: logger, time: UplinkService.Time(now: { 1 }, boot: 1))
    }

    /// A value a second of so many parts, for so many windows.
    private func write() throws {
        let writer = try JournalWriter(
            directory: journal, bootID: "b", now: Self.second, utc: Self.utc, unit: "u", window: 10 * Self.second)
        let streams = try writer.register(
            (0..<Self.curves).map { number in
                StreamDescriptor(
                    device: "d", vmd: "v\(number)", metric: "MDC_TEMP", code: 150_344, unit: "Cel",
                    form: .integer(.one), isWaveform: false, periodNanoseconds: Self.second, profile: "m/d")
            })
        for number in 0..<Self.windows * 10 {
            let time = Self.second + number * Self.second
            for stream in streams {
                writer.append(
                    SampleRecord(kind: .sample, index: 0, monotonicNanoseconds: time, bits: number), stream: stream)
            }
            try writer.commit(now: time, utc: Self.utc + time, quality: .synchronised)
        }
        let end = Self.second + Self.windows * 10 * Self.second
        try writer.finish(now: end, utc: Self.utc + end, quality: .synchronised)
    }

    private func isWhole(_ service: FarService) -> Bool {
        let found = service.near.state.withLock { state in
            state.resources.values.compactMap { $0.firstMatch(of: /"data":"([^"]*)"/).map { String($0.1) } }
        }
        let told = found.flatMap { $0.split(separator: " ").compactMap { Int($0) } }
        return told.count == Self.curves * Int(Self.windows) * 10
            && Dictionary(told.map { ($0, 1) }, uniquingKeysWith: +).values.allSatisfy { $0 == Self.curves }
    }

    @Test func overALongWayManyGoAtOnceAndEachOnce() async throws {
        try write()
        let service = FarService(way: .milliseconds(1_500))
        #expect(try await makeUplink(service).finish(within: .seconds(120)) == 0)
        #expect(isWhole(service))
        #expect(service.seen.withLock { $0.most } > 1)
        #expect(service.seen.withLock { $0.most } <= Pace.mostUnderWay)
        // A kill or a refusal would send some again; here nothing is.
        let twice = service.near.state.withLock { $0.puts.filter { $0.value > 1 && $0.key.hasPrefix("Obs") } }
        #expect(twice.isEmpty)
    }

    /// A bundle in the middle is not taken, those beside it are: the lane does not pass it, and whoever goes on later,
    /// with nothing but the book, sends what is missing.
    @Test func whatIsNotTakenIsNotPassedByWhatIs() async throws {
        try write()
        let service = FarService(way: .milliseconds(350))
        service.seen.withLock { $0.fails = true }
        #expect(try await makeUplink(service).finish(within: .seconds(120)) > 0)
        #expect(service.seen.withLock { $0.failed } > 0)
        #expect(!isWhole(service))
        service.seen.withLock { $0.fails = false }
        #expect(try await makeUplink(service).finish(within: .seconds(120)) == 0)
        #expect(isWhole(service))
        let book = try DeliveryBook(
            readingFrom: DeliveryBooks(journal: journal).path(of: "https://far.example/fhir"))
        #expect(try book.parkedCounts() == (0, 0))
    }

    /// A way over which descriptions go one bundle after the other takes their number of round trips: those of all
    /// streams go with the first that are missing.
    @Test func descriptionsOfAllStreamsGoTogether() async throws {
        try write()
        let service = FarService(way: .zero)
        service.near.state.withLock { $0.keepsOrder = true }
        #expect(try await makeUplink(service).finish(within: .seconds(120)) == 0)
        let order = service.near.state.withLock { $0.order }
        let first = order.firstIndex { $0.hasPrefix("Observation/") && !$0.contains("/evt-") } ?? 0
        #expect(order[first...].allSatisfy { !$0.hasPrefix("Device") })
    }
}
