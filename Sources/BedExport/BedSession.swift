import DeviceModel
package import Patients
package import SampleJournal

/// A place in the journal's time: the sessions follow one another, and each has a monotonic clock of its own.
package struct JournalMoment: Sendable, Hashable, Comparable {
    /// The session's number; 0 for one whose samples are gone.
    package let session: Int64
    /// Unit: ns of the session's monotonic clock.
    package let time: Int64

    package init(session: Int64, time: Int64) { (self.session, self.time) = (session, time) }

    package static func < (one: JournalMoment, other: JournalMoment) -> Bool {
        (one.session, one.time) < (other.session, other.time)
    }
}

/// A patient's time at a bed, with what the bed was called and by which preset it was watched.
package struct BedSession: Sendable {
    package let binding: Binding
    /// The bed's name, as it was called last in that time.
    package internal(set) var configured: ConfiguredBed?
    /// The one in force at the start, and those chosen since, in their order.
    package internal(set) var presets: [PresetChoice] = []

    package var bed: String { binding.bed }

    /// The binding that took the place of a withdrawn one; `nil` where none did.
    package var replacement: Int64? {
        switch binding.state {
        case .withdrawn(let withdrawal): withdrawal.replacement
        case .open, .ended: nil
        }
    }
}

/// All that a journal says of its beds. Who was where when is the fold's to say; what is kept here beside it are names
/// and presets, which the fold has of the newest session only.
package struct BedHistory: Sendable {
    private struct Choice {
        let moment: Moment
        let preset: PresetChoice
    }

    private struct Name {
        let moment: Moment
        let configured: ConfiguredBed
    }

    private var fold = BindingFold()
    private var last: Int64 = 0
    private var choices: [String: [Choice]] = [:]
    private var names: [String: [Name]] = [:]
    private var devices: [String: Set<String>] = [:]
    /// The beds, in the order in which they were first configured.
    package private(set) var beds: [String] = []

    package init() {}

    /// Reads all of a journal.
    package init(_ reader: JournalReader) throws {
        while true {
            let events = try reader.events(after: last, limit: 1000)
            if events.isEmpty { return }
            for event in events { take(event) }
        }
    }

    package mutating func take(_ event: EventRecord) {
        let moment = Moment(session: event.session, nanoseconds: event.monotonicNanoseconds)
        let position = BindingFold.Position(sequence: event.id, moment: moment, utc: event.utc)
        // What went before the first that is kept is no gap.
        if last > 0, event.id != last + 1 { _ = fold.takeGap(at: position) }
        last = event.id
        fold.take(kind: event.kind, body: event.body, at: position)
        switch try? BedRecord.event(kind: event.kind, body: event.body) {
        case .configured(let bed, let configured)?: configure(bed, configured, at: moment)
        case .presetChosen(let bed, let preset)?:
            choices[bed, default: []].append(Choice(moment: moment, preset: preset))
        case .snapshot(let snapshot)?:
            // What is told again is known, unless the events that told it are gone.
            for bed in snapshot.beds {
                if names[bed.bed] == nil { configure(bed.bed, bed.configured, at: moment) }
                guard choices[bed.bed] == nil, let preset = bed.preset else { continue }
                choices[bed.bed] = [Choice(moment: moment, preset: preset)]
            }
        case .bound?, .unbound?, .withdrawn?, .entered?, nil: break
        }
    }

    private mutating func configure(_ bed: String, _ configured: ConfiguredBed, at moment: Moment) {
        if names[bed] == nil { beds.append(bed) }
        names[bed, default: []].append(Name(moment: moment, configured: configured))
        devices[bed, default: []].formUnion(configured.devices)
    }

    // MARK: Questions

    /// In the order of their bindings.
    package func sessions(of bed: String) -> [BedSession] {
        fold.bindings.filter { $0.bed == bed }.map { binding in
            func isBehind(_ moment: Moment) -> Bool { binding.until.map { !fold.isBefore(moment, $0) } ?? false }
            var session = BedSession(binding: binding)
            session.configured = (names[bed] ?? []).last { !isBehind($0.moment) }?.configured
            let chosen = (choices[bed] ?? []).filter { !isBehind($0.moment) }
            let before = chosen.lastIndex { !fold.isBefore(binding.since, $0.moment) }
            session.presets = chosen[(before ?? 0)...].map(\.preset)
            return session
        }
    }

    /// All devices that a bed ever had, in the order of their handles.
    func allDevices(of bed: String) -> [String] { (devices[bed] ?? []).sorted() }

    /// The times within a session of the host over which a binding reaches; `nil` where there are none. Unit: ns of the
    /// monotonic clock.
    func range(of binding: Binding, in session: String) -> Range<Int64>? { fold.range(of: binding, in: session) }

    /// The times within a session of the host at which a device's values are of a binding, in their order. Unit: ns of
    /// the monotonic clock.
    func ranges(of binding: Binding, device: String, in session: String) -> [Range<Int64>] {
        let times = [.min] + fold.cuts(ofDevice: device, in: session) + [.max]
        return zip(times, times.dropFirst()).compactMap { from, to in
            let moment = Moment(session: session, nanoseconds: from)
            guard from < to, fold.binding(ofDevice: device, at: moment)?.number == binding.number else { return nil }
            return from..<to
        }
    }
}
