package import DeviceModel
import Foundation
import GRDB

/// How much the journal may hold, and what may go when it holds more.
package struct JournalRetention: Sendable {
    /// What may be given up although it is not delivered.
    package enum Shed: String, Sendable, CaseIterable {
        /// The oldest waveforms.
        case waveforms
        /// The oldest of everything else.
        case numerics
    }

    /// Size of all files of the record. Unit: bytes.
    package var limit: Int64
    /// How long what is delivered is kept, where there is room; `nil`: as long as there is room. Unit: ns.
    package var keep: Int64?
    /// What is given up first, second …, when the limit is reached and nothing delivered is left to go.
    package var shed: [Shed]
    /// Whether an uplink has to acknowledge before anything goes; where the journal has a book of deliveries, that is
    /// so in any case.
    package var hasUplink: Bool

    package init(limit: Int64 = 8 << 30, keep: Int64? = nil, shed: [Shed] = [.waveforms], hasUplink: Bool = false) {
        self.limit = limit
        self.keep = keep
        self.shed = shed
        self.hasUplink = hasUplink
    }

    /// A file of samples is not made longer than about this: a sixteenth of the limit. Unit: bytes.
    var fileLimit: Int64 { min(max(limit / 16, 64 << 10), 128 << 20) }
}

extension JournalWriter {
    /// Lets go of what is old or too much: at most one file each time it is called, so that nothing waits long. What is
    /// delivered goes first; what is not, only in the declared order.
    ///
    /// - Parameters:
    ///   - now: the monotonic clock at this moment, and `utc` the wall clock at the same moment. Unit: ns.
    ///   - quality: of the wall clock.
    /// - Returns: whether the journal is within its limit now, or will be.
    package func maintain(now: Int64, utc: Int64, quality: ClockQuality) throws -> Bool {
        isShedding = false
        guard holdsJournal else { return true }
        try watchFiles()
        let acknowledged = acknowledgedPosition()
        if let keep = retention.keep {
            for kind in JournalFiles.Kind.allCases {
                guard let oldest = closedFiles(kind).first,
                    let age = age(of: oldest, now: now, utc: quality == .synchronised ? utc : nil), age > keep
                else { continue }
                if try pruneIfDelivered(oldest, acknowledged, cause: "age") { return true }
            }
        }
        guard files.size > retention.limit else { return true }
        for kind in JournalFiles.Kind.allCases {
            if let oldest = closedFiles(kind).first, try pruneIfDelivered(oldest, acknowledged, cause: "size") {
                return true
            }
        }
        for kind in retention.shed {
            switch kind {
            case .waveforms: isShedding = try shedWaveforms()
            case .numerics: isShedding = try shedOldest()
            }
            if isShedding { return true }
        }
        return false
    }

    private func closedFiles(_ kind: JournalFiles.Kind) -> [JournalFiles.Segment] {
        let current = kind == .samples ? samples.current : events.current
        return files.segments(kind).filter { $0.number < current.number }
    }

    /// Whether a records service has to acknowledge before anything goes: where there is a book, also when today's
    /// configuration names no uplink. What is undelivered is a fact of the journal.
    private var awaitsDelivery: Bool {
        retention.hasUplink || DeliveryBooks(journal: files.directory).areAny
    }

    /// The last chunk and the last event that nobody needs any more.
    private func acknowledgedPosition() -> (chunk: Int64, event: Int64) {
        guard awaitsDelivery else { return (.max, .max) }
        let summary = DeliveryBooks(journal: files.directory).summary()
        return summary.count == 0 ? (0, 0) : summary.stored
    }

    /// How old the newest record of a file is, where that is known; `nil` where it is not. Unit: ns.
    ///
    /// A record of this boot is as old as the monotonic clock says. Of another boot only the wall clock tells, and only
    /// where it was synchronised when the record was made and is now: a clock that was never set is no reason to throw
    /// anything away.
    private func age(of segment: JournalFiles.Segment, now: Int64, utc: Int64?) -> Int64? {
        let sql =
            segment.kind == .samples
            ? """
            SELECT c.utc, c.quality, c.end_ns AS monotonic, s.boot = ? AS ours FROM chunks c \
            LEFT JOIN sessions s ON s.id = c.session ORDER BY c.id DESC LIMIT 1
            """
            : "SELECT utc, quality, monotonic_ns AS monotonic, session = ? AS ours FROM events ORDER BY id DESC LIMIT 1"
        let owner = segment.kind == .samples ? session.bootID : sessionKey
        guard
            let row = try? files.openForReading(segment.path).read({
                try Row.fetchOne($0, sql: sql, arguments: [owner])
            })
        else { return nil }
        if row.integer("ours") == 1, let monotonic = row.integer("monotonic") { return now &- monotonic }
        guard let utc, row.integer("quality") == Int64(ClockQuality.synchronised.rawValue),
            let made = row.integer("utc")
        else { return nil }
        return utc &- made
    }

    /// A file ends where the next one begins, whatever can be read of it.
    private func pruneIfDelivered(
        _ segment: JournalFiles.Segment, _ acknowledged: (chunk: Int64, event: Int64), cause: String
    ) throws -> Bool {
        let next = files.segments(segment.kind).first { $0.number > segment.number }
        // What cannot be opened now may never have been read by anybody who was to deliver it.
        guard let next, (try? files.openForReading(segment.path)) != nil,
            let end = try? files.openForReading(next.path).read({ try $0.about("first") }),
            end &- 1 <= (segment.kind == .samples ? acknowledged.chunk : acknowledged.event)
        else { return false }
        let bytes = JournalFiles.size(of: segment)
        guard JournalFiles.remove(segment) else { return false }
        tell(.pruned(file: segment.name, bytes: bytes, cause: cause, isDelivered: awaitsDelivery))
        return true
    }

    /// Takes the waveforms out of the oldest closed file that has any, and gives their space back.
    private func shedWaveforms() throws -> Bool {
        for segment in closedFiles(.samples) where !samples.failed.contains(segment) {
            guard let queue = try? JournalFiles.openForWriting(segment.path) else { continue }
            let hasAny =
                (try? queue.read {
                    try Bool.fetchOne(
                        $0,
                        sql: "SELECT EXISTS(SELECT 1 FROM chunks WHERE content = "
                            + "2)")
                })
                ?? false
            let taken = hasAny ? try queue.write(Self.takeWaveforms) : (samples: 0, bytes: 0)
            // What was taken out is told at once; that its space could not be given back is a reason to try again here,
            // not to go on elsewhere.
            let isFree = (try? queue.read { try Int.fetchOne($0, sql: "PRAGMA freelist_count") ?? 0 }) ?? 0 > 0
            if taken.samples > 0 {
                tell(.shed(file: segment.name, content: "waveforms", samples: taken.samples, bytes: taken.bytes))
            }
            guard isFree || hasAny else { continue }
            try queue.vacuum()
            try queue.bringIn(.truncate)
            return true
        }
        return false
    }

    /// Returns the samples and the coded bytes that are gone now.
    private static func takeWaveforms(_ db: Database) throws -> (samples: Int64, bytes: Int64) {
        var taken: (samples: Int64, bytes: Int64) = (0, 0)
        let rows = try Row.fetchCursor(db, sql: "SELECT * FROM chunks WHERE content = 2")
        while let row = try rows.next() {
            let chunk = JournalChunk(row)
            taken.bytes += Int64(chunk.payload.count)
            for part in chunk.sequences() {
                taken.samples += part.next - part.first
                try SequenceGap(stream: part.stream, first: part.first, next: part.next, cause: "shed").insert(into: db)
            }
        }
        try db.execute(sql: "DELETE FROM chunks WHERE content = 2")
        return taken
    }

    /// Takes the oldest closed file away, delivered or not.
    private func shedOldest() throws -> Bool {
        guard let oldest = closedFiles(.samples).first else { return false }
        let count =
            (try? files.openForReading(oldest.path).read {
                try Int64.fetchOne($0, sql: "SELECT SUM(samples) FROM chunks")
            }) ?? 0
        let bytes = JournalFiles.size(of: oldest)
        guard JournalFiles.remove(oldest) else { return false }
        tell(.shed(file: oldest.name, content: "all", samples: count, bytes: bytes))
        return true
    }
}
