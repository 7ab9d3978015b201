import DeviceModel
package import JournalCoding

/// The journal as JSON lines or CSV, in the order of its commits and in bounded memory.
package struct JournalExport: Sendable {
    private let reader: JournalReader

    package init(_ reader: JournalReader) { self.reader = reader }

    /// The column names of CSV lines.
    package static let csvHeader = "time,monotonicNanoseconds,device,vmd,metric,sequence,value,unit,validity,reason"

    /// Gives the sample lines after a cursor to `write`, and moves the cursor behind them.
    ///
    /// - Parameter isCancelled: is asked often; when it says so, `CancellationError` is thrown.
    package func samples(
        from cursor: inout Cursor, _ selection: JournalReader.Selection = JournalReader.Selection(), csv: Bool,
        isCancelled: () -> Bool = { false }, write: (String) throws -> Void
    ) throws {
        var known = try cursor.known ?? Known(reader.streamsByID(), selection)
        defer { cursor.known = known }
        while true {
            let chunks = try reader.chunks(
                after: cursor.chunk, limit: 100, without: known.without, from: selection.from, to: selection.to)
            guard let newest = chunks.last else { return }
            if isCancelled() { throw CancellationError() }
            for chunk in chunks where selection.sessions?.contains(chunk.session) ?? true {
                // A stream described since then: whether it is one of text must be known before its block is read.
                if chunk.hasStream(besides: known.streams) { known = Known(try reader.streamsByID(), selection) }
                for block in reader.blocks(of: chunk, chosen: known.chosen, streams: known.streams) {
                    guard let stream = known.streams[block.stream] else { continue }
                    let read = cursor.take(block)
                    for line in Line.all(block, stream, chunk, selection, notBefore: read, asRuns: !csv) {
                        try write(csv ? line.csv : line.json)
                    }
                }
            }
            cursor.chunk = newest.id
        }
    }

    /// The streams as they were last read, and what of them is wanted: of the others only blocks' headers are read.
    fileprivate struct Known {
        let streams: [Int64: StreamDescriptor]
        let chosen: Set<Int64>
        let without: JournalChunk.Content?

        init(_ streams: [Int64: StreamDescriptor], _ selection: JournalReader.Selection) {
            let wanted = streams.filter(selection.takes)
            self.streams = streams
            chosen = Set(wanted.keys)
            without = JournalReader.contentWithout(wanted.values)
        }
    }

    /// How far somebody has read of one selection: resumable, and exact although commits are packed meanwhile.
    package struct Cursor: Sendable {
        /// The last chunk read.
        package var chunk: Int64
        /// The next number of each stream that was read.
        fileprivate var next: [Int64: Int64] = [:]
        fileprivate var known: Known?

        package init(after chunk: Int64) { self.chunk = chunk }

        /// Takes note of a block. Returns the number before which its samples had been read.
        @discardableResult
        package mutating func take(_ block: SampleBlock) -> Int64 {
            let read = next[block.stream] ?? .min
            next[block.stream] = max(read, block.firstSequence &+ Int64(block.count))
            return read
        }
    }

    /// Gives every event line after an event to `write`, and returns the last event read.
    package func events(
        after event: Int64, _ selection: JournalReader.Selection = JournalReader.Selection(),
        write: (String) throws -> Void
    ) throws -> Int64 {
        var last = event
        while true {
            let events = try reader.events(after: last, limit: 500)
            guard let newest = events.last else { return last }
            for event in events where selection.takes(event) { try write(event.line) }
            last = newest.id
        }
    }

    /// Samples of one block that make one line.
    private struct Line {
        let stream: StreamDescriptor
        let values: ArraySlice<SampleLine.Value>
        let sequence: Int64
        let time: Int64
        let utc: Int64
        let quality: ClockQuality

        /// - Parameters:
        ///   - notBefore: numbers below have been read.
        ///   - asRuns: put a waveform's samples of one judgement, without a jump in time, into one line.
        static func all(
            _ block: SampleBlock, _ stream: StreamDescriptor, _ chunk: JournalChunk,
            _ selection: JournalReader.Selection, notBefore: Int64, asRuns: Bool
        ) -> [Line] {
            let (times, judgements) = (block.times, block.expandedJudgements)
            let wanted = (0..<block.count).filter {
                let utc = chunk.utc(at: times[$0])
                return block.firstSequence &+ Int64($0) >= notBefore && utc >= selection.from && utc < selection.to
            }
            let values = wanted.map { index in
                SampleLine.Value(
                    bits: block.bits[index], text: block.texts.isEmpty ? nil : block.texts[index],
                    validity: judgements[index].validity,
                    reason: judgements[index].reason)
            }
            var lines: [Line] = []
            var start = 0
            while start < wanted.count {
                var end = start + 1
                while asRuns, stream.isWaveform, end < wanted.count, values[end].validity == values[start].validity,
                    values[end].reason == values[start].reason,
                    times[wanted[end]] - times[wanted[end - 1]] == stream.periodNanoseconds
                { end += 1 }
                lines.append(
                    Line(
                        stream: stream, values: values[start..<end],
                        sequence: block.firstSequence &+ Int64(wanted[start]), time: times[wanted[start]],
                        utc: chunk.utc(at: times[wanted[start]]), quality: chunk.quality))
                start = end
            }
            return lines
        }

        var json: String {
            SampleLine.json(
                stream, Array(values), firstSequence: sequence,
                place: [
                    "time": .string(UTCTime.text(nanoseconds: utc)), "monotonicNanoseconds": .integer(time),
                    "clock": .string(quality.word),
                ]
            ).text
        }

        var csv: String {
            guard let value = values.first else { return "" }
            var written = ""
            if value.validity.carriesValue {
                switch stream.json(bits: value.bits, text: value.text) {
                case .number(let digits): written = digits
                case .string(let text): written = Printable.cell(text, isQuoted: true)
                default: break
                }
            }
            return [
                UTCTime.text(nanoseconds: utc), "\(time)", Printable.cell(stream.device),
                Printable.cell(stream.vmd ?? ""), Printable.cell(stream.metric), "\(sequence)", written,
                Printable.cell(stream.unit ?? ""),
                value.validity.word, value.reason == .none ? "" : value.reason.word,
            ].joined(separator: ",")
        }
    }
}
