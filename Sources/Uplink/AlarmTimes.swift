import DeviceModel
import Patients
import SampleJournal

/// The times around alarms: 30 s before and after each moment at which one began, changed or ended, of its device and
/// of the bed at which that is.
struct AlarmTimes {
    /// Unit: ns.
    static let around: Int64 = 30_000_000_000
    static let kinds: [EventKind] = [.alertStart, .alertUpdate, .alertEnd]
    /// No clock shows more: a damaged event may say anything. Unit: ns.
    private static let latest: Int64 = 1 << 61

    /// By session and by what alarmed, in their order, apart from one another.
    private var times: [String: [PatientFilings.Owner: [Range<Int64>]]] = [:]
    /// The number of the last event that was read; 0 before the first.
    private(set) var through: Int64 = 0

    /// - Parameter event: one of ``kinds``, in the journal's order.
    mutating func take(_ event: EventRecord, _ filings: PatientFilings) {
        through = event.id
        let alert: AlertRecord
        switch event.recorded {
        case .alertStart(let record), .alertUpdate(let record, _), .alertEnd(let record, _): alert = record
        default: return
        }
        let moment = min(max(event.monotonicNanoseconds, -Self.latest), Self.latest)
        let at = Moment(session: event.session, nanoseconds: moment)
        var owners: Set<PatientFilings.Owner> = []
        if let device = alert.device {
            owners.insert(.device(device))
            if let bed = filings.fold.bed(ofDevice: device, at: at) { owners.insert(.bed(bed)) }
        }
        // What is of the host alone is about nobody's curves.
        if let bed = alert.bed { owners.insert(.bed(bed)) }
        for owner in owners { add((moment - Self.around)..<(moment + Self.around), to: owner, in: event.session) }
    }

    private mutating func add(_ range: Range<Int64>, to owner: PatientFilings.Owner, in session: String) {
        var ranges = times[session]?[owner] ?? []
        var whole = range
        // Nearly always at the end.
        var place = ranges.count
        while place > 0, ranges[place - 1].upperBound >= range.lowerBound { place -= 1 }
        var next = place
        while next < ranges.count, ranges[next].lowerBound <= whole.upperBound {
            whole = min(whole.lowerBound, ranges[next].lowerBound)..<max(whole.upperBound, ranges[next].upperBound)
            next += 1
        }
        ranges.replaceSubrange(place..<next, with: [whole])
        times[session, default: [:]][owner] = ranges
    }

    /// Those around alarms of a device, or of the bed at which it is, that touch a range. Unit: ns of the monotonic
    /// clock.
    func stretches(
        of device: String, in session: String, touching range: Range<Int64>, _ filings: PatientFilings
    ) -> [Range<Int64>] {
        guard let known = times[session], !range.isEmpty else { return [] }
        var owners: Set<PatientFilings.Owner> = [.device(device)]
        for time in [range.lowerBound, range.upperBound - 1] {
            if let bed = filings.fold.bed(ofDevice: device, at: Moment(session: session, nanoseconds: time)) {
                owners.insert(.bed(bed))
            }
        }
        return owners.flatMap { owner in
            Self.touching(known[owner] ?? [], range)
        }
    }

    private static func touching(_ ranges: [Range<Int64>], _ range: Range<Int64>) -> ArraySlice<Range<Int64>> {
        var (low, high) = (0, ranges.count)
        while low < high {
            let middle = (low + high) / 2
            if ranges[middle].upperBound <= range.lowerBound { low = middle + 1 } else { high = middle }
        }
        return ranges[low...].prefix { $0.lowerBound < range.upperBound }
    }
}
