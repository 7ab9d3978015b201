import DeviceModel
import GRDB
import JournalCoding

extension JournalReader {
    /// What a verification found.
    package struct Verification: Sendable {
        package var chunks: Int64 = 0
        package var samples: Int64 = 0
        package var events: Int64 = 0
        /// Samples whose numbers were given and that are declared missing: shed, never taken by the disk, or in a file
        /// that is gone.
        package var declaredMissing: Int64 = 0
        /// Each fault with its place; empty when the journal is whole.
        package var faults: [String] = []
    }

    /// More faults than this are not listed.
    private static let faultLimit = 100

    /// Reads everything: every block's checksum, every stream's numbers, that no commit is missing, the events' hash
    /// chain, SQLite's own structure.
    package func verify() throws -> Verification {
        var result = Verification()
        for kind in JournalFiles.Kind.allCases {
            let opened = try open(kind) {
                result.faults.append("\($0.name): cannot be opened (\(JournalFailure.words($1)))")
            }
            if opened.isEmpty { result.faults.append("there is no readable file of \(kind.rawValue)") }
            for file in opened {
                do {
                    let answers = try file.queue.read { try String.fetchAll($0, sql: "PRAGMA integrity_check(10)") }
                    for answer in answers where answer != "ok" {
                        result.faults.append("\(file.segment.name): \(answer)")
                    }
                } catch {
                    result.faults.append("\(file.segment.name): cannot be checked (\(JournalFailure.words(error)))")
                }
            }
        }
        // Each kind of file notes how far the other had come: an end that was cut off shows there. Taken first, because
        // a host may write meanwhile.
        let known = (commit: try mark("chunks", in: .events), event: try mark("events", in: .samples))
        // What cannot be read at all is a fault too, beside those already found.
        do { try verifyChunks(&result, upTo: known.commit) } catch {
            result.faults.append("samples: cannot be read to their end (\(JournalFailure.words(error)))")
        }
        do {
            let chain = try verifyChain(faultsAtMost: Self.faultLimit - result.faults.count)
            result.events = chain.events
            result.faults += chain.faults.map(\.words)
            if let next = chain.next, next <= known.event {
                result.faults.append(
                    "events: they end with event \(next &- 1), and the samples know of \(known.event): cut off")
            }
        } catch { result.faults.append("events: cannot be read to their end (\(JournalFailure.words(error)))") }
        return result
    }

    /// What the numbers of one file must go on from.
    private struct Progress {
        /// The next number of each stream.
        var next: [Int64: Int64] = [:]
        /// Declared gaps of each stream, by their first numbers.
        var gaps: [Int64: [Int64: Int64]] = [:]
        /// The last commit that is covered.
        var chunk: Int64?

        /// Goes on over declared gaps, up to a number; returns how many numbers were passed.
        mutating func passGaps(_ stream: Int64, upTo limit: Int64 = .max) -> Int64 {
            var passed: Int64 = 0
            while let place = next[stream], place < limit, let after = gaps[stream]?.removeValue(forKey: place),
                after > place
            {
                passed &+= after &- place
                next[stream] = after
            }
            return passed
        }
    }

    /// The highest number that files of one kind note of the other.
    private func mark(_ name: String, in kind: JournalFiles.Kind) throws -> Int64 {
        try open(kind).compactMap { file in try? file.queue.read { try $0.about(name) } }.max() ?? 0
    }

    private func verifyChunks(_ result: inout Verification, upTo known: Int64) throws {
        var progress = Progress()
        let all = try open(.samples)
        for (index, file) in all.enumerated() {
            let end = index + 1 < all.count ? all[index + 1].first : Int64.max
            let streams = try file.queue.read { db in
                for row in try Row.fetchAll(db, sql: "SELECT * FROM gaps") {
                    progress.gaps[row.integer("stream") ?? 0, default: [:]][row.integer("first_sequence") ?? 0] =
                        row.integer("next_sequence") ?? 0
                }
                _ = try SessionRow.all(db) { result.faults.append("\(file.segment.name): \($0)") }
                return try StreamRow.all(db) { result.faults.append("\(file.segment.name): \($0)") }
            }
            for stream in streams {
                result.declaredMissing += progress.passGaps(stream.id, upTo: stream.first)
                if let expected = progress.next[stream.id], expected != stream.first {
                    result.faults.append(
                        "\(file.segment.name): stream \(stream.id) begins with sample \(stream.first), expected "
                            + "\(expected)"
                    )
                }
                progress.next[stream.id] = stream.first
            }
            let known = Dictionary(streams.map { ($0.id, $0.descriptor) }, uniquingKeysWith: { first, _ in first })
            if let chunk = progress.chunk, chunk &+ 1 != file.first {
                if chunk &+ 1 &+ JournalOpening.leap > file.first {
                    result.faults.append(
                        "\(file.segment.name): begins with commit \(file.first), expected \(chunk &+ 1): a file is "
                            + "missing"
                    )
                }
            }
            progress.chunk = file.first &- 1
            try verify(file, end: end, known, &progress, &result)
            if result.faults.count >= Self.faultLimit { return }
        }
        if let newest = progress.chunk, newest < known {
            result.faults.append("samples: they end with commit \(newest), and the events know of \(known): cut off")
        }
        for stream in progress.next.keys { result.declaredMissing += progress.passGaps(stream) }
    }

    private func verify(
        _ file: OpenFile, end: Int64, _ streams: [Int64: StreamDescriptor], _ progress: inout Progress,
        _ result: inout Verification
    ) throws {
        let name = file.segment.name
        var last: Int64 = 0
        var span: (first: Int64, id: Int64) = (.min, .min)
        while result.faults.count < Self.faultLimit {
            let chunks: [JournalChunk] = try Self.readable(file, after: last, end: end) { db, start, found in
                let rows = try Row.fetchCursor(
                    db, sql: "SELECT * FROM chunks WHERE id > ? AND id < ? ORDER BY id LIMIT 50",
                    arguments: [start, end])
                while let row = try rows.next() {
                    let chunk = JournalChunk(row)
                    if chunk.id > found.last?.id ?? start { found.append(chunk) }
                }
            }
            guard let newest = chunks.last else { return }
            last = newest.id
            for chunk in chunks {
                result.chunks += 1
                if !chunk.isWhole { result.faults.append("\(name): chunk \(chunk.id): its checksum does not match") }
                // The parts of one packed span stand side by side.
                if chunk.isWhole, chunk.first != span.first, let before = progress.chunk, chunk.first != before &+ 1 {
                    result.faults.append(
                        "\(name): chunk \(chunk.id) begins with commit \(chunk.first), expected \(before &+ 1): "
                            + "records are missing"
                    )
                }
                span = (chunk.first, chunk.id)
                progress.chunk = chunk.id
                let blocks = blocks(of: chunk, streams: streams) {
                    result.faults.append("\(name): chunk \(chunk.id): \($0)")
                }
                for block in blocks {
                    verify(
                        block, "\(name): chunk \(chunk.id)", isKnown: streams[block.stream] != nil, &progress, &result)
                }
            }
        }
    }

    private func verify(
        _ block: SampleBlock, _ place: String, isKnown: Bool, _ progress: inout Progress, _ result: inout Verification
    ) {
        result.samples += Int64(block.count)
        guard isKnown else { return result.faults.append("\(place): the stream \(block.stream) is not described") }
        result.declaredMissing += progress.passGaps(block.stream, upTo: block.firstSequence)
        if let expected = progress.next[block.stream], expected != block.firstSequence {
            result.faults.append(
                "\(place): stream \(block.stream) goes on with sample \(block.firstSequence), expected \(expected)")
        }
        progress.next[block.stream] = block.firstSequence &+ Int64(block.count)
    }

    /// The hash on which the first event that is kept hangs; `nil` without one.
    package func anchor() throws -> [UInt8]? {
        try open(.events).first.flatMap { file in
            try file.queue.read { try Row.fetchOne($0, sql: "SELECT hash FROM anchor")?.bytes("hash") }
        }
    }
}
