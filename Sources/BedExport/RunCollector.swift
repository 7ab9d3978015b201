import DeviceModel
import FHIRMapping
import SampleJournal

/// Makes observations of the samples of a session, cut as they are delivered: by the same windows and runs, so that in
/// a record with identity one has the id that it has at the records service, unless it begins within a window.
struct RunCollector {
    private struct Window: Hashable {
        let session: Int64
        /// Unit: ns of the monotonic clock.
        let start: Int64
    }

    private struct Open {
        let window: Window
        let stream: StreamDescriptor
        var builder: SampleRunBuilder
    }

    /// Of sessions that do not say it. Unit: ns.
    private static let window: Int64 = 60_000_000_000
    /// More samples than this are no document that anybody can open. About a week of ten values a second.
    static let mostSamples = 5_000_000

    private let mapper: FHIRMapper
    private let sessions: [Int64: JournalSession]
    private let shift: (Int64) -> Int64
    private var open: [Int64: Open] = [:]
    private var count = 0
    /// In the order in which they end.
    private(set) var observations: [(resource: FHIRResource, stream: StreamDescriptor)] = []
    /// Streams in the order in which they are first met.
    private(set) var streams: [StreamDescriptor] = []

    init(_ mapper: FHIRMapper, _ sessions: [JournalSession], shift: @escaping (Int64) -> Int64) {
        (self.mapper, self.shift) = (mapper, shift)
        self.sessions = Dictionary(sessions.map { ($0.id, $0) }) { $1 }
    }

    /// - Parameter stream: the sample's under the names that are told.
    mutating func take(_ sample: SessionSample, as stream: StreamDescriptor) throws {
        count += 1
        guard count <= Self.mostSamples else { throw ExportError.tooLong(most: Self.mostSamples) }
        let session = sessions[sample.moment.session]
        let (length, start) = (session?.window ?? Self.window, session?.started ?? 0)
        let number = (sample.moment.time &- start) / max(1, length)
        let window = Window(session: sample.moment.session, start: start &+ number &* length)
        if open[sample.stream]?.window != window {
            finish(sample.stream)
            if !streams.contains(stream) { streams.append(stream) }
            let builder = SampleRunBuilder(stream, session?.form == .sorted ? .sorted : .plain)
            open[sample.stream] = Open(window: window, stream: stream, builder: builder)
        }
        open[sample.stream]?.builder.append(
            SampleRunBuilder.Sample(
                bits: sample.bits, text: sample.text, validity: sample.validity, sequence: sample.sequence,
                time: sample.moment.time, utc: shift(sample.utc ?? sample.moment.time), clock: sample.clock,
                isTimeKnown: sample.utc != nil))
    }

    mutating func finish() { for stream in open.keys.sorted() { finish(stream) } }

    private mutating func finish(_ number: Int64) {
        guard var entry = open.removeValue(forKey: number) else { return }
        let key = sessions[entry.window.session]?.key ?? ""
        for run in entry.builder.finish() {
            observations.append(
                (
                    mapper.observation(run, of: entry.stream, session: key, window: entry.window.start), entry.stream
                ))
        }
    }
}
