package import DeviceModel
import Foundation

extension AlarmLedger {
    /// Takes events that were decided, and gives them as the journal is to hold them.
    ///
    /// - Parameters:
    ///   - now: unit ns of the monotonic clock.
    ///   - utc: the wall clock. Unit: ns since 1970.
    package mutating func take(_ events: [AlarmEvent], at now: Int64, utc: Int64) -> [UnitEvent] {
        events.compactMap { event in
            apply(event, at: now, utc: utc)
            return unitEvent(event, at: now)
        }
    }

    /// All that stands, for the journal's next file or session.
    package func snapshot(at now: Int64) -> UnitEvent? {
        .alarm(
            .alarmLedger, device: nil,
            .members([
                "alarms": .array(standing.map(\.body)),
                "off": switchedOff.isEmpty
                    ? nil : .array(switchedOff.sorted { $0.order < $1.order }.map { $0.body(nil) }),
            ]), at: now)
    }

    private func unitEvent(_ event: AlarmEvent, at now: Int64) -> UnitEvent? {
        switch event {
        case .began(let record, let nature, let latches, let repeated):
            return .alertStart(record, nature: nature, latches: latches, repeated: repeated, at: now)
        case .ended(let record, let reason, let people, let repeated):
            return .alertEnd(record, repeated: repeated, reason: reason, by: people, at: now)
        case .changed(let record, let change):
            guard let alarm = alarms[record.condition] else { return nil }
            return .alarm(.alertUpdate, device: record.device, record.members().adding(alarm.members(change)), at: now)
        case .switchedOff(let off, let people): return .alarm(.alarmSwitchedOff, device: nil, off.body(people), at: now)
        case .switchedOn(let off, let people): return .alarm(.alarmSwitchedOn, device: nil, off.body(people), at: now)
        case .ledger: return snapshot(at: now)
        }
    }
}

extension Alarm {
    fileprivate func members(_ change: AlarmEvent.Change) -> KeyValuePairs<String, JSON?> {
        [
            "change": .string(change.word.rawValue), "presence": .string(presence.rawValue),
            "activation": .string(activation.rawValue), "unconfirmed": isUnconfirmed ? .bool(true) : nil,
            "latching": change.latches ? .bool(true) : nil,
            "count": count == 0 ? nil : .integer(count), "until": change.until.map(JSON.integer),
            "by": change.people.isEmpty ? nil : .array(change.people.map(JSON.string)),
        ]
    }

    fileprivate var body: JSON {
        record.members().adding([
            "device": record.device.map(JSON.string),
            "nature": .string(nature.rawValue), "latching": latches ? .bool(true) : nil,
            "presence": .string(presence.rawValue), "activation": .string(activation.rawValue),
            "unconfirmed": isUnconfirmed ? .bool(true) : nil, "escalated": isEscalated ? .bool(true) : nil,
            "count": count == 0 ? nil : .integer(count), "began": .integer(began),
            "signalsAgain": signalsAgain.map(JSON.integer), "until": pausedUntil.map(JSON.integer),
            "paused": paused == 0 ? nil : .integer(paused),
            "by": acknowledgedBy.isEmpty ? nil : .array(acknowledgedBy.map(JSON.string)),
        ])
    }

    private var signalsAgain: Int64? { if case .ack(let again, _) = state { again } else { nil } }

    /// As it stands in a snapshot; `nil` where that does not say what it is. Since when it is signalled is not kept:
    /// another session begins.
    fileprivate init?(_ body: [String: Any], at now: Int64) {
        let texts = body.compactMapValues { $0 as? String }
        guard let record = AlertRecord(device: texts["device"], members: texts), record.instance != nil,
            let priority = AlertPriority(recorded: record),
            let presence = texts["presence"].flatMap(AlertPresence.init),
            let activation = texts["activation"].flatMap(AlertActivation.init), let began = body.integer("began")
        else { return nil }
        let escalation = body.flag("escalated") ? Escalation.escalated : .none
        let sight = body.flag("unconfirmed") ? Sight.unconfirmed : .seen
        let signal: Signal =
            switch activation {
            case .on: .given(since: now, escalation)
            // Of a session before, it is over; within one, whoever reads begins here.
            case .paused: .paused(until: body.integer("until") ?? now, escalation)
            case .off: .off
            }
        switch presence {
        case .on: state = .on(signal, sight)
        case .latched: state = .latched(signal)
        case .ack:
            let latest = AlarmPolicy.signalsAgain(priority).map { now + $0 }
            state = .ack(signalsAgain: latest.map { min(body.integer("signalsAgain") ?? $0, $0) }, sight)
        case .off: return nil
        }
        (self.record, self.priority, self.began) = (record, priority, began)
        nature = texts["nature"].flatMap(AlertNature.init) ?? .technical
        latches = body.flag("latching")
        count = body.integer("count").flatMap { Int(exactly: $0) } ?? 0
        paused = max(0, body.integer("paused") ?? 0)
        acknowledgedBy = body["by"] as? [String] ?? []
    }
}

extension AlarmEvent.Change {
    fileprivate var word: AlertChange {
        switch self {
        case .latched: .latched
        case .returned: .returned
        case .acknowledged: .acknowledged
        case .paused: .paused
        case .resumed: .resumed
        case .escalated: .escalated
        case .signalledAgain: .signalledAgain
        case .priorityRaised: .priorityRaised
        case .switchedOff: .switchedOff
        case .switchedOn: .switchedOn
        case .unconfirmed: .unconfirmed
        case .confirmed: .confirmed
        case .moved: .moved
        }
    }

    fileprivate var people: [String] {
        switch self {
        case .acknowledged(let people), .paused(_, let people): people
        case .latched, .returned, .resumed, .escalated, .signalledAgain, .priorityRaised, .switchedOff, .switchedOn,
            .unconfirmed, .confirmed, .moved:
            []
        }
    }

    fileprivate var latches: Bool { if case .priorityRaised(let latches) = self { latches } else { false } }

    fileprivate var until: Int64? { if case .paused(let until, _) = self { until } else { nil } }

    /// `nil` where the members do not say all of it.
    fileprivate init?(_ members: [String: Any], at now: Int64) {
        let people = members["by"] as? [String] ?? []
        switch (members["change"] as? String).flatMap(AlertChange.init) {
        case .latched?: self = .latched
        case .returned?: self = .returned
        case .acknowledged?: self = .acknowledged(by: people)
        case .paused?: self = .paused(until: members.integer("until") ?? now, by: people)
        case .resumed?: self = .resumed
        case .escalated?: self = .escalated
        case .signalledAgain?: self = .signalledAgain
        // Hosts that did not write it left it as it was.
        case .priorityRaised?: self = .priorityRaised(latches: members.flag("latching"))
        case .switchedOff?: self = .switchedOff
        case .switchedOn?: self = .switchedOn
        case .unconfirmed?: self = .unconfirmed
        case .confirmed?: self = .confirmed
        case .moved?: self = .moved
        case nil: return nil
        }
    }
}

extension AlarmSwitch {
    fileprivate func body(_ people: [String]?) -> JSON {
        .members([
            "bed": .string(bed), "alert": .string(name), "metric": metric.map(JSON.string),
            "by": people.map { .array($0.map(JSON.string)) },
        ])
    }

    fileprivate init?(_ texts: [String: String]) {
        guard let bed = texts["bed"], let name = texts["alert"] else { return nil }
        self.init(bed: bed, name: name, metric: texts["metric"])
    }
}

extension AlarmEvent {
    /// An event as the journal has it; `nil` for one that is not about alerts, or that says too little.
    ///
    /// - Parameters:
    ///   - body: its members, a JSON object.
    ///   - now: when it was. Unit: ns of the monotonic clock of its session.
    package init?(kind: String, device: String?, body: String, at now: Int64) {
        guard let kind = EventKind(rawValue: kind), kind.isOfAlarm,
            let members = (try? JSONSerialization.jsonObject(with: Data(body.utf8))) as? [String: Any]
        else { return nil }
        let texts = members.compactMapValues { $0 as? String }
        func record() -> AlertRecord? { AlertRecord(device: device, members: texts) }
        let people = members["by"] as? [String] ?? []
        switch kind {
        case .alertStart:
            guard let record = record() else { return nil }
            self = .began(
                record, nature: texts["nature"].flatMap(AlertNature.init) ?? .technical,
                latches: members.flag("latching"))
        case .alertUpdate:
            guard let record = record(), let change = Change(members, at: now) else { return nil }
            self = .changed(record, change)
        case .alertEnd:
            guard let record = record() else { return nil }
            self = .ended(record, reason: texts["reason"].flatMap(AlertEnding.init), by: people)
        case .alarmSwitchedOff:
            guard let off = AlarmSwitch(texts) else { return nil }
            self = .switchedOff(off, by: people)
        case .alarmSwitchedOn:
            guard let off = AlarmSwitch(texts) else { return nil }
            self = .switchedOn(off, by: people)
        case .alarmLedger:
            guard let alarms = members["alarms"] as? [[String: Any]] else { return nil }
            let read = alarms.map { Alarm($0, at: now) }
            // One that cannot be read would be one that nobody ends.
            guard !read.contains(nil) else { return nil }
            let off = (members["off"] as? [[String: Any]] ?? []).compactMap { one in
                AlarmSwitch(one.compactMapValues { $0 as? String })
            }
            self = .ledger(read.compactMap(\.self), switchedOff: Set(off))
        default: return nil
        }
    }
}

extension [String: Any] {
    fileprivate func integer(_ name: String) -> Int64? {
        guard let number = self[name] as? NSNumber else { return nil }
        return Int64(exactly: number)
    }

    fileprivate func flag(_ name: String) -> Bool { self[name] as? Bool ?? false }
}
