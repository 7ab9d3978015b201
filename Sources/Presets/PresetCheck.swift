import DeviceModel
import StrictYAML

/// On which side of the band a limit lies.
enum LimitSide {
    case low
    case high

    var key: String { self == .low ? "below" : "above" }
    var other: LimitSide { self == .low ? .high : .low }

    /// Whether one limit lies further out than another.
    func isFurther(_ one: LimitValue, _ other: LimitValue) -> Bool { self == .low ? one < other : other < one }
}

/// A limit together with where it stands.
struct PlacedLevel {
    let level: Preset.Level
    let map: YAMLMapping

    func error(_ key: String, _ message: String) { (map[key] ?? map.value).error(message) }

    func warn(_ key: String, _ message: String) {
        map.value.diagnostics.warning((map[key] ?? map.value).location, message)
    }
}

/// What contradicts itself is an error, what is dubious a warning.
extension PresetReader {
    /// A shorter one does not carry a value over a movement of the hand. Source of the warning: a delay of 15 s took
    /// 60 % of the alarms of a saturation below 90 % away (meridian.allenpress.com/bit/article/45/s1/46). The bound
    /// itself is the project's own.
    private static let dubiousDelay: Int64 = 5 * PresetGrammar.second
    /// The priority whose delay may be short.
    private static let saturation = "MDC_PULS_OXIM_SAT_O2"

    func checkLevel(_ placed: PlacedLevel, _ vital: Preset.Vital, isEpisodic: Bool) {
        let level = placed.level
        if isEpisodic {
            if level.delay > 0 {
                placed.error("delay", "“\(vital.metric)” is measured now and then: one value lasts no time, write 0s")
            }
        } else {
            if level.delay == 0 {
                placed.warn("delay", "without a delay each artefact of a moment is an alarm")
            } else if vital.metric == Self.saturation, level.delay < Self.dubiousDelay {
                placed.warn("delay", "a delay below 5s makes most alarms of saturation false ones")
            }
            if level.hysteresis.thousandths == 0 {
                placed.warn(
                    "hysteresis",
                    "without a hysteresis a value at the limit begins and ends the alarm again "
                        + "and again")
            }
        }
        if level.priority == .high, !level.isLatching {
            placed.warn("latching", "a high alarm that does not latch can come and go with nobody there")
        }
    }

    /// Two limits of one side, the milder one first.
    func checkSide(_ levels: [PlacedLevel], _ side: LimitSide) {
        guard levels.count == 2 else { return }
        let (mild, worse) = (levels[0], levels[1])
        if !side.isFurther(worse.level.value, mild.level.value) {
            worse.error(side.key, "the second limit must lie further out than the first, \(mild.level.value.text)")
        }
        if worse.level.priority.rank <= mild.level.priority.rank {
            worse.error(
                "priority",
                "the limit further out must have a higher priority than the first, \(mild.level.priority.rawValue)")
        }
        if worse.level.delay > mild.level.delay {
            worse.warn("delay", "the limit further out is told later than the milder one")
        }
        if mild.level.isLatching, !worse.level.isLatching {
            worse.error("latching", "the milder limit latches, and this one does not")
        }
    }

    /// Low against high, and the way back from each within the band.
    func checkBand(low: [PlacedLevel], high: [PlacedLevel]) {
        guard let lowest = low.first, let highest = high.first else { return }
        let band = (low: lowest.level.value, high: highest.level.value)
        guard band.low < band.high else {
            return lowest.error("below", "the low limit \(band.low.text) is not below the high one, \(band.high.text)")
        }
        for placed in low where placed.level.value + placed.level.hysteresis >= band.high {
            placed.error("hysteresis", "the way back ends at or beyond the high limit: the alarm would never end")
        }
        for placed in high where placed.level.value - placed.level.hysteresis <= band.low {
            placed.error("hysteresis", "the way back ends at or beyond the low limit: the alarm would never end")
        }
    }

    func checkScores(_ rules: [(rule: Preset.ScoreRule, value: YAMLValue)]) {
        for (index, one) in rules.enumerated() {
            for other in rules[..<index] {
                switch (other.rule.threshold, one.rule.threshold) {
                case (.total(let first), .total(let second)):
                    if second <= first { one.value.error("the totals rise from one threshold to the next") }
                    if second > first, one.rule.priority.rank <= other.rule.priority.rank {
                        one.value.error("a higher total has a higher priority than \(other.rule.priority.rawValue)")
                    }
                case (.part, .part): one.value.error("“part” stands twice")
                case (.total, .part), (.part, .total): break
                }
            }
        }
    }

    /// What comes with another one names one that has a rule of its own.
    func checkCompanions(_ entries: [EpisodicEntry], _ root: YAMLMapping) {
        for case .companion(let companion, let place) in entries {
            let other = root["episodic"]?.member(companion.with)
            if other == nil || other?.member("with") != nil {
                place.error("“\(companion.with)” has no rule of its own under “episodic”")
            }
        }
    }

    /// What only the whole shows.
    func checkWhole(_ preset: Preset, _ root: YAMLMapping) {
        for rule in preset.missing where preset.episodicRule(rule.vital.metric) != nil {
            root["missing"]?.error(
                "“\(rule.vital.metric)” is measured now and then, so it is overdue by “episodic” and never missing")
        }
        if preset.limits.isEmpty, preset.missing.isEmpty, preset.episodic.isEmpty {
            root.value.error("it has no limits, and nothing is missed or due: it would never alarm")
        }
        for limits in preset.limits {
            let metric = limits.vital.metric
            guard preset.episodicRule(metric) == nil, !preset.missing.contains(where: { $0.vital.metric == metric }),
                let place = root["limits"]?.location
            else { continue }
            file.diagnostics.warning(
                place, "nothing tells when “\(metric)” ceases: a dead sensor has no limits; put it under “missing”")
        }
        for vital in preset.vitals where !isUsed(vital, preset) {
            guard let place = root["vitals"]?.location else { continue }
            file.diagnostics.warning(place, "“\(vital.metric)” has no rule")
        }
    }

    private func isUsed(_ vital: Preset.Vital, _ preset: Preset) -> Bool {
        preset.episodicRule(vital.metric) != nil || preset.limits.contains { $0.vital == vital }
            || preset.missing.contains { $0.vital == vital }
    }
}
