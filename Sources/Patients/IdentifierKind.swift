import DeviceModel

/// By what a patient is told from others.
package enum IdentifierKind: String, Sendable, Hashable, CaseIterable, Comparable {
    case birthDate = "birth-date"
    case iqama
    case mrn
    case name
    case nationalID = "national-id"
    case passport

    package static func < (left: IdentifierKind, right: IdentifierKind) -> Bool { left.rawValue < right.rawValue }

    /// Whether nobody else has the same.
    package var isOnesOwn: Bool {
        switch self {
        case .iqama, .mrn, .nationalID, .passport: true
        case .birthDate, .name: false
        }
    }

    /// What people call it.
    package var words: String {
        switch self {
        case .birthDate: "date of birth"
        case .iqama: "iqama"
        case .mrn: "medical record number"
        case .name: "name"
        case .nationalID: "national id"
        case .passport: "passport number"
        }
    }

    package var arabicWords: String {
        switch self {
        case .birthDate: "تاريخ الميلاد"
        case .iqama: "رقم الإقامة"
        case .mrn: "رقم الملف الطبي"
        case .name: "الاسم"
        case .nationalID: "رقم الهوية الوطنية"
        case .passport: "رقم جواز السفر"
        }
    }

    /// The form that one of this kind has, said to whoever entered another.
    package var form: String {
        switch self {
        case .birthDate: "a date of birth is written as year-month-day, such as 1958-03-07, in the Gregorian calendar"
        case .iqama: "an iqama has ten digits, the first of them 2; the last one checks the others"
        case .mrn: "a medical record number has 1 to 32 letters, digits, hyphens, points or slashes"
        case .name: "a name has 2 to 200 bytes, a letter among them, and one space between its words"
        case .nationalID: "a national id has ten digits, the first of them 1; the last one checks the others"
        case .passport: "a passport number has 3 to 20 letters and digits"
        }
    }

    /// Whether a text in the canonical form is one of this kind.
    func isOne(_ text: String) -> Bool {
        let bytes = Array(text.utf8)
        switch self {
        case .birthDate:
            guard let match = text.wholeMatch(of: /([0-9]{4})-([0-9]{2})-([0-9]{2})/), let year = Int64(match.1),
                let month = Int64(match.2), let day = Int64(match.3), (1880...2150).contains(year)
            else { return false }
            return UTCTime.nanoseconds(year: year, month: month, day: day, hour: 0, minute: 0, second: 0) != nil
        case .iqama: return bytes.first == UInt8(ascii: "2") && Self.isChecked(bytes)
        case .nationalID: return bytes.first == UInt8(ascii: "1") && Self.isChecked(bytes)
        case .mrn:
            return (1...32).contains(bytes.count) && bytes.allSatisfy { Self.isLetter($0) || "-./".utf8.contains($0) }
        case .passport: return (3...20).contains(bytes.count) && bytes.allSatisfy(Self.isLetter)
        case .name:
            return (2...200).contains(bytes.count) && text.contains(where: \.isLetter) && !text.contains("  ")
                && text.allSatisfy { !$0.isWhitespace || $0 == " " }
        }
    }

    private static func isLetter(_ byte: UInt8) -> Bool { (0x61...0x7A).contains(byte) || (0x30...0x39).contains(byte) }

    /// Whether the last of ten digits is the one that Luhn's rule gives for the others.
    ///
    /// Source: secondary. Public checkers of these numbers agree on it (`saudi-id-validator`, on PyPI and on npm, and
    /// answers with worked examples); the authority's own text was not found.
    private static func isChecked(_ bytes: [UInt8]) -> Bool {
        guard bytes.count == 10, bytes.allSatisfy({ (0x30...0x39).contains($0) }) else { return false }
        let sum = bytes.enumerated().reduce(0) { sum, digit in
            let value = Int(digit.element - 0x30) * (digit.offset % 2 == 0 ? 2 : 1)
            return sum + value / 10 + value % 10
        }
        return sum % 10 == 0
    }
}
