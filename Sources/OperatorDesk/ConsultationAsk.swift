package import Consultations

/// What is asked about consultations, before it is known who asks.
package enum ConsultationAsk: Sendable, Hashable {
    /// How long one may be. Unit: s.
    package static let seconds =
        Int(Consultation.durations.lowerBound / 1_000_000_000)...Int(Consultation.durations.upperBound / 1_000_000_000)

    case list
    /// - Parameters:
    ///   - clinician: the id in the unit's configuration.
    ///   - bed: the one that is seen; `nil` for all.
    ///   - seconds: range ``seconds``.
    case open(clinician: String, bed: String?, seconds: Int)
    /// Anybody who has signed in may shut the door.
    case close(Int64)
    /// The process that shows the screens asks, for somebody who came with this certificate: looking begins when it is
    /// recorded. Nobody signs in for it: it changes nothing but the record of who looked, and only while somebody on
    /// the unit has opened it.
    case join(Int64, certificate: String, from: String)
    case leave(Int64, visit: Int64)

    /// Whether a clinician must ask it.
    var isForClinicians: Bool { if case .open = self { true } else { false } }

    /// What is asked without anybody's sign-in; `nil` where somebody must say who they are.
    var unsigned: ConsultationRequest? {
        switch self {
        case .join(let number, let certificate, let from):
            .join(number: number, certificate: certificate, from: from)
        case .leave(let number, let visit): .leave(number: number, visit: visit)
        case .list, .open, .close: nil
        }
    }

    /// The same, asked by somebody who is known.
    func request(by person: String) -> ConsultationRequest {
        switch self {
        case .list: .list
        case .open(let clinician, let bed, let seconds):
            .open(clinician: clinician, bed: bed, length: Int64(seconds) * 1_000_000_000, by: person)
        case .close(let number): .close(number: number, by: person)
        case .join(let number, let certificate, let from):
            .join(number: number, certificate: certificate, from: from)
        case .leave(let number, let visit): .leave(number: number, visit: visit)
        }
    }

    var isWithinBounds: Bool {
        switch self {
        case .list: true
        case .open(let clinician, let bed, let seconds):
            DeskLine.isShort(clinician) && bed.map(DeskLine.isShort) ?? true && Self.seconds.contains(seconds)
        case .close(let number): number > 0
        case .join(let number, let certificate, let from):
            number > 0 && ConsultationRecord.isDigest(certificate) && ConsultationRecord.isAddress(from)
        case .leave(let number, let visit): number > 0 && visit > 0
        }
    }
}

extension ConsultationAsk {
    var wire: DeskLine.Wire {
        var wire: DeskLine.Wire
        switch self {
        case .list: wire = DeskLine.Wire("consultations")
        case .open(let clinician, let bed, let seconds):
            wire = DeskLine.Wire("openConsultation")
            (wire.clinician, wire.bed, wire.seconds) = (clinician, bed, seconds)
        case .close(let number): wire = DeskLine.Wire("closeConsultation", number: number)
        case .join(let number, let certificate, let from):
            wire = DeskLine.Wire("joinConsultation", number: number)
            (wire.certificate, wire.from) = (certificate, from)
        case .leave(let number, let visit):
            wire = DeskLine.Wire("leaveConsultation", number: number)
            wire.visit = visit
        }
        return wire
    }

    /// `nil` where the line asks something else.
    init?(_ wire: DeskLine.Wire) throws(DeskLine.Fault) {
        switch wire.ask {
        case "consultations": self = .list
        case "openConsultation":
            self = .open(
                clinician: try DeskLine.given(wire.clinician), bed: wire.bed, seconds: try DeskLine.given(wire.seconds))
        case "closeConsultation": self = .close(try DeskLine.given(wire.number))
        case "joinConsultation":
            self = .join(
                try DeskLine.given(wire.number), certificate: try DeskLine.given(wire.certificate),
                from: try DeskLine.given(wire.from))
        case "leaveConsultation":
            self = .leave(try DeskLine.given(wire.number), visit: try DeskLine.given(wire.visit))
        default: return nil
        }
    }
}

/// What is open and what can be opened, as it is told over the socket.
package struct ConsultationReport: Sendable, Hashable, Codable {
    package struct Open: Sendable, Hashable, Codable {
        /// The consultation's number.
        package let consultation: Int64
        package let clinician: String
        package let name: String
        /// `nil`: all.
        package let bed: String?
        /// Unit: ns since 1970.
        package let until: Int64
        /// How long it goes on. Unit: s.
        package let seconds: Int64
        /// The ids of those who opened it.
        package let by: [String]
        /// How many of the clinician's machines look now.
        package let viewers: Int
    }

    package struct Clinician: Sendable, Hashable, Codable {
        package let clinician: String
        package let name: String
    }

    package let open: [Open]
    /// Those for whom one can be opened, in the configuration's order.
    package let clinicians: [Clinician]
    /// Whether this unit has a port for them.
    package let isListening: Bool

    package init(_ book: ConsultationBook) {
        open = book.open.map { consultation in
            Open(
                consultation: consultation.number, clinician: consultation.grant.clinician,
                name: consultation.grant.name, bed: consultation.grant.bed, until: consultation.untilUTC,
                seconds: (consultation.grant.until - book.now) / 1_000_000_000, by: consultation.grant.by,
                viewers: consultation.visits.count)
        }
        clinicians = book.clinicians.map { Clinician(clinician: $0.id, name: $0.name) }
        isListening = book.isListening
    }

    package init(open: [Open], clinicians: [Clinician], isListening: Bool) {
        (self.open, self.clinicians, self.isListening) = (open, clinicians, isListening)
    }
}

extension DeskAnswer {
    package init(_ answer: ConsultationAnswer) {
        switch answer {
        case .refused(let code, let words): self = .refused(code: code.rawValue, words: words, command: nil)
        case .book(let book, let words): self = .consultations(ConsultationReport(book), words: words)
        case .visit(let number): self = .visit(number)
        }
    }
}
