import DeviceModel
import Testing

@testable import FHIRMapping

/// In which ways resources are not as the PoCD guide has them. A new one is red until it is mended, or stands here with
/// its reason; so is one that stands here and is no more.
@Suite struct PoCDTests {
    private static let noType = "a kind of device whose number is not verified goes by its text"
    private static let noChannel =
        "no device that is read tells of channels: a metric's parent is the device, or the "
        + "part of it that measures"
    private static let ucumUnit =
        "the unit is UCUM's, as in the observations: no table of the standard's units is "
        + "verified"
    private static let noNumber = "a metric without a number that is verified goes by the host's name for it"
    private static let unknown = "no device that is read tells it, and nobody looked"
    private static let notSaid = "the validity of the values is told by meta.security and dataAbsentReason alone"
    private static let noRange = "the limits that alarms go by are the unit's presets, no ranges of the device's"
    private static let noCategory = "no vital-signs category is claimed: it demands a patient, and profiles of its own"

    private static let shape: [String: String] = [
        "MdsDevice.type: no coding of the standard's": noType,
        "VmdDevice.type: no coding of the standard's": "a part goes by the name that its device gives it",
        "NumericDeviceMetric.parent: is no channel": noChannel,
        "SampleArrayDeviceMetric.parent: is no channel": noChannel,
        "EnumerationDeviceMetric.parent: is no channel": noChannel,
        "NumericDeviceMetric.unit: no coding of the standard's": ucumUnit,
        "SampleArrayDeviceMetric.unit: no coding of the standard's": ucumUnit,
        "NumericDeviceMetric.type: no coding of the standard's": noNumber,
        "NumericObservation.code: no coding of the standard's": noNumber,
        "NumericObservation.value[x]: valueSampledData":
            "each number stands once, in sampled data; the newest of a run goes as a Quantity beside it (0024)",
    ]

    /// Elements that must be supported and are never sent.
    private static let absent: [String: String] = [
        "MdsDevice.statusReason": unknown, "MdsDevice.partNumber": unknown, "MdsDevice.safety": unknown,
        "MdsDevice.patient": "who is at a device changes: observations and audit events say it for their own time",
        "MdsDevice.location": "the unit moves; where it was is a metric of its own",
        "VmdDevice.udiCarrier": unknown, "VmdDevice.statusReason": unknown, "VmdDevice.manufacturer": unknown,
        "VmdDevice.serialNumber": unknown, "VmdDevice.modelNumber": unknown, "VmdDevice.partNumber": unknown,
        "VmdDevice.version": unknown, "VmdDevice.safety": unknown,
        "NumericDeviceMetric.operationalStatus": unknown, "SampleArrayDeviceMetric.operationalStatus": unknown,
        "EnumerationDeviceMetric.operationalStatus": unknown,
        "NumericDeviceMetric.calibration": unknown, "SampleArrayDeviceMetric.calibration": unknown,
        "EnumerationDeviceMetric.calibration": unknown,
        "NumericObservation.category": noCategory, "SampleArrayObservation.category": noCategory,
        "EnumerationObservation.category": noCategory,
        "NumericObservation.interpretation": notSaid, "SampleArrayObservation.interpretation": notSaid,
        "EnumerationObservation.interpretation": notSaid,
        "NumericObservation.bodySite": unknown, "SampleArrayObservation.bodySite": unknown,
        "EnumerationObservation.bodySite": unknown,
        "NumericObservation.referenceRange": noRange, "SampleArrayObservation.referenceRange": noRange,
    ]

    private static var known: Set<String> {
        Set(shape.keys).union(absent.keys.map { "\($0): must be supported, is never sent" })
    }

    private static var found: Set<String> {
        ResourceKinds.all.reduce(into: PoCDProfiles.unsupported(ResourceKinds.all)) {
            $0.formUnion(PoCDProfiles.deviations($1))
        }
    }

    @Test func thereIsNoDeviationThatHasNoReason() {
        let new = Self.found.subtracting(Self.known).sorted()
        #expect(new.isEmpty, "mend it, or say why it is so: \(new.joined(separator: "; "))")
        let gone = Self.known.subtracting(Self.found).sorted()
        #expect(gone.isEmpty, "it is so no more, and stands here: \(gone.joined(separator: "; "))")
        for profile in ResourceKinds.Profile.allCases {
            #expect(ResourceKinds.all.contains { $0.profile == profile }, "\(profile) has no example")
        }
    }

    /// A resource with one member left out or put in its place.
    private func changed(_ name: String, _ member: String, to value: JSON?) throws -> Set<String> {
        let example = try #require(ResourceKinds.all.first { $0.name == name })
        guard case .object(let members) = example.json else { return [] }
        var kept = members.filter { $0.name != member }
        if let value { kept.append(JSON.Member(name: member, value: value)) }
        return PoCDProfiles.deviations(
            ResourceKinds.Example(name: name, profile: example.profile, json: .object(kept))
        ).subtracting(PoCDProfiles.deviations(example))
    }

    /// Each fault that the check is for is found.
    @Test func aNewDeviationIsFound() throws {
        let elsewhere = JSON.members(["reference": .string("Location/1")])
        let plain = JSON.members(["value": .integer(1), "unit": .string("%")])
        for (name, member, value, expected) in [
            ("the newest number", "subject", nil, "NumericObservation.subject: none"),
            ("the newest number", "subject", elsewhere, "NumericObservation.subject: refers to something else"),
            ("the newest number", "device", nil, "NumericObservation.device: none"),
            (
                "the newest number", "effectiveDateTime", nil,
                "NumericObservation.effective[x]: none, or of another type"
            ),
            ("the newest number", "valueQuantity", nil, "NumericObservation.value[x]: neither it nor dataAbsentReason"),
            ("the newest number", "valueQuantity", plain, "NumericObservation.valueQuantity: its system is not UCUM"),
            ("the newest number", "code", .members([:]), "NumericObservation.code: no coding of the standard's"),
            ("a waveform", "valueQuantity", plain, "SampleArrayObservation.value[x]: valueQuantity"),
            ("a text", "valueInteger", .integer(1), "EnumerationObservation.value[x]: valueInteger"),
            ("a part of a device", "parent", nil, "VmdDevice.parent: none"),
            ("a part of a device", "patient", elsewhere, "VmdDevice.patient: must not be there"),
            ("a metric of texts", "unit", .members([:]), "EnumerationDeviceMetric.unit: must not be there"),
            ("a metric of numbers", "source", nil, "NumericDeviceMetric.source: none"),
            ("a device", "type", nil, "MdsDevice.type: none"),
        ] as [(String, String, JSON?, String)] {
            #expect(try changed(name, member, to: value).contains(expected), "\(name), \(member)")
        }
        let host = try #require(ResourceKinds.all.first)
        guard case .object(let members) = host.json else { return }
        let bare = ResourceKinds.Example(
            name: "", profile: .mdsDevice, json: .object(members.filter { $0.name != "deviceName" }))
        #expect(PoCDProfiles.unsupported([bare]).contains("MdsDevice.deviceName: must be supported, is never sent"))
    }
}
