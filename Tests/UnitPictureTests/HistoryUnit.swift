import DeviceModel
import Foundation
import JournalCoding
import Testing
import TestSupport

@testable import SampleJournal
@testable import UnitPicture

/// A unit whose journal has several runs of the host, of tests and of patients, with gaps and a clock that is set: for
/// what is asked of the past.
final class HistoryUnit {
    static let second: Int64 = 1_000_000_000
    /// The wall clock at the monotonic clock's zero. Unit: ns since 1970.
    static let utc: Int64 = 1_790_000_000_000_000_000

    static func stream(
        _ device: String, _ metric: String, vmd: String? = nil, milliseconds: Int64 = 1000,
        _ form: ValueForm = .integer(DecimalScale(multiplier: 1, exponent: -1)), isWave: Bool = false
    ) -> StreamDescriptor {
        StreamDescriptor(
            device: device, vmd: vmd, metric: metric, code: nil, unit: "1", form: form, isWaveform: isWave,
            periodNanoseconds: milliseconds * 1_000_000, profile: "test/one")
    }

    static let all = [
        stream("oximeter", "saturation"), stream("monitor", "wave", milliseconds: 20, isWave: true),
        stream("monitor", "single", .float32), stream("pump", "rate", vmd: "1", milliseconds: 2000),
        stream("pump", "rate", vmd: "2", milliseconds: 2000), stream("pump", "drug", .text),
    ]

    let folder: TemporaryFolder
    let directory: String
    private var random: SeededGenerator
    private(set) var now: Int64 = 100 * second
    /// The wall clock without the monotonic one. Unit: ns.
    private(set) var offset = utc

    init(seed: UInt64 = 1) throws {
        folder = try TemporaryFolder()
        directory = "\(folder.path)/journal"
        random = SeededGenerator(seed: seed)
    }

    func document() throws -> HistoryReading { try HistoryReading(directory) }

    /// One run of the host.
    ///
    /// - Parameters:
    ///   - beds: the devices of each.
    ///   - steps: whether the wall clock is set on the way.
    ///   - events: after the first second.
    func run(
        isTest: Bool, seconds: Int64 = 60, beds: [String: [String]] = ["chair-1": ["oximeter", "pump"]],
        steps: Bool = false, events: [JournalWriter.Event] = []
    ) throws {
        let writer = try JournalWriter(directory: directory, bootID: "boot", now: now, utc: now + offset)
        let places = try writer.register(Self.all)
        func record(_ batch: [JournalWriter.Event]) throws {
            _ = try writer.record(batch, now: now, utcOffset: offset, quality: .synchronised)
        }
        try record([
            JournalWriter.Event(.hostStarted(unit: "mobile-1", alertsEnded: nil, isTestData: isTest, at: now))
        ])
        for (bed, devices) in beds.sorted(by: { $0.key < $1.key }) {
            try record([
                JournalWriter.Event(
                    "bedConfigured",
                    body: ["bed": .string(bed), "devices": .array(devices.map { .string($0) })], monotonic: now)
            ])
        }
        var next = Self.all.map { now + $0.periodNanoseconds / 3 }
        let end = now + seconds * Self.second
        while now < end {
            now += Self.second / 4
            for place in places.indices { fill(writer, places[place], Self.all[place], &next[place]) }
            if steps, Int.random(in: 0..<60, using: &random) == 0 {
                offset += Int64.random(in: -3...8, using: &random) * Self.second
            }
            _ = try writer.commit(now: now, utc: now + offset, quality: .synchronised, heartbeat: true)
            if now == end - (seconds - 1) * Self.second, !events.isEmpty { try record(events) }
            try writer.tidy(now: now)
        }
        try record([JournalWriter.Event(.hostStopped(alertsEnded: 0, at: now))])
        try writer.finish(now: now, utc: now + offset, quality: .synchronised)
        now += 20 * Self.second
    }

    private func fill(_ writer: JournalWriter, _ stream: Int, _ descriptor: StreamDescriptor, _ next: inout Int64) {
        while next < now {
            // A device that pauses, and samples without a value.
            if Int.random(in: 0..<80, using: &random) == 0 { next += 6 * descriptor.periodNanoseconds }
            let isValue = Int.random(in: 0..<12, using: &random) > 0
            let level = Int64.random(in: -500...500, using: &random)
            var record = SampleRecord(
                kind: .sample, index: 0, monotonicNanoseconds: next,
                bits: descriptor.form == .float32 ? Int64(Float(Double(level) / 8).bitPattern) : level,
                validity: isValue ? .valid : .notAvailable, reason: isValue ? .none : .sentinel)
            if descriptor.form == .text { _ = record.setText(Array("drug \(level)".utf8)) }
            writer.append(record, stream: stream)
            next += descriptor.periodNanoseconds
        }
    }
}

/// Asks a journal's past as a screen does, and reads the answers.
struct HistoryReading {
    let reader: JournalReader
    let scope: HistoryScope

    init(_ directory: String, _ scope: HistoryScope = .unit) throws {
        (reader, self.scope) = (try JournalReader(directory: directory), scope)
    }

    func number(_ metric: String, vmd: String? = nil) throws -> Int64 {
        try #require(reader.streams().first { $0.descriptor.metric == metric && $0.descriptor.vmd == vmd }?.id)
    }

    /// All bytes of an answer, and how long its longest piece was.
    func bytes(_ path: String, _ parameters: [String: String], isCancelled: () -> Bool = { false }) throws
        -> (all: [UInt8], longest: Int)
    {
        let request = try #require(try HistoryRequest(path: path, parameters: parameters))
        var (all, longest): ([UInt8], Int) = ([], 0)
        try HistoryDocument(reader, scope: scope).answer(request, isCancelled: isCancelled) { piece in
            all += piece
            longest = max(longest, piece.count)
        }
        return (all, longest)
    }

    /// The last line of an answer.
    func object(_ path: String, _ parameters: [String: String]) throws -> [String: Any] {
        let lines = try bytes(path, parameters).all.split(separator: UInt8(ascii: "\n"))
        let last = try #require(lines.last)
        return try #require(JSONSerialization.jsonObject(with: Data(last)) as? [String: Any])
    }

    /// Every sample as the journal's export has it, of a stream and of runs with a mark.
    func exported(_ stream: Int64, from: Int64, to: Int64, sessions: Set<Int64>) throws -> [ExportedSample] {
        var (cursor, found): (Int64, [ExportedSample]) = (0, [])
        let streams = try reader.streamsByID()
        while case let chunks = try reader.chunks(after: cursor, limit: 1000), let newest = chunks.last {
            for chunk in chunks where sessions.contains(chunk.session) {
                for block in reader.blocks(of: chunk, streams: streams) where block.stream == stream {
                    let (times, judgements) = (block.times, block.expandedJudgements)
                    for place in 0..<block.count where judgements[place].validity.carriesValue {
                        let utc = chunk.utc(at: times[place])
                        guard utc >= from, utc < to else { continue }
                        let text = streams[stream]?.json(bits: block.bits[place], text: nil).text ?? ""
                        found.append(ExportedSample(utc: utc, text: text))
                    }
                }
            }
            cursor = newest.id
        }
        return found
    }
}

struct ExportedSample {
    /// Unit: ns since 1970.
    let utc: Int64
    let text: String
}
