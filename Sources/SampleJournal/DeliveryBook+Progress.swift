import Foundation
import GRDB

/// How a lane is, as its uplink noted it. Rates and times that are impossible are not known.
package struct LaneNote: Sendable, Hashable {
    /// More than any of them is: about thirty years. Unit: s, and resources a minute.
    static let most: Int64 = 1_000_000_000

    /// How old the oldest is that has not gone. Unit: s.
    package var behind: Int64?
    /// Resources of it that were stored, in all.
    package var stored: Int64?
    /// When the last of them was. Unit: ns since 1970.
    package var lastStored: Int64?
    /// Resources that were stored in the last minute.
    package var perMinute: Int64?
    /// Until what is left has gone, as it went lately. Unit: s.
    package var left: Int64?
    /// Why it last waited, and when. Unit: ns since 1970.
    package var error: String?
    package var errorTime: Int64?

    package init() {}
}

/// Progress, lane by lane.
extension DeliveryBook {
    private static func name(_ lane: DeliveryLane, _ what: String) -> String { "lane.\(lane.rawValue).\(what)" }

    /// Resources of a lane are stored there now.
    static func count(_ db: Database, _ lane: DeliveryLane, _ stored: Int) throws {
        guard stored > 0 else { return }
        try count(db, name(lane, "stored"), Int64(stored))
        try set(db, name(lane, "lastStored"), Int64(Date().timeIntervalSince1970 * 1e9))
    }

    private static func set(_ db: Database, _ name: String, _ value: Int64) throws {
        try db.execute(sql: "INSERT OR REPLACE INTO counters(name, value) VALUES (?, ?)", arguments: [name, value])
    }

    /// Why a lane waits now.
    package func note(_ lane: DeliveryLane, error: String, utc: Int64) throws {
        try queue.write { db in
            try db.execute(
                sql: "INSERT OR REPLACE INTO facts(name, value) VALUES (?, ?)",
                arguments: [Self.name(lane, "error"), error])
            try Self.set(db, Self.name(lane, "errorTime"), utc)
        }
    }

    /// How lanes go now; `nil` is not known.
    package func note(_ notes: [DeliveryLane: (behind: Int64, perMinute: Int64, left: Int64?)]) throws {
        try queue.write { db in
            for (lane, note) in notes {
                for (what, value) in [
                    ("behind", note.behind), ("perMinute", note.perMinute), ("left", note.left ?? -1),
                ] {
                    try Self.set(db, Self.name(lane, what), value)
                }
            }
        }
    }

    package func note(of lane: DeliveryLane) throws -> LaneNote {
        try queue.read { db in
            var note = LaneNote()
            let prefix = Self.name(lane, "")
            for row in try Row.fetchAll(
                db, sql: "SELECT name, value FROM counters WHERE name >= ? AND name < ?",
                arguments: [prefix, prefix + "\u{7F}"])
            {
                guard let value = row.integer("value"), value >= 0 else { continue }
                let bounded = value <= LaneNote.most ? value : nil
                switch row.text("name")?.dropFirst(prefix.count) {
                case "behind": note.behind = bounded
                case "stored": note.stored = value
                case "lastStored": note.lastStored = value
                case "perMinute": note.perMinute = bounded
                case "left": note.left = bounded
                case "errorTime": note.errorTime = value
                default: break
                }
            }
            note.error = try Self.fact(db, Self.name(lane, "error"))
            return note
        }
    }

    /// What a lane has before it: of events how many are to be looked at, of samples their time in s.
    package func backlog(_ lane: DeliveryLane, _ reader: JournalReader) throws -> Int64 {
        guard lane.isOfSamples else {
            return try missing(lane, through: reader.newestEvent()).reduce(0) {
                $0.addingSaturated($1.upperBound.subtractingReportingOverflow($1.lowerBound).partialValue)
                    .addingSaturated(1)
            }
        }
        let newest = try reader.newestChunk()
        func utc(after chunk: Int64) throws -> Int64? { try reader.chunks(after: chunk, limit: 1).first?.utc }
        guard let now = try utc(after: newest - 1) else { return 0 }
        let spans = try spans(lane)
        var total: Int64 = 0
        for (place, span) in spans.enumerated() {
            var end = now
            if place + 1 < spans.count {
                let next = spans[place + 1].begin
                end = try reader.chunk(before: next.window, session: next.session).flatMap(utc) ?? now
            }
            guard let begin = try utc(after: span.position.chunk) else { continue }
            total = total.addingSaturated(max(0, end.subtractingReportingOverflow(begin).partialValue))
        }
        return total / 1_000_000_000
    }
}
