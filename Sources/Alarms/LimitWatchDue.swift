import DeviceModel
import Presets

/// What the bed itself lacks: an episodic vital that nobody measured in time, or one that no device there has.
struct LimitWatchDue: Sendable {
    enum State: Sendable {
        case given
        case lacking(BedCondition)
    }

    private let template: BedCondition
    /// Unit: ns.
    private let after: Int64
    private var lastValid: Int64?
    private var state = State.given

    /// - Parameter device: the only one that measures it.
    init(bed: WatchedBed, overdue rule: Preset.EpisodicRule, device: StreamDescriptor?) {
        let words = LimitWatchWords(bed: bed, vital: rule.vital, device: device?.device, vmd: device?.vmd)
        let (text, arabicText) = words.overdue(after: rule.due)
        let key = BedCondition.Key(
            bed: bed.id, device: device?.device, vmd: device?.vmd, metric: rule.vital.metric, alert: .overdue)
        template = BedCondition(
            key: key, priority: rule.priority, level: 0, isLatching: false, text: text, arabicText: arabicText,
            since: 0)
        after = rule.due
    }

    init(bed: WatchedBed, absent rule: Preset.MissingRule) {
        let words = LimitWatchWords(bed: bed, vital: rule.vital, device: nil, vmd: nil)
        let (text, arabicText) = words.missing(after: rule.after)
        let key = BedCondition.Key(
            bed: bed.id, device: nil, vmd: nil, metric: rule.vital.metric, alert: .missing)
        template = BedCondition(
            key: key, priority: rule.priority, level: 0, isLatching: rule.isLatching, text: text,
            arabicText: arabicText, since: 0)
        after = rule.after
    }

    /// A value came that counts.
    mutating func take(at time: Int64, inUse since: Int64?, _ told: inout [LimitChange]) {
        advance(to: time &- 1, inUse: since, &told)
        lastValid = max(lastValid ?? time, time)
        end(.cleared, at: time, &told)
    }

    mutating func advance(to now: Int64, inUse since: Int64?, _ told: inout [LimitChange]) {
        guard let since, case .given = state else { return }
        let last = max(lastValid ?? since, since)
        guard now &- last >= after else { return }
        var condition = template
        condition.since = last
        state = .lacking(condition)
        told.append(LimitChange(what: .begins, condition: condition, at: last &+ after))
    }

    mutating func end(_ ending: LimitChange.Ending, at time: Int64, _ told: inout [LimitChange]) {
        guard case .lacking(let condition) = state else { return }
        state = .given
        told.append(LimitChange(what: .ends(ending), condition: condition, at: time))
    }
}
