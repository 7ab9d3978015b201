package import DeviceModel
import Foundation
import GRDB
import JournalCoding

/// The one writer of a journal. It belongs to one thread at a time.
///
/// Samples wait in buffers until a commit, events are committed at once. A file that fails (a write, a sync, its
/// content) is left as it is and never trusted again: a new one is begun, and what was not known to be committed is
/// written there with the same numbers. A full disk keeps samples in memory, while events use the reserve.
package final class JournalWriter {
    /// The most that is held in memory while the disk takes nothing: about half an hour of eight beds. Unit: bytes.
    private static let unwrittenLimit = 16 << 20
    /// How often it is looked whether commits can be packed. Unit: ns.
    private static let packEvery = SampleStore.span / 4
    /// Commits between two notes of the streams' numbers.
    private static let noteEvery: Int64 = 256

    package let files: JournalFiles
    package let sessionKey: String
    let samples: SampleStore
    let events: EventStore
    let retention: JournalRetention
    private let lock: JournalLock
    let session: JournalSession
    private let startedUTC: Int64
    private let foundAtStart: JournalOpening.Newest
    var buffers: [StreamBuffer] = []
    private var queue = StreamQueue()
    /// The next number of each stream that is durable.
    var durableNext: [Int64]
    private var known: [StreamDescriptor: (id: Int64, next: Int64)]
    private var newestStream: Int64
    private var nextChunk: Int64
    var unwritten: [JournalChunk] = []
    private var pendingGaps: [SequenceGap]
    private var lastPack: Int64
    private var lastNoted: Int64
    private var reserve: JournalReserve
    let samplesTrust = FileTrust()
    let eventsTrust = FileTrust()
    private var incidents: [JournalIncident]
    /// Whether records are missing that had been made: effects must be refused then.
    package private(set) var isIncomplete: Bool
    /// Whether the last look at the limits gave up something that was not delivered.
    package internal(set) var isShedding = false
    /// Samples given up because memory ran out while the disk took none.
    package private(set) var droppedSamples: Int64 = 0
    package var unwrittenSamples: Int64 { unwritten.reduce(0) { $0 + $1.samples } }
    /// The file that events go to: what a reader needs of earlier ones must be told again in each.
    package var eventFile: String { events.current.name }
    /// Whether this process has the right to write the journal; a disk that takes nothing at the start gives it later.
    package var holdsJournal: Bool { lock.isHeld }
    package internal(set) var committedSamples: Int64 = 0
    package private(set) var committedBytes: Int64 = 0

    /// Opens or creates the journal and begins a session. On a read-only disk it begins in memory with the numbers that
    /// follow, and its files when the disk takes them; until then ``commit(now:utc:quality:heartbeat:)`` throws.
    ///
    /// - Parameters:
    ///   - bootID: names this boot of the machine.
    ///   - now: the monotonic clock. Unit: ns.
    ///   - utc: the wall clock. Unit: ns since 1970.
    ///   - unit: the unit's name. A new journal gets its own identity; one that was delivered under a name keeps that.
    ///   - window: the session's delivery windows are so long. Unit: ns.
    /// - Throws: ``JournalError``, with what to do.
    package init(
        directory: String, bootID: String, now: Int64, utc: Int64, retention: JournalRetention = JournalRetention(),
        unit: String = "", window: Int64 = 60_000_000_000
    ) throws {
        let files = JournalFiles(directory: directory)
        self.files = files
        self.retention = retention
        if FileManager.default.fileExists(atPath: "\(directory)/samples.sqlite") {
            throw JournalError.otherVersion(found: 1, known: JournalFiles.version)
        }
        lock = try JournalLock(files)
        var reserve = JournalReserve(files)
        do {
            let refusal = lock.refusal
            let opening = try reserve.lend { try JournalOpening(files, mayWrite: refusal == nil) }
            sessionKey = UUID().uuidString.lowercased()
            let session = JournalSession(
                id: opening.newestSession + 1, key: sessionKey, bootID: bootID, started: now, isEnded: false,
                unit: opening.unit ?? (opening.hasSessions && !unit.isEmpty ? unit : UUID().uuidString.lowercased()),
                window: window, form: .sorted)
            (self.session, startedUTC) = (session, utc)
            foundAtStart = opening.newest
            known = opening.streams
            durableNext = []
            newestStream = opening.newestStream
            nextChunk = opening.newestChunk
            pendingGaps = opening.gaps
            incidents = opening.incidents
            isIncomplete = !opening.incidents.isEmpty
            lastPack = now
            lastNoted = nextChunk
            let beginning = SampleStore.Beginning(
                session: session, startedUTC: utc, streams: known.map { ($0.value.id, $0.key, $0.value.next) },
                firstChunk: nextChunk + 1)
            if let refusal {
                samples = try SampleStore(waiting: files)
                samplesTrust.lose(refusal)
                eventsTrust.lose(refusal)
            } else {
                samples = try reserve.lend { try Self.begin(beginning, opening.samples, files) }
            }
            events = opening.events
        } catch {
            lock.release()
            throw error
        }
        reserve.make()
        self.reserve = reserve
    }

    /// Begins the session: in the newest file, or where that takes nothing, in the next one.
    private static func begin(_ beginning: SampleStore.Beginning, _ newest: SampleStore?, _ files: JournalFiles) throws
        -> SampleStore
    {
        guard let newest else { return try SampleStore(files, beginning) }
        do {
            try newest.write { try SessionRow.insert($0, beginning.session, startedUTC: beginning.startedUTC) }
        } catch {
            guard JournalFailure(error) == .damaged else { throw error }
            try newest.begin(beginning, isTrusted: false)
        }
        return newest
    }

    /// What happened to the journal since it was last asked.
    package func takeIncidents() -> [JournalIncident] {
        defer { incidents = [] }
        return incidents
    }

    func tell(_ incident: JournalIncident) {
        if case .gone = incident { isIncomplete = true }
        incidents.append(incident)
    }

    // MARK: Streams

    /// Makes streams known and returns their indices for ``append(_:stream:)``. A known stream keeps its numbers.
    package func register(_ descriptors: [StreamDescriptor]) throws -> [Int] {
        let fresh = Set(descriptors.filter { known[$0] == nil })
        for descriptor in descriptors where known[descriptor] == nil {
            newestStream += 1
            known[descriptor] = (newestStream, 0)
        }
        let indices = descriptors.map { descriptor in
            // One that was registered before in this session goes on where it is.
            if let index = buffers.firstIndex(where: { $0.descriptor == descriptor }) { return index }
            let stream = known[descriptor] ?? (0, 0)
            buffers.append(StreamBuffer(stream: stream.id, descriptor: descriptor, nextSequence: stream.next))
            durableNext.append(stream.next)
            return buffers.count - 1
        }
        let file = samples.current
        do {
            try reserve.lend {
                try onTrustedSamples(now: session.started) {
                    // A file begun meanwhile has them from its beginning.
                    guard samples.current == file else { return }
                    try samples.write { try insert(fresh, into: $0) }
                }
            }
        } catch {
            // So will one that is begun later.
            guard samplesTrust.isLost else { throw error }
        }
        return indices
    }

    private func insert(_ fresh: Set<StreamDescriptor>, into db: Database) throws {
        for descriptor in fresh {
            if let stream = known[descriptor] { try StreamRow.insert(db, descriptor, id: stream.id, next: stream.next) }
        }
    }

    // MARK: Samples

    /// Keeps a sample until the next commit.
    package func append(_ record: SampleRecord, stream: Int) {
        queue.add(record, stream: stream, to: &buffers)
    }

    /// Keeps samples until the next commit, as long as `next` gives one. Quicker than one call for each.
    package func append(_ next: () -> (record: SampleRecord, stream: Int)?) {
        var filled = StreamQueue()
        swap(&filled, &queue)
        while let (record, stream) = next() { filled.add(record, stream: stream, to: &buffers) }
        swap(&filled, &queue)
    }

    /// Commits what waits, durably, in one transaction. Returns the number of samples taken from the buffers.
    ///
    /// - Parameters:
    ///   - now: the monotonic clock at this moment, and `utc` the wall clock at the same moment. Unit: ns.
    ///   - heartbeat: commit an empty chunk when nothing waits, so that a reader knows how far the record goes.
    ///   - isLast: whether no commit follows: then a message of which more may come waits no longer.
    @discardableResult
    package func commit(
        now: Int64, utc: Int64, quality: ClockQuality, heartbeat: Bool = false, isLast: Bool = false
    ) throws -> Int {
        let taken = gather(now: now, utc: utc, quality: quality, heartbeat: heartbeat, isLast: isLast)
        if !unwritten.isEmpty {
            // What the reserve gives up is for events.
            guard samplesTrust.isLost || hasRoom else { throw JournalError.diskFull(directory: files.directory) }
            try onTrustedSamples(now: now) {
                try samples.commit(unwritten, gaps: pendingGaps) {
                    if nextChunk - lastNoted >= 2 * Self.noteEvery { try noteAll($0) }
                }
            }
            if nextChunk - lastNoted >= 2 * Self.noteEvery { lastNoted = nextChunk }
            reserve.make()
            committedSamples += unwritten.reduce(0) { $0 + $1.samples }
            committedBytes += Int64(unwritten.reduce(0) { $0 + $1.payload.count })
            unwritten.removeAll(keepingCapacity: true)
            pendingGaps = []
            for index in buffers.indices { durableNext[index] = buffers[index].firstWaiting }
        }
        return taken
    }

    /// Whether samples may take room: what the reserve gave up is for events.
    private var hasRoom: Bool { reserve.isThere || reserve.canBeMade }

    /// Packs commits and brings the log to the file, when it is time; at most one span each time it is called.
    ///
    /// - Parameter now: the monotonic clock at this moment. Unit: ns.
    package func tidy(now: Int64) throws {
        guard !samplesTrust.isLost, hasRoom else { return }
        try onTrustedSamples(now: now) {
            try samples.tidy()
            try packIfDue(now)
        }
    }

    /// Turns what waits in the buffers into one chunk for the next commit. Those not yet written stay, to a limit.
    @discardableResult
    package func gather(now: Int64, utc: Int64, quality: ClockQuality, heartbeat: Bool, isLast: Bool = false) -> Int {
        queue.give(to: &buffers)
        var blocks: [SampleBlock] = []
        var owners: [Int] = []
        for index in buffers.indices where !buffers[index].isEmpty {
            blocks += buffers[index].take(isLast: isLast)
            owners += repeatElement(index, count: blocks.count - owners.count)
        }
        // Whole microseconds: times are counted from it in these, here and when the chunk is packed.
        let base = blocks.reduce(now) { min($0, $1.count > 0 ? $1.time(0) : now) } / 1000 * 1000
        let count = blocks.reduce(0) { $0 + $1.count }
        if count > 0 || heartbeat && unwritten.isEmpty {
            nextChunk += 2
            unwritten.append(
                JournalChunk(
                    id: nextChunk, first: nextChunk - 1, session: session.id, content: .commit, base: base,
                    end: blocks.reduce(base) { max($0, $1.lastTime ?? base) }, utc: utc - (now - base),
                    quality: quality, samples: Int64(count),
                    payload: ChunkPayload.join(
                        zip(blocks, owners).map { block, owner in
                            block.encoded(base: base, state: &buffers[owner].coding)
                        })))
        }
        dropWhatIsTooMuch()
        return count
    }

    /// Gives up the oldest chunks that wait, when they are too many, and declares it.
    private func dropWhatIsTooMuch() {
        var bytes = unwritten.reduce(0) { $0 + $1.payload.count }
        while bytes > Self.unwrittenLimit, unwritten.count > 1 {
            let oldest = unwritten.removeFirst()
            bytes -= oldest.payload.count
            droppedSamples += oldest.samples
            unwritten[0] = unwritten[0].covering(from: oldest.first)
            for part in oldest.sequences() {
                if let index = pendingGaps.firstIndex(where: { $0.stream == part.stream && $0.next == part.first }) {
                    pendingGaps[index].next = part.next
                } else {
                    pendingGaps.append(
                        SequenceGap(stream: part.stream, first: part.first, next: part.next, cause: "disk"))
                }
            }
        }
    }

    /// Notes how far the streams and the events have come, so that a start reads little.
    private func noteAll(_ db: Database) throws {
        for buffer in buffers {
            try db.execute(
                sql: "UPDATE streams SET next_sequence = ? WHERE id = ?",
                arguments: [buffer.firstWaiting, buffer.stream])
        }
        try db.note("sequences", nextChunk)
        try db.note("events", events.last.id)
    }

    private func packIfDue(_ now: Int64) throws {
        guard now - lastPack >= Self.packEvery else { return }
        // One span at a time: what is left over from before is packed commit by commit, without a stall.
        if try !samples.pack() { lastPack = now }
        if try samples.fileBytes() > retention.fileLimit { try beginSampleFile(isTrusted: true) }
    }

    /// Begins a new file of samples: for the space, or because the old one failed.
    func beginSampleFile(isTrusted: Bool) throws {
        try takeLock()
        takeBackWhatWentWithLog()
        var streams = known
        for (index, buffer) in buffers.enumerated() { streams[buffer.descriptor] = (buffer.stream, durableNext[index]) }
        try samples.begin(
            SampleStore.Beginning(
                session: session, startedUTC: startedUTC, streams: streams.map { ($0.value.id, $0.key, $0.value.next) },
                firstChunk: unwritten.first?.first ?? nextChunk + 1), isTrusted: isTrusted)
    }

    // MARK: Failures

    private func onTrustedSamples(now: Int64, _ body: () throws -> Void) throws {
        try samplesTrust.attempt(
            now, name: samples.current.name, begin: { try beginSampleFile(isTrusted: false) }, tell: tell, body)
    }

    /// The same of events, which also may have what is reserved on a full disk.
    private func onTrustedEvents(now: Int64, _ body: () throws -> Void) throws {
        try eventsTrust.attempt(
            now, name: events.current.name, begin: { try beginEventFile() }, tell: tell
        ) { try reserve.lend(body) }
    }

    /// Takes the right to write, if the disk did not give it at the start. The journal must be the one read then.
    private func takeLock() throws {
        guard !lock.isHeld else { return }
        try lock.take()
        do {
            let found = try JournalOpening(files, mayWrite: false).newest
            guard found == foundAtStart else { throw JournalError.changedMeanwhile(directory: files.directory) }
        } catch {
            lock.release()
            throw error
        }
    }

    func beginEventFile() throws {
        try takeLock()
        try reserve.lend { try events.begin(isTrusted: false) }
    }

    /// Lets the next write try a new file even if the last one failed a moment ago: for the end.
    package func tryAtOnce() {
        samplesTrust.tryAtOnce()
        eventsTrust.tryAtOnce()
    }

    // MARK: Events

    /// Commits events in one transaction, durably, before it returns: all of them or none.
    ///
    /// - Parameters:
    ///   - now: the monotonic clock at this moment; events may be older. Unit: ns.
    ///   - utcOffset: the wall clock less the monotonic one. Unit: ns.
    /// - Returns: the number of the last of them; the others have the numbers before it.
    @discardableResult
    package func record(_ batch: [Event], now: Int64, utcOffset: Int64, quality: ClockQuality) throws -> Int64 {
        guard !batch.isEmpty else { return events.last.id }
        let newestChunk = (unwritten.first?.first ?? nextChunk + 1) - 1
        try onTrustedEvents(now: now) {
            var last = events.last
            let records = batch.map { event in
                let draft = EventRecord(
                    id: last.id + 1, session: sessionKey, monotonicNanoseconds: event.monotonic,
                    utc: event.monotonic + utcOffset, quality: quality,
                    device: event.device, kind: event.kind, body: event.body.text, hash: EventRecord.noHash)
                let record = draft.with(hash: draft.expectedHash(after: last.hash))
                last = (record.id, record.hash)
                return record
            }
            try events.commit(records, newestChunk: newestChunk)
        }
        // The events are there: whatever fails from here on must not write them a second time.
        let newest = events.last.id
        do { try events.tidy() } catch {
            switch JournalFailure(error) {
            case .damaged: eventsTrust.lose(events.current.name, error)
            case .full: reserve.giveUp()
            case .other: break
            }
        }
        return newest
    }

    /// Commits one event of any name, for tests.
    package func record(
        _ kind: String, device: String? = nil, body: KeyValuePairs<String, JSON?> = [:], monotonic: Int64, utc: Int64,
        quality: ClockQuality
    ) throws {
        try record(
            [Event(kind, device: device, body: body, monotonic: monotonic)], now: monotonic, utcOffset: utc - monotonic,
            quality: quality)
    }

    // MARK: The end

    /// Ends the session: what waits is committed, readers may know that no more comes. It may be opened anew then.
    package func finish(now: Int64, utc: Int64, quality: ClockQuality) throws {
        defer { lock.release() }
        try commit(now: now, utc: utc, quality: quality, isLast: true)
        try onTrustedSamples(now: now) {
            try samples.finish { db in
                try noteAll(db)
                try db.execute(sql: "UPDATE sessions SET ended_ns = ? WHERE id = ?", arguments: [now, session.id])
            }
        }
        try events.checkpoint(.truncate)
    }
}
