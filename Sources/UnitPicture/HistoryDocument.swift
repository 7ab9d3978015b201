package import SampleJournal
import DeviceModel

/// What the journal says of the past, as a screen asks for it. Each answer is read anew from the journal, in bounded
/// memory; nothing is kept between two.
///
/// It blocks its thread: it is called off the event loop.
package struct HistoryDocument: Sendable {
    let reader: JournalReader
    let scope: HistoryScope

    package init(_ reader: JournalReader, scope: HistoryScope = .unit) { (self.reader, self.scope) = (reader, scope) }

    /// Writes the answer, piece by piece.
    ///
    /// - Parameters:
    ///   - isCancelled: is asked often; when it says so, `CancellationError` is thrown.
    ///   - write: gets pieces of about 64 kB. What it throws ends the answer.
    /// - Throws: ``HistoryFault`` before the first piece, or what the journal's reader throws.
    package func answer(
        _ request: HistoryRequest, isCancelled: () -> Bool = { false }, write: ([UInt8]) throws -> Void
    ) throws {
        try withoutActuallyEscaping(write) { write in
            let pieces = HistoryPieces(write)
            switch request {
            // Neither tells whose a row is.
            case .samples where scope != .unit, .log where scope != .unit: throw HistoryFault.notFromAfar
            case .streams(let time, let mark): try answer(streamsOf: time, mark, isCancelled, pieces)
            case .columns(let time, let streams, let count, let mark):
                try answer(columnsOf: streams, time, count, mark, isCancelled, pieces)
            case .samples(let time, let streams, let mark):
                try answer(samplesOf: streams, time, mark, isCancelled, pieces)
            case .log(let time, let limit): try answer(logOf: time, limit, isCancelled, pieces)
            }
            try pieces.flush()
        }
    }

    // MARK: Streams

    private func answer(
        streamsOf time: HistoryTime, _ mark: DataMark?, _ isCancelled: () -> Bool, _ pieces: HistoryPieces
    ) throws {
        let sessions = try HistorySessions(reader)
        let range = time.nanoseconds
        let people = try HistoryPeople(reader, sessions, time, scope)
        let extents = try StreamHistory(reader).extents(
            from: range.lowerBound, to: range.upperBound, sessions: mark.map(sessions.numbers),
            holders: people.changes, isCancelled: isCancelled)
        let beds = try HistoryBeds(reader, before: range.upperBound)
        // Of each stream one line, with the bed of the newest run in which it has samples.
        let keys = Dictionary(sessions.all.map { ($0.id, $0.key) }) { $1 }
        let lines = Dictionary(grouping: extents, by: \.stream).sorted { $0.key < $1.key }.map { number, parts in
            let newest = parts.max { $0.session < $1.session }
            let stream = parts[0].descriptor
            let bed = newest.flatMap { beds.bed(of: stream.device, in: keys[$0.session] ?? "") }
            return stream.json(number: number).adding([
                "bed": .shown(bed), "first": parts.map(\.first).min().map(JSON.utc) ?? .null,
                "last": parts.map(\.last).max().map(JSON.utc) ?? .null,
            ])
        }
        let met = Set(extents.map(\.session))
        try pieces.take(
            JSON.members([
                "from": .integer(time.from), "to": .integer(time.to), "streams": .array(lines),
                "sessions": sessions.json(met, in: time),
            ]))
    }

    // MARK: Samples

    /// Rows of one file: what a spreadsheet and a browser can take.
    static let mostRows = 2_000_000

    private func answer(
        samplesOf streams: [Int64], _ time: HistoryTime, _ mark: DataMark?, _ isCancelled: () -> Bool,
        _ pieces: HistoryPieces
    ) throws {
        let sessions = try HistorySessions(reader)
        let known = try reader.streamsByID()
        let range = time.nanoseconds
        var rows: Int64 = 0
        for stream in streams {
            guard let period = known[stream]?.periodNanoseconds else { throw HistoryFault.noSuchStream }
            rows += (range.upperBound - range.lowerBound) / period + 1
        }
        guard rows <= Self.mostRows else {
            throw HistoryFault("tooMuch", "at most \(Self.mostRows) samples in one file: ask for less time")
        }
        let selection = JournalReader.Selection(
            streams: Set(streams), sessions: sessions.numbers(of: mark ?? sessions.mark(of: time)),
            from: range.lowerBound, to: range.upperBound)
        try pieces.take(line: JournalExport.csvHeader)
        var cursor = JournalExport.Cursor(after: 0)
        var written = 0
        try JournalExport(reader).samples(from: &cursor, selection, csv: true, isCancelled: isCancelled) { line in
            written += 1
            // A device that tells more than its profile says: half a table would pass for a whole one.
            guard written <= 2 * Self.mostRows else { throw HistoryFault("tooMuch", "there are too many samples") }
            try pieces.take(line: line)
        }
    }
}

extension HistoryFault {
    static let noSuchStream = HistoryFault("streams", "the journal has no such stream")
    static let notFromAfar = HistoryFault("far", "this is not told from afar")
}

/// Which device was at which bed, in each run of the host.
struct HistoryBeds {
    private static let batch = 1000

    /// By the session's key and the device's handle.
    private var beds: [String: [String: String]] = [:]

    /// - Parameter end: what was configured from then on is left out. Unit: ns since 1970.
    init(_ reader: JournalReader, before end: Int64) throws {
        var seen: Int64 = 0
        while case let events = try reader.events(
            named: [EventKind.bedConfigured.name], from: .min, to: end, after: seen, limit: Self.batch),
            let newest = events.last?.id
        {
            for event in events {
                let body = event.object
                guard let bed = body["bed"] as? String, let devices = body["devices"] as? [String] else { continue }
                for device in devices { beds[event.session, default: [:]][device] = bed }
            }
            seen = newest
        }
    }

    func bed(of device: String, in session: String) -> String? { beds[session]?[device] }

    /// The beds at which devices were in some runs of the host.
    func beds(of devices: Set<String>, in sessions: Set<String>) -> Set<String> {
        Set(sessions.flatMap { session in devices.compactMap { beds[session]?[$0] } })
    }
}

/// An answer on its way, in pieces of about 64 kB.
final class HistoryPieces {
    private static let size = 64 << 10

    private let write: ([UInt8]) throws -> Void
    private var bytes: [UInt8] = []

    init(_ write: @escaping ([UInt8]) throws -> Void) { self.write = write }

    func take(_ json: JSON) throws {
        json.write(to: &bytes)
        if bytes.count >= Self.size { try flush() }
    }

    func take(text: String) throws {
        bytes += text.utf8
        if bytes.count >= Self.size { try flush() }
    }

    func take(line: String) throws { try take(text: "\(line)\n") }

    /// Writes what is there, in pieces.
    func flush() throws {
        var rest = bytes[...]
        while !rest.isEmpty {
            try write(Array(rest.prefix(Self.size)))
            rest = rest.dropFirst(Self.size)
        }
        bytes.removeAll(keepingCapacity: true)
    }
}
