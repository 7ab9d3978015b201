import DeviceModel
import Foundation
import GRDB
import TestSupport

@testable import SampleJournal

/// A journal of several runs of the host with all that can befall a stream: samples without values, floats that are no
/// numbers, devices that pause, commits that are gone, declared or not, a wall clock that is set, files that rotate,
/// commits that are packed and such as are not.
struct RandomJournal {
    static let second: Int64 = 1_000_000_000
    static let utc: Int64 = 1_700_000_000_000_000_000

    static func stream(
        _ metric: String, _ form: ValueForm = .integer(.one), isWaveform: Bool = false, milliseconds: Int64 = 1000
    ) -> StreamDescriptor {
        StreamDescriptor(
            device: "monitor", vmd: nil, metric: metric, code: nil, unit: "1", form: form, isWaveform: isWaveform,
            periodNanoseconds: milliseconds * 1_000_000, profile: "test/test")
    }

    static let streams = [
        stream("wave", .integer(DecimalScale(multiplier: 1, exponent: -1)), isWaveform: true, milliseconds: 8),
        stream("down", .integer(DecimalScale(multiplier: -3, exponent: 0)), isWaveform: true, milliseconds: 20),
        stream("number"), stream("single", .float32), stream("double", .float64, milliseconds: 2000),
        stream("text", .text, milliseconds: 3000),
    ]

    private var random: SeededGenerator
    let directory: String
    private var levels = [Int64](repeating: 0, count: streams.count)
    /// When each stream has its next sample. Unit: ns of the monotonic clock.
    private var next: [Int64] = []
    private var pausedUntil = [Int64](repeating: 0, count: streams.count)
    private var judgement: [(Validity, Reason)] = Array(repeating: (.valid, .none), count: streams.count)

    init(_ directory: String, seed: UInt64, sessions: Int = 3, seconds: Int64 = 150) throws {
        (self.directory, random) = (directory, SeededGenerator(seed: seed))
        var start = Self.second
        for _ in 0..<sessions {
            let isEnded = Bool.random(using: &random)
            try write(from: start, seconds: seconds, isEnded: isEnded)
            start += (seconds + Int64.random(in: 1...100, using: &random)) * Self.second
        }
    }

    private mutating func write(from start: Int64, seconds: Int64, isEnded: Bool) throws {
        // Files of about 64 kB.
        let writer = try JournalWriter(
            directory: directory, bootID: "boot", now: start, utc: start + Self.utc,
            retention: JournalRetention(limit: 1))
        let places = try writer.register(Self.streams)
        next = Self.streams.map { start + Int64.random(in: 0..<$0.periodNanoseconds, using: &random) }
        var offset = Self.utc
        for step in 1...(seconds * 4) {
            let now = start + step * Self.second / 4
            for place in places.indices { fill(writer, place, places[place], upTo: now) }
            if Int.random(in: 0..<200, using: &random) == 0 {
                offset += Int64.random(in: -20...60, using: &random) * Self.second
            }
            try writer.commit(now: now, utc: now + offset, quality: .synchronised, heartbeat: true)
            if step % 8 == 0 { try writer.tidy(now: now) }
        }
        let end = start + seconds * Self.second
        if isEnded { try writer.finish(now: end, utc: end + offset, quality: .synchronised) }
    }

    private mutating func fill(_ writer: JournalWriter, _ place: Int, _ stream: Int, upTo now: Int64) {
        let descriptor = Self.streams[place]
        while next[place] < now {
            let time = next[place]
            next[place] += descriptor.periodNanoseconds
            // Rarely, but several times in each run, a device pauses, or its samples have no values for a while.
            let dice = Int.random(in: 0..<Int(30 * Self.second / descriptor.periodNanoseconds), using: &random)
            if dice == 0 { pausedUntil[place] = time + Int64.random(in: 1...9, using: &random) * Self.second }
            if dice < 3 {
                judgement[place] =
                    [
                        (.valid, .none), (.questionable, .deviceStatus), (.notAvailable, .disconnected),
                        (.invalid, .implausible), (.invalid, .sentinel), (.valid, .none), (.overflow, .none),
                    ].randomElement(using: &random) ?? (.valid, .none)
            }
            guard time >= pausedUntil[place] else { continue }
            levels[place] += Int64.random(in: -9...9, using: &random)
            var record = SampleRecord(
                kind: .sample, index: 0, monotonicNanoseconds: time, bits: bits(place),
                validity: judgement[place].0, reason: judgement[place].1)
            if descriptor.form == .text { _ = record.setText(Array("\(levels[place])".utf8)) }
            writer.append(record, stream: stream)
        }
    }

    private mutating func bits(_ place: Int) -> Int64 {
        let isNumber = Int.random(in: 0..<9, using: &random) > 0
        let value = isNumber ? Double(levels[place]) / 4 : [.nan, .infinity, -.infinity].randomElement(using: &random)!
        switch Self.streams[place].form {
        case .float32: return Int64(Float(value).bitPattern)
        case .float64: return Int64(bitPattern: value.bitPattern)
        default: return levels[place]
        }
    }

    // MARK: Damage

    private func files() throws -> [DatabaseQueue] {
        try JournalFiles(directory: directory).segments(.samples).map { try JournalFiles.openForWriting($0.path) }
    }

    /// Takes chunks away, and declares the numbers of some.
    mutating func lose(_ count: Int) throws {
        for _ in 0..<count {
            guard let file = try files().randomElement(using: &random) else { return }
            try file.write { db in
                guard let row = try Row.fetchAll(db, sql: "SELECT * FROM chunks").randomElement(using: &random) else {
                    return
                }
                let chunk = JournalChunk(row)
                if Bool.random(using: &random) {
                    for part in chunk.sequences() {
                        try SequenceGap(stream: part.stream, first: part.first, next: part.next, cause: "shed")
                            .insert(into: db)
                    }
                }
                try db.execute(sql: "DELETE FROM chunks WHERE id = ?", arguments: [chunk.id])
            }
        }
    }

    /// Changes a byte in some blocks, which their checksums tell.
    mutating func damage(_ count: Int) throws {
        for _ in 0..<count {
            guard let file = try files().randomElement(using: &random) else { return }
            try file.write { db in
                guard let row = try Row.fetchAll(db, sql: "SELECT * FROM chunks").randomElement(using: &random),
                    var payload = row.bytes("payload"), payload.count > 40
                else { return }
                // Behind the header of the first block, before its checksum.
                payload[12] ^= 0x10
                try db.execute(
                    sql: "UPDATE chunks SET payload = ? WHERE id = ?", arguments: [Data(payload), row.integer("id")])
            }
        }
    }
}
