import DeviceModel
import Foundation
import JournalCoding
import TestSupport
import Testing

@testable import SampleJournal

/// What is read of a journal without reading all of it is what reading all of it gives.
@Suite struct JournalReaderTests {
    private let folder: TemporaryFolder
    private var directory: String { "\(folder.path)/journal" }

    init() throws { folder = try TemporaryFolder() }

    /// The last sample of each stream of a session, by decoding everything.
    private func plainNewest(_ reader: JournalReader, _ session: Int64, back: Int64) throws -> [StoredSample] {
        let streams = try reader.streamsByID()
        let chunks = try reader.chunks(after: 0, limit: .max).filter { $0.session == session }
        var newest: [Int64: StoredSample] = [:]
        for chunk in chunks where chunk.end > (chunks.last?.end ?? 0) - back {
            for block in reader.blocks(of: chunk, streams: streams) {
                for place in 0..<block.count { newest[block.stream] = StoredSample(block, place, of: chunk) }
            }
        }
        return newest.values.sorted { $0.stream < $1.stream }
    }

    @Test(arguments: UInt64(1)...3) func theNewestOfEachStreamIsTheLast(seed: UInt64) throws {
        var journal = try RandomJournal(directory, seed: seed)
        try journal.lose(3)
        let reader = try JournalReader(directory: directory)
        for session in try reader.sessions() {
            let hour: Int64 = 3600 * RandomJournal.second
            let newest = try reader.newest(of: session.id)
            #expect(try newest == plainNewest(reader, session.id, back: hour))
            #expect(newest.count >= RandomJournal.streams.count - 1)
            let back = RandomJournal.second / 2
            #expect(try reader.newest(of: session.id, back: back) == plainNewest(reader, session.id, back: back))
        }
        #expect(try reader.newest(of: 99).isEmpty)
    }

    @Test func aStreamWhoseNewestBlockIsDamagedHasTheOneBefore() throws {
        var journal = try RandomJournal(directory, seed: 2, sessions: 1, seconds: 20)
        let whole = try JournalReader(directory: directory).newest(of: 1)
        try journal.damage(80)
        var damages = 0
        let newest = try JournalReader(directory: directory).newest(of: 1) { _ in damages += 1 }
        #expect(damages > 0)
        #expect(newest.map(\.stream) == whole.map(\.stream))
        #expect(zip(newest, whole).allSatisfy { $0.sequence <= $1.sequence } && newest != whole)
    }

    @Test func chosenBlocksAreThoseOfTheStreams() throws {
        _ = try RandomJournal(directory, seed: 4)
        let reader = try JournalReader(directory: directory)
        let streams = try reader.streamsByID()
        for chosen in [[], [1], [2, 6], [1, 2, 3, 4, 5, 6]] as [Set<Int64>] {
            for chunk in try reader.chunks(after: 0, limit: .max) {
                let all = reader.blocks(of: chunk, streams: streams)
                #expect(
                    reader.blocks(of: chunk, chosen: chosen, streams: streams)
                        == all.filter { chosen.contains($0.stream) })
            }
        }
    }

    @Test func damageIsToldOfChosenStreamsOnly() throws {
        var journal = try RandomJournal(directory, seed: 5, sessions: 1)
        try journal.damage(10)
        let reader = try JournalReader(directory: directory)
        let streams = try reader.streamsByID()
        var told: [String: Int] = [:]
        for chunk in try reader.chunks(after: 0, limit: .max) {
            _ = reader.blocks(of: chunk, streams: streams) { _ in told["all", default: 0] += 1 }
            _ = reader.blocks(of: chunk, chosen: Set(streams.keys), streams: streams) { _ in
                told["each", default: 0] += 1
            }
            _ = reader.blocks(of: chunk, chosen: [], streams: streams) { _ in told["none", default: 0] += 1 }
        }
        #expect(told["all", default: 0] > 0 && told["all"] == told["each"])
        #expect(told["none"] == nil)
    }

    @Test func eventsAreHadByTimeAndName() throws {
        let writer = try JournalWriter(directory: directory, bootID: "b", now: 0, utc: 0)
        for number in Int64(0)..<300 {
            try writer.record(
                number % 3 == 0 ? "third" : "other", device: nil, body: [:], monotonic: number, utc: number * 10,
                quality: .unknown)
            if number % 100 == 99 { try writer.events.begin(isTrusted: true) }
        }
        let reader = try JournalReader(directory: directory)
        func ids(_ names: [String]?, _ from: Int64, _ to: Int64, after: Int64 = 0, limit: Int = .max) throws -> [Int64]
        {
            try reader.events(named: names, from: from, to: to, after: after, limit: limit).map(\.id)
        }
        #expect(try ids(nil, .min, .max) == Array(1...300))
        #expect(try ids(nil, 950, 1050) == Array(96...105), "the beginning is in it, the end is not, over two files")
        #expect(try ids(["third"], 950, 1050) == [97, 100, 103])
        #expect(try ids(["third"], 950, 1050, limit: 2) == [97, 100])
        #expect(try ids(["third"], 950, 1050, after: 100, limit: 2) == [103])
        #expect(try ids([], .min, .max) == [])
        #expect(try ids(["third", "other"], 0, 30) == [1, 2, 3])
    }
}
