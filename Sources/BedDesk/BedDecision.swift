import Patients

/// What an answer rests on.
enum BedDecision {
    case list(isClinician: Bool)
    /// - Parameters:
    ///   - patient: who must be on the disk before the events are.
    ///   - words: what was done, once they are.
    case record([BedEvent], patient: KeptPatient?, bed: String, words: String)
}

struct KeptPatient {
    let subject: String
    let identifiers: PatientIdentifiers
}

/// Why something is not done.
struct BedRefusal: Error {
    let code: BedAnswer.Refusal
    let words: String

    init(_ code: BedAnswer.Refusal, _ words: String) { (self.code, self.words) = (code, words) }

    var answer: BedAnswer { .refused(code: code, words: words) }

    static let noPlace = BedRefusal(
        .patients,
        "Nothing was done: the unit cannot keep who its patients are. Tell the technician; the bed stays as "
            + "it was.")
    static let noJournal = BedRefusal(
        .journal, "Nothing was done: the journal does not take it. Ask again; tell the technician if it stays so.")
}

extension BedDesk {
    /// Decides, and does nothing.
    func decide(_ request: BedRequest, now: BindingFold.Position) throws(BedRefusal) -> BedDecision {
        switch request {
        case .list(let isClinician): return .list(isClinician: isClinician)
        case .choosePreset(let bed, let name, let by): return try choose(name, at: bed, by)
        case .bind(let bed, let identifiers, let since, let by):
            return try bind(identifiers, at: bed, since: since, by, now)
        case .unbind(let bed, let by):
            let called = try name(of: bed)
            guard let binding = fold.openBinding(atBed: bed) ?? fold.lostBinding(atBed: bed) else {
                throw notBound(called)
            }
            return .record(
                [.unbound(bed: bed, binding: binding.number, by: [by])], patient: nil, bed: bed,
                words: "\(called): the patient is not there any more. Values are nobody's until somebody is bound.")
        case .withdraw(let bed, let number, let by):
            let called = try name(of: bed)
            let binding = try self.binding(number, at: bed, called)
            if binding.isWithdrawn { throw BedRefusal(.withdrawn, "\(called): that binding was withdrawn already.") }
            return .record(
                [.withdrawn(bed: bed, binding: binding.number, by: [by])], patient: nil, bed: bed,
                words: "\(called): binding \(binding.number) is withdrawn. All that was filed under it is marked as "
                    + "entered in error.")
        case .replace(let bed, let number, let identifiers, let by):
            return try replace(number, with: identifiers, at: bed, by, now)
        case .enter(let bed, let item, let value, let by):
            let called = try name(of: bed)
            if let fault = rules.fault(item, value) { throw BedRefusal(.entry, fault) }
            return .record(
                [.entered(bed: bed, BedEntry(item: item, value: value, by: [by]))], patient: nil, bed: bed,
                words: "\(called): entered.")
        }
    }

    // MARK: Each

    private func choose(_ name: String, at bed: String, _ by: String) throws(BedRefusal) -> BedDecision {
        let called = try self.name(of: bed)
        guard let preset = rules.preset(name) else {
            let names = rules.presets.map(\.name).sorted().joined(separator: ", ")
            throw BedRefusal(.unknownPreset, "There is no such preset. There are: \(names.isEmpty ? "none" : names).")
        }
        let choice = preset.choice(by: [by])
        let review = preset.isReviewed ? "" : " No clinician has reviewed this preset."
        return .record(
            [.presetChosen(bed: bed, choice)], patient: nil, bed: bed,
            words: "\(called) is watched by \(name) now.\(review)")
    }

    private func bind(
        _ entered: [EnteredIdentifier], at bed: String, since: Int64, _ by: String, _ now: BindingFold.Position
    ) throws(BedRefusal) -> BedDecision {
        let called = try name(of: bed)
        guard (0...Self.longestLate).contains(since) else {
            throw BedRefusal(.since, "A patient can be bound from 24 hours ago on, and not from before that.")
        }
        guard fold.openBinding(atBed: bed) == nil else {
            throw BedRefusal(
                .bound,
                "A patient is bound to \(called). Unbind that one first; or replace it, if it was never the one.")
        }
        let patient = try self.patient(entered, withdrawing: nil)
        if let other = fold.openBinding(ofSubject: patient.subject) {
            throw BedRefusal(
                .elsewhere, "This patient is bound to \((try? name(of: other.bed)) ?? other.bed). Unbind there first.")
        }
        let moment = since == 0 ? now.moment : fold.moment(since, before: now)
        let arrival = Arrival(subject: patient.subject, since: moment, by: [by])
        let events = [BedEvent.bound(bed: bed, arrival)]
        guard fits(events, now) else {
            throw BedRefusal(
                .since,
                "At that time somebody else was bound to \(called), or this patient to another bed. Say a later "
                    + "time.")
        }
        return .record(
            events, patient: patient, bed: bed,
            words: "\(called): the patient is bound. Compare what is shown with the wristband.")
    }

    private func replace(
        _ number: Int64?, with entered: [EnteredIdentifier], at bed: String, _ by: String, _ now: BindingFold.Position
    ) throws(BedRefusal) -> BedDecision {
        let called = try name(of: bed)
        let binding = try self.binding(number, at: bed, called)
        var events: [BedEvent] = []
        switch binding.state {
        case .open, .ended: events = [.withdrawn(bed: bed, binding: binding.number, by: [by])]
        case .withdrawn(let withdrawal):
            if let other = withdrawal.replacement {
                throw BedRefusal(
                    .replaced,
                    "\(called): binding \(other) stands in its place. If that is wrong too, replace \(other).")
            }
        }
        let patient = try self.patient(entered, withdrawing: binding)
        if patient.subject == binding.subject {
            throw BedRefusal(.samePatient, "\(called): this is the patient who is bound already. Nothing was done.")
        }
        let arrival = Arrival(
            subject: patient.subject, since: binding.since, replaces: binding.number, by: [by])
        events.append(.bound(bed: bed, arrival))
        guard fits(events, now) else {
            throw BedRefusal(
                .elsewhere,
                "This patient was bound to another bed at that time. If two were mixed up, withdraw both, "
                    + "then replace each.")
        }
        return .record(
            events, patient: patient, bed: bed,
            words: "\(called): the patient is corrected. What was filed under the other is marked as entered in error, "
                + "and filed anew. Compare what is shown with the wristband.")
    }

    // MARK: What they rest on

    /// What people call the bed.
    private func name(of bed: String) throws(BedRefusal) -> String {
        if let configured = fold.beds[bed] { return configured.name }
        // Of a bed that the configuration does not say rightly somebody may still be taken away.
        if fold.openBinding(atBed: bed) != nil { return bed }
        let ids = fold.beds.keys.sorted().joined(separator: ", ")
        throw BedRefusal(.unknownBed, "There is no such bed. There are: \(ids.isEmpty ? "none" : ids).")
    }

    private func notBound(_ called: String) -> BedRefusal { BedRefusal(.notBound, "No patient is bound to \(called).") }

    private func binding(_ number: Int64?, at bed: String, _ called: String) throws(BedRefusal) -> Binding {
        guard let number else {
            guard let binding = fold.openBinding(atBed: bed) else {
                throw BedRefusal(.notBound, "No patient is bound to \(called): say which binding, by its number.")
            }
            return binding
        }
        guard let binding = fold.binding(number), binding.bed == bed else {
            throw BedRefusal(.unknownBinding, "\(called) has no such binding.")
        }
        return binding
    }

    /// Who somebody is. Those who were only ever bound by mistake do not count among the known.
    ///
    /// - Parameter withdrawn: a binding that is being withdrawn.
    private func patient(
        _ entered: [EnteredIdentifier], withdrawing withdrawn: Binding?
    ) throws(BedRefusal) -> KeptPatient {
        let identifiers: PatientIdentifiers
        do throws(IdentifierFault) {
            identifiers = try PatientIdentifiers(entered.map { ($0.kind, $0.text) })
        } catch { throw BedRefusal(.identifiers, error.words) }
        guard let store else { throw .noPlace }
        let counting = Set(
            fold.bindings.filter { !$0.isWithdrawn && $0.number != withdrawn?.number }.map(\.subject))
        let mistaken = Set(fold.bindings.map(\.subject)).subtracting(counting)
        func list(_ kinds: [IdentifierKind]) -> String { kinds.map(\.words).joined(separator: ", ") }
        switch PatientMatch.match(identifiers, among: store.known.filter { !mistaken.contains($0.key) }) {
        case .new: return KeptPatient(subject: store.subject(of: identifiers), identifiers: identifiers)
        case .known(let subject, let all): return KeptPatient(subject: subject, identifiers: all)
        case .differs(let kinds):
            throw BedRefusal(
                .differs,
                "One of these numbers belongs to a patient of whom the unit knows another \(list(kinds)). "
                    + "Read the wristband again. If the earlier entry was wrong, replace that binding first.")
        case .needs(let kinds):
            throw BedRefusal(
                .needs,
                "The unit knows a patient by one of these numbers. To be sure, enter one more of: "
                    + "\(list(kinds)).")
        }
    }

    /// Whether the fold would take them.
    private func fits(_ events: [BedEvent], _ now: BindingFold.Position) -> Bool {
        var trial = fold
        return events.enumerated().allSatisfy { place, event in
            let number = max(now.sequence, fold.lastSequence) + 1 + Int64(place)
            let position = BindingFold.Position(sequence: number, moment: now.moment, utc: now.utc)
            return trial.take(event, at: position) != .contradiction
        }
    }
}
