import DeviceModel

/// Whether a device is heard, and each part of what it tells is fresh: what its thread says about it, and how long it
/// is left alone after it fell silent.
struct DeviceHealth {
    /// Something of a device that comes with a period of its own: a read, a request, what it says unasked.
    struct Part {
        let period: Int64
        /// The first of its metrics, in words.
        let name: String
        fileprivate var lastFresh: Int64
        fileprivate var isStale = false

        init(period: Int64, name: String, now: Int64) {
            self.period = period
            self.name = name
            lastFresh = now
        }
    }

    /// What came instead of answers since the device was last heard.
    enum Trace: Equatable {
        case nothing
        case late
        case damage
        /// Whole frames that answer something else, or come from another unit: the last one's.
        case others(unit: UInt8?)
        /// It answers that it cannot: the last code.
        case refusals(code: UInt8)
    }

    private enum State {
        /// Nothing heard yet since the line was opened.
        case unknown
        case heard
        case silent
    }

    /// Failures in a row after which a device is called silent and asked less often.
    static let patience: Int64 = 3
    /// How long after a failure what came late still tells what it was. Unit: ns.
    private static let lateness: Int64 = 4_000_000_000
    /// Failures in a row that are excused: as many time-outs as another's answer may be late.
    private static let mostExcused = 8

    private var state = State.unknown
    private(set) var failures: Int64 = 0
    private var parts: [Part]
    private var trace = Trace.nothing
    private(set) var isLost = false
    private var hasOpened = false
    /// When the last row of failures began. Unit: ns.
    private var firstFailure: Int64 = 0
    /// Whether nothing has been heard since the line was opened.
    private(set) var isNew = true
    /// Failures in a row for which the way to the device may have been taken by another.
    private var excused = 0
    /// Whether there is a wire that can garble.
    private let isOnWire: Bool

    init(parts: [Part], isOnWire: Bool) {
        self.parts = parts
        self.isOnWire = isOnWire
    }

    /// Whether the device answered when it was last asked.
    var isWell: Bool { state == .heard && failures == 0 }

    /// It answered.
    mutating func hear(time: Int64, sink: inout RingSink) {
        failures = 0
        excused = 0
        trace = .nothing
        if state != .heard { sink.event(.deviceConnected, time: time) }
        (isLost, isNew, state) = (false, false, .heard)
    }

    /// A part brought values.
    mutating func refresh(_ part: Int, time: Int64, sink: inout RingSink) {
        guard parts.indices.contains(part) else { return }
        parts[part].lastFresh = time
        guard parts[part].isStale else { return }
        parts[part].isStale = false
        if !parts.contains(where: \.isStale) { sink.alert(.stale, holds: false, time: time) }
    }

    /// An answer came after it had been given up.
    mutating func hearLate() { if trace == .nothing { trace = .late } }

    /// The same of a refusal.
    mutating func hearLate(refusal code: UInt8) { trace = .refusals(code: code) }

    /// A request failed while the way to the device may have been taken by another. Returns whether that excuses it, as
    /// it does a few times.
    mutating func excuse() -> Bool {
        excused += 1
        return excused <= Self.mostExcused
    }

    /// A request failed.
    mutating func fail(_ trace: Trace, time: Int64, sink: inout RingSink) {
        failures += 1
        isLost = false
        if trace != .nothing { self.trace = trace }
        if failures == 1 { firstFailure = time }
        if failures >= Self.patience { callSilent(time: time, sink: &sink) }
    }

    /// The line was lost, or could not be opened. Returns whether that is new: it is told once, until the device is
    /// heard or asked in vain.
    mutating func lose(errno: Int32, time: Int64, sink: inout RingSink) -> Bool {
        defer { (isLost, state) = (true, .unknown) }
        if !isLost { sink.event(.deviceDisconnected, figure: Int64(errno), time: time) }
        return !isLost
    }

    /// The line is open, and the first question is asked at a time. Unit: ns.
    mutating func open(askingAt start: Int64) {
        failures = 0
        isNew = true
        // Before the first question nothing can be missed.
        if !hasOpened { for index in parts.indices { parts[index].lastFresh = max(parts[index].lastFresh, start) } }
        hasOpened = true
    }

    func isStale(_ part: Int) -> Bool { parts[part].isStale }

    /// The next part of which three periods have passed without a fresh sample; told once for each time it happens.
    ///
    /// - Parameter isTold: whether all of a part is told by other parts, which are fresh.
    mutating func nextStale(time: Int64, unless isTold: (Int) -> Bool = { _ in false }, sink: inout RingSink) -> Int? {
        for index in parts.indices
        where !parts[index].isStale && time - parts[index].lastFresh > 3 * parts[index].period && !isTold(index) {
            parts[index].isStale = true
            sink.event(.deviceStale, words: parts[index].name, time: time)
            sink.alert(.stale, holds: true, time: time)
            return index
        }
        callSilentSoon(time: time, sink: &sink)
        return nil
    }

    /// A device that is asked seldom, for the sake of its neighbours, is called silent without waiting for the third
    /// failure: when it failed twice and brings nothing, or when it was never heard and what it failed to say can no
    /// longer come late.
    private mutating func callSilentSoon(time: Int64, sink: inout RingSink) {
        guard failures > 0, state != .silent, failures > 1 || state == .unknown && time - firstFailure > Self.lateness
        else { return }
        for part in parts where part.isStale { return callSilent(time: time, sink: &sink) }
    }

    private mutating func callSilent(time: Int64, sink: inout RingSink) {
        guard state != .silent else { return }
        state = .silent
        switch trace {
        case .nothing: sink.event(.deviceSilent, figure: failures, text: "nothing was heard", time: time)
        case .late: sink.event(.deviceSilent, figure: failures, text: "late answers only: slowest-reply?", time: time)
        case .damage where isOnWire:
            sink.event(.deviceSilent, figure: failures, text: "damaged bytes only: baud, parity, wire?", time: time)
        case .damage: sink.event(.deviceSilent, figure: failures, text: "damaged frames only", time: time)
        case .others(let unit?):
            sink.event(.deviceSilent, figure: failures, words: "other units only: unit \(unit) answers", time: time)
        case .others(nil):
            sink.event(.deviceSilent, figure: failures, text: "other answers only than were asked for", time: time)
        case .refusals(let code):
            sink.event(
                .deviceSilent, figure: failures, words: "exceptions only, the last \(code): not there?", time: time)
        }
    }
}
