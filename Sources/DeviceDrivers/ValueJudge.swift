import DeviceModel
import DeviceProfiles

/// When and where something was said, and of which slot of a rack.
struct Moment {
    let time: Int64
    let offset: Int
    var slot = 0
}

/// Judges values and sends them where they go.
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
    /// The last value of each field of the device; of a rack, slot by slot.
    private var values: [RawValue]
    private let fieldCount: Int
    /// Counts messages: a text of an earlier one is gone with its bytes.
    private var message: UInt32 = 0
    /// The last text of the fields that are needed to say something; empty until it is known.
    private var remembered: [[UInt8]]
    /// Counts changes of what is remembered.
    private(set) var generation: Int64 = 0
    /// By stream: the last number, when it came, and how long a change from it says anything. Unit of the times: ns.
    private var lastNumbers: [(number: Double, time: Int64)]
    private let comparable: [Int64]
    private let slotNames: [[UInt8]]
    private var slotSeen: [Int64]

    init(_ plan: DevicePlan) {
        expectedSerial = plan.expectedSerial.map { Array($0.utf8) }
        identity = expectedSerial == nil ? .any : .awaited
        alertHolds = [Bool](repeating: false, count: plan.alerts.count)
        fieldCount = plan.profile.fields.count
        values = [RawValue](repeating: RawValue(), count: fieldCount * max(1, plan.slots.count))
        remembered = [[UInt8]](repeating: [], count: plan.profile.fields.count)
        lastNumbers = [(number: Double, time: Int64)](repeating: (.nan, 0), count: plan.streams.count)
        comparable = plan.streams.map { 3 * $0.periodNanoseconds }
        slotNames = plan.slots.map { Array($0.utf8) }
        slotSeen = [Int64](repeating: -1, count: plan.slots.count)
    }

    /// The line was opened anew: the device must say again who it is.
    mutating func forgetIdentity() {
        if expectedSerial != nil { identity = .awaited }
    }

    /// A new session: what was said in the one before does not count.
    mutating func forgetValues() {
        for index in remembered.indices { remembered[index].removeAll(keepingCapacity: true) }
        generation &+= 1
        for index in values.indices { values[index] = RawValue() }
    }

    /// Whether values are withheld because the device is not, or not yet, the one expected.
    var withholds: Bool { identity == .awaited || identity == .wrong }

    /// The last text of a field; `nil` when there is none in this session.
    func text(of field: Int) -> [UInt8]? { remembered[field].isEmpty ? nil : remembered[field] }

    // MARK: A rack's slots

    /// The slot a device means by this text; `nil` for one that the plan does not have.
    func slot(_ bytes: [UInt8], _ range: Range<Int>) -> Int? { slotNames.firstIndex { CaptureTable.isText($0, bytes, range) } }

    /// The rack has reported this slot.
    mutating func see(slot: Int, _ moment: Moment, sink: inout RecordBuffer) {
        if slotSeen[slot] < 0 { tell(.vmdConnected, slot: slot, moment, sink: &sink) }
        slotSeen[slot] = moment.time
    }

    /// The next slot that was there and has not been reported since `time`; it counts as gone.
    mutating func expireSlot(since time: Int64, _ moment: Moment, sink: inout RecordBuffer) -> Int? {
        guard let slot = slotSeen.firstIndex(where: { $0 >= 0 && $0 < time }) else { return nil }
        slotSeen[slot] = -1
        tell(.vmdDisconnected, slot: slot, moment, sink: &sink)
        return slot
    }

    private func tell(_ event: EventCode, slot: Int, _ moment: Moment, sink: inout RecordBuffer) {
        var record = SampleRecord(kind: .event, index: 0, monotonicNanoseconds: moment.time, event: event)
        _ = record.setText(slotNames[slot].prefix(SampleRecord.textCapacity))
        sink.take(record, frameOffset: moment.offset)
    }

    // MARK: Values that did not come

    /// Gives every stream of these fields a sample without a value.
    func miss(_ fields: [FieldPlan], _ validity: Validity, _ reason: Reason, _ moment: Moment, sink: inout RecordBuffer) {
        for field in fields { miss(field, validity, reason, moment, sink: &sink) }
    }

    func miss(_ field: FieldPlan, _ validity: Validity, _ reason: Reason, _ moment: Moment, sink: inout RecordBuffer) {
        for target in field.targets {
            if target.isEpisodic, reason == .absent { continue }
            // Of two streams that differ in unit, one tells.
            if let condition = target.condition, condition.known == nil { continue }
            sink.take(
                SampleRecord(
                    kind: .sample, index: stream(target, moment), monotonicNanoseconds: moment.time, validity: validity, reason: reason),
                frameOffset: moment.offset)
        }
    }

    /// A value that the message does not have.
    mutating func absent(_ field: FieldPlan, _ moment: Moment, sink: inout RecordBuffer) {
        miss(field, .notAvailable, .absent, moment, sink: &sink)
        for alert in field.alerts { change(alert, holds: RawValue.passesNothing(alert.test) ?? false, moment, sink: &sink) }
    }

    // MARK: Values

    /// A new message begins: texts of the one before do not count.
    mutating func beginMessage() { message &+= 1 }

    private func place(_ field: Int, _ moment: Moment) -> Int { moment.slot * fieldCount + field }

    /// Takes these fields out of a message and judges them.
    ///
    /// - Parameters:
    ///   - bytes: the message's bytes, of which `start..<start + length` are there.
    ///   - captures: where the values of its template lie.
    mutating func read(
        _ fields: [FieldPlan], bytes: [UInt8], start: Int, length: Int, captures: CaptureTable, _ moment: Moment, sink: inout RecordBuffer
    ) {
        // All first: how far one counts may depend on another.
        for field in fields { take(field, bytes: bytes, start: start, length: length, captures: captures, moment) }
        for field in fields { judge(field, bytes: bytes, start: start, length: length, moment, sink: &sink) }
    }

    /// Takes a field out of a message; it is judged when all others have been taken.
    mutating func take(_ field: FieldPlan, bytes: [UInt8], start: Int, length: Int, captures: CaptureTable, _ moment: Moment) {
        values[place(field.index, moment)] = RawValue(
            field, bytes: bytes, start: start, length: length, captures: captures, message: message, time: moment.time)
    }

    /// A field that the message does not have.
    mutating func takeNothing(_ field: FieldPlan, _ moment: Moment) { values[place(field.index, moment)] = RawValue() }

    /// Judges a field that was taken, and sends it where it goes.
    mutating func judge(
        _ field: FieldPlan, bytes: [UInt8], start: Int, length: Int, _ moment: Moment, sink: inout RecordBuffer
    ) {
        let value = values[place(field.index, moment)]
        if field.isIdentity { identify(bytes, value.range, moment, sink: &sink) }
        if field.isRemembered, value.isText { remember(field.index, bytes, value.range) }
        var (validity, reason) = (value.validity, value.reason)
        if validity == .valid {
            for gate in field.gates {
                let holds = holds(gate, bytes: bytes, start: start, length: length, moment)
                if holds == false { continue }
                // What is not known now may be what makes it worthless.
                (validity, reason) = holds == nil ? (.invalid, .unknownStatus) : (gate.validity, .deviceStatus)
                break
            }
        }
        for target in field.targets { emit(field, value, target, validity, reason, bytes: bytes, moment, sink: &sink) }
        if case .bits(_, let count, _) = field.source, count > 1 {
            for position in 1..<count {
                let next = RawValue(sample: position, of: field, bytes: bytes, start: start, length: length, message: message, time: moment.time)
                let (nextValidity, nextReason) = validity == value.validity ? (next.validity, next.reason) : (validity, reason)
                for target in field.targets { emit(field, next, target, nextValidity, nextReason, bytes: bytes, moment, sink: &sink) }
            }
        }
        for alert in field.alerts {
            guard let holds = value.passes(alert.test, bytes: bytes) else { continue }
            change(alert, holds: holds, moment, sink: &sink)
        }
    }

    private mutating func remember(_ field: Int, _ bytes: [UInt8], _ range: Range<Int>) {
        if remembered[field].count == range.count {
            var place = range.lowerBound
            while place < range.upperBound, remembered[field][place - range.lowerBound] == bytes[place] { place += 1 }
            if place == range.upperBound { return }
        }
        generation &+= 1
        remembered[field].removeAll(keepingCapacity: true)
        for place in range { remembered[field].append(bytes[place]) }
    }

    /// Whether the value of another field passes now; `nil` when that is not known: it did not come, not lately, or it was a text that has gone with its
    /// message.
    private func passes(_ field: Int, _ test: TestPlan, longestAge: Int64, bytes: [UInt8], _ moment: Moment) -> Bool? {
        let value = values[place(field, moment)]
        guard value.message != message else { return value.passes(test, bytes: bytes) }
        // What must stand in the same message does not stand in it.
        if longestAge == 0 { return RawValue.passesNothing(test) }
        let isLate = value.isText || value.state == .absent || moment.time - value.time > longestAge
        return isLate ? nil : value.passes(test, bytes: bytes)
    }

    /// Whether a value counts less for what stands beside it; `nil` when that is not known.
    private func holds(_ gate: GatePlan, bytes: [UInt8], start: Int, length: Int, _ moment: Moment) -> Bool? {
        switch gate.test {
        case .bytes(let test): return test.holds(in: bytes, from: start, length: length)
        case .field(let index, let test): return passes(index, test, longestAge: gate.longestAge, bytes: bytes, moment)
        }
    }

    private mutating func emit(
        _ field: FieldPlan, _ value: RawValue, _ target: TargetPlan, _ judged: Validity, _ why: Reason, bytes: [UInt8], _ moment: Moment,
        sink: inout RecordBuffer
    ) {
        var (validity, reason) = (judged, why)
        if let condition = target.condition, passes(condition.field, condition.test, longestAge: condition.longestAge, bytes: bytes, moment) != true {
            guard let known = condition.known, passes(condition.field, known, longestAge: condition.longestAge, bytes: bytes, moment) != true else { return }
            (validity, reason) = (.invalid, .unknownUnit)
        }
        var record = SampleRecord(kind: .sample, index: stream(target, moment), monotonicNanoseconds: moment.time)
        if !field.table.isEmpty {
            if validity.carriesValue {
                if let word = value.word(field, bytes: bytes) { _ = record.setText(word, 0..<word.count) } else { (validity, reason) = (.invalid, .malformed) }
            }
        } else if case .text = field.reading {
            if validity.carriesValue, !record.setText(bytes, value.range) { (validity, reason) = (.invalid, .tooLong) }
        } else {
            record.bits = judgeNumber(field, value, target, moment, &validity, &reason)
        }
        (record.validity, record.reason) = (validity, reason)
        if withholds { withhold(&record) }
        sink.take(record, frameOffset: moment.offset)
    }

    private mutating func judgeNumber(
        _ field: FieldPlan, _ value: RawValue, _ target: TargetPlan, _ moment: Moment, _ validity: inout Validity, _ reason: inout Reason
    ) -> Int64 {
        var number = value.number
        let quantity: Double
        if case .float32 = field.reading {
            let float = Float(bitPattern: UInt32(truncatingIfNeeded: number))
            if !float.isFinite, validity.carriesValue { (validity, reason) = (.invalid, .notANumber) }
            quantity = Double(float)
        } else {
            let (sum, overflow) = number.addingReportingOverflow(target.offset)
            if overflow { (validity, reason) = (.invalid, .implausible) } else { number = sum }
            quantity = Double(number)
        }
        guard validity == .valid || validity == .questionable else { return number }
        if let absolute = target.absolute, !absolute.contains(quantity) {
            (validity, reason) = (.invalid, .implausible)
        } else if let plausible = target.plausible, !plausible.contains(quantity) {
            (validity, reason) = (.questionable, .implausible)
        }
        if let jump = target.jump { judgeChange(to: quantity, limit: jump, stream: Int(stream(target, moment)), moment, &validity, &reason) }
        return number
    }

    /// A change that cannot be is told; which of the two values is wrong is not known, and none is smoothed.
    private mutating func judgeChange(
        to quantity: Double, limit: Double, stream: Int, _ moment: Moment, _ validity: inout Validity, _ reason: inout Reason
    ) {
        guard validity == .valid || validity == .questionable else { return }
        let last = lastNumbers[stream]
        lastNumbers[stream] = (quantity, moment.time)
        guard validity == .valid, moment.time - last.time <= comparable[stream], abs(quantity - last.number) > limit else { return }
        (validity, reason) = (.questionable, .jump)
    }

    private func stream(_ target: TargetPlan, _ moment: Moment) -> UInt32 { UInt32(target.stream + (target.isSlotted ? moment.slot : 0)) }

    private func withhold(_ record: inout SampleRecord) {
        record.bits = 0
        record.textLength = 0
        record.validity = .invalid
        record.reason = .wrongDevice
    }

    // MARK: Alerts and identity

    private func alertIndex(_ alert: AlertPlan, _ moment: Moment) -> Int { alert.alert + (alert.isSlotted ? moment.slot : 0) }

    private mutating func change(_ alert: AlertPlan, holds: Bool, _ moment: Moment, sink: inout RecordBuffer) {
        let index = alertIndex(alert, moment)
        guard alertHolds[index] != holds, !withholds else { return }
        alertHolds[index] = holds
        sink.take(
            SampleRecord(kind: holds ? .alertStart : .alertEnd, index: UInt32(index), monotonicNanoseconds: moment.time), frameOffset: moment.offset)
    }

    private mutating func identify(_ bytes: [UInt8], _ range: Range<Int>, _ moment: Moment, sink: inout RecordBuffer) {
        let matches = expectedSerial.map { CaptureTable.isText($0, bytes, range) } ?? true
        let before = identity
        if expectedSerial != nil { identity = matches ? .confirmed : .wrong }
        guard before == .awaited || before != identity || !CaptureTable.isText(knownSerial, bytes, range) else { return }
        knownSerial = Array(bytes[range])
        var record = SampleRecord(kind: .event, index: 0, monotonicNanoseconds: moment.time, event: matches ? .deviceIdentified : .wrongDevice)
        _ = record.setText(knownSerial.prefix(SampleRecord.textCapacity))
        sink.take(record, frameOffset: moment.offset)
    }
}
