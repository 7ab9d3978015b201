import BedDesk
import DeviceModel
import Nomenclature
import Patients
import Presets
import SampleJournal
import Scores

/// The beds in the recorder's rounds: who is there, by what they are watched, and what people ask about them.
final class BedRounds {
    private enum Beginning {
        /// The journal does not hold yet which beds there are.
        case owed
        case said
    }

    /// An event that could not be made, and so is not written.
    private struct Unwritable: Error {}

    /// What a round came to, for the alarms of the beds.
    struct Come {
        /// Beds whose values are watched by something else than before.
        var laid: [String] = []
        /// Beds whose patient has left.
        var left: [String] = []
        /// Beds with another patient, or none, or with another preset.
        var renewed: [String] = []
        /// Whether anything was said or asked of beds at all.
        var isNews = false
    }

    private let desk: BedDesk
    private let asks: AskQueue<BedRequest, BedAnswer>?
    private let session: String
    private var beds: [BedDesk.Bed]
    private var faulty: UnitConfiguration.FaultyBeds
    private var beginning = Beginning.owed
    /// The file of events that holds what the bindings came to.
    private var summarised: String?
    var watches: BedWatches
    private var come = Come()
    /// Whether the journal took something that may have ended a binding.
    private var isShaken = true

    /// - Parameter asks: what people ask; `nil` where there is no way in for them.
    init(
        _ desk: BedDesk, _ unit: UnitConfiguration, watches: BedWatches, session: String,
        asks: AskQueue<BedRequest, BedAnswer>?
    ) {
        (self.desk, self.watches, self.session, self.asks) = (desk, watches, session, asks)
        (beds, faulty) = (unit.deskBeds, unit.faultyBeds)
    }

    /// Reckoned only where something changed.
    func alarms() -> [(alert: AlertKind, holds: Bool)] {
        let hasBeds = !desk.fold.beds.isEmpty
        return desk.alarms.map { ($0.alert, hasBeds && $0.holds) } + [(.bedNotWatched, !watches.unread.isEmpty)]
    }

    func devices(at bed: String) -> Set<String> { Set(desk.fold.beds[bed]?.devices ?? []) }

    /// Why the last patient could not be kept; `nil` where the last one was.
    var storeFault: String? { desk.storeFault }

    /// The bed of each device.
    var bedOfDevice: [String: String] {
        Dictionary(desk.fold.beds.flatMap { bed, configured in configured.devices.map { ($0, bed) } }) { _, last in last
        }
    }

    /// Other beds, or the same with other devices; said in the next round.
    func change(_ unit: UnitConfiguration) { (beds, faulty, beginning) = (unit.deskBeds, unit.faultyBeds, .owed) }

    /// Lines came or went.
    func set(streams: [(descriptor: StreamDescriptor, number: Int)], at now: Int64) {
        watches.set(streams: streams)
        come.laid += watches.lay(desk.fold, at: now)
    }

    /// Nothing can be recorded now: whoever asks is told so, and nothing of it is done later.
    func refuse() {
        for asked in asks?.take() ?? [] {
            asked.answer(
                .refused(code: .journal, words: "This unit cannot record anything now, so nothing was done: ask again.")
            )
        }
    }

    /// - Parameters:
    ///   - file: the one that events go to.
    ///   - record: makes events durable with what they end, and returns the last one's number.
    func turn(
        now: Int64, utc: Int64, file: String, record: @escaping ([UnitEvent], BedEndings) throws -> Int64
    ) -> Come {
        let position = BindingFold.Position(
            sequence: 0, moment: Moment(session: session, nanoseconds: now), utc: utc)
        var (written, leaving): ([BedEvent], Set<String>) = ([], [])
        let write: BedDesk.Writing = { [desk] events in
            let units = events.compactMap { UnitEvent.bed($0, at: now) }
            guard units.count == events.count, !units.isEmpty else { throw Unwritable() }
            let endings = BedEndings(events, before: desk.fold)
            let last = try record(units, endings)
            leaving.formUnion(endings.left)
            written += events
            return last
        }
        if case .owed = beginning, desk.begin(beds, isFaulty: faulty.contains, now: position, write: write) {
            beginning = .said
            come.laid += watches.lay(desk.fold, at: now)
        }
        // Whatever went before in other files, this one says what it came to.
        let isEmpty = desk.fold.beds.isEmpty && desk.fold.bindings.isEmpty
        if case .said = beginning, !isEmpty, summarised != file, (try? write([desk.snapshot])) != nil {
            summarised = file
        }
        var taken = 0
        func takeWritten() {
            for event in written[taken...] { take(event, at: now) }
            taken = written.count
        }
        for asked in asks?.take() ?? [] {
            let answer = desk.answer(asked.question, now: position, write: write)
            // What nothing is held against follows from the preset that somebody chose just now.
            takeWritten()
            asked.answer(answer.adding(watches.unwatched(at:)))
            // Whoever could not be bound changes nothing in the record, and may be an alert all the same.
            come.isNews = true
        }
        takeWritten()
        // Also what the journal says of itself may mean that nobody is known to be there any more.
        if !written.isEmpty || isShaken {
            let (left, others) = watches.attend(desk.fold, leaving: leaving, at: now)
            come.left += left
            come.renewed += others
            (come.isNews, isShaken) = (true, false)
        }
        defer { come = Come() }
        return come
    }

    private func take(_ event: BedEvent, at now: Int64) {
        switch event {
        case .presetChosen(let bed, let choice):
            // What the configuration says is laid with the beds.
            if !choice.by.isEmpty { watches.choosePreset(at: bed, desk.fold, now: now) }
            come.renewed.append(bed)
        case .entered(let bed, let entry): watches.enter(entry, at: bed, time: now)
        case .configured, .bound, .unbound, .withdrawn, .snapshot: break
        }
    }

    /// The journal took events of the host: some begin a session or say that the record has a gap.
    func took(_ events: some Sequence<UnitEvent>, first: Int64, utcOffset: Int64) {
        for (place, event) in events.enumerated() where BedRecord.kinds.contains(event.kind) && !event.kind.isOfBed {
            isShaken = true
            desk.took(
                kind: event.kind.name, body: event.members.text,
                at: BindingFold.Position(
                    sequence: first + Int64(place),
                    moment: Moment(session: session, nanoseconds: event.monotonic), utc: event.monotonic &+ utcOffset))
        }
    }

    func close() { asks?.close() }
}

/// Whose alarms end by what is said of beds: in one transaction with it, so that no kill leaves to one patient, or one
/// preset, what was the former one's.
struct BedEndings {
    /// Beds whose patient leaves.
    let left: [String]
    /// Beds that somebody chose another preset for.
    let rewatched: [String]

    /// - Parameters:
    ///   - events: as they are recorded at once.
    ///   - fold: what the events before them came to.
    init(_ events: [BedEvent], before fold: BindingFold) {
        // Whom a correction names was there all the time.
        let replaced = Set(
            events.compactMap { event in if case .bound(_, let arrival) = event { arrival.replaces } else { nil } })
        left = events.compactMap { event in
            switch event {
            case .unbound(let bed, let binding, _), .withdrawn(let bed, let binding, _):
                (fold.openBinding(atBed: bed) ?? fold.lostBinding(atBed: bed))?.number == binding
                    && !replaced.contains(binding) ? bed : nil
            // Somebody else than the one of whom nobody knew whether they were still there.
            case .bound(let bed, let arrival):
                fold.lostBinding(atBed: bed).map {
                    $0.subject != arrival.subject && arrival.replaces != $0.number
                } == true ? bed : nil
            case .configured, .presetChosen, .entered, .snapshot: nil
            }
        }
        rewatched = events.compactMap { event in
            if case .presetChosen(let bed, let choice) = event, !choice.by.isEmpty { bed } else { nil }
        }
    }
}

extension BedWatches {
    /// What people entered for the patients who are there, as the journal tells it; it has aged since. Within one
    /// start of the machine by its monotonic clock, which nobody sets; over another one by the wall clock. The scale of
    /// saturation does not age.
    ///
    /// - Parameters:
    ///   - boot: names this start of the machine.
    ///   - now: unit ns of the monotonic clock.
    ///   - utc: the wall clock; `nil` while it is not known to be right: nothing of earlier starts of the machine that
    ///     ages counts then. Unit: ns since 1970.
    mutating func recall(_ fold: BindingFold, journal: String, boot: String, at now: Int64, utc: Int64?) {
        let open = fold.bindings.filter(\.isOpen)
        guard let first = open.map({ fold.root(of: $0) }).min(), let reader = try? JournalReader(directory: journal)
        else {
            return
        }
        let sessions = Set(((try? reader.sessions()) ?? []).filter { $0.bootID == boot }.map(\.key))
        var last = first
        while let events = try? reader.events(of: [.bedEntered], after: last, limit: 10_000), let newest = events.last {
            for event in events {
                guard case .entered(let bed, let entry)? = try? BedRecord.event(kind: event.kind, body: event.body),
                    let binding = fold.openBinding(atBed: bed), fold.root(of: binding) < event.id
                else { continue }
                // The scale is the patient's, and no matter of time: without it the score would be another one.
                let isLasting = entry.item == ScoreItem.saturationScale.rawValue
                if sessions.contains(event.session) {
                    if event.monotonicNanoseconds <= now { enter(entry, at: bed, time: event.monotonicNanoseconds) }
                } else if let utc, event.quality != .unknown, event.utc <= utc {
                    enter(entry, at: bed, time: now &- (utc &- event.utc))
                } else if isLasting {
                    enter(entry, at: bed, time: now)
                }
            }
            last = newest.id
        }
    }
}

extension BedRules {
    /// Presets by their names, and what may be entered.
    init(_ unit: UnitConfiguration) {
        self.init(
            presets: unit.presets.values.sorted { $0.name < $1.name }.map { preset in
                Preset(
                    name: preset.name, digest: preset.digest, isReviewed: preset.review != nil,
                    limits: Array(
                        preset.limits.map(WatchedLimits.init).filter(\.isRecordable).prefix(BedRecord.mostLimits)))
            }
        ) { item, value in
            do throws(ScoreEntry.Fault) {
                _ = try ScoreEntry(item: item, value: value, by: ["anybody"], time: 0)
                return nil
            } catch { return error.text }
        }
    }
}

extension WatchedLimits {
    /// As the journal tells them.
    fileprivate init(_ limits: Preset.VitalLimits) {
        func levels(_ levels: [Preset.Level]) -> [Level] {
            levels.map { Level(value: $0.value.text, priority: $0.priority, delay: $0.delay) }
        }
        self.init(
            metric: limits.vital.metric, unit: limits.vital.unit.ucum, low: levels(limits.low),
            high: levels(limits.high))
    }
}
