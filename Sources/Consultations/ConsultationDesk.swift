/// What is asked about consultations. Whoever asks is told by their id.
package enum ConsultationRequest: Sendable, Hashable {
    /// Those that are open, and the clinicians for whom one can be opened.
    case list
    /// - Parameters:
    ///   - clinician: the id in the unit's configuration.
    ///   - bed: the one that is seen; `nil` for all.
    ///   - length: unit ns; range ``Consultation/durations``.
    case open(clinician: String, bed: String?, length: Int64, by: String)
    case close(number: Int64, by: String)
    /// The process that shows the screens says that somebody with this certificate wants to look.
    case join(number: Int64, certificate: String, from: String)
    case leave(number: Int64, visit: Int64)
}

/// What is answered. Words are sentences for a nurse; they hold nothing of a patient.
package enum ConsultationAnswer: Sendable, Hashable {
    case refused(code: Refusal, words: String)
    /// - Parameter words: what was done; `nil` where nothing was to be done.
    case book(ConsultationBook, words: String?)
    /// Looking is recorded, and may begin: the visit's number.
    case visit(Int64)

    /// One word for why, for programs.
    package enum Refusal: String, Sendable, CaseIterable {
        case farOff
        case unknownClinician
        case unknownBed
        case alreadyOpen
        case tooMany
        case seconds
        case unknownConsultation
        case otherCertificate
        case visits
        case journal
    }
}

/// What is open, and what can be opened.
package struct ConsultationBook: Sendable, Hashable {
    package let open: [Consultation]
    package let clinicians: [FarClinician]
    /// Whether this unit has a port for far clinicians at all.
    package let isListening: Bool
    /// Unit: ns of the monotonic clock.
    package let now: Int64

    package init(open: [Consultation], clinicians: [FarClinician], isListening: Bool, now: Int64) {
        (self.open, self.clinicians, self.isListening, self.now) = (open, clinicians, isListening, now)
    }
}

/// A clinician for whom a consultation can be opened, as the unit's configuration has them.
package struct FarClinician: Sendable, Hashable {
    /// Shape: lower-case letters, digits and hyphens, at most 40.
    package let id: String
    package let name: String
    /// SHA-256 of the certificate, in 64 hexadecimal digits.
    package let certificate: String

    package init(id: String, name: String, certificate: String) {
        (self.id, self.name, self.certificate) = (id, name, certificate)
    }
}

/// The consultations' part on the recorder's thread: decides by the fold, makes each event durable, and only then takes
/// it for true.
///
/// Everything here is called by that one thread; nothing waits but for the disk.
package final class ConsultationDesk {
    /// Makes events durable in one transaction at this time, and returns the number of the last one.
    package typealias Writing = ([ConsultationEvent]) throws -> Int64

    /// What the unit is configured to let in.
    package struct Door: Sendable, Hashable {
        package let clinicians: [FarClinician]
        package let beds: Set<String>
        /// Whether there is a port for them.
        package let isListening: Bool

        package init(clinicians: [FarClinician], beds: Set<String>, isListening: Bool) {
            (self.clinicians, self.beds, self.isListening) = (clinicians, beds, isListening)
        }
    }

    /// The most visits of one consultation that are recorded: one in 29 s for the longest. Who comes and goes without
    /// end does not fill the journal.
    static let mostRecordedVisits = 500

    package private(set) var fold = ConsultationFold()
    private var door: Door
    /// How many visits were recorded, by the consultation's number.
    private var recorded: [Int64: Int] = [:]

    /// A session begins with nothing open: see ``ConsultationFold``.
    package init(_ door: Door) { self.door = door }

    /// What is configured changed. What it has no longer is closed in the next round.
    package func change(_ door: Door) { self.door = door }

    /// The journal took an event that others wrote: a session's beginning, a damage to its files.
    package func took(kind: String, body: String, at position: ConsultationFold.Position) {
        fold.take(kind: kind, body: body, at: position)
    }

    /// Says of each that is over by its time, or by the configuration, that it is. What cannot be written is over all
    /// the same, and said in a later round.
    package func turn(now: ConsultationFold.Position, write: Writing) {
        let expired = fold.expired(at: now.nanoseconds).map {
            ConsultationEvent.closed(consultation: $0.number, .expired)
        }
        let removed = fold.open(at: now.nanoseconds).filter { !isConfigured($0.grant) }.map {
            ConsultationEvent.closed(consultation: $0.number, .removed)
        }
        if !(expired + removed).isEmpty { _ = try? record(expired + removed, now: now, write: write) }
    }

    private func isConfigured(_ grant: ConsultationGrant) -> Bool {
        door.isListening && grant.bed.map(door.beds.contains) ?? true
            && door.clinicians.contains { $0.id == grant.clinician && $0.certificate == grant.certificate }
    }

    private struct Refused: Error {
        let answer: ConsultationAnswer

        init(_ code: ConsultationAnswer.Refusal, _ words: String) { answer = .refused(code: code, words: words) }
    }

    /// Answers what somebody asks; all of it is durable when this returns.
    ///
    /// - Parameters:
    ///   - now: what is decided is written with this time; its sequence does not count.
    ///   - write: makes events durable, or throws; nothing has been done where it throws.
    package func answer(
        _ request: ConsultationRequest, now: ConsultationFold.Position, write: Writing
    ) -> ConsultationAnswer {
        turn(now: now, write: write)
        do throws(Refused) {
            switch request {
            case .list: return .book(book(at: now.nanoseconds), words: nil)
            case .open(let clinician, let bed, let length, let by):
                return try open(clinician, bed, length, by: by, now: now, write: write)
            case .close(let number, let by):
                let consultation = try find(number, now)
                try record([.closed(consultation: number, .closed(by: [by]))], now: now, write: write)
                return .book(
                    book(at: now.nanoseconds), words: "\(consultation.grant.name) sees nothing of this unit any more.")
            case .join(let number, let certificate, let from):
                return .visit(try join(number, certificate, from, now: now, write: write))
            case .leave(let number, let visit):
                guard try find(number, now).visits.contains(where: { $0.number == visit }) else {
                    throw Refused(.unknownConsultation, "There is no such visit.")
                }
                try record([.left(consultation: number, visit: visit)], now: now, write: write)
                return .visit(visit)
            }
        } catch { return error.answer }
    }

    private func open(
        _ id: String, _ bed: String?, _ length: Int64, by: String, now: ConsultationFold.Position, write: Writing
    ) throws(Refused) -> ConsultationAnswer {
        guard door.isListening else {
            throw Refused(.farOff, "This unit has no port for far clinicians: nobody can look from outside.")
        }
        guard let clinician = door.clinicians.first(where: { $0.id == id }) else {
            throw Refused(.unknownClinician, "The unit knows no far clinician “\(id)”.")
        }
        guard bed.map(door.beds.contains) ?? true else {
            throw Refused(.unknownBed, "The unit has no bed “\(bed ?? "")”.")
        }
        guard Consultation.durations.contains(length) else {
            throw Refused(.seconds, "A consultation lasts one minute to four hours.")
        }
        let open = fold.open(at: now.nanoseconds)
        guard !open.contains(where: { $0.grant.certificate == clinician.certificate }) else {
            throw Refused(
                .alreadyOpen, "\(clinician.name) may look already: close that consultation first, then open another.")
        }
        guard open.count < Consultation.most else {
            throw Refused(.tooMany, "\(Consultation.most) consultations are open, which is the most: close one first.")
        }
        let grant = ConsultationGrant(
            clinician: id, name: clinician.name, certificate: clinician.certificate, bed: bed,
            until: now.nanoseconds &+ length, by: [by])
        try record([.opened(grant)], now: now, write: write)
        return .book(
            book(at: now.nanoseconds),
            words: "\(clinician.name) may look at \(bed ?? "all beds") for \(length / 60_000_000_000) minutes.")
    }

    private func join(
        _ number: Int64, _ certificate: String, _ from: String, now: ConsultationFold.Position, write: Writing
    ) throws(Refused) -> Int64 {
        let consultation = try find(number, now)
        guard consultation.grant.certificate == certificate else {
            throw Refused(.otherCertificate, "The consultation is for another certificate.")
        }
        guard recorded[number, default: 0] < Self.mostRecordedVisits else {
            throw Refused(.visits, "Too many visits in one consultation: somebody on the unit opens it anew.")
        }
        let visit = try record([.joined(consultation: number, from: from)], now: now, write: write)
        recorded = recorded.filter { fold.open(number: $0.key, at: now.nanoseconds) != nil }
        recorded[number, default: 0] += 1
        return visit
    }

    private func find(_ number: Int64, _ now: ConsultationFold.Position) throws(Refused) -> Consultation {
        guard let consultation = fold.open(number: number, at: now.nanoseconds) else {
            throw Refused(.unknownConsultation, "No such consultation is open: it is over, or was closed.")
        }
        return consultation
    }

    /// Returns the number of the last event.
    @discardableResult
    private func record(
        _ events: [ConsultationEvent], now: ConsultationFold.Position, write: Writing
    ) throws(Refused) -> Int64 {
        guard let last = try? write(events) else {
            throw Refused(.journal, "This unit cannot record anything now, so nothing was done: ask again.")
        }
        for (place, event) in events.enumerated() {
            let number = last - Int64(events.count - 1 - place)
            fold.take(
                event,
                at: ConsultationFold.Position(
                    sequence: number, session: now.session, nanoseconds: now.nanoseconds, utc: now.utc))
        }
        return last
    }

    private func book(at now: Int64) -> ConsultationBook {
        ConsultationBook(
            open: fold.open(at: now), clinicians: door.clinicians, isListening: door.isListening, now: now)
    }
}
