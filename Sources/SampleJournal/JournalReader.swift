package import DeviceModel
import Foundation
import GRDB
import JournalCoding
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
    static func told<Value>(_ file: OpenFile, _ body: (Database) throws -> Value) throws -> Value? {
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
}
