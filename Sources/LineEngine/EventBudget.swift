import DeviceModel

/// What one device may tell: so much at once, and then so much a second. What comes beyond waits, put together with
/// what follows it of the same kind, and is told with how many it stands for: a device that raises without end costs
/// itself, neither the journal nor what others have to say.
///
/// Alarms have tokens of their own, so that none waits behind what else its device says. What is told of one alert
/// alternates between begin and end, ends with the latest state, and never leaves out that it occurred.
struct EventBudget {
    /// Told at once before anything waits, of alarms and of other events each.
    static let burst: Int64 = 60
    /// One more each. Unit: ns.
    static let refill: Int64 = 1_000_000_000

    /// What waits of one alert, or of one kind of event.
    private struct Waiting {
        /// Of an alert, the change that came first; of other events always the same as ``last``.
        var first: SampleRecord
        var last: SampleRecord
        /// How many it stands for.
        var count: UInt32
    }

    /// The tokens of one class.
    private struct Bucket {
        private var tokens = EventBudget.burst
        private var refilled = Int64.min

        var isEmpty: Bool { tokens <= 0 }

        mutating func refill(at now: Int64) {
            guard refilled > .min else {
                refilled = now
                return
            }
            let more = max(0, now - refilled) / EventBudget.refill
            tokens = min(EventBudget.burst, tokens + more)
            refilled = tokens == EventBudget.burst ? now : refilled + more * EventBudget.refill
        }

        mutating func take(_ count: Int64) { tokens -= count }
    }

    private var alarms = Bucket()
    private var others = Bucket()
    private var waitingAlerts: [Waiting?]
    /// When each alert, and each kind of event, was last told; what was told longest ago goes first. Unit: ns.
    private var told: [Int64]
    private var waitingEvents = [Waiting?](repeating: nil, count: EventCode.allCases.count)
    private var toldEvents = [Int64](repeating: .min, count: EventCode.allCases.count)
    private var alertsWaiting = 0
    private var eventsWaiting = 0
    /// Records put together with others since it was last asked.
    private var coalesced: Int64 = 0
    private var now = Int64.min

    /// - Parameter alerts: how many alerts the device has.
    init(alerts: Int) {
        waitingAlerts = [Waiting?](repeating: nil, count: alerts)
        told = [Int64](repeating: .min, count: alerts)
    }

    var isWaiting: Bool { alertsWaiting + eventsWaiting > 0 }

    /// Unit: ns.
    mutating func refill(at now: Int64) {
        self.now = now
        alarms.refill(at: now)
        others.refill(at: now)
    }

    mutating func takeCoalesced() -> Int64 {
        defer { coalesced = 0 }
        return coalesced
    }

    /// An alert begins or ends. Returns whether the record is told as it is; else it waits for ``next(isLast:)``.
    mutating func admit(_ record: SampleRecord, alert: Int) -> Bool {
        guard waitingAlerts.indices.contains(alert) else { return true }
        if alertsWaiting == 0, !alarms.isEmpty {
            alarms.take(1)
            told[alert] = now
            return true
        }
        if waitingAlerts[alert] == nil {
            waitingAlerts[alert] = Waiting(first: record, last: record, count: 1)
            alertsWaiting += 1
        } else {
            waitingAlerts[alert]?.last = record
            waitingAlerts[alert]?.count &+= 1
            coalesced += 1
        }
        return false
    }

    /// Another event. Returns whether the record is told as it is.
    mutating func admit(_ record: SampleRecord) -> Bool {
        let kind = Int(record.event.rawValue)
        if eventsWaiting == 0, !others.isEmpty {
            others.take(1)
            toldEvents[kind] = now
            return true
        }
        if let before = waitingEvents[kind] {
            var record = record
            if record.event.figureCounts { record.bits &+= before.last.bits }
            waitingEvents[kind] = Waiting(first: record, last: record, count: before.count &+ 1)
            coalesced += 1
        } else {
            waitingEvents[kind] = Waiting(first: record, last: record, count: 1)
            eventsWaiting += 1
        }
        return false
    }

    /// What may be told now of what waits, and what is told right behind it; `nil` when nothing may.
    ///
    /// - Parameter isLast: whether all of it is told, because nothing follows.
    mutating func next(isLast: Bool = false) -> (SampleRecord, then: SampleRecord?)? {
        if alertsWaiting > 0, isLast || !alarms.isEmpty { return nextAlert() }
        if eventsWaiting > 0, isLast || !others.isEmpty { return nextEvent() }
        return nil
    }

    private mutating func nextAlert() -> (SampleRecord, then: SampleRecord?)? {
        var chosen: Int?
        for index in waitingAlerts.indices where waitingAlerts[index] != nil {
            if chosen.map({ told[index] < told[$0] }) ?? true { chosen = index }
        }
        guard let chosen, var waiting = waitingAlerts[chosen] else { return nil }
        waitingAlerts[chosen] = nil
        alertsWaiting -= 1
        told[chosen] = now
        // The changes alternate: after an odd number the state is another than was told, after an even one the same,
        // and that it was another meanwhile is told too.
        guard waiting.first.kind != waiting.last.kind else {
            alarms.take(1)
            waiting.last.repeats = waiting.count - 1
            return (waiting.last, nil)
        }
        alarms.take(2)
        waiting.first.repeats = waiting.count - 2
        return (waiting.first, waiting.last)
    }

    private mutating func nextEvent() -> (SampleRecord, then: SampleRecord?)? {
        var chosen: Int?
        for index in waitingEvents.indices where waitingEvents[index] != nil {
            if chosen.map({ toldEvents[index] < toldEvents[$0] }) ?? true { chosen = index }
        }
        guard let chosen, var waiting = waitingEvents[chosen] else { return nil }
        waitingEvents[chosen] = nil
        eventsWaiting -= 1
        others.take(1)
        toldEvents[chosen] = now
        waiting.last.repeats = waiting.count - 1
        return (waiting.last, nil)
    }
}

/// How many samples one device may bring: several times what its streams are described to bring, over some seconds.
struct SampleBudget {
    /// Times the described rate.
    static let factor = 4.0
    /// Beside that, of each stream. Unit: samples a second.
    static let floor = 20.0
    /// For how long a device may save up: what it had stored, an analyser's results or a memory's, comes at once.
    /// Unit: s.
    static let span = 60.0

    private let rate: Double
    private var tokens: Int64
    private var refilled = Int64.min

    /// - Parameter periods: of the device's streams, between two samples. Unit: ns.
    init(periods: some Sequence<Int64>) {
        rate = periods.reduce(0) { $0 + Self.factor * 1e9 / Double(max(1, $1)) + Self.floor }
        tokens = Int64(rate * Self.span)
    }

    /// Unit: ns.
    mutating func refill(at now: Int64) {
        guard refilled > .min else {
            refilled = now
            return
        }
        let most = Int64(rate * Self.span)
        let more = Int64(min(Double(now - refilled) * 1e-9, Self.span) * rate)
        guard more > 0 else { return }
        tokens = min(most, tokens + more)
        refilled = now
    }

    /// Whether one more sample may be recorded.
    mutating func take() -> Bool {
        guard tokens > 0 else { return false }
        tokens -= 1
        return true
    }
}
