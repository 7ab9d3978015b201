import DeviceModel
import Foundation
import GRDB
import TestSupport
import Testing

@testable import SampleJournal

/// Who waits for a commit is told of each, whoever is quicker, and of nothing else.
@Suite(.timeLimit(.minutes(2))) struct CommitWatchTests {
    private static let temperature = StreamDescriptor(
        device: "fridge", vmd: nil, metric: "MDC_TEMP", code: nil, unit: "Cel", form: .integer(.one),
        isWaveform: false, periodNanoseconds: 1_000_000_000, profile: "test/test")

    private let folder: TemporaryFolder
    private var directory: String { "\(folder.path)/journal" }

    init() throws { folder = try TemporaryFolder() }

    private func writer(limit: Int64 = 8 << 30) throws -> JournalWriter {
        let writer = try JournalWriter(
            directory: directory, bootID: "boot", now: 1, utc: 1, retention: JournalRetention(limit: limit))
        _ = try writer.register([Self.temperature])
        return writer
    }

    private func commit(_ writer: JournalWriter, _ count: Int64) throws {
        writer.append(
            SampleRecord(kind: .sample, index: 0, monotonicNanoseconds: count * 1_000_000_000, bits: count), stream: 0)
        try writer.commit(now: count * 1_000_000_000, utc: count * 1_000_000_000, quality: .synchronised)
    }

    @Test(arguments: [true, false]) func aCommitBetweenTwoCallsIsTold(isTold: Bool) async throws {
        let writer = try writer()
        let watch = CommitWatch(directory: directory, isTold: isTold)
        #expect(await !watch.next(within: .milliseconds(60)))
        try commit(writer, 1)
        #expect(await watch.next(within: .zero))
        #expect(await !watch.next(within: .milliseconds(60)))
        try writer.record("test", device: nil, body: [:], monotonic: 2, utc: 2, quality: .unknown)
        #expect(await watch.next(within: .zero))
        #expect(await !watch.next(within: .milliseconds(60)))
    }

    @Test(arguments: [true, false]) func whoWaitsIsWoken(isTold: Bool) async throws {
        let writer = try writer()
        let watch = CommitWatch(directory: directory, isTold: isTold)
        async let isSeen = watch.next(within: .seconds(60))
        try await Task.sleep(for: .milliseconds(50))
        try commit(writer, 1)
        #expect(await isSeen)
    }

    @Test func nothingIsToldOfReadersAndCheckpoints() async throws {
        let writer = try writer()
        try commit(writer, 1)
        let watch = CommitWatch(directory: directory)
        try writer.samples.checkpoint(.passive)
        let reader = try JournalReader(directory: directory)
        #expect(try reader.chunks(after: 0, limit: 10).count == 1)
        #expect(await !watch.next(within: .milliseconds(60)))
    }

    /// A writer commits without pause and with pauses; the newest commit is always met within a wait, and not at its
    /// end.
    @Test(arguments: [true, false]) func noCommitIsMissed(isTold: Bool) async throws {
        let writer = try writer()
        let watch = CommitWatch(directory: directory, isTold: isTold)
        let reader = try JournalReader(directory: directory)
        let last: Int64 = 150
        let writing = Task.detached { [writer = Handed(writer)] in
            var random = SeededGenerator(seed: 7)
            for count in 1...last {
                try self.commit(writer.value, count)
                try await Task.sleep(for: .microseconds(Int.random(in: 0...6000, using: &random)))
            }
        }
        var seen: Int64 = 0
        while seen < 2 * last {
            // Far longer than a commit takes: a wake-up that is missed for good ends the test, or the wait is whole.
            let start = ContinuousClock.now
            try #require(await watch.next(within: .seconds(60)))
            #expect(start.duration(to: .now) < .seconds(60))
            seen = try reader.newestChunk()
        }
        try await writing.value
    }

    @Test func filesRotateAndDescriptorsAreFew() async throws {
        let writer = try writer(limit: 1)
        try commit(writer, 1)
        let watch = CommitWatch(directory: directory)
        for count in Int64(2)...12 {
            try writer.beginSampleFile(isTrusted: true)
            #expect(await watch.next(within: .zero), "the file itself")
            _ = await watch.next(within: .milliseconds(5))
            try commit(writer, count)
            #expect(await watch.next(within: .zero), "a commit in the file that is new")
        }
        #expect(try FileManager.default.contentsOfDirectory(atPath: directory).count { $0.hasSuffix(".sqlite") } >= 12)
        // What the watch keeps open is of the newest files only; the writer has those too.
        let open = try FileManager.default.contentsOfDirectory(atPath: "/proc/self/fd").compactMap {
            try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/fd/\($0)")
        }.filter { $0.hasPrefix(directory) && $0.contains(".sqlite") }
        #expect(Set(open.map { $0.prefix { $0 != "." } }).count <= 3, "\(open)")
    }

    @Test(arguments: [true, false]) func aJournalThatIsNotThereYetIsWaitedFor(isTold: Bool) async throws {
        let watch = CommitWatch(directory: directory, isTold: isTold)
        #expect(await !watch.next(within: .milliseconds(30)))
        let writer = try writer()
        #expect(await watch.next(within: .seconds(60)))
        _ = await watch.next(within: .milliseconds(60))
        try commit(writer, 1)
        #expect(await watch.next(within: .seconds(60)))
    }

    @Test func aFolderThatIsMadeAnewIsWatchedAnew() async throws {
        try writer().finish(now: 2, utc: 2, quality: .unknown)
        let watch = CommitWatch(directory: directory)
        try FileManager.default.moveItem(atPath: directory, toPath: directory + "-old")
        #expect(await watch.next(within: .seconds(60)))
        _ = await watch.next(within: .milliseconds(60))
        let writer = try writer()
        #expect(await watch.next(within: .seconds(60)))
        _ = await watch.next(within: .milliseconds(60))
        async let isSeen = watch.next(within: .seconds(60))
        try await Task.sleep(for: .milliseconds(30))
        try commit(writer, 1)
        #expect(await isSeen)
    }

    @Test func whoIsCancelledIsLetGo() async throws {
        _ = try writer()
        let watch = CommitWatch(directory: directory)
        let waiting = Task { await watch.next(within: .seconds(3600)) }
        try await Task.sleep(for: .milliseconds(20))
        waiting.cancel()
        #expect(await !waiting.value)
    }

    /// What the kernel tells, byte by byte, and cut short anywhere.
    @Test func noticesAreReadAsTheKernelLaysThemOut() {
        func event(_ mask: Int32, _ name: String) -> [UInt8] {
            let padded = Array(name.utf8) + [UInt8](repeating: 0, count: 16 - name.utf8.count % 16)
            let numbers = [1, UInt32(bitPattern: mask), 0, UInt32(padded.count)]
            return numbers.flatMap { number in (0..<4).map { UInt8(truncatingIfNeeded: number >> ($0 * 8)) } } + padded
        }
        func parsed(_ bytes: [UInt8]) -> CommitNotices.Found {
            var found = CommitNotices.Found()
            CommitNotices.parse(bytes[...], into: &found)
            return found
        }
        let log = event(Int32(IN_MODIFY), "samples-000001.sqlite-wal")
        #expect(parsed(log) == CommitNotices.Found(written: [.samples]))
        #expect(parsed(log + event(Int32(IN_MODIFY), "events-000001.sqlite-wal")).written == [.samples, .events])
        for name in ["events-000001.sqlite", "events-000001.sqlite-shm", "lock", "reserve"] {
            #expect(parsed(event(Int32(IN_MODIFY), name)) == CommitNotices.Found(), "\(name)")
        }
        #expect(parsed(event(Int32(IN_CREATE), "events-000002.sqlite")).isFolderChanged)
        #expect(parsed(event(Int32(IN_DELETE_SELF), "")).isOver)
        let overflow = parsed(event(Int32(IN_Q_OVERFLOW), ""))
        #expect(overflow.isFolderChanged && overflow.written == [.samples, .events])
        for length in 0..<log.count { _ = parsed(Array(log.prefix(length))) }
        #expect(parsed(Array(log.prefix(15))) == CommitNotices.Found())
    }

    /// A writer goes to another task and is left alone here.
    private struct Handed: @unchecked Sendable {
        let value: JournalWriter
        init(_ value: JournalWriter) { self.value = value }
    }
}
