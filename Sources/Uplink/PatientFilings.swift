import DeviceModel
import FHIRMapping
import Patients
import SampleJournal

/// Under whom everything of a journal is filed, as far as its events of beds were read: a pure function of those.
struct PatientFilings {
    /// A stretch of a session's time and what is told of it: what counts comes last, before it what was filed under
    /// bindings that were withdrawn since.
    struct Stretch: Equatable {
        /// Unit: ns of the monotonic clock; up to `to`, not with it.
        let from: Int64
        let to: Int64
        let filings: [Filing]
    }

    /// Whose: a device's values and events, or what is told of a bed.
    enum Owner: Hashable {
        case device(String)
        case bed(String)
    }

    /// The events that it hangs on.
    static let kinds = BedRecord.kinds.filter { ![.bedEntered, .scoreGiven, .presetChosen].contains($0) }

    /// What was reckoned of it: made anew with each event.
    private final class Reckoned {
        var stretches: [Owner: [String: [Stretch]]] = [:]
    }

    private(set) var fold = BindingFold()
    private var reckoned = Reckoned()
    /// The number of the last event that was read; 0 before the first.
    private(set) var through: Int64 = 0

    /// - Parameter event: one of ``kinds``, in the journal's order.
    mutating func take(_ event: EventRecord) {
        _ = fold.take(
            kind: event.kind, body: event.body,
            at: BindingFold.Position(
                sequence: event.id, moment: Moment(session: event.session, nanoseconds: event.monotonicNanoseconds),
                utc: event.utc))
        (through, reckoned) = (event.id, Reckoned())
    }

    /// The patients that anything is or was filed under, each once, in the order in which they came.
    var subjects: [String] {
        var seen: Set<String> = []
        return fold.bindings.map(\.subject).filter { seen.insert($0).inserted }
    }

    /// All of a session, in its order.
    func stretches(of owner: Owner, in session: String) -> [Stretch] {
        if let known = reckoned.stretches[owner]?[session] { return known }
        let stretches =
            switch owner {
            case .device(let handle): fold.stretches(ofDevice: handle, in: session)
            case .bed(let id): fold.stretches(ofBed: id, in: session)
            }
        let told = stretches.map { Stretch(from: $0.from, to: $0.to, filings: Self.filings($0)) }
        reckoned.stretches[owner, default: [:]][session] = told
        return told
    }

    /// Those that a span of time touches. Unit: ns of the monotonic clock.
    func stretches(of owner: Owner, in session: String, from: Int64, to: Int64) -> [Stretch] {
        stretches(of: owner, in: session).filter { $0.from < to && from < $0.to }
    }

    func filings(of owner: Owner, in session: String, at time: Int64) -> [Filing] {
        stretches(of: owner, in: session).last { $0.from <= time }?.filings ?? [.unbound]
    }

    /// What was filed under a withdrawn binding stands where it stood, entered in error; what counts instead has
    /// addresses that name the last of these.
    private static func filings(_ stretch: BindingFold.Stretch) -> [Filing] {
        var (filings, after): ([Filing], Int64?) = ([], nil)
        for binding in stretch.withdrawn {
            filings.append(Filing(subject: binding.subject, after: after, isInError: true))
            after = binding.number
        }
        return filings + [Filing(subject: stretch.counting?.subject, after: after)]
    }

    // MARK: What has changed

    /// Bindings that were not there before, or of which something was said since, as they are and as they were.
    func differences(from former: PatientFilings) -> [Binding] {
        let (old, new) = (Set(former.fold.bindings), Set(fold.bindings))
        return Array(new.symmetricDifference(old))
    }

    /// Where what is told of a session is another than it was. Unit: ns of the monotonic clock.
    func changes(since former: PatientFilings, of owner: Owner, in session: String) -> [Range<Int64>] {
        let (old, new) = (former.stretches(of: owner, in: session), stretches(of: owner, in: session))
        var changes: [Range<Int64>] = []
        var (first, second) = (old[...], new[...])
        var from = Int64.min
        while let one = first.first, let other = second.first {
            let to = min(one.to, other.to)
            if one.filings != other.filings, from < to {
                if let last = changes.last, last.upperBound == from {
                    changes[changes.count - 1] = last.lowerBound..<to
                } else {
                    changes.append(from..<to)
                }
            }
            from = to
            if one.to == to { first = first.dropFirst() }
            if other.to == to { second = second.dropFirst() }
        }
        return changes
    }
}
