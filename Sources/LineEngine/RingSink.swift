import DeviceDrivers
import DeviceModel
import DevicePlans
import RealTime

/// Puts one device's records into its line's ring. A full ring loses records and counts them; the journal tells of the
/// loss as an event.
struct RingSink: RecordSink {
    /// The first of each kind that a line with devices adds to the records of one of them.
    struct Place {
        var stream = 0
        var alert = 0
        var linkAlert = 0
        var device = 0
    }

    /// How often at most an event of one kind is told of one device. Unit: ns.
    private static let tellEvery: Int64 = 1_000_000_000
    /// How long a device that contradicts itself is not believed. Unit: ns.
    static let disbelief: Int64 = 30_000_000_000

    /// Events put together in a second that are no flood yet: each kind of sighting on a bad line is told once a
    /// second.
    private static let mostNoise: Int64 = 20

    let recorder: LineRecorder
    private let place: Place
    /// How many alerts the device's profile declares; those about the link follow.
    private let alerts: Int
    /// Samples that carried a value since it was last asked: how the loop knows that the device is alive.
    private var fresh = 0
    /// By stream of the device: whether its samples are no sign that the values still come. Curves are not where the
    /// device says values unasked, for it sends either without the other.
    private let isCurve: [Bool]
    /// While what comes is not now: by stream of the device, whether it tells results, which are taken all the same;
    /// `nil` while it is.
    var heldBack: [Bool]?
    private var withheld = 0
    private var alertHolds = [Bool](repeating: false, count: LinkAlert.allCases.count)
    /// By kind of sighting: how many have not been told yet, and when the next may be.
    private var untold = [Int64](repeating: 0, count: LinkSighting.Kind.allCases.count)
    private var nextTold = [Int64](repeating: 0, count: LinkSighting.Kind.allCases.count)
    private var hasUntold = false
    /// Until then the device contradicts itself, and its values are withheld. Unit: ns.
    private var disbelievedUntil: Int64 = 0
    private var echoLostUntil: Int64 = 0
    private var missedUntold: Int64 = 0
    private var nextMissedTold: Int64 = 0
    private var events: EventBudget
    private var samples: SampleBudget
    /// Until then the device is held to send more than it should. Unit: ns.
    private var floodingUntil: Int64 = 0
    /// Samples left out that were not told yet.
    private var exceeded: Int64 = 0
    private var nextExceededTold: Int64 = 0
    /// What was put together within the second, and since when. Unit: ns.
    private var noise: Int64 = 0
    private var noiseSince: Int64 = 0

    init(recorder: LineRecorder, place: Place, device: DevicePlan) {
        self.recorder = recorder
        self.place = place
        alerts = device.alerts.count
        events = EventBudget(alerts: alerts + LinkAlert.allCases.count)
        samples = SampleBudget(periods: device.streams.lazy.map(\.periodNanoseconds))
        let saysValues = Self.unasked(device).contains { !device.streams[$0.stream].isWaveform }
        isCurve = device.streams.map { saysValues && $0.isWaveform }
    }

    /// Where all that a device says unasked goes.
    private static func unasked(_ device: DevicePlan) -> [TargetPlan] {
        guard case .serial(let plan) = device.protocolPlan else { return [] }
        let messages = plan.messages.lazy.filter { !$0.isReply }
        let fields =
            plan.frameFields.flatMap(\.fields) + (plan.packet?.list.fields ?? [])
            + messages.flatMap { $0.fields + ($0.records?.keyed.map(\.field) ?? []) }
        return fields.flatMap(\.targets)
    }

    mutating func take(_ record: SampleRecord, frameOffset: Int) {
        var record = record
        switch record.kind {
        case .sample:
            if let heldBack, !heldBack[Int(record.index)] { return }
            // That there is no value is never left out: what was told last would count on.
            if !samples.take(), !record.reason.isOfLink {
                exceeded += 1
                return
            }
            let isSign = !isCurve[Int(record.index)]
            record.index += UInt32(place.stream)
            switch record.reason {
            case .none, .sentinel, .deviceStatus, .implausible, .jump: fresh += isSign ? 1 : 0
            case .wrongDevice, .conflictingReplies: withheld += 1
            default: break
            }
        case .event:
            record.index = UInt32(place.device)
            if record.event == .wrongDevice { alert(.wrongDevice, holds: true, time: record.monotonicNanoseconds) }
            if record.event == .deviceIdentified {
                alert(.wrongDevice, holds: false, time: record.monotonicNanoseconds)
            }
            return event(record)
        case .alertStart, .alertEnd:
            let alert = Int(record.index)
            record.index += UInt32(place.alert)
            if events.admit(record, alert: alert) { push(record) }
            return
        }
        push(record)
    }

    mutating func take(all records: Span<TakenRecord>) {
        for place in records.indices { take(records[place].record, frameOffset: records[place].frameOffset) }
    }

    private mutating func event(_ record: SampleRecord) { if events.admit(record) { push(record) } }

    mutating func event(_ event: EventCode, figure: Int64 = 0, text: StaticString? = nil, time: Int64) {
        var record = SampleRecord(
            kind: .event, index: UInt32(place.device), monotonicNanoseconds: time, bits: figure, event: event)
        if let text { record.setText(text) }
        self.event(record)
    }

    /// The same with words made at run time; for what happens seldom.
    mutating func event(_ event: EventCode, figure: Int64 = 0, words: String, time: Int64) {
        var record = SampleRecord(
            kind: .event, index: UInt32(place.device), monotonicNanoseconds: time, bits: figure, event: event)
        _ = record.setText(words.utf8.prefix(SampleRecord.textCapacity))
        self.event(record)
    }

    mutating func alert(_ alert: LinkAlert, holds: Bool, time: Int64) {
        guard alertHolds[alert.rawValue] != holds else { return }
        alertHolds[alert.rawValue] = holds
        let record = SampleRecord(
            kind: holds ? .alertStart : .alertEnd, index: UInt32(place.linkAlert + alert.rawValue),
            monotonicNanoseconds: time)
        if events.admit(record, alert: alerts + alert.rawValue) { push(record) }
    }

    // MARK: Accounts

    /// Whether the device contradicts itself, so that nothing of what it says is taken.
    func disbelieves(time: Int64) -> Bool { time < disbelievedUntil }

    /// Periods have passed without a reading.
    mutating func miss(deadlines: Int64, time: Int64) {
        recorder.countMissed(deadlines)
        missedUntold += deadlines
        tell(time: time)
    }

    func count(_ count: LinkCount, _ amount: Int64 = 1) { recorder.add(amount, to: count, device: place.device) }

    /// Counts what was seen on the line, and tells of it at most once a second.
    mutating func see(_ kind: LinkSighting.Kind, _ amount: Int64 = 1, time: Int64) {
        guard amount > 0 else { return }
        if let count = LinkCount(kind) { self.count(count, amount) }
        if kind == .echoLost {
            echoLostUntil = time + Self.disbelief
            alert(.echoLost, holds: true, time: time)
        }
        if kind == .conflicting {
            disbelievedUntil = time + Self.disbelief
            alert(.conflictingReplies, holds: true, time: time)
        }
        guard kind.event != nil else { return }
        untold[Int(kind.rawValue)] += amount
        hasUntold = true
        tell(time: time)
    }

    /// Tells what has waited for its second, and that a device is believed again. `isLast` tells all.
    mutating func tell(isLast: Bool = false, time: Int64) {
        samples.refill(at: time)
        events.refill(at: time)
        tellSightings(isLast: isLast, time: time)
        watchFlood(isLast: isLast, time: time)
        while let (record, then) = events.next(isLast: isLast) {
            push(record)
            if let then { push(then) }
        }
    }

    /// A device that sends more than its budget is told as that, and what it cost is counted.
    private mutating func watchFlood(isLast: Bool, time: Int64) {
        let coalesced = events.takeCoalesced()
        if coalesced > 0 { count(.coalesced, coalesced) }
        if time - noiseSince >= Self.tellEvery { (noise, noiseSince) = (0, time) }
        noise += coalesced
        if noise > Self.mostNoise || exceeded > 0 {
            floodingUntil = time + Self.disbelief
            alert(.flooding, holds: true, time: time)
        } else if floodingUntil > 0, time >= floodingUntil {
            floodingUntil = 0
            alert(.flooding, holds: false, time: time)
        }
        guard exceeded > 0, isLast || time >= nextExceededTold else { return }
        count(.exceeded, exceeded)
        event(.samplesExceeded, figure: exceeded, time: time)
        exceeded = 0
        nextExceededTold = time + Self.tellEvery
    }

    private mutating func tellSightings(isLast: Bool, time: Int64) {
        if disbelievedUntil > 0, time >= disbelievedUntil {
            disbelievedUntil = 0
            alert(.conflictingReplies, holds: false, time: time)
        }
        if echoLostUntil > 0, time >= echoLostUntil {
            echoLostUntil = 0
            alert(.echoLost, holds: false, time: time)
        }
        if missedUntold > 0, isLast || time >= nextMissedTold {
            event(.deadlinesMissed, figure: missedUntold, time: time)
            missedUntold = 0
            nextMissedTold = time + Self.tellEvery
        }
        guard hasUntold else { return }
        hasUntold = false
        for index in untold.indices {
            guard untold[index] > 0, let code = LinkSighting.Kind(rawValue: UInt8(index))?.event else { continue }
            guard isLast || time >= nextTold[index] else {
                hasUntold = true
                continue
            }
            event(code, figure: untold[index], time: time)
            untold[index] = 0
            nextTold[index] = time + Self.tellEvery
        }
    }

    mutating func takeFresh() -> Bool {
        defer { fresh = 0 }
        return fresh > 0
    }

    /// Whether values were withheld since it was last asked.
    mutating func takeWithheld() -> Bool {
        defer { withheld = 0 }
        return withheld > 0
    }

    private mutating func push(_ record: SampleRecord) {
        if !recorder.ring.push(record) { recorder.countLost() }
    }
}
