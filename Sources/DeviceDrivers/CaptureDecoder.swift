import DeviceModel
import DeviceProfiles

/// Decodes a capture of a device's bytes with the production decoders.
///
/// A capture of a serial device is what the device sent. A Modbus capture is requests and replies in the order they were on the wire; a
/// reply whose request is missing is read only when exactly one read of the profile has its size.
public struct CaptureDecoder {
    /// What a capture says, in order.
    public struct Finding: Sendable {
        public let record: SampleRecord
        /// Offset of the frame in the capture. Unit: bytes.
        public let offset: Int
    }

    private struct Collector: RecordSink {
        var findings: [Finding] = []
        mutating func take(_ record: SampleRecord, frameOffset: Int) { findings.append(Finding(record: record, offset: frameOffset)) }
    }

    private let plan: DevicePlan
    private let awaiting: SerialDecoder.Awaiting

    /// - Parameter request: the request to which the bytes are the reply; `nil` takes any reply.
    public init(_ plan: DevicePlan, replyTo request: String? = nil) {
        self.plan = plan
        if case .serial(let serial) = plan.protocolPlan, let index = serial.requests.firstIndex(where: { $0.name == request }) {
            awaiting = .reply(index)
        } else {
            awaiting = .anything
        }
    }

    /// Whether the capture holds the reply that was awaited, and what was not read of it and why.
    public func explain(_ capture: [UInt8]) -> (isAnswered: Bool, notes: [DecoderNote]) {
        guard case .serial(let serial) = plan.protocolPlan else { return (true, []) }
        var sink = Collector()
        var decoder = SerialDecoder(plan, serial)
        decoder.awaiting = awaiting
        decoder.keepNotes()
        decoder.feed(capture, count: capture.count, time: 0, sink: &sink)
        decoder.finish(time: 0, sink: &sink)
        return (decoder.takeAnswered() != nil, decoder.notes)
    }

    /// Everything a capture says. Never fails: what cannot be read is damage, and shows as samples without a value or not at all.
    public func decode(_ capture: [UInt8]) -> [Finding] {
        var sink = Collector()
        switch plan.protocolPlan {
        case .serial(let serial):
            var decoder = SerialDecoder(plan, serial)
            decoder.awaiting = awaiting
            decoder.feed(capture, count: capture.count, time: 0, sink: &sink)
            decoder.finish(time: 0, sink: &sink)
        case .modbus:
            var reader = ModbusCapture(plan: plan, bytes: capture, isTCP: plan.line.transport == .modbusTCP)
            reader.read(sink: &sink)
        }
        return sink.findings
    }

    /// The findings as JSON lines. Samples of a waveform that follow each other with one validity share a line, at most a second of them.
    public func lines(_ findings: [Finding]) -> [JSON] {
        var lines: [JSON] = []
        var sequences = [Int64](repeating: 0, count: plan.streams.count)
        var open: (stream: Int, offset: Int, first: Int64, values: [SampleLine.Value])?
        func flush() {
            guard let run = open else { return }
            lines.append(
                SampleLine.json(plan.streams[run.stream], run.values, firstSequence: run.first, place: ["offset": .integer(run.offset)]))
            open = nil
        }
        var held: [JSON] = []
        for finding in findings {
            let record = finding.record
            guard record.kind == .sample else {
                held.append(eventLine(finding))
                continue
            }
            let index = Int(record.index)
            let stream = plan.streams[index]
            let value = SampleLine.Value(
                bits: record.bits, text: stream.form == .text ? record.textValue : nil, validity: record.validity, reason: record.reason)
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
                    SampleLine.json(stream, [value], firstSequence: sequences[index], place: ["offset": .integer(finding.offset)]))
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

    private func eventLine(_ finding: Finding) -> JSON {
        let record = finding.record
        let offset: JSON = .integer(finding.offset)
        switch record.kind {
        case .event:
            return .members([
                "event": .string(record.event.name), "device": .string(plan.handle),
                "text": record.textLength > 0 ? .string(record.textValue) : nil, "offset": offset,
            ])
        case .alertStart, .alertEnd, .sample:
            let alert = plan.alerts[Int(record.index)]
            return .members([
                "event": .string(record.kind == .alertStart ? "alertStart" : "alertEnd"), "device": .string(plan.handle),
                "vmd": alert.vmd.map(JSON.string), "alert": .string(alert.name), "priority": .string(alert.priority.rawValue), "text": .string(alert.text),
                "offset": offset,
            ])
        }
    }
}

/// Reads the requests and replies of a Modbus capture.
private struct ModbusCapture {
    private struct Pending {
        let transaction: UInt16
        let unit: UInt8
        let function: UInt8
        let block: ModbusBlock
        let offset: Int
    }

    let plan: DevicePlan
    let bytes: [UInt8]
    let isTCP: Bool
    private var pending: Pending?
    private var sawDamage = false
    private var decoder: ModbusDecoder

    init(plan: DevicePlan, bytes: [UInt8], isTCP: Bool) {
        self.plan = plan
        self.bytes = bytes
        self.isTCP = isTCP
        decoder = ModbusDecoder(plan)
    }

    mutating func read(sink: inout some RecordSink) {
        var place = 0
        while place < bytes.count {
            if let length = isTCP ? takeTCP(at: place, sink: &sink) : takeRTU(at: place, sink: &sink) {
                place += length
            } else {
                place += 1
                sawDamage = true
            }
        }
        giveUp(sink: &sink)
    }

    /// A request whose reply never came whole.
    private mutating func giveUp(sink: inout some RecordSink) {
        guard let waiting = pending else { return }
        let reason: Reason = sawDamage ? .checksumMismatch : .timedOut
        decoder.miss(waiting.block, reason == .timedOut ? .notAvailable : .invalid, reason, time: 0, offset: waiting.offset, sink: &sink)
        pending = nil
    }

    private func word(_ place: Int) -> Int { Int(bytes[place]) << 8 | Int(bytes[place + 1]) }

    private mutating func takeRTU(at place: Int, sink: inout some RecordSink) -> Int? {
        func isWhole(_ length: Int) -> Bool {
            guard length >= 4, place + length <= bytes.count else { return false }
            let crc = ChecksumAlgorithm.crc16Modbus.compute(bytes, place..<(place + length - 2))
            return bytes[place + length - 2] == UInt8(truncatingIfNeeded: crc) && bytes[place + length - 1] == UInt8(crc >> 8)
        }
        guard place + 5 <= bytes.count else { return nil }
        if isWhole(8), takeRequest(transaction: 0, at: place, sink: &sink) { return 8 }
        if bytes[place + 1] & 0x80 != 0, isWhole(5) {
            takeReply(transaction: 0, at: place, sink: &sink)
            return 5
        }
        let length = 5 + Int(bytes[place + 2])
        if isWhole(length) {
            takeReply(transaction: 0, at: place, sink: &sink)
            return length
        }
        return isWhole(8) ? 8 : nil
    }

    private mutating func takeTCP(at place: Int, sink: inout some RecordSink) -> Int? {
        guard place + 9 <= bytes.count, word(place + 2) == 0 else { return nil }
        let length = 6 + word(place + 4)
        guard (9...260).contains(length), place + length <= bytes.count else { return nil }
        let transaction = UInt16(word(place))
        if length == 12, takeRequest(transaction: transaction, at: place + 6, sink: &sink) { return length }
        guard bytes[place + 7] & 0x80 != 0 || 9 + Int(bytes[place + 8]) == length else { return nil }
        takeReply(transaction: transaction, at: place + 6, sink: &sink)
        return length
    }

    private mutating func takeRequest(transaction: UInt16, at place: Int, sink: inout some RecordSink) -> Bool {
        let (unit, function) = (bytes[place], bytes[place + 1])
        guard (1...4).contains(function) else { return false }
        giveUp(sink: &sink)
        sawDamage = false
        if let block = plan.block(unit: unit, function: function, address: word(place + 2), count: word(place + 4)) {
            pending = Pending(
                transaction: transaction, unit: unit, function: function, block: block, offset: isTCP ? place - 6 : place)
        }
        return true
    }

    private mutating func takeReply(transaction: UInt16, at place: Int, sink: inout some RecordSink) {
        let (unit, function) = (bytes[place], bytes[place + 1])
        let offset = isTCP ? place - 6 : place
        if function & 0x80 != 0 {
            guard let waiting = pending, waiting.unit == unit, waiting.function == function & 0x7F, waiting.transaction == transaction else { return }
            decoder.miss(waiting.block, .notAvailable, .deviceException, time: 0, offset: offset, sink: &sink)
            pending = nil
            return
        }
        let size = Int(bytes[place + 2])
        let block: ModbusBlock
        if let waiting = pending {
            guard waiting.unit == unit, waiting.function == function, waiting.block.replySize == size, waiting.transaction == transaction else { return }
            block = waiting.block
        } else {
            guard case .modbus(let modbus) = plan.protocolPlan else { return }
            let fitting = modbus.blocks.filter { $0.unit == unit && $0.function == function && $0.replySize == size }
            guard fitting.count == 1, let only = fitting.first else { return }
            block = only
        }
        let registers = (0..<block.count).map { index in
            block.space.isBits ? UInt16(bytes[place + 3 + index / 8] >> UInt8(index % 8) & 1) : UInt16(word(place + 3 + index * 2))
        }
        decoder.take(registers, of: block, time: 0, offset: offset, sink: &sink)
        pending = nil
    }
}
