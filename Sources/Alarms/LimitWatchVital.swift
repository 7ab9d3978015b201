import DeviceModel
import Nomenclature
import Presets

/// One stream of one device at a bed, held against the rules of its vital.
struct LimitWatchVital: Sendable {
    enum Missing: Sendable {
        case given
        case missing(BedCondition)
    }

    private let teller: LimitWatchTeller
    private let missingRule: Preset.MissingRule?
    /// Which of the bed's episodic rules its values satisfy.
    let episodic: Int?
    private var low: LimitWatchSide?
    private var high: LimitWatchSide?
    private var missing = Missing.given
    private var reading = LimitReading.none
    /// When the newest sample was taken: a stream's time does not go back. Unit: ns.
    private var newest = Int64.min
    /// Up to when it was judged. Unit: ns.
    private var judged: Int64

    /// A value stands for what comes after it for so many of its stream's periods: as long as the house calls a value
    /// current.
    private static let freshPeriods: Int64 = 3
    /// An alarm of a vital that is neither missing nor due by a rule is unconfirmed after this. Unit: ns. Proposed.
    private static let confirmedWithin: Int64 = 15_000_000_000

    /// `nil` when the stream's unit is not one of the vital's, or its values are no numbers.
    init?(
        bed: WatchedBed, vital: Preset.Vital, preset: Preset, stream: StreamDescriptor, names: Nomenclature,
        episodic: Int?, now: Int64
    ) {
        guard let value = LimitWatchValue(stream.form),
            let unit = LimitWatchUnit(vital, stream: stream.unit, names: names)
        else { return nil }
        (self.episodic, judged) = (episodic, now)
        teller = LimitWatchTeller(
            words: LimitWatchWords(bed: bed, vital: vital, device: stream.device, vmd: stream.vmd), stream: stream,
            value: value, unit: unit)
        let missingRule = preset.missing.first { $0.vital == vital }
        self.missingRule = missingRule
        // A period is an hour at most where a journal describes it.
        let fresh = min(stream.periodNanoseconds, Int64.max / 8) * Self.freshPeriods
        let confirmedWithin =
            preset.episodicRule(vital.metric)?.due ?? missingRule?.after ?? max(Self.confirmedWithin, fresh)
        func side(_ levels: [Preset.Level], isLow: Bool) -> LimitWatchSide? {
            let made = levels.map { level in
                let back = isLow ? level.value + level.hysteresis : level.value - level.hysteresis
                return LimitWatchSide.Level(
                    rule: level, limit: value.limit(unit.ofStream(level.value)),
                    back: value.limit(unit.ofStream(back)), longestGap: max(level.delay, fresh))
            }
            return made.first.map {
                LimitWatchSide(
                    isLow: isLow, mild: $0, worse: made.dropFirst().first, fresh: fresh,
                    confirmedWithin: confirmedWithin)
            }
        }
        let limits = preset.limits.first { $0.vital == vital }
        low = side(limits?.low ?? [], isLow: true)
        high = side(limits?.high ?? [], isLow: false)
    }

    // MARK: Values

    /// The number of a record, when it counts.
    private func number(_ record: SampleRecord) -> Double? {
        switch record.validity {
        case .valid, .validated: teller.value.number(record.bits)
        case .ongoing, .questionable, .calibrationOngoing, .invalid, .overflow, .underflow, .notAvailable: nil
        }
    }

    /// Takes a record of its stream. Returns the time of a value that counts.
    mutating func take(_ record: SampleRecord, inUse since: Int64?, _ told: inout [LimitChange]) -> Int64? {
        let time = max(record.monotonicNanoseconds, newest, 0)
        newest = time
        // Up to it the former value stood.
        advance(to: time &- 1, inUse: since, &told)
        guard let number = number(record) else {
            if case .valid(let last, let bits) = reading { reading = .withheld(lastValid: last, bits: bits) }
            return nil
        }
        endMissing(.cleared, at: time, &told)
        let last = reading.lastValid
        reading = .valid(at: time, bits: record.bits)
        low?.take(number, at: time, lastValid: last, &told)
        high?.take(number, at: time, lastValid: last, &told)
        // A limit may have no delay.
        advance(to: time, inUse: since, &told)
        return time
    }

    // MARK: Time

    mutating func advance(to time: Int64, inUse since: Int64?, _ told: inout [LimitChange]) {
        judged = max(time, judged)
        if low?.isQuiet == false { low?.advance(to: judged, reading, teller, &told) }
        if high?.isQuiet == false { high?.advance(to: judged, reading, teller, &told) }
        guard let since, let rule = missingRule, case .given = missing else { return }
        let last = max(reading.lastValid ?? since, since)
        guard judged &- last >= rule.after else { return }
        let condition = teller.missing(rule, since: last)
        missing = .missing(condition)
        told.append(LimitChange(what: .begins, condition: condition, at: last &+ rule.after))
    }

    // MARK: Ends

    /// The vital is not missed any more: it came, or nobody is there to miss it.
    mutating func endMissing(_ ending: LimitChange.Ending, at time: Int64, _ told: inout [LimitChange]) {
        guard case .missing(let condition) = missing else { return }
        missing = .given
        told.append(LimitChange(what: .ends(ending), condition: condition, at: time))
    }

    mutating func end(_ ending: LimitChange.Ending, at time: Int64, _ told: inout [LimitChange]) {
        low?.end(ending, at: time, &told)
        high?.end(ending, at: time, &told)
        endMissing(ending, at: time, &told)
    }
}
