import CommandFacts
import CommandRecord
import Consultations
import DeviceModel
import JournalFolds
import Patients
import SampleJournal
import Scores

/// What a session's events come to, with what stands of those before it: each by the fold that decides it for the host
/// too.
struct SessionEvents {
    /// Something that was told at a bed, with where it stands in the journal.
    struct Told<Value> {
        let number: Int64
        /// Unit: ns since 1970.
        let utc: Int64
        let value: Value
    }

    /// Events read at once.
    private static let batch = 5_000
    /// Besides what the folds read from their summaries on, a session's picture rests on these since its beginning.
    private static let kinds: [EventKind] =
        SessionDevices.kinds + [.bedConfigured, .scoreGiven, .commandDrafted] + ConsultationRecord.kinds

    /// The session's key.
    let session: String
    private(set) var alarms: AlarmHistory
    private(set) var bindings: RecordedBindings
    private(set) var commands: RecordedCommands
    private(set) var devices = SessionDevices()
    private(set) var places = SessionPlaces()
    private(set) var unit = ""
    private(set) var version = ""
    private(set) var isTestData = false
    private(set) var isEnded = false
    /// The newest NEWS2 of each bed in the session.
    private(set) var scores: [String: Told<ScoreRecord>] = [:]
    /// The newest entry of each item at each bed, from whatever session.
    private(set) var entries: [String: [ScoreItem: Told<BedEntry>]] = [:]
    /// The handle of each pump that was named in the session.
    private(set) var pumps: [PumpKey: String] = [:]
    /// Who may look from afar.
    private(set) var consultations = ConsultationFold()
    /// The number of the last event that was taken.
    private(set) var last: Int64

    /// Reads what the events up to now come to.
    ///
    /// - Parameter session: the key of the one that is shown.
    init(_ reader: JournalReader, session: String) throws {
        self.session = session
        // What comes while they are read is taken by each of them only once.
        let newest = try reader.newestEvent()
        (alarms, bindings, commands) = (try AlarmHistory(reader), RecordedBindings(reader), RecordedCommands(reader))
        last = newest
        try recallEntries(reader, upTo: newest)
        var seen = try Self.beginning(of: session, reader)
        while seen < newest {
            let events = try reader.events(of: Self.kinds, after: seen, limit: Self.batch)
            guard let end = events.last?.id else { break }
            for event in events where event.id <= newest { takeOwn(event) }
            seen = end
        }
    }

    /// The number before a session's first event that is known.
    private static func beginning(of session: String, _ reader: JournalReader) throws -> Int64 {
        var (first, seen): (Int64?, Int64) = (nil, 0)
        while case let starts = try reader.events(of: [.hostStarted], after: seen, limit: batch),
            let newest = starts.last?.id
        {
            first = starts.last { $0.session == session }?.id ?? first
            seen = newest
        }
        return (first ?? 1) - 1
    }

    /// What was entered for the patients who are there, be it in a session before.
    private mutating func recallEntries(_ reader: JournalReader, upTo newest: Int64) throws {
        let open = bindings.fold.bindings.filter(\.isOpen)
        guard var seen = open.map({ bindings.fold.root(of: $0) }).min() else { return }
        while seen < newest {
            let events = try reader.events(of: [.bedEntered], after: seen, limit: Self.batch)
            guard let end = events.last?.id else { return }
            for event in events where event.id <= newest { takeEntry(event) }
            seen = end
        }
    }

    /// What a commit changed.
    struct Change: OptionSet {
        let rawValue: Int
        static let alarms = Change(rawValue: 1)
        static let beds = Change(rawValue: 2)
        static let commands = Change(rawValue: 4)
        static let devices = Change(rawValue: 8)
        static let session = Change(rawValue: 16)
        static let consultations = Change(rawValue: 32)
    }

    /// Takes the next event. Returns what may be shown otherwise by it.
    mutating func take(_ event: EventRecord) -> Change {
        var change: Change = []
        if alarms.take(event) { change.formUnion([.alarms, .beds]) }
        if bindings.take(event) { change.formUnion([.beds, .devices]) }
        if commands.take(event) { change.insert(.commands) }
        guard event.id > last else { return change }
        last = event.id
        if event.kind == EventKind.bedEntered.name { takeEntry(event) }
        return change.union(takeOwn(event))
    }

    /// What is the session's own.
    @discardableResult
    private mutating func takeOwn(_ event: EventRecord) -> Change {
        guard event.session == session, let kind = EventKind(rawValue: event.kind) else { return [] }
        let seen: Change =
            switch consultations.take(
                kind: event.kind, body: event.body,
                at: ConsultationFold.Position(
                    sequence: event.id, session: event.session, nanoseconds: event.monotonicNanoseconds, utc: event.utc)
            )
            {
            case .opened, .closed, .visited, .ended: .consultations
            case .nothing, .contradiction: []
            }
        return seen.union(takeOwn(event, kind))
    }

    private mutating func takeOwn(_ event: EventRecord, _ kind: EventKind) -> Change {
        switch kind {
        case .hostStarted:
            let body = event.object
            unit = body["unit"] as? String ?? ""
            version = body["version"] as? String ?? ""
            isTestData = body["testData"] as? Bool ?? false
            return .session
        case .hostStopped:
            isEnded = true
            return .session
        case .scoreGiven:
            guard let score = ScoreRecord(body: event.body), score.score == ScoreName.news2.rawValue else { return [] }
            scores[score.bed] = Told(number: event.id, utc: event.utc, value: score)
            return .beds
        case .commandDrafted:
            guard let device = event.device,
                case .drafted(let content, _, _)? = try? CommandRecord.event(kind: event.kind, body: event.body)
            else { return [] }
            pumps[content.pump] = device
            return .commands
        case .bedConfigured:
            places.take(event)
            return .devices
        default: return devices.take(event) ? .devices : []
        }
    }

    private mutating func takeEntry(_ event: EventRecord) {
        guard case .entered(let bed, let entry)? = try? BedRecord.event(kind: event.kind, body: event.body),
            let item = ScoreItem(rawValue: entry.item)
        else { return }
        entries[bed, default: [:]][item] = Told(number: event.id, utc: event.utc, value: entry)
    }
}
