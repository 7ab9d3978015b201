import DeviceModel
import JournalCoding

/// Why a history cannot be had, in words that tell what to do.
package enum HistoryError: Error, Equatable, CustomStringConvertible {
    case noSuchStream(Int64)
    case isText(Int64)
    case tooManyStreams
    case columnsOutOfRange
    case noTime

    package var description: String {
        switch self {
        case .noSuchStream(let stream): "the journal has no stream \(stream): ask for one that it lists"
        case .isText(let stream): "stream \(stream) is one of text, which has no least and greatest value"
        case .tooManyStreams: "give one stream at least and \(StreamHistory.streamLimit) at most, each once"
        case .columnsOutOfRange:
            "give \(StreamHistory.columnLimit.lowerBound) to "
                + "\(StreamHistory.columnLimit.upperBound) columns"
        case .noTime: "the time must begin after 1970, before it ends, and be as long as its columns are many"
        }
    }
}

/// Streams over a time, in columns: made from the journal each time, of the blocks of these streams alone, in bounded
/// memory.
package struct StreamHistory: Sendable {
    /// More columns than a screen has pixels.
    package static let columnLimit = 1...4000
    /// Streams that are asked for at once: more than a bed has. Each takes 40 bytes a column and its gaps.
    package static let streamLimit = 64

    let reader: JournalReader

    package init(_ reader: JournalReader) { self.reader = reader }

    /// The least and the greatest value of each column, and the gaps.
    ///
    /// - Parameters:
    ///   - streams: their numbers.
    ///   - from: from this wall-clock time on, and before `to`. Unit: ns since 1970.
    ///   - count: how many columns of equal width.
    ///   - sessions: only what these runs of the host recorded; `nil`: all.
    ///   - holders: whose the values of a device are in a session, by its number. What is withheld is a gap. Left out:
    ///     it is not told whose they are.
    ///   - isCancelled: is asked often; when it says so, `CancellationError` is thrown.
    ///   - progress: is told how much is done, each hundredth at most once. Range: 0…1.
    /// - Throws: ``HistoryError``, ``JournalError``.
    package func columns(
        of streams: [Int64], from: Int64, to: Int64, count: Int, sessions: Set<Int64>? = nil,
        holders: (_ device: String, _ session: Int64) -> [HolderChange] = { _, _ in HolderChange.nobody },
        isCancelled: () -> Bool = { false }, progress: (Double) -> Void = { _ in }
    ) throws -> [StreamColumns] {
        let range = try Self.range(from, to, count)
        guard (1...Self.streamLimit).contains(streams.count), Set(streams).count == streams.count else {
            throw HistoryError.tooManyStreams
        }
        let known = try reader.streamsByID()
        let edges = ColumnEdges(range, count: count)
        var works: [Work] = []
        for stream in streams {
            guard let descriptor = known[stream] else { throw HistoryError.noSuchStream(stream) }
            guard descriptor.form != .text else { throw HistoryError.isText(stream) }
            works.append(
                Work(
                    columns: StreamColumns(stream, descriptor, edges),
                    gaps: GapFinder(descriptor, in: range) { try reader.declaredGaps(of: stream, from: $0) }))
        }
        let places = Dictionary(uniqueKeysWithValues: streams.enumerated().map { ($1, $0) })
        try reader.eachChunk(
            with: works.map(\.columns.descriptor), in: range, sessions, isCancelled, progress
        ) { chunk in
            let blocks = chunk.blocks(isChosen: { places[$0] != nil }, isText: { _ in false }) { stream, _ in
                for place in works.indices where stream == nil || works[place].columns.stream == stream {
                    works[place].passDamage()
                }
            }
            for block in blocks {
                guard let place = places[block.stream] else { continue }
                works[place].see(chunk.session, holders)
                try works[place].take(block, of: chunk, in: range)
            }
            return true
        }
        return works.map { $0.finished() }
    }

    /// A time that can be asked for, in nanoseconds that can be reckoned with.
    static func range(_ from: Int64, _ to: Int64, _ count: Int) throws -> Range<Int64> {
        guard columnLimit.contains(count) else { throw HistoryError.columnsOutOfRange }
        guard from >= 0, from < to, to < .max / 2, to - from >= Int64(count) else { throw HistoryError.noTime }
        return from..<to
    }

    /// One stream while its blocks pass by.
    private struct Work {
        var columns: StreamColumns
        var gaps: GapFinder
        /// Numbers below have been taken: packed meanwhile, a chunk has again what was read of its commits.
        var next = Int64.min
        /// Whose the values are, by session.
        private var changes: [Int64: [HolderChange]] = [:]

        init(columns: StreamColumns, gaps: GapFinder) { (self.columns, self.gaps) = (columns, gaps) }

        /// Asks once whose the values of a session are.
        mutating func see(_ session: Int64, _ holders: (String, Int64) -> [HolderChange]) {
            guard changes[session] == nil else { return }
            changes[session] = HolderChange.whole(holders(columns.descriptor.device, session))
        }

        mutating func passDamage() {
            columns.damagedBlocks += 1
            gaps.passDamage()
        }

        mutating func take(_ block: SampleBlock, of chunk: JournalChunk, in range: Range<Int64>) throws {
            let changes = changes[chunk.session] ?? HolderChange.nobody
            try chunk.pieces(of: block.frame, notBefore: next, in: range) { piece in
                try piece.held(by: changes, in: chunk) { piece, holder in
                    try take(piece, holder, block, chunk)
                }
            }
            next = max(next, block.firstSequence &+ Int64(block.count))
        }

        private mutating func take(
            _ piece: SamplePiece, _ holder: ValueHolder, _ block: SampleBlock, _ chunk: JournalChunk
        ) throws {
            guard case .of(let holder) = holder else {
                return try pass(piece, isValue: false, isWithheld: true, block, chunk)
            }
            let isValue = piece.validity.carriesValue
            guard isValue, !columns.areAllNumbers else {
                if isValue { columns.take(piece, block.bits[piece.places], of: holder) }
                return try pass(piece, isValue: isValue, block, chunk)
            }
            for (part, isNumber) in parts(piece, block.bits) {
                if isNumber { columns.take(part, block.bits[part.places], of: holder) }
                try pass(part, isValue: isNumber, block, chunk)
            }
        }

        private mutating func pass(
            _ piece: SamplePiece, isValue: Bool, isWithheld: Bool = false, _ block: SampleBlock, _ chunk: JournalChunk
        ) throws {
            try gaps.pass(
                piece, isValue: isValue, isWithheld: isWithheld, first: block.firstSequence, of: chunk
            ) { columns.take($0) }
        }

        /// The parts of a piece that are numbers, and those that are not: a float may be neither.
        private func parts(_ piece: SamplePiece, _ bits: [Int64]) -> [(SamplePiece, isNumber: Bool)] {
            var parts: [(SamplePiece, isNumber: Bool)] = []
            var start = piece.places.lowerBound
            while start < piece.places.upperBound {
                let isNumber = columns.isNumber(bits[start])
                let end =
                    bits[start..<piece.places.upperBound].firstIndex { columns.isNumber($0) != isNumber }
                    ?? piece.places.upperBound
                let utc = piece.utc &+ Int64(start - piece.places.lowerBound) &* piece.step
                parts.append(
                    (
                        SamplePiece(
                            places: start..<end, utc: utc, step: piece.step,
                            validity: isNumber ? piece.validity : .invalid,
                            reason: isNumber ? piece.reason : .notANumber), isNumber
                    ))
                start = end
            }
            return parts
        }

        consuming func finished() -> StreamColumns {
            gaps.finish { columns.take($0) }
            return columns
        }
    }
}

extension JournalReader {
    /// The gaps of a stream, oldest first, at most `limit`. No value is decoded.
    ///
    /// - Parameters:
    ///   - from: from this wall-clock time on, and before `to`. Unit: ns since 1970.
    ///   - sessions: only what these runs of the host recorded; `nil`: all.
    /// - Throws: ``HistoryError``, ``JournalError``.
    package func gaps(
        of stream: Int64, from: Int64, to: Int64, sessions: Set<Int64>? = nil, limit: Int = 10_000,
        isCancelled: () -> Bool = { false }
    ) throws -> [StreamGap] {
        let range = try StreamHistory.range(from, to, 1)
        guard let descriptor = try streamsByID()[stream] else { throw HistoryError.noSuchStream(stream) }
        var finder = GapFinder(descriptor, in: range) { try self.declaredGaps(of: stream, from: $0) }
        var gaps: [StreamGap] = []
        var next = Int64.min
        func take(_ gap: StreamGap) { if gaps.count < limit { gaps.append(gap) } }
        try eachChunk(with: [descriptor], in: range, sessions, isCancelled, { _ in }) { chunk in
            for frame in chunk.frames(isChosen: { $0 == stream }, damaged: { _ in finder.passDamage() }) {
                try chunk.pieces(of: frame, notBefore: next, in: range) { piece in
                    try finder.pass(
                        piece, isValue: piece.validity.carriesValue, first: frame.firstSequence, of: chunk, take)
                }
                next = max(next, frame.firstSequence &+ Int64(frame.count))
            }
            return gaps.count < limit
        }
        finder.finish(take)
        return gaps
    }
}
