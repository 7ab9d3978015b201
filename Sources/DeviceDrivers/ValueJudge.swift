import DeviceModel
import DevicePlans
import ProfileLanguage

/// When and where something was said, and of which slot of a rack.
struct Moment {
    let time: Int64
    let offset: Int
    var slot = 0
    /// Results that are read now may have been taken at any time before.
    var isOfBefore = false
}

/// Judges values and sends them where they go.
///
/// One judge serves one device: it remembers which alerts hold and whether the device is the one expected. No value is
/// ever clamped, rounded or guessed.
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
    var values: [RawValue]
    private let fieldCount: Int
    /// Counts messages: a text of an earlier one is gone with its bytes.
    private(set) var message: UInt32 = 0
    /// The last text of the fields that are needed to say something; empty until it is known.
    private var remembered: [[UInt8]]
    /// By field: when its text was last told. Unit: ns.
    private var rememberedAt: [Int64]
    private static let never = Int64.min
    /// Counts changes of what is remembered.
    private(set) var generation: Int64 = 0
    /// By stream: the last number, of floats the bits of a double, when it came, and how long a change from it says
    /// anything. Unit of the times: ns.
    var lastNumbers: [(number: Int64, time: Int64)?]
    let comparable: [Int64]
    var rack: Rack
    /// By stream: the last result that was told, and the last that nothing tells from another.
    var toldResults: [ToldResult?]
    var unmarkedResults: [ToldResult?]
    let heartbeats: [HeartbeatPlan]
    /// How far what is judged by others decides about others in turn; 0 where no such state does.
    let gateDepth: Int
    /// By heartbeat: its last value, and when it last changed. Unit: ns; before any time until it has.
    private var beats: [(print: UInt64?, changed: Int64)]
    /// How the clocks on the wall stand; `nil` where nobody has told.
    var civilClock: CivilClock?

    init(_ plan: DevicePlan) {
        expectedSerial = plan.expectedSerial.map { Array($0.utf8) }
        identity = expectedSerial == nil ? .any : .awaited
        alertHolds = [Bool](repeating: false, count: plan.alerts.count)
        fieldCount = plan.profile.fields.count
        values = [RawValue](repeating: RawValue(), count: fieldCount * max(1, plan.slots.count))
        remembered = [[UInt8]](repeating: [], count: plan.profile.fields.count)
        rememberedAt = [Int64](repeating: Self.never, count: plan.profile.fields.count)
        lastNumbers = [(number: Int64, time: Int64)?](repeating: nil, count: plan.streams.count)
        comparable = plan.streams.map { 3 * $0.periodNanoseconds }
        rack = Rack(plan.slots)
        toldResults = [ToldResult?](repeating: nil, count: plan.streams.count)
        unmarkedResults = toldResults
        heartbeats = plan.heartbeats
        gateDepth = plan.gateDepth
        beats = [(print: UInt64?, changed: Int64)](repeating: (nil, .min), count: plan.heartbeats.count)
    }

    /// The line was opened anew: the device must say again who it is.
    mutating func forgetIdentity() {
        if expectedSerial != nil { identity = .awaited }
    }

    /// A new session: what was said in the one before does not count.
    mutating func forgetValues() {
        for index in remembered.indices {
            remembered[index].removeAll(keepingCapacity: true)
            rememberedAt[index] = Self.never
        }
        generation &+= 1
        for index in values.indices { values[index] = RawValue() }
        for index in toldResults.indices { toldResults[index]?.isOfSession = false }
        for index in beats.indices { beats[index] = (nil, .min) }
    }

    /// Whether values are withheld because the device is not, or not yet, the one expected.
    var withholds: Bool { identity == .awaited || identity == .wrong }

    /// The last text of a field; `nil` when there is none in this session. A number in bits is decimal text.
    func text(of field: Int) -> [UInt8]? { remembered[field].isEmpty ? nil : remembered[field] }

    /// The last text of a field, and when it came; empty where its place in the message was. `nil` when there is none
    /// in this session, or the device says since that it is worth nothing.
    func told(_ field: Int) -> (text: [UInt8], time: Int64)? {
        rememberedAt[field] == Self.never ? nil : (remembered[field], rememberedAt[field])
    }

    // MARK: Values that did not come

    /// Gives every stream of these fields a sample without a value.
    func miss(_ fields: [FieldPlan], _ validity: Validity, _ reason: Reason, _ moment: Moment, sink: inout RecordBuffer)
    {
        for field in fields { miss(field, validity, reason, moment, sink: &sink) }
    }

    func miss(_ field: FieldPlan, _ validity: Validity, _ reason: Reason, _ moment: Moment, sink: inout RecordBuffer) {
        for target in field.targets {
            if target.isEpisodic, reason == .absent { continue }
            // Of two streams that differ in unit, one tells.
            if let condition = target.condition, condition.known == nil { continue }
            sink.take(
                SampleRecord(
                    kind: .sample, index: stream(target, moment), monotonicNanoseconds: moment.time, validity: validity,
                    reason: reason),
                frameOffset: moment.offset)
        }
    }

    /// A value that the message does not have, though it has all that tells what there is.
    mutating func absent(_ field: FieldPlan, _ moment: Moment, sink: inout RecordBuffer) {
        miss(field, .notAvailable, .absent, moment, sink: &sink)
        for alert in field.alerts {
            change(alert, holds: RawValue.passesNothing(alert.test) ?? false, moment, sink: &sink)
        }
    }

    // MARK: Values

    /// A new message begins: texts of the one before do not count.
    mutating func beginMessage() { message &+= 1 }

    func place(_ field: Int, _ moment: Moment) -> Int { moment.slot * fieldCount + field }

    /// Takes these fields out of a message and judges them.
    ///
    /// - Parameters:
    ///   - bytes: the message's bytes, of which `start..<start + length` are there.
    ///   - captures: where the values of its template lie.
    mutating func read(
        _ fields: [FieldPlan], bytes: [UInt8], start: Int, length: Int, captures: CaptureTable, _ moment: Moment,
        sink: inout RecordBuffer
    ) {
        // All first: how far one counts may depend on another.
        for field in fields { take(field, bytes: bytes, start: start, length: length, captures: captures, moment) }
        settle(fields, bytes: bytes, start: start, length: length, moment)
        for field in fields { judge(field, bytes: bytes, start: start, length: length, moment, sink: &sink) }
    }

    /// Takes a field out of a message; it is judged when all others have been taken.
    mutating func take(
        _ field: FieldPlan, bytes: [UInt8], start: Int, length: Int, captures: CaptureTable, _ moment: Moment
    ) {
        values[place(field.index, moment)] = RawValue(
            field, bytes: bytes, start: start, length: length, captures: captures, message: message, time: moment.time)
        for index in heartbeats.indices where heartbeats[index].field == field.index {
            let print = values[place(field.index, moment)].print(bytes)
            if let last = beats[index].print, last != print { beats[index].changed = moment.time }
            beats[index].print = print
        }
    }

    /// Whether a value may be a repetition of one that was: what must move for it has not moved.
    func isFrozen(_ stream: Int, _ moment: Moment) -> Bool {
        for index in heartbeats.indices where heartbeats[index].covers[stream] {
            if beats[index].changed == .min || moment.time - beats[index].changed > heartbeats[index].within {
                return true
            }
        }
        return false
    }

    /// Whether anything may be frozen.
    func mayBeFrozen(_ moment: Moment) -> Bool {
        for index in heartbeats.indices
        where beats[index].changed == .min || moment.time - beats[index].changed > heartbeats[index].within {
            return true
        }
        return false
    }

    /// A field that the message does not have.
    mutating func takeNothing(_ field: FieldPlan, _ moment: Moment) { values[place(field.index, moment)] = RawValue() }

    /// Judges a field that was taken, and sends it where it goes.
    mutating func judge(
        _ field: FieldPlan, bytes: [UInt8], start: Int, length: Int, _ moment: Moment, sink: inout RecordBuffer
    ) {
        let value = values[place(field.index, moment)]
        let (validity, reason) = gated(field, bytes: bytes, start: start, length: length, moment)
        // What makes the value worthless makes what is said of it worthless; a code that an alert names may be a
        // sentinel all the same.
        let isGated = value.validity == .valid && !validity.carriesValue
        if isGated {
            forget(field)
        } else {
            if field.isIdentity { identify(bytes, value.range, moment, sink: &sink) }
            if field.isRemembered, value.isText {
                remember(field.index, bytes, value.range)
                rememberedAt[field.index] = moment.time
            } else if field.isRemembered {
                remember(field.index, value, at: moment.time)
            }
        }
        if field.hasOneTarget {
            // A curve without samples says nothing.
            if value.state != .absent || !field.isCurve {
                emit(field, value, field.target, validity, reason, bytes: bytes, moment, sink: &sink)
            }
        } else {
            for target in field.targets where value.state != .absent || !field.isCurve {
                emit(field, value, target, validity, reason, bytes: bytes, moment, sink: &sink)
            }
        }
        if field.isCurve {
            let gate = gate(of: field, bytes: bytes, start: start, length: length, moment)
            for position in 1..<max(1, field.samples ?? field.wholeSamples(in: length)) {
                let next = RawValue(
                    sample: position, of: field, bytes: bytes, start: start, length: length, message: message,
                    time: moment.time)
                let (nextValidity, nextReason) =
                    next.validity == .valid ? gate ?? (.valid, .none) : (next.validity, next.reason)
                for target in field.targets {
                    emit(field, next, target, nextValidity, nextReason, bytes: bytes, moment, sink: &sink)
                }
            }
        }
        if isGated || field.alerts.isEmpty { return }
        if field.isCurve { return judgeAlerts(of: field, bytes: bytes, start: start, length: length, moment, &sink) }
        for alert in field.alerts {
            guard let holds = value.passes(alert.test, bytes: bytes) else { continue }
            change(alert, holds: holds, moment, sink: &sink)
        }
    }

    /// The device says that a text of its own is worth nothing now: who it is must be said again, and nothing is said
    /// to it with what it said before.
    private mutating func forget(_ field: FieldPlan) {
        if field.isIdentity, case .confirmed = identity { identity = .awaited }
        rememberedAt[field.index] = Self.never
        guard field.isRemembered, !remembered[field.index].isEmpty else { return }
        remembered[field.index].removeAll(keepingCapacity: true)
        generation &+= 1
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

    /// Remembers a number as decimal text. What is no number of its type is nothing that is known.
    private mutating func remember(_ field: Int, _ value: RawValue, at time: Int64) {
        guard value.state == .number else {
            rememberedAt[field] = Self.never
            return
        }
        rememberedAt[field] = time
        remembered[field].removeAll(keepingCapacity: true)
        var rest = value.number.magnitude
        repeat {
            remembered[field].append(UInt8(ascii: "0") + UInt8(rest % 10))
            rest /= 10
        } while rest > 0
        if value.number < 0 { remembered[field].append(UInt8(ascii: "-")) }
        remembered[field].reverse()
    }

    private mutating func emit(
        _ field: FieldPlan, _ value: RawValue, _ target: TargetPlan, _ judged: Validity, _ why: Reason, bytes: [UInt8],
        _ moment: Moment,
        sink: inout RecordBuffer
    ) {
        var (validity, reason) = (judged, why)
        if let condition = target.condition,
            passes(condition.field, condition.test, longestAge: condition.longestAge, bytes: bytes, moment) != true
        {
            guard let known = condition.known,
                passes(condition.field, known, longestAge: condition.longestAge, bytes: bytes, moment) != true
            else { return }
            // What has no value needs no unit.
            if validity.carriesValue { (validity, reason) = (.invalid, .unknownUnit) }
        }
        if validity.carriesValue, !heartbeats.isEmpty, isFrozen(Int(stream(target, moment)), moment) {
            (validity, reason) = (.invalid, .frozen)
        }
        if let result = target.result {
            let stream = Int(stream(target, moment))
            guard let isNow = takeResult(result, value, (validity, reason), stream, bytes: bytes, moment) else {
                return
            }
            if !isNow, validity == .valid { (validity, reason) = (.questionable, .storedResult) }
        }
        if moment.isOfBefore, target.isEpisodic, validity == .valid {
            (validity, reason) = (.questionable, .storedResult)
        }
        var record = SampleRecord(kind: .sample, index: stream(target, moment), monotonicNanoseconds: moment.time)
        if !field.table.isEmpty {
            if validity.carriesValue {
                if let word = value.word(field, bytes: bytes) {
                    _ = record.setText(word, 0..<word.count)
                } else {
                    (validity, reason) = (.invalid, .malformed)
                }
            }
        } else if case .text = field.reading {
            if validity.carriesValue, !record.setText(bytes, value.range) { (validity, reason) = (.invalid, .tooLong) }
        } else {
            record.bits = judgeNumber(field, value, target, bytes: bytes, moment, &validity, &reason)
        }
        (record.validity, record.reason) = (validity, reason)
        if withholds { withhold(&record) }
        sink.take(record, frameOffset: moment.offset)
    }

    func stream(_ target: TargetPlan, _ moment: Moment) -> UInt32 {
        UInt32(target.stream + (target.isSlotted ? moment.slot : 0))
    }

    private func withhold(_ record: inout SampleRecord) {
        record.bits = 0
        record.textLength = 0
        record.text = InlineArray(repeating: 0)
        record.validity = .invalid
        record.reason = .wrongDevice
    }

    // MARK: Alerts and identity

    private func alertIndex(_ alert: AlertPlan, _ moment: Moment) -> Int {
        alert.alert + (alert.isSlotted ? moment.slot : 0)
    }

    mutating func change(_ alert: AlertPlan, holds: Bool, _ moment: Moment, sink: inout RecordBuffer) {
        change(alertIndex(alert, moment), holds: holds, moment, sink: &sink)
    }

    mutating func change(_ index: Int, holds: Bool, _ moment: Moment, sink: inout RecordBuffer) {
        guard alertHolds[index] != holds, !withholds else { return }
        alertHolds[index] = holds
        sink.take(
            SampleRecord(
                kind: holds ? .alertStart : .alertEnd, index: UInt32(index), monotonicNanoseconds: moment.time),
            frameOffset: moment.offset)
    }

    private mutating func identify(_ bytes: [UInt8], _ range: Range<Int>, _ moment: Moment, sink: inout RecordBuffer) {
        let matches = expectedSerial.map { CaptureTable.isText($0, bytes, range) } ?? true
        let before = identity
        if expectedSerial != nil { identity = matches ? .confirmed : .wrong }
        guard before == .awaited || before != identity || !CaptureTable.isText(knownSerial, bytes, range) else {
            return
        }
        knownSerial = Array(bytes[range])
        var record = SampleRecord(
            kind: .event, index: 0, monotonicNanoseconds: moment.time, event: matches ? .deviceIdentified : .wrongDevice
        )
        _ = record.setText(knownSerial.prefix(SampleRecord.textCapacity))
        sink.take(record, frameOffset: moment.offset)
    }
}
