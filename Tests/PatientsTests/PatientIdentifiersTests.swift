import Patients
import Testing

/// What a patient is told by: which forms there are, what is made equal, and who is known already.
@Suite struct PatientIdentifiersTests {
    /// Made up: the last digit is the one that the rule gives.
    static let nationalID = "1000000008"
    static let iqama = "2000000006"

    static func made(_ entries: (String, String)...) throws -> PatientIdentifiers {
        try PatientIdentifiers(entries.map { ($0.0, $0.1) })
    }

    @Test(arguments: [
        ("mrn", "A-17/3.b"), ("mrn", "٠٠٤٢"), ("national-id", nationalID), ("national-id", "١٠٠٠٠٠٠٠٠٨"),
        ("iqama", iqama), ("passport", "K1234567"), ("birth-date", "1958-03-07"), ("birth-date", "۱۹۵۸-۰۳-۰۷"),
        ("birth-date", "2000-02-29"), ("name", "نورة الحربي"), ("name", "Nora Al-Harbi"), ("name", "Li"),
    ]) func rightOnesAreTaken(kind: String, text: String) throws {
        let other = kind == "mrn" ? ("passport", "X999") : ("mrn", "1")
        let identifiers = try Self.made((kind, "  \(text)\t"), other)
        #expect(identifiers.entered[try #require(IdentifierKind(rawValue: kind))] == text, "as entered, but for space")
    }

    @Test(arguments: [
        ("mrn", ""), ("mrn", "a b"), ("mrn", "ملف"), ("mrn", String(repeating: "1", count: 33)),
        ("national-id", "1000000009"), ("national-id", "100000008"), ("national-id", "10000000080"),
        ("national-id", iqama), ("iqama", nationalID), ("iqama", "2000000007"), ("national-id", "1a00000008"),
        ("passport", "K1"), ("passport", "K-12345"), ("birth-date", "07-03-1958"), ("birth-date", "1958-02-30"),
        ("birth-date", "1958-3-7"), ("birth-date", "1377-08-16"), ("name", "N"), ("name", "42"),
        ("name", "Nora  Al-Harbi"), ("name", String(repeating: "n", count: 201)), ("name", "Nora\nAl-Harbi"),
        ("name", "Nora\u{200F} Harbi"), ("name", String(repeating: "n", count: 100_000)),
    ]) func wrongOnesAreRefusedWithoutAWordOfThem(kind: String, text: String) throws {
        let other = kind == "mrn" ? ("passport", "X999") : ("mrn", "1")
        let fault = #expect(throws: IdentifierFault.self) { try Self.made((kind, text), other) }
        let words = try #require(fault).words
        #expect(text.count < 5 || !words.contains(text))
        #expect(words.contains(try #require(IdentifierKind(rawValue: kind)).words))
    }

    @Test func everySingleWrongDigitIsFound() {
        for digits in [Self.nationalID, Self.iqama].map({ Array($0) }) {
            for place in 1..<10 {
                for digit in "0123456789" where digit != digits[place] {
                    var other = digits
                    other[place] = digit
                    let kind = digits[0] == "1" ? "national-id" : "iqama"
                    #expect(throws: IdentifierFault.self) { try Self.made((kind, String(other)), ("mrn", "1")) }
                }
            }
        }
    }

    @Test func twoOfDifferentKindsAreNeeded() {
        #expect(throws: IdentifierFault.tooFew) { try Self.made() }
        #expect(throws: IdentifierFault.tooFew) { try Self.made(("mrn", "1")) }
        #expect(throws: IdentifierFault.tooFew) { try Self.made(("name", "Nora")) }
        #expect(throws: IdentifierFault.twice(.mrn)) { try Self.made(("mrn", "1"), ("mrn", "2")) }
        #expect(throws: IdentifierFault.unknownKind) { try Self.made(("mrn", "1"), ("telephone", "2")) }
        #expect(throws: Never.self) { try Self.made(("name", "Nora"), ("birth-date", "1958-03-07")) }
    }

    @Test func onlyTheForEverSameFormIsMade() throws {
        let one = try Self.made(("mrn", "ab-٠١٢"), ("name", "Jose\u{301} Al-Harbi"))
        let other = try Self.made(("name", " JOS\u{C9} AL-HARBI "), ("mrn", "AB-012"))
        #expect(one.digested == other.digested)
        for (kind, text) in [("mrn", "ab-12"), ("mrn", "ab012"), ("name", "Jose Al-Harbi"), ("name", "José Al Harbi")] {
            var entries = ["mrn": "ab-012", "name": "Jos\u{E9} Al-Harbi"]
            entries[kind] = text
            let made = try PatientIdentifiers(entries.map { ($0.key, $0.value) })
            #expect(made.digested != one.digested, "\(text) is somebody else")
        }
    }

    @Test func whatIsDigestedTellsKindsAndLengths() throws {
        let one = try Self.made(("mrn", "1"), ("passport", "234"))
        let other = try Self.made(("mrn", "12"), ("passport", "334"))
        #expect(String(decoding: one.digested, as: UTF8.self) == "nabd-subject/1\nmrn=1:1\npassport=3:234\n")
        #expect(one.digested != other.digested)
    }

    // MARK: Who is known

    static func known() throws -> [String: PatientIdentifiers] {
        [
            "nora": try made(("mrn", "1"), ("name", "Nora")),
            "omar": try made(("mrn", "2"), ("birth-date", "1958-03-07"), ("passport", "K123")),
            "sara": try made(("name", "Sara"), ("birth-date", "1990-01-01")),
        ]
    }

    enum Expected: Sendable {
        case new
        case known(String)
        case differs([IdentifierKind])
        case needs([IdentifierKind])
    }

    struct Case: Sendable {
        let entries: [(kind: String, text: String)]
        let expected: Expected

        init(_ first: (String, String), _ second: (String, String), _ expected: Expected) {
            (entries, self.expected) = ([first, second], expected)
        }
    }

    static let cases: [Case] = [
        Case(("mrn", "1"), ("name", "nora"), .known("nora")),
        Case(("mrn", "3"), ("name", "Nora"), .new),
        Case(("name", "Nora"), ("birth-date", "1958-03-07"), .new),
        Case(("mrn", "1"), ("name", "Noura"), .differs([.name])),
        Case(("mrn", "1"), ("birth-date", "1958-03-07"), .needs([.name])),
        Case(("mrn", "2"), ("name", "Omar"), .needs([.birthDate, .passport])),
        Case(("mrn", "2"), ("birth-date", "1958-03-08"), .differs([.birthDate])),
        Case(("mrn", "2"), ("passport", "K124"), .differs([.passport])),
        Case(("mrn", "9"), ("passport", "K123"), .differs([.mrn])),
        Case(("mrn", "1"), ("passport", "K123"), .differs([.mrn])),
        Case(("mrn", "2"), ("birth-date", "1958-03-07"), .known("omar")),
        Case(("name", "Sara"), ("birth-date", "1990-01-01"), .known("sara")),
        Case(("name", "Sara"), ("mrn", "7"), .new),
    ]

    @Test(arguments: cases.indices) func whoIsKnown(index: Int) throws {
        let (known, tried) = (try Self.known(), Self.cases[index])
        let expected: PatientMatch =
            switch tried.expected {
            case .new: .new
            case .known(let subject): .known(subject: subject, all: try #require(known[subject]))
            case .differs(let kinds): .differs(kinds)
            case .needs(let kinds): .needs(kinds)
            }
        #expect(PatientMatch.match(try PatientIdentifiers(tried.entries), among: known) == expected)
    }

    @Test func whatIsNewOfAKnownPatientIsKept() throws {
        let entered = try Self.made(("mrn", "2"), ("passport", "k123"), ("name", "Omar"))
        guard case .known("omar", let all) = PatientMatch.match(entered, among: try Self.known()) else {
            return #expect(Bool(false))
        }
        #expect(all.entered[.name] == "Omar" && all.entered[.birthDate] == "1958-03-07")
        #expect(all.entered.count == 4)
    }
}
