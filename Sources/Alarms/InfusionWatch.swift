import DeviceModel

/// One pump: its own counter and its own limit, held against what the pump says of itself. Whatever was given is the
/// pump's to tell; nothing is added to it here or taken from it. A contradiction is an alarm.
///
/// Source: `docs/safety/`, C-30 and C-32.
struct InfusionWatch: Sendable {
    /// What of a pump is looked at.
    enum Aspect: Sendable, Hashable {
        /// What it has given, by its own counter.
        case volume
        case rate
        /// Whether it infuses, in its own words.
        case status
        /// What it has still to give before it stops by itself.
        case limit

        init?(metric: String) {
            switch metric {
            case "MDC_VOL_FLUID_DELIV_TOTAL": self = .volume
            case "MDC_FLOW_FLUID_PUMP", "MDC_FLOW_FLUID_PUMP_CURRENT": self = .rate
            case "MDC_PUMP_INFUSING_STATUS", "MDC_PUMP_MODE": self = .status
            case "MDC_VOL_FLUID_TBI", "MDC_VOL_FLUID_TBI_REMAIN": self = .limit
            default: return nil
            }
        }
    }

    /// A quantity and when it was read. Unit: that of its stream; ns of the monotonic clock.
    private struct Reading: Sendable {
        var value: Double
        var time: Int64
    }

    private enum Said: Sendable, Hashable {
        case nothing
        case infusing(since: Int64)
        case other
    }

    /// What of an end is to be judged when the counter is read next.
    private enum End: Sendable {
        case none
        case reached(limit: Double, volume: Double, at: Int64)
    }

    /// The limit as it was read last.
    private enum Limit: Sendable {
        case unknown
        case none
        /// - volume: what the counter showed when this limit was read first.
        /// - isWhole: whether all of it was still to be given then.
        case set(left: Double, volume: Double, isWhole: Bool)
    }

    private enum UnderAlarm: Sendable {
        case none
        case since(Int64)
        /// What the counter showed when the pump had had its time to stand.
        case shown(Double)
    }

    enum Limits {
        /// How long a contradiction of a moment is told before its condition counts as over. Unit: ns.
        static let telling: Int64 = 60_000_000_000
        /// A pump that alarms stands within this time. Unit: ns.
        static let halting: Int64 = 3_000_000_000
        /// A counter that moved so lately belongs to a pump that infuses. Unit: ns.
        static let lately: Int64 = 30_000_000_000
        /// What a pump that infuses must have given for its counter to have moved: the least time, in ns, the least
        /// number of the counter's steps, and the least volume, in the counter's unit.
        static let still: (time: Int64, steps: Double, volume: Double) = (60_000_000_000, 10, 0.05)
        /// Between the readings of two quantities of one pump; so much of its rate is no contradiction. Unit: ns.
        static let apart: Int64 = 10_000_000_000
    }

    let device: String
    let vmd: String?
    /// The smallest difference that the counter shows.
    private let step: Double

    /// When it showed anything last. Unit: ns of the monotonic clock.
    private(set) var heard: Int64 = .min
    private var volume: Reading?
    private var moved: Int64?
    /// Since when the counter should have moved, and has not.
    private var still: Int64?
    private var rate: Reading?
    private var said = Said.nothing
    private var limit = Limit.unknown
    /// Whether the limit was seen to go down as the counter went up.
    private var countsDown = false
    private var end = End.none
    private var under = UnderAlarm.none
    /// The pump's own alarms that stand.
    private var alarms: Set<String> = []
    private var isControlLost = false
    private var holds: Set<AlertKind> = []
    private var until: [AlertKind: Int64] = [:]
    /// What was given to hold, and not yet to be over.
    private(set) var told: Set<AlertKind> = []

    /// - Parameter step: the smallest difference that the counter shows, in its unit.
    init(device: String, vmd: String?, step: Double) { (self.device, self.vmd, self.step) = (device, vmd, step) }

    // MARK: What the pump shows

    mutating func take(volume value: Double, at time: Int64) {
        defer {
            (volume, heard) = (Reading(value: value, time: time), time)
            judgeControl(at: time)
        }
        if let before = volume {
            if value < before.value {
                tell(.volumeWentBack, at: time)
                (limit, end, still) = (.unknown, .none, nil)
                if case .shown = under { under = .since(time) }
            } else if value > before.value {
                (moved, still) = (time, nil)
                holds.remove(.volumeStandsStill)
            }
        }
        judgeStanding(at: time)
        judgeUnderAlarm(value, at: time)
        judgeEnd(value, at: time)
    }

    mutating func take(rate value: Double, at time: Int64) {
        if rate?.value != value { still = nil }
        rate = Reading(value: value, time: time)
    }

    mutating func take(status text: String, at time: Int64) {
        heard = time
        let isInfusing = text.lowercased().hasPrefix("infus")
        switch (said, isInfusing) {
        case (.infusing, true): break
        case (_, true): (said, still) = (.infusing(since: time), nil)
        case (_, false):
            (said, still) = (.other, nil)
            holds.remove(.volumeStandsStill)
        }
        judgeControl(at: time)
    }

    /// - Parameter left: `nil` where the pump says that it has none.
    mutating func take(limit left: Double?, at time: Int64) {
        guard let volume else { return }
        guard let left, left > 0 else {
            // One that is nobody's any more is no end, and neither is one of which nobody knows what it was of.
            if left == 0, case .set(let before, let shown, let isWhole) = limit, isWhole || countsDown,
                infuses(at: time)
            {
                end = .reached(limit: before, volume: shown, at: time)
            }
            limit = .none
            return
        }
        switch limit {
        case .set(left, _, _): break
        case .set(let before, let shown, _):
            if left < before, volume.value > shown {
                countsDown = abs((before - left) - (volume.value - shown)) <= tolerance
            }
            limit = .set(left: left, volume: volume.value, isWhole: !infuses(at: time))
        case .none: limit = .set(left: left, volume: volume.value, isWhole: true)
        case .unknown: limit = .set(left: left, volume: volume.value, isWhole: !infuses(at: time))
        }
    }

    mutating func take(alarm name: String, begins: Bool, at time: Int64) {
        if begins { alarms.insert(name) } else { alarms.remove(name) }
        switch (under, alarms.isEmpty) {
        case (.none, false): under = .since(time)
        case (_, true):
            under = .none
            holds.remove(.givesUnderAlarm)
        case (.since, false), (.shown, false): break
        }
    }

    mutating func take(controlLost isLost: Bool, at time: Int64) {
        isControlLost = isLost
        judgeControl(at: time)
    }

    // MARK: Judging

    /// Whether it infuses, as far as it says so or its counter shows.
    func infuses(at time: Int64) -> Bool {
        if case .infusing = said { return true }
        return moved.map { time - $0 <= Limits.lately } ?? false
    }

    /// What two readings that are not of one moment may differ by. Unit: the counter's.
    private var tolerance: Double { max(2 * step, (rate?.value ?? 0) * Self.hours(Limits.apart)) }

    private static func hours(_ nanoseconds: Int64) -> Double { Double(nanoseconds) / 3_600_000_000_000 }

    private mutating func judgeStanding(at time: Int64) {
        guard case .infusing(let since) = said, let rate, rate.value > 0 else { return }
        let from = max(still ?? time, since)
        still = from
        let due = rate.value * Self.hours(time - from)
        guard time - from >= Limits.still.time, due >= max(Limits.still.steps * step, Limits.still.volume) else {
            return
        }
        holds.insert(.volumeStandsStill)
    }

    private mutating func judgeUnderAlarm(_ value: Double, at time: Int64) {
        switch under {
        case .since(let began) where time - began >= Limits.halting: under = .shown(value)
        case .shown(let shown) where value > shown: holds.insert(.givesUnderAlarm)
        case .none, .since, .shown: break
        }
    }

    private mutating func judgeEnd(_ value: Double, at time: Int64) {
        guard case .reached(let left, let before, let reached) = end, time > reached else { return }
        end = .none
        if left - (value - before) > tolerance { tell(.endedShort, at: time) }
    }

    private mutating func judgeControl(at time: Int64) {
        if isControlLost, infuses(at: time) {
            holds.insert(.infusesBeyondControl)
        } else {
            holds.remove(.infusesBeyondControl)
        }
    }

    private mutating func tell(_ alert: AlertKind, at time: Int64) {
        holds.insert(alert)
        until[alert] = time + Limits.telling
    }

    // MARK: Time

    /// Lets time pass, and gives what has come to hold or holds no longer.
    mutating func turn(at now: Int64) -> [(alert: AlertKind, holds: Bool)] {
        for (alert, end) in until where end <= now {
            holds.remove(alert)
            until[alert] = nil
        }
        // Of one that tells nothing nobody knows that it is over.
        if holds.contains(.infusesBeyondControl), now &- heard < Limits.lately { judgeControl(at: now) }
        guard holds != told else { return [] }
        defer { told = holds }
        return holds.symmetricDifference(told).sorted { $0.rawValue < $1.rawValue }.map { ($0, holds.contains($0)) }
    }
}
