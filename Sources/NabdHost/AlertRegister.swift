import DeviceModel
import LineEngine

/// The alerts of this session that hold: each that was begun is ended once, by its condition or by the stop.
struct AlertRegister {
    /// An alert that holds, and since when. Unit: ns of the monotonic clock.
    struct Standing: Sendable, Hashable {
        let alert: AlertRecord
        let since: Int64
    }

    private let session: String
    private var holding: [String: Standing] = [:]
    /// Occurrences of devices' alerts so far.
    private var count = 0
    /// Whether every alert that the journal saw begin is in here, or has ended there.
    private(set) var isWhole: Bool

    /// - Parameter isWhole: whether no alert of earlier sessions is left open.
    init(session: String, isWhole: Bool) {
        self.session = session
        self.isWhole = isWhole
    }

    /// Events were given up, and among them may be the end of an alert: the next start looks for it.
    mutating func loseEvents() { isWhole = false }

    /// A device's alert came to hold, and `repeated` changes of it before are not told. One whose end never came,
    /// because it was lost on its way, is ended first.
    mutating func begin(_ alert: LineAlert, repeated: UInt32 = 0, at time: Int64) -> [UnitEvent] {
        count += 1
        let begun = alert.occurrence("\(session)-\(count)")
        let before = holding.updateValue(Standing(alert: begun, since: time), forKey: begun.condition)
        return (before.map { [.alertEnd($0.alert, reason: .lost, at: time)] } ?? []) + [
            .alertStart(begun, repeated: repeated, at: time)
        ]
    }

    /// A device's alert no longer holds. Where its start was lost, its end has no instance.
    mutating func end(_ alert: LineAlert, repeated: UInt32 = 0, at time: Int64) -> UnitEvent {
        let unknown = alert.occurrence(nil)
        return .alertEnd(holding.removeValue(forKey: unknown.condition)?.alert ?? unknown, repeated: repeated, at: time)
    }

    /// Whether one of the host's own holds.
    func holds(_ alert: AlertKind) -> Bool { holding[own(alert).condition] != nil }

    /// One of the host's own holds, or no longer does; `nil` when that is known already.
    ///
    /// - Parameter device: the one that it is about; `nil` for the host itself.
    mutating func set(_ alert: AlertKind, device: String? = nil, holds: Bool, at time: Int64) -> UnitEvent? {
        let record = own(alert, device)
        guard (holding[record.condition] != nil) != holds else { return nil }
        holding[record.condition] = holds ? Standing(alert: record, since: time) : nil
        return holds ? .alertStart(record, at: time) : .alertEnd(record, at: time)
    }

    /// Those of a line that is read no longer.
    mutating func endAll(of alerts: [LineAlert], at time: Int64) -> [UnitEvent] {
        alerts.compactMap { holding.removeValue(forKey: $0.occurrence(nil).condition) }.map {
            .alertEnd($0.alert, reason: .removed, at: time)
        }
    }

    /// The stop: ends all that hold.
    mutating func endAll(at time: Int64) -> [UnitEvent] {
        defer { holding = [:] }
        return standing.map { .alertEnd($0.alert, reason: .stopped, at: time) }
    }

    /// The alerts that hold, in a fixed order.
    var standing: [Standing] { holding.sorted { $0.key < $1.key }.map(\.value) }

    /// Occurrences of one kind of a session share their instance: only one can hold at a time.
    private func own(_ alert: AlertKind, _ device: String? = nil) -> AlertRecord {
        let place = device.map { "-\($0)" } ?? ""
        return AlertRecord(device: device, alert.descriptor, instance: "\(session)-\(alert.rawValue)\(place)")
    }
}
