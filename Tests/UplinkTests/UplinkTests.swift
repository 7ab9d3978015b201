import DeviceModel
import FHIRMapping
import Foundation
import GRDB
import Logging
import Nomenclature
import Synchronization
import TestSupport
import Testing

@testable import SampleJournal
@testable import Uplink

@Suite struct UplinkServiceTests {
    private let folder: TemporaryFolder
    private let service = ScriptedService()
    private let utc: Int64 = 1_700_000_000_000_000_000
    private let sessionWindow: Int64 = 10_000_000_000

    init() throws { folder = try TemporaryFolder() }

    private var journal: String { "\(folder.path)/journal" }

    private var books: DeliveryBooks { DeliveryBooks(journal: journal) }

    private func book() throws -> DeliveryBook { try DeliveryBook(readingFrom: books.path(of: Self.server)) }

    private static let server = "https://records.example/fhir"

    private func makeUplink(
        name: String = "u", destination: String = server, window: Int64 = 10_000_000_000,
        compresses: Bool = false, reconcileEvery: Duration = .seconds(3600), machine: String? = nil,
        mayWrite: @escaping @Sendable () -> Bool = { true }
    ) -> UplinkService {
        var logger = Logger(label: "test")
        logger.logLevel = .critical
        return UplinkService(
            journal: journal, service: service,
            settings: UplinkService.Settings(
                unit: name, destination: destination, isTestData: true, window: window, names: Nomenclature(),
                compresses: compresses, reconcileEvery: Int64(reconcileEvery / .nanoseconds(1)),
                machine: machine),
            logger: logger, time: UplinkService.Time(now: { 1 }, boot: 1), mayWrite: mayWrite)
    }

    /// One value a second from a time on, in a session of its own.
    ///
    /// - Parameter isSet: whether the wall clock was set when a value was taken; before, it stood at 1970.
    private func writeSession(
        start: Int64, count: Int64, finish: Bool = true, boot: String = "b", isSet: (Int64) -> Bool = { _ in true }
    ) throws {
        let writer = try JournalWriter(
            directory: journal, bootID: boot, now: start, utc: utc + start, unit: "u", window: sessionWindow)
        try writer.record(
            "deviceConfigured", device: "d", body: ["manufacturer": .string("M")], monotonic: start, utc: utc + start,
            quality: .synchronised)
        let stream = StreamDescriptor(
            device: "d", vmd: nil, metric: "MDC_TEMP", code: 150_344, unit: "Cel", form: .integer(.one),
            isWaveform: false,
            periodNanoseconds: 1_000_000_000, profile: "m/d")
        let index = try writer.register([stream])[0]
        for number in 0..<count {
            let time = start + number * 1_000_000_000
            writer.append(
                SampleRecord(kind: .sample, index: 0, monotonicNanoseconds: time, bits: number), stream: index)
            let wall = isSet(number) ? utc + time : time
            try writer.commit(now: time, utc: wall, quality: isSet(number) ? .synchronised : .unknown)
        }
        let end = start + count * 1_000_000_000
        let isSetNow = isSet(count - 1)
        if finish {
            try writer.finish(
                now: end, utc: isSetNow ? utc + end : end, quality: isSetNow ? .synchronised : .unknown)
        }
    }

    private var observations: [String] {
        service.state.withLock { state in
            state.resources.filter { $0.key.hasPrefix("Observation/obs") }.values.compactMap { text in
                text.firstMatch(of: /"data":"([^"]*)"/).map { String($0.1) }
            }.sorted { (Int($0.split(separator: " ")[0]) ?? 0) < (Int($1.split(separator: " ")[0]) ?? 0) }
        }
    }

    private static let whole = ["0 1 2 3 4 5 6 7 8 9", "10 11 12 13 14 15 16 17 18 19", "20 21 22 23 24"]

    @Test func everythingArrivesAndDescriptionsComeFirst() async throws {
        try writeSession(start: 1_000_000_000, count: 25)
        #expect(try await makeUplink().finish(within: .seconds(20)) == 0)
        #expect(observations == Self.whole)
        let urls = service.state.withLock { $0.resources.keys.map { $0.prefix(8) } }
        #expect(Set(urls) == ["Device/g", "Device/d", "DeviceMe", "Observat"])
    }

    /// The book belongs to whoever has the journal: until that is this process, it is not even made.
    @Test func withoutTheJournalNothingIsSentAndNoBookIsKept() async throws {
        try writeSession(start: 1_000_000_000, count: 25)
        let holdsJournal = Atomic<Bool>(false)
        try await withThrowingTaskGroup(of: Void.self) { group in
            let uplink = makeUplink { holdsJournal.load(ordering: .relaxed) }
            group.addTask { await uplink.run() }
            try await Task.sleep(for: .milliseconds(600))
            await #expect(throws: JournalError.self) { _ = try await uplink.finish(within: .seconds(1)) }
            #expect(service.state.withLock { $0.bundles.isEmpty })
            #expect(!FileManager.default.fileExists(atPath: books.path(of: Self.server)))
            holdsJournal.store(true, ordering: .relaxed)
            for _ in 0..<200 where observations != Self.whole { try await Task.sleep(for: .milliseconds(50)) }
            group.cancelAll()
        }
        #expect(observations == Self.whole)
    }

    @Test func aSecondRunSendsNothingAgain() async throws {
        try writeSession(start: 1_000_000_000, count: 25)
        _ = try await makeUplink().finish(within: .seconds(20))
        let sent = service.state.withLock { $0.bundles.count }
        #expect(try await makeUplink().finish(within: .seconds(20)) == 0)
        #expect(service.state.withLock { $0.bundles.count } == sent)
    }

    @Test func lostAnswersDoubleNothing() async throws {
        try writeSession(start: 1_000_000_000, count: 25)
        for _ in 0..<6 {
            service.state.withLock { $0.loseAnswers = 1 }
            _ = try await makeUplink().finish(within: .milliseconds(300))
        }
        #expect(try await makeUplink().finish(within: .seconds(20)) == 0)
        #expect(observations == Self.whole)
    }

    @Test func anOutageLosesNothing() async throws {
        try writeSession(start: 1_000_000_000, count: 25)
        service.state.withLock { $0.unavailableFor = 1000 }
        #expect(try await makeUplink().finish(within: .seconds(3)) > 0)
        #expect(observations.isEmpty)
        service.state.withLock { $0.unavailableFor = 0 }
        #expect(try await makeUplink().finish(within: .seconds(20)) == 0)
        #expect(observations == Self.whole)
    }

    /// What is refused holds back what refers to it, and nothing else (L3): with the description the rest arrives.
    @Test func aRefusedDescriptionHoldsBackWhatRefersToIt() async throws {
        try writeSession(start: 1_000_000_000, count: 25)
        service.state.withLock { $0.refusedURL = "DeviceMetric/" }
        #expect(try await makeUplink().finish(within: .seconds(20)) == 0)
        #expect(observations == [])
        let parked = try book().parked(limit: 10)
        #expect(
            parked.map { String($0.url.prefix(13)) }.sorted() == ["DeviceMetric/"]
                + Array(repeating: "Observation/o", count: 6))
        #expect(parked.filter { $0.cause == .behind(parked[0].url) }.count == 6)
        // “Stored” is said only of what is stored there.
        #expect(try book().storedCount() == service.state.withLock { $0.resources.count })
        // Nothing of it goes: it is not stored there.
        #expect(books.summary().stored.chunk == 0)
        service.state.withLock { $0.refusedURL = nil }
        try writeSession(start: 100_000_000_000, count: 3)
        #expect(try await makeUplink().finish(within: .seconds(20)) == 0)
        #expect(observations.sorted() == (["0 1 2"] + Self.whole).sorted())
        #expect(try book().parkedCounts() == (0, 0))
        #expect(books.summary().stored.chunk > 0)
    }

    /// A service that checks references gets nothing that dangles, and one that was restored from nothing gets the
    /// descriptions again (L2).
    @Test func aRestoredServiceGetsTheDescriptionsAgain() async throws {
        service.state.withLock { $0.checksReferences = true }
        try writeSession(start: 1_000_000_000, count: 25)
        #expect(try await makeUplink().finish(within: .seconds(20)) == 0)
        #expect(observations == Self.whole)
        service.state.withLock { $0.resources = [:] }
        try writeSession(start: 100_000_000_000, count: 3)
        #expect(try await makeUplink().finish(within: .seconds(20)) == 0)
        #expect(observations == ["0 1 2"])
        #expect(try book().parkedCounts() == (0, 0))
    }

    /// Another destination has a book of its own (L2): it gets everything, and the old one is not forgotten.
    @Test func anotherDestinationGetsEverything() async throws {
        try writeSession(start: 1_000_000_000, count: 25)
        #expect(try await makeUplink().finish(within: .seconds(20)) == 0)
        service.state.withLock { $0.resources = [:] }
        #expect(try await makeUplink(destination: "https://other.example/fhir").finish(within: .seconds(20)) == 0)
        #expect(observations == Self.whole)
        #expect(books.paths.count == 2)
        #expect(try await makeUplink(destination: "HTTPS://Other.example/fhir/").finish(within: .seconds(20)) == 0)
        #expect(books.paths.count == 2)
    }

    /// A poison that is answered with what may pass (S6) is parked once others are taken; everything else arrives.
    @Test(arguments: [
        Answer.notNow(reason: "HTTP 500", retryAfter: nil), .notNow(reason: "HTTP 409", retryAfter: nil),
        .notAllowed(reason: "HTTP 403", retryAfter: nil), .notAllowed(reason: "HTTP 404", retryAfter: nil),
        .timedOut(reason: "no answer"),
    ])
    func aPoisonIsFoundAndParked(answer: Answer) async throws {
        try writeSession(start: 1_000_000_000, count: 25)
        service.state.withLock {
            $0.poison = Poison(answer: answer) { $0.json.text.contains("\"data\":\"10 11 ") }
        }
        #expect(try await makeUplink().finish(within: .seconds(20)) == 0)
        #expect(observations == [Self.whole[0], Self.whole[2]])
        #expect(try book().parkedCounts() == (1, 0))
        service.state.withLock { $0.poison = nil }
        try books.leave(.retry)
        #expect(try await makeUplink().finish(within: .seconds(20)) == 0)
        #expect(observations == Self.whole)
        #expect(try book().parkedCounts() == (0, 0))
    }

    /// A lane that is told to come back in a minute makes no other slower.
    @Test func aLaneThatWaitsHoldsUpNoOther() async throws {
        try writeSession(start: 1_000_000_000, count: 600)
        service.state.withLock {
            $0.entryLimit = 1
            $0.poison = Poison(answer: .notNow(reason: "HTTP 503", retryAfter: 60)) { $0.id.hasPrefix("evt-") }
        }
        await withTaskGroup(of: Void.self) { group in
            let uplink = makeUplink()
            group.addTask { await uplink.run() }
            for _ in 0..<200 where observations.count < 60 { try? await Task.sleep(for: .milliseconds(50)) }
            group.cancelAll()
        }
        #expect(observations.count == 60)
    }

    /// A service that takes nothing at all is down, whatever it says: nothing is to blame.
    @Test func whereNothingIsTakenNothingIsParked() async throws {
        try writeSession(start: 1_000_000_000, count: 25)
        _ = try await makeUplink().finish(within: .seconds(20))
        try writeSession(start: 100_000_000_000, count: 3)
        service.state.withLock {
            $0.poison = Poison(answer: .notNow(reason: "HTTP 500", retryAfter: nil)) { _ in true }
        }
        #expect(try await makeUplink().finish(within: .seconds(20)) > 0)
        #expect(try book().parkedCounts() == (0, 0))
    }

    /// An observation that is too large goes in pieces (L6), each number once, whatever the limit is later.
    @Test func whatIsTooLargeGoesInPieces() async throws {
        try writeSession(start: 1_000_000_000, count: 25)
        let whole = try await sizeOfLargest()
        service.state.withLock { $0.byteLimit = whole - 4 }
        #expect(try await makeUplink().finish(within: .seconds(20)) == 0)
        let values = observations.flatMap { $0.split(separator: " ").compactMap { Int($0) } }
        #expect(values == Array(0..<25))
        #expect(observations.count > 3)
        #expect(try book().parkedCounts() == (0, 0))
        let pieces = observations
        // The whole is taken by now, but its numbers have their names already.
        service.state.withLock { $0.byteLimit = .max }
        let sender = try DeliveryBook.opened(books, destination: Self.server, unit: "u").book
        for lane in [DeliveryLane.numerics, .waveforms] {
            _ = try sender.settle(
                lane, SampleSpan(begin: SamplePosition(), position: SamplePosition()), filed: sender.filedThrough(),
                stored: [], parked: [])
        }
        #expect(try await makeUplink().finish(within: .seconds(20)) == 0)
        #expect(observations == pieces)
    }

    private func sizeOfLargest() async throws -> Int {
        let other = UplinkServiceTests.self
        let probe = try other.init()
        try probe.writeSession(start: 1_000_000_000, count: 25)
        _ = try await probe.makeUplink().finish(within: .seconds(20))
        return probe.service.state.withLock {
            $0.resources.filter { $0.key.hasPrefix("Observation/obs") }.values.map(\.utf8.count).max() ?? 0
        }
    }

    /// Names hang on the journal's own identity and windows: a renamed unit, a lost book and another `window:` send the
    /// same resources again, and none beside them.
    @Test func aLostBookAndAnotherConfigurationDoubleNothing() async throws {
        try writeSession(start: 1_000_000_000, count: 25)
        #expect(try await makeUplink().finish(within: .seconds(20)) == 0)
        let before = service.state.withLock { Set($0.resources.keys) }
        try FileManager.default.removeItem(atPath: books.directory)
        #expect(
            try await makeUplink(name: "other-name", window: 5_000_000_000).finish(within: .seconds(20)) == 0)
        #expect(service.state.withLock { Set($0.resources.keys) } == before)
        #expect(observations == Self.whole)
    }

    /// After an outage the newest alarm goes first, and all go once.
    @Test func theNewestAlarmsGoFirst() async throws {
        let writer = try JournalWriter(directory: journal, bootID: "b", now: 1_000_000_000, utc: utc)
        for number in 0..<950 {
            let kind = number % 3 == 0 ? "deviceStale" : "alertStart"
            let now = 1_000_000_000 + Int64(number)
            try writer.record(
                kind, device: "d",
                body: ["alert": .string("NABD_ALERT_\(number)"), "instance": .string("\(number)")], monotonic: now,
                utc: utc + now, quality: .unknown)
        }
        try writer.finish(now: 2_000_000_000, utc: utc, quality: .unknown)
        service.state.withLock { $0.keepsOrder = true }
        #expect(try await makeUplink().finish(within: .seconds(20)) == 0)
        let order = service.state.withLock { $0.order.filter { $0.contains("/evt-") } }
        #expect(order.count == Set(order).count)
        let numbers = service.state.withLock { state in
            order.compactMap { url in
                state.resources[url]?.firstMatch(of: /NABD_ALERT_(\d+)/).flatMap { Int($0.1) }
            }
        }
        let alarms = numbers.filter { $0 % 3 != 0 }
        #expect(alarms == (0..<950).filter { $0 % 3 != 0 }.reversed())
        // No other event went before the last alarm.
        #expect(numbers.prefix(alarms.count).allSatisfy { $0 % 3 != 0 })
    }

    /// A rate limit with a burst smaller than a window (S3): each round gets further, nothing is sent twice.
    @Test func aWindowOfManyBundlesGoesOnWhereItWas() async throws {
        let writer = try JournalWriter(directory: journal, bootID: "b", now: 1_000_000_000, utc: utc)
        let streams = try writer.register(
            (0..<350).map { number in
                StreamDescriptor(
                    device: "d", vmd: "v\(number)", metric: "MDC_TEMP", code: 150_344, unit: "Cel",
                    form: .integer(.one), isWaveform: false, periodNanoseconds: 1_000_000_000, profile: "m/d")
            })
        for (number, stream) in streams.enumerated() {
            writer.append(
                SampleRecord(
                    kind: .sample, index: 0, monotonicNanoseconds: 2_000_000_000, bits: Int64(number)), stream: stream)
        }
        try writer.finish(now: 3_000_000_000, utc: utc, quality: .unknown)
        var rounds = 0
        while rounds < 60 {
            rounds += 1
            service.state.withLock { $0.burst = 1 }
            if try await makeUplink().finish(within: .milliseconds(400)) == 0 { break }
        }
        #expect(rounds < 60)
        #expect(observations.compactMap { Int($0) } == Array(0..<350))
        let puts = service.state.withLock { $0.puts.filter { $0.key.hasPrefix("Observation/obs") } }
        #expect(puts.count == 350 && puts.values.allSatisfy { $0 == 1 })
    }

    /// The service refuses everything for a while (L5): nothing is to blame, and after the cure all arrives.
    @Test func aServiceThatRefusesEverythingIsWaitedFor() async throws {
        try writeSession(start: 1_000_000_000, count: 600)
        service.state.withLock { $0.refusesAll = true }
        #expect(try await makeUplink().finish(within: .seconds(3)) > 0)
        #expect(try book().parkedCounts() == (0, 0))
        service.state.withLock { $0.refusesAll = false }
        #expect(try await makeUplink().finish(within: .seconds(20)) == 0)
        #expect(observations.count == 60)
        let urls = service.state.withLock { $0.resources.keys.map { $0.prefix(8) } }
        #expect(Set(urls) == ["Device/g", "Device/d", "DeviceMe", "Observat"])
    }

    /// All of a kind is refused: next to nothing is put aside without a person, who has it tried again.
    @Test func theBreakerStopsWhatIsRefusedOneAfterTheOther() async throws {
        try writeSession(start: 1_000_000_000, count: 600)
        service.state.withLock { $0.refusedURL = "Observation/obs" }
        #expect(try await makeUplink().finish(within: .seconds(20)) > 0)
        #expect(try book().parkedCounts().refused == BundleSender.fewParked)
        service.state.withLock { $0.refusedURL = nil }
        try books.leave(.retry)
        #expect(try await makeUplink().finish(within: .seconds(20)) == 0)
        #expect(observations.count == 60)
        #expect(try book().parkedCounts() == (0, 0))
    }

    /// What is refused again is one parked resource (L7).
    @Test func whatIsRefusedAgainIsOneParkedResource() async throws {
        try writeSession(start: 1_000_000_000, count: 25)
        service.state.withLock { $0.refusedURL = "DeviceMetric/" }
        for _ in 0..<4 { _ = try await makeUplink().finish(within: .seconds(20)) }
        #expect(try book().parkedCounts() == (1, 6))
    }

    /// A damaged book (S7) is set aside, and everything arrives, once.
    @Test(arguments: [0, 4096]) func aDamagedBookIsSetAside(from place: Int) async throws {
        try writeSession(start: 1_000_000_000, count: 25)
        #expect(try await makeUplink().finish(within: .seconds(20)) == 0)
        let path = books.path(of: Self.server)
        var bytes = try Data(contentsOf: URL(fileURLWithPath: path))
        for offset in place..<min(bytes.count, place + 3000) { bytes[offset] = 0x5A }
        try bytes.write(to: URL(fileURLWithPath: path))
        try writeSession(start: 100_000_000_000, count: 3)
        #expect(try await makeUplink().finish(within: .seconds(20)) == 0)
        #expect(observations.sorted() == (["0 1 2"] + Self.whole).sorted())
        #expect(FileManager.default.fileExists(atPath: path + ".damaged"))
    }

    @Test func aServiceWithSmallBundlesGetsSmallBundles() async throws {
        try writeSession(start: 1_000_000_000, count: 25)
        service.state.withLock { $0.entryLimit = 1 }
        #expect(try await makeUplink().finish(within: .seconds(20)) == 0)
        #expect(observations == Self.whole)
    }

    @Test func aKilledSessionIsDeliveredWholeOnceThereIsAnother() async throws {
        try writeSession(start: 1_000_000_000, count: 25, finish: false)
        try writeSession(start: 500_000_000_000, count: 3)
        #expect(try await makeUplink().finish(within: .seconds(20)) == 0)
        #expect(observations.sorted() == (["0 1 2"] + Self.whole).sorted())
    }

    /// One commit may hold seconds of one device beside a single sample of another: no order of devices loses what came
    /// first.
    @Test func aLongCommitOfTwoDevicesLosesNothing() async throws {
        let writer = try JournalWriter(directory: journal, bootID: "b", now: 1_000_000_000, utc: utc)
        let streams = try writer.register(
            ["a-late", "b-early"].map { device in
                StreamDescriptor(
                    device: device, vmd: nil, metric: "MDC_TEMP", code: 150_344, unit: "Cel", form: .integer(.one),
                    isWaveform: false,
                    periodNanoseconds: 1_000_000_000, profile: "m/d")
            })
        for number in 0..<20 {
            writer.append(
                SampleRecord(
                    kind: .sample, index: 0, monotonicNanoseconds: Int64(number + 1) * 1_000_000_000,
                    bits: Int64(number)), stream: streams[1])
        }
        writer.append(
            SampleRecord(kind: .sample, index: 0, monotonicNanoseconds: 20_500_000_000, bits: 99), stream: streams[0])
        try writer.finish(now: 21_000_000_000, utc: utc, quality: .unknown)
        #expect(try await makeUplink().finish(within: .seconds(20)) == 0)
        #expect(observations.joined(separator: " ") == "0 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 99")
    }

    /// The session says how long its windows are, so that its resources keep their names.
    @Test func anotherWindowLengthDoublesNothing() async throws {
        try writeSession(start: 1_000_000_000, count: 25)
        service.state.withLock { $0.loseAnswers = 4 }
        _ = try await makeUplink().finish(within: .milliseconds(500))
        #expect(try await makeUplink(window: 5_000_000_000).finish(within: .seconds(20)) == 0)
        let values = observations.flatMap { $0.split(separator: " ").compactMap { Int($0) } }
        #expect(values == Array(0..<25))
    }

    @Test func aDamagedRowIsNotDeliveredAndCostsNoOther() async throws {
        try writeSession(start: 1_000_000_000, count: 25)
        let queue = try DatabaseQueue(path: "\(journal)/samples-000001.sqlite")
        // A flipped high bit of the time: ten hours later.
        try await queue.write {
            try $0.execute(sql: "UPDATE chunks SET base_ns = base_ns + 35184372088832 WHERE id = 10")
        }
        try queue.close()
        #expect(try await makeUplink().finish(within: .seconds(20)) == 0)
        let values = observations.flatMap { $0.split(separator: " ").compactMap { Int($0) } }
        #expect(values == (0..<25).filter { $0 != 4 })
    }

    /// A service that reads no gzip gets everything plain, is asked once, and that is remembered.
    @Test func aServiceThatReadsNoGzipGetsPlainBodies() async throws {
        try writeSession(start: 1_000_000_000, count: 25)
        service.state.withLock { $0.readsPlainOnly = true }
        #expect(try await makeUplink(compresses: true).finish(within: .seconds(20)) == 0)
        #expect(observations == Self.whole)
        #expect(service.state.withLock { $0.compressed } == 1)
        try writeSession(start: 100_000_000_000, count: 5)
        #expect(try await makeUplink(compresses: true).finish(within: .seconds(20)) == 0)
        #expect(service.state.withLock { $0.compressed } == 1)
    }

    /// What was acknowledged and is not there goes again from the last that was, and no further (L8); what is there is
    /// left alone.
    @Test(.timeLimit(.minutes(3))) func aServiceThatSaysItStoredAndDidNotIsFoundOut() async throws {
        service.state.withLock { $0.entryLimit = 10 }
        try writeSession(start: 1_000_000_000, count: 1500)
        let uplink = makeUplink(reconcileEvery: .milliseconds(400))
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { await uplink.run() }
            while observations.count < 150 || (try? book().unconfirmed(limit: 1).isEmpty) != true {
                try await Task.sleep(for: .milliseconds(50))
            }
            #expect(!uplink.status.isContradicted)
            let before = service.state.withLock { state in
                state.lies = true
                return state.puts
            }
            try writeSession(start: 3_000_000_000_000, count: 60)
            while !uplink.status.isContradicted { try await Task.sleep(for: .milliseconds(50)) }
            service.state.withLock { $0.lies = false }
            while uplink.status.isContradicted { try await Task.sleep(for: .milliseconds(50)) }
            group.cancelAll()
            // Of the session before only what is not known to be there was put again.
            let after = service.state.withLock { $0.puts }
            #expect(before.keys.contains { after[$0] == before[$0] })
        }
        #expect(try await makeUplink().finish(within: .seconds(20)) == 0)
        let values = observations.flatMap { $0.split(separator: " ").compactMap { Int($0) } }.sorted()
        #expect(values == (Array(0..<1500) + Array(0..<60)).sorted())
    }

    /// A service that begins empty, or was put back from an older copy, has not what was found there before either: all
    /// of it goes again.
    @Test(.timeLimit(.minutes(3))) func whatWasFoundThereOnceAndIsLostGoesAgain() async throws {
        service.state.withLock { $0.entryLimit = 10 }
        try writeSession(start: 1_000_000_000, count: 1500)
        let uplink = makeUplink(reconcileEvery: .milliseconds(400))
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { await uplink.run() }
            while observations.count < 150 || (try? book().unconfirmed(limit: 1).isEmpty) != true {
                try await Task.sleep(for: .milliseconds(50))
            }
            service.state.withLock { ($0.resources, $0.lies) = ([:], true) }
            try writeSession(start: 3_000_000_000_000, count: 60)
            while !uplink.status.isContradicted { try await Task.sleep(for: .milliseconds(50)) }
            service.state.withLock { $0.lies = false }
            while uplink.status.isContradicted { try await Task.sleep(for: .milliseconds(50)) }
            group.cancelAll()
        }
        #expect(try await makeUplink().finish(within: .seconds(60)) == 0)
        let values = observations.flatMap { $0.split(separator: " ").compactMap { Int($0) } }.sorted()
        #expect(values == (Array(0..<1500) + Array(0..<60)).sorted())
    }

    /// What was sent before the lanes went back does not say what is missing since; and a problem that the process
    /// before has noted ends with the first thing that this one stores.
    @Test func goingBackIsNotUndoneByWhatWasUnderWay() async throws {
        try writeSession(start: 1_000_000_000, count: 25)
        #expect(try await makeUplink().finish(within: .seconds(20)) == 0)
        let keeper = try DeliveryBook.opened(books, destination: Self.server, unit: "u").book
        let returns = try keeper.returnCount()
        try keeper.note(problem: "down", since: 7)
        #expect(try keeper.goBack(for: []))
        func settle(returns: Int64, filed: Int64) throws -> Bool {
            try keeper.settle(
                .events, missing: [], seen: 1, returns: returns, filed: filed, stored: [], parked: [])
        }
        let filed = try keeper.filedThrough()
        #expect(try !settle(returns: returns, filed: filed))
        #expect(try !settle(returns: returns + 1, filed: filed + 1))
        #expect(try keeper.missing(.events, through: 1) == [1...1])
        #expect(try settle(returns: returns + 1, filed: filed))
        #expect(try keeper.missing(.events, through: 1) == [])
        #expect(try keeper.position(.numerics) == SamplePosition())
        #expect(try await makeUplink().finish(within: .seconds(20)) == 0)
        #expect(observations == Self.whole)
        #expect(try keeper.problem() == nil && keeper.counter("failingSince") == 0)
    }

    /// Two machines with copies of one record: each finds the other; when one is left, it ends.
    @Test(.timeLimit(.minutes(3))) func twoMachinesOfOneIdentityAreFoundOut() async throws {
        try writeSession(start: 1_000_000_000, count: 25)
        let uplink = makeUplink(reconcileEvery: .milliseconds(200), machine: "one")
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { await uplink.run() }
            while (try? book().unconfirmed(limit: 1).isEmpty) != true || observations != Self.whole {
                try await Task.sleep(for: .milliseconds(50))
            }
            #expect(!uplink.status.isShared)
            service.state.withLock { state in
                for (url, text) in state.resources where url.hasPrefix("Device/gw") {
                    state.resources[url] = text.replacing(#""value":"one""#, with: #""value":"two""#)
                }
            }
            while !uplink.status.isShared { try await Task.sleep(for: .milliseconds(50)) }
            // Its own description is there again, so that the other finds it out.
            while uplink.status.isShared { try await Task.sleep(for: .milliseconds(50)) }
            #expect(service.state.withLock { $0.resources.values.contains { $0.contains(#""value":"one""#) } })
            group.cancelAll()
        }
    }

    @Test(.timeLimit(.minutes(3))) func aServiceThatNobodyMayReadIsNoLiar() async throws {
        try writeSession(start: 1_000_000_000, count: 25)
        service.state.withLock { ($0.lies, $0.forbidsReading) = (true, true) }
        let uplink = makeUplink(reconcileEvery: .milliseconds(300))
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { await uplink.run() }
            while (try? book().counter("unreadable")) != 1 { try await Task.sleep(for: .milliseconds(50)) }
            group.cancelAll()
        }
        #expect(!uplink.status.isContradicted)
    }

    @Test(
        arguments: [
            (#"{"a":1.50,"meta":{"x":1}}"#, #"{"a":1.5,"meta":{"y":2},"more":[]}"#, true),
            (#"{"t":"2026-11-29T10:00:00.120Z"}"#, #"{"t":"2026-11-29T13:00:00.12+03:00"}"#, true),
            (#"{"a":"97 98"}"#, #"{"a":"97 99"}"#, false), (#"{"a":[1,2]}"#, #"{"a":[1]}"#, false),
            (#"{"a":{"b":1}}"#, #"{"a":{}}"#, false), (#"{"a":true}"#, #"{"a":"true"}"#, false),
            (#"{"a":1}"#, "", false),
        ])
    func whatIsReadBackIsComparedByWhatItSays(sent: String, found: String, isSame: Bool) {
        #expect(ReadBack.agrees(sent: sent, found: Array(found.utf8)) == isSame)
    }

    /// What is new does not wait for what is left of an outage, nor of a second one within the first; each value
    /// arrives once, and the record is held until all before it is stored.
    @Test func whatIsNewGoesBeforeWhatIsLeft() async throws {
        service.state.withLock { state in
            (state.entryLimit, state.keepsOrder) = (10, true)
        }
        func firstValues() -> [Int] {
            service.state.withLock { state in
                state.order.compactMap { url in
                    state.resources[url]?.firstMatch(of: /"data":"([0-9]+)/).flatMap { Int($0.1) }
                }
            }
        }
        try writeSession(start: 1_000_000_000, count: 400, finish: false)
        // Enough for the descriptions, the new window and a little of what is left; then the way is gone.
        service.state.withLock { $0.burst = 8 }
        _ = try await makeUplink().finish(within: .seconds(20))
        let seen = firstValues()
        #expect((370...390).contains(seen.first ?? 0) && seen.contains(0), "\(seen)")
        let spans = try book().spans(.numerics)
        try #require(spans.count == 2)
        #expect(books.summary().stored.chunk == spans[0].position.chunk)
        #expect(spans[0].position.chunk < spans[1].begin.chunk || spans[1].position.chunk > spans[0].position.chunk)
        // A second outage, a second session.
        service.state.withLock { $0.order = [] }
        try writeSession(start: 2_000_000_000_000, count: 600, finish: false)
        service.state.withLock { $0.burst = 8 }
        _ = try await makeUplink().finish(within: .seconds(20))
        #expect((570...590).contains(firstValues().first ?? 0), "\(firstValues())")
        service.state.withLock { $0.burst = nil }
        _ = try await makeUplink().finish(within: .seconds(20))
        // Of the first session all, of the second all but the window that is open still.
        let values = observations.flatMap { $0.split(separator: " ").compactMap { Int($0) } }.sorted()
        #expect(values == (Array(0..<400) + Array(0..<590)).sorted())
        #expect(try book().spans(.numerics).count == 1)
    }

    /// Values of a clock that was not set wait until it is, and then go with the time that it was: never with 1970.
    @Test func whatWasTakenBeforeTheClockWasSetGoesWithItsTrueTime() async throws {
        try writeSession(start: 1_000_000_000, count: 31, finish: false, boot: "a", isSet: { _ in false })
        _ = try await makeUplink().finish(within: .seconds(1))
        #expect(observations == [])
        try writeSession(start: 1_000_000_000, count: 31, isSet: { $0 >= 25 })
        #expect(try await makeUplink().finish(within: .seconds(20)) == 0)
        // The first session was killed without ever knowing the time, and says so; the second's values keep the window.
        let sent = service.state.withLock { $0.resources.values.filter { $0.contains("valueSampledData") } }
        let unknown = sent.filter { $0.contains(#""code":"unknown""#) }
        #expect(unknown.count == 7 && !sent.contains { $0.contains("1970") })
        #expect(unknown.filter { $0.contains("data-absent-reason") }.count == 4)
        let first = UTCTime.text(nanoseconds: utc + 1_000_000_000)
        #expect(sent.contains { $0.contains(#""start":"\#(first)""#) && $0.contains(#""data":"0 1 2"#) })
    }

    @Test func theWindowOfARunningSessionWaitsUntilItIsComplete() async throws {
        try writeSession(start: 1_000_000_000, count: 25, finish: false)
        _ = try await makeUplink().finish(within: .seconds(8))
        #expect(observations == Array(Self.whole.prefix(2)))
    }
}
