import DeviceModel
import Presets

/// What is known of a stream's values.
enum LimitReading: Sendable {
    /// None that counts has come.
    case none
    /// The newest one counts. Unit: ns of the monotonic clock.
    case valid(at: Int64, bits: Int64)
    /// Newer ones do not count; this is when the last did that does.
    case withheld(lastValid: Int64, bits: Int64)

    /// When the last value came that counts.
    var lastValid: Int64? {
        switch self {
        case .none: nil
        case .valid(let at, _), .withheld(let at, _): at
        }
    }

    var bits: Int64? {
        switch self {
        case .none: nil
        case .valid(_, let bits), .withheld(_, let bits): bits
        }
    }
}

/// The limits on one side of one stream, and how they stand.
struct LimitWatchSide: Sendable {
    /// A limit in the stream's unit.
    struct Level: Sendable {
        let rule: Preset.Level
        /// A value further out is beyond.
        let limit: Double
        /// A value here or further in has come back.
        let back: Double
        /// A gap between values that count which is longer ends an excursion that has not lasted. Unit: ns.
        let longestGap: Int64
    }

    /// How far a value beyond a limit has got before it is an alarm.
    enum Excursion: Sendable, Equatable {
        case none
        /// Values are beyond since then. Unit: ns.
        case since(Int64)
    }

    /// How the worse limit stands while the alarm holds.
    enum Worse: Sendable, Equatable {
        case within
        case since(Int64)
        case lasted
    }

    enum State: Sendable {
        /// No alarm.
        case quiet(mild: Excursion, worse: Excursion)
        /// The alarm holds; the milder limit has lasted its delay, or the worse one has.
        case alarming(worse: Worse, condition: BedCondition, isConfirmed: Bool)
    }

    let isLow: Bool
    let mild: Level
    let worse: Level?
    /// How long a value stands for what comes after it. Unit: ns.
    let fresh: Int64
    /// Without a value that counts for so long the alarm is unconfirmed. Unit: ns.
    let confirmedWithin: Int64
    private(set) var state = State.quiet(mild: .none, worse: .none)

    init(isLow: Bool, mild: Level, worse: Level?, fresh: Int64, confirmedWithin: Int64) {
        (self.isLow, self.mild, self.worse) = (isLow, mild, worse)
        (self.fresh, self.confirmedWithin) = (fresh, confirmedWithin)
    }

    private func isBeyond(_ value: Double, _ level: Level) -> Bool {
        isLow ? value < level.limit : value > level.limit
    }

    private func isBack(_ value: Double, _ level: Level) -> Bool {
        isLow ? value >= level.back : value <= level.back
    }

    /// Whether time alone changes nothing.
    var isQuiet: Bool { if case .quiet(.none, .none) = state { true } else { false } }

    // MARK: Values

    /// Takes a value that counts. `lastValid` is when the one before it came.
    mutating func take(_ value: Double, at time: Int64, lastValid: Int64?, _ told: inout [LimitChange]) {
        let gap = lastValid.map { time &- $0 } ?? 0
        switch state {
        case .quiet(.none, .none) where !isBeyond(value, mild): return
        case .quiet(let mildRun, let worseRun):
            state = .quiet(
                mild: next(mildRun, value, mild, at: time, gap: gap),
                worse: worse.map { next(worseRun, value, $0, at: time, gap: gap) } ?? .none)
        case .alarming(let worseRun, let condition, let isConfirmed):
            if isBack(value, mild) {
                state = .quiet(mild: .none, worse: .none)
                told.append(LimitChange(what: .ends(.cleared), condition: condition, at: time))
                return
            }
            if !isConfirmed { told.append(LimitChange(what: .confirmed, condition: condition, at: time)) }
            state = .alarming(
                worse: next(worseRun, value, at: time, gap: gap), condition: condition, isConfirmed: true)
        }
    }

    private func next(_ run: Excursion, _ value: Double, _ level: Level, at time: Int64, gap: Int64) -> Excursion {
        guard isBeyond(value, level) else { return .none }
        if case .since = run, gap <= level.longestGap { return run }
        return .since(time)
    }

    private func next(_ run: Worse, _ value: Double, at time: Int64, gap: Int64) -> Worse {
        guard let worse else { return .within }
        switch run {
        case .lasted: return isBack(value, worse) ? .within : .lasted
        case .within, .since:
            guard isBeyond(value, worse) else { return .within }
            if case .since = run, gap <= worse.longestGap { return run }
            return .since(time)
        }
    }

    // MARK: Time

    /// Lets time pass. Two levels whose delays both end before it are told one after the other, as if it had passed
    /// in small steps.
    ///
    /// - Parameter teller: makes the conditions.
    mutating func advance(
        to now: Int64, _ reading: LimitReading, _ teller: LimitWatchTeller, _ told: inout [LimitChange]
    ) {
        switch state {
        case .quiet(.none, .none): return
        case .quiet(let mildRun, let worseRun):
            let first = lasts(mildRun, mild, reading, by: now)
            let second = worse.flatMap { lasts(worseRun, $0, reading, by: now) }
            if let worse, let second, case .since(let since) = worseRun, second <= first ?? .max {
                begin(.lasted, teller.condition(worse.rule, 1, isLow, since, reading), at: second, &told)
            } else if let first, case .since(let since) = mildRun {
                let run: Worse = if case .since(let since) = worseRun { .since(since) } else { .within }
                begin(run, teller.condition(mild.rule, 0, isLow, since, reading), at: first, &told)
                advance(to: now, reading, teller, &told)
            }
        case .alarming(let run, let condition, let isConfirmed):
            if let worse, case .since(let since) = run, let raised = lasts(.since(since), worse, reading, by: now) {
                let risen = teller.condition(worse.rule, 1, isLow, condition.since, reading)
                state = .alarming(worse: .lasted, condition: risen, isConfirmed: isConfirmed)
                told.append(LimitChange(what: .priorityRaised, condition: risen, at: raised))
                return
            }
            guard isConfirmed, let last = reading.lastValid, now &- last >= confirmedWithin else { return }
            state = .alarming(worse: run, condition: condition, isConfirmed: false)
            told.append(
                LimitChange(
                    what: .unconfirmed, condition: teller.unconfirmed(condition, isLow),
                    at: last &+ confirmedWithin))
        }
    }

    private mutating func begin(
        _ worse: Worse, _ condition: BedCondition, at time: Int64, _ told: inout [LimitChange]
    ) {
        state = .alarming(worse: worse, condition: condition, isConfirmed: true)
        told.append(LimitChange(what: .begins, condition: condition, at: time))
    }

    /// When an excursion lasted its delay, if it has by now: the newest value counts and still stood for that moment.
    private func lasts(_ run: Excursion, _ level: Level, _ reading: LimitReading, by now: Int64) -> Int64? {
        guard case .since(let since) = run, case .valid(let last, _) = reading else { return nil }
        let time = max(since &+ level.rule.delay, last)
        return time <= now && time &- last <= fresh ? time : nil
    }

    /// Ends what holds, whatever the values.
    mutating func end(_ ending: LimitChange.Ending, at time: Int64, _ told: inout [LimitChange]) {
        if case .alarming(_, let condition, _) = state {
            told.append(LimitChange(what: .ends(ending), condition: condition, at: time))
        }
        state = .quiet(mild: .none, worse: .none)
    }
}
