import DeviceModel
import FHIRMapping
import JournalCoding
import SampleJournal

/// Cuts one lane of the journal's samples into delivery windows.
///
/// Windows are counted from a session's start on the monotonic clock, and are as long as the session says: neither a
/// step of the wall clock nor another configuration loses or doubles anything. A window is read only when nothing more
/// can come into it, so each of its runs gets one id for ever.
struct SampleWindows {
    /// Samples may be committed this much later than others of the same time. Unit: ns.
    static let reorder: Int64 = 2_000_000_000

    let lane: DeliveryLane
    let reader: JournalReader
    let mapper: FHIRMapper
    /// Of sessions of versions before 5, which do not say it. Unit: ns.
    let length: Int64
    /// Under whom what is in them is filed.
    let filings: PatientFilings
    var unsetClock: UnsetClock
    private var newest: (session: Int64, chunk: Int64, base: Int64) = (0, 0, .min)
    private var clocks = SessionClocks()

    init(
        _ lane: DeliveryLane, reader: JournalReader, mapper: FHIRMapper, length: Int64, filings: PatientFilings,
        unsetClock: UnsetClock
    ) {
        self.lane = lane
        self.reader = reader
        self.mapper = mapper
        self.length = length
        self.filings = filings
        self.unsetClock = unsetClock
    }

    /// A window's resources, and where the next one begins.
    struct Window {
        /// In the order of their addresses, which does not hang on how the journal is packed by now.
        let items: [DeliveryItem]
        /// Where it begins, whatever comes behind it.
        let begin: SamplePosition
        let next: SamplePosition
        /// Whether the wall clock was not set when something of it was taken, nor since.
        let waitsForClock: Bool
        /// The devices of which it has something that is not wanted.
        let withheld: Set<String>
    }

    /// Whether a window of a device is wanted, by the session and its time. Unit: ns of the monotonic clock.
    typealias Choice = (_ device: String, _ session: JournalSession, _ range: Range<Int64>) -> Bool

    /// The next window that is complete, from a position on; `nil` when there is none yet.
    ///
    /// - Parameters:
    ///   - includingOpen: take the current window of the current session as it is. Only for counting.
    ///   - isWanted: what is not is left out of it.
    mutating func next(
        after position: SamplePosition, includingOpen: Bool = false, _ isWanted: Choice = { _, _, _ in true }
    ) throws -> Window? {
        let sessions = try reader.sessions()
        var position = position
        guard let session = sessions.first(where: { $0.id >= position.session }) else { return nil }
        let length = session.window ?? self.length
        if session.id > position.session || position.window == 0 {
            position = SamplePosition(
                session: session.id, window: session.started, chunk: position.chunk, length: length)
        }
        // A window that was begun is finished with the length it was begun with: its runs may have been sent under its
        // name.
        if position.length <= 0 { position.length = length }
        let isOver = session.isEnded || session.id != sessions.last?.id
        let end = position.window + position.length
        if !isOver {
            // Beyond the newest sample there are only empty windows, without end.
            let needed = includingOpen ? position.window - Self.reorder : end + Self.reorder
            if try newestBase(position, upTo: needed) < needed { return nil }
        }
        let window = try read(session, position, length: length, isOver: isOver, isWanted)
        // What was taken before the wall clock was set waits until it is, or the session is over; or it goes marked.
        return window.waitsForClock && !isOver && !includingOpen && unsetClock == .hold ? nil : window
    }

    /// Whether it is known by now when the samples of a session were taken that began before the wall clock was set.
    mutating func isMapped(_ session: JournalSession) throws -> Bool {
        try clocks.offset(of: session, in: reader) != nil
    }

    /// The newest time known of the session, read on until it reaches `wanted`.
    private mutating func newestBase(_ position: SamplePosition, upTo wanted: Int64) throws -> Int64 {
        if newest.session != position.session { newest = (position.session, position.chunk, .min) }
        while newest.base < wanted {
            let chunks = try reader.chunks(after: newest.chunk, limit: 64)
            if chunks.isEmpty { break }
            for chunk in chunks {
                newest.chunk = chunk.id
                if chunk.session == position.session { newest.base = max(newest.base, chunk.base) }
            }
        }
        return newest.base
    }

    /// The newest window that is complete, of the session that is running, when it is so many windows ahead of a place;
    /// `nil` when it is not.
    func newest(ahead count: Int64, of place: SamplePosition) throws -> SamplePosition? {
        let newest = try reader.newestChunk()
        guard newest > place.chunk, let session = try reader.sessions().last, !session.isEnded,
            place.session <= session.id, let chunk = try reader.chunks(after: newest - 1, limit: 1).first,
            // As long as the wall clock is not set, all of the session waits.
            chunk.session == session.id,
            session.form == nil || chunk.quality != .unknown || unsetClock == .mark
        else { return nil }
        let length = session.window ?? self.length
        let isWithin = place.session == session.id && place.window > session.started
        let index = (chunk.base - Self.reorder - session.started) / length - 1
        guard index - (isWithin ? (place.window - session.started) / length : 0) >= count else { return nil }
        let begin = session.started + index * length
        return try reader.chunk(before: begin, session: session.id).map {
            SamplePosition(session: session.id, window: begin, chunk: $0, length: length)
        }
    }

    /// The window at a position, for whatever is still to be sent of it.
    mutating func window(at position: SamplePosition) throws -> Window? {
        guard let session = try reader.sessions().first(where: { $0.id == position.session }) else { return nil }
        return try read(session, position, length: session.window ?? length, isOver: true) { _, _, _ in true }
    }

    private mutating func read(
        _ session: JournalSession, _ position: SamplePosition, length: Int64, isOver: Bool, _ isWanted: Choice
    ) throws -> Window {
        let streams = try reader.streamsByID()
        let form = session.form ?? .plain
        var waitsForClock = false
        let end = position.window + position.length
        var builders: [Int64: FiledRuns] = [:]
        var owners: [String: [PatientFilings.Stretch]] = [:]
        var choices: [String: Bool] = [:]
        var order: [Int64] = []
        var known: [Int64: Int64] = [:]
        var earliestLater: Int64?
        var resume = position.chunk
        var isPrefix = true
        var last = position.chunk
        var reachedEnd = false
        // When what was taken before the wall clock was set was taken; not asked yet, not known, or known.
        var later: Int64??
        let other: JournalChunk.Content = lane == .waveforms ? .numerics : .waveforms
        while !reachedEnd {
            let chunks = try reader.chunks(after: last, limit: 64)
            if chunks.isEmpty { break }
            for chunk in chunks {
                last = chunk.id
                if chunk.session < session.id { continue }
                if chunk.session > session.id || chunk.base >= end + 2 * Self.reorder {
                    if chunk.session == session.id { earliestLater = min(earliestLater ?? .max, chunk.base) }
                    reachedEnd = true
                    break
                }
                // Nothing of this lane is in it, so that the lane may pass it.
                if chunk.content == other {
                    if isPrefix { resume = chunk.id }
                    continue
                }
                var hasLater = false
                var wall: (offset: Int64, isKnown: Bool) = (chunk.utc &- chunk.base, true)
                if form == .sorted, chunk.quality == .unknown {
                    // Once for all of it: that the clock was set meanwhile must not cut a run in two.
                    if later == nil { later = .some(try clocks.offset(of: session, in: reader)) }
                    let offset = later ?? nil
                    wall = (offset ?? wall.offset, offset != nil)
                }
                for block in reader.blocks(of: chunk, streams: streams) {
                    guard let stream = streams[block.stream], lane == DeliveryLane(of: stream)
                    else {
                        continue
                    }
                    let (times, judgements) = (block.times, block.expandedJudgements)
                    // Commits that were packed while this is read are met twice.
                    let read = Int(
                        max(
                            0,
                            min(Int64(block.count), (known[block.stream] ?? block.firstSequence) &- block.firstSequence)
                        ))
                    known[block.stream] = max(known[block.stream] ?? .min, block.firstSequence &+ Int64(block.count))
                    for index in read..<block.count {
                        let time = times[index]
                        if time >= end {
                            hasLater = true
                            earliestLater = min(earliestLater ?? .max, time)
                            continue
                        }
                        if time < position.window { continue }
                        waitsForClock = waitsForClock || !wall.isKnown
                        let isChosen =
                            choices[stream.device] ?? isWanted(stream.device, session, position.window..<end)
                        choices[stream.device] = isChosen
                        if !isChosen { continue }
                        if builders[block.stream] == nil {
                            let stretches =
                                owners[stream.device]
                                ?? filings.stretches(
                                    of: .device(stream.device), in: session.key, from: position.window, to: end)
                            owners[stream.device] = stretches
                            builders[block.stream] = FiledRuns(
                                stream, form == .plain ? .plain : .sorted, stretches)
                            order.append(block.stream)
                        }
                        builders[block.stream]?.append(
                            SampleRunBuilder.Sample(
                                bits: block.bits[index], text: block.texts.isEmpty ? nil : block.texts[index],
                                validity: judgements[index].validity, sequence: block.firstSequence &+ Int64(index),
                                time: time, utc: time &+ wall.offset, clock: chunk.quality, isTimeKnown: wall.isKnown))
                    }
                }
                if hasLater { isPrefix = false }
                if isPrefix { resume = chunk.id }
            }
        }
        var begin = position
        begin.part = ""
        var items: [DeliveryItem] = []
        for id in order {
            guard let stream = streams[id], let runs = builders[id]?.finish() else { continue }
            for run in runs {
                items.append(
                    DeliveryItem(
                        .run(run, of: stream, session: session.key), window: position.window, mapper,
                        origin: .window(lane, begin)))
                guard form == .sorted,
                    let newest = mapper.newest(run, of: stream, session: session.key, window: position.window)
                else { continue }
                items.append(
                    DeliveryItem(
                        .newest(newest, of: stream, subject: run.filing.subject), mapper,
                        origin: .window(lane, begin)))
            }
        }
        items.sort { $0.url < $1.url }
        var next = SamplePosition(session: session.id, window: end, chunk: resume, length: length)
        if let later = earliestLater, later - Self.reorder > end {
            // Empty windows are passed over, but never a time in which a sample may still be found.
            next.window += (later - Self.reorder - end) / length * length
        } else if earliestLater == nil, isOver {
            next = SamplePosition(session: session.id + 1, window: 0, chunk: resume, length: length)
        }
        return Window(
            items: items, begin: begin, next: next, waitsForClock: waitsForClock,
            withheld: Set(choices.filter { !$0.value }.keys))
    }
}

/// How far the wall clock was from the monotonic one in sessions that began before it was set: as they say themselves,
/// or another session of the same boot of the machine, over which the monotonic clock goes on.
struct SessionClocks {
    private var known: [Int64: Int64] = [:]
    /// Chunks that are known to say nothing.
    private var looked: [Int64: Int64] = [:]

    /// Unit: ns; `nil` while nothing says it.
    mutating func offset(of session: JournalSession, in reader: JournalReader) throws -> Int64? {
        if let offset = known[session.id] { return offset }
        let newest = try reader.newestChunk()
        let after = looked[session.id] ?? 0
        guard newest > after else { return nil }
        var offset = try reader.clockOffset(session: session.id, after: after)
        if offset == nil {
            for other in try reader.sessions() where other.isOfSameBoot(as: session) && other.id != session.id {
                offset = try reader.clockOffset(session: other.id, after: after)
                if offset != nil { break }
            }
        }
        (known[session.id], looked[session.id]) = (offset, newest)
        return offset
    }
}

extension JournalSession {
    /// Whether the monotonic clock is the same; not where nobody knows which boot it was.
    func isOfSameBoot(as other: JournalSession) -> Bool {
        !bootID.isEmpty && bootID != "unknown" && bootID == other.bootID
    }
}
