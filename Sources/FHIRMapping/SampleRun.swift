package import DeviceModel

/// Samples of one stream that go into one observation: evenly spaced, of one judgement, filed under one subject, gaps
/// shown as gaps.
package struct SampleRun: Sendable {
    /// How far the values of a run may be relied on.
    enum Standing {
        case undecided
        case good
        case questionable
    }

    package let firstSequence: Int64
    /// Unit: ns since 1970.
    package private(set) var startUTC: Int64
    package fileprivate(set) var endUTC: Int64
    /// SampledData's tokens: decimals, `E` where there is no value, `U` above and `L` below what the device can
    /// measure.
    package fileprivate(set) var data: String
    package fileprivate(set) var count: Int
    package fileprivate(set) var text: String?
    /// Whether any sample of the run has a value.
    package fileprivate(set) var hasValue: Bool
    fileprivate(set) var standing: Standing
    /// How sure the wall clock was.
    let clock: ClockQuality
    /// Whether the wall clock was known at all; else its times say nothing.
    let isTimeKnown: Bool
    /// The newest value as a decimal, and when it was taken; `nil` without one, and for texts. Unit: ns since 1970.
    package fileprivate(set) var newest: (value: String, utc: Int64)?
    /// Under whom it is filed.
    package let filing: Filing
    /// Whether it has no value, but its run had one behind it before it was cut here: the newest may have been told
    /// under its name.
    package fileprivate(set) var mayHaveToldNewest = false
    /// Of its first sample. Unit: ns of the monotonic clock.
    fileprivate let startTime: Int64
    fileprivate var lastValidity: Validity
    /// Which half of which half of the run it is; empty for the whole.
    private(set) var pieces: [Int] = []

    /// Its two halves, when the whole is more than a service takes; `nil` where there is nothing to halve.
    ///
    /// - Parameter period: between two samples. Unit: ns.
    package func halves(period: Int64) -> (SampleRun, SampleRun)? {
        let tokens = data.split(separator: " ")
        guard text == nil, tokens.count > 1, tokens.count == count else { return nil }
        let middle = tokens.count / 2
        func piece(_ range: Range<Int>, _ number: Int) -> SampleRun {
            var piece = self
            piece.pieces.append(number)
            piece.data = tokens[range].joined(separator: " ")
            piece.count = range.count
            // `E` is no value; `U` and `L` are none either, but say where it would be.
            piece.hasValue = tokens[range].contains { $0 != "E" && $0 != "U" && $0 != "L" }
            piece.startUTC = startUTC &+ Int64(range.lowerBound) &* period
            piece.endUTC = startUTC &+ Int64(range.upperBound - 1) &* period
            return piece
        }
        return (piece(0..<middle, 0), piece(middle..<tokens.count, 1))
    }

    var labels: [(system: String, code: String)] {
        let system = "http://terminology.hl7.org/CodeSystem/v3-ObservationValue"
        if !hasValue { return lastValidity == .invalid ? [(system, "UNRELIABLE")] : [] }
        return standing == .questionable ? [(system, "UNCERTREL")] : []
    }

    /// The code of the FHIR data-absent-reason for a run without any value.
    var absentReason: String { lastValidity == .invalid ? "error" : "temp-unknown" }
}

/// Joins the samples of one stream, given in their order, into runs.
package struct SampleRunBuilder: Sendable {
    /// How the samples of a session are put together; what was delivered in one way stays so.
    package enum Form: Sendable {
        /// A run ends with each change between good and questionable.
        case plain
        /// Good and questionable values have runs beside one another, and a run is of one quality of the clock.
        case sorted
    }

    /// A sample with its times. Unit: ns of the monotonic clock, and ns since 1970.
    package struct Sample: Sendable {
        package let bits: Int64
        package let text: String?
        package let validity: Validity
        package let sequence: Int64
        package let time: Int64
        package let utc: Int64
        package let clock: ClockQuality
        package let isTimeKnown: Bool

        package init(
            bits: Int64, text: String?, validity: Validity, sequence: Int64, time: Int64, utc: Int64,
            clock: ClockQuality = .synchronised, isTimeKnown: Bool = true
        ) {
            (self.bits, self.text, self.validity, self.sequence) = (bits, text, validity, sequence)
            (self.time, self.utc, self.clock, self.isTimeKnown) = (time, utc, clock, isTimeKnown)
        }

        fileprivate var standing: SampleRun.Standing {
            !validity.carriesValue ? .undecided : validity == .questionable ? .questionable : .good
        }
    }

    /// More missing samples in a row than this end a run instead of being written out.
    private static let longestGap: Int64 = 30
    /// A run longer than this goes on as another, so that no resource grows without bound. Unit: samples.
    private static let longestRun = 60_000

    private let stream: StreamDescriptor
    private let form: Form
    private var runs: [SampleRun] = []
    /// Those that may go on, the one that did last at the end: one, or two of different standing.
    private var open: [OpenRun] = []

    /// A run that may go on, in parts where it is cut because another subject came. Where it goes on and where it ends
    /// does not hang on that, so that what comes behind a cut has the names of ever.
    private struct OpenRun {
        let startUTC: Int64
        let startTime: Int64
        let text: String?
        let hasValue: Bool
        let clock: ClockQuality
        let isTimeKnown: Bool
        var standing: SampleRun.Standing
        /// Places up to the last sample, those of missing ones too.
        var count = 0
        var lastTime: Int64
        var lastSequence: Int64
        /// Under whom the last sample is filed; `nil` where it is told elsewhere.
        var filing: Filing?
        var stretch: Int64 = .min
        var parts: [SampleRun] = []
    }

    package init(_ stream: StreamDescriptor, _ form: Form) { (self.stream, self.form) = (stream, form) }

    /// - Parameters:
    ///   - filing: under whom; `nil` for a sample that is no part of what is told here, though of its run.
    ///   - stretch: names the stretch of time over which that is so; a run is cut between two.
    package mutating func append(_ sample: Sample, under filing: Filing? = .unbound, stretch: Int64 = .min) {
        if let last = open.last, !follows(last, sample) { closeAll() }
        if let place = place(for: sample), goesOn(open[place], with: sample) {
            var run = open.remove(at: place)
            add(sample, under: filing, stretch, to: &run)
            open.append(run)
            return
        }
        if form == .plain || stream.form == .text { closeAll() }
        if let place = place(for: sample) { close(open.remove(at: place)) }
        var run = OpenRun(
            startUTC: sample.utc, startTime: sample.time, text: sample.validity.carriesValue ? sample.text : nil,
            hasValue: sample.validity.carriesValue, clock: sample.clock, isTimeKnown: sample.isTimeKnown,
            standing: sample.standing, lastTime: sample.time, lastSequence: sample.sequence)
        begin(sample, under: filing, stretch, in: &run)
        run.count = 1
        open.append(run)
    }

    /// All runs; the builder is empty afterwards.
    package mutating func finish() -> [SampleRun] {
        closeAll()
        defer { runs = [] }
        return runs
    }

    private mutating func closeAll() {
        for run in open { close(run) }
        open = []
    }

    private mutating func close(_ run: OpenRun) {
        var parts = run.parts
        var isTold = false
        for place in parts.indices.reversed() {
            parts[place].mayHaveToldNewest = isTold && parts[place].newest == nil
            isTold = isTold || parts[place].newest != nil
        }
        runs += parts
    }

    /// The run that a sample belongs to, if it is not too far behind.
    private func place(for sample: Sample) -> Int? {
        if sample.standing == .undecided { return open.indices.last }
        return open.indices.last { [.undecided, sample.standing].contains(open[$0].standing) }
    }

    private mutating func add(_ sample: Sample, under filing: Filing?, _ stretch: Int64, to run: inout OpenRun) {
        let missing = stream.form == .text ? 0 : Int(steps(from: run, to: sample) - 1)
        run.count += missing
        if filing == run.filing, stretch == run.stretch {
            if filing != nil { goOn(&run.parts[run.parts.count - 1], with: sample, missing: missing) }
        } else {
            begin(sample, under: filing, stretch, in: &run)
        }
        run.count += 1
        if run.standing == .undecided { run.standing = sample.standing }
        (run.lastTime, run.lastSequence) = (sample.time, sample.sequence)
    }

    /// The first sample of a part: it keeps the place that it has in its run.
    private func begin(_ sample: Sample, under filing: Filing?, _ stretch: Int64, in run: inout OpenRun) {
        (run.filing, run.stretch) = (filing, stretch)
        guard let filing else { return }
        let start = stream.form == .text ? sample.utc : run.startUTC &+ Int64(run.count) &* stream.periodNanoseconds
        run.parts.append(
            SampleRun(
                firstSequence: sample.sequence, startUTC: start, endUTC: start, data: token(sample), count: 1,
                text: run.text, hasValue: sample.validity.carriesValue, standing: sample.standing, clock: sample.clock,
                isTimeKnown: sample.isTimeKnown, newest: newest(sample), filing: filing, startTime: sample.time,
                lastValidity: sample.validity))
    }

    private func goOn(_ part: inout SampleRun, with sample: Sample, missing: Int) {
        if stream.form != .text {
            part.data += String(repeating: " E", count: missing) + " \(token(sample))"
            part.count += missing
        }
        part.count += 1
        if part.standing == .undecided { part.standing = sample.standing }
        part.hasValue = part.hasValue || sample.validity.carriesValue
        part.newest = newest(sample) ?? part.newest
        // SampledData's own count and period say when it ends; text ends with its last sample.
        part.endUTC =
            part.startUTC
            &+ (stream.form == .text
                ? sample.time &- part.startTime : Int64(part.count - 1) &* stream.periodNanoseconds)
        part.lastValidity = sample.validity
    }

    private func newest(_ sample: Sample) -> (value: String, utc: Int64)? {
        guard sample.validity.carriesValue, stream.form != .text,
            case .number(let digits) = stream.json(bits: sample.bits, text: nil)
        else { return nil }
        return (digits, sample.utc)
    }

    private func token(_ sample: Sample) -> String {
        switch sample.validity {
        case .overflow: return "U"
        case .underflow: return "L"
        default: break
        }
        guard sample.validity.carriesValue else { return "E" }
        switch stream.form {
        case .integer: return String(sample.bits)
        default:
            if case .number(let digits) = stream.json(bits: sample.bits, text: nil) { return digits }
            return "E"
        }
    }

    /// Periods between a run's last sample and another.
    private func steps(from run: OpenRun, to sample: Sample) -> Int64 {
        if stream.isWaveform { return sample.sequence &- run.lastSequence }
        let period = stream.periodNanoseconds
        return (sample.time &- run.lastTime &+ period / 2) / period
    }

    /// Whether a sample comes right behind the one before it.
    private func follows(_ last: OpenRun, _ sample: Sample) -> Bool {
        guard sample.sequence == last.lastSequence &+ 1, sample.time > last.lastTime else { return false }
        if form == .sorted, (sample.clock, sample.isTimeKnown) != (last.clock, last.isTimeKnown) { return false }
        return stream.form == .text || steps(from: last, to: sample) <= Self.longestGap
    }

    private func goesOn(_ run: OpenRun, with sample: Sample) -> Bool {
        guard run.count < Self.longestRun else { return false }
        let carried = sample.validity.carriesValue
        if stream.form == .text {
            return carried == run.hasValue && (carried ? sample.text : nil) == run.text
                && sample.standing == run.standing
        }
        let steps = steps(from: run, to: sample)
        guard steps >= 1, form == .plain || Int64(run.count) &+ steps <= Int64(Self.longestRun) else { return false }
        // The tokens' places must stay near the samples' times, so that one run ends before the next begins.
        let place = run.startTime &+ (Int64(run.count) &+ steps &- 1) &* stream.periodNanoseconds
        return (place &- sample.time).magnitude < UInt64(stream.periodNanoseconds * 3 / 4)
    }
}
