/// A time in which a far clinician may look, as somebody on the unit opened it.
package struct Consultation: Sendable, Hashable {
    /// The most that are open at once.
    package static let most = 4
    /// How long one may be. Unit: ns.
    package static let durations: ClosedRange<Int64> = 60_000_000_000...14_400_000_000_000
    /// The most visits at once: a clinician with a screen, a telephone, and what each left hanging.
    package static let mostVisits = 8

    /// One of its clinician's machines, while it looks.
    package struct Visit: Sendable, Hashable {
        /// The sequence of the event by which it began.
        package let number: Int64
        /// The address at the other end.
        package let from: String
    }

    /// The sequence of the event by which it was opened.
    package let number: Int64
    package let grant: ConsultationGrant
    /// When somebody opened it, and when it ends, by the wall clock as it was then. Unit: ns since 1970.
    package let openedUTC: Int64
    package let untilUTC: Int64
    /// In the order in which they began.
    package internal(set) var visits: [Visit] = []
}

/// What somebody on the unit lets a far clinician see.
package struct ConsultationGrant: Sendable, Hashable {
    /// The clinician's id in the unit's configuration.
    package let clinician: String
    /// What people call the clinician.
    package let name: String
    /// SHA-256 of the certificate that may come in, in 64 hexadecimal digits.
    package let certificate: String
    /// The one bed that is seen; `nil` for all.
    package let bed: String?
    /// From then on nothing is seen any more. Unit: ns of the session's monotonic clock.
    package let until: Int64
    /// The ids of those who opened it.
    package let by: [String]

    package init(
        clinician: String, name: String, certificate: String, bed: String?, until: Int64, by: [String]
    ) {
        (self.clinician, self.name, self.certificate) = (clinician, name, certificate)
        (self.bed, self.until, self.by) = (bed, until, by)
    }
}

/// Why a consultation is over.
package enum ConsultationEnding: Sendable, Hashable {
    case closed(by: [String])
    case expired
    /// The configuration has the clinician, the certificate or the bed no longer.
    case removed
}

/// Something that happened to a consultation.
package enum ConsultationEvent: Sendable, Hashable {
    /// The consultation's number is the event's.
    case opened(ConsultationGrant)
    case closed(consultation: Int64, ConsultationEnding)
    /// The visit's number is the event's.
    case joined(consultation: Int64, from: String)
    case left(consultation: Int64, visit: Int64)
}
