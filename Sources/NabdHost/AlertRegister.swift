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
        /// What is judged of values, from its own first value on: beyond the longest delay of a limit.
        static let value: Int64 = 150_000_000_000
        /// How old a value may be that counts as coming still.
        static let fresh: Int64 = 30_000_000_000
    }

    private let session: String
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
    /// By device, and by condition of a value, since when values have come. Unit: ns of the monotonic clock.
    private var answering: [String: Int64] = [:]
    private var valued: [String: Int64] = [:]
    /// When those that began in this session did, by condition. Unit: ns of the monotonic clock.
    private(set) var began: [String: Int64] = [:]

    /// - Parameters:
    ///   - ledger: what stands from before.
    ///   - mayLatch: whether somebody could acknowledge an alert.
    ///   - beds: the bed of each device that is at one.
    ///   - isWhole: whether no other alert of earlier sessions is left open.
    init(
        session: String, ledger: AlarmLedger = AlarmLedger(), mayLatch: Bool = false, isWhole: Bool,
        beds: [String: String] = [:], at now: Int64
    ) {
        (self.session, self.ledger, self.isWhole, self.beds) = (session, ledger, isWhole, beds)
        self.ledger.mayLatch = mayLatch
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
                latches: latches && ledger.mayLatch,
                repeated: repeated), at: time)
    }

    /// Whether one of the host's own holds.
    func holds(_ alert: AlertKind) -> Bool { isHeld(AlertRecord(alert.descriptor, instance: nil).condition) }

    /// One of the host's own holds, or no longer does; nothing comes of what is known already.
    ///
    /// - Parameter device: the one that it is about; `nil` for the host itself.
    mutating func set(_ alert: AlertKind, device: String? = nil, vmd: String? = nil, holds: Bool, at time: Int64)
        -> [UnitEvent]
    {
        let record = AlertRecord(device: device, vmd: vmd, alert.descriptor, instance: nil)
        guard isHeld(record.condition) != holds || ledger.alarms[record.condition]?.isUnconfirmed == true else {
            return []
        }
        return holds
            ? begin(record, nature: alert.descriptor.nature, latches: alert.latches, at: time)
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
    /// - Parameters:
    ///   - devices: those that have given a value lately, with their slowest period. Unit: ns.
    ///   - newestValid: when the newest value came that counts, of the metric that an alert is about; `nil`: none did.
    ///     Unit: ns of the monotonic clock.
    mutating func settle(
        answering devices: [String: Int64], at now: Int64, newestValid: (AlertRecord) -> Int64? = { _ in nil }
    ) -> [UnitEvent] {
        answering = devices.reduce(into: [:]) { $0[$1.key] = answering[$1.key] ?? now }
        var told: [UnitEvent] = []
        for alarm in ledger.standing where alarm.isUnconfirmed {
            guard let began = before[alarm.condition] else { continue }
            let record = alarm.record
            if record.metric != nil {
                told += settle(alarm, since: began, newestValid(record), at: now)
                continue
            }
            let since = record.device.map { device in answering[device].map { max($0, began) } } ?? began
            let period = record.device.flatMap { devices[$0] } ?? 0
            let isOver =
                switch AlertKind(rawValue: record.name) {
                case let kind? where LinkAlert.allCases.contains { $0.kind == kind }:
                    since.map { now - $0 >= Settling.link } ?? false
                case let kind? where !kind.isOfPump: now - began >= Settling.own
                case _?, nil: since.map { now - $0 >= max(Settling.device, 3 * period) } ?? false
                }
            if isOver { told += take(ledger.end(alarm.condition, reason: .notSeenAgain), at: now) }
        }
        return told
    }

    /// A limit is seen not to hold when its own values have come for longer than any delay and it has not begun again;
    /// what was missing or due is not, as soon as a value came. Of anything else only whoever judges it knows.
    private mutating func settle(
        _ alarm: Alarm, since began: Int64, _ newest: Int64?, at now: Int64
    ) -> [UnitEvent] {
        guard let newest, newest >= began, now - newest <= Settling.fresh else {
            valued[alarm.condition] = nil
            return []
        }
        switch LimitAlert(rawValue: alarm.record.name) {
        case .high?, .low?:
            let since = valued[alarm.condition, default: now]
            valued[alarm.condition] = since
            guard now - since >= Settling.value else { return [] }
            return take(ledger.end(alarm.condition, reason: .notSeenAgain), at: now)
        case .missing?, .overdue?: return take(ledger.end(alarm.condition), at: now)
        case nil: return []
        }
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
                (before[record.condition], valued[record.condition]) = (nil, nil)
            case .began(let record, _, _, _): began[record.condition] = time
            case .changed, .switchedOff, .switchedOn, .ledger: break
            }
        }
        defer { for condition in began.keys where ledger.alarms[condition] == nil { began[condition] = nil } }
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

    /// Nobody watches a bed's values any more, or not for the one who was there: all that stands of them ends, also
    /// what is over and was seen by nobody.
    ///
    /// - Parameter devices: those of the bed whose values are watched on; of others, and of the bed itself where it is
    ///   empty, they are not.
    mutating func endAll(at bed: String, but devices: Set<String> = [], now: Int64) -> [UnitEvent] {
        ledger.standing.filter { alarm in
            guard alarm.record.bed == bed, alarm.record.metric != nil else { return false }
            return alarm.record.device.map { !devices.contains($0) } ?? devices.isEmpty
        }.flatMap { take(ledger.drop($0.condition, reason: .unwatched), at: now) }
    }

    /// The values of a bed are watched by other limits: those of the former ones that hold, or are in doubt, end. What
    /// is over, and was seen by nobody, stands.
    mutating func endLimits(at bed: String, now: Int64) -> [UnitEvent] {
        ofValues(bed).filter { LimitAlert(rawValue: $0.record.name) != nil }
            .flatMap { take(ledger.end($0.condition, reason: .unwatched), at: now) }
    }

    /// Devices are at other beds than before, and their own alerts with them.
    mutating func set(beds new: [String: String], now: Int64) -> [UnitEvent] {
        beds = new
        return ledger.standing.filter { $0.record.metric == nil && $0.record.device != nil }.flatMap { alarm in
            take(ledger.move(alarm.condition, to: alarm.record.device.flatMap { new[$0] }), at: now)
        }
    }

    /// The alarms of values of a bed that hold as far as is known.
    private func ofValues(_ bed: String) -> [Alarm] {
        ledger.standing.filter { $0.record.bed == bed && $0.record.metric != nil && $0.presence != .latched }
    }
}
