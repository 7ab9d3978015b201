import DeviceModel
import Foundation
import Nomenclature
import Testing

@testable import FHIRMapping

private let saturation = StreamDescriptor(
    device: "spo2-1", vmd: nil, metric: "MDC_PULS_OXIM_SAT_O2", code: 150_456, unit: "%", form: .integer(.one),
    isWaveform: false,
    periodNanoseconds: 1_000_000_000, profile: "nonin/oem-iii-df2",
    name: StreamName(
        system: Nomenclature.ownSystem, category: .measurement, display: "Oxygen saturation by pulse oximetry",
        arabicDisplay: "تشبع الأكسجين",
        loinc: "2708-6"))
private let mode = StreamDescriptor(
    device: "pump-1", vmd: nil, metric: "MDC_PUMP_MODE", code: 184_504, unit: nil, form: .text, isWaveform: false,
    periodNanoseconds: 1_000_000_000, profile: "alaris/asena-gh")

@Suite struct SampleRunTests {
    private func runs(_ stream: StreamDescriptor, _ samples: [(Int64, String?, Validity, Int64)]) -> [SampleRun] {
        var builder = SampleRunBuilder(stream)
        for (index, (bits, text, validity, milliseconds)) in samples.enumerated() {
            let time = milliseconds * 1_000_000
            builder.append(
                bits: bits, text: text, validity: validity, reason: .none, sequence: Int64(index), time: time,
                utc: time + 1_700_000_000_000_000_000)
        }
        return builder.finish()
    }

    @Test func gapsAndMissingValuesAreShownAsErrors() {
        let found = runs(
            saturation,
            [(97, nil, .valid, 0), (98, nil, .valid, 1010), (0, nil, .notAvailable, 2000), (96, nil, .valid, 5000)])
        #expect(found.map(\.data) == ["97 98 E E E 96"])
        #expect(found[0].count == 6)
    }

    @Test func aQuestionableValueNeverSharesARunWithAGoodOne() {
        let found = runs(saturation, [(97, nil, .valid, 0), (98, nil, .questionable, 1000), (99, nil, .valid, 2000)])
        #expect(found.map(\.data) == ["97", "98", "99"])
        #expect(found[1].labels.map(\.code) == ["UNCERTREL"])
    }

    @Test func twoSamplesNeverFallIntoOnePlace() {
        let found = runs(saturation, [(97, nil, .valid, 0), (98, nil, .valid, 400), (99, nil, .valid, 1400)])
        #expect(found.map(\.data) == ["97", "98 99"])
    }

    @Test func limitsOfTheDeviceAreTold() {
        #expect(
            runs(saturation, [(97, nil, .valid, 0), (0, nil, .overflow, 1000), (0, nil, .underflow, 2000)]).map(\.data)
                == ["97 U L"])
    }

    @Test func textRunsAsLongAsItIsTheSame() {
        let found = runs(
            mode,
            [
                (0, "SET", .valid, 0), (0, "SET", .valid, 1000), (0, "INFUSE", .valid, 2000),
                (0, nil, .notAvailable, 3000),
            ])
        #expect(found.map(\.text) == ["SET", "INFUSE", nil])
        #expect(found.map(\.count) == [2, 1, 1])
    }
}

@Suite struct FHIRMapperTests {
    private var mapper: FHIRMapper { mapper(of: "mobile-7") }

    private func mapper(of unit: String) -> FHIRMapper {
        FHIRMapper(unit: unit, name: unit, isTestData: true, names: NomenclatureShelf.names().nomenclature)
    }

    private func run(_ validity: Validity) -> SampleRun {
        var builder = SampleRunBuilder(saturation)
        builder.append(
            bits: 97, text: nil, validity: validity, reason: .none, sequence: 3, time: 5_000_000_000,
            utc: 1_795_328_100_123_000_000)
        builder.append(
            bits: 98, text: nil, validity: validity, reason: .none, sequence: 4, time: 6_000_000_000,
            utc: 1_795_328_101_123_000_000)
        return builder.finish()[0]
    }

    @Test func anObservationIsExactlyThis() {
        let resource = mapper.observation(run(.valid), of: saturation, session: "s", window: 0)
        let device = mapper.deviceID("spo2-1", vmd: nil)
        let metric = mapper.metricID(saturation)
        #expect(
            resource.json.text
                == #"{"resourceType":"Observation","id":"\#(resource.id)","#
                + #""meta":{"security":[{"system":"http://terminology.hl7.org/CodeSystem/v3-ActReason","#
                + #""code":"HTEST"}]},"status":"final","#
                + #""code":{"coding":[{"system":"urn:iso:std:iso:11073:10101","code":"150456","#
                + #""display":"MDC_PULS_OXIM_SAT_O2"},{"system":"http://loinc.org","code":"2708-6"}],"#
                + #""text":"Oxygen saturation by pulse oximetry"},"#
                + #""subject":{"reference":"Device/\#(device)"},"#
                + #""effectivePeriod":{"start":"2026-11-22T06:15:00.123Z","end":"2026-11-22T06:15:01.123Z"},"#
                + #""valueSampledData":{"origin":{"value":0,"unit":"%","system":"http://unitsofmeasure.org","#
                + #""code":"%"},"period":1000,"dimensions":1,"data":"97 98"},"#
                + #""device":{"reference":"DeviceMetric/\#(metric)"}}"#
        )
    }

    private func stream(_ metric: String, code: UInt32? = nil, name: StreamName? = nil) -> StreamDescriptor {
        StreamDescriptor(
            device: "d", vmd: nil, metric: metric, code: code, unit: "cm[H2O]", form: .integer(.one), isWaveform: false,
            periodNanoseconds: 1_000_000_000,
            profile: "a/b", name: name)
    }

    /// A record from before a name had its number goes with both; the number is the one that is verified now.
    @Test func anOlderRecordGoesWithTheNumberThatIsKnownByNow() {
        let code = mapper.metricCode(stream("NABD_PEEP"), withLOINC: true).text
        #expect(code.contains(#""code":"151804","display":"MDC_PRESS_AWAY_END_EXP_POS""#))
        #expect(code.contains(#""system":"urn:nabd:metric","code":"NABD_PEEP""#))
        #expect(mapper.metricCode(stream("NABD_NEVER"), withLOINC: true).text.contains("NABD_NEVER"))
    }

    @Test func aSitesOwnNameGoesAsTheSitesOwn() {
        let name = StreamName(
            system: "urn:hospital:metric", category: .calculation, display: "Wound area", arabicDisplay: nil, loinc: nil
        )
        let json = mapper.metric(stream("HOSPITAL_WOUND", name: name)).json
        #expect(json["type"]?.text.contains(#""system":"urn:hospital:metric","code":"HOSPITAL_WOUND""#) == true)
        #expect(json["category"] == .string("calculation") && json["type"]?.text.contains("Wound area") == true)
    }

    @Test func aRunWithoutAnyValueHasAReasonInstead() {
        let json = mapper.observation(run(.notAvailable), of: saturation, session: "s", window: 0).json
        #expect(json["valueSampledData"] == nil)
        #expect(json["dataAbsentReason"]?.text.contains("temp-unknown") == true)
        let invalid = mapper.observation(run(.invalid), of: saturation, session: "s", window: 0).json
        #expect(invalid["dataAbsentReason"]?.text.contains("\"error\"") == true)
        #expect(invalid["meta"]?.text.contains("UNRELIABLE") == true)
    }

    @Test func theSameRecordHasTheSameIdAndAnotherAnother() {
        let one = mapper.observation(run(.valid), of: saturation, session: "s", window: 0).id
        #expect(mapper.observation(run(.valid), of: saturation, session: "s", window: 0).id == one)
        #expect(mapper.observation(run(.valid), of: saturation, session: "t", window: 0).id != one)
        #expect(mapper.observation(run(.valid), of: saturation, session: "s", window: 1).id != one)
        #expect(mapper(of: "mobile-8").observation(run(.valid), of: saturation, session: "s", window: 0).id != one)
        #expect(one.wholeMatch(of: /[A-Za-z][A-Za-z0-9\-.]{0,63}/) != nil)
    }

    @Test func anAlertCarriesItsPhaseAndPriority() {
        let json = mapper.event(
            RecordedEvent(
                name: "alertStart", device: "pump-1",
                members: [
                    "alert": "MDC_EVT_FLUID_LINE_OCCL", "priority": "medium", "text": "Infusion pump alarm",
                    "instance": "s-1",
                ]),
            name: "alertStart", id: 7, session: "s", device: "pump-1", utc: 0, line: ""
        ).json
        #expect(json["code"]?.text.contains("196616") == true)
        #expect(json["valueCodeableConcept"]?.text.contains("196940") == true)
        #expect(json["component"]?.text.contains("start") == true)
        #expect(json["identifier"]?.text.contains("s-1") == true)
    }

    @Test func anAlertThatWasNotSeenToEndSaysSo() {
        func end(_ reason: String?) -> JSON {
            mapper.event(
                .alertEnd(AlertRecord(AlertKind.journalFailing.descriptor, instance: "s-1"), reason: reason),
                name: "alertEnd", id: 8, session: "s",
                device: nil, utc: 0, line: ""
            ).json
        }
        #expect(end(nil)["note"] == nil)
        #expect(end("restarted")["note"]?.text.contains("restarted") == true)
        #expect(end("restarted")["component"]?.text.contains("\"end\"") == true)
    }

    @Test func anEventOfAYoungerHostGoesAsItsLine() {
        let event = RecordedEvent(name: "moonRose", device: nil, members: [:])
        #expect(event == .unknown("moonRose"))
        let json = mapper.event(event, name: "moonRose", id: 9, session: "s", device: nil, utc: 0, line: "{…}").json
        #expect(json["code"]?.text.contains("moonRose") == true)
        #expect(json["valueString"] == .string("{…}"))
    }
}
