package import DeviceModel
package import DevicePlans
import ProfileLanguage

/// Decodes a capture of a device's bytes with the production decoders.
///
/// A capture of a serial device is what the device sent. A Modbus capture is requests and replies in the order they
/// were on the wire; a reply whose request is missing is read only when exactly one read of the profile has its size.
package struct CaptureDecoder {
    /// What a capture says, in order.
    package struct Finding: Sendable {
        package let record: SampleRecord
        /// Offset of the frame in the capture. Unit: bytes.
        package let offset: Int
    }

    private struct Collector: RecordSink {
        var findings: [Finding] = []
        mutating func take(_ record: SampleRecord, frameOffset: Int) {
            findings.append(Finding(record: record, offset: frameOffset))
        }
    }

    private let plan: DevicePlan
    private let awaiting: SerialDecoder.Awaiting
    private let civilClock: CivilClock?

    /// - Parameters:
    ///   - request: the request to which the bytes are the reply; `nil` takes any reply.
    ///   - now: the civil time at which the bytes come; `nil` where nobody knows. Unit: ns since 1970.
    package init(_ plan: DevicePlan, replyTo request: String? = nil, now: Int64? = nil) {
        self.plan = plan
        civilClock = now.map { CivilClock(utcOffset: $0, zone: 0) }
        if case .serial(let serial) = plan.protocolPlan,
            let index = serial.requests.firstIndex(where: { $0.name == request })
        {
            awaiting = .reply(index)
        } else {
            awaiting = .anything
        }
    }

    /// Whether the capture holds the reply that was awaited, and what was not read of it and why.
    package func explain(_ capture: [UInt8]) -> (isAnswered: Bool, notes: [DecoderNote]) {
        guard case .serial(let serial) = plan.protocolPlan else { return (true, []) }
        var sink = Collector()
        var decoder = SerialDecoder(plan, serial)
        decoder.awaiting = awaiting
        decoder.civilClock = civilClock
        decoder.keepNotes()
        decoder.feed(capture, count: capture.count, time: 0, sink: &sink)
        decoder.finish(time: 0, sink: &sink)
        return (decoder.takeAnswered() != nil, decoder.notes + Self.unread(capture, decoder, serial))
    }

    /// What is to be said of bytes that belong to no frame.
    private static func unread(_ capture: [UInt8], _ decoder: SerialDecoder, _ plan: SerialPlan) -> [DecoderNote] {
        guard decoder.skippedBytes > 0 || decoder.counters.frames == 0, !capture.isEmpty else { return [] }
        let formats = plan.frames.map(\.format).filter { !$0.isFromHost }
        if decoder.counters.frames > 0 {
            return [
                DecoderNote(offset: 0, text: "\(decoder.skippedBytes) of \(capture.count) bytes belong to no frame")
            ]
        }
        let wanted = formats.prefix(4).map { format in
            var words = "“\(format.name)”"
            words +=
                format.start.isEmpty
                ? " begins after \(VectorFile.hexText(format.end))" : " begins with \(VectorFile.hexText(format.start))"
            if !format.end.isEmpty { words += " and ends with \(VectorFile.hexText(format.end))" }
            if case .fixed(let length) = format.length { words += " and has \(length) bytes" }
            return words
        }
        var text =
            "no whole frame in \(capture.count) bytes, which begin with "
            + "\(VectorFile.hexText(Array(capture.prefix(12)))): "
        text += wanted.joined(separator: ", ")
        if formats.contains(where: \.followsEnd) {
            text +=
                "; a line counts only after the end of the one before it was seen, so a capture begins with an end mark"
        }
        if formats.contains(where: \.needsConfirmation) {
            text += "; so short a frame counts only when the next one follows it"
        }
        return [DecoderNote(offset: 0, text: text)]
    }

    /// Everything a capture says. Never fails: what cannot be read is damage, and shows as samples without a value or
    /// not at all.
    package func decode(_ capture: [UInt8]) -> [Finding] {
        var sink = Collector()
        switch plan.protocolPlan {
        case .serial(let serial):
            var decoder = SerialDecoder(plan, serial)
            decoder.awaiting = awaiting
            decoder.civilClock = civilClock
            decoder.feed(capture, count: capture.count, time: 0, sink: &sink)
            decoder.finish(time: 0, sink: &sink)
        case .modbus:
            var reader = ModbusCapture(plan: plan, bytes: capture)
            reader.read(sink: &sink)
        }
        return sink.findings
    }

    /// The findings as JSON lines. Samples of a waveform that follow each other with one validity share a line, at most
    /// a second of them.
    package func lines(_ findings: [Finding]) -> [JSON] {
        var lines: [JSON] = []
        var sequences = [Int64](repeating: 0, count: plan.streams.count)
        var open: (stream: Int, offset: Int, first: Int64, values: [SampleLine.Value])?
        func flush() {
            guard let run = open else { return }
            lines.append(
                SampleLine.json(
                    plan.streams[run.stream], run.values, firstSequence: run.first,
                    place: ["offset": .integer(run.offset)]))
            open = nil
        }
        var held: [JSON] = []
        for finding in findings {
            let record = finding.record
            guard record.kind == .sample else {
                if let line = eventLine(finding) { held.append(line) }
                continue
            }
            let index = Int(record.index)
            let stream = plan.streams[index]
            let value = SampleLine.Value(
                bits: record.bits, text: stream.form == .text ? record.textValue : nil, validity: record.validity,
                reason: record.reason)
            if stream.isWaveform {
                let limit = max(1, Int(1_000_000_000 / stream.periodNanoseconds))
                if let run = open, run.stream == index, run.values.count < limit, let last = run.values.last,
                    last.validity == value.validity, last.reason == value.reason
                {
                    open?.values.append(value)
                } else {
                    flush()
                    open = (index, finding.offset, sequences[index], [value])
                }
            } else {
                held.append(
                    SampleLine.json(
                        stream, [value], firstSequence: sequences[index], place: ["offset": .integer(finding.offset)]))
            }
            sequences[index] += 1
            if open?.stream != index || !stream.isWaveform {
                lines += held
                held = []
            }
        }
        flush()
        return lines + held
    }

    private func eventLine(_ finding: Finding) -> JSON? {
        let record = finding.record
        let offset: JSON = .integer(finding.offset)
        switch record.kind {
        case .sample: return nil
        case .event:
            return .members([
                "event": .string(record.event.name), "device": .string(plan.handle),
                "text": record.textLength > 0 ? .string(record.textValue) : nil, "offset": offset,
            ])
        case .alertStart: return alertLine(.alertStart, finding)
        case .alertEnd: return alertLine(.alertEnd, finding)
        }
    }

    private func alertLine(_ phase: EventKind, _ finding: Finding) -> JSON? {
        let index = Int(finding.record.index)
        guard plan.alerts.indices.contains(index) else { return nil }
        let alert = plan.alerts[index]
        return .members([
            "event": .string(phase.name), "device": .string(plan.handle), "vmd": alert.vmd.map(JSON.string),
            "alert": .string(alert.name),
            "priority": .string(alert.priority.rawValue), "text": .string(alert.text),
            "offset": .integer(finding.offset),
        ])
    }
}
