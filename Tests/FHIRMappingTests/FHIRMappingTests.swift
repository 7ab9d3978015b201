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
    private func runs(
        _ stream: StreamDescriptor, _ samples: [(Int64, String?, Validity, Int64)],
        _ form: SampleRunBuilder.Form = .sorted
    ) -> [SampleRun] {
        var builder = SampleRunBuilder(stream, form)
        for (index, (bits, text, validity, milliseconds)) in samples.enumerated() {
            let time = milliseconds * 1_000_000
            builder.append(
                SampleRunBuilder.Sample(
                    bits: bits, text: text, validity: validity, sequence: Int64(index), time: time,
                    utc: time + 1_700_000_000_000_000_000))
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
        let samples: [(Int64, String?, Validity, Int64)] = [
            (97, nil, .valid, 0), (98, nil, .questionable, 1000), (99, nil, .valid, 2000), (0, nil, .invalid, 3000),
            (96, nil, .questionable, 4000),
        ]
        let found = runs(saturation, samples)
        #expect(found.map(\.data) == ["97 E 99 E", "98 E E 96"])
        #expect(found[1].labels.map(\.code) == ["UNCERTREL"] && found[0].labels.isEmpty)
        #expect(found.map(\.newest?.value) == ["99", "96"])
        // As sessions before version 6 were delivered, they are for ever.
        #expect(runs(saturation, samples, .plain).map(\.data) == ["97", "98", "99 E", "96"])
    }

    /// A validity that flips with each sample costs at most twice what a steady one does.
    @Test(arguments: [1, 2, 7, 31, 40]) func aFlippingValidityCostsTwice(every count: Int) {
        let pleth = StreamDescriptor(
            device: "spo2-1", vmd: nil, metric: "MDC_PULS_OXIM_PLETH", code: 150_452, unit: "1",
            form: .integer(.one), isWaveform: true, periodNanoseconds: 10_000_000, profile: "nonin/oem-iii-df2")
        for (stream, period, total) in [(saturation, Int64(1000), 60), (pleth, 10, 1000)] {
            func size(_ flips: Bool) -> Int {
                let samples = (0..<total).map { index -> (Int64, String?, Validity, Int64) in
                    let isDoubtful = flips && index / count % 2 == 1
                    return (97, nil, isDoubtful ? .questionable : .valid, Int64(index) * period)
                }
                let found = runs(stream, samples)
                #expect(found.flatMap { $0.data.split(separator: " ") }.filter { $0 == "97" }.count == total)
                return found.reduce(0) {
                    $0 + mapper.observation($1, of: stream, session: "s", window: 0).json.text.utf8.count
                }
            }
            #expect(size(true) <= 2 * size(false) + 300, "\(size(true)) of \(size(false)) bytes")
        }
    }

    private let mapper = FHIRMapper(unit: "u", name: "u", isTestData: false, names: Nomenclature())

    @Test func aRunIsOfOneQualityOfTheClock() {
        var builder = SampleRunBuilder(saturation, .sorted)
        for (index, clock) in [ClockQuality.unknown, .unknown, .holdover, .synchronised].enumerated() {
            let time = Int64(index) * 1_000_000_000
            builder.append(
                SampleRunBuilder.Sample(
                    bits: 97, text: nil, validity: .valid, sequence: Int64(index), time: time, utc: time, clock: clock,
                    isTimeKnown: clock != .unknown))
        }
        let found = builder.finish()
        #expect(found.map(\.count) == [2, 1, 1])
        let sent = found.map { mapper.observation($0, of: saturation, session: "s", window: 0).json }
        let word = #"{"system":"urn:nabd:clock","code":"unknown"}"#
        #expect(sent[0]["meta"]?.text.contains(word) == true && sent[2]["meta"] == nil)
        // A time that nobody knows is not told.
        #expect(sent[0]["effectivePeriod"]?.text.contains("1970") == false)
        #expect(sent[0]["effectivePeriod"]?.text.contains("data-absent-reason") == true)
        #expect(mapper.newest(found[0], of: saturation, session: "s", window: 0) == nil)
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
        var builder = SampleRunBuilder(saturation, .sorted)
        for (index, bits) in [Int64(97), 98].enumerated() {
            let time = Int64(index) * 1_000_000_000
            builder.append(
                SampleRunBuilder.Sample(
                    bits: bits, text: nil, validity: validity, sequence: 3 + Int64(index), time: 5_000_000_000 + time,
                    utc: 1_795_328_100_123_000_000 + time))
        }
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

    @Test func theNewestValueOfARunIsExactlyThis() throws {
        let resource = try #require(mapper.newest(run(.questionable), of: saturation, session: "s", window: 0))
        let device = mapper.deviceID("spo2-1", vmd: nil)
        #expect(
            resource.json.text
                == #"{"resourceType":"Observation","id":"\#(resource.id)","#
                + #""meta":{"security":[{"system":"http://terminology.hl7.org/CodeSystem/v3-ActReason","#
                + #""code":"HTEST"},{"system":"http://terminology.hl7.org/CodeSystem/v3-ObservationValue","#
                + #""code":"UNCERTREL"}],"tag":[{"system":"urn:nabd:sampling","code":"newest-of-run"}]},"#
                + #""status":"final","#
                + #""code":{"coding":[{"system":"urn:iso:std:iso:11073:10101","code":"150456","#
                + #""display":"MDC_PULS_OXIM_SAT_O2"},{"system":"http://loinc.org","code":"2708-6"}],"#
                + #""text":"Oxygen saturation by pulse oximetry"},"#
                + #""subject":{"reference":"Device/\#(device)"},"#
                + #""effectiveDateTime":"2026-11-22T06:15:01.123Z","#
                + #""valueQuantity":{"value":98,"unit":"%","system":"http://unitsofmeasure.org","code":"%"},"#
                + #""device":{"reference":"DeviceMetric/\#(mapper.metricID(saturation))"}}"#)
        #expect(mapper.newest(run(.notAvailable), of: saturation, session: "s", window: 0) == nil)
        #expect(resource.id != mapper.observation(run(.questionable), of: saturation, session: "s", window: 0).id)
    }

    /// A place of a rack: the metric belongs to the whole device, and its part is the parent; the subject of a value is
    /// the whole.
    @Test func aDeviceIsTypedAndAPartHasItsPlace() {
        let description = DeviceDescription(
            handle: "rack", manufacturer: "m", model: "x", kind: "rack of syringe pumps", serialNumber: "A17",
            udi: "(01)09506000134352(21)A17")
        let json = mapper.device(description).json
        #expect(json["type"]?.text.contains(#""code":"69985","display":"MDC_DEV_PUMP_INFUS_MDS""#) == true)
        #expect(json["serialNumber"] == .string("A17"))
        #expect(json["udiCarrier"]?.text.contains(#""deviceIdentifier":"09506000134352""#) == true)
        let rate = StreamDescriptor(
            device: "rack", vmd: "slot-1", metric: "MDC_FLOW_FLUID_PUMP", code: 157_784, unit: "mL/h",
            form: .integer(.one), isWaveform: false, periodNanoseconds: 1_000_000_000, profile: "a/b")
        let metric = mapper.metric(rate).json
        let (whole, part) = (mapper.deviceID("rack", vmd: nil), mapper.deviceID("rack", vmd: "slot-1"))
        #expect(metric["source"]?.text.contains(whole) == true && metric["parent"]?.text.contains(part) == true)
        #expect(metric["operationalStatus"] == nil, "nobody looked")
        let sent = mapper.observation(run(.valid), of: rate, session: "s", window: 0).json
        #expect(sent["subject"]?.text.contains(whole) == true)
        #expect(mapper.gateway(version: "1.2").json["version"]?.text.contains("1.2") == true)
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
        let component = json["component"]?.text ?? ""
        for (code, word) in [("68481", "start"), ("68482", "active"), ("68484", "medium")] {
            #expect(component.contains("\"\(code)\""))
            #expect(component.contains(#"{"system":"urn:nabd:alert-facet","code":"\#(word)"}"#))
        }
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
