package import DeviceModel

/// Samples of one stream that go into one observation: evenly spaced, of one judgement, gaps shown as gaps.
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
    fileprivate let startTime: Int64
    fileprivate var lastTime: Int64
    fileprivate var lastSequence: Int64
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
    /// More missing samples in a row than this end a run instead of being written out.
    private static let longestGap: Int64 = 30
    /// A run longer than this goes on as another, so that no resource grows without bound. Unit: samples.
    private static let longestRun = 60_000

    private let stream: StreamDescriptor
    private var runs: [SampleRun] = []
    private var open: SampleRun?

    package init(_ stream: StreamDescriptor) { self.stream = stream }

    /// Takes the next sample. Times: ns of the monotonic clock, and ns since 1970.
    package mutating func append(
        bits: Int64, text: String?, validity: Validity, reason: Reason, sequence: Int64, time: Int64, utc: Int64
    ) {
        let carried = validity.carriesValue
        let standing: SampleRun.Standing = !carried ? .undecided : validity == .questionable ? .questionable : .good
        let token = self.token(bits: bits, validity: validity)
        if var run = open,
            fits(run, text: carried ? text : nil, carried: carried, standing: standing, sequence: sequence, time: time)
        {
            if stream.form != .text {
                for _ in 0..<missing(after: run, time: time) {
                    run.data += " E"
                    run.count += 1
                }
                run.data += " \(token)"
            }
            run.count += 1
            if run.standing == .undecided { run.standing = standing }
            run.hasValue = run.hasValue || carried
            // SampledData's own count and period say when it ends; text ends with its last sample.
            run.endUTC =
                run.startUTC
                &+ (stream.form == .text ? time &- run.startTime : Int64(run.count - 1) &* stream.periodNanoseconds)
            (run.lastTime, run.lastSequence, run.lastValidity) = (time, sequence, validity)
            open = run
            return
        }
        if let run = open { runs.append(run) }
        open = SampleRun(
            firstSequence: sequence, startUTC: utc, endUTC: utc, data: token, count: 1, text: carried ? text : nil,
            hasValue: carried,
            standing: standing, startTime: time, lastTime: time, lastSequence: sequence, lastValidity: validity)
    }

    /// All runs; the builder is empty afterwards.
    package mutating func finish() -> [SampleRun] {
        if let run = open { runs.append(run) }
        open = nil
        defer { runs = [] }
        return runs
    }

    private func token(bits: Int64, validity: Validity) -> String {
        switch validity {
        case .overflow: return "U"
        case .underflow: return "L"
        default: break
        }
        guard validity.carriesValue else { return "E" }
        switch stream.form {
        case .integer: return String(bits)
        default:
            if case .number(let digits) = stream.json(bits: bits, text: nil) { return digits }
            return "E"
        }
    }

    /// Periods without a sample between a run's last sample and this time.
    private func missing(after run: SampleRun, time: Int64) -> Int64 {
        stream.isWaveform ? 0 : steps(after: run, time: time) - 1
    }

    private func steps(after run: SampleRun, time: Int64) -> Int64 {
        let period = stream.periodNanoseconds
        return (time &- run.lastTime &+ period / 2) / period
    }

    private func fits(
        _ run: SampleRun, text: String?, carried: Bool, standing: SampleRun.Standing, sequence: Int64, time: Int64
    ) -> Bool {
        guard sequence == run.lastSequence &+ 1, time > run.lastTime, run.count < Self.longestRun else { return false }
        if stream.form == .text { return carried == run.hasValue && text == run.text && standing == run.standing }
        if standing != .undecided, run.standing != .undecided, standing != run.standing { return false }
        let steps = stream.isWaveform ? 1 : steps(after: run, time: time)
        guard steps >= 1, steps <= Self.longestGap else { return false }
        // The tokens' places must stay near the samples' times, so that one run ends before the next begins.
        let place = run.startTime &+ (Int64(run.count) &+ steps &- 1) &* stream.periodNanoseconds
        return (place &- time).magnitude < UInt64(stream.periodNanoseconds * 3 / 4)
    }
}
