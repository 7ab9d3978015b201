import DeviceModel
import JournalCoding

/// Samples of a block in a row that are judged alike and are one step apart.
struct SamplePiece: Equatable {
    /// Their places in the block.
    let places: Range<Int>
    /// When the first was taken. Unit: ns since 1970.
    let utc: Int64
    /// Unit: ns, greater than zero.
    let step: Int64
    let validity: Validity
    let reason: Reason

    /// When the last was taken. Unit: ns since 1970.
    var lastUTC: Int64 { utc &+ Int64(places.count &- 1) &* step }
}

extension JournalChunk {
    /// The pieces of a block in it, in order, without samples that are not wanted.
    ///
    /// - Parameters:
    ///   - notBefore: without numbers below this.
    ///   - range: only samples of this time. Unit: ns since 1970.
    func pieces(
        of frame: BlockFrame, notBefore: Int64, in range: Range<Int64>, _ body: (SamplePiece) throws -> Void
    ) rethrows {
        let start = Int(clamping: max(0, min(notBefore &- frame.firstSequence, Int64(frame.count))))
        let first = notBefore <= frame.firstSequence ? 0 : start
        switch frame.timing {
        case .explicit(let times):
            try Self.eachJudged(first..<frame.count, frame.judgements) { places, judgement in
                for place in places {
                    let time = utc(at: times[place])
                    guard range.contains(time) else { continue }
                    try body(
                        SamplePiece(
                            places: place..<(place + 1), utc: time, step: 1, validity: judgement.validity,
                            reason: judgement.reason))
                }
            }
        case .periodic(let time, let period):
            try pieces(frame, 0..<frame.count, time, period, first, range, body)
        case .runs(let runs, let period):
            var place = 0
            for run in runs {
                try pieces(frame, place..<(place + run.count), run.first, period, first, range, body)
                place += run.count
            }
        }
    }

    /// The pieces of a run, whose first sample was taken at a time. Unit: ns of the monotonic clock.
    private func pieces(
        _ frame: BlockFrame, _ run: Range<Int>, _ time: Int64, _ period: Int64, _ first: Int, _ range: Range<Int64>,
        _ body: (SamplePiece) throws -> Void
    ) rethrows {
        // No stream of ours has another period; nothing is reckoned with one.
        guard (1...3_600_000_000_000).contains(period), run.upperBound > first else { return }
        try Self.eachJudged(max(first, run.lowerBound)..<run.upperBound, frame.judgements) { places, judgement in
            let begin = utc(at: time &+ Int64(places.lowerBound - run.lowerBound) &* period)
            /// How many samples lie before a time.
            func before(_ end: Int64) -> Int {
                let distance = end.subtractingReportingOverflow(begin)
                guard !distance.overflow, distance.partialValue > 0 else { return 0 }
                return Int(min((distance.partialValue - 1) / period + 1, Int64(places.count)))
            }
            let (skipped, kept) = (before(range.lowerBound), before(range.upperBound))
            guard kept > skipped else { return }
            try body(
                SamplePiece(
                    places: (places.lowerBound + skipped)..<(places.lowerBound + kept),
                    utc: begin &+ Int64(skipped) &* period, step: period, validity: judgement.validity,
                    reason: judgement.reason))
        }
    }

    /// The parts of some places that are judged alike.
    private static func eachJudged(
        _ wanted: Range<Int>, _ judgements: [SampleBlock.Judgement],
        _ body: (Range<Int>, SampleBlock.Judgement) throws -> Void
    ) rethrows {
        var place = 0
        for judgement in judgements {
            let part = (place..<(place + judgement.count)).clamped(to: wanted)
            if !part.isEmpty { try body(part, judgement) }
            place += judgement.count
        }
    }
}
