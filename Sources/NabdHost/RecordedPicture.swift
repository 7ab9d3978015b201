import Alarms
import DeviceModel
import Fieldbus
import LineEngine
import Sampling

/// What the recorder saw last: for whoever asks a running host how its devices are. It is filled where the lines are
/// drained, so it shows what is recorded and nothing else.
struct RecordedPicture: Sendable {
    /// What is known of a device's link.
    enum Link: Sendable, Hashable {
        /// Nothing was heard of it yet.
        case awaited
        case answering
        /// It does not answer, or its line is lost; with what was heard in place of answers.
        case silent(hint: String)
        /// Another device is connected than the one expected.
        case wrongDevice
    }

    /// The newest samples of a waveform, a column for each stretch of time: the last one of it.
    struct Sweep: Sendable {
        static let columns = 64
        /// Unit: ns.
        static let columnTime: Int64 = 100_000_000

        /// By the number of the stretch, modulo ``columns``; `stretch` says which one it is of.
        private var samples = [(stretch: Int64, record: SampleRecord)](
            repeating: (-1, .blank), count: Sweep.columns)
        private(set) var newest: Int64 = -1

        mutating func add(_ record: SampleRecord) {
            let stretch = record.monotonicNanoseconds / Self.columnTime
            samples[Int(stretch % Int64(Self.columns))] = (stretch, record)
            newest = max(newest, stretch)
        }

        /// The last columns before a time, the oldest first; `nil` where nothing was.
        func columns(until now: Int64) -> [SampleRecord?] {
            let last = now / Self.columnTime
            return (0..<Int64(Self.columns)).map { place in
                let stretch = last - Int64(Self.columns) + 1 + place
                guard stretch >= 0 else { return nil }
                let sample = samples[Int(stretch % Int64(Self.columns))]
                return sample.stretch == stretch ? sample.record : nil
            }
        }
    }

    struct Line: Sendable {
        let worker: LineWorker
        /// By stream; a blank record, of the time 0, where there is none yet.
        fileprivate(set) var newest: [SampleRecord]
        fileprivate var sweeps: [Sweep] = []
        /// By stream: which of the sweeps is its own; -1 for none.
        private var sweepOfStream: [Int]
        /// By device.
        fileprivate(set) var links: [Link]

        init(_ worker: LineWorker) {
            self.worker = worker
            newest = Array(repeating: .blank, count: worker.streams.count)
            links = Array(repeating: .awaited, count: worker.devices.count)
            sweepOfStream = Array(repeating: -1, count: worker.streams.count)
            for (index, stream) in worker.streams.enumerated() where stream.isWaveform {
                sweepOfStream[index] = sweeps.count
                sweeps.append(Sweep())
            }
        }

        /// The sweep of a waveform; `nil` of another stream.
        func sweep(ofStream stream: Int) -> Sweep? {
            sweepOfStream.indices.contains(stream) && sweepOfStream[stream] >= 0 ? sweeps[sweepOfStream[stream]] : nil
        }

        fileprivate mutating func add(_ record: SampleRecord) {
            let stream = Int(record.index)
            newest[stream] = record
            let sweep = sweepOfStream[stream]
            if sweep >= 0 { sweeps[sweep].add(record) }
        }

        /// When the newest value that counts came from a device; `nil` before the first. Unit: ns of the monotonic
        /// clock.
        func newestValue(of device: String) -> Int64? {
            var newest: Int64 = 0
            for (stream, record) in zip(worker.streams, self.newest) where stream.device == device {
                if record.validity.carriesValue { newest = max(newest, record.monotonicNanoseconds) }
            }
            return newest > 0 ? newest : nil
        }
    }

    fileprivate(set) var lines: [Line] = []
    /// The alerts that stand.
    var alerts: [Alarm] = []
    /// When those that began in this session did, by condition: the wall clock may have been set since. Unit: ns of the
    /// monotonic clock.
    var alertsBegan: [String: Int64] = [:]
    /// Beds with limits that nothing there is held against.
    var unwatched: [(bed: String, limits: [UnwatchedLimit])] = []
    /// When it was made. Unit: ns of the monotonic clock.
    var time: Int64 = 0

    init() {}

    init(_ workers: [LineWorker]) { lines = workers.map(Line.init) }

    mutating func add(_ worker: LineWorker) { lines.append(Line(worker)) }

    /// A line less; those behind it move up.
    mutating func remove(line index: Int) { lines.remove(at: index) }

    /// - Parameter index: the line's.
    mutating func add(sample record: SampleRecord, line index: Int) {
        lines[index].add(record)
    }

    mutating func add(event record: SampleRecord, line index: Int) {
        let device = Int(record.index)
        switch record.event {
        case .deviceConnected, .deviceIdentified: lines[index].links[device] = .answering
        case .deviceSilent: lines[index].links[device] = .silent(hint: record.textValue)
        case .deviceDisconnected:
            let error = LineLog.loss(record, of: lines[index].worker.address)
            lines[index].links[device] = .silent(hint: error.description)
        case .wrongDevice: lines[index].links[device] = .wrongDevice
        default: break
        }
    }
}
