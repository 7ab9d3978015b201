package import DeviceModel
package import Patients

/// Where the patients' identifiers are kept.
package protocol PatientKeeping: AnyObject {
    /// What is kept, by the patients' subjects.
    var known: [String: PatientIdentifiers] { get }
    func subject(of identifiers: PatientIdentifiers) -> String
    /// It is on the disk when this returns.
    func keep(_ identifiers: PatientIdentifiers, as subject: String) throws
}

/// What beds can be watched by and told.
package struct BedRules: Sendable {
    package struct Preset: Sendable, Hashable {
        package let name: String
        /// SHA-256 of its file, in 64 hexadecimal digits.
        package let digest: String
        package let isReviewed: Bool
        package let limits: [WatchedLimits]

        package init(name: String, digest: String, isReviewed: Bool, limits: [WatchedLimits] = []) {
            (self.name, self.digest, self.isReviewed, self.limits) = (name, digest, isReviewed, limits)
        }

        /// As it is recorded.
        func choice(by people: [String]) -> PresetChoice {
            PresetChoice(preset: name, digest: digest, isReviewed: isReviewed, by: people, limits: limits)
        }
    }

    package let presets: [Preset]
    /// What is wrong with an entry, as a sentence; `nil` for a right one.
    package let fault: @Sendable (_ item: String, _ value: String) -> String?

    package init(presets: [Preset], fault: @escaping @Sendable (_ item: String, _ value: String) -> String?) {
        (self.presets, self.fault) = (presets, fault)
    }

    func preset(_ name: String) -> Preset? { presets.first { $0.name == name } }
}

/// The beds' part on the recorder's thread: decides by the fold, makes each event durable, and only then takes it for
/// true. Who a patient is, is on the disk before the event that names the patient's digest.
///
/// Everything here is called by that one thread; nothing waits but for the disk.
package final class BedDesk {
    /// Makes events durable in one transaction at this time, and returns the number of the last one.
    package typealias Writing = ([BedEvent]) throws -> Int64

    /// How far back a binding may reach. Unit: ns.
    package static let longestLate: Int64 = 86_400_000_000_000

    package internal(set) var fold: BindingFold
    let rules: BedRules
    let store: (any PatientKeeping)?
    /// Why the last patient could not be kept, for the host's log; `nil` where the last one was.
    package private(set) var storeFault: String?

    /// - Parameters:
    ///   - fold: what the journal told of beds.
    ///   - store: `nil` where the place of the patients cannot be used: nobody can be bound.
    package init(_ fold: BindingFold, rules: BedRules, store: (any PatientKeeping)?) {
        (self.fold, self.rules, self.store) = (fold, rules, store)
    }

    /// A bed as the configuration has it.
    package struct Bed: Sendable, Hashable {
        package let bed: String
        package let configured: ConfiguredBed
        /// The preset that it begins with.
        package let preset: String?

        package init(bed: String, configured: ConfiguredBed, preset: String?) {
            (self.bed, self.configured, self.preset) = (bed, configured, preset)
        }
    }

    // MARK: Events

    /// What a session says of its beds before anything else, or after its configuration changed: the beds, who is at a
    /// bed no longer as there is none, and by which preset each is watched.
    func beginning(_ beds: [Bed], isFaulty: (String) -> Bool) -> [BedEvent] {
        let ids = Set(beds.map(\.bed))
        let gone = fold.beds.filter { !ids.contains($0.key) }.sorted { $0.key < $1.key }
        let left = gone.map { bed, old in
            BedEvent.configured(
                bed: bed, ConfiguredBed(name: old.name, nameArabic: old.nameArabic, devices: []))
        }
        // In one transaction at one time: a device that moves is claimed by none or by two on the way, and is of none.
        let changed = beds.filter { fold.beds[$0.bed] != $0.configured }
        return left + changed.map { .configured(bed: $0.bed, $0.configured) }
            + fold.departures { ids.contains($0) || isFaulty($0) } + beds.compactMap(preset)
    }

    /// What somebody chose for a bed stays chosen, by its name, when the host begins anew and when the preset's file
    /// was changed; what the configuration says is followed otherwise.
    private func preset(of bed: Bed) -> BedEvent? {
        let last = fold.presets[bed.bed]
        let chosen = last.flatMap { last in last.by.isEmpty ? nil : rules.preset(last.preset).map { ($0, last.by) } }
        guard let (preset, by) = chosen ?? bed.preset.flatMap(rules.preset).map({ ($0, []) }) else { return nil }
        let choice = preset.choice(by: by)
        return choice == last ? nil : .presetChosen(bed: bed.bed, choice)
    }

    /// Says what a session says of its beds; once it has begun, and after each change of its configuration. Returns
    /// `false` where the journal does not take it: it is to be said again.
    ///
    /// - Parameter isFaulty: whether the configuration has a bed and does not say rightly what it is: whoever is there
    ///   stays there.
    package func begin(
        _ beds: [Bed], isFaulty: (String) -> Bool = { _ in false }, now: BindingFold.Position, write: Writing
    ) -> Bool {
        let events = beginning(beds, isFaulty: isFaulty)
        guard !events.isEmpty else { return true }
        return (try? record(events, now: now, write: write)) != nil
    }

    /// All that the events came to: said in each session and in each new file of events.
    package var snapshot: BedEvent { .snapshot(fold.snapshot) }

    /// The journal took an event that others wrote: a session's beginning, a damage to its files.
    @discardableResult
    package func took(kind: String, body: String, at position: BindingFold.Position) -> BindingFold.Outcome {
        fold.take(kind: kind, body: body, at: position)
    }

    /// What somebody must hear of: nobody can be bound, or somebody may be at a bed and the record does not know.
    package var alarms: [(alert: AlertKind, holds: Bool)] {
        [
            (.patientsNotKept, store == nil || storeFault != nil),
            (.patientsLost, fold.beds.keys.contains { fold.lostBinding(atBed: $0) != nil }),
        ]
    }

    // MARK: People

    /// Answers what somebody asks; all of it is durable when this returns.
    ///
    /// - Parameters:
    ///   - now: the last event's number, and the time; what is decided is written with this time.
    ///   - write: makes events durable, or throws; nothing has been done where it throws.
    package func answer(_ request: BedRequest, now: BindingFold.Position, write: Writing) -> BedAnswer {
        do throws(BedRefusal) {
            switch try decide(request, now: now) {
            case .list(let isClinician): return .beds(views(isClinician: isClinician))
            case .record(let events, let patient, let bed, let words):
                if let patient { try keep(patient) }
                try record(events, now: now, write: write)
                let configured = fold.beds[bed] ?? ConfiguredBed(name: bed, nameArabic: bed, devices: [])
                return .done(words: words, view(bed, configured, isClinician: true))
            }
        } catch { return error.answer }
    }

    private func keep(_ patient: KeptPatient) throws(BedRefusal) {
        do {
            try store?.keep(patient.identifiers, as: patient.subject)
            storeFault = nil
        } catch {
            storeFault = "\(error)"
            throw .noPlace
        }
    }

    private func record(_ events: [BedEvent], now: BindingFold.Position, write: Writing) throws(BedRefusal) {
        guard let last = try? write(events) else { throw .noJournal }
        for (place, event) in events.enumerated() {
            let number = last - Int64(events.count - 1 - place)
            fold.take(event, at: BindingFold.Position(sequence: number, moment: now.moment, utc: now.utc))
        }
    }

    // MARK: Views

    /// In the order of their ids.
    package func views(isClinician: Bool) -> [BedView] {
        fold.beds.keys.sorted().compactMap { view($0, isClinician: isClinician) }
    }

    private func view(_ bed: String, isClinician: Bool) -> BedView? {
        fold.beds[bed].map { view(bed, $0, isClinician: isClinician) }
    }

    private func view(_ bed: String, _ configured: ConfiguredBed, isClinician: Bool) -> BedView {
        BedView(
            bed: bed, name: configured.name, nameArabic: configured.nameArabic, devices: configured.devices,
            preset: fold.presets[bed],
            patient: fold.openBinding(atBed: bed).map { binding in
                BedView.Patient(
                    binding: binding.number, since: binding.since, sinceUTC: fold.utc(of: binding.since),
                    by: binding.by, identifiers: isClinician ? store?.known[binding.subject]?.entered : nil)
            }, isLost: fold.lostBinding(atBed: bed) != nil,
            isWatched: fold.presets[bed].map { rules.preset($0.preset) != nil } ?? false)
    }
}
