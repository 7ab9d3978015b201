import Crypto
package import DeviceModel
import Foundation
import GRDB

/// Something that happened: an alert, a device coming or going, a gap, the host's start and stop.
package struct EventRecord: Sendable {
    /// Number in the journal, from 1 without holes.
    package let id: Int64
    /// The key of the host's session.
    package let session: String
    /// Unit: ns of the monotonic clock.
    package let monotonicNanoseconds: Int64
    /// Unit: ns since 1970-01-01T00:00:00Z.
    package let utc: Int64
    package let quality: ClockQuality
    package let device: String?
    /// What happened, such as `alertStart`.
    package let kind: String
    /// Further members, a JSON object.
    package let body: String
    /// SHA-256 over the hash before it and this record: no record can be changed, taken out or put in without all later
    /// ones showing it.
    package let hash: [UInt8]
    /// Whether the row is as it was written. The chain says that of all records together, this of one without the
    /// others.
    package private(set) var isWhole = true

    static let noHash = [UInt8](repeating: 0, count: 32)

    /// The hash that this record must have after the one before it.
    func expectedHash(after previous: [UInt8]) -> [UInt8] {
        var digest = SHA256()
        digest.update(data: previous)
        // Lengths before texts: no two different records can give the same bytes.
        for part in [
            "\(id)", session, "\(monotonicNanoseconds)", "\(utc)", "\(quality.rawValue)", device ?? "", kind, body,
        ] {
            digest.update(data: Data("\(part.utf8.count):".utf8))
            digest.update(data: Data(part.utf8))
        }
        return Array(digest.finalize())
    }

    var checksum: Int64 {
        RowChecksum.compute([
            "\(id)", session, "\(monotonicNanoseconds)", "\(utc)", "\(quality.rawValue)", device ?? "–", kind, body,
            "\(hash)",
        ])
    }

    func with(hash: [UInt8]) -> EventRecord {
        EventRecord(
            id: id, session: session, monotonicNanoseconds: monotonicNanoseconds, utc: utc, quality: quality,
            device: device, kind: kind,
            body: body, hash: hash)
    }

    /// The documented JSON line. The body's members follow as they were written.
    package var line: String {
        let head = JSON.members([
            "event": .string(kind), "device": device.map(JSON.string), "time": .string(UTCTime.text(nanoseconds: utc)),
            "monotonicNanoseconds": .integer(monotonicNanoseconds), "clock": .string(quality.word),
            "sequence": .integer(id),
        ]).text
        return body.count <= 2 ? head : "\(head.dropLast()),\(body.dropFirst())"
    }
}

extension EventRecord {
    /// The body's members, each as text; empty where the body is no object.
    package var members: [String: String] {
        (try? JSONSerialization.jsonObject(with: Data(body.utf8)) as? [String: Any])?.mapValues { "\($0)" } ?? [:]
    }

    /// What it says, as far as this host knows its name.
    package var recorded: RecordedEvent { RecordedEvent(name: kind, device: device, members: members) }
}

extension EventRecord {
    /// An event as a file has it.
    init(_ row: Row) {
        self.init(
            id: row.integer("id") ?? 0, session: row.text("session") ?? "",
            monotonicNanoseconds: row.integer("monotonic_ns") ?? 0,
            utc: row.integer("utc") ?? 0,
            quality: row.integer("quality").flatMap { UInt8(exactly: $0) }.flatMap(ClockQuality.init) ?? .unknown,
            device: row.text("device"), kind: row.text("kind") ?? "", body: row.text("body") ?? "{}",
            hash: row.bytes("hash") ?? [])
        isWhole = row.integer("checksum") == checksum
    }
}
