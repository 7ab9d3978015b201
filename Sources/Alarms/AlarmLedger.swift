package import DeviceModel

/// All alerts that have begun and not ended, as a fold over the journal's events. What is to happen is decided here and
/// changes nothing: events come out, and ``apply(_:at:utc:)`` takes each when it is on its way to the journal, or was
/// read from it.
///
/// All times: unit ns of the monotonic clock, where nothing else is said.
package struct AlarmLedger: Sendable, Hashable {
    /// More alerts at once than a unit of 256 devices brings, each with all its alerts.
    package static let most = 10_000

    /// By condition: of one condition only one alert stands at a time.
    package private(set) var alarms: [String: Alarm] = [:]
    package private(set) var switchedOff: Set<AlarmSwitch> = []
    /// Whether somebody could acknowledge an alert; where nobody can, none stands after its condition.
    package var mayLatch = true

    package init() {}

    /// In a fixed order.
    package var standing: [Alarm] { alarms.sorted { $0.key < $1.key }.map(\.value) }

    package func alarm(instance: String) -> Alarm? { alarms.values.first { $0.record.instance == instance } }

    // MARK: Conditions

    /// A condition came to hold, or was found to.
    ///
    /// - Parameters:
    ///   - record: with an instance that no other alert has; the alert that stands already keeps its own.
    ///   - latches: whether it is to stand until somebody acknowledges it.
    ///   - repeated: how many more changes of it are not told.
    package func begin(
        _ record: AlertRecord, nature: AlertNature, latches: Bool, repeated: UInt32 = 0
    ) -> [AlarmEvent] {
        let begun = AlarmEvent.began(record, nature: nature, latches: latches, repeated: repeated)
        // Whoever switched one off has not switched off what is worse and of the same name.
        let priority = AlertPriority(recorded: record) ?? .low
        let isOff = AlarmPolicy.maySwitchOff(nature, priority) && switchedOff.contains { $0.isOf(record) }
        let fresh = isOff ? [begun, .changed(record, .switchedOff)] : [begun]
        guard let alarm = alarms[record.condition] else { return alarms.count < Self.most ? fresh : [] }
        switch alarm.state {
        // As it is now: what was told of it before may have been worse, and another value.
        case .latched: return [.changed(record.occurrence(alarm.record.instance), .returned)]
        case .on(_, .unconfirmed), .ack(_, .unconfirmed):
            return [.changed(alarm.record, .confirmed)] + raise(alarm, to: record, latches: latches)
        // Its end was lost on its way.
        case .on(_, .seen), .ack(_, .seen): return [.ended(alarm.record, reason: .lost)] + fresh
        }
    }

    /// A condition that holds became worse, for the first time or once more, as a limit does that was left and reached
    /// anew: what was acknowledged before is another matter.
    ///
    /// - Parameter latches: whether what it has become is to stand until somebody acknowledges it.
    package func raise(_ record: AlertRecord, latches: Bool) -> [AlarmEvent] {
        guard let alarm = alarms[record.condition] else { return [] }
        if case .ack = alarm.state, record.priority == alarm.record.priority {
            return [.changed(record.occurrence(alarm.record.instance), .priorityRaised(latches: latches))]
        }
        return raise(alarm, to: record, latches: latches)
    }

    private func raise(_ alarm: Alarm, to record: AlertRecord, latches: Bool) -> [AlarmEvent] {
        guard let priority = AlertPriority(recorded: record), priority.isAbove(alarm.priority) else { return [] }
        return [.changed(record.occurrence(alarm.record.instance), .priorityRaised(latches: latches))]
    }

    /// A condition holds no longer.
    package func end(_ condition: String, reason: AlertEnding? = nil, repeated: UInt32 = 0) -> [AlarmEvent] {
        guard let alarm = alarms[condition], alarm.holds else { return [] }
        // What was acknowledged has done its work; what was not, and may not go unseen, stays.
        if case .on = alarm.state, alarm.latches, mayLatch, reason.map({ $0 == .notSeenAgain }) ?? true {
            return [.changed(alarm.record, .latched)]
        }
        return [.ended(alarm.record, reason: reason, repeated: repeated)]
    }

    /// A condition is watched no longer, or not for the one it was about: whatever stands of it ends, seen or not.
    package func drop(_ condition: String, reason: AlertEnding) -> [AlarmEvent] {
        alarms[condition].map { [.ended($0.record, reason: reason)] } ?? []
    }

    /// The device that an alert is about is at another bed, or at none.
    package func move(_ condition: String, to bed: String?) -> [AlarmEvent] {
        guard let alarm = alarms[condition], alarm.record.bed != bed else { return [] }
        return [.changed(alarm.record.moved(to: bed), .moved)]
    }

    /// Nothing bears a condition out for a time; it stands.
    ///
    /// - Parameter record: what is told of it now; `nil`: as before.
    package func doubt(_ condition: String, as record: AlertRecord? = nil) -> [AlarmEvent] {
        guard let alarm = alarms[condition], alarm.holds, !alarm.isUnconfirmed else { return [] }
        return [.changed(record?.occurrence(alarm.record.instance) ?? alarm.record, .unconfirmed)]
    }

    /// A condition that was in doubt was seen again.
    ///
    /// - Parameter record: what is told of it now; `nil`: as before.
    package func confirm(_ condition: String, as record: AlertRecord? = nil) -> [AlarmEvent] {
        guard let alarm = alarms[condition], alarm.isUnconfirmed else { return [] }
        return [.changed(record?.occurrence(alarm.record.instance) ?? alarm.record, .confirmed)]
    }

    // MARK: Time

    /// What time brings about by now.
    package func due(at now: Int64) -> [AlarmEvent] {
        // Nothing is sorted, and nothing made, in a round in which nothing is due.
        let changes: [AlarmEvent] = alarms.values.compactMap { alarm in
            switch alarm.state {
            case .on(.paused(let until, _), _), .latched(.paused(let until, _)):
                return until <= now ? .changed(alarm.record, .resumed) : nil
            case .on(.given(let since, .none), _):
                guard let time = AlarmPolicy.escalates(alarm.priority), now - since >= time else { return nil }
                return .changed(alarm.record, .escalated)
            case .ack(let again?, _): return again <= now ? .changed(alarm.record, .signalledAgain) : nil
            case .on(.given(_, .escalated), _), .on(.off, _), .latched(.given), .latched(.off), .ack(nil, _): return nil
            }
        }
        return changes.count < 2 ? changes : changes.sorted { $0.order < $1.order }
    }

    /// A host begins with what hosts before it left: nothing of it is silent by a pause or switched off, and nothing
    /// is known to hold still.
    ///
    /// - Parameter isKept: whether what an alert is about is still there.
    package func beginSession(keeping isKept: (AlertRecord) -> Bool) -> [AlarmEvent] {
        let ons = switchedOff.sorted { $0.order < $1.order }.map { AlarmEvent.switchedOn($0, by: []) }
        return ons
            + standing.flatMap { alarm -> [AlarmEvent] in
                guard isKept(alarm.record) else { return [.ended(alarm.record, reason: .removed)] }
                if !mayLatch, case .latched = alarm.state { return [.ended(alarm.record, reason: .unwatched)] }
                switch alarm.state {
                case .on(.off, _): return [.changed(alarm.record, .switchedOn), .changed(alarm.record, .unconfirmed)]
                case .on, .ack: return [.changed(alarm.record, .unconfirmed)]
                case .latched(.paused): return [.changed(alarm.record, .resumed)]
                case .latched(.off): return [.changed(alarm.record, .switchedOn)]
                case .latched(.given): return []
                }
            }
    }

    // MARK: People

    /// Somebody says that they have seen these alerts: all of them, or none.
    ///
    /// - Parameter priorities: of each instance, the priority with which it was seen; empty where that is not known.
    ///   One that is above it now has not been seen.
    package func acknowledge(
        _ instances: [String], seenAs priorities: [AlertPriority] = [], by people: [String]
    ) throws(AlarmRefusal) -> [AlarmEvent] {
        guard !people.isEmpty else { throw .noSuchAlarm }
        let seen = Dictionary(zip(instances, priorities)) { first, second in first.isAbove(second) ? second : first }
        var events: [AlarmEvent] = []
        for instance in Set(instances).sorted() {
            guard let alarm = alarm(instance: instance) else { throw .noSuchAlarm }
            if let before = seen[instance], alarm.priority.isAbove(before) { throw .hasBecomeWorse }
            switch alarm.state {
            case .on: events.append(.changed(alarm.record, .acknowledged(by: people)))
            case .latched: events.append(.ended(alarm.record, reason: .acknowledged, by: people))
            // Somebody was faster.
            case .ack: break
            }
        }
        return events
    }

    /// Somebody has what is signalled at a bed be silent for a while; what begins later is not silent.
    ///
    /// - Parameters:
    ///   - bed: `nil` for what is at no bed.
    ///   - duration: unit ns.
    package func pause(bed: String?, for duration: Int64, by people: [String], at now: Int64)
        throws(AlarmRefusal) -> [AlarmEvent]
    {
        guard duration > 0, duration <= AlarmPolicy.longestPause, !people.isEmpty else { throw .notPaused }
        let signalled = standing.filter { alarm in
            guard alarm.record.bed == bed else { return false }
            switch alarm.state {
            case .on(.given, _), .latched(.given): return true
            case .on(.paused, _), .on(.off, _), .latched(.paused), .latched(.off), .ack: return false
            }
        }
        guard !signalled.isEmpty else { throw .nothingToPause }
        let events = signalled.compactMap { alarm -> AlarmEvent? in
            let rest = min(duration, AlarmPolicy.mostPaused - alarm.paused)
            return rest > 0 ? .changed(alarm.record, .paused(until: now + rest, by: people)) : nil
        }
        guard !events.isEmpty else { throw .pausedTooOften }
        return events
    }

    /// Somebody switches an alert of a bed off: it is recorded, and not signalled.
    package func switchOff(
        _ off: AlarmSwitch, nature: AlertNature, priority: AlertPriority, by people: [String]
    ) throws(AlarmRefusal) -> [AlarmEvent] {
        guard !people.isEmpty, AlarmPolicy.maySwitchOff(nature, priority) else { throw .mayNotBeOff }
        guard !switchedOff.contains(off) else { throw .isOff }
        let affected = standing.filter { off.isOf($0.record) }
        guard affected.allSatisfy({ AlarmPolicy.maySwitchOff($0.nature, $0.priority) }) else { throw .mayNotBeOff }
        return [.switchedOff(off, by: people)]
            + affected.filter(\.isSignalled).map { .changed($0.record, .switchedOff) }
    }

    package func switchOn(_ off: AlarmSwitch, by people: [String]) throws(AlarmRefusal) -> [AlarmEvent] {
        guard switchedOff.contains(off) else { throw .isNotOff }
        return on(off, by: people)
    }

    /// Another patient or preset at a bed: all that was switched off there is signalled again.
    package func switchAllOn(bed: String) -> [AlarmEvent] {
        switchedOff.filter { $0.bed == bed }.sorted { $0.order < $1.order }.flatMap { on($0, by: []) }
    }

    private func on(_ off: AlarmSwitch, by people: [String]) -> [AlarmEvent] {
        [.switchedOn(off, by: people)]
            + standing.filter { off.isOf($0.record) && $0.activation == .off }.map {
                .changed($0.record, .switchedOn)
            }
    }

    // MARK: The fold

    /// - Parameter utc: the wall clock when it happened. Unit: ns since 1970.
    package mutating func apply(_ event: AlarmEvent, at time: Int64, utc: Int64) {
        switch event {
        case .began(let record, let nature, let latches, _):
            alarms[record.condition] = Alarm(
                record: record, priority: AlertPriority(recorded: record) ?? .low, nature: nature, latches: latches,
                state: .on(.given(since: time, .none), .seen), began: utc)
        case .changed(let record, let change):
            alarms[record.condition]?.take(change, record, at: time)
            guard let alarm = alarms[record.condition], alarm.isSignalled else { return }
            // What somebody switched off while it was acknowledged, and may be off, is not signalled by becoming worse.
            let isOff = switchedOff.contains { $0.isOf(alarm.record) }
            if isOff, AlarmPolicy.maySwitchOff(alarm.nature, alarm.priority), change.signals {
                alarms[record.condition]?.take(.switchedOff, record, at: time)
            }
        case .ended(let record, _, _, _):
            // An older host says less of what it ends than is needed to tell it from others.
            if let instance = record.instance {
                let named = alarms.first { $0.value.record.instance == instance }
                if let named { alarms[named.key] = nil }
            } else {
                alarms[record.condition] = nil
            }
        case .switchedOff(let off, _): switchedOff.insert(off)
        case .switchedOn(let off, _): switchedOff.remove(off)
        case .ledger(let standing, let off):
            alarms = Dictionary(standing.prefix(Self.most).map { ($0.condition, $0) }) { _, last in last }
            switchedOff = off
        }
    }
}

extension Alarm {
    var isSignalled: Bool {
        switch state {
        case .on(.given, _), .on(.paused, _), .latched(.given), .latched(.paused): true
        case .on(.off, _), .latched(.off), .ack: false
        }
    }

    fileprivate mutating func take(_ change: AlarmEvent.Change, _ record: AlertRecord, at now: Int64) {
        switch (change, state) {
        case (.latched, .on(let signal, _)): state = .latched(signal)
        case (.latched, .ack), (.latched, .latched): break
        case (.returned, _):
            count += 1
            (self.record, priority) = (record, AlertPriority(recorded: record) ?? priority)
            acknowledgedBy = []
            state = .on(renewed(at: now), .seen)
        case (.acknowledged(let people), _):
            acknowledgedBy = people
            state = .ack(signalsAgain: AlarmPolicy.signalsAgain(priority).map { now + $0 }, sight)
        case (.paused(let until, _), .on(let signal, let sight)):
            paused += max(0, until - now)
            state = .on(.paused(until: until, signal.escalation), sight)
        case (.paused(let until, _), .latched(let signal)):
            paused += max(0, until - now)
            state = .latched(.paused(until: until, signal.escalation))
        case (.resumed, .on(let signal, let sight)): state = .on(.given(since: now, signal.escalation), sight)
        case (.resumed, .latched(let signal)), (.switchedOn, .latched(let signal)):
            state = .latched(.given(since: now, signal.escalation))
        case (.escalated, .on(_, let sight)): state = .on(.given(since: now, .escalated), sight)
        case (.signalledAgain, .ack(_, let sight)):
            acknowledgedBy = []
            state = .on(.given(since: now, .escalated), sight)
        case (.moved, _): self.record = record
        case (.priorityRaised(let mayNotGoUnseen), _):
            latches = latches || mayNotGoUnseen
            (self.record, priority) = (record, AlertPriority(recorded: record) ?? priority)
            acknowledgedBy = []
            let mayBeOff = AlarmPolicy.maySwitchOff(nature, priority)
            state = .on(mayBeOff ? renewed(at: now) : .given(since: now, .none), .seen)
        case (.switchedOff, .on(_, let sight)): state = .on(.off, sight)
        case (.switchedOff, .latched): state = .latched(.off)
        case (.switchedOn, .on(_, let sight)): state = .on(.given(since: now, .none), sight)
        case (.unconfirmed, .on(.off, _)):
            self.record = record.with(priority)
            state = .on(.off, .unconfirmed)
        case (.unconfirmed, .on):
            self.record = record.with(priority)
            state = .on(.given(since: now, .none), .unconfirmed)
        // The clock goes on as long as the machine runs, so that whoever starts the host again and again keeps nothing
        // silent; another start of the machine begins it anew.
        case (.unconfirmed, .ack(let again, _)):
            let latest = AlarmPolicy.signalsAgain(priority).map { now + $0 }
            self.record = record.with(priority)
            state = .ack(signalsAgain: latest.map { min(again ?? $0, $0) }, .unconfirmed)
        case (.confirmed, .on(let signal, _)):
            self.record = record.with(priority)
            state = .on(signal, .seen)
        case (.confirmed, .ack(let again, _)):
            self.record = record.with(priority)
            state = .ack(signalsAgain: again, .seen)
        // What cannot be of this state, as a damaged record may have it.
        case (.paused, .ack), (.resumed, .ack), (.escalated, .latched), (.escalated, .ack), (.signalledAgain, _),
            (.switchedOff, .ack), (.switchedOn, .ack), (.unconfirmed, .latched), (.confirmed, .latched):
            break
        }
    }

    private var sight: Sight {
        switch state {
        case .on(_, let sight), .ack(_, let sight): sight
        case .latched: .seen
        }
    }

    /// As one that begins now; what was switched off stays so.
    private func renewed(at now: Int64) -> Signal {
        switch state {
        case .on(.off, _), .latched(.off): .off
        case .on, .latched, .ack: .given(since: now, .none)
        }
    }
}

extension AlarmEvent {
    fileprivate var order: String {
        switch self {
        case .began(let record, _, _, _), .changed(let record, _), .ended(let record, _, _, _): record.condition
        case .switchedOff(let off, _), .switchedOn(let off, _): off.order
        case .ledger: ""
        }
    }
}

extension AlarmSwitch {
    var order: String { "\(bed)/\(name)/\(metric ?? "")" }
}

extension AlertPriority {
    /// That of an alert as it is recorded; `nil` for a word of a younger host.
    init?(recorded: AlertRecord) {
        guard let priority = recorded.priority.flatMap(AlertPriority.init) else { return nil }
        self = priority
    }

    func isAbove(_ other: AlertPriority) -> Bool { rank > other.rank }

    private var rank: Int {
        switch self {
        case .low: 0
        case .medium: 1
        case .high: 2
        }
    }
}
