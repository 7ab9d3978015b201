import DeviceModel

/// Who is and was at which bed: a fold over the journal's events.
///
/// The rules, which hold whatever is folded:
///
/// * At a bed there is one patient at a time, and a patient is at one bed at a time. An event that says otherwise is
///   not taken: nobody is moved silently.
/// * A binding reaches from its `since`, which may lie before its event, to its end: a session's end ends none. It
///   never reaches into another one of its bed or of its patient.
/// * A withdrawn binding counts as none. One that stands in its place begins where that began, and ends where that had
///   ended, or where the bed's next patient came.
/// * A device is of the bed that its session says. Where two beds claim it, and where nobody is bound, there is no
///   subject. None is never guessed.
/// * Where events of beds may have been lost, no patient is known to be at a bed any more, until somebody binds anew or
///   says that the patient is gone.
package struct BindingFold: Sendable {
    /// Where an event stands in the journal.
    package struct Position: Sendable, Hashable {
        package let sequence: Int64
        package let moment: Moment
        /// Unit: ns since 1970-01-01T00:00:00Z.
        package let utc: Int64

        package init(sequence: Int64, moment: Moment, utc: Int64) {
            (self.sequence, self.moment, self.utc) = (sequence, moment, utc)
        }
    }

    /// What an event came to.
    package enum Outcome: Sendable, Hashable {
        /// It says nothing of who is at a bed.
        case nothing
        case bound(Binding)
        case ended(Binding)
        /// It counts as none from here on.
        case withdrawn(Binding)
        /// A bed has other devices than before in its session.
        case configured(bed: String)
        /// Bindings that were open and are so no longer, as events of beds may be lost.
        case lost([Binding])
        /// It contradicts what is known, and was not taken.
        case contradiction
        /// It is damaged; bindings that were open are so no longer.
        case damaged(BedRecord.Fault, [Binding])
    }

    /// The most bindings that are remembered. Beyond it the oldest that are not open are forgotten: their values are
    /// nobody's to whoever asks then. Fifty a day for a year are 18 250.
    package static let mostBindings = 20_000
    /// The most sessions whose beds are remembered. Beyond it the oldest is forgotten.
    package static let mostSessions = 10_000
    /// How many bindings that are not open a snapshot tells.
    package static let mostToldBindings = 256
    /// How many sessions it tells besides those that its bindings name: more than a host begins in the day that a
    /// binding may reach back, unless it begins anew every ten minutes.
    package static let mostToldSessions = 144

    /// In the order of their numbers.
    package internal(set) var bindings: [Binding] = []
    /// The beds of the newest session, by their ids.
    package internal(set) var beds: [String: ConfiguredBed] = [:]
    package internal(set) var presets: [String: PresetChoice] = [:]
    var timeline = SessionTimeline()
    /// By bed and by patient: nothing that counts reaches further than this.
    private var reaches: [Holder: Reach] = [:]
    /// The number of the last event that was folded.
    package private(set) var lastSequence: Int64 = 0

    private let limit: Int

    private enum Holder: Hashable {
        case bed(String)
        case subject(String)
    }

    private struct Reach {
        /// How many are open.
        var open = 0
        /// The latest end of those that are not. It may be later than any that counts, and never earlier.
        var latest = SessionTimeline.Place(session: .min, nanoseconds: .min)
    }

    package init() { self.init(mostBindings: Self.mostBindings) }

    /// - Parameter mostBindings: how many are remembered.
    init(mostBindings: Int) { limit = mostBindings }

    // MARK: Folding

    /// Folds an event as the journal has it; those of ``BedRecord/kinds`` at least, in the journal's order.
    @discardableResult
    package mutating func take(kind: String, body: String, at position: Position) -> Outcome {
        do throws(BedRecord.Fault) {
            if let event = try BedRecord.event(kind: kind, body: body) { return take(event, at: position) }
        } catch { return .damaged(error, loseAll(at: position)) }
        see(position)
        guard let kind = EventKind(rawValue: kind), Self.tellsOfLostEvents(kind, body) else { return .nothing }
        return .lost(endOpen(at: position))
    }

    @discardableResult
    package mutating func take(_ event: BedEvent, at position: Position) -> Outcome {
        see(position)
        switch event {
        case .configured(let bed, let configured):
            beds[bed] = configured.devices.isEmpty ? nil : configured
            timeline.configure(bed, configured.devices, at: position.moment)
            return .configured(bed: bed)
        case .presetChosen(let bed, let choice):
            presets[bed] = choice
            return .nothing
        case .bound(let bed, let arrival): return bind(bed, arrival, at: position)
        case .unbound(let bed, let number, let by):
            guard let index = index(of: number), bindings[index].bed == bed else { return .contradiction }
            switch bindings[index].state {
            case .open: change(index, to: .ended(Binding.Ending(at: position.moment, by: by)))
            // Of one that is lost somebody says that the patient is gone; until when it counts stays as it is.
            case .ended(let ending) where ending.cause == .lost:
                change(index, to: .ended(Binding.Ending(at: ending.at, by: by)))
            case .ended, .withdrawn: return .contradiction
            }
            return .ended(bindings[index])
        case .withdrawn(let bed, let number, let by):
            guard let index = index(of: number), bindings[index].bed == bed, !bindings[index].isWithdrawn else {
                return .contradiction
            }
            let ending: Binding.Ending? = if case .ended(let ending) = bindings[index].state { ending } else { nil }
            change(index, to: .withdrawn(Binding.Withdrawal(at: position.moment, by: by, ending: ending)))
            return .withdrawn(bindings[index])
        case .entered: return .nothing
        case .snapshot(let snapshot): return take(snapshot, at: position)
        }
    }

    /// Events are missing here, as their numbers say.
    package mutating func takeGap(at position: Position) -> Outcome { .lost(loseAll(at: position)) }

    private mutating func loseAll(at position: Position) -> [Binding] {
        see(position)
        return endOpen(at: position)
    }

    /// What was said after this is not known: nobody is known to be at a bed.
    private mutating func endOpen(at position: Position) -> [Binding] {
        let open = bindings.indices.filter { bindings[$0].isOpen }
        for index in open {
            change(index, to: .ended(Binding.Ending(at: position.moment, by: [], cause: .lost)))
        }
        return open.map { bindings[$0] }
    }

    /// What does not say in so many words that it is of samples may be of events.
    private static func tellsOfLostEvents(_ kind: EventKind, _ text: String) -> Bool {
        switch kind {
        case .journalGap, .journalSetAside, .journalFileFailed:
            !["{\"part\":\"samples\"", "{\"file\":\"samples"].contains { text.utf8.starts(with: $0.utf8) }
        default: false
        }
    }

    private mutating func see(_ position: Position) {
        lastSequence = max(lastSequence, position.sequence)
        if timeline.see(position) { beds = [:] }
    }

    private mutating func bind(_ bed: String, _ arrival: Arrival, at position: Position) -> Outcome {
        guard position.sequence > bindings.last?.number ?? 0 else { return .contradiction }
        let now = timeline.place(position.moment)
        var binding = Binding(
            number: position.sequence, bed: bed, subject: arrival.subject, since: arrival.since,
            replaces: arrival.replaces, by: arrival.by, state: .open)
        guard timeline.place(arrival.since) <= now else { return .contradiction }
        if let number = arrival.replaces {
            guard let index = index(of: number), case .withdrawn(var former) = bindings[index].state,
                former.replacement == nil, bindings[index].bed == bed, bindings[index].since == arrival.since
            else { return .contradiction }
            let end = former.ending?.at ?? begin(after: arrival.since, at: bed)
            if let end { binding.state = .ended(Binding.Ending(at: end, by: [], cause: .replaced)) }
            guard isFree(for: binding) else { return .contradiction }
            former.replacement = binding.number
            change(index, to: .withdrawn(former))
        } else if !isFree(for: binding) {
            return .contradiction
        }
        insert(binding, at: bindings.count)
        forgetOldest()
        return .bound(binding)
    }

    /// When the first that counts, and begins there or later, begins.
    private func begin(after moment: Moment, at bed: String) -> Moment? {
        let place = timeline.place(moment)
        return bindings.filter { other in
            other.bed == bed && !other.isWithdrawn && !timeline.isEmpty(other) && timeline.place(other.since) >= place
        }
        .min { timeline.place($0.since) < timeline.place($1.since) }?.since
    }

    /// Whether no other that counts has its bed or its patient at the same time.
    func isFree(for binding: Binding) -> Bool {
        let since = timeline.place(binding.since)
        let isAfterAll = Self.holders(binding).allSatisfy { holder in
            reaches[holder].map { $0.open == 0 && $0.latest <= since } ?? true
        }
        return isAfterAll
            || !bindings.contains { other in
                !other.isWithdrawn && (other.bed == binding.bed || other.subject == binding.subject)
                    && timeline.overlap(other, binding)
            }
    }

    private static func holders(_ binding: Binding) -> [Holder] { [.bed(binding.bed), .subject(binding.subject)] }

    private mutating func insert(_ binding: Binding, at index: Int) {
        bindings.insert(binding, at: index)
        count(binding, 1)
    }

    private mutating func change(_ index: Int, to state: Binding.State) {
        count(bindings[index], -1)
        bindings[index].state = state
        count(bindings[index], 1)
    }

    private mutating func count(_ binding: Binding, _ one: Int) {
        for holder in Self.holders(binding) {
            if let until = binding.until {
                let place = timeline.place(until)
                reaches[holder, default: Reach()].latest = max(reaches[holder]?.latest ?? place, place)
            } else {
                reaches[holder, default: Reach()].open += one
            }
        }
    }

    private mutating func forgetOldest() {
        guard bindings.count > limit, let index = bindings.firstIndex(where: { !$0.isOpen }) else { return }
        bindings.remove(at: index)
    }

    func index(of number: Int64) -> Int? {
        var (low, high) = (0, bindings.count)
        while low < high {
            let middle = (low + high) / 2
            if bindings[middle].number < number { low = middle + 1 } else { high = middle }
        }
        return low < bindings.count && bindings[low].number == number ? low : nil
    }

    // MARK: Snapshots

    /// All that the events came to.
    package var snapshot: BedSnapshot {
        let others = bindings.lazy.filter { !$0.isOpen }.suffix(Self.mostToldBindings).first?.number ?? .max
        let told = bindings.filter { $0.isOpen || $0.number >= others }
        return BedSnapshot(
            beds: beds.sorted { $0.key < $1.key }.map {
                BedSnapshot.Bed(
                    bed: $0.key, configured: $0.value, preset: presets[$0.key],
                    since: timeline.since(ofBed: $0.key))
            }, bindings: told,
            sessions: timeline.inOrder(told.reduce(into: []) { $0.formUnion($1.sessions) }))
    }

    /// A snapshot says who is at a bed. Whoever folded all that went before learns nothing by it.
    private mutating func take(_ snapshot: BedSnapshot, at position: Position) -> Outcome {
        for bed in snapshot.beds {
            if beds[bed.bed] != bed.configured {
                beds[bed.bed] = bed.configured
                timeline.configure(
                    bed.bed, bed.configured.devices, from: bed.since, toldAt: position.moment)
            }
            if let preset = bed.preset { presets[bed.bed] = preset }
        }
        var lost: [Binding] = []
        for index in bindings.indices where bindings[index].isOpen {
            if snapshot.bindings.contains(where: { $0.number == bindings[index].number && $0.isOpen }) { continue }
            change(index, to: .ended(Binding.Ending(at: position.moment, by: [], cause: .lost)))
            lost.append(bindings[index])
        }
        timeline.remember(snapshot.sessions)
        for told in snapshot.bindings where index(of: told.number) == nil {
            guard told.number < position.sequence, told.isWithdrawn || isFree(for: told) else { continue }
            let place = bindings.firstIndex { $0.number > told.number } ?? bindings.count
            insert(told, at: place)
        }
        return lost.isEmpty ? .nothing : .lost(lost)
    }
}
