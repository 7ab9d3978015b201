import DeviceModel
import JournalFolds
import Patients
import SampleJournal

/// Values and waves, which are written again and again: straight as bytes.
extension PictureState {
    // MARK: Values

    /// The newest samples of streams, as an array; nothing at all where there are none.
    func values(_ numbers: Set<Int64>) -> [UInt8] {
        guard isRecording else { return [] }
        let streams = numbers.compactMap { layout.byNumber[$0] }.sorted { $0.number < $1.number }
        return values(of: streams)
    }

    private func values(of streams: [PictureLayout.Stream]) -> [UInt8] {
        var bytes: [UInt8] = []
        for stream in streams where !stream.descriptor.isWaveform {
            guard let newest = samples.newest[stream.number],
                newest.time >= samples.committed &- SessionSamples.oldest
            else { continue }
            bytes.append(bytes.isEmpty ? UInt8(ascii: "[") : UInt8(ascii: ","))
            Self.write(isOfFormerPatient(newest, stream) ? newest.withoutValue : newest, of: stream, to: &bytes)
        }
        if !bytes.isEmpty { bytes.append(UInt8(ascii: "]")) }
        return bytes
    }

    /// Whether it was measured before the patient came who is at the stream's bed now, after one who left, or while the
    /// device was at another bed.
    private func isOfFormerPatient(_ newest: SessionSamples.Newest, _ stream: PictureLayout.Stream) -> Bool {
        begins[stream.descriptor.device].map { newest.time < $0 } ?? false
    }

    private static func write(_ newest: SessionSamples.Newest, of stream: PictureLayout.Stream, to bytes: inout [UInt8])
    {
        bytes += "[\(stream.number),".utf8
        JSON.milliseconds(newest.time).write(to: &bytes)
        bytes.append(UInt8(ascii: ","))
        let value =
            newest.validity.carriesValue ? stream.descriptor.json(bits: newest.bits, text: newest.text) : JSON.null
        switch value {
        // As a text, so that its digits stay as they are.
        case .number(let text): JSON.string(text).write(to: &bytes)
        case .string(let text): JSON.shown(text).write(to: &bytes)
        default: JSON.null.write(to: &bytes)
        }
        bytes += ",\"\(newest.validity.word)\",\"\(newest.reason == .none ? "" : newest.reason.word)\"]".utf8
    }

    // MARK: Waves

    /// The JSON object `waves` of a bed.
    ///
    /// - Parameter first: the number from which on a stream's samples are wanted.
    func waves(of bed: String, _ streams: [PictureLayout.Stream], from first: (Int64) -> Int64) -> [UInt8] {
        var bytes = Array("{\"bed\":".utf8)
        JSON.string(bed).write(to: &bytes)
        bytes += ",\"waves\":[".utf8
        var isFirst = true
        for stream in isRecording ? streams : [] {
            // Nor is a former patient's curve drawn on as that of who is there now.
            let begin = max(samples.committed &- WaveTail.length, begins[stream.descriptor.device] ?? .min)
            let runs = samples.waves[stream.number]?.joined(from: first(stream.number), time: begin)
            for run in runs ?? [] {
                if !isFirst { bytes.append(UInt8(ascii: ",")) }
                isFirst = false
                Self.write(run, of: stream, to: &bytes)
            }
        }
        bytes += "]}".utf8
        return bytes
    }

    private static func write(_ runs: [WaveTail.Run], of stream: PictureLayout.Stream, to bytes: inout [UInt8]) {
        guard let first = runs.first else { return }
        bytes += "[\(stream.number),\(first.firstSequence),".utf8
        JSON.milliseconds(first.start).write(to: &bytes)
        bytes.append(UInt8(ascii: ","))
        JSON.number(DecimalText.render(stream.descriptor.periodNanoseconds, exponent: -6)).write(to: &bytes)
        bytes += ",[".utf8
        var isFirst = true
        for run in runs {
            for bits in run.bits {
                if !isFirst { bytes.append(UInt8(ascii: ",")) }
                isFirst = false
                if let bits { stream.descriptor.write(bits: bits, to: &bytes) } else { bytes += "null".utf8 }
            }
        }
        bytes += "]]".utf8
    }

    // MARK: The whole and a beat

    /// The JSON object `picture`, on one line.
    func whole(_ now: PictureTime, _ parts: PictureParts) -> [UInt8] {
        var bytes: [UInt8] = []
        JSON.object(heading + moment(now)).write(to: &bytes)
        bytes.removeLast()
        var streams: [UInt8] = []
        parts.streams.write(to: &streams)
        let values = isRecording ? values(of: layout.streams) : []
        let members = parts.members + [("streams", streams), ("values", values.isEmpty ? Array("[]".utf8) : values)]
        for (name, text) in members { bytes += ",\"\(name)\":".utf8 + text }
        bytes.append(UInt8(ascii: "}"))
        return bytes
    }

    /// The JSON object `beat`, on one line.
    ///
    /// - Parameter members: what is other, each written; those without a text are left out.
    func beat(_ now: PictureTime, _ members: [(String, [UInt8])]) -> [UInt8] {
        var bytes: [UInt8] = []
        JSON.object(moment(now)).write(to: &bytes)
        bytes.removeLast()
        for (name, text) in members where !text.isEmpty { bytes += ",\"\(name)\":".utf8 + text }
        bytes.append(UInt8(ascii: "}"))
        return bytes
    }

    private func moment(_ now: PictureTime) -> [JSON.Member] {
        [
            JSON.Member(name: "mono", value: .milliseconds(now.monotonic)),
            JSON.Member(name: "utc", value: .utc(now.utc)),
            JSON.Member(name: "clock", value: .string(samples.quality.word)),
            JSON.Member(name: "recording", value: .bool(isRecording)),
            JSON.Member(name: "committed", value: .milliseconds(samples.committed)),
        ]
    }
}
