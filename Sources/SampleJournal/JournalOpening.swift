import DeviceModel
import Foundation
import GRDB

/// A journal made ready to be written: the newest files opened, what was there found again, and what is missing named.
struct JournalOpening {
    /// How far numbers go on beyond the last ones known when a file is gone or unreadable: nobody knows how many it had.
    static let leap: Int64 = 1 << 30

    let samples: SampleStore
    let events: EventStore
    /// All streams ever described, with their next numbers.
    var streams: [StreamDescriptor: (id: Int64, next: Int64)] = [:]
    var newestChunk: Int64 = 0
    var newestSession: Int64 = 0
    /// The highest number a stream ever had, readable or not.
    var newestStream: Int64 = 0
    /// What happened to the journal, to be told as events.
    var incidents: [JournalIncident] = []
    /// Gaps that the leap made.
    var gaps: [SequenceGap] = []

    init(_ files: JournalFiles) throws {
        var incidents: [JournalIncident] = []
        events = try Self.open(files, .events, &incidents) { try EventStore(files, $0) }
        let eventsWereSetAside = !incidents.isEmpty
        let setAside = incidents.count
        samples = try Self.open(files, .samples, &incidents) { segment in
            let store = try SampleStore(files, segment)
            // What cannot be read to its end is not written any further.
            _ = try store.read { db in try Self.state(of: db) }
            return store
        }
        let samplesWereSetAside = incidents.count > setAside
        self.incidents = incidents
        try recover(files, samplesWereSetAside: samplesWereSetAside, eventsWereSetAside: eventsWereSetAside)
    }

    /// Opens the newest file of a kind that can be opened. What cannot is set aside.
    private static func open<Store>(
        _ files: JournalFiles, _ kind: JournalFiles.Kind, _ incidents: inout [JournalIncident], _ body: (JournalFiles.Segment) throws -> Store
    ) throws -> Store {
        while true {
            let segment = files.segments(kind).last ?? files.segment(kind, 1)
            do {
                return try body(segment)
            } catch {
                // A full disk, a missing right or another version says nothing about the file.
                guard JournalFailure(error) == .damaged, FileManager.default.fileExists(atPath: segment.path) else { throw error }
                incidents.append(.setAside(file: JournalFiles.setAside(segment), reason: JournalFailure.words(error)))
            }
        }
    }

    /// What a file of samples says of itself.
    private struct State {
        var streams: [(id: Int64, descriptor: StreamDescriptor, first: Int64, next: Int64)] = []
        var first: Int64?
        var newestChunk: Int64 = 0
        var newestSession: Int64 = 0
        var newestStream: Int64 = 0
        var newestEvent: Int64 = 0
    }

    /// The file's streams with their next numbers: those noted last, and what the chunks since then hold.
    private static func state(of db: Database) throws -> State {
        var state = State()
        state.streams = try StreamRow.all(db)
        state.first = try db.about("first")
        state.newestChunk = max(try Int64.fetchOne(db, sql: "SELECT MAX(id) FROM chunks") ?? 0, (state.first ?? 1) - 1)
        state.newestSession = try Int64.fetchOne(db, sql: "SELECT MAX(id) FROM sessions") ?? 0
        state.newestStream = try Int64.fetchOne(db, sql: "SELECT MAX(id) FROM streams") ?? 0
        state.newestEvent = try db.about("events") ?? 0
        var next: [Int64: Int64] = [:]
        let rows = try Row.fetchCursor(db, sql: "SELECT * FROM chunks WHERE id > ? ORDER BY id", arguments: [try db.about("sequences") ?? 0])
        while let row = try rows.next() {
            // A damaged block keeps its place in the file for `verify` to name; its numbers are not known.
            for block in JournalChunk(row).sequences { next[block.stream] = max(next[block.stream] ?? 0, block.next) }
        }
        for index in state.streams.indices { state.streams[index].next = max(state.streams[index].next, next[state.streams[index].id] ?? 0) }
        return state
    }

    /// The next numbers of the streams of a file, by their names in it; for tests.
    static func nextSequences(_ db: Database) throws -> [Int64: Int64] {
        Dictionary(try state(of: db).streams.map { ($0.id, $0.next) }, uniquingKeysWith: max)
    }

    private mutating func recover(_ files: JournalFiles, samplesWereSetAside: Bool, eventsWereSetAside: Bool) throws {
        let state = try samples.read { try Self.state(of: $0) }
        let delivered = try? DeliveryStore(directory: files.directory, readOnly: true)
        let position = try? delivered?.samplePosition()
        let knownChunk = max(try events.read { try $0.about("chunks") ?? 0 }, position?.chunk ?? 0)
        let knownEvent = max(state.newestEvent, (try? delivered?.eventPosition()) ?? 0)
        let lacksSamples = state.newestChunk < knownChunk
        let lacksEvents = events.last.id < knownEvent
        if lacksSamples { incidents.append(.gap(part: "samples", known: knownChunk, found: state.newestChunk)) }
        if lacksEvents { incidents.append(.gap(part: "events", known: knownEvent, found: events.last.id)) }

        newestStream = state.newestStream
        newestSession = max(state.newestSession, position?.session ?? 0)
        newestChunk = max(state.newestChunk, knownChunk)
        let leaps = lacksSamples || samplesWereSetAside
        if leaps { newestChunk += Self.leap }
        for stream in state.streams {
            let next = leaps ? stream.next + Self.leap : stream.next
            streams[stream.descriptor] = (stream.id, next)
            if leaps { gaps.append(SequenceGap(stream: stream.id, first: stream.next, next: next, cause: "file gone")) }
        }
        if lacksEvents || eventsWereSetAside { try events.begin(atLeast: knownEvent + 1, isTrusted: true) }
        needsNewFile = leaps && state.first != nil
        if state.first == nil { try samples.write { try $0.note("first", newestChunk + 1) } }
    }

    /// Whether the newest file of samples may not be gone on with: its numbers end before others that were given.
    private(set) var needsNewFile = false
}

/// Something that happened to the journal itself, to be recorded in it.
public enum JournalIncident: Sendable, Equatable {
    /// A file cannot be opened; it was renamed and is not tried again.
    case setAside(file: String, reason: String)
    /// A file was not written or not synced: it is left as it is, and a new one begun.
    case failed(file: String, reason: String)
    /// More was recorded or delivered than the journal has: it was deleted, or an older copy put in its place.
    case gap(part: String, known: Int64, found: Int64)
    /// An old file whose content is delivered went away.
    case pruned(file: String, bytes: Int64, cause: String)
    /// Something that was not delivered went away, because the journal is at its limit.
    case shed(file: String, content: String, samples: Int64, bytes: Int64)
}

/// What an error of the database says about its file.
enum JournalFailure: Equatable {
    /// No room: the file is whole, and later there may be room again.
    case full
    /// A write or a sync failed, or the content makes no sense: nothing more is to be written there.
    case damaged
    /// Something else; the file is not to blame.
    case other

    init(_ error: any Error) {
        if error is BlockDamage {
            self = .damaged
            return
        }
        guard let error = error as? DatabaseError else {
            if case .cannotCreate(_, _, let cause)? = error as? JournalError {
                self = cause.map { JournalFailure($0) } ?? .other
            } else {
                self = .other
            }
            return
        }
        switch error.resultCode {
        case .SQLITE_FULL: self = .full
        case .SQLITE_IOERR, .SQLITE_CORRUPT, .SQLITE_NOTADB, .SQLITE_READONLY, .SQLITE_ERROR: self = .damaged
        default: self = .other
        }
    }

    /// The error in words, without any content.
    static func words(_ error: any Error) -> String {
        if let error = error as? DatabaseError { return error.message ?? "SQLite error \(error.extendedResultCode.rawValue)" }
        return String(describing: error)
    }
}
