package import DeviceModel
import Foundation
import GRDB
package import JournalCoding
import Synchronization

/// A stream as the journal knows it.
package struct JournalStream: Sendable {
    package let id: Int64
    package let descriptor: StreamDescriptor
}

/// One run of the host.
package struct JournalSession: Sendable {
    package let id: Int64
    package let key: String
    package let bootID: String
    /// Unit: ns of the monotonic clock.
    package let started: Int64
    /// Whether the host ended it; a killed host does not.
    package let isEnded: Bool
    /// The unit's identity, part of the names of all that is delivered of the session; `nil` before version 5.
    package let unit: String?
    /// The length of its delivery windows; `nil` before version 5. Unit: ns.
    package let window: Int64?
    /// How its samples are put together when they are delivered; `nil` before version 6.
    package let form: DeliveryForm?
}

/// How a session's samples are put together when they are delivered. What was delivered in one form is delivered in it
/// for ever: the same numbers under other names would stand there twice. Raw values are stored.
package enum DeliveryForm: Int64, Sendable {
    /// A run ends with each change between good and questionable; so it was before version 6.
    case plain = 1
    /// Good and questionable values have runs beside one another, a run is of one quality of the clock, and the newest
    /// value of each run of numbers goes as a quantity too.
    case sorted = 2
}

/// Reads a journal, beside its writer or alone. Never writes, never checkpoints.
///
/// The numbered files are one record: each goes up to where the next one begins. A file that is damaged where it begins
/// is left out here; ``verify()`` names it.
package final class JournalReader: Sendable {
    /// A file that is open.
    struct OpenFile: Sendable {
        let segment: JournalFiles.Segment
        /// The number of its first chunk or event.
        let first: Int64
        let queue: DatabaseQueue
    }

    /// Payload that is read at once, at least one chunk. Unit: bytes.
    private static let batchBytes = 512 << 10

    package let files: JournalFiles
    private let opened = Mutex<[JournalFiles.Segment: OpenFile]>([:])

    /// Throws ``JournalError``, with what to do.
    package init(directory: String) throws {
        files = JournalFiles(directory: directory)
        if PlainFile.isForbidden(directory, R_OK | X_OK) { throw JournalError.mayNotBeRead(path: directory) }
        guard !files.segments(.samples).isEmpty || !files.segments(.events).isEmpty else {
            if FileManager.default.fileExists(atPath: "\(directory)/samples.sqlite") {
                throw JournalError.otherVersion(found: 1, known: JournalFiles.version)
            }
            throw JournalError.notAJournal(directory: directory)
        }
    }

    /// The files of a kind that can be read now, oldest first.
    ///
    /// - Parameter unreadable: is told of each other one.
    func open(_ kind: JournalFiles.Kind, unreadable: (JournalFiles.Segment, any Error) -> Void = { _, _ in }) throws
        -> [OpenFile]
    {
        let segments = files.segments(kind)
        return try opened.withLock { opened in
            for gone in opened.keys where gone.kind == kind && !segments.contains(gone) { opened[gone] = nil }
            for segment in segments where opened[segment] == nil {
                do {
                    let queue = try files.openForReading(segment.path)
                    guard let first = try queue.read({ try $0.about("first") }) else {
                        throw BlockDamage("it does not say where it begins")
                    }
                    opened[segment] = OpenFile(segment: segment, first: first, queue: queue)
                } catch let error as JournalError {
                    // The newest one may be just being made, and any may just have gone.
                    if case .otherVersion(found: 0, _) = error, segment == segments.last { continue }
                    if case .notAJournal = error { continue }
                    // That is not the file's fault, and nothing may be concluded from the rest.
                    if case .mayNotBeRead = error { throw error }
                    unreadable(segment, error)
                } catch {
                    // Only what is damaged is left out: what cannot be opened now is waited for, not passed over.
                    guard JournalFailure.isOfContent(error) else { throw error }
                    unreadable(segment, error)
                }
            }
            return segments.compactMap { opened[$0] }.sorted { $0.first < $1.first }
        }
    }

    /// The files that have something after a number, each with the number before which it ends.
    func open(_ kind: JournalFiles.Kind, after id: Int64) throws -> [(file: OpenFile, end: Int64)] {
        let all = try open(kind)
        return all.indices.compactMap { index in
            let end = index + 1 < all.count ? all[index + 1].first : .max
            return end &- 1 > id ? (all[index], end) : nil
        }
    }

    /// What a file says, or `nil` when it is damaged there: no file costs another.
    private static func told<Value>(_ file: OpenFile, _ body: (Database) throws -> Value) throws -> Value? {
        do { return try file.queue.read(body) } catch {
            guard JournalFailure.isOfContent(error) else { throw error }
            return nil
        }
    }

    /// Rows of a file from a number on. Where a page is damaged, those behind it: what can be read is read, `verify()`
    /// names the rest.
    static func readable<Element>(
        _ file: OpenFile, after id: Int64, end: Int64, _ fetch: (Database, Int64, inout [Element]) throws -> Void
    ) throws -> [Element] {
        /// What can be read after a number; `nil` when nothing can, because of damage.
        func attempt(_ start: Int64) throws -> [Element]? {
            var found: [Element] = []
            do {
                try file.queue.read { try fetch($0, start, &found) }
                return found
            } catch {
                guard JournalFailure.isOfContent(error) else { throw error }
                return found.isEmpty ? nil : found
            }
        }
        if let found = try attempt(id) { return found }
        // Doubling steps find a place behind the damage, halving ones its end.
        var (bad, step) = (id, Int64(1))
        while step <= JournalOpening.leap, bad < end &- step {
            if try attempt(bad &+ step) != nil { break }
            (bad, step) = (bad &+ step, step * 2)
        }
        guard var best = try attempt(bad &+ step), step <= JournalOpening.leap else { return [] }
        var good = bad &+ step
        while good &- bad > 1 {
            let middle = bad &+ (good &- bad) / 2
            if let found = try attempt(middle) { (good, best) = (middle, found) } else { bad = middle }
        }
        return best
    }

    // MARK: Descriptions

    package func streams() throws -> [JournalStream] {
        try streamsByID().sorted { $0.key < $1.key }.map { JournalStream(id: $0.key, descriptor: $0.value) }
    }

    /// The streams' descriptors by the numbers that blocks carry.
    package func streamsByID() throws -> [Int64: StreamDescriptor] {
        var streams: [Int64: StreamDescriptor] = [:]
        for file in try open(.samples) {
            for stream in try Self.told(file, { try StreamRow.all($0) }) ?? [] {
                streams[stream.id] = stream.descriptor
            }
        }
        return streams
    }

    package func sessions() throws -> [JournalSession] {
        var sessions: [Int64: JournalSession] = [:]
        for file in try open(.samples) {
            for session in try Self.told(file, { try SessionRow.all($0) }) ?? [] {
                sessions[session.id] = session.isEnded ? session : sessions[session.id] ?? session
            }
        }
        return sessions.values.sorted { $0.id < $1.id }
    }

    /// The identity under which the journal's content is delivered; `nil` before version 5.
    package func unit() throws -> String? { try sessions().compactMap(\.unit).last }

    // MARK: Samples

    /// Which samples are wanted. Without anything: all.
    package struct Selection: Sendable {
        /// The device's handle.
        package var device: String?
        /// The metric's reference identifier.
        package var metric: String?
        /// From this wall-clock time on, and before that. Unit: ns since 1970.
        package var from: Int64 = .min
        package var to: Int64 = .max

        package init(device: String? = nil, metric: String? = nil, from: Int64 = .min, to: Int64 = .max) {
            (self.device, self.metric, self.from, self.to) = (device, metric, from, to)
        }

        func takes(_ event: EventRecord) -> Bool {
            (device == nil || device == event.device) && event.utc >= from && event.utc < to
        }

        func takes(_ stream: StreamDescriptor) -> Bool {
            device ?? stream.device == stream.device && metric ?? stream.metric == stream.metric
        }
    }

    /// The chunks after one, in the order of their commits: at most `limit`, and not many bytes at once.
    ///
    /// A cursor is a chunk's number. It stays good when commits are packed: the chunk that takes their place has the
    /// number of the last of them, and a reader who had read some of them meets their samples again, with the same
    /// numbers.
    ///
    /// - Parameters:
    ///   - without: leave out packed chunks of this content.
    ///   - from: without chunks that end before this wall-clock time, and `to`: that begin at or after it. Unit: ns
    ///     since 1970.
    package func chunks(
        after id: Int64, limit: Int, without: JournalChunk.Content? = nil, from: Int64 = .min, to: Int64 = .max
    ) throws -> [JournalChunk] {
        var chunks: [JournalChunk] = []
        var bytes = 0
        for (file, end) in try open(.samples, after: id) {
            chunks += try Self.readable(file, after: id, end: end) { db, start, found in
                let rows = try Row.fetchCursor(
                    db,
                    sql: """
                        SELECT * FROM chunks WHERE id > ? AND id < ? AND content IS NOT ? AND utc < ? AND utc + \
                        (end_ns - base_ns) >= ? ORDER BY id LIMIT ?
                        """, arguments: [start, end, without?.rawValue, to, from, limit - chunks.count])
                while bytes < Self.batchBytes, let row = try rows.next() {
                    let chunk = JournalChunk(row)
                    // A damaged row may say anything: it moves no cursor, and `verify` names it.
                    guard chunk.isWhole, chunk.id > found.last?.id ?? start else { continue }
                    bytes += chunk.payload.count
                    found.append(chunk)
                }
            }
            if chunks.count >= limit || bytes >= Self.batchBytes { break }
        }
        return chunks
    }

    /// How far the wall clock was from the monotonic one when the wall clock was first known in a session; `nil` while
    /// it never was. Unit: ns.
    ///
    /// - Parameter after: chunks up to this one are known to say nothing.
    package func clockOffset(session: Int64, after: Int64 = 0) throws -> Int64? {
        for (file, end) in try open(.samples, after: after) {
            let found = try Self.told(file) { db in
                try Row.fetchAll(
                    db,
                    sql: "SELECT * FROM chunks WHERE id > ? AND id < ? AND session = ? AND quality > 0 ORDER BY id "
                        + "LIMIT 4", arguments: [after, end, session]
                ).map(JournalChunk.init).first(where: \.isWhole)
            }
            if let chunk = found ?? nil { return chunk.utc &- chunk.base }
        }
        return nil
    }

    /// The number before the first chunk of a session that reaches up to a time; `nil` when there is none. Unit: ns of
    /// the monotonic clock.
    package func chunk(before time: Int64, session: Int64) throws -> Int64? {
        for (file, end) in try open(.samples, after: 0) {
            let found = try Self.told(file) { db in
                try Int64.fetchOne(
                    db, sql: "SELECT MIN(id) FROM chunks WHERE session = ? AND end_ns >= ? AND id < ?",
                    arguments: [session, time, end])
            }
            // No cursor stands between the waveforms of a packed span, whose number is odd, and the rest.
            if let first = found ?? nil { return (first - 1) & ~1 }
        }
        return nil
    }

    /// Whether files of samples are gone that there were: delivered and let go, or lost.
    package func hasLetGoOfSamples() throws -> Bool { try open(.samples).first.map { $0.first > 1 } ?? false }

    /// The number of the newest chunk; 0 when there is none.
    package func newestChunk() throws -> Int64 {
        for file in try open(.samples).reversed() {
            if let newest = try Self.told(file, { try Int64.fetchOne($0, sql: "SELECT MAX(id) FROM chunks") ?? 0 }),
                newest > 0
            {
                return newest
            }
        }
        return 0
    }

    /// The blocks of a chunk. A damaged block is left out and given to `damaged`.
    package func blocks(
        of chunk: JournalChunk, streams: [Int64: StreamDescriptor], damaged: (BlockDamage) -> Void = { _ in }
    ) -> [SampleBlock] {
        chunk.blocks(isText: { streams[$0]?.form == .text }, damaged: damaged)
    }

    /// Whether a chunk has a stream that is not among these: one described since they were read.
    package func hasStream(_ chunk: JournalChunk, besides streams: [Int64: StreamDescriptor]) -> Bool {
        chunk.hasStream(besides: streams)
    }

    // MARK: Events

    /// The events after one, oldest first, at most `limit`.
    package func events(after id: Int64, limit: Int) throws -> [EventRecord] {
        var events: [EventRecord] = []
        for (file, end) in try open(.events, after: id) where events.count < limit {
            events += try Self.readable(file, after: id, end: end) { db, start, found in
                let rows = try Row.fetchCursor(
                    db, sql: "SELECT * FROM events WHERE id > ? AND id < ? ORDER BY id LIMIT ?",
                    arguments: [start, end, limit - events.count])
                while let row = try rows.next() {
                    let event = EventRecord(row)
                    if event.isWhole, event.id > found.last?.id ?? start { found.append(event) }
                }
            }
        }
        return events
    }

    /// The last events of a range of numbers, oldest first, at most `limit`.
    package func lastEvents(in range: ClosedRange<Int64>, limit: Int) throws -> [EventRecord] {
        var events: [EventRecord] = []
        for (file, end) in try open(.events, after: range.lowerBound - 1).reversed() where events.count < limit {
            let last = min(range.upperBound, end &- 1)
            guard last >= range.lowerBound else { continue }
            let found = try Self.told(file) { db in
                try Row.fetchAll(
                    db, sql: "SELECT * FROM events WHERE id BETWEEN ? AND ? ORDER BY id DESC LIMIT ?",
                    arguments: [range.lowerBound, last, limit - events.count]
                ).map(EventRecord.init).filter(\.isWhole)
            }
            // Where a page is damaged, what can be read of the file from its beginning on.
            let readable =
                try found?.reversed()
                ?? Self.readable(file, after: range.lowerBound - 1, end: last + 1) { db, start, found in
                    let rows = try Row.fetchCursor(
                        db, sql: "SELECT * FROM events WHERE id > ? AND id <= ? ORDER BY id", arguments: [start, last])
                    while let row = try rows.next() {
                        let event = EventRecord(row)
                        if event.isWhole, event.id > found.last?.id ?? start { found.append(event) }
                    }
                }
            events = readable.suffix(limit - events.count) + events
        }
        return events
    }

    /// The number of the newest event; 0 when there is none.
    package func newestEvent() throws -> Int64 {
        for file in try open(.events).reversed() {
            if let newest = try Self.told(file, { try Int64.fetchOne($0, sql: "SELECT MAX(id) FROM events") ?? 0 }),
                newest > 0
            {
                return newest
            }
        }
        return 0
    }

    /// The events of some kinds after one, oldest first, at most `limit`.
    package func events(of kinds: [EventKind], after id: Int64, limit: Int) throws -> [EventRecord] {
        try events(named: kinds.map(\.name), after: id, limit: limit)
    }

    /// The same of names, which may be those of a younger host.
    package func events(named names: [String], after id: Int64, limit: Int) throws -> [EventRecord] {
        let places = names.map { _ in "?" }.joined(separator: ", ")
        var events: [EventRecord] = []
        for (file, end) in try open(.events, after: id) where events.count < limit {
            events += try Self.readable(file, after: id, end: end) { db, start, found in
                let rows = try Row.fetchCursor(
                    db, sql: "SELECT * FROM events WHERE id > ? AND id < ? AND kind IN (\(places)) ORDER BY id LIMIT ?",
                    arguments: [start, end] + StatementArguments(names) + [limit - events.count])
                while let row = try rows.next() {
                    let event = EventRecord(row)
                    if event.isWhole, event.id > found.last?.id ?? start { found.append(event) }
                }
            }
        }
        return events
    }
}
