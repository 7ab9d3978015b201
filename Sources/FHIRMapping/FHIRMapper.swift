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
/// Until a patient is bound to a device, the subject of its observations is the device itself, never a guess; so no
/// vital-signs profile is claimed, which demands a patient. LOINC stands beside the 11073 code where the pair was
/// checked. Source: HL7 PoCD implementation guide 1.0.0-ballot3 for the tree of devices and the code system; FHIR R4
/// (4.0.1) for the resources.
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

    /// `MDC_EVT_ALARM`, the container of an alert, and its facets, whose numbers are known and whose names are not.
    /// Source: public messages of two vendors' gateways.
    private enum AlertCode {
        static let container: (referenceID: String, code: UInt32) = ("MDC_EVT_ALARM", 196616)
        /// Start, update or end.
        static let phase: UInt32 = 68481
        /// Whether the condition holds.
        static let state: UInt32 = 68482
        static let priority: UInt32 = 68484
    }

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

    // MARK: Observations

    /// The observation of a run of samples of one stream.
    ///
    /// - Parameters:
    ///   - session: the key of the host's session; together with the sequence number it names the run for ever.
    ///   - window: the start of the delivery window. Unit: ns of the monotonic clock.
    package func observation(_ run: SampleRun, of stream: StreamDescriptor, session: String, window: Int64)
        -> FHIRResource
    {
        let id = observationID(run, stream, session, window, run.pieces.map { "piece \($0)" })
        var json = JSON.members([
            "resourceType": .string("Observation"), "id": .string(id), "meta": meta(run.labels, tags: tags(run.clock)),
            "status": .string("final"),
            "code": metricCode(stream, withLOINC: true),
            "subject": FHIR.reference("Device", deviceID(stream.device, vmd: nil)),
            "effectivePeriod": period(run),
        ])
        if !run.hasValue {
            json = json.adding(["dataAbsentReason": FHIR.concept([FHIR.coding(FHIR.absentReason, run.absentReason)])])
        } else if stream.form == .text {
            json = json.adding(["valueString": .string(run.text ?? "")])
        } else {
            json = json.adding(["valueSampledData": sampledData(run, stream)])
        }
        return FHIRResource(
            type: "Observation", id: id, json: json.adding(["device": FHIR.reference("DeviceMetric", metricID(stream))])
        )
    }

    /// The newest value of a run of numbers as a quantity, for readers that show trends and know no sampled data; it
    /// says that it stands in the sampled data too. `nil` where there is none, or its time is not known.
    package func newest(_ run: SampleRun, of stream: StreamDescriptor, session: String, window: Int64)
        -> FHIRResource?
    {
        guard let newest = run.newest, run.isTimeKnown, run.pieces.isEmpty, !stream.isWaveform else { return nil }
        let id = observationID(run, stream, session, window, ["newest"])
        return FHIRResource(
            type: "Observation", id: id,
            json: .members([
                "resourceType": .string("Observation"), "id": .string(id),
                "meta": meta(run.labels, tags: tags(run.clock) + [(Self.samplingSystem, "newest-of-run")]),
                "status": .string("final"), "code": metricCode(stream, withLOINC: true),
                "subject": FHIR.reference("Device", deviceID(stream.device, vmd: nil)),
                "effectiveDateTime": FHIR.instant(newest.utc),
                "valueQuantity": quantity(.number(newest.value), stream),
                "device": FHIR.reference("DeviceMetric", metricID(stream)),
            ]))
    }

    private func observationID(
        _ run: SampleRun, _ stream: StreamDescriptor, _ session: String, _ window: Int64, _ more: [String]
    ) -> String {
        FHIRResource.id(
            "obs",
            [
                unit, session, stream.device, stream.vmd ?? "", stream.metric, stream.unit ?? "",
                "\(stream.periodNanoseconds)", "\(window)", "\(run.firstSequence)",
            ] + more)
    }

    private func period(_ run: SampleRun) -> JSON {
        guard run.isTimeKnown else { return .members(["_start": FHIR.unknown, "_end": FHIR.unknown]) }
        return .members(["start": FHIR.instant(run.startUTC), "end": FHIR.instant(run.endUTC)])
    }

    private func quantity(_ value: JSON, _ stream: StreamDescriptor) -> JSON {
        let unit = stream.unit ?? "1"
        return .members([
            "value": value, "unit": .string((try? names.unit(unit).get())?.display ?? unit),
            "system": .string(FHIR.ucum), "code": .string(unit),
        ])
    }

    private func sampledData(_ run: SampleRun, _ stream: StreamDescriptor) -> JSON {
        var factor: JSON?
        if case .integer(let scale) = stream.form, scale != .one { factor = .number(scale.text(of: 1)) }
        return .members([
            "origin": quantity(.integer(0), stream),
            "period": .number(DecimalText.render(stream.periodNanoseconds, exponent: -6)), "factor": factor,
            "dimensions": .integer(1),
            "data": .string(run.data),
        ])
    }

    // MARK: Events

    /// The observation of an event or of one phase of an alert; of an event of a command the entry of an audit trail.
    ///
    /// - Parameters:
    ///   - name: its name in the journal, which may be one that this host does not know.
    ///   - number: its number in the journal.
    ///   - utc: when it happened; `nil` when that is not known. Unit: ns since 1970.
    ///   - line: the event as its JSON line, for events that have no form of their own.
    ///   - hash: of the journal's chain up to this event. The service keeps it: who rewrites the unit's record cannot
    ///     make it fit.
    ///   - clock: how sure that was.
    ///   - isDescribed: whether the service knows the device; otherwise the event is the unit's, and names it in words.
    package func event(
        _ event: RecordedEvent, name: String, id number: Int64, session: String, device: String?, utc: Int64?,
        clock: ClockQuality = .synchronised, line: String, hash: [UInt8] = [], isDescribed: Bool = true
    ) -> FHIRResource {
        let id = FHIRResource.id("evt", [unit, session, "\(number)"])
        let known = isDescribed ? device : nil
        let subject = FHIR.reference("Device", known.map { deviceID($0, vmd: nil) } ?? gatewayID)
        let head = JSON.members([
            "resourceType": .string("Observation"), "id": .string(id), "meta": meta([], tags: tags(clock)),
            "effectiveDateTime": utc.map(FHIR.instant), "_effectiveDateTime": utc == nil ? FHIR.unknown : nil,
        ])
        let witness = EventWitness(unit: unit, number: number, hash: hash)
        let json: JSON
        switch event {
        case .command(let kind):
            return auditEvent(of: kind, id: id, about: subject, utc: utc, meta: meta([], tags: tags(clock)))
        // Whatever it is taken for: by its name it tells of a command, and such a line is said by nobody.
        case _ where EventKind.isNamedAsOfCommand(name):
            return auditEvent(
                of: EventKind(rawValue: name), id: id, about: subject, utc: utc, meta: meta([], tags: tags(clock)))
        case .alertStart(let alert):
            json = head.adding(
                phase("start", of: alert, witness, about: isDescribed ? nil : device, subject: subject))
        case .alertEnd(let alert, let reason):
            json = head.adding(
                phase("end", of: alert, witness, reason: reason, about: isDescribed ? nil : device, subject: subject))
        case .alertUpdate(let alert, let standing):
            json = head.adding(
                phase(
                    "update", of: alert, witness, standing: standing, about: isDescribed ? nil : device,
                    subject: subject))
        case .alarmSwitch, .bed, .sessionBoundary, .other, .unknown:
            json = head.adding([
                "identifier": hash.isEmpty ? nil : .array([witness.identifier]),
                "status": .string("final"), "code": FHIR.concept([FHIR.coding(Self.eventSystem, name)], text: name),
                "subject": subject, "valueString": .string(line), "device": subject,
            ])
        }
        return FHIRResource(type: "Observation", id: id, json: json)
    }

    /// - Parameters:
    ///   - reason: why it ended although its condition was not seen to; `nil` when it was.
    ///   - standing: what it came to, where it neither began nor ended.
    private func phase(
        _ phase: String, of alert: AlertRecord, _ witness: EventWitness, reason: String? = nil,
        standing: AlertStanding? = nil, about device: String? = nil, subject: JSON
    ) -> KeyValuePairs<String, JSON?> {
        let known = names.event(alert.name)
        let code = AlertKind(rawValue: alert.name)?.descriptor.code ?? known?.code
        let condition =
            code.map { FHIR.coding(Nomenclature.standardSystem, "\($0)", known?.referenceID ?? alert.name) }
            ?? FHIR.coding(known?.system ?? Self.eventSystem, alert.name)
        // Which place of a rack it is stands in the words: its own Device may not have been delivered yet, and an alert
        // does not wait for it.
        let text = (alert.vmd ?? device).map { "\($0): \(alert.text ?? "")" } ?? alert.text
        // The words are those of ISO/IEEE 11073-10101's facets as gateways send them; no number for them is verified.
        func component(_ code: UInt32, _ value: String) -> JSON {
            .members([
                "code": FHIR.concept([FHIR.coding(Nomenclature.standardSystem, "\(code)")]),
                "valueCodeableConcept": FHIR.concept([FHIR.coding(Self.facetSystem, value)]),
            ])
        }
        let occurrence: JSON? = alert.instance.map {
            .members(["system": .string("urn:nabd:alert"), "value": .string($0)])
        }
        let identifiers = [occurrence, witness.hash.isEmpty ? nil : witness.identifier].compactMap(\.self)
        let presence = standing?.presence ?? (phase == "start" ? .on : .off)
        let state =
            switch presence {
            case .on, .ack: "active"
            case .latched: "latched"
            case .off: "inactive"
            }
        // In HL7's own words for a device's alert; what is told beside them is this host's. What begins or ends at no
        // bed is told in the form of ever: the service may have it already, and compares.
        let isPlain = standing == nil && alert.bed == nil
        let own: [(String, String?)] =
            isPlain
            ? []
            : [
                ("presence", presence.rawValue), ("activation", (standing?.activation ?? .on).rawValue),
                ("change", standing?.change), ("bed", alert.bed), ("metric", alert.metric),
            ]
        let ownComponents = own.compactMap { name, value in
            value.map { value in
                JSON.members([
                    "code": FHIR.concept([FHIR.coding(Self.facetSystem, name)]), "valueString": .string(value),
                ])
            }
        }
        return [
            "identifier": identifiers.isEmpty ? nil : .array(identifiers),
            "status": .string("final"),
            "code": FHIR.concept([
                FHIR.coding(Nomenclature.standardSystem, "\(AlertCode.container.code)", AlertCode.container.referenceID)
            ]),
            "subject": subject,
            "valueCodeableConcept": FHIR.concept([condition], text: text), "device": subject,
            "note": reason.map { .array([.members(["text": .string("The condition was not seen to end: \($0)")])]) },
            "component": .array(
                [
                    component(AlertCode.phase, phase),
                    component(AlertCode.state, state),
                    component(AlertCode.priority, alert.priority ?? AlertPriority.low.rawValue),
                ] + ownComponents),
        ]
    }
}
