import DeviceModel
import FHIRMapping
import Foundation
import GRDB
import Logging
import Nomenclature
import SampleJournal
import Synchronization
import TestSupport
import Testing

@testable import Uplink

/// A records service that keeps what it is given and answers as it is told.
private final class ScriptedService: RecordsService {
    struct State {
        var resources: [String: String] = [:]
        var bundles: [Int] = []
        var unavailableFor = 0
        var refusedURL: String?
        var loseAnswers = 0
        var entryLimit = 1000
        var refusesAll = false
        /// Bundles that pass before the service asks for patience; `nil` without a limit.
        var burst: Int?
        /// How often each resource was put.
        var puts: [String: Int] = [:]
    }

    let state = Mutex(State())

    func put(_ resources: [FHIRResource]) async -> DeliveryOutcome {
        state.withLock { state in
            state.bundles.append(resources.count)
            if state.unavailableFor > 0 {
                state.unavailableFor -= 1
                return .unavailable(reason: "down", retryAfter: nil)
            }
            if resources.count > state.entryLimit { return .tooLarge }
            if state.refusesAll { return .refused(reason: "HTTP 422") }
            if let left = state.burst {
                if left == 0 { return .unavailable(reason: "HTTP 429", retryAfter: nil) }
                state.burst = left - 1
            }
            for resource in resources { state.puts[resource.url, default: 0] += 1 }
            if let refused = state.refusedURL, resources.contains(where: { $0.url.hasPrefix(refused) }) {
                return .refused(reason: "HTTP 422")
            }
            for resource in resources { state.resources[resource.url] = resource.json.text }
            if state.loseAnswers > 0 {
                state.loseAnswers -= 1
                return .unavailable(reason: "the answer was lost", retryAfter: nil)
            }
            return .acknowledged
        }
    }
}

@Suite struct UplinkServiceTests {
    private let folder: TemporaryFolder
    private let service = ScriptedService()
    private let utc: Int64 = 1_700_000_000_000_000_000

    init() throws { folder = try TemporaryFolder() }

    private func makeUplink(window: Int64 = 10_000_000_000, mayWrite: @escaping @Sendable () -> Bool = { true })
        -> UplinkService
    {
        var logger = Logger(label: "test")
        logger.logLevel = .critical
        return UplinkService(
            journal: folder.path, service: service,
            settings: UplinkService.Settings(unit: "u", isTestData: true, window: window, names: Nomenclature()),
            logger: logger, mayWrite: mayWrite)
    }

    /// One value a second from a time on, in a session of its own.
    private func writeSession(start: Int64, count: Int64, finish: Bool = true) throws {
        let writer = try JournalWriter(directory: folder.path, bootID: "b", now: start, utc: utc + start)
        try writer.record(
            "deviceConfigured", device: "d", body: ["manufacturer": .string("M")], monotonic: start, utc: utc + start,
            quality: .unknown)
        let stream = StreamDescriptor(
            device: "d", vmd: nil, metric: "MDC_TEMP", code: 150_344, unit: "Cel", form: .integer(.one),
            isWaveform: false,
            periodNanoseconds: 1_000_000_000, profile: "m/d")
        let index = try writer.register([stream])[0]
        for number in 0..<count {
            let time = start + number * 1_000_000_000
            writer.append(
                SampleRecord(kind: .sample, index: 0, monotonicNanoseconds: time, bits: number), stream: index)
            try writer.commit(now: time, utc: utc + time, quality: .unknown)
        }
        let end = start + count * 1_000_000_000
        if finish { try writer.finish(now: end, utc: utc + end, quality: .unknown) }
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
            #expect(!FileManager.default.fileExists(atPath: JournalFiles(directory: folder.path).delivery))
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

    @Test func aRefusedResourceIsPutAsideAndTheOthersFlowPast() async throws {
        try writeSession(start: 1_000_000_000, count: 25)
        service.state.withLock { $0.refusedURL = "DeviceMetric/" }
        #expect(try await makeUplink().finish(within: .seconds(20)) == 0)
        #expect(observations == Self.whole)
        let letters = try DeliveryStore(directory: folder.path).deadLetters(limit: 10)
        #expect(letters.map { String($0.url.prefix(13)) } == ["DeviceMetric/"])
        // “Delivered” is said only of what is stored there.
        let stored = service.state.withLock { $0.resources.count }
        #expect(try DeliveryStore(directory: folder.path).deliveredCount() == stored)
    }

    /// A rate limit with a burst smaller than a window (S3): each round gets further, nothing is sent twice.
    @Test func aWindowOfManyBundlesGoesOnWhereItWas() async throws {
        let writer = try JournalWriter(directory: folder.path, bootID: "b", now: 1_000_000_000, utc: utc)
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

    /// A part that was acknowledged under another unit's name is none of this one's.
    @Test func aPartOfOtherResourcesIsNotPassedOver() async throws {
        try writeSession(start: 1_000_000_000, count: 25)
        #expect(try await makeUplink().finish(within: .seconds(20)) == 0)
        let book = try DeliveryStore(directory: folder.path)
        let position = DeliveryStore.SamplePosition(session: 7, window: 9, chunk: 0, length: 1)
        try book.mark(part: 40, print: 11, of: position, delivered: 0)
        #expect(try book.acknowledged(of: position) { _ in 11 } == 40)
        #expect(try book.acknowledged(of: position) { _ in 12 } == 0)
        let other = DeliveryStore.SamplePosition(session: 7, window: 10, chunk: 0, length: 1)
        #expect(try book.acknowledged(of: other) { _ in 11 } == 0)
    }

    /// The service refuses everything for a while (L5): next to nothing is put aside, and after the cure all arrives.
    @Test func aServiceThatRefusesEverythingIsWaitedFor() async throws {
        try writeSession(start: 1_000_000_000, count: 600)
        service.state.withLock { $0.refusesAll = true }
        #expect(try await makeUplink().finish(within: .seconds(3)) > 0)
        let book = try DeliveryStore(directory: folder.path)
        #expect(try book.deadLetterCount() == UplinkService.fewParked)
        service.state.withLock { $0.refusesAll = false }
        #expect(try await makeUplink().finish(within: .seconds(20)) == 0)
        #expect(observations.count == 60)
        // What was parked first are descriptions: a description that was refused counts as none.
        let urls = service.state.withLock { $0.resources.keys.map { $0.prefix(8) } }
        #expect(Set(urls) == ["Device/g", "Device/d", "DeviceMe", "Observat"])
    }

    /// What is refused again is one dead letter (L7).
    @Test func whatIsRefusedAgainIsOneDeadLetter() async throws {
        try writeSession(start: 1_000_000_000, count: 25)
        service.state.withLock { $0.refusedURL = "DeviceMetric/" }
        for _ in 0..<4 { _ = try await makeUplink().finish(within: .seconds(20)) }
        #expect(try DeliveryStore(directory: folder.path).deadLetterCount() == 1)
        // Taken later, with the next of its samples, it is none any more.
        service.state.withLock { $0.refusedURL = nil }
        try writeSession(start: 100_000_000_000, count: 3)
        #expect(try await makeUplink().finish(within: .seconds(20)) == 0)
        #expect(service.state.withLock { $0.resources.keys.contains { $0.hasPrefix("DeviceMetric/") } })
        #expect(try DeliveryStore(directory: folder.path).deadLetterCount() == 0)
    }

    /// A damaged book (S7) is set aside, and everything arrives, once.
    @Test(arguments: [0, 4096]) func aDamagedBookIsSetAside(from place: Int) async throws {
        try writeSession(start: 1_000_000_000, count: 25)
        #expect(try await makeUplink().finish(within: .seconds(20)) == 0)
        let path = JournalFiles(directory: folder.path).delivery
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
        let writer = try JournalWriter(directory: folder.path, bootID: "b", now: 1_000_000_000, utc: utc)
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

    /// A window that was begun keeps its length, so that its resources keep their names.
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
        let queue = try DatabaseQueue(path: "\(folder.path)/samples-000001.sqlite")
        // A flipped high bit of the time: ten hours later.
        try await queue.write {
            try $0.execute(sql: "UPDATE chunks SET base_ns = base_ns + 35184372088832 WHERE id = 10")
        }
        try queue.close()
        #expect(try await makeUplink().finish(within: .seconds(20)) == 0)
        let values = observations.flatMap { $0.split(separator: " ").compactMap { Int($0) } }
        #expect(values == (0..<25).filter { $0 != 4 })
    }

    @Test func theWindowOfARunningSessionWaitsUntilItIsComplete() async throws {
        try writeSession(start: 1_000_000_000, count: 25, finish: false)
        _ = try await makeUplink().finish(within: .seconds(2))
        #expect(observations == Array(Self.whole.prefix(2)))
    }
}

@Suite struct AnswerTests {
    private func outcome(_ status: Int, _ body: String, expected: Int = 1) -> DeliveryOutcome {
        FHIRClient.outcome(status: status, body: Data(body.utf8), retryAfter: nil, expected: expected)
    }

    private static let fault = #"{"resourceType":"OperationOutcome","issue":[{"code":"invalid"}]}"#

    @Test func onlyAWholeBundleOfSuccessesIsAnAcknowledgement() {
        let good = #"{"resourceType":"Bundle","entry":[{"response":{"status":"201 Created"}}]}"#
        #expect(outcome(200, good) == .acknowledged)
        for (status, body, expected) in [
            (200, good, 2), (200, "{}", 1), (200, "<html>", 1), (204, "", 1), (302, good, 1), (500, good, 1),
        ] {
            guard case .unavailable = outcome(status, body, expected: expected) else {
                Issue.record("\(status) \(body) was taken as an answer about the content")
                continue
            }
        }
        guard case .refused = outcome(200, #"{"resourceType":"Bundle","entry":[{"response":{"status":"422"}}]}"#) else {
            Issue.record("a refused entry was not noticed")
            return
        }
    }

    /// An entry that is answered with what passes (L4), or with nothing, loses nothing.
    @Test(arguments: ["429 Too Many Requests", "503", "409", "412", "423", "404", "401", "500", "", "soon"])
    func anEntryThatIsAboutTheMomentLosesNothing(status: String) {
        let body =
            #"{"resourceType":"Bundle","entry":[{"response":{"status":"201"}},{"response":{"status":"\#(status)"}},"#
            + #"{"response":{"status":"422"}}]}"#
        guard case .unavailable = outcome(200, body, expected: 3) else {
            Issue.record("\(status) in an entry was taken as an answer about the content")
            return
        }
        guard case .unavailable = outcome(200, #"{"resourceType":"Bundle","entry":[{}]}"#) else {
            Issue.record("an entry without a status was taken as an answer about the content")
            return
        }
    }

    /// A proxy's or a captive portal's 400 says nothing about the content: nothing is put aside because of it.
    @Test(arguments: [400, 401, 403, 404, 408, 429, 500, 502, 503])
    func anAnswerThatIsNotFHIRLosesNothing(status: Int) {
        guard case .unavailable = outcome(status, "<html>no</html>") else {
            Issue.record("\(status) without FHIR was taken as an answer about the content")
            return
        }
    }

    @Test(
        arguments: [
            ("120", nil, 120), ("-9223372036854775808", nil, 0),
            ("Sun, 22 Nov 2026 06:16:30 GMT", "Sun, 22 Nov 2026 06:15:00 GMT", 90),
            ("Sun, 22 Nov 2026 06:14:00 GMT", "Sun, 22 Nov 2026 06:15:00 GMT", 0),
            ("Sun, 22 Nov 2026 06:16:30 GMT", nil, nil), ("soon", nil, nil),
        ] as [(String, String?, Int64?)])
    func theWaitAskedForIsReadInBothForms(value: String, date: String?, seconds: Int64?) {
        #expect(FHIRClient.retryAfter(value, date: date) == seconds)
    }

    @Test func faultsOfContentAndSizeAreKeptApart() {
        #expect(outcome(422, Self.fault) == .refused(reason: "HTTP 422: invalid"))
        #expect(outcome(400, Self.fault) == .refused(reason: "HTTP 400: invalid"))
        #expect(outcome(413, "") == .tooLarge)
    }
}
