import DeviceModel
import FHIRMapping
import Patients
import SampleJournal

/// Who is where, and what is to be delivered anew for it.
extension DeliveryWork {
    /// Events may be written so much later than they say that they were. Unit: ns.
    private static let slack: Int64 = 60_000_000_000
    /// Those whose telling hangs on who is where.
    private static let filedKinds: [EventKind] = [.alertStart, .alertUpdate, .alertEnd, .bedEntered, .scoreGiven]

    /// Reads what was said of beds since it was last asked, and notes in the book what is to be delivered anew for it.
    ///
    /// - Returns: whether what is in hand has to be made anew.
    func takeStock() throws -> Bool {
        let newest = try reader.newestEvent()
        guard newest != stockTaken else { return false }
        // What the book takes into account is asked before the journal, which never has less than another has read.
        while true {
            let known = try book.filedThrough()
            var (next, former) = (filings.through > known ? PatientFilings() : filings, PatientFilings?.none)
            var touched: Set<String> = []
            while true {
                let events = try reader.events(of: PatientFilings.kinds, after: next.through, limit: 500)
                for event in events {
                    if event.id > known {
                        former = former ?? next
                        if event.recorded == .bed(.bedConfigured) || event.kind == EventKind.bedLedger.name {
                            touched.insert(event.session)
                        }
                    }
                    next.take(event)
                }
                guard events.count == 500 else { break }
            }
            if let former {
                // Where nothing is stored there is nothing to be put right.
                let plan = try book.storedCount() == 0 ? Plan() : plan(from: former, to: next, touched)
                // Another task was first: what it has taken into account is looked at again.
                guard
                    try book.refile(
                        after: known, through: next.through, plan.changes, events: plan.events)
                else { continue }
                gone += plan.gone
            }
            stockTaken = newest
            let isNew = next.through != filings.through || max(known, next.through) != filed
            (filings, filed) = (next, max(known, next.through))
            if isNew { try layOutFeeds() }
            return isNew
        }
    }

    /// What is to be delivered anew.
    private struct Plan {
        var changes: [FilingChange] = []
        /// The numbers of events, by the lane that they go in.
        var events: [DeliveryLane: [Int64]] = [:]
        /// Bindings of which values have left the journal.
        var gone = 0
    }

    /// What of that which may have been delivered is told in another way by now.
    private func plan(from former: PatientFilings, to next: PatientFilings, _ configured: Set<String>) throws -> Plan {
        try readDevices()
        let handles = Set(devices.map(\.handle)).union(try reader.streams().map(\.descriptor.device))
        let beds = Set(next.fold.bindings.map(\.bed)).union(former.fold.bindings.map(\.bed))
        let touching = next.differences(from: former)
        var changes: [FilingChange] = []
        var ranges: [String: [PatientFilings.Owner: [Range<Int64>]]] = [:]
        for session in try reader.sessions() {
            let isTouched =
                configured.contains(session.key)
                || touching.contains { binding in
                    next.fold.range(of: binding, in: session.key) != nil
                        || former.fold.range(of: binding, in: session.key) != nil
                }
            guard isTouched else { continue }
            var byRange: [Range<Int64>: Set<String>] = [:]
            for handle in handles {
                let owner = PatientFilings.Owner.device(handle)
                let found = next.changes(since: former, of: owner, in: session.key)
                for range in found { byRange[range, default: []].insert(handle) }
                if !found.isEmpty { ranges[session.key, default: [:]][owner] = found }
            }
            for bed in beds {
                let owner = PatientFilings.Owner.bed(bed)
                let found = next.changes(since: former, of: owner, in: session.key)
                if !found.isEmpty { ranges[session.key, default: [:]][owner] = found }
            }
            for (range, devices) in byRange { changes.append(try change(range, devices, session)) }
        }
        changes.sort { $0.begin.isBefore($1.begin) }
        return Plan(changes: changes, events: try events(in: ranges), gone: try touching.count { try isGone($0) })
    }

    /// Whether the journal has let go of values of a binding.
    private func isGone(_ binding: Binding) throws -> Bool {
        guard try reader.hasLetGoOfSamples(), let oldest = try reader.chunks(after: 0, limit: 1).first else {
            return false
        }
        guard let session = try reader.sessions().first(where: { $0.key == binding.since.session }) else { return true }
        return (session.id, binding.since.nanoseconds) < (oldest.session, oldest.base)
    }

    /// How many bindings were said or withdrawn, since it was last asked, of which values have left the journal.
    func takeGone() -> Int {
        defer { gone = 0 }
        return gone
    }

    private func change(_ range: Range<Int64>, _ devices: Set<String>, _ session: JournalSession) throws
        -> FilingChange
    {
        let length = windowLength(of: session)
        let time = max(range.lowerBound, session.started)
        let window = session.started + (time - session.started) / length * length
        return FilingChange(
            begin: SamplePosition(
                session: session.id, window: window,
                chunk: try reader.chunk(before: window, session: session.id) ?? 0, length: length),
            to: range.upperBound, devices: devices)
    }

    /// The numbers of events within changed stretches, by the lane that they go in.
    private func events(in ranges: [String: [PatientFilings.Owner: [Range<Int64>]]]) throws -> [DeliveryLane: [Int64]] {
        guard !ranges.isEmpty else { return [:] }
        let order = Dictionary(
            try reader.sessions().enumerated().map { ($1.key, $0) }, uniquingKeysWith: { first, _ in first })
        let begin = ranges.flatMap { key, owners in
            owners.values.flatMap { $0 }.map { (session: order[key] ?? 0, time: $0.lowerBound) }
        }.min { ($0.session, $0.time) < ($1.session, $1.time) }
        guard let begin else { return [:] }
        var found: [DeliveryLane: [Int64]] = [:]
        var after = try number(before: begin, order)
        while true {
            let events = try reader.events(of: Self.filedKinds, after: after, limit: 500)
            for event in events {
                after = event.id
                guard let owner = Self.owner(of: event), let changed = ranges[event.session]?[owner],
                    changed.contains(where: { $0.contains(event.monotonicNanoseconds) })
                else { continue }
                found[Self.lane(of: event), default: []].append(event.id)
            }
            guard events.count == 500 else { return found }
        }
    }

    /// A number before which no event of that time stands: events stand nearly in the order of their times.
    private func number(before begin: (session: Int, time: Int64), _ order: [String: Int]) throws -> Int64 {
        let (time, isBelow) = begin.time.subtractingReportingOverflow(Self.slack)
        let wanted = (begin.session, isBelow ? Int64.min : time)
        var (low, high) = (Int64(0), try reader.newestEvent())
        while low < high {
            let middle = low + (high - low) / 2
            guard let event = try reader.events(after: middle, limit: 1).first else {
                high = middle
                continue
            }
            if (order[event.session] ?? -1, event.monotonicNanoseconds) < wanted {
                low = middle + 1
            } else {
                high = middle
            }
        }
        return low
    }

    // MARK: Patients

    func patient(_ subject: String) -> FHIRResource {
        mapper.patient(subject, identity: patients.identity(subject))
    }

    func patientURL(of item: DeliveryItem) -> String? { item.subject.map { patient($0).url } }

    /// Whether the service does not take the patient that an item is filed under.
    func isPatientRefused(of item: DeliveryItem) -> Bool {
        item.subject.map { isRefused(patient($0)) } ?? false
    }

    /// Those who are at a bed now; and those whose description the service has, where there may be more to tell of
    /// them.
    func patientsToDescribe() throws -> [FHIRResource] {
        let here = Set(filings.fold.bindings.filter(\.isOpen).map(\.subject))
        return try filings.subjects.filter { !patients.isTold($0) }.compactMap { subject in
            let description = patient(subject)
            guard try here.contains(subject) || book.isDescribed(description.url) else { return nil }
            if try book.isDescribed(description.url, hash: description.digest) { patients.tell(subject) }
            return description
        }
    }
}
