import DeviceModel
import JournalFolds
import Patients
import SampleJournal

/// Of whose past is told.
package enum HistoryScope: Sendable, Hashable {
    /// On the unit: of everybody, each with whose it is.
    case unit
    /// To a far clinician: of the patients who are at the beds now, and of nobody else.
    ///
    /// - Parameters:
    ///   - consultation: its number: where nobody is bound, what was measured since then is told.
    ///   - bed: the one that is seen; `nil` for all.
    case far(consultation: Int64, bed: String?)
}

/// Whose a journal's values are: by which device was at which bed, and who was there. Both stand in the journal by its
/// sessions and their monotonic clock, which nobody can set; no wall clock is asked.
struct HistoryPeople {
    private let fold: BindingFold
    /// The keys of the sessions by their numbers.
    private let keys: [Int64: String]
    /// `nil` on the unit.
    private let far: FarRule?

    /// - Parameter time: whose values of it are asked for.
    init(_ reader: JournalReader, _ sessions: HistorySessions, _ time: HistoryTime, _ scope: HistoryScope) throws {
        keys = Dictionary(sessions.all.map { ($0.id, $0.key) }) { $1 }
        switch scope {
        case .unit:
            // From what was summed up before the time, or before the first session that reaches into it.
            let from = time.nanoseconds.lowerBound
            let first = sessions.all.first { $0.span.overlaps(time.nanoseconds) }?.firstEvent ?? .min
            fold = RecordedBindings(reader) { $0.utc < from || $0.id < first }.fold
            far = nil
        case .far(let consultation, let bed):
            // From what was summed up before the first of those came who are there.
            let now = RecordedBindings(reader).fold
            let first = now.bindings.filter(\.isOpen).map(now.root(of:)).reduce(consultation, min)
            fold = RecordedBindings(reader) { $0.id < first }.fold
            far = try FarRule(reader, fold, consultation: consultation, bed: bed)
        }
    }

    // MARK: Whose it is

    /// Whose the values of a device are in a session.
    func changes(ofDevice device: String, session number: Int64) -> [HolderChange] {
        // Of a session that is not known nothing is known.
        guard let session = keys[number] else {
            return [HolderChange(from: .min, holder: far == nil ? .of(nil) : .withheld)]
        }
        var times = Set(fold.cuts(ofDevice: device, in: session)).union([.min])
        if let far { times.formUnion(fold.bedChanges(in: session) + far.times(in: session)) }
        return times.sorted().map { time in
            let moment = Moment(session: session, nanoseconds: time)
            guard let far else { return HolderChange(from: time, holder: holder(binding(device, moment))) }
            let isSeen = far.sees(device: device, at: moment, fold)
            return HolderChange(from: time, holder: isSeen ? holder(binding(device, moment)) : .withheld)
        }
    }

    private func binding(_ device: String, _ moment: Moment) -> Binding? {
        fold.binding(ofDevice: device, at: moment)
    }

    /// Where the patient is at a bed now, the number by which the picture has them: who goes and comes again is no
    /// other.
    private func holder(_ binding: Binding?) -> ValueHolder {
        .of(binding.map { fold.openBinding(ofSubject: $0.subject)?.number ?? $0.number })
    }

    /// Whether an event is told.
    func tells(_ event: EventRecord) -> Bool {
        guard let far else { return true }
        let moment = Moment(session: event.session, nanoseconds: event.monotonicNanoseconds)
        if let device = event.device { return far.sees(device: device, at: moment, fold) }
        if let bed = event.object["bed"] as? String { return far.sees(bed: bed, at: moment, fold) }
        return true
    }
}

/// What a far clinician sees of the past.
private struct FarRule {
    /// When it was opened; `nil` where the journal does not have it.
    private let opened: Moment?
    private let bed: String?
    /// From when on it is known that the patient was there who is there, by the bed.
    private let starts: [String: Moment]

    init(_ reader: JournalReader, _ fold: BindingFold, consultation: Int64, bed: String?) throws {
        func event(_ number: Int64) throws -> EventRecord? {
            try reader.events(after: number - 1, limit: 1).first { $0.id == number }
        }
        func moment(_ event: EventRecord) -> Moment {
            Moment(session: event.session, nanoseconds: event.monotonicNanoseconds)
        }
        let opened = try event(consultation).map(moment)
        var starts: [String: Moment] = [:]
        for binding in fold.bindings where binding.isOpen {
            // Of before the session in which somebody said that the patient is there, only the wall clock tells.
            let said = try event(fold.root(of: binding)).map(moment)
            starts[binding.bed] = said.map { $0.session == binding.since.session ? binding.since : $0 } ?? opened
        }
        (self.opened, self.bed, self.starts) = (opened, bed, starts)
    }

    /// The times of a session from which on more may be seen. Unit: ns of the monotonic clock.
    func times(in session: String) -> [Int64] {
        ([opened].compactMap(\.self) + starts.values).filter { $0.session == session }.map(\.nanoseconds)
    }

    /// Whether a value was measured at the bed where the device is now, of whoever is there now.
    func sees(device: String, at moment: Moment, _ fold: BindingFold) -> Bool {
        let claims = fold.beds.filter { $0.value.devices.contains(device) }.map(\.key)
        let now = claims.count == 1 ? claims.first : nil
        guard fold.bed(ofDevice: device, at: moment) == now else { return false }
        if let now { return sees(bed: now, at: moment, fold) }
        return bed == nil && isSince(opened, moment, fold)
    }

    func sees(bed asked: String, at moment: Moment, _ fold: BindingFold) -> Bool {
        guard bed.map({ $0 == asked }) ?? true else { return false }
        let there = fold.binding(atBed: asked, at: moment)?.number
        guard let open = fold.openBinding(atBed: asked) else {
            return there == nil && isSince(opened, moment, fold)
        }
        return there == open.number && isSince(starts[asked], moment, fold)
    }

    private func isSince(_ start: Moment?, _ moment: Moment, _ fold: BindingFold) -> Bool {
        guard let start else { return false }
        return !fold.isBefore(moment, start)
    }
}
