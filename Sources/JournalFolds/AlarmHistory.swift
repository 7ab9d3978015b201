package import Alarms
import DeviceModel
package import SampleJournal

/// What a journal tells of alerts: those that stand, from whatever session.
package struct AlarmHistory {
    /// Events read at once.
    private static let batch = 10_000
    private static let kinds = EventKind.allCases.filter { $0.isOfAlarm && $0 != .alarmLedger }

    package private(set) var ledger = AlarmLedger()
    /// Why not all of it could be read; `nil` when there is nothing more.
    package private(set) var failure: String?
    /// The number of the last event that was taken, or is known to say nothing more.
    package private(set) var last: Int64 = 0

    /// Reads from the newest event on that says what all before came to. Never fails: damage costs only what is
    /// damaged.
    package init(journal directory: String) {
        do {
            try read(try JournalReader(directory: directory))
        } catch JournalError.notAJournal {
            return
        } catch { failure = "\(error)" }
    }

    /// The same of a journal that is open.
    ///
    /// - Throws: what keeps the journal from being read now: nothing can be said of what stands then.
    package init(_ reader: JournalReader) throws { try read(reader) }

    private mutating func read(_ reader: JournalReader) throws {
        guard let summary = try reader.newestSummary(.alarmLedger, isReadable: { Self.told($0) != nil }) else {
            last = try reader.newestEvent()
            takeOlder(reader.files.directory)
            return
        }
        take(summary)
        while case let events = try reader.events(of: Self.kinds, after: last, limit: Self.batch), !events.isEmpty {
            for event in events { take(event) }
        }
    }

    /// Takes the next event, of whatever kind; one that was taken before, or is about nothing here, changes nothing.
    ///
    /// - Returns: whether anything may have changed.
    @discardableResult
    package mutating func take(_ event: EventRecord) -> Bool {
        guard event.id > last else { return false }
        last = event.id
        guard let told = Self.told(event) else { return false }
        ledger.apply(told, at: event.monotonicNanoseconds, utc: event.utc)
        return true
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
}

extension JournalReader {
    /// The newest event of a kind that says what all before it came to, and can be read: one that cannot stands for
    /// nothing.
    func newestSummary(_ kind: EventKind, isReadable: (EventRecord) -> Bool) throws -> EventRecord? {
        var (newest, seen): (EventRecord?, Int64) = (nil, 0)
        while case let found = try events(of: [kind], after: seen, limit: 10_000), let last = found.last {
            newest = found.last(where: isReadable) ?? newest
            seen = last.id
        }
        return newest
    }
}
