import DeviceModel
import Foundation
import GRDB
import JournalCoding

/// A journal made ready to be written: what is there found again, and what is missing or damaged named.
///
/// The newest file of each kind is gone on with only when all of it that matters can be read. Otherwise it keeps its
/// name, so that what is readable of it stays part of the record, and the next one is begun; only what is no database
/// any more is renamed.
struct JournalOpening {
    /// How far numbers go on beyond the last ones known when a file is gone or unreadable: nobody knows how many it
    /// had. Even.
    static let leap: Int64 = 1 << 30
    /// No number that this program gave is larger.
    private static let largest: Int64 = 1 << 60

    /// The file to go on with; `nil`: begin the next one.
    private(set) var samples: SampleStore?
    private(set) var events: EventStore
    /// All streams ever described, with their next numbers.
    private(set) var streams: [StreamDescriptor: (id: Int64, next: Int64)] = [:]
    /// The last commit; even.
    private(set) var newestChunk: Int64 = 0
    private(set) var newestSession: Int64 = 0
    /// The highest number a stream ever had, readable or not.
    private(set) var newestStream: Int64 = 0
    /// What happened to the journal, to be told as events.
    private(set) var incidents: [JournalIncident] = []
    /// Gaps that the leap made.
    private(set) var gaps: [SequenceGap] = []

    /// The identity under which the journal's content is delivered; `nil` when nothing tells it.
    let unit: String?
    /// Whether a host has written it before.
    let hasSessions: Bool

    /// The numbers of the last records, as the journal itself says; the uplink's books go their own way.
    struct Newest: Equatable {
        let chunk: Int64
        let session: Int64
        let event: Int64
    }

    let newest: Newest

    /// - Parameter mayWrite: whether the disk takes anything. Otherwise no file is gone on with: what is there is only
    ///   read.
    init(_ files: JournalFiles, mayWrite: Bool) throws {
        var incidents: [JournalIncident] = []
        let samplesFile: (store: SampleStore, state: State)?
        let eventsFile: EventStore?
        if mayWrite {
            samplesFile = try Self.newest(files, .samples, &incidents) { segment in
                let store = try SampleStore(files, segment)
                return (store: store, state: try store.read { try State($0) })
            }
        } else {
            samplesFile = nil
            try Self.read(files, .samples, &incidents) { _ = try State($0) }
        }
        let samplesDamaged = !incidents.isEmpty
        if mayWrite {
            eventsFile = try Self.newest(files, .events, &incidents) { try EventStore(files, $0) }
        } else {
            eventsFile = nil
            try Self.read(files, .events, &incidents) { _ = try EventStore.newest($0) }
        }
        // Of a file that is not gone on with, what can be read still counts.
        let state = samplesFile?.state ?? Self.newestReadable(files, .samples) { try State($0) } ?? State()
        let chain =
            eventsFile?.last ?? Self.newestReadable(files, .events) { try EventStore.newest($0) } ?? (
                id: 0, hash: EventRecord.noHash
            )

        let delivered = DeliveryBooks(journal: files.directory).summary()
        let eventsKnow =
            eventsFile.flatMap { file in try? file.read { try $0.about("chunks") } }
            ?? Self.newestReadable(files, .events) { try $0.about("chunks") ?? 0 }
        let knownChunk = Self.sane(max(eventsKnow ?? 0, delivered.furthest.chunk))
        let knownEvent = Self.sane(max(state.newestEvent, delivered.furthest.event))
        unit = state.unit ?? delivered.unit ?? Self.formerUnit(files)
        hasSessions = state.newestSession > 0
        let lacksSamples = state.newestChunk < knownChunk
        let lacksEvents = chain.id < knownEvent
        if lacksSamples { incidents.append(.gap(part: "samples", known: knownChunk, found: state.newestChunk)) }
        if lacksEvents { incidents.append(.gap(part: "events", known: knownEvent, found: chain.id)) }
        self.incidents = incidents
        newest = Newest(chunk: state.newestChunk, session: state.newestSession, event: chain.id)

        newestSession = max(state.newestSession, Self.sane(delivered.furthest.session))
        newestStream = state.newestStream
        newestChunk = (max(state.newestChunk, knownChunk) + 1) / 2 * 2
        let leaps = lacksSamples || samplesDamaged || state.isDamaged
        if leaps { newestChunk += Self.leap }
        for stream in state.streams {
            let next = leaps ? stream.next + Self.leap : stream.next
            streams[stream.descriptor] = (stream.id, next)
            if leaps {
                gaps.append(
                    SequenceGap(stream: stream.id, first: stream.next, next: next, cause: "file gone or damaged"))
            }
        }
        samples = leaps ? nil : samplesFile?.store
        let last = (id: max(chain.id, knownEvent), hash: chain.hash)
        if let eventsFile, !lacksEvents {
            events = eventsFile
        } else {
            events = mayWrite ? try EventStore(files, after: last) : try EventStore(files, waitingAfter: last)
        }
    }

    /// A number from a file, as far as it can be one.
    private static func sane(_ number: Int64) -> Int64 { (0...largest).contains(number) ? number : 0 }

    /// The largest number of a table's rows that can be one.
    private static func largestNumber(_ db: Database, of table: String) throws -> Int64 {
        try Int64.fetchOne(db, sql: "SELECT MAX(id) FROM \(table) WHERE id BETWEEN 0 AND \(largest)") ?? 0
    }

    /// The newest file of a kind, if it may be gone on with; `nil` without one, or when it is damaged, which is an
    /// incident.
    private static func newest<File>(
        _ files: JournalFiles, _ kind: JournalFiles.Kind, _ incidents: inout [JournalIncident],
        _ body: (JournalFiles.Segment) throws -> File
    ) throws -> File? {
        while let segment = files.segments(kind).last {
            if files.isBlank(segment) {
                JournalFiles.remove(segment)
                continue
            }
            do { return try body(segment) } catch {
                incidents.append(try incident(segment, error))
                return nil
            }
        }
        return nil
    }

    /// What becomes of a file that is not gone on with. One that is of another version, or that this user may not
    /// write, is put aside under another name, whole: it may come from a newer program or from root, and costs itself
    /// alone. Throws where it says nothing about the file: the disk is full.
    private static func incident(_ segment: JournalFiles.Segment, _ error: any Error) throws -> JournalIncident {
        if case JournalError.otherVersion(let found, _) = error {
            return .setAside(
                file: try JournalFiles.setAside(segment, as: ".version-\(found)"),
                reason: "it is of version \(found), which this program does not know")
        }
        if JournalFiles.companions.contains(where: { PlainFile.isForbidden(segment.path + $0, R_OK | W_OK) }) {
            return .setAside(
                file: try JournalFiles.setAside(segment, as: ".foreign"),
                reason: "this user may not read and write it: who it belongs to stands in “ls -l”")
        }
        guard JournalFailure(error) == .damaged else { throw error }
        guard JournalFailure.isNoDatabase(error) else {
            return .failed(file: segment.name, reason: JournalFailure.words(error))
        }
        return .setAside(file: try JournalFiles.setAside(segment), reason: JournalFailure.words(error))
    }

    /// Reads the newest file of a kind where nothing can be written; that it cannot be read is an incident.
    private static func read(
        _ files: JournalFiles, _ kind: JournalFiles.Kind, _ incidents: inout [JournalIncident],
        _ body: (Database) throws -> Void
    ) throws {
        guard let segment = files.segments(kind).last else { return }
        do { try files.openForReading(segment.path).read(body) } catch {
            incidents.append(.failed(file: segment.name, reason: JournalFailure.words(error)))
        }
    }

    /// Something from the newest file that tells it, opened to read only.
    private static func newestReadable<Value>(
        _ files: JournalFiles, _ kind: JournalFiles.Kind, _ body: (Database) throws -> Value
    ) -> Value? {
        for segment in files.segments(kind).reversed() {
            if let value = try? files.openForReading(segment.path).read(body) { return value }
        }
        return nil
    }

    /// What a version before 5 delivered under: the name that the unit had then.
    private static func formerUnit(_ files: JournalFiles) -> String? {
        newestReadable(files, .events) { db in
            try Row.fetchOne(
                db, sql: "SELECT * FROM events WHERE kind = ? ORDER BY id DESC LIMIT 1",
                arguments: [EventKind.hostStarted.name]
            ).map(EventRecord.init).flatMap { $0.isWhole ? $0.members["unit"] : nil }
        } ?? nil
    }

    /// What a file of samples says of itself.
    struct State {
        private(set) var streams: [(id: Int64, descriptor: StreamDescriptor, first: Int64, next: Int64)] = []
        private(set) var newestChunk: Int64 = 0
        private(set) var newestSession: Int64 = 0
        private(set) var unit: String?
        private(set) var newestStream: Int64 = 0
        private(set) var newestEvent: Int64 = 0
        /// Something of it is not as it was written, so that the last numbers are not known.
        private(set) var isDamaged = false

        init() {}

        /// The file's streams with their next numbers: those noted last, and what the chunks since then hold.
        init(_ db: Database) throws {
            var damaged = false
            streams = try StreamRow.all(db) { _ in damaged = true }
            unit = try SessionRow.all(db) { _ in damaged = true }.compactMap(\.unit).last
            guard let first = try db.about("first"), first == sane(first) else {
                throw BlockDamage("it does not say where it begins")
            }
            newestChunk = first - 1
            newestSession = try largestNumber(db, of: "sessions")
            newestStream = try largestNumber(db, of: "streams")
            newestEvent = try db.about("events") ?? 0
            var next: [Int64: Int64] = [:]
            let rows = try Row.fetchCursor(
                db, sql: "SELECT * FROM chunks WHERE id > ? ORDER BY id", arguments: [try db.about("sequences") ?? 0])
            while let row = try rows.next() {
                let chunk = JournalChunk(row)
                guard chunk.isWhole else {
                    damaged = true
                    continue
                }
                newestChunk = max(newestChunk, sane(chunk.id))
                // A damaged block keeps its place in the file for `verify` to name; its numbers are not known.
                for block in chunk.sequences(damaged: { damaged = true }) {
                    next[block.stream] = max(next[block.stream] ?? 0, block.next)
                }
            }
            newestChunk = max(newestChunk, try largestNumber(db, of: "chunks"))
            for index in streams.indices {
                streams[index].next = sane(max(streams[index].next, next[streams[index].id] ?? 0))
            }
            isDamaged = damaged
        }
    }
}

/// Something that happened to the journal itself, to be recorded in it.
package enum JournalIncident: Sendable, Equatable {
    /// A file is no database any more; it was renamed and is not tried again.
    case setAside(file: String, reason: String)
    /// A file was not written or not synced, or is damaged where it matters: it is left as it is, and a new one begun.
    case failed(file: String, reason: String)
    /// More was recorded or delivered than the journal has: it was deleted, or an older copy put in its place.
    case gap(part: String, known: Int64, found: Int64)
    /// The newest file was taken away under the running host, with what was in it.
    case gone(file: String)
    /// An old file whose content is delivered went away.
    case pruned(file: String, bytes: Int64, cause: String, isDelivered: Bool)
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
        switch Self.database(error)?.resultCode {
        case .SQLITE_FULL?: self = .full
        case .SQLITE_IOERR?, .SQLITE_CORRUPT?, .SQLITE_NOTADB?, .SQLITE_READONLY?, .SQLITE_ERROR?,
            .SQLITE_TOOBIG?:
            self = .damaged
        default: self = .other
        }
    }

    private static func database(_ error: any Error) -> DatabaseError? {
        if case .cannotCreate(_, _, let cause)? = error as? JournalError { return cause as? DatabaseError }
        return error as? DatabaseError
    }

    /// Whether the content of a file makes no sense, which will not pass. An input error may: what cannot be read for
    /// it is waited for, never passed over.
    static func isOfContent(_ error: any Error) -> Bool {
        if error is BlockDamage { return true }
        switch database(error)?.resultCode {
        case .SQLITE_CORRUPT?, .SQLITE_NOTADB?, .SQLITE_ERROR?, .SQLITE_TOOBIG?: return true
        default: return false
        }
    }

    static func isNoDatabase(_ error: any Error) -> Bool { database(error)?.resultCode == .SQLITE_NOTADB }

    /// The error in words, without any content.
    static func words(_ error: any Error) -> String {
        guard let error = database(error) else { return String(describing: error) }
        return switch error.resultCode {
        case .SQLITE_FULL: "the disk is full"
        case .SQLITE_IOERR: "the disk gives an error"
        case .SQLITE_CORRUPT: "its content makes no sense"
        case .SQLITE_NOTADB: "it is no database"
        case .SQLITE_READONLY, .SQLITE_PERM: "it may only be read"
        case .SQLITE_CANTOPEN: "it cannot be opened"
        case .SQLITE_BUSY, .SQLITE_LOCKED: "another process holds it"
        case .SQLITE_ERROR: "it is not built as this program builds it"
        default: "SQLite error \(error.extendedResultCode.rawValue)"
        }
    }
}
