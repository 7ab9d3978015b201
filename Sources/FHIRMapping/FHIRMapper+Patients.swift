import DeviceModel

/// By what a patient is known to others.
package struct PatientIdentifier: Sendable, Hashable {
    /// A URI; `nil` where the unit knows none.
    package let system: String?
    package let value: String

    package init(system: String?, value: String) { (self.system, self.value) = (system, value) }
}

/// Who a patient is, as the unit's protected store has it.
package struct PatientIdentity: Sendable, Hashable {
    package let identifiers: [PatientIdentifier]
    /// `YYYY-MM-DD`, `YYYY-MM` or `YYYY`.
    package let birthDate: String?
    package let name: String?

    package init(identifiers: [PatientIdentifier], birthDate: String? = nil, name: String? = nil) {
        (self.identifiers, self.birthDate, self.name) = (identifiers, birthDate, name)
    }
}

/// What was said of a patient at a bed: that somebody came, left, or was another one.
package struct BindingAccount: Sendable, Hashable {
    package let bed: String
    /// The binding's number.
    package let binding: Int64
    /// The patient: a keyed digest; `nil` where the binding is not known any more.
    package let subject: String?
    /// Whether a person said so; otherwise the host.
    package let isByPerson: Bool

    package init(bed: String, binding: Int64, subject: String?, isByPerson: Bool) {
        (self.bed, self.binding, self.subject, self.isByPerson) = (bed, binding, subject, isByPerson)
    }
}

/// Patients, and what is filed under them. Source: FHIR R4 (4.0.1), Patient, Observation, AuditEvent.
extension FHIRMapper {
    /// System of the keyed digest by which the journal knows a patient.
    package static let patientSystem = "urn:nabd:subject"

    func patientID(_ subject: String) -> String { FHIRResource.id("pat", [unit, subject]) }

    /// The patient that a digest stands for.
    ///
    /// - Parameters:
    ///   - subject: the digest; `nil` in a record without identity, where `name` tells patients apart.
    ///   - identity: as the protected store has it; `nil` where it was not read.
    package func patient(_ subject: String?, name: String = "", identity: PatientIdentity? = nil) -> FHIRResource {
        let id = patientID(subject ?? name)
        let digest = subject.map { PatientIdentifier(system: Self.patientSystem, value: $0) }
        let all = ([digest].compactMap(\.self) + (identity?.identifiers ?? [])).map { one in
            JSON.members(["system": one.system.map(JSON.string), "value": .string(one.value)])
        }
        return FHIRResource(
            type: "Patient", id: id,
            json: .members([
                "resourceType": .string("Patient"), "id": .string(id), "meta": meta([]),
                "identifier": all.isEmpty ? nil : .array(all),
                "name": identity?.name.map { .array([.members(["text": .string($0)])]) },
                "birthDate": identity?.birthDate.map(JSON.string),
            ]))
    }

    /// An observation as it is filed: its subject is the patient, and what measured it stays what it was.
    package func filed(_ resource: FHIRResource, _ filing: Filing) -> FHIRResource {
        guard filing != .unbound else { return resource }
        let about =
            filing.subject.map { resource.about(FHIRResource(type: "Patient", id: patientID($0), json: .null)) }
            ?? resource
        guard case .object(let members) = about.json else { return resource }
        let id = filing.after.map { FHIRResource.id("ref", [resource.id, "\($0)"]) } ?? resource.id
        let changed = members.map { member in
            switch member.name {
            case "id": JSON.Member(name: member.name, value: .string(id))
            case "status" where filing.isInError: JSON.Member(name: member.name, value: .string("entered-in-error"))
            default: member
            }
        }
        return FHIRResource(type: resource.type, id: id, json: .object(changed))
    }

    /// The entry of an audit trail for who is at a bed. No identifier of a patient and no person who said so leave the
    /// unit by it.
    ///
    /// - Parameters:
    ///   - kind: that somebody came, left, or was another one.
    ///   - id: the entry's.
    ///   - account: `nil` where the event does not say what it must.
    func bindingAudit(of kind: EventKind, id: String, _ account: BindingAccount?, utc: Int64?, meta: JSON?)
        -> FHIRResource
    {
        let place = account.map { account in
            JSON.members([
                "name": .string("bed \(account.bed)"),
                "detail": .array([
                    .members(["type": .string("binding"), "valueString": .string("\(account.binding)")])
                ]),
            ])
        }
        let patient = account?.subject.map { subject in
            JSON.members([
                "what": FHIR.reference("Patient", patientID(subject)),
                "type": FHIR.coding("http://terminology.hl7.org/CodeSystem/audit-entity-type", "1", "Person"),
                "role": FHIR.coding("http://terminology.hl7.org/CodeSystem/object-role", "1", "Patient"),
            ])
        }
        let entities = [patient, place].compactMap(\.self)
        return audit(
            AuditEntry(
                type: FHIR.coding(Self.auditSystem, "patient-association", "Patient at a bed"), kind: kind,
                action: kind == .patientBound ? "C" : "U", outcome: .success,
                isByPerson: account?.isByPerson ?? false, entities: entities),
            id: id, utc: utc, meta: meta)
    }
}
