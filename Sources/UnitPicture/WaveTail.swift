import DeviceModel
import JournalCoding

/// The last seconds of a waveform, as the journal has them.
struct WaveTail {
    /// How much is kept. Unit: ns.
    static let length: Int64 = 8_000_000_000
    /// The most samples that are kept of one: ``length`` at 1 kHz, twice over.
    static let most = 16_000

    /// Samples one period apart, without a hole.
    struct Run {
        let firstSequence: Int64
        /// When the first was taken. Unit: ns of the monotonic clock.
        let start: Int64
        /// Unit: ns.
        let period: Int64
        /// `nil` where a sample carries no value.
        let bits: ArraySlice<Int64?>

        var next: Int64 { firstSequence &+ Int64(bits.count) }

        func time(_ place: Int) -> Int64 { start &+ Int64(place) &* period }

        /// The samples from a number and a time on; `nil` where there are none.
        func from(sequence: Int64, time: Int64) -> Run? {
            var skipped = sequence > firstSequence ? sequence &- firstSequence : 0
            if start < time, period > 0 { skipped = max(skipped, (time &- start &+ period &- 1) / period) }
            guard skipped < Int64(bits.count) else { return nil }
            return Run(
                firstSequence: firstSequence &+ skipped, start: self.time(Int(skipped)), period: period,
                bits: bits.dropFirst(Int(skipped)))
        }

        /// Whether another one goes on where this ends. Where the host drew a device's clock a little towards its own,
        /// the samples go on all the same.
        func isFollowed(by other: Run) -> Bool {
            other.firstSequence == next && other.period == period
                && (other.start &- time(bits.count)).magnitude <= UInt64(max(0, period / 2))
        }
    }

    private(set) var runs: [Run] = []
    private var count = 0

    /// Takes the samples of a block from a number on.
    mutating func take(_ block: SampleBlock, from sequence: Int64) {
        let judgements = block.judgements
        var values: [Int64?] = []
        values.reserveCapacity(block.count)
        for judgement in judgements {
            let range = values.count..<min(block.bits.count, values.count + judgement.count)
            if judgement.validity.carriesValue {
                for place in range { values.append(block.bits[place]) }
            } else {
                values += repeatElement(nil, count: range.count)
            }
        }
        for run in Self.runs(of: block, values) {
            guard let fresh = run.from(sequence: sequence, time: .min) else { continue }
            runs.append(fresh)
            count += fresh.bits.count
        }
    }

    private static func runs(of block: SampleBlock, _ values: [Int64?]) -> [Run] {
        switch block.timing {
        case .periodic(let first, let period):
            return [Run(firstSequence: block.firstSequence, start: first, period: period, bits: values[...])]
        case .runs(let runs, let period):
            var (made, place): ([Run], Int) = ([], 0)
            for run in runs {
                let end = min(values.count, place + run.count)
                made.append(
                    Run(
                        firstSequence: block.firstSequence &+ Int64(place), start: run.first, period: period,
                        bits: values[place..<end]))
                place = end
            }
            return made
        case .explicit(let times):
            return times.indices.filter { values.indices.contains($0) }.map { place in
                Run(
                    firstSequence: block.firstSequence &+ Int64(place), start: times[place], period: 0,
                    bits: values[place...place])
            }
        }
    }

    /// Lets go of what is older.
    ///
    /// - Parameter time: unit ns of the monotonic clock.
    mutating func forget(before time: Int64) {
        var gone = 0
        while gone < runs.count, count > Self.most || runs[gone].time(runs[gone].bits.count - 1) < time {
            count -= runs[gone].bits.count
            gone += 1
        }
        runs.removeFirst(gone)
    }

    /// What there is from a number and a time on, joined where it goes on without a hole.
    func joined(from sequence: Int64, time: Int64) -> [[Run]] {
        var joined: [[Run]] = []
        // How far the last group's own period has gone from the times as they are. Unit: ns.
        var head: Run?
        var length = 0
        for run in runs {
            guard let run = run.from(sequence: sequence, time: time) else { continue }
            if let first = head, let last = joined.last?.last, last.isFollowed(by: run),
                (run.start &- first.time(length)).magnitude <= UInt64(max(0, first.period / 2))
            {
                joined[joined.count - 1].append(run)
                length += run.bits.count
            } else {
                joined.append([run])
                (head, length) = (run, run.bits.count)
            }
        }
        return joined
    }
}
