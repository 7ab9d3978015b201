import DeviceModel
import JournalCoding
import Patients
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
    let start: JournalMoment
    /// `nil` while the patient is there, as far as the journal goes.
    let end: JournalMoment?
    private let bindingTimes: BindingTimes
    private let numbers: [String: Int64]

    init(_ reader: JournalReader, _ session: BedSession, _ history: BedHistory) throws {
        (self.reader, self.session, self.history) = (reader, session, history)
        sessions = try reader.sessions()
        clocks = SessionClocks(reader)
        bindingTimes = BindingTimes(session.binding, history)
        let numbers = Dictionary(sessions.map { ($0.key, $0.id) }) { $1 }
        self.numbers = numbers
        start = Self.moment(session.binding.since, numbers)
        end = session.binding.until.map { Self.moment($0, numbers) }
    }

    private static func moment(_ moment: Moment, _ numbers: [String: Int64]) -> JournalMoment {
        JournalMoment(session: numbers[moment.session] ?? 0, time: moment.nanoseconds)
    }

    /// When a session of the host began, by its own clock.
    func start(of session: Int64) -> Int64 { sessions.first { $0.id == session }?.started ?? 0 }

    /// Whether a device's values are the patient's at an event's time.
    func isOfPatient(_ device: String, at event: EventRecord) -> Bool {
        bindingTimes.holds(device, event.session, event.monotonicNanoseconds)
    }

    /// The numerics of the bed's devices from the session's start to its end, in the order in which the journal keeps
    /// them: by the minute, then by stream. Waveforms are left out.
    func samples(_ body: (SessionSample) throws -> Void) throws {
        var streams = try reader.streamsByID()
        let keys = Dictionary(sessions.map { ($0.id, $0.key) }) { $1 }
        var cursor = JournalExport.Cursor(
            after: try reader.chunk(before: start.time, session: start.session) ?? 0)
        while true {
            let chunks = try reader.chunks(after: cursor.chunk, limit: 100, without: .waveforms)
            guard let newest = chunks.last else { return }
            for chunk in chunks {
                if let end, isBehind(chunk, end) { return }
                guard chunk.session >= start.session, let key = keys[chunk.session] else { continue }
                try blocks(of: chunk, key, &streams, &cursor, body)
            }
            cursor.chunk = newest.id
        }
    }

    /// An end in a session that has no samples any more bounds nothing here.
    private func isBehind(_ chunk: JournalChunk, _ end: JournalMoment) -> Bool {
        guard end.session > 0 else { return false }
        return chunk.session > end.session || chunk.session == end.session && chunk.base >= end.time &+ Self.reorder
    }

    private func blocks(
        of chunk: JournalChunk, _ key: String, _ streams: inout [Int64: StreamDescriptor],
        _ cursor: inout JournalExport.Cursor,
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
                guard bindingTimes.holds(stream.device, key, moment.time) else { continue }
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
        var last: Int64 = 0
        while true {
            let events = try reader.events(after: last, limit: 500)
            guard let newest = events.last else { return }
            for event in events {
                let moment = JournalMoment(session: numbers[event.session] ?? 0, time: event.monotonicNanoseconds)
                if let end, end.session > 0, moment.session > end.session { return }
                try body(event, moment, bindingTimes.holds(event.session, moment.time))
            }
            last = newest.id
        }
    }
}

/// The times of a binding in each session of the host, and those of each device in it, as far as somebody asked.
final class BindingTimes {
    private struct Place: Hashable {
        let device: String
        let session: String
    }

    private let binding: Binding
    private let history: BedHistory
    private var ofBed: [String: Range<Int64>] = [:]
    private var ofDevices: [Place: [Range<Int64>]] = [:]

    init(_ binding: Binding, _ history: BedHistory) { (self.binding, self.history) = (binding, history) }

    /// Whether the patient was at the bed.
    ///
    /// - Parameter session: the session's key.
    func holds(_ session: String, _ time: Int64) -> Bool {
        if let known = ofBed[session] { return known.contains(time) }
        let range = history.range(of: binding, in: session) ?? 0..<0
        ofBed[session] = range
        return range.contains(time)
    }

    /// Whether a device's values were the patient's.
    func holds(_ device: String, _ session: String, _ time: Int64) -> Bool {
        let place = Place(device: device, session: session)
        if let known = ofDevices[place] { return known.contains { $0.contains(time) } }
        let ranges = history.ranges(of: binding, device: device, in: session)
        ofDevices[place] = ranges
        return ranges.contains { $0.contains(time) }
    }
}
