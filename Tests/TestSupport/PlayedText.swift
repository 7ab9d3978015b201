package import DeviceModel
package import DevicePlans
package import Fieldbus
package import LineEngine
import ProfileLanguage
import RealTime
import Sampling

/// A text protocol's line in virtual time: a rule says what is sent for what was said.
package final class PlayedText: ByteLine {
    package struct Sending {
        /// After what was said. Unit: ns.
        package let delay: Int64
        package let bytes: [UInt8]

        package init(_ delay: Int64, _ text: String) { self.init(delay, Array(text.utf8)) }

        package init(_ delay: Int64, _ bytes: [UInt8]) {
            self.delay = delay
            self.bytes = bytes
        }
    }

    package struct Saying {
        package let time: Int64
        package let bytes: [UInt8]
        package var text: String { String(decoding: bytes, as: UTF8.self) }
    }

    private let clock: VirtualClock
    private let rule: ([UInt8], Int64) -> [Sending]
    private var coming: [(time: Int64, bytes: [UInt8])] = []
    package private(set) var said: [Saying] = []
    package private(set) var opened: [Int64] = []
    package var isConnection = false
    /// How long a connection may be idle before its other side ends it. Unit: ns.
    package var idleLimit: Int64 = .max
    /// From when to when nobody reads, because the host stands still. Unit: ns.
    package var standsStill: Range<Int64> = 0..<0
    /// When the line is lost, once; and until when it cannot be opened. Unit: ns.
    package var breaksAt: Int64 = .max
    package var isGoneUntil: Int64 = 0
    private var endsAt: Int64 = .max
    /// What comes without end, as much as is read; empty for nothing.
    package var flood: [UInt8] = []
    /// How long the reading of such takes. Unit: ns.
    private let costOfFlood: Int64 = 10_000
    package private(set) var flooded = (reads: 0, bytes: 0)

    package init(_ clock: VirtualClock, rule: @escaping ([UInt8], Int64) -> [Sending]) {
        self.clock = clock
        self.rule = rule
    }

    package func open(deadline: Int64) throws(FieldbusError) {
        guard clock.now() >= isGoneUntil else { throw FieldbusError.cannotOpen(path: "played", errno: 6) }
        opened.append(clock.now())
        if isConnection { coming.removeAll() }
        endsAt = idleLimit == .max ? .max : clock.now() + idleLimit
    }

    package func close() {}

    /// What comes whoever asks. Unit of the time: ns.
    package func put(_ bytes: [UInt8], at time: Int64) {
        let place = coming.firstIndex { $0.time > time } ?? coming.count
        coming.insert((time, bytes), at: place)
    }

    package func read(into buffer: inout [UInt8], deadline: Int64) throws(FieldbusError) -> Int {
        if standsStill.contains(clock.now()) { clock.sleep(until: standsStill.upperBound) }
        let limit = max(deadline, clock.now())
        if breaksAt <= limit, breaksAt <= coming.first?.time ?? .max {
            clock.sleep(until: breaksAt)
            breaksAt = .max
            throw FieldbusError.disconnected(errno: 5)
        }
        if !flood.isEmpty {
            for place in buffer.indices { buffer[place] = flood[place % flood.count] }
            flooded.reads += 1
            flooded.bytes += buffer.count
            clock.sleep(until: clock.now() + costOfFlood)
            return buffer.count
        }
        let next = coming.first?.time ?? .max
        if endsAt < next, endsAt <= limit {
            clock.sleep(until: endsAt)
            throw FieldbusError.disconnected(errno: 0)
        }
        guard next <= limit else {
            clock.sleep(until: deadline)
            return 0
        }
        clock.sleep(until: next)
        var count = 0
        // All that lies there comes at once, as far as there is room.
        while let first = coming.first, first.time <= clock.now(), count < buffer.count {
            let taken = min(first.bytes.count, buffer.count - count)
            for place in 0..<taken { buffer[count + place] = first.bytes[place] }
            count += taken
            if taken == first.bytes.count { coming.removeFirst() } else { coming[0].bytes.removeFirst(taken) }
        }
        return count
    }

    package func write(_ bytes: [UInt8], deadline: Int64) throws(FieldbusError) {
        said.append(Saying(time: clock.now(), bytes: bytes))
        var last = clock.now()
        for sending in rule(bytes, clock.now()) {
            last = max(last, clock.now() + sending.delay)
            put(sending.bytes, at: clock.now() + sending.delay)
        }
        if idleLimit != .max { endsAt = last + idleLimit }
    }
}

/// What a text line in virtual time has come to.
package struct TextRun {
    package let line: PlayedText
    package let recorder: LineRecorder
    package let plan: DevicePlan
    package let records: [SampleRecord]

    package func samples(_ metric: String) -> [SampleRecord] {
        let index = plan.streams.firstIndex { $0.metric == metric }
        return records.filter { $0.kind == .sample && Int($0.index) == index }
    }
    package func values(_ metric: String) -> [SampleRecord] { samples(metric).filter(\.validity.carriesValue) }
    package func told(_ event: EventCode) -> [SampleRecord] {
        records.filter { $0.kind == .event && $0.event == event }
    }
    package var alerts: [SampleRecord.Kind] { records.map(\.kind).filter { $0 == .alertStart || $0 == .alertEnd } }
    /// All that was said, one after the other.
    package var said: [UInt8] { line.said.flatMap(\.bytes) }
}

/// Runs a text line in virtual time, on which words are said.
package func run(
    _ plan: DevicePlan, seconds: Int64, orders: [LineOrder] = [],
    arrange: (PlayedText, VirtualClock) -> Void = { _, _ in },
    rule: @escaping (String, Int64) -> [PlayedText.Sending]
) -> TextRun {
    run(inBytes: plan, seconds: seconds, orders: orders, arrange: arrange) {
        rule(String(decoding: $0, as: UTF8.self), $1)
    }
}

/// Runs a text line in virtual time.
package func run(
    inBytes plan: DevicePlan, seconds: Int64, orders: [LineOrder] = [],
    arrange: (PlayedText, VirtualClock) -> Void = { _, _ in },
    rule: @escaping ([UInt8], Int64) -> [PlayedText.Sending]
) -> TextRun {
    let clock = VirtualClock(seconds: seconds)
    let line = PlayedText(clock, rule: rule)
    arrange(line, clock)
    let recorder = LineRecorder(devices: 1)
    let mailbox = Ring<LineOrder>(minimumCapacity: 16, blank: .none)
    for order in orders { _ = mailbox.push(order) }
    guard case .serial(let serial) = plan.protocolPlan else {
        return TextRun(line: line, recorder: recorder, plan: plan, records: [])
    }
    let byteTime = plan.line.serial.map { SerialSettings($0).nanosecondsPerByte } ?? 0
    let engine = TextEngine(
        device: plan, plan: serial, byteTime: line.isConnection ? 0 : byteTime, recorder: recorder, now: clock.now())
    let loop = LineLoop(engine, line: line, clock: clock, recorder: recorder, orders: mailbox)
    var records: [SampleRecord] = []
    while !clock.stop.isSet, loop.step() { while let record = recorder.ring.pop() { records.append(record) } }
    loop.run(until: clock.stop)
    while let record = recorder.ring.pop() { records.append(record) }
    return TextRun(line: line, recorder: recorder, plan: plan, records: records)
}
