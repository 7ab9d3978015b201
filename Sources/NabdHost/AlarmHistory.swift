import Alarms
import DeviceModel
import SampleJournal

/// What a journal tells of alerts: those that stand, from whatever session.
struct AlarmHistory {
    /// Events read at once.
    private static let batch = 10_000
    private static let kinds = EventKind.allCases.filter { $0.isOfAlarm && $0 != .alarmLedger }

    private(set) var ledger = AlarmLedger()
    /// Why not all of it could be read; `nil` when there is nothing more.
    private(set) var failure: String?

    /// Reads from the newest event on that says what all before came to. Never fails: damage costs only what is
    /// damaged.
    init(journal directory: String) {
        do {
            let reader = try JournalReader(directory: directory)
            guard let summary = try Self.summary(reader) else {
                takeOlder(directory)
                return
            }
            ledger.apply(summary.event, at: summary.record.monotonicNanoseconds, utc: summary.record.utc)
            var last = summary.record.id
            while case let events = try reader.events(of: Self.kinds, after: last, limit: Self.batch),
                let newest = events.last
            {
                for event in events {
                    if let told = Self.told(event) {
                        ledger.apply(told, at: event.monotonicNanoseconds, utc: event.utc)
                    }
                }
                last = newest.id
            }
        } catch JournalError.notAJournal {
            return
        } catch { failure = "\(error)" }
    }

    /// What hosts left that wrote no summary.
    private mutating func takeOlder(_ directory: String) {
        let open = OpenAlerts(directory: directory)
        failure = open.failure
        for (place, alert) in open.alerts.enumerated() {
            let named = alert.instance == nil ? alert.occurrence("before-\(place)") : alert
            ledger.apply(.began(named, nature: .technical, latches: false), at: 0, utc: 0)
        }
    }

    private static func told(_ event: EventRecord) -> AlarmEvent? {
        AlarmEvent(kind: event.kind, device: event.device, body: event.body, at: event.monotonicNanoseconds)
    }

    /// The newest summary that can be read.
    private static func summary(_ reader: JournalReader) throws -> (record: EventRecord, event: AlarmEvent)? {
        var (newest, seen): ((EventRecord, AlarmEvent)?, Int64) = (nil, 0)
        while case let found = try reader.events(of: [.alarmLedger], after: seen, limit: batch), let last = found.last {
            for event in found.reversed() {
                guard let told = told(event) else { continue }
                newest = (event, told)
                break
            }
            seen = last.id
        }
        return newest.map { (record: $0.0, event: $0.1) }
    }
}
