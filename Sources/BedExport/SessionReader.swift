import DeviceModel
import JournalCoding
import SampleJournal

/// One sample of a bed's session.
struct SessionSample {
    /// The stream's number in the journal.
    let stream: Int64
    let descriptor: StreamDescriptor
    let sequence: Int64
    let moment: JournalMoment
    /// `nil` when the wall clock was never known in the session. Unit: ns since 1970.
    let utc: Int64?
    let clock: ClockQuality
    let bits: Int64
    let text: String?
    let validity: Validity
    let reason: Reason

    /// The value as exact digits or as text; `nil` where there is none.
    var value: String? {
        guard validity.carriesValue else { return nil }
        switch descriptor.json(bits: bits, text: text) {
        case .number(let digits): return digits
        case .string(let text): return text
        default: return nil
        }
    }
}

/// How the wall clock stood to the monotonic one in each session, as far as somebody asked.
final class SessionClocks {
    private let reader: JournalReader
    private var offsets: [Int64: Int64?] = [:]

    init(_ reader: JournalReader) { self.reader = reader }

    /// When a moment was by the wall clock, as it is first known in its session; `nil` where it never was. Unit: ns
    /// since 1970.
    func utc(at moment: JournalMoment) throws -> Int64? {
        if offsets[moment.session] == nil {
            offsets[moment.session] = .some(try reader.clockOffset(session: moment.session))
        }
        return offsets[moment.session].flatMap { $0 }.map { moment.time &+ $0 }
    }

    /// When an event was; `nil` where no time is known. Unit: ns since 1970.
    func utc(of event: EventRecord, at moment: JournalMoment) throws -> Int64? {
        event.quality == .unknown ? try utc(at: moment) : event.utc
    }
}

/// Reads what the journal has of a bed's session.
struct SessionReader {
    /// Samples may be committed this much later than others of the same time. Unit: ns.
    private static let reorder: Int64 = 4_000_000_000

    let reader: JournalReader
    let session: BedSession
    let history: BedHistory
    let sessions: [JournalSession]
    let clocks: SessionClocks

    init(_ reader: JournalReader, _ session: BedSession, _ history: BedHistory) throws {
        (self.reader, self.session, self.history) = (reader, session, history)
        sessions = try reader.sessions()
        clocks = SessionClocks(reader)
    }

    /// When a session of the host began, by its own clock.
    func start(of session: Int64) -> Int64 { sessions.first { $0.id == session }?.started ?? 0 }

    /// The numerics of the bed's devices from the session's start to its end, in the order in which the journal keeps
    /// them: by the minute, then by stream. Waveforms are left out.
    func samples(_ body: (SessionSample) throws -> Void) throws {
        var streams = try reader.streamsByID()
        var cursor = JournalExport.Cursor(
            after: try reader.chunk(before: session.start.time, session: session.start.session) ?? 0)
        while true {
            let chunks = try reader.chunks(after: cursor.chunk, limit: 100, without: .waveforms)
            guard let newest = chunks.last else { return }
            for chunk in chunks {
                if let end = session.end, isBehind(chunk, end) { return }
                if chunk.session < session.start.session { continue }
                try blocks(of: chunk, &streams, &cursor, body)
            }
            cursor.chunk = newest.id
        }
    }

    private func isBehind(_ chunk: JournalChunk, _ end: JournalMoment) -> Bool {
        chunk.session > end.session || chunk.session == end.session && chunk.base >= end.time &+ Self.reorder
    }

    private func blocks(
        of chunk: JournalChunk, _ streams: inout [Int64: StreamDescriptor], _ cursor: inout JournalExport.Cursor,
        _ body: (SessionSample) throws -> Void
    ) throws {
        if reader.hasStream(chunk, besides: streams) { streams = try reader.streamsByID() }
        for block in reader.blocks(of: chunk, streams: streams) {
            guard let stream = streams[block.stream], !stream.isWaveform else { continue }
            // Commits that were packed while this is read are met twice.
            let read = cursor.take(block)
            let (times, judgements) = (block.times, block.expandedJudgements)
            for index in 0..<block.count where block.firstSequence &+ Int64(index) >= read {
                let moment = JournalMoment(session: chunk.session, time: times[index])
                guard session.holds(moment), history.devices(of: session.bed, at: moment).contains(stream.device)
                else { continue }
                try body(
                    SessionSample(
                        stream: block.stream, descriptor: stream, sequence: block.firstSequence &+ Int64(index),
                        moment: moment,
                        utc: chunk.quality == .unknown ? try clocks.utc(at: moment) : chunk.utc(at: times[index]),
                        clock: chunk.quality, bits: block.bits[index],
                        text: block.texts.isEmpty ? nil : block.texts[index], validity: judgements[index].validity,
                        reason: judgements[index].reason))
            }
        }
    }

    /// The events of the journal up to the session's end, each with whether it lies in the session.
    func events(_ body: (EventRecord, JournalMoment, Bool) throws -> Void) throws {
        var clock = history
        var last: Int64 = 0
        while true {
            let events = try reader.events(after: last, limit: 500)
            guard let newest = events.last else { return }
            for event in events {
                let moment = clock.moment(of: event)
                if let end = session.end, moment.session > end.session { return }
                try body(event, moment, session.holds(moment))
            }
            last = newest.id
        }
    }
}
