import DeviceModel
import Foundation
import Nomenclature
import Scores
import Testing

@testable import FHIRMapping

private let saturation = StreamDescriptor(
    device: "spo2-1", vmd: nil, metric: "MDC_PULS_OXIM_SAT_O2", code: 150_456, unit: "%", form: .integer(.one),
    isWaveform: false, periodNanoseconds: 1_000_000_000, profile: "nonin/oem-iii-df2")
private let mode = StreamDescriptor(
    device: "spo2-1", vmd: nil, metric: "MDC_PUMP_MODE", code: 184_504, unit: nil, form: .text, isWaveform: false,
    periodNanoseconds: 1_000_000_000, profile: "alaris/asena-gh")
private let ana = Filing(subject: String(repeating: "a", count: 64))

/// Numbers that look random and are the same for the same seed (SplitMix64).
private struct Seeded: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }
}

/// Runs that are cut because another subject came.
@Suite struct CutRunTests {
    private typealias Given = (value: Int64, validity: Validity, milliseconds: Int64)

    private func runs(
        _ given: [Given], of stream: StreamDescriptor = saturation, under: (Int64) -> Filing? = { _ in .unbound }
    ) -> [SampleRun] {
        var builder = SampleRunBuilder(stream, .sorted)
        for (index, sample) in given.enumerated() {
            let time = sample.milliseconds * 1_000_000
            builder.append(
                SampleRunBuilder.Sample(
                    bits: sample.value, text: stream.form == .text ? "m\(sample.value)" : nil,
                    validity: sample.validity, sequence: Int64(index), time: time, utc: time),
                under: under(sample.milliseconds))
        }
        return builder.finish()
    }

    @Test func aRunIsCutWhereAnotherSubjectCame() {
        let given: [Given] = (0..<6).map { (90 + $0, .valid, 1000 * $0 + $0 % 2 * 200) }
        let found = runs(given) { $0 < 2500 ? .unbound : $0 < 4500 ? ana : .unbound }
        #expect(found.map(\.data) == ["90 91 92", "93 94", "95"])
        #expect(found.map(\.filing) == [.unbound, ana, .unbound])
        #expect(found.map(\.firstSequence) == [0, 3, 5])
        // Each keeps the place that it had: the grid is the run's.
        #expect(found.map(\.startUTC) == [0, 3_000_000_000, 5_000_000_000])
        #expect(found.map(\.endUTC) == [2_000_000_000, 4_000_000_000, 5_000_000_000])
        #expect(found.map(\.newest?.value) == ["92", "94", "95"])
    }

    /// What lies between two subjects is nobody's: no part says anything of it.
    @Test func aGapAtTheCutIsOfNeither() {
        let found = runs([(90, .valid, 0), (91, .valid, 1000), (95, .valid, 5000)]) { $0 < 3000 ? .unbound : ana }
        #expect(found.map(\.data) == ["90 91", "95"] && found.map(\.count) == [2, 1])
        #expect(found[1].startUTC == 5_000_000_000)
    }

    /// A part without a value, whose run has one behind the cut: under its name the newest may have been told before.
    @Test func whatMayHaveBeenToldUnderItsNameIsTakenBack() throws {
        let mapper = FHIRMapper(unit: "u", name: "u", isTestData: false, names: Nomenclature())
        let given: [Given] = [(0, .notAvailable, 0), (0, .notAvailable, 1000), (97, .valid, 2000)]
        let whole = try #require(runs(given).first)
        let cut = runs(given) { $0 < 2000 ? .unbound : ana }
        #expect(cut.map(\.data) == ["E E", "97"] && cut.map(\.mayHaveToldNewest) == [true, false])
        let told = try #require(mapper.newest(whole, of: saturation, session: "s", window: 0))
        let taken = try #require(mapper.newest(cut[0], of: saturation, session: "s", window: 0))
        #expect(taken.url == told.url && taken.json["status"] == .string("entered-in-error"))
        #expect(taken.json["valueQuantity"] == nil && taken.json["dataAbsentReason"] != nil)
        let empty = runs(given.dropLast()) { $0 < 1000 ? .unbound : ana }
        #expect(empty.allSatisfy { mapper.newest($0, of: saturation, session: "s", window: 0) == nil })
    }

    @Test func aTextIsCutToo() {
        let found = runs([(1, .valid, 0), (1, .valid, 1000), (1, .valid, 2000)], of: mode) {
            $0 < 1500 ? .unbound : ana
        }
        #expect(found.map(\.text) == ["m1", "m1"] && found.map(\.count) == [2, 1])
        #expect(found.map(\.startUTC) == [0, 2_000_000_000] && found.map(\.endUTC) == [1_000_000_000, 2_000_000_000])
    }

    /// Wherever it is cut: all values are there in their order, the runs that there were keep their names, and what is
    /// told elsewhere is left out here.
    @Test(arguments: 0..<200) func aCutMovesNoOtherName(seed: UInt64) {
        var random = Seeded(state: seed)
        var time: Int64 = 0
        let given: [Given] = (0..<60).map { number in
            time +=
                Int64.random(in: 1...20, using: &random) == 1 ? 40_000 : Int64.random(in: 300...1700, using: &random)
            let validity: Validity =
                [.valid, .valid, .valid, .questionable, .notAvailable].randomElement(using: &random) ?? .valid
            return (Int64(number), validity, time)
        }
        let whole = runs(given)
        let cuts = (0..<Int.random(in: 1...4, using: &random)).map { _ in Int64.random(in: 0...time, using: &random) }
        func filing(_ time: Int64) -> Filing? {
            let place = cuts.count { $0 <= time }
            return place % 3 == 2 ? nil : place % 2 == 0 ? .unbound : ana
        }
        let cut = runs(given, under: filing)
        func values(_ runs: [SampleRun]) -> [Int64] {
            runs.flatMap { $0.data.split(separator: " ").compactMap { Int64($0) } }.sorted()
        }
        let kept = given.filter { filing($0.milliseconds) != nil && $0.validity != .notAvailable }.map(\.value)
        #expect(values(cut) == kept)
        let names = Set(cut.map(\.firstSequence))
        for run in whole where filing(given[Int(run.firstSequence)].milliseconds) != nil {
            #expect(names.contains(run.firstSequence))
        }
        #expect(cut.allSatisfy { $0.count == $0.data.split(separator: " ").count })
        #expect(runs(given, under: { _ in ana }).map(\.data) == whole.map(\.data))
    }
}

/// Patients and alerts of beds at the service.
@Suite struct FiledMappingTests {
    private let mapper = FHIRMapper(
        unit: "u", name: "u", isTestData: false, names: NomenclatureShelf.names().nomenclature)

    private func entry(_ filing: Filing) -> FHIRResource {
        mapper.filed(
            mapper.entry(
                .pain, "4", at: FHIRMapper.Place(number: 7, session: "s", utc: 0, clock: .synchronised)), filing)
    }

    @Test func whatIsFiledHasItsSubjectStatusAndName() {
        let (own, first) = (entry(.unbound), entry(ana))
        #expect(first.id == own.id && first.json["status"] == .string("final"))
        #expect(first.json["subject"]?.text == #"{"reference":"\#(mapper.patient(ana.subject).url)"}"#)
        #expect(first.json["device"] == own.json["device"])
        let wrong = entry(Filing(subject: ana.subject, isInError: true))
        #expect(wrong.id == own.id && wrong.json["status"] == .string("entered-in-error"))
        #expect(wrong.json["subject"] == first.json["subject"])
        let anew = [entry(Filing(subject: nil, after: 12)), entry(Filing(subject: nil, after: 13))]
        #expect(Set(anew.map(\.id) + [own.id]).count == 3 && anew.allSatisfy { $0.json["id"] == .string($0.id) })
        #expect(anew.allSatisfy { $0.json["subject"] == own.json["subject"] && $0.id.hasPrefix("ref-") })
        #expect(anew[0].id == entry(Filing(subject: ana.subject, after: 12)).id, "late, after a correction")
    }

    @Test func aPatientHasWhatIsKnown() {
        let identity = PatientIdentity(
            identifiers: [PatientIdentifier(system: "urn:x", value: "7")], birthDate: "1961-02-03", name: "N")
        let json = mapper.patient("ab", identity: identity).json
        #expect(
            json["identifier"]?.text
                == #"[{"system":"urn:nabd:subject","value":"ab"},{"system":"urn:x","value":"7"}]"#)
        #expect(json["birthDate"] == .string("1961-02-03") && json["name"]?.text == #"[{"text":"N"}]"#)
        #expect(mapper.patient("ab", identity: nil).json["name"] == nil)
    }

    @Test func anEntryOfAnAuditIsExactlyThis() {
        let account = BindingAccount(bed: "chair-1", binding: 7, subject: "ab", isByPerson: true)
        let resource = mapper.event(
            .bed(.patientBound), name: "patientBound", id: 7, session: "s", device: nil, utc: 1_795_328_100_123_000_000,
            line: "never", hash: [1], account: account)
        #expect(
            resource.json.text
                == #"{"resourceType":"AuditEvent","id":"\#(resource.id)","#
                + #""type":{"system":"urn:nabd:audit","code":"patient-association","display":"Patient at a bed"},"#
                + #""subtype":[{"system":"\#(FHIRMapper.eventSystem)","code":"patientBound"}],"#
                + #""action":"C","recorded":"2026-11-22T06:15:00.123Z","outcome":"0","#
                + #""agent":[{"type":{"coding":[{"#
                + #""system":"http://terminology.hl7.org/CodeSystem/extra-security-role-type","#
                + #""code":"humanuser","display":"human user"}]},"requestor":true}],"#
                + #""source":{"observer":{"reference":"Device/\#(mapper.gatewayID)"}},"#
                + #""entity":[{"what":{"reference":"\#(mapper.patient("ab").url)"},"#
                + #""type":{"system":"http://terminology.hl7.org/CodeSystem/audit-entity-type","code":"1","#
                + #""display":"Person"},"role":{"system":"http://terminology.hl7.org/CodeSystem/object-role","#
                + #""code":"1","display":"Patient"}},"#
                + #"{"name":"bed chair-1","detail":[{"type":"binding","valueString":"7"}]}]}"#)
    }

    /// What does not say what it must is told to have been, and no word of it leaves.
    @Test(arguments: [EventKind.patientBound, .patientUnbound, .bindingWithdrawn, .bedEntered, .scoreGiven])
    func aDamagedEventOfABedDoesNotGoAsItsLine(kind: EventKind) {
        let resource = mapper.event(
            .bed(kind), name: kind.name, id: 7, session: "s", device: nil, utc: 0, line: #"{"by":["canary"]}"#)
        #expect(!resource.json.text.contains("canary") && resource.json.text.contains(kind.name))
    }

    private func alert(_ name: String, bed: String?) -> AlertRecord {
        AlertRecord(
            device: "spo2-1", bed: bed, metric: bed == nil ? nil : "MDC_PULS_OXIM_SAT_O2", name: name, priority: .high,
            text: "SpO2 low", arabicText: "منخفض", instance: "s-1")
    }

    private func components(_ event: RecordedEvent) -> String {
        mapper.event(event, name: "alertUpdate", id: 7, session: "s", device: "spo2-1", utc: 0, line: "").json[
            "component"]?
            .text ?? ""
    }

    /// Limits have their numbers from the tables beside the profiles, where each number says its proof.
    @Test(arguments: [("MDC_EVT_HI_VAL_GT_LIM", 196_652), ("MDC_EVT_LO_VAL_LT_LIM", 196_674)])
    func aLimitHasItsNumberAndItsMetric(name: String, code: Int) {
        let json = mapper.event(
            .alertStart(alert(name, bed: "chair-1")), name: "alertStart", id: 7, session: "s", device: "spo2-1", utc: 0,
            line: ""
        ).json
        #expect(
            json["valueCodeableConcept"]?.text.contains(
                #"{"system":"urn:iso:std:iso:11073:10101","code":"\#(code)","display":"\#(name)"}"#) == true)
        let component = json["component"]?.text ?? ""
        #expect(component.contains(#""code":"metric"}]},"valueString":"MDC_PULS_OXIM_SAT_O2""#))
        #expect(component.contains(#""code":"bed"}]},"valueString":"chair-1""#))
    }

    /// Whether an alert is signalled is told of one of a bed, and of each change; one of no bed begins as ever.
    @Test func whetherItIsSignalledIsTold() {
        func word(_ code: String) -> String { #"{"system":"urn:nabd:alert-facet","code":"\#(code)"}"# }
        let cases: [(AlertChange, AlertPresence, AlertActivation, String)] = [
            (.acknowledged, .ack, .on, "alert-acknowledged"), (.paused, .on, .paused, "audio-paused"),
            (.switchedOff, .on, .off, "alarm-off"), (.resumed, .on, .on, "enabled"),
            (.latched, .latched, .on, "enabled"),
        ]
        for (change, presence, activation, expected) in cases {
            let standing = AlertStanding(change: change, presence: presence, activation: activation)
            let told = components(.alertUpdate(alert("MDC_EVT_LO_VAL_LT_LIM", bed: "chair-1"), standing))
            #expect(
                told.contains(#""code":"68483"}]},"valueCodeableConcept":{"coding":[\#(word(expected))"#), "\(change)")
            #expect(told.contains("\"\(change.rawValue)\"") && told.contains("\"\(presence.rawValue)\""))
        }
        #expect(components(.alertStart(alert("MDC_EVT_LO_VAL_LT_LIM", bed: "chair-1"))).contains("68483"))
        #expect(!components(.alertStart(alert("MDC_EVT_LO_VAL_LT_LIM", bed: nil))).contains("68483"))
    }
}
