package import DeviceModel
package import Nomenclature

/// What the records service should know of a device.
package struct DeviceDescription: Sendable {
    package let handle: String
    package let manufacturer: String
    package let model: String
    package let kind: String
    /// The serial number that the device itself has told, or that a person has written down.
    package var serialNumber: String?
    /// The human-readable form of its unique device identifier, as it stands on its label.
    package let udi: String?

    package init(
        handle: String, manufacturer: String, model: String, kind: String, serialNumber: String? = nil,
        udi: String? = nil
    ) {
        (self.handle, self.manufacturer, self.model, self.kind) = (handle, manufacturer, model, kind)
        (self.serialNumber, self.udi) = (serialNumber, udi)
    }
}

/// Turns the device model into FHIR R4 resources.
///
/// The subject of what is made here is the device itself, never a guess; where a patient is bound to it,
/// ``filed(_:_:)`` says so. No vital-signs profile is claimed, which demands a patient. LOINC stands beside the 11073
/// code where the pair was checked. Source: HL7 PoCD implementation guide 1.0.0-ballot3 for the tree of devices and
/// the code system; FHIR R4 (4.0.1) for the resources.
package struct FHIRMapper: Sendable {
    /// The unit's identity; part of every id and identifier.
    package let unit: String
    /// What people call the unit now.
    private let name: String
    /// Whether resources are marked as test data (HTEST).
    package let isTestData: Bool
    /// Names for records of hosts that did not write what their metrics were called, and the numbers of events.
    let names: Nomenclature

    package init(unit: String, name: String, isTestData: Bool, names: Nomenclature) {
        self.unit = unit
        self.name = name
        self.isTestData = isTestData
        self.names = names
    }

    static let identifierSystem = "urn:nabd:unit"
    /// Which machine delivers; of the host's own description.
    package static let machineSystem = "urn:nabd:machine"
    static let eventSystem = Nomenclature.ownEventSystem
    static let facetSystem = "urn:nabd:alert-facet"

    // MARK: Devices

    var gatewayID: String { FHIRResource.id("gw", [unit]) }

    func deviceID(_ handle: String, vmd: String?) -> String { FHIRResource.id("dev", [unit, handle, vmd ?? ""]) }

    func metricID(_ stream: StreamDescriptor) -> String {
        FHIRResource.id(
            "met",
            [unit, stream.device, stream.vmd ?? "", stream.metric, stream.unit ?? "", "\(stream.periodNanoseconds)"])
    }

    /// The host itself.
    ///
    /// - Parameters:
    ///   - version: of the program; `nil` where the record does not say.
    ///   - machine: tells the machine that delivers from another with a copy of its record; `nil` where nothing does.
    package func gateway(version: String?, machine: String? = nil) -> FHIRResource {
        device(
            id: gatewayID, identifier: unit, machine: machine, name: "Nabd host of \(name)", kind: "device gateway",
            type: nil,
            facts: ["version": version.map { .array([.members(["value": .string($0)])]) }], parent: nil)
    }

    /// A device of the unit.
    package func device(_ description: DeviceDescription) -> FHIRResource {
        device(
            id: deviceID(description.handle, vmd: nil), identifier: "\(unit)/\(description.handle)",
            name: description.handle, kind: description.kind, type: names.kinds[description.kind]?.type,
            facts: [
                "udiCarrier": description.udi.map(carrier), "manufacturer": .string(description.manufacturer),
                "serialNumber": description.serialNumber.map(JSON.string), "modelNumber": .string(description.model),
            ], parent: gatewayID)
    }

    /// A virtual medical device within a device.
    package func virtualDevice(_ vmd: String, of handle: String) -> FHIRResource {
        device(
            id: deviceID(handle, vmd: vmd), identifier: "\(unit)/\(handle)/\(vmd)", name: "\(handle) \(vmd)", kind: vmd,
            type: nil, facts: [:], parent: deviceID(handle, vmd: nil))
    }

    /// A GS1 carrier begins with the application identifier 01 and fourteen digits: the device identifier.
    private func carrier(_ udi: String) -> JSON {
        let digits = udi.hasPrefix("(01)") ? udi.dropFirst(4).prefix(14) : ""
        let isGS1 = digits.count == 14 && digits.allSatisfy(\.isNumber)
        return .array([
            .members([
                "deviceIdentifier": isGS1 ? .string(String(digits)) : nil,
                "issuer": isGS1 ? .string("http://hl7.org/fhir/NamingSystem/gs1-di") : nil, "carrierHRF": .string(udi),
            ])
        ])
    }

    private func device(
        id: String, identifier: String, machine: String? = nil, name: String, kind: String, type: DeviceType?,
        facts: KeyValuePairs<String, JSON?>, parent: String?
    ) -> FHIRResource {
        let codings = type.map { [FHIR.coding(Nomenclature.standardSystem, "\($0.code)", $0.referenceID)] } ?? []
        return FHIRResource(
            type: "Device", id: id,
            json: .members([
                "resourceType": .string("Device"), "id": .string(id), "meta": meta([]),
                "identifier": .array(
                    [(Self.identifierSystem, identifier), (Self.machineSystem, machine)].compactMap { system, value in
                        value.map { .members(["system": .string(system), "value": .string($0)]) }
                    }),
                "status": .string("active"),
                "deviceName": .array([.members(["name": .string(name), "type": .string("user-friendly-name")])]),
                "type": FHIR.concept(codings, text: kind),
                "parent": parent.map { FHIR.reference("Device", $0) },
            ]).adding(facts))
    }

    /// A stream of a device.
    package func metric(_ stream: StreamDescriptor) -> FHIRResource {
        let id = metricID(stream)
        return FHIRResource(
            type: "DeviceMetric", id: id,
            json: .members([
                "resourceType": .string("DeviceMetric"), "id": .string(id), "meta": meta([]),
                "identifier": .array([
                    .members([
                        "system": .string(Self.identifierSystem),
                        "value": .string(
                            "\(unit)/\(stream.device)/\(stream.vmd.map { "\($0)/" } ?? "")\(stream.metric)"),
                    ])
                ]),
                "type": metricCode(stream, withLOINC: false),
                "unit": stream.unit.map { FHIR.concept([FHIR.coding(FHIR.ucum, $0)]) },
                // The device it belongs to, and the part of it that measures.
                "source": FHIR.reference("Device", deviceID(stream.device, vmd: nil)),
                "parent": FHIR.reference("Device", deviceID(stream.device, vmd: stream.vmd)),
                "category": .string(category(stream).rawValue),
                "measurementPeriod": .members([
                    "repeat": .members([
                        "frequency": .integer(1),
                        "period": .number(DecimalText.render(stream.periodNanoseconds, exponent: -9)),
                        "periodUnit": .string("s"),
                    ])
                ]),
            ]))
    }

    private func category(_ stream: StreamDescriptor) -> MetricCategory {
        stream.name?.category ?? names.metric(stream.metric)?.category ?? .measurement
    }

    func metricCode(_ stream: StreamDescriptor, withLOINC: Bool) -> JSON {
        var codings: [JSON] = []
        // A record of an older host may have a name that has a number by now: both are told.
        let known = stream.name == nil ? names.metric(stream.metric) : nil
        if let code = stream.code ?? known?.code {
            codings.append(
                FHIR.coding(
                    Nomenclature.standardSystem, "\(code)", stream.code == nil ? known?.referenceID : stream.metric))
        }
        if stream.code == nil {
            codings.append(FHIR.coding(stream.name?.system ?? Nomenclature.ownSystem, stream.metric))
        }
        if withLOINC, let loinc = stream.name?.loinc { codings.append(FHIR.coding(FHIR.loinc, loinc)) }
        return FHIR.concept(codings, text: stream.name?.display ?? known?.display ?? stream.metric)
    }

    /// Labels of a resource: test data, how far a value may be relied on, and in what it is not as others are.
    func meta(_ labels: [(system: String, code: String)], tags: [(system: String, code: String)] = []) -> JSON? {
        let test = isTestData ? [("http://terminology.hl7.org/CodeSystem/v3-ActReason", "HTEST")] : []
        func codings(_ all: [(system: String, code: String)]) -> JSON? {
            all.isEmpty ? nil : .array(all.map { FHIR.coding($0.system, $0.code) })
        }
        let (security, tag) = (codings(test + labels), codings(tags))
        return security == nil && tag == nil ? nil : .members(["security": security, "tag": tag])
    }

    static let clockSystem = "urn:nabd:clock"
    static let samplingSystem = "urn:nabd:sampling"

    /// Says of a resource that the wall clock was not known to be right.
    func tags(_ clock: ClockQuality) -> [(system: String, code: String)] {
        clock == .synchronised ? [] : [(Self.clockSystem, clock.word)]
    }
}
