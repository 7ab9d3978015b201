package import DeviceModel
import JournalCoding

/// That a stream has samples in a time, of one run of the host.
package struct StreamExtent: Sendable, Equatable {
    package let stream: Int64
    package let descriptor: StreamDescriptor
    package let session: Int64
    /// The first and the last sample that were met. Unit: ns since 1970.
    package fileprivate(set) var first: Int64
    package fileprivate(set) var last: Int64
}

extension StreamHistory {
    /// Waveforms are looked for at so many places of a time: each is a packed minute, so up to an hour and a half
    /// everything is looked at, and of a day a place each quarter of an hour. All of a day's waveforms would be read
    /// for seconds.
    package static let waveformPlaces = 96

    /// Which streams have samples in a time, by stream and session. No value is decoded.
    ///
    /// Of waveforms the first and the last sample that were met: one that lasted for less than a part of
    /// ``waveformPlaces`` of the time may be left out.
    ///
    /// - Parameters:
    ///   - from: from this wall-clock time on, and before `to`. Unit: ns since 1970.
    ///   - sessions: only what these runs of the host recorded; `nil`: all.
    ///   - holders: whose the values of a device are in a session, by its number: what is withheld is not met.
    /// - Throws: ``HistoryError``, ``JournalError``, `CancellationError`.
    package func extents(
        from: Int64, to: Int64, sessions: Set<Int64>? = nil,
        holders: (_ device: String, _ session: Int64) -> [HolderChange] = { _, _ in HolderChange.nobody },
        isCancelled: () -> Bool = { false }
    ) throws -> [StreamExtent] {
        var search = ExtentSearch(
            range: try Self.range(from, to, 1), streams: try reader.streamsByID(), sessions: sessions)
        let step = max(1, (to - from) / Int64(Self.waveformPlaces))
        var cursor: Int64 = 0
        while true {
            if isCancelled() { throw CancellationError() }
            let chunks = try reader.chunks(after: cursor, limit: 100, without: .waveforms, from: from, to: to)
            guard let newest = chunks.last else { break }
            for chunk in chunks { search.take(chunk, holders) }
            cursor = newest.id
        }
        var place = from
        cursor = 0
        while place < to {
            if isCancelled() { throw CancellationError() }
            let found = try reader.chunks(after: cursor, limit: 1, without: .numerics, from: place, to: to)
            guard let chunk = found.last else { break }
            search.take(chunk, holders)
            cursor = chunk.id
            place = max(place, chunk.utc(at: chunk.end)) &+ step
        }
        return search.found.values.sorted { ($0.stream, $0.session) < ($1.stream, $1.session) }
    }
}

/// What is known while chunks pass by.
private struct ExtentSearch {
    struct Key: Hashable {
        let stream: Int64
        let session: Int64
    }

    let range: Range<Int64>
    let streams: [Int64: StreamDescriptor]
    let sessions: Set<Int64>?
    private(set) var found: [Key: StreamExtent] = [:]
    /// Whose the values are.
    private var changes: [Key: [HolderChange]] = [:]

    init(range: Range<Int64>, streams: [Int64: StreamDescriptor], sessions: Set<Int64>?) {
        (self.range, self.streams, self.sessions) = (range, streams, sessions)
    }

    mutating func take(_ chunk: JournalChunk, _ holders: (String, Int64) -> [HolderChange]) {
        guard sessions?.contains(chunk.session) ?? true else { return }
        for frame in chunk.frames(isChosen: { streams[$0] != nil }, damaged: { _ in }) {
            guard let descriptor = streams[frame.stream] else { continue }
            let key = Key(stream: frame.stream, session: chunk.session)
            let changes = changes[key] ?? HolderChange.whole(holders(descriptor.device, chunk.session))
            self.changes[key] = changes
            guard let (first, last) = span(of: frame, in: chunk, changes) else { continue }
            let extent =
                found[key]
                ?? StreamExtent(
                    stream: frame.stream, descriptor: descriptor, session: chunk.session, first: first, last: last)
            found[key] = extent.reaching(first, last)
        }
    }

    /// The first and the last sample of a block within the time that are told; `nil` where none is. Unit: ns since
    /// 1970.
    private func span(of frame: BlockFrame, in chunk: JournalChunk, _ changes: [HolderChange]) -> (
        first: Int64, last: Int64
    )? {
        let areAllTold = !changes.contains { $0.holder == .withheld }
        // Otherwise each sample by itself is a piece.
        if areAllTold, case .explicit(let times) = frame.timing, let first = times.first, let last = times.last {
            let ends = (chunk.utc(at: first), chunk.utc(at: last))
            if range.contains(ends.0), range.contains(ends.1) { return ends }
        }
        var span: (first: Int64, last: Int64)?
        chunk.pieces(of: frame, notBefore: .min, in: range) { piece in
            piece.held(by: changes, in: chunk) { piece, holder in
                guard holder != .withheld else { return }
                span = (min(span?.first ?? .max, piece.utc), max(span?.last ?? .min, piece.lastUTC))
            }
        }
        return span
    }
}

extension StreamExtent {
    fileprivate func reaching(_ first: Int64, _ last: Int64) -> StreamExtent {
        var extent = self
        (extent.first, extent.last) = (min(self.first, first), max(self.last, last))
        return extent
    }
}
