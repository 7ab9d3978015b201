import Alarms
import DeviceModel
import LineEngine

/// The alerts of this unit that stand, as its recorder knows them: each that was begun is ended once, in this session
/// or in a later one.
struct AlertRegister {
    /// How long what a host before this one saw may stay unconfirmed although it could have been seen. Unit: ns.
    private enum Settling {
        /// What the host knows by itself.
        static let own: Int64 = 30_000_000_000
        /// What a device's line shows, from its first value on.
        static let link: Int64 = 20_000_000_000
        /// What a device tells, from its first value on; at least three of its slowest periods.
        static let device: Int64 = 60_000_000_000
        /// What is judged of values: beyond the longest delay of a limit.
        static let value: Int64 = 150_000_000_000
    }

    private let session: String
    /// Whether somebody could acknowledge: what nobody can acknowledge would stand for ever.
    private let mayLatch: Bool
    private(set) var ledger: AlarmLedger
    /// Occurrences so far.
    private var count = 0
    /// Whether every alert that the journal saw begin is in here, or has ended there.
    private(set) var isWhole: Bool
    /// The wall clock less the monotonic clock. Unit: ns.
    var utcOffset: Int64 = 0
    /// The bed of each device that is at one.
    var beds: [String: String] = [:]
    /// Conditions that somebody before saw, a host or a watch of a bed, and nobody has seen since: when it was begun
    /// to look for them. Unit: ns of the monotonic clock.
    private var before: [String: Int64]
    /// By device, since when it has given values. Unit: ns of the monotonic clock.
    private var answering: [String: Int64] = [:]

    /// - Parameters:
    ///   - ledger: what stands from before.
    ///   - mayLatch: whether somebody could acknowledge an alert.
    ///   - isWhole: whether no other alert of earlier sessions is left open.
    init(session: String, ledger: AlarmLedger = AlarmLedger(), mayLatch: Bool = false, isWhole: Bool, at now: Int64) {
        (self.session, self.ledger, self.mayLatch, self.isWhole) = (session, ledger, mayLatch, isWhole)
        before = Dictionary(uniqueKeysWithValues: ledger.standing.filter(\.isUnconfirmed).map { ($0.condition, now) })
    }

    /// Events were given up, and among them may be the end of an alert: the next start looks for it.
    mutating func loseEvents() { isWhole = false }

    // MARK: Conditions

    /// A device's alert came to hold, and `repeated` changes of it before are not told. One whose end never came,
    /// because it was lost on its way, is ended first.
    mutating func begin(_ alert: LineAlert, repeated: UInt32 = 0, at time: Int64) -> [UnitEvent] {
        begin(alert.occurrence(nil), nature: .technical, latches: alert.priority == .high, repeated: repeated, at: time)
    }

    /// A device's alert no longer holds.
    mutating func end(_ alert: LineAlert, repeated: UInt32 = 0, at time: Int64) -> [UnitEvent] {
        take(ledger.end(alert.occurrence(nil).condition, repeated: repeated), at: time)
    }

    /// A condition came to hold.
    mutating func begin(
        _ record: AlertRecord, nature: AlertNature, latches: Bool, repeated: UInt32 = 0, at time: Int64
    ) -> [UnitEvent] {
        count += 1
        return take(
            ledger.begin(
                record.at(record.device.flatMap { beds[$0] }).occurrence("\(session)-\(count)"), nature: nature,
                latches: latches && mayLatch,
                repeated: repeated), at: time)
    }

    /// Whether one of the host's own holds.
    func holds(_ alert: AlertKind) -> Bool { isHeld(AlertRecord(alert.descriptor, instance: nil).condition) }

    /// One of the host's own holds, or no longer does; nothing comes of what is known already.
    ///
    /// - Parameter device: the one that it is about; `nil` for the host itself.
    mutating func set(_ alert: AlertKind, device: String? = nil, holds: Bool, at time: Int64) -> [UnitEvent] {
        let (descriptor, record) = (alert.descriptor, AlertRecord(device: device, alert.descriptor, instance: nil))
        guard isHeld(record.condition) != holds || ledger.alarms[record.condition]?.isUnconfirmed == true else {
            return []
        }
        return holds
            ? begin(record, nature: descriptor.nature, latches: descriptor.priority == .high, at: time)
            : take(ledger.end(record.condition), at: time)
    }

    private func isHeld(_ condition: String) -> Bool {
        switch ledger.alarms[condition]?.presence {
        case .on, .ack: true
        case .latched, .off, nil: false
        }
    }

    /// Those of a line that is read no longer.
    mutating func endAll(of alerts: [LineAlert], at time: Int64) -> [UnitEvent] {
        take(
            alerts.map { $0.occurrence(nil).condition }.flatMap { ledger.end($0, reason: .removed) }, at: time)
    }

    /// What is known of the alerts that a switch is of; `nil` where none stands.
    func facts(of off: AlarmSwitch) -> (nature: AlertNature, priority: AlertPriority)? {
        ledger.standing.first { off.isOf($0.record) }.map { ($0.nature, $0.priority) }
    }

    // MARK: Time

    /// What time brings about.
    mutating func turn(at now: Int64) -> [UnitEvent] { take(ledger.due(at: now), at: now) }

    /// Ends what could have been seen again since the host began, and was not.
    ///
    /// - Parameter devices: those that have given a value lately, with their slowest period. Unit: ns.
    mutating func settle(answering devices: [String: Int64], at now: Int64) -> [UnitEvent] {
        answering = devices.reduce(into: [:]) { $0[$1.key] = answering[$1.key] ?? now }
        let unseen = ledger.standing.filter { alarm in
            guard alarm.isUnconfirmed, let began = before[alarm.condition] else { return false }
            let since = alarm.record.device.map { device in answering[device].map { max($0, began) } } ?? began
            let period = alarm.record.device.flatMap { devices[$0] } ?? 0
            if alarm.record.metric != nil { return since.map { now - $0 >= Settling.value } ?? false }
            switch AlertKind(rawValue: alarm.record.name) {
            case let kind? where LinkAlert.allCases.contains { $0.kind == kind }:
                return since.map { now - $0 >= Settling.link } ?? false
            case _?: return now - began >= Settling.own
            case nil: return since.map { now - $0 >= max(Settling.device, 3 * period) } ?? false
            }
        }
        return take(unseen.flatMap { ledger.end($0.condition, reason: .notSeenAgain) }, at: now)
    }

    // MARK: What is recorded

    /// The alerts that stand, in a fixed order.
    var standing: [Alarm] { ledger.standing }

    /// Takes what was decided, and gives it as the journal is to hold it.
    mutating func take(_ events: [AlarmEvent], at time: Int64) -> [UnitEvent] {
        guard !events.isEmpty else { return [] }
        for event in events {
            switch event {
            case .changed(let record, .confirmed), .changed(let record, .returned), .ended(let record, _, _, _):
                before[record.condition] = nil
            case .began, .changed, .switchedOff, .switchedOn, .ledger: break
            }
        }
        return ledger.take(events, at: time, utc: time &+ utcOffset)
    }

    // MARK: Beds

    /// What was judged of a bed's values is judged anew, by another watch: nothing ends by that, and what is not seen
    /// again in time does.
    mutating func lookAgain(at bed: String, now: Int64) -> [UnitEvent] {
        ofValues(bed).flatMap { alarm in
            before[alarm.condition] = now
            return take(ledger.doubt(alarm.condition), at: now)
        }
    }

    /// Nobody watches a bed's values any more, or not for the one who was there.
    mutating func endAll(at bed: String, metric: String? = nil, now: Int64) -> [UnitEvent] {
        ofValues(bed).filter { metric == nil || $0.record.metric == metric }.flatMap { alarm in
            take(ledger.end(alarm.condition, reason: .unwatched), at: now)
        }
    }

    /// The alarms of values of a bed that hold as far as is known.
    private func ofValues(_ bed: String) -> [Alarm] {
        ledger.standing.filter { $0.record.bed == bed && $0.record.metric != nil && $0.presence != .latched }
    }

    /// The beds at which an alarm of a value stands.
    var bedsOfValues: Set<String> {
        Set(ledger.alarms.values.compactMap { $0.record.metric == nil ? nil : $0.record.bed })
    }
}
