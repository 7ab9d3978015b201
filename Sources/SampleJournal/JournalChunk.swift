package import DeviceModel
import Foundation
import GRDB
import JournalCoding

/// What was committed together: the blocks of a commit, or those of about a minute of commits once they are packed.
package struct JournalChunk: Sendable {
    /// What the blocks are of. Raw values are stored; they are never renumbered.
    package enum Content: Int64, Sendable {
        /// One commit, of all streams.
        case commit = 0
        /// Packed: all but waveforms.
        case numerics = 1
        /// Packed: waveforms.
        case waveforms = 2
    }

    /// The number of the last commit in it; chunks are read in this order. Commits have even numbers: the odd ones are
    /// for the waveforms of a packed span, so that no cursor ever stands between them and the rest.
    package let id: Int64
    /// The number after the last one before it: the chunks' stretches lie one behind the other.
    package let first: Int64
    package let session: Int64
    package let content: Content
    /// When the first sample was taken, or the commit made when there is none. Unit: ns of the monotonic clock.
    package let base: Int64
    /// When the last sample was taken. Unit: ns of the monotonic clock.
    package let end: Int64
    /// The wall clock at `base`. Unit: ns since 1970.
    package let utc: Int64
    package let quality: ClockQuality
    package let samples: Int64
    let payload: [UInt8]
    /// Whether the row is as it was written.
    package let isWhole: Bool

    init(
        id: Int64, first: Int64, session: Int64, content: Content, base: Int64, end: Int64, utc: Int64,
        quality: ClockQuality, samples: Int64,
        payload: [UInt8]
    ) {
        self.id = id
        self.first = first
        self.session = session
        self.content = content
        self.base = base
        self.end = end
        self.utc = utc
        self.quality = quality
        self.samples = samples
        self.payload = payload
        isWhole = true
    }

    /// A chunk as a file has it.
    init(_ row: Row) {
        let numbers = Self.columns.map { row.integer($0) ?? .min }
        let content = Content(rawValue: numbers[3])
        let quality = UInt8(exactly: numbers[7]).flatMap(ClockQuality.init)
        id = numbers[0]
        first = numbers[1]
        session = numbers[2]
        self.content = content ?? .commit
        base = numbers[4]
        end = numbers[5]
        utc = numbers[6]
        self.quality = quality ?? .unknown
        samples = numbers[8]
        payload = row.bytes("payload") ?? []
        isWhole =
            content != nil && quality != nil
            && row.integer("checksum") == ChunkPayload.checksum(numbers, payload: payload)
    }

    private static let columns = [
        "id", "first", "session", "content", "base_ns", "end_ns", "utc", "quality", "samples",
    ]

    func insert(into db: Database) throws {
        // After a failed commit nobody knows whether it is there: the same numbers are written again, and stand once.
        let numbers = [id, first, session, content.rawValue, base, end, utc, Int64(quality.rawValue), samples]
        let statement = try db.cachedStatement(
            sql:
                "INSERT OR REPLACE INTO chunks(\(Self.columns.joined(separator: ", ")), checksum, payload) VALUES (?, "
                + "?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
        )
        try statement.execute(
            arguments: StatementArguments(numbers) + [ChunkPayload.checksum(numbers, payload: payload), Data(payload)])
    }

    /// The wall clock when the chunk was committed, for a monotonic time within it. Unit: ns since 1970.
    package func utc(at monotonic: Int64) -> Int64 { utc &+ (monotonic &- base) }

    /// The blocks of chosen streams. A damaged one is left out and given to `damaged`, with the stream that it says it
    /// is of, where it says one.
    func blocks(
        isChosen: (Int64) -> Bool = { _ in true }, isText: (Int64) -> Bool, damaged: (Int64?, BlockDamage) -> Void
    ) -> [SampleBlock] {
        ChunkPayload.split(payload).compactMap { bytes in
            let stream = try? BlockFrame.header(bytes).stream
            if let stream, !isChosen(stream) { return nil }
            do throws(BlockDamage) {
                return try SampleBlock(bytes, base: base, isText: isText)
            } catch {
                damaged(stream, error)
                return nil
            }
        }
    }

    /// What stands beside the values of the blocks of chosen streams; the values stay coded.
    func frames(isChosen: (Int64) -> Bool, damaged: (Int64?) -> Void) -> [BlockFrame] {
        ChunkPayload.split(payload).compactMap { bytes in
            let stream = try? BlockFrame.header(bytes).stream
            if let stream, !isChosen(stream) { return nil }
            let frame = try? BlockFrame(bytes, base: base)
            if frame == nil { damaged(stream) }
            return frame
        }
    }

    /// Which numbers of which streams are in it, without their values; damaged blocks are left out, and `damaged` is
    /// told.
    func sequences(damaged: () -> Void = {}) -> [(stream: Int64, first: Int64, next: Int64)] {
        ChunkPayload.split(payload).compactMap { bytes in
            let header = BlockFrame.trustedHeader(bytes)
            if header == nil { damaged() }
            return header
        }
    }

    /// Whether a block in it is of a stream that is not among these.
    func hasStream(besides streams: [Int64: StreamDescriptor]) -> Bool {
        ChunkPayload.split(payload).contains { bytes in
            (try? BlockFrame.header(bytes)).map { streams[$0.stream] == nil } ?? false
        }
    }

    /// The same chunk, covering commits before it too, of which nothing is left.
    func covering(from first: Int64) -> JournalChunk {
        JournalChunk(
            id: id, first: first, session: session, content: content, base: base, end: end, utc: utc, quality: quality,
            samples: samples, payload: payload)
    }
}
