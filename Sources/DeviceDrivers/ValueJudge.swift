import DeviceModel
import DeviceProfiles

/// Where samples, alerts and events of a device go.
public protocol RecordSink {
    /// Takes a record. Indices are those of the device's plan. `frameOffset` is the frame's place in the stream of bytes, for captures.
    mutating func take(_ record: SampleRecord, frameOffset: Int)
}

/// Takes values out of messages and says how far each may be relied on.
///
/// One judge serves one device: it remembers which alerts hold and whether the device is the one expected. No value is ever clamped,
/// rounded or guessed.
struct ValueJudge: Sendable {
    private enum Identity {
        case any
        case awaited
        case confirmed
        case wrong
    }

    private let expectedSerial: [UInt8]?
    private var identity: Identity
    private var alertHolds: [Bool]
    private var knownSerial: [UInt8] = []

    init(_ plan: DevicePlan) {
        expectedSerial = plan.expectedSerial.map { Array($0.utf8) }
        identity = expectedSerial == nil ? .any : .awaited
        alertHolds = [Bool](repeating: false, count: plan.alerts.count)
    }

    /// The line was opened anew: the device must say again who it is.
    mutating func forgetIdentity() {
        if expectedSerial != nil { identity = .awaited }
    }

    /// Whether values are withheld because the device is not, or not yet, the one expected.
    var withholds: Bool { identity == .awaited || identity == .wrong }

    // MARK: Values that did not come

    /// Gives every stream of these outputs a sample without a value.
    func miss(
        _ outputs: [OutputPlan], _ validity: Validity, _ reason: Reason, time: Int64, offset: Int, sink: inout some RecordSink
    ) {
        for output in outputs {
            guard let stream = output.stream else { continue }
            sink.take(
                SampleRecord(kind: .sample, index: UInt32(stream), monotonicNanoseconds: time, validity: validity, reason: reason),
                frameOffset: offset)
        }
    }

    // MARK: Binary messages

    /// Reads these outputs from a message of which `bytes[start..<start + length]` are known to be there.
    mutating func read(
        _ outputs: [OutputPlan], bytes: [UInt8], start: Int, time: Int64, offset: Int, sink: inout some RecordSink
    ) {
        for output in outputs {
            guard case .bits(let slices, let signed, let width) = output.source else { continue }
            var value: UInt64 = 0
            for slice in slices {
                let bits = UInt64(bytes[start + slice.byte]) >> UInt64(slice.low) & (1 << UInt64(slice.width) - 1)
                value = value << UInt64(slice.width) | bits
            }
            let isNegative = signed && width < 64 && value >> UInt64(width - 1) & 1 == 1
            let number = isNegative ? Int64(value) - 1 << Int64(width) : Int64(bitPattern: value)
            var (validity, reason) = gate(output.gates, bytes: bytes, start: start)
            if let missing = output.missingNumbers.first(where: { $0.code == number }) { (validity, reason) = (missing.validity, .sentinel) }
            if output.isFloat {
                let float = Float(bitPattern: UInt32(truncatingIfNeeded: number))
                if !float.isFinite { (validity, reason) = (.invalid, .notANumber) }
                judge(output, bits: number, quantity: Double(float), &validity, &reason)
            } else {
                judge(output, bits: number, quantity: Double(number), &validity, &reason)
            }
            emit(output, bits: number, validity, reason, time: time, offset: offset, sink: &sink)
            if !output.alerts.isEmpty {
                for alert in output.alerts {
                    change(alert, holds: alert.numbers.contains(number) == alert.holdsWhenListed, time: time, offset: offset, sink: &sink)
                }
            }
        }
    }

    private func gate(_ gates: [FieldDescription.Gate], bytes: [UInt8], start: Int) -> (Validity, Reason) {
        for gate in gates where gate.test.holds(in: bytes, from: start) {
            return (gate.validity, .deviceStatus)
        }
        return (.valid, .none)
    }

    // MARK: Messages in text

    /// Reads these outputs from a message split into items.
    mutating func read(
        _ outputs: [OutputPlan], bytes: [UInt8], items: ItemTable, time: Int64, offset: Int, sink: inout some RecordSink
    ) {
        for output in outputs {
            switch output.source {
            case .decimal(let item, let places):
                readDecimal(output, bytes: bytes, range: items.trimmed(item, bytes), places: places, time: time, offset: offset, sink: &sink)
            case .text(let item):
                readText(output, bytes: bytes, range: items.trimmed(item, bytes), time: time, offset: offset, sink: &sink)
            case .bits: continue
            }
        }
    }

    private mutating func readDecimal(
        _ output: OutputPlan, bytes: [UInt8], range: Range<Int>, places: Int, time: Int64, offset: Int, sink: inout some RecordSink
    ) {
        if let missing = output.missingTexts.first(where: { Self.equal(bytes, range, $0.text) }) {
            emit(output, bits: 0, missing.validity, .sentinel, time: time, offset: offset, sink: &sink)
            return
        }
        guard let parsed = DecimalText.parse(bytes[range]) else {
            emit(output, bits: 0, .invalid, .malformed, time: time, offset: offset, sink: &sink)
            return
        }
        var number = parsed.mantissa
        var exponent = parsed.exponent + places
        while exponent < 0, number % 10 == 0, number != 0 {
            number /= 10
            exponent += 1
        }
        if number == 0 { exponent = 0 }
        while exponent > 0, abs(number) < Int64.max / 10 {
            number *= 10
            exponent -= 1
        }
        guard exponent == 0 else {
            emit(output, bits: 0, .invalid, .tooPrecise, time: time, offset: offset, sink: &sink)
            return
        }
        var (validity, reason) = (Validity.valid, Reason.none)
        judge(output, bits: number, quantity: Double(number), &validity, &reason)
        emit(output, bits: number, validity, reason, time: time, offset: offset, sink: &sink)
        for alert in output.alerts {
            change(alert, holds: alert.numbers.contains(number) == alert.holdsWhenListed, time: time, offset: offset, sink: &sink)
        }
    }

    private mutating func readText(
        _ output: OutputPlan, bytes: [UInt8], range: Range<Int>, time: Int64, offset: Int, sink: inout some RecordSink
    ) {
        if output.isIdentity { identify(bytes[range], time: time, offset: offset, sink: &sink) }
        for alert in output.alerts {
            let listed = alert.texts.contains { Self.equal(bytes, range, $0) }
            change(alert, holds: listed == alert.holdsWhenListed, time: time, offset: offset, sink: &sink)
        }
        guard let stream = output.stream else { return }
        var record = SampleRecord(kind: .sample, index: UInt32(stream), monotonicNanoseconds: time)
        if let missing = output.missingTexts.first(where: { Self.equal(bytes, range, $0.text) }) {
            (record.validity, record.reason) = (missing.validity, .sentinel)
        } else if !record.setText(bytes[range]) {
            (record.validity, record.reason) = (.invalid, .tooLong)
        }
        if withholds { withhold(&record) }
        sink.take(record, frameOffset: offset)
    }

    private static func equal(_ bytes: [UInt8], _ range: Range<Int>, _ text: [UInt8]) -> Bool {
        guard range.count == text.count else { return false }
        for position in 0..<text.count where bytes[range.lowerBound + position] != text[position] { return false }
        return true
    }

    // MARK: Judging

    private func judge(_ output: OutputPlan, bits: Int64, quantity: Double, _ validity: inout Validity, _ reason: inout Reason) {
        guard validity == .valid || validity == .questionable else { return }
        if let absolute = output.absolute, !absolute.contains(quantity) {
            (validity, reason) = (.invalid, .implausible)
        } else if let plausible = output.plausible, !plausible.contains(quantity) {
            (validity, reason) = (.questionable, .implausible)
        }
    }

    private func emit(
        _ output: OutputPlan, bits: Int64, _ validity: Validity, _ reason: Reason, time: Int64, offset: Int, sink: inout some RecordSink
    ) {
        guard let stream = output.stream else { return }
        var record = SampleRecord(
            kind: .sample, index: UInt32(stream), monotonicNanoseconds: time, bits: bits, validity: validity, reason: reason)
        if withholds { withhold(&record) }
        sink.take(record, frameOffset: offset)
    }

    private func withhold(_ record: inout SampleRecord) {
        record.bits = 0
        record.textLength = 0
        record.validity = .invalid
        record.reason = .wrongDevice
    }

    // MARK: Alerts and identity

    private mutating func change(_ alert: AlertPlan, holds: Bool, time: Int64, offset: Int, sink: inout some RecordSink) {
        guard alertHolds[alert.alert] != holds, !withholds else { return }
        alertHolds[alert.alert] = holds
        sink.take(
            SampleRecord(kind: holds ? .alertStart : .alertEnd, index: UInt32(alert.alert), monotonicNanoseconds: time), frameOffset: offset)
    }

    private mutating func identify(_ serial: ArraySlice<UInt8>, time: Int64, offset: Int, sink: inout some RecordSink) {
        let matches = expectedSerial.map { $0.elementsEqual(serial) } ?? true
        let before = identity
        if expectedSerial != nil { identity = matches ? .confirmed : .wrong }
        guard before == .awaited || before != identity || !knownSerial.elementsEqual(serial) else { return }
        knownSerial = Array(serial)
        var record = SampleRecord(kind: .event, index: 0, monotonicNanoseconds: time, event: matches ? .deviceIdentified : .wrongDevice)
        _ = record.setText(serial.prefix(SampleRecord.textCapacity))
        sink.take(record, frameOffset: offset)
    }
}

/// Where the items of a split message lie; room for a fixed number, made once.
struct ItemTable: Sendable {
    /// The most items of one message.
    static let limit = 64
    private var starts = [Int](repeating: 0, count: limit)
    private var ends = [Int](repeating: 0, count: limit)
    private(set) var count = 0

    /// Splits the payload; `false` when it has more items than there is room for.
    mutating func split(_ bytes: [UInt8], _ payload: Range<Int>, separator: UInt8?) -> Bool {
        count = 0
        var start = payload.lowerBound
        for place in payload where bytes[place] == separator {
            guard count < Self.limit - 1 else { return false }
            (starts[count], ends[count]) = (start, place)
            count += 1
            start = place + 1
        }
        (starts[count], ends[count]) = (start, payload.upperBound)
        count += 1
        return true
    }

    func range(_ item: Int) -> Range<Int> { starts[item]..<ends[item] }

    /// An item without the spaces around it.
    func trimmed(_ item: Int, _ bytes: [UInt8]) -> Range<Int> {
        var (low, high) = (starts[item], ends[item])
        while low < high, bytes[low] == 0x20 { low += 1 }
        while high > low, bytes[high - 1] == 0x20 { high -= 1 }
        return low..<high
    }
}
