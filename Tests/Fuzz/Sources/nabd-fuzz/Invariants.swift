import DeviceDrivers
import DeviceModel
import DevicePlans
import ProfileLanguage

/// A record with what can be compared of it.
struct Said: Hashable {
    let kind: UInt8
    let index: UInt32
    let bits: Int64
    let validity: Validity
    let reason: Reason
    let event: EventCode
    let text: String
    let offset: Int

    init(_ record: SampleRecord, offset: Int) {
        kind = record.kind.rawValue
        index = record.index
        bits = record.bits
        validity = record.validity
        reason = record.reason
        event = record.event
        text = record.textLength > 0 ? record.textValue : ""
        self.offset = offset
    }
}

/// Takes what a decoder says and checks each record.
struct Checker: RecordSink {
    let target: Target
    /// Bytes given so far.
    var given: Int
    private(set) var said: [Said] = []

    init(_ target: Target, given: Int) {
        self.target = target
        self.given = given
    }

    mutating func take(_ record: SampleRecord, frameOffset: Int) {
        target.check(record)
        if frameOffset < 0 || frameOffset > given { broken("a frame at \(frameOffset) of \(given) bytes") }
        said.append(Said(record, offset: frameOffset))
    }
}

extension Target {
    /// What holds of every record, whatever the bytes.
    func check(_ record: SampleRecord) {
        let index = Int(record.index)
        if Int(record.textLength) > SampleRecord.textCapacity { broken("a text of \(record.textLength) bytes") }
        switch record.kind {
        case .event: if index != 0 { broken("an event of device \(index)") }
        case .alertStart, .alertEnd:
            if !plan.alerts.indices.contains(index) { broken("an alert that the plan does not have") }
        case .sample:
            guard plan.streams.indices.contains(index) else { broken("a stream that the plan does not have") }
            if record.validity.carriesValue { checkValue(record, plan.streams[index], limits[index]) }
        }
    }

    private func checkValue(_ record: SampleRecord, _ stream: StreamDescriptor, _ limits: PlainNumber.Limits?) {
        let value: Double
        switch stream.form {
        case .text: return
        case .integer:
            if limits?.contains(record.bits) == false {
                broken("\(stream.metric) is \(record.bits) counts and \(record.validity.word), outside its limits")
            }
            return
        case .float32: value = Double(Float(bitPattern: UInt32(truncatingIfNeeded: record.bits)))
        case .float64: value = Double(bitPattern: UInt64(bitPattern: record.bits))
        }
        if !value.isFinite { broken("\(stream.metric) is \(value) and \(record.validity.word)") }
        if limits?.contains(value) == false {
            broken("\(stream.metric) is \(value) and \(record.validity.word), outside its limits")
        }
    }

    /// Decodes a capture whole and in pieces; both must say the same.
    func decode(_ bytes: [UInt8], replyTo request: Int?, pieces seed: UInt8, lines: Bool = false) {
        let name = request.flatMap { serial?.requests[$0].name }
        let decoder = CaptureDecoder(plan, replyTo: name)
        let findings = decoder.decode(bytes)
        var whole = Checker(self, given: bytes.count)
        for finding in findings { whole.take(finding.record, frameOffset: finding.offset) }
        if lines { _ = decoder.lines(findings).map(\.text) }
        guard let serial else { return }
        var decoding = SerialDecoder(plan, serial)
        // As the decoder of captures does: the first request of this name.
        decoding.awaiting = serial.requests.firstIndex { $0.name == name }.map { .reply($0) } ?? .anything
        var parts = Checker(self, given: bytes.count)
        var pieces = Pieces(seed: seed)
        var place = 0
        while place < bytes.count {
            let piece = Array(bytes[place..<min(bytes.count, place + pieces.next())])
            decoding.feed(piece, count: piece.count, time: 0, sink: &parts)
            place += piece.count
        }
        decoding.finish(time: 0, sink: &parts)
        if whole.said != parts.said { compare(whole.said, parts.said, serial) }
    }

    private func compare(_ whole: [Said], _ parts: [Said], _ serial: SerialPlan) {
        // Streams that are interleaved are read one after the other: what one says may stand before or after what the
        // other says.
        if serial.interleaved.count > 1, sorted(whole) == sorted(parts) { return }
        // A stuffed frame that is the only one counts by the byte behind it, when that is there already: how bytes
        // arrive decides.
        if serial.interleaved.contains(where: { $0.count == 1 && serial.frames[$0[0]].isStuffed }) { return }
        let place = zip(whole, parts).enumerated().first { $1.0 != $1.1 }?.offset ?? min(whole.count, parts.count)
        broken(
            "\(profile.name): record \(place) of \(whole.count) is "
                + "\(whole.dropFirst(place).first.map { "\($0)" } ?? "absent") when the bytes come whole, of "
                + "\(parts.count) \(parts.dropFirst(place).first.map { "\($0)" } ?? "absent") when they come in pieces")
    }

    private func sorted(_ said: [Said]) -> [Said] {
        said.enumerated().sorted {
            ($0.element.kind, $0.element.index, $0.offset) < ($1.element.kind, $1.element.index, $1.offset)
        }.map(\.element)
    }
}
