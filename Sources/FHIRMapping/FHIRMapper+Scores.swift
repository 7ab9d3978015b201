package import DeviceModel
import Nomenclature
package import Scores

/// Scores, and what people enter for them, as observations.
///
/// Source of the SNOMED CT codes (of its United Kingdom extension): two public guides that agree in all of them, the
/// NEWS2 sub-score guidance for Care Connect and an emergency department guide of Synanetics; of the total a third one,
/// of the Yorkshire and Humber care record. No LOINC code of NEWS2 or of these symptoms was found in a public source:
/// none is given.
extension FHIRMapper {
    static let snomed = "http://snomed.info/sct"
    static let scoreSystem = "urn:nabd:score"
    static let bandSystem = "urn:nabd:score-band"
    /// What a person enters at a bed, and what it may be.
    static let entrySystem = "urn:nabd:entry"
    static let entryValueSystem = "urn:nabd:entry-value"

    /// When and where something stands in the journal.
    package struct Place: Sendable {
        /// Its number in the journal.
        package let number: Int64
        /// The key of the host's session.
        package let session: String
        /// `nil` when it is not known. Unit: ns since 1970.
        package let utc: Int64?
        package let clock: ClockQuality

        package init(number: Int64, session: String, utc: Int64?, clock: ClockQuality) {
            (self.number, self.session, self.utc, self.clock) = (number, session, utc, clock)
        }
    }

    private static func code(_ part: ScorePart, scale: String?) -> (code: String, display: String) {
        let name = "Royal College of Physicians NEWS2 (National Early Warning Score 2) - "
        switch part {
        case .respiration: return ("1104301000000104", name + "respiration rate score")
        case .saturation where scale == NEWS2Chart.SaturationScale.two.rawValue:
            return ("1104321000000108", name + "oxygen saturation scale 2 score")
        case .saturation: return ("1104311000000102", name + "oxygen saturation scale 1 score")
        case .oxygen: return ("1104331000000105", name + "air or oxygen score")
        case .systolic: return ("1104341000000101", name + "systolic blood pressure score")
        case .pulse: return ("1104351000000103", name + "pulse score")
        case .consciousness: return ("1104361000000100", name + "consciousness score")
        case .temperature: return ("1104371000000107", name + "temperature score")
        }
    }

    /// A score; an incomplete one has no value, and says for want of what.
    package func score(_ record: ScoreRecord, at place: Place) -> FHIRResource {
        let name = ScoreName(rawValue: record.score)
        var codings = [FHIR.coding(Self.scoreSystem, record.score)]
        if name == .news2 {
            codings.insert(
                FHIR.coding(
                    Self.snomed, "1104051000000101",
                    "Royal College of Physicians NEWS2 (National Early Warning Score 2) total score"), at: 0)
        }
        let band = record.band.map { word in
            JSON.array([
                FHIR.concept(
                    [FHIR.coding(Self.bandSystem, word)], text: NEWS2Band(rawValue: word)?.words.english ?? word)
            ])
        }
        let present = record.parts.map { part in
            JSON.members(["code": partCode(part.name, record), "valueInteger": .integer(part.points)])
        }
        let absent = record.missing.map { part in
            JSON.members([
                "code": partCode(part.name, record),
                "dataAbsentReason": FHIR.concept([FHIR.coding(FHIR.absentReason, "unknown")], text: part.why),
            ])
        }
        let missing = record.missing.map { "\(ScoreTitles.words($0.name).english) (\($0.why))" }
        var notes = missing.isEmpty ? [] : ["incomplete: \(missing.joined(separator: ", "))"]
        if name == .news2 { notes.append(ScoreWords.whom.english) }
        return observation(
            at: place, code: FHIR.concept(codings, text: name?.words.english ?? record.score)
        ) {
            $0.adding([
                "valueInteger": record.total.map { .integer($0) },
                "dataAbsentReason": record.total == nil
                    ? FHIR.concept([FHIR.coding(FHIR.absentReason, "unknown")], text: "incomplete") : nil,
                "interpretation": band,
                "note": notes.isEmpty ? nil : .array(notes.map { .members(["text": .string($0)]) }),
                "component": present.isEmpty && absent.isEmpty ? nil : .array(present + absent),
            ])
        }
    }

    private func partCode(_ name: String, _ record: ScoreRecord) -> JSON {
        var codings = [FHIR.coding(Self.entrySystem, name)]
        if let part = ScorePart(rawValue: name) {
            let (code, display) = Self.code(part, scale: record.scale)
            codings = [FHIR.coding(Self.snomed, code, display), FHIR.coding(Self.scoreSystem, "news2-\(name)")]
        }
        return FHIR.concept(codings, text: ScoreTitles.words(name).english)
    }

    /// What a person entered at a bed: an observation by itself, whether or not it is part of a score.
    package func entry(_ item: ScoreItem, _ value: String, at place: Place) -> FHIRResource {
        if item == .respiration, let breaths = Int(value) { return counted(breaths, at: place) }
        return observation(
            at: place, code: FHIR.concept([FHIR.coding(Self.entrySystem, item.rawValue)], text: item.words.english)
        ) {
            if value == ScoreItem.notSaid {
                return $0.adding(["dataAbsentReason": FHIR.concept([FHIR.coding(FHIR.absentReason, "asked-declined")])])
            }
            if ScoreItem.esas.contains(item), let points = Int(value) {
                return $0.adding(["valueInteger": .integer(points)])
            }
            return $0.adding([
                "valueCodeableConcept": FHIR.concept(
                    [FHIR.coding(Self.entryValueSystem, "\(item.rawValue)-\(value)")],
                    text: item.words(of: value).english)
            ])
        }
    }

    /// Breaths that somebody counted: the same quantity as a monitor's, told apart by how it came about.
    private func counted(_ breaths: Int, at place: Place) -> FHIRResource {
        let item = ScoreItem.respiration
        let loinc = names.metric("MDC_RESP_RATE")?.loinc[.patient].map { FHIR.coding(FHIR.loinc, $0) }
        let codings = [FHIR.coding(Self.entrySystem, item.rawValue)] + [loinc].compactMap(\.self)
        return observation(at: place, category: "exam", code: FHIR.concept(codings, text: item.words.english)) {
            $0.adding([
                "valueQuantity": .members([
                    "value": .integer(breaths), "unit": .string("/min"), "system": .string(FHIR.ucum),
                    "code": .string("/min"),
                ])
            ])
        }
    }

    private func observation(
        at place: Place, category: String = "survey", code: JSON, _ value: (JSON) -> JSON
    ) -> FHIRResource {
        let id = FHIRResource.id("evt", [unit, place.session, "\(place.number)"])
        let gateway = FHIR.reference("Device", gatewayID)
        let head = JSON.members([
            "resourceType": .string("Observation"), "id": .string(id), "meta": meta([], tags: tags(place.clock)),
            "status": .string("final"),
            "category": .array([
                FHIR.concept([FHIR.coding("http://terminology.hl7.org/CodeSystem/observation-category", category)])
            ]),
            "code": code, "subject": gateway, "effectiveDateTime": place.utc.map(FHIR.instant),
            "_effectiveDateTime": place.utc == nil ? FHIR.unknown : nil,
        ])
        return FHIRResource(type: "Observation", id: id, json: value(head).adding(["device": gateway]))
    }
}
