package import DeviceModel

/// A time for which a stream has no values: nothing is drawn there, and nothing joined over it.
package struct StreamGap: Sendable, Equatable {
    /// Why there are none.
    package enum Cause: Sendable, Equatable {
        /// The journal has nothing of the stream there, before its first sample or behind its last.
        case none
        /// Samples came that carry no value.
        case noValue(Validity, Reason)
        /// No sample was taken for longer than the stream's period allows, and none is missing.
        case silent
        /// The host did not run.
        case hostDown
        /// The wall clock was set forward.
        case clockStep
        /// Samples were recorded and are gone, and nothing says why.
        case missing
        /// The same, and a block that cannot be read is there.
        case damaged
        /// The same, and the journal says why: `shed`, `disk` ….
        case declared(String)
        /// There are samples, and they are not told to whoever asks.
        case withheld
        /// More than one of these, too close to each other to be told apart.
        case several

        /// One word for it; that of the reason where samples say why they carry no value.
        package var word: String {
            switch self {
            case .none: "none"
            case .noValue(let validity, let reason): reason == .none ? validity.word : reason.word
            case .silent: "silent"
            case .hostDown: "hostDown"
            case .clockStep: "clockStep"
            case .missing: "missing"
            case .damaged: "damaged"
            case .declared(let cause): cause
            case .withheld: "withheld"
            case .several: "several"
            }
        }
    }

    /// Unit: ns since 1970; `to` is the time of the first value behind it, or where what was asked for ends.
    package let from: Int64
    package let to: Int64
    package let cause: Cause

    package init(from: Int64, to: Int64, cause: Cause) { (self.from, self.to, self.cause) = (from, to, cause) }
}

/// Finds the gaps of a stream while its samples pass by, in the order of their numbers.
struct GapFinder {
    /// The last sample that passed.
    private struct Last {
        let sequence: Int64
        let utc: Int64
        let session: Int64
        /// How far the wall clock was from the monotonic one. Unit: ns.
        let offset: Int64
    }

    private enum State {
        /// Nothing passed yet.
        case empty
        /// The last sample carries a value.
        case covered(Last)
        /// No sample since a time carries one.
        case open(since: Int64, StreamGap.Cause, Last)

        var last: Last? {
            switch self {
            case .empty: nil
            case .covered(let last), .open(_, _, let last): last
            }
        }
    }

    private let range: Range<Int64>
    private let period: Int64
    /// Samples further from each other are not neighbours. Unit: ns.
    private let reach: Int64
    private let declaredFrom: (Int64) throws -> [SequenceGap]
    /// `nil` before the first number is missing: hardly ever is one.
    private var declared: [SequenceGap]?
    private var state = State.empty
    private var isDamaged = false

    /// - Parameters:
    ///   - range: what was asked for. Unit: ns since 1970.
    ///   - declared: gives what the journal says of the stream's missing numbers from one on, in order.
    init(
        _ stream: StreamDescriptor, in range: Range<Int64>, declared: @escaping (Int64) throws -> [SequenceGap]
    ) {
        (self.range, declaredFrom, period) = (range, declared, stream.periodNanoseconds)
        // A numeric is stale after three periods; a waveform's samples are steered by an eighth of one.
        reach = period * (stream.isWaveform ? 2 : 3)
    }

    /// A block that cannot be read stands here.
    mutating func passDamage() { isDamaged = true }

    /// - Parameters:
    ///   - piece: samples within the range.
    ///   - isValue: whether they carry values.
    ///   - isWithheld: whether they are not told; then nothing is said of what they carry either.
    ///   - first: the number of the block's first sample.
    mutating func pass(
        _ piece: SamplePiece, isValue: Bool, isWithheld: Bool = false, first: Int64, of chunk: JournalChunk,
        _ found: (StreamGap) -> Void
    ) throws {
        let offset = chunk.utc &- chunk.base
        let sequence = first &+ Int64(piece.places.lowerBound)
        if let gap = try breakBefore(sequence, piece.utc, chunk.session, offset) {
            endOpen(at: gap.from, found)
            tell(gap, found)
            isDamaged = false
        }
        let last = Last(
            sequence: first &+ Int64(piece.places.upperBound) &- 1, utc: piece.lastUTC, session: chunk.session,
            offset: offset)
        if isValue, !isWithheld {
            endOpen(at: piece.utc, found)
            state = .covered(last)
        } else {
            let cause = isWithheld ? .withheld : StreamGap.Cause.noValue(piece.validity, piece.reason)
            if case .open(let since, cause, _) = state {
                state = .open(since: since, cause, last)
            } else {
                endOpen(at: piece.utc, found)
                state = .open(since: piece.utc, cause, last)
            }
        }
    }

    /// What was asked for is over.
    mutating func finish(_ found: (StreamGap) -> Void) {
        guard let last = state.last else {
            return tell(StreamGap(from: range.lowerBound, to: range.upperBound, cause: .none), found)
        }
        let isBeyond = range.upperBound &- last.utc > reach
        let end = isBeyond ? last.utc &+ period : range.upperBound
        endOpen(at: end, found)
        if isBeyond {
            tell(StreamGap(from: end, to: range.upperBound, cause: isDamaged ? .damaged : .none), found)
        }
    }

    /// The gap between the last sample and the next one, or from the beginning of what was asked for; `nil` when they
    /// are neighbours.
    private mutating func breakBefore(_ sequence: Int64, _ utc: Int64, _ session: Int64, _ offset: Int64) throws
        -> StreamGap?
    {
        guard let last = state.last else {
            return utc &- range.lowerBound > reach
                ? StreamGap(from: range.lowerBound, to: utc, cause: isDamaged ? .damaged : .none) : nil
        }
        let distance = utc &- last.utc
        let isMissing = sequence != last.sequence &+ 1
        guard isMissing || distance > reach else { return nil }
        let cause: StreamGap.Cause =
            if isMissing {
                try cause(of: last.sequence &+ 1)
            } else if session != last.session {
                .hostDown
            } else {
                offset &- last.offset > reach / 2 ? .clockStep : .silent
            }
        return StreamGap(from: last.utc &+ min(period, distance / 2), to: utc, cause: cause)
    }

    private mutating func cause(of missing: Int64) throws -> StreamGap.Cause {
        let declared = try self.declared ?? declaredFrom(missing)
        self.declared = declared
        // The last that begins at the number or before it.
        var (low, high) = (0, declared.count)
        while low < high {
            let middle = (low + high) / 2
            if declared[middle].first <= missing { low = middle + 1 } else { high = middle }
        }
        if low > 0, missing < declared[low - 1].next { return .declared(declared[low - 1].cause) }
        return isDamaged ? .damaged : .missing
    }

    /// Ends a time without values, when there is one, and tells of it.
    private mutating func endOpen(at end: Int64, _ found: (StreamGap) -> Void) {
        guard case .open(let since, let cause, let last) = state else { return }
        tell(StreamGap(from: since, to: end, cause: cause), found)
        state = .covered(last)
    }

    private func tell(_ gap: StreamGap, _ found: (StreamGap) -> Void) {
        let (from, to) = (max(gap.from, range.lowerBound), min(gap.to, range.upperBound))
        if from < to { found(StreamGap(from: from, to: to, cause: gap.cause)) }
    }
}
