import DeviceModel
import Foundation

/// What tells a patient from others: two of different kinds at least.
package struct PatientIdentifiers: Sendable, Hashable {
    /// As they were entered, without space around them.
    package let entered: [IdentifierKind: String]
    /// In the one form in which they are compared. It is reached by this alone: no space around, Arabic-Indic digits as
    /// Western ones, lower case, Unicode's composed form. Nothing else is repaired.
    package let canonical: [IdentifierKind: String]

    /// The longest text that is looked at. Unit: bytes.
    package static let longest = 256

    private init(entered: [IdentifierKind: String], canonical: [IdentifierKind: String]) {
        (self.entered, self.canonical) = (entered, canonical)
    }

    /// Throws ``IdentifierFault``, which never holds what was entered.
    package init(_ entries: [(kind: String, text: String)]) throws(IdentifierFault) {
        var (entered, canonical): ([IdentifierKind: String], [IdentifierKind: String]) = ([:], [:])
        for (word, text) in entries {
            guard let kind = IdentifierKind(rawValue: word) else { throw .unknownKind }
            guard entered[kind] == nil else { throw .twice(kind) }
            guard text.utf8.count <= Self.longest else { throw .form(kind) }
            let trimmed = Self.trimmed(text)
            let form = Self.canonicalForm(trimmed)
            guard Printable.text(trimmed, keepingLines: false) == trimmed else { throw .unseen(kind) }
            guard kind.isOne(form) else { throw .form(kind) }
            (entered[kind], canonical[kind]) = (trimmed, form)
        }
        guard entered.count >= 2 else { throw .tooFew }
        (self.entered, self.canonical) = (entered, canonical)
    }

    private static func trimmed(_ text: String) -> String {
        guard let first = text.firstIndex(where: { !$0.isWhitespace }),
            let last = text.lastIndex(where: { !$0.isWhitespace })
        else { return "" }
        return String(text[first...last])
    }

    private static func canonicalForm(_ text: String) -> String {
        var digits = String.UnicodeScalarView()
        for scalar in text.unicodeScalars {
            let value: UInt32? =
                switch scalar.value {
                case 0x0660...0x0669: scalar.value - 0x0660
                case 0x06F0...0x06F9: scalar.value - 0x06F0
                default: nil
                }
            digits.append(value.flatMap { Unicode.Scalar(0x30 + $0) } ?? scalar)
        }
        return String(digits).lowercased().precomposedStringWithCanonicalMapping
    }

    /// What the patient's digest is made of: each kind with its length before its text, so that no two patients give
    /// the same bytes.
    package var digested: [UInt8] {
        var text = "nabd-subject/1\n"
        for (kind, value) in canonical.sorted(by: { $0.key < $1.key }) {
            text += "\(kind.rawValue)=\(value.utf8.count):\(value)\n"
        }
        return Array(text.utf8)
    }

    /// The kinds that both have.
    func shared(with other: PatientIdentifiers) -> (same: [IdentifierKind], different: [IdentifierKind]) {
        let kinds = canonical.keys.filter { other.canonical[$0] != nil }.sorted()
        func isSame(_ kind: IdentifierKind) -> Bool {
            (canonical[kind] ?? "").utf8.elementsEqual((other.canonical[kind] ?? "").utf8)
        }
        return (kinds.filter(isSame), kinds.filter { !isSame($0) })
    }

    /// These, and what only the other has.
    func joined(with other: PatientIdentifiers) -> PatientIdentifiers {
        PatientIdentifiers(
            entered: entered.merging(other.entered) { own, _ in own },
            canonical: canonical.merging(other.canonical) { own, _ in own })
    }
}

/// Why nobody can be told by what was entered. It never holds what was entered.
package enum IdentifierFault: Error, Sendable, Hashable {
    case unknownKind
    case twice(IdentifierKind)
    case form(IdentifierKind)
    /// With a character that nobody sees, such as a mark of direction.
    case unseen(IdentifierKind)
    case tooFew

    package var words: String {
        let kinds = IdentifierKind.allCases.map { "\($0.words) (\($0.rawValue))" }.joined(separator: ", ")
        return switch self {
        case .unknownKind: "A patient is told by two of these: \(kinds)."
        case .twice(let kind): "The \(kind.words) was entered twice."
        case .form(let kind): "What was entered is no \(kind.words): \(kind.form)."
        case .unseen(let kind): "The \(kind.words) holds a character that nobody sees: type it, do not paste it."
        case .tooFew: "Two of different kinds are needed: \(kinds)."
        }
    }
}

/// Whether somebody who is entered is known already.
package enum PatientMatch: Sendable, Hashable {
    case new
    /// - all: what is known of the patient now.
    case known(subject: String, all: PatientIdentifiers)
    /// The same number belongs to somebody of whom something else is known.
    case differs([IdentifierKind])
    /// The same number is known, and nothing else that was entered: one of these would tell.
    case needs([IdentifierKind])

    /// Two that agree tell a patient, as two are what a patient is bound by; one of them must be that patient's own.
    /// What both say and say differently tells two patients apart. Nothing is guessed from a name alone.
    ///
    /// - Parameter known: what is kept of patients, by their subjects.
    package static func match(_ entered: PatientIdentifiers, among known: [String: PatientIdentifiers]) -> PatientMatch
    {
        if let same = known.filter({ $0.value.canonical == entered.canonical }).min(by: { $0.key < $1.key }) {
            return .known(subject: same.key, all: same.value)
        }
        let candidates = known.filter { _, other in
            entered.shared(with: other).same.contains(where: \.isOnesOwn)
        }
        let different = candidates.flatMap { entered.shared(with: $0.value).different }
        if !different.isEmpty { return .differs(Array(Set(different)).sorted()) }
        guard let (subject, other) = candidates.first else { return .new }
        // Numbers of two patients.
        if candidates.count > 1 { return .differs(entered.canonical.keys.filter(\.isOnesOwn).sorted()) }
        guard entered.shared(with: other).same.count >= 2 else {
            return .needs(other.canonical.keys.filter { entered.canonical[$0] == nil }.sorted())
        }
        return .known(subject: subject, all: entered.joined(with: other))
    }
}
