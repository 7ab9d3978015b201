import DeviceModel
import Nomenclature
import Scores

@testable import FHIRMapping

/// One example at least of every kind of resource that the mapping makes, by a name that says which.
enum ResourceKinds {
    /// What an example is by the profiles of PoCD; `nil` where these have none for it.
    enum Profile: String, CaseIterable {
        case mdsDevice = "MdsDevice"
        case vmdDevice = "VmdDevice"
        case numericMetric = "NumericDeviceMetric"
        case arrayMetric = "SampleArrayDeviceMetric"
        case enumerationMetric = "EnumerationDeviceMetric"
        case numeric = "NumericObservation"
        case array = "SampleArrayObservation"
        case enumeration = "EnumerationObservation"
    }

    struct Example {
        let name: String
        let profile: Profile?
        let json: JSON
    }

    static let mapper = FHIRMapper(
        unit: "mobile-7", name: "mobile-7", isTestData: true, names: NomenclatureShelf.names().nomenclature)
    private static let begin: Int64 = 1_795_328_100_123_000_000
    private static let patient = String(repeating: "a", count: 64)
    private static let hash = [UInt8](repeating: 0xAB, count: 32)

    // MARK: Streams

    private static func stream(
        _ metric: String, _ code: UInt32?, _ unit: String?, vmd: String? = nil, form: ValueForm = .integer(.one),
        isWaveform: Bool = false, period: Int64 = 1_000_000_000, loinc: String? = nil,
        system: String = Nomenclature.ownSystem, category: MetricCategory = .measurement, display: String
    ) -> StreamDescriptor {
        StreamDescriptor(
            device: "rack", vmd: vmd, metric: metric, code: code, unit: unit, form: form, isWaveform: isWaveform,
            periodNanoseconds: period, profile: "a/b",
            name: StreamName(
                system: system, category: category, display: display, arabicDisplay: nil, loinc: loinc))
    }

    private static let saturation = stream(
        "MDC_PULS_OXIM_SAT_O2", 150_456, "%", loinc: "2708-6", display: "Oxygen saturation")
    private static let flow = stream(
        "MDC_FLOW_FLUID_PUMP", 157_784, "mL/h", vmd: "slot-1",
        form: .integer(DecimalScale(multiplier: 1, exponent: -1)),
        category: .setting, display: "Rate")
    private static let own = stream("NABD_PUMP_PRESSURE", nil, "mm[Hg]", display: "Line pressure")
    private static let sites = stream(
        "HOSPITAL_WOUND", nil, "cm2", system: "urn:hospital:metric", category: .calculation, display: "Wound area")
    private static let pleth = stream(
        "MDC_PULS_OXIM_PLETH", 150_452, "1", isWaveform: true, period: 13_333_333, display: "Plethysmogram")
    private static let mode = stream("MDC_PUMP_MODE", 184_504, nil, form: .text, display: "Mode")

    private static func run(
        _ stream: StreamDescriptor, _ validity: Validity = .valid, text: String? = nil, isTimeKnown: Bool = true,
        under filing: Filing = .unbound
    ) -> SampleRun {
        var builder = SampleRunBuilder(stream, .sorted)
        for (index, bits) in [Int64(97), 98, 96].enumerated() {
            let time = Int64(index) * stream.periodNanoseconds
            builder.append(
                SampleRunBuilder.Sample(
                    bits: bits, text: text, validity: validity, sequence: Int64(index), time: time, utc: begin + time,
                    clock: isTimeKnown ? .synchronised : .unknown, isTimeKnown: isTimeKnown), under: filing)
        }
        return builder.finish()[0]
    }

    // MARK: All of them

    static let all: [Example] = devices + metrics + observations + events + people + scores + [document]

    private static func example(_ name: String, _ profile: Profile? = nil, _ resource: FHIRResource) -> Example {
        Example(name: name, profile: profile, json: resource.json)
    }

    private static let devices: [Example] = [
        example("the host", .mdsDevice, mapper.gateway(version: "1.2.3", machine: "m-1")),
        example(
            "a device", .mdsDevice,
            mapper.device(
                DeviceDescription(
                    handle: "rack", manufacturer: "m", model: "x", kind: "rack of syringe pumps", serialNumber: "A17",
                    udi: "(01)09506000134352(21)A17"))),
        example(
            "a device of which little is known", .mdsDevice,
            mapper.device(DeviceDescription(handle: "gx", manufacturer: "m", model: "x", kind: "unheard of"))),
        example("a part of a device", .vmdDevice, mapper.virtualDevice("slot-1", of: "rack")),
    ]

    private static let metrics: [Example] = [
        example("a metric of numbers", .numericMetric, mapper.metric(saturation)),
        example("a metric of a part", .numericMetric, mapper.metric(flow)),
        example("a metric without a number of the standard's", .numericMetric, mapper.metric(own)),
        example("a metric of a site's own", .numericMetric, mapper.metric(sites)),
        example("a metric of a waveform", .arrayMetric, mapper.metric(pleth)),
        example("a metric of texts", .enumerationMetric, mapper.metric(mode)),
    ]

    private static func observation(
        _ name: String, _ profile: Profile, _ stream: StreamDescriptor, _ validity: Validity = .valid,
        text: String? = nil, isTimeKnown: Bool = true, under filing: Filing = .unbound
    ) -> Example {
        let run = run(stream, validity, text: text, isTimeKnown: isTimeKnown, under: filing)
        return example(name, profile, mapper.observation(run, of: stream, session: "s", window: 0))
    }

    private static let observations: [Example] = runs + newest

    private static let newest: [Example] = [run(saturation), run(saturation, .questionable)].compactMap { run in
        guard let resource = mapper.newest(run, of: saturation, session: "s", window: 0) else { return nil }
        return example("the newest number\(run.labels.isEmpty ? "" : ", doubtful")", .numeric, resource)
    }

    private static let runs: [Example] = [
        observation("numbers", .numeric, saturation),
        observation("numbers in tenths, of a part", .numeric, flow),
        observation("numbers of a metric of the host's own", .numeric, own),
        observation("numbers that are doubtful", .numeric, saturation, .questionable),
        observation("numbers that are invalid", .numeric, saturation, .invalid),
        observation("numbers that are not there", .numeric, saturation, .notAvailable),
        observation("numbers above what the device can tell", .numeric, saturation, .overflow),
        observation("numbers without a time", .numeric, saturation, isTimeKnown: false),
        observation("numbers of a patient", .numeric, saturation, under: Filing(subject: patient)),
        observation(
            "numbers entered in error", .numeric, saturation,
            under: Filing(subject: patient, after: 3, isInError: true)),
        observation("a waveform", .array, pleth),
        observation("a waveform that is invalid", .array, pleth, .invalid),
        observation("a text", .enumeration, mode, text: "INFUSE"),
        observation("a text that is not there", .enumeration, mode, .notAvailable),
    ]

    // MARK: What has no profile

    private static func event(
        _ name: String, _ kind: String, device: String? = "rack", utc: Int64? = begin, account: BindingAccount? = nil,
        _ members: [String: String] = [:]
    ) -> Example {
        let event = RecordedEvent(name: kind, device: device, members: members)
        return example(
            name, nil,
            mapper.event(
                event, name: kind, id: 7, session: "s", device: device, utc: utc, line: #"{"event":"\#(kind)"}"#,
                hash: hash, account: account))
    }

    private static let alert = [
        "alert": "MDC_EVT_FLUID_LINE_OCCL", "priority": "medium", "text": "Infusion pump alarm", "instance": "s-1",
    ]

    private static let events: [Example] = [
        event("an alert's beginning", "alertStart", alert),
        event("an alert's beginning without a time", "alertStart", utc: nil, alert),
        event(
            "an alert's beginning at a bed", "alertStart",
            alert.merging(["bed": "chair-1", "metric": "MDC_PULS_OXIM_SAT_O2"]) { $1 }),
        event(
            "an alert's change", "alertUpdate",
            alert.merging(["change": "acknowledged", "presence": "ack", "activation": "on", "bed": "chair-1"]) { $1 }),
        event("an alert's end", "alertEnd", alert),
        event("an alert's end that was not seen", "alertEnd", alert.merging(["reason": "restarted"]) { $1 }),
        event("another event", "deviceSilent"),
        event("an event of a younger host", "moonRose"),
        event("an event of a command", "commandIntended"),
        event(
            "a patient who came", "patientBound", device: nil,
            account: BindingAccount(bed: "chair-1", binding: 3, subject: patient, isByPerson: true)),
        event("a patient of whom too little is said", "bindingWithdrawn", device: nil),
        event("a score that says too little", "scoreGiven", device: nil),
    ]

    private static let place = FHIRMapper.Place(number: 7, session: "s", utc: begin, clock: .holdover)

    private static let people: [Example] = [
        example("a patient by digest", nil, mapper.patient(patient)),
        example(
            "a patient with identity", nil,
            mapper.patient(
                patient,
                identity: PatientIdentity(
                    identifiers: [PatientIdentifier(system: "urn:hospital", value: "M1")], birthDate: "1950-02-01",
                    name: "A B"))),
        example("an entry", nil, mapper.entry(.pain, "4", at: place)),
        example("an entry that was not said", nil, mapper.entry(.pain, ScoreItem.notSaid, at: place)),
        example("counted breaths", nil, mapper.entry(.respiration, "22", at: place)),
    ]

    private static func score(_ name: String, _ body: String) -> [Example] {
        guard let record = ScoreRecord(body: body) else { return [] }
        return [example(name, nil, mapper.score(record, at: place))]
    }

    private static let scores: [Example] =
        score(
            "a score",
            #"{"bed":"b","score":"news2","total":7,"band":"high","scale":"1","missing":[],"#
                + #""parts":{"pulse":{"points":2,"value":"120"}}}"#)
        + score(
            "a score that is incomplete",
            #"{"bed":"b","score":"news2","missing":[{"part":"pulse","why":"stale"}],"parts":{}}"#)

    private static let document = Example(
        name: "a document", profile: nil,
        json: mapper.document(
            DocumentHead(isOpen: true, title: "t", start: begin, end: nil, made: begin, name: "n"),
            of: mapper.patient(patient),
            sections: [
                DocumentSection(
                    code: "trends", title: "Trends", lines: ["a < b"],
                    entries: [mapper.observation(run(saturation), of: saturation, session: "s", window: 0)])
            ], others: [mapper.metric(saturation)],
            sources: [DocumentSource(display: "profile a/b", digest: String(repeating: "0", count: 64))]))
}
