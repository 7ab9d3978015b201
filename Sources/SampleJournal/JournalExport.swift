import DeviceModel

/// The journal as JSON lines or CSV, in the order of its commits and in bounded memory.
public struct JournalExport: Sendable {
    private let reader: JournalReader

    public init(_ reader: JournalReader) { self.reader = reader }

    /// The column names of ``csv(_:_:_:)``.
    public static let csvHeader = "time,monotonicNanoseconds,device,vmd,metric,sequence,value,unit,validity,reason"

    /// Gives every sample line after a chunk to `write`, and returns the last chunk read.
    public func samples(after chunk: Int64, csv: Bool, write: (String) throws -> Void) throws -> Int64 {
        var last = chunk
        var streams = try descriptors()
        while true {
            let chunks = try reader.chunks(after: last, limit: 100)
            guard let newest = chunks.last else { return last }
            // What is not as it was written is not passed on as data; `journal verify` names it.
            for chunk in chunks where chunk.isWhole {
                for block in reader.blocks(of: chunk, streams: streams) {
                    if streams[block.stream] == nil { streams = try descriptors() }
                    guard let stream = streams[block.stream] else { continue }
                    for line in csv ? Self.csv(block, stream, chunk) : Self.json(block, stream, chunk) { try write(line) }
                }
            }
            last = newest.id
        }
    }

    /// Gives every event line after an event to `write`, and returns the last event read.
    public func events(after event: Int64, write: (String) throws -> Void) throws -> Int64 {
        var last = event
        while true {
            let events = try reader.events(after: last, limit: 500)
            guard let newest = events.last else { return last }
            for event in events { try write(event.line) }
            last = newest.id
        }
    }

    private func descriptors() throws -> [Int64: StreamDescriptor] {
        try reader.streamsByID()
    }

    private static func value(_ block: SampleBlock, _ index: Int) -> SampleLine.Value {
        SampleLine.Value(
            bits: block.bits[index], text: block.texts.isEmpty ? nil : block.texts[index], validity: block.validities[index],
            reason: block.reasons[index])
    }

    private static func json(_ block: SampleBlock, _ stream: StreamDescriptor, _ chunk: JournalChunk) -> [String] {
        var lines: [String] = []
        var start = 0
        while start < block.count {
            var end = start + 1
            if stream.isWaveform {
                while end < block.count, block.validities[end] == block.validities[start], block.reasons[end] == block.reasons[start] { end += 1 }
            }
            let time = block.time(start)
            let line = SampleLine.json(
                stream, (start..<end).map { value(block, $0) }, firstSequence: block.firstSequence &+ Int64(start),
                place: [
                    "time": .string(UTCTime.text(nanoseconds: chunk.utc(at: time))), "monotonicNanoseconds": .integer(time),
                    "clock": .string(chunk.quality.word),
                ])
            lines.append(line.text)
            start = end
        }
        return lines
    }

    private static func csv(_ block: SampleBlock, _ stream: StreamDescriptor, _ chunk: JournalChunk) -> [String] {
        (0..<block.count).map { index in
            let time = block.time(index)
            let value = value(block, index)
            var written = ""
            if value.validity.carriesValue {
                switch stream.json(bits: value.bits, text: value.text) {
                case .number(let digits): written = digits
                case .string(let text): written = "\"\(text.split(separator: "\"", omittingEmptySubsequences: false).joined(separator: "\"\""))\""
                default: break
                }
            }
            return [
                UTCTime.text(nanoseconds: chunk.utc(at: time)), "\(time)", stream.device, stream.vmd ?? "", stream.metric,
                "\(block.firstSequence &+ Int64(index))", written, stream.unit ?? "", value.validity.word,
                value.reason == .none ? "" : value.reason.word,
            ].joined(separator: ",")
        }
    }
}
