package import DeviceModel

/// Events as observations.
extension FHIRMapper {
    /// The observation of an event or of one phase of an alert; of an event of a command, and of a patient at a bed,
    /// the entry of an audit trail.
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
    ///   - account: what an event of a patient at a bed says; `nil` for another, and where it does not say it.
    package func event(
        _ event: RecordedEvent, name: String, id number: Int64, session: String, device: String?, utc: Int64?,
        clock: ClockQuality = .synchronised, line: String, hash: [UInt8] = [], isDescribed: Bool = true,
        account: BindingAccount? = nil
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
        case .bed(let kind) where [.patientBound, .patientUnbound, .bindingWithdrawn].contains(kind):
            return bindingAudit(of: kind, id: id, account, utc: utc, meta: meta([], tags: tags(clock)))
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
        // A score or an entry that says what it must goes as that; of one that does not, only that it was.
        case .bed(.bedEntered), .bed(.scoreGiven):
            json = head.adding([
                "status": .string("final"), "code": FHIR.concept([FHIR.coding(Self.eventSystem, name)], text: name),
                "subject": subject,
                "dataAbsentReason": FHIR.concept([FHIR.coding(FHIR.absentReason, "error")]), "device": subject,
            ])
        case .alarmSwitch, .bed, .sessionBoundary, .other, .unknown:
            json = head.adding([
                "identifier": hash.isEmpty ? nil : .array([witness.identifier]),
                "status": .string("final"), "code": FHIR.concept([FHIR.coding(Self.eventSystem, name)], text: name),
                "subject": subject, "valueString": .string(line), "device": subject,
            ])
        }
        return FHIRResource(type: "Observation", id: id, json: json)
    }
}
