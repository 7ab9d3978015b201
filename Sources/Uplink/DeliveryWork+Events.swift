import DeviceModel
import FHIRMapping
import Patients
import SampleJournal
import Scores

/// Events of a lane that are to be delivered.
extension DeliveryWork {
    /// The next events of a lane that are missing, newest or oldest first, and what is missing when they are dealt
    /// with.
    func events(_ lane: DeliveryLane, newestFirst: Bool, limit: Int) throws -> EventBatch? {
        try readDevices()
        let returns = try book.returnCount()
        if returns != seenReturns { (known, seenReturns) = ([:], returns) }
        let newest = try reader.newestEvent()
        var ranges = try book.missing(lane, through: newest)
        guard !ranges.isEmpty else { return nil }
        // So many are looked at, whatever lane they are of; numbers between them that no event has are passed over.
        var span = limit * 8
        var events: [EventRecord] = []
        for range in newestFirst ? ranges.reversed() : ranges {
            let (done, found, read) = try look(range, lane, newestFirst, span, limit - events.count)
            ranges.removeAll { $0 == range }
            if done.lowerBound > range.lowerBound { ranges.append(range.lowerBound...(done.lowerBound - 1)) }
            if done.upperBound < range.upperBound { ranges.append((done.upperBound + 1)...range.upperBound) }
            events += newestFirst ? found.reversed() : found
            span -= max(1, read)
            if events.count >= limit || span <= 0 { break }
        }
        return EventBatch(
            lane: lane, items: events.flatMap(items), missing: ranges.sorted { $0.lowerBound < $1.lowerBound },
            seen: newest, returns: returns)
    }

    /// Looks at one range of numbers.
    ///
    /// - Returns: how far it is dealt with then, the lane's own of it in their order, and how many were read.
    private func look(
        _ range: ClosedRange<Int64>, _ lane: DeliveryLane, _ newestFirst: Bool, _ span: Int, _ limit: Int
    ) throws -> (done: ClosedRange<Int64>, found: [EventRecord], read: Int) {
        let read =
            newestFirst
            ? try reader.lastEvents(in: range, limit: span)
            : try reader.events(after: range.lowerBound - 1, limit: span).filter { $0.id <= range.upperBound }
        func part(_ events: [EventRecord]) -> ClosedRange<Int64> {
            guard let first = events.first, let last = events.last else { return range }
            return newestFirst ? first.id...range.upperBound : range.lowerBound...last.id
        }
        let found = read.filter { Self.lane(of: $0) == lane && !$0.recorded.isOwnAffair }
        guard found.count > limit else { return (read.count == span ? part(read) : range, found, read.count) }
        let some = newestFirst ? found.suffix(limit) : found.prefix(limit)
        return (part(Array(some)), Array(some), read.count)
    }

    /// Whether an alarm was recorded after an event.
    func hasAlarm(after number: Int64) throws -> Bool {
        try reader.events(after: number, limit: 1000).contains { Self.lane(of: $0) == .alarms }
    }

    static func lane(of event: EventRecord) -> DeliveryLane {
        switch event.recorded {
        case .alertStart, .alertUpdate, .alertEnd, .alarmSwitch: .alarms
        case .command: .pumpEvents
        default: .events
        }
    }

    /// When an event was, by the wall clock as it was known later where it was not known then; `nil` where it never
    /// was.
    private func utc(of event: EventRecord) -> Int64? {
        guard event.quality == .unknown else { return event.utc }
        let session = try? reader.sessions().first { $0.key == event.session }
        guard let session, session.form != nil else { return event.utc }
        return (try? clocks.offset(of: session, in: reader)).flatMap { $0 }.map { event.monotonicNanoseconds &+ $0 }
    }

    /// Whose it is, where that may be a patient; `nil` for what is of the unit.
    static func owner(of event: EventRecord) -> PatientFilings.Owner? {
        switch event.recorded {
        case .alertStart(let alert), .alertUpdate(let alert, _), .alertEnd(let alert, _):
            // What is about a device is its patient's, wherever it was said to be when the alert began.
            alert.metric == nil
                ? alert.device.map(PatientFilings.Owner.device) ?? alert.bed.map(PatientFilings.Owner.bed)
                : alert.bed.map(PatientFilings.Owner.bed)
        case .bed(.bedEntered), .bed(.scoreGiven): event.members["bed"].map(PatientFilings.Owner.bed)
        default: nil
        }
    }

    /// What is told of an event: what was filed under bindings that were withdrawn since, and what counts.
    func items(_ event: EventRecord) -> [DeliveryItem] {
        // A device that was refused before it ever ran is not described, and never was.
        let device = event.device.flatMap { handle in devices.contains { $0.handle == handle } ? handle : nil }
        let account = account(of: event)
        let resource =
            measure(of: event)
            ?? mapper.event(
                event.recorded, name: event.kind, id: event.id, session: event.session, device: event.device,
                utc: utc(of: event), clock: event.quality, line: event.line, hash: event.hash,
                isDescribed: device != nil || event.device == nil, account: account)
        let owner = Self.owner(of: event)
        let told =
            owner.map { filings.filings(of: $0, in: event.session, at: event.monotonicNanoseconds) } ?? [.unbound]
        let isAlarm = Self.lane(of: event) == .alarms
        return told.map { filing in
            let unfiled = Filing(subject: nil, after: filing.after, isInError: filing.isInError)
            return DeliveryItem(
                .event(
                    mapper.filed(resource, filing), device: device, subject: filing.subject ?? account?.subject,
                    unfiled: isAlarm && filing.subject != nil ? mapper.filed(resource, unfiled) : nil),
                mapper, origin: .event(event.id))
        }
    }

    /// A score, or what a person entered, as an observation of that; `nil` for another event, and for one that does not
    /// say it.
    private func measure(of event: EventRecord) -> FHIRResource? {
        let place = FHIRMapper.Place(
            number: event.id, session: event.session, utc: utc(of: event), clock: event.quality)
        switch event.recorded {
        case .bed(.scoreGiven): return ScoreRecord(body: event.body).map { mapper.score($0, at: place) }
        case .bed(.bedEntered):
            guard case .entered(_, let entry)? = try? BedRecord.event(kind: event.kind, body: event.body),
                let item = ScoreItem(rawValue: entry.item)
            else { return nil }
            return mapper.entry(item, entry.value, at: place)
        default: return nil
        }
    }

    /// What an event says of a patient at a bed; `nil` for another, and for one that does not say it.
    private func account(of event: EventRecord) -> BindingAccount? {
        guard case .bed = event.recorded, let told = try? BedRecord.event(kind: event.kind, body: event.body) else {
            return nil
        }
        switch told {
        case .bound(let bed, let arrival):
            return BindingAccount(
                bed: bed, binding: event.id, subject: arrival.subject, isByPerson: !arrival.by.isEmpty)
        case .unbound(let bed, let number, let by), .withdrawn(let bed, let number, let by):
            return BindingAccount(
                bed: bed, binding: number, subject: filings.fold.binding(number)?.subject, isByPerson: !by.isEmpty)
        default: return nil
        }
    }
}

/// Events of a lane that go together.
struct EventBatch {
    let lane: DeliveryLane
    let items: [DeliveryItem]
    /// What is missing when they are dealt with.
    let missing: [ClosedRange<Int64>]
    let seen: Int64
    /// How often the lanes had gone back when it was made.
    let returns: Int64
}
