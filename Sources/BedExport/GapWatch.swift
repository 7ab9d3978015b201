import DeviceModel

/// A stretch of a stream without values, or without samples.
struct StreamGap: Hashable {
    /// Why there is nothing.
    enum Cause: Hashable {
        /// The samples say it themselves.
        case told(Validity, Reason)
        /// Samples that were numbered are not in the journal: lost, shed or damaged.
        case lost
        /// Nothing was recorded for more than three periods. Of what a device tells only now and then, it is no fault.
        case silent
        /// The host did not run, or began anew.
        case otherSession

        var word: String {
            switch self {
            case .told: "no-value"
            case .lost: "samples-lost"
            case .silent: "no-samples"
            case .otherSession: "host-not-running"
            }
        }
    }

    /// A moment with the wall clock's time as it was recorded then. Unit: ns since 1970.
    struct Mark: Hashable {
        let moment: JournalMoment
        let utc: Int64?
    }

    let cause: Cause
    /// The first sample without a value, or the last one before it.
    let from: Mark
    /// The first sample after it; `nil` when there is none any more.
    let to: Mark?
    /// How many samples have no value or are missing; `nil` where nobody numbered any.
    let samples: Int64?
}

/// Finds the gaps of one stream, whose samples are given in their order. Nothing is joined.
struct GapWatch {
    private struct Open {
        let cause: StreamGap.Cause
        let from: StreamGap.Mark
        var samples: Int64
    }

    private let period: Int64
    private let start: StreamGap.Mark
    private var last: (mark: StreamGap.Mark, sequence: Int64)?
    private var open: Open?

    /// - Parameter start: of the bed's session: from then on there should have been samples.
    init(_ stream: StreamDescriptor, from start: StreamGap.Mark) {
        (period, self.start) = (stream.periodNanoseconds, start)
    }

    /// The gaps that end with this sample.
    mutating func take(_ sample: SessionSample) -> [StreamGap] {
        var found: [StreamGap] = []
        let hole = hole(before: sample)
        if let open, hole != nil || sample.validity.carriesValue || open.cause != cause(of: sample) {
            found.append(StreamGap(cause: open.cause, from: open.from, to: sample.mark, samples: open.samples))
            self.open = nil
        }
        found += [hole].compactMap(\.self)
        if !sample.validity.carriesValue {
            open = Open(
                cause: cause(of: sample), from: open?.from ?? sample.mark, samples: (open?.samples ?? 0) + 1)
        }
        last = (sample.mark, sample.sequence)
        return found
    }

    /// - Parameter end: of the bed's session, or of the journal.
    mutating func finish(_ end: JournalMoment) -> [StreamGap] {
        defer { (open, last) = (nil, nil) }
        if let open { return [StreamGap(cause: open.cause, from: open.from, to: nil, samples: open.samples)] }
        guard let last, last.mark.moment.session != end.session || isLong(from: last.mark.moment.time, to: end.time)
        else {
            return []
        }
        return [StreamGap(cause: .silent, from: last.mark, to: nil, samples: nil)]
    }

    private func cause(of sample: SessionSample) -> StreamGap.Cause { .told(sample.validity, sample.reason) }

    private func isLong(from: Int64, to: Int64) -> Bool {
        let (limit, overflow) = period.multipliedReportingOverflow(by: 3)
        return !overflow && to &- from > limit
    }

    private func hole(before sample: SessionSample) -> StreamGap? {
        guard let last else {
            let isLate =
                start.moment.session != sample.moment.session
                || isLong(from: start.moment.time, to: sample.moment.time)
            return isLate ? StreamGap(cause: .silent, from: start, to: sample.mark, samples: nil) : nil
        }
        func gap(_ cause: StreamGap.Cause, _ samples: Int64?) -> StreamGap {
            StreamGap(cause: cause, from: last.mark, to: sample.mark, samples: samples)
        }
        if sample.sequence > last.sequence &+ 1 { return gap(.lost, sample.sequence &- last.sequence &- 1) }
        if sample.moment.session != last.mark.moment.session { return gap(.otherSession, nil) }
        return isLong(from: last.mark.moment.time, to: sample.moment.time) ? gap(.silent, nil) : nil
    }
}

extension SessionSample {
    fileprivate var mark: StreamGap.Mark { StreamGap.Mark(moment: moment, utc: utc) }
}
