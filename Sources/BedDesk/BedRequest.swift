package import Alarms
package import Patients

/// What is asked about a bed, by people who have signed in. Whoever asks is told by their id.
package enum BedRequest: Sendable, Hashable {
    /// Every bed. Who the patients are is told to those who may know it.
    ///
    /// - Parameter isClinician: whether who asks may know.
    case list(isClinician: Bool)
    case choosePreset(bed: String, preset: String, by: String)
    /// - Parameters:
    ///   - since: for how long the patient has been there. Unit: ns. Range: 0 to ``BedDesk/longestLate``.
    case bind(bed: String, identifiers: [EnteredIdentifier], since: Int64, by: String)
    case unbind(bed: String, by: String)
    /// It was another patient.
    ///
    /// - Parameter binding: its number; `nil` for the one that is open.
    case withdraw(bed: String, binding: Int64?, by: String)
    /// It was another patient, namely this one.
    case replace(bed: String, binding: Int64?, identifiers: [EnteredIdentifier], by: String)
    case enter(bed: String, item: String, value: String, by: String)

    /// Whether a clinician must ask it.
    package var isForClinicians: Bool {
        switch self {
        case .list: false
        case .choosePreset, .bind, .unbind, .withdraw, .replace, .enter: true
        }
    }
}

/// One of the things that a patient is told by, as somebody typed it.
package struct EnteredIdentifier: Sendable, Hashable {
    /// Such as `mrn`.
    package let kind: String
    package let text: String

    package init(kind: String, text: String) { (self.kind, self.text) = (kind, text) }
}

/// What is answered. Words are sentences for a nurse; they hold nothing of a patient.
package enum BedAnswer: Sendable, Hashable {
    case refused(code: Refusal, words: String)
    case beds([BedView])
    /// The bed as it is now; with who the patient is, for whoever typed it to compare.
    case done(words: String, BedView)

    /// The same with what nothing at a bed is held against.
    package func adding(_ unwatched: (_ bed: String) -> [UnwatchedLimit]) -> BedAnswer {
        func view(_ view: BedView) -> BedView {
            var view = view
            view.unwatched = unwatched(view.bed)
            return view
        }
        switch self {
        case .refused: return self
        case .beds(let views): return .beds(views.map(view))
        case .done(let words, let bed): return .done(words: words, view(bed))
        }
    }

    /// One word for why, for programs.
    package enum Refusal: String, Sendable, CaseIterable {
        case unknownBed
        case unknownPreset
        case identifiers
        /// What is known of the patient is otherwise.
        case differs
        /// Something more is needed to be sure.
        case needs
        case bound
        case notBound
        case elsewhere
        case unknownBinding
        case withdrawn
        case replaced
        case samePatient
        case since
        case entry
        /// The place of the patients cannot be used.
        case patients
        case journal
    }
}

/// A bed, as those who ask see it.
package struct BedView: Sendable, Hashable {
    package struct Patient: Sendable, Hashable {
        /// The binding's number.
        package let binding: Int64
        package let since: Moment
        /// Unit: ns since 1970; `nil` where that session is not known any more.
        package let sinceUTC: Int64?
        /// The ids of those who bound.
        package let by: [String]
        /// Who it is, as it was typed; `nil` for those who may not know it, and where it is not known.
        package let identifiers: [IdentifierKind: String]?
    }

    package let bed: String
    package let name: String
    package let nameArabic: String
    /// The handles of its devices.
    package let devices: [String]
    package let preset: PresetChoice?
    /// `nil`: nobody is known to be there.
    package let patient: Patient?
    /// Whether somebody was there when the record was damaged: bind anew, or say that the patient is gone.
    package let isLost: Bool
    /// Whether its preset can be read: otherwise nobody watches its limits.
    package let isWatched: Bool
    /// Limits of its preset that no device there is held against; whoever watches the bed says which.
    package internal(set) var unwatched: [UnwatchedLimit] = []

    package var isBound: Bool { patient != nil }
}
