import DeviceModel
import Nomenclature
import Scores
import TestSupport
import Testing

@testable import FHIRMapping

@Suite struct ScoreMappingTests {
    private let mapper = FHIRMapper(unit: "u", name: "Unit", isTestData: true, names: Nomenclature())
    private let place = FHIRMapper.Place(number: 7, session: "s", utc: 1_793_520_000_000_000_000, clock: .holdover)

    private func record(_ body: String) throws -> ScoreRecord { try #require(ScoreRecord(body: body)) }

    @Test func aTotalHasItsCodeItsBandAndItsParts() throws {
        let score = try record(
            #"{"bed":"b","score":"news2","total":7,"band":"high","scale":"1","missing":[],"#
                + #""parts":{"pulse":{"points":2,"value":"120"},"saturation":{"points":3,"value":"90"}}}"#)
        let text = mapper.score(score, at: place).json.text
        for part in [
            #""valueInteger":7"#, "1104051000000101", #""urn:nabd:score-band","code":"high""#,
            #"1104311000000102"#, #""effectiveDateTime":"2026-11-01T08:00:00.000Z""#, #""code":"holdover""#,
            "adults only",
        ] { #expect(text.contains(part), "\(part)") }
        // In the order of the chart, whatever order the members have.
        let (first, second) = try (
            #require(text.firstRange(of: "1104311000000102")), #require(text.firstRange(of: "1104351000000103"))
        )
        #expect(first.lowerBound < second.lowerBound)
    }

    @Test func anIncompleteOneHasNone() throws {
        let score = try record(
            #"{"bed":"b","score":"news2","missing":[{"part":"pulse","why":"stale"}],"parts":{}}"#)
        let json = mapper.score(score, at: place).json
        #expect(json["valueInteger"] == nil && json["dataAbsentReason"] != nil)
        #expect(json.text.contains("incomplete: Pulse (stale)"))
    }

    /// What says both a number and that something is missing is no score, nor is what says neither.
    @Test(arguments: [
        "", "[]", "{}", #"{"bed":"b"}"#, #"{"bed":"b","score":"news2"}"#,
        #"{"bed":"b","score":"news2","total":3,"missing":[{"part":"pulse"}]}"#,
        #"{"bed":1,"score":"news2","total":3}"#, #"{"bed":"b","score":"news2","total":"3"}"#,
        #"{"bed":"b","score":"news2","total":1e400}"#,
    ]) func whatIsNoScoreIsNotRead(_ body: String) { #expect(ScoreRecord(body: body) == nil) }

    /// What the desk writes is what is read.
    @Test func aScoreIsReadAsItWasGiven() throws {
        var desk = ScoreDesk(streams: [])
        desk.enter(try ScoreEntry(item: "consciousness", value: "V", by: ["n"], time: 0))
        let given = desk.news2(at: 5_000_000_000)
        let read = try record(given.members(bed: "b").text)
        #expect(read.missing.map(\.name) == given.missing.map(\.name) && read.total == nil && read.scale == "1")
        #expect(read.parts.map { "\($0.name) \($0.points) \($0.value)" } == ["consciousness 3 V"])
        for item in ScoreItem.esas.dropLast() {
            desk.enter(try ScoreEntry(item: item.rawValue, value: "2", by: ["n"], time: 0))
        }
        #expect(try record(desk.esas(at: 0).members(bed: "b").text).total == 18)
    }

    @Test func everyEntryIsAnObservationByItself() {
        for item in ScoreItem.allCases {
            for value in item.values {
                let json = mapper.entry(item, value, at: place).json
                let isSaid = value != ScoreItem.notSaid
                #expect((json["dataAbsentReason"] == nil) == isSaid)
                #expect(
                    (json["valueInteger"] != nil) == (isSaid && ScoreItem.esas.contains(item))
                        && json.text.contains(item.rawValue))
            }
        }
    }

    /// What somebody counted is the quantity that a monitor gives, by its code, and told apart by how it came about.
    @Test func countedBreathsAreAQuantity() {
        let names = NomenclatureShelf.names(besides: [Repository.path("device-profiles")]).nomenclature
        let mapper = FHIRMapper(unit: "u", name: "Unit", isTestData: true, names: names)
        let json = mapper.entry(.respiration, "22", at: place).json
        #expect(json["valueQuantity"]?.text.hasPrefix(#"{"value":22,"unit":"/min""#) == true)
        #expect(json["code"]?.text.contains(#""http://loinc.org","code":"9279-1""#) == true)
        #expect(json["code"]?.text.contains(#""urn:nabd:entry","code":"respiration""#) == true)
        #expect(json["category"]?.text.contains(#""exam""#) == true)
    }

    @Test func aPatientIsKnownByDigestAndByIdentifiers() {
        let one = mapper.patient(
            "ab", identity: PatientIdentity(identifiers: [PatientIdentifier(system: nil, value: "M1")]))
        #expect(one.json.text.contains(#"{"system":"urn:nabd:subject","value":"ab"},{"value":"M1"}"#))
        #expect(mapper.patient("ab").id == one.id && mapper.patient("ac").id != one.id)
        #expect(mapper.patient(nil, name: "7").json["identifier"] == nil)
    }

    @Test func aboutAPatientOnlyTheSubjectChanges() throws {
        let patient = mapper.patient("ab")
        let entry = mapper.entry(.pain, "4", at: place)
        let changed = entry.about(patient)
        #expect(changed.id == entry.id && changed.json["subject"]?.text == #"{"reference":"\#(patient.url)"}"#)
        #expect(changed.json["device"] == entry.json["device"])
        let audit = mapper.auditEvent(
            of: .commandSent, id: "evt-1", about: .members(["reference": .string("Device/d")]), utc: 0, meta: nil
        ).about(patient)
        #expect(audit.json["entity"]?.text.contains(patient.url) == true)
        let gateway = mapper.gateway(version: nil)
        #expect(gateway.about(patient).json == gateway.json)
    }

    @Test func aDocumentsTextIsNoMarkup() {
        let section = DocumentSection(code: "c", title: "t", lines: ["<b>&\"\u{1}"], entries: [])
        let head = DocumentHead(isOpen: false, title: "t", start: nil, end: nil, made: 0, name: "n")
        let text = mapper.document(
            head, of: mapper.patient("ab"), sections: [section], others: [], sources: []
        ).text
        #expect(text.contains(#"<p>&lt;b&gt;&amp;&quot;\\u0001</p>"#))
    }
}
