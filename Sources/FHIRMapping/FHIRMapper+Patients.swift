import DeviceModel

/// By what a patient is known to others.
package struct PatientIdentifier: Sendable, Hashable {
    /// A URI; `nil` where the unit knows none.
    package let system: String?
    package let value: String

    package init(system: String?, value: String) { (self.system, self.value) = (system, value) }
}

extension FHIRMapper {
    /// System of the keyed digest by which the journal knows a patient.
    package static let patientSystem = "urn:nabd:patient-digest"

    /// The patient that a digest stands for.
    ///
    /// - Parameters:
    ///   - subject: the digest; `nil` in a record without identity, where `name` tells patients apart.
    ///   - identifiers: as the protected store has them; none where it was not read.
    package func patient(_ subject: String?, name: String = "", identifiers: [PatientIdentifier] = []) -> FHIRResource {
        let id = FHIRResource.id("pat", [unit, subject ?? name])
        let digest = subject.map { PatientIdentifier(system: Self.patientSystem, value: $0) }
        let all = ([digest].compactMap(\.self) + identifiers).map { one in
            JSON.members(["system": one.system.map(JSON.string), "value": .string(one.value)])
        }
        return FHIRResource(
            type: "Patient", id: id,
            json: .members([
                "resourceType": .string("Patient"), "id": .string(id), "meta": meta([]),
                "identifier": all.isEmpty ? nil : .array(all),
            ]))
    }
}

extension FHIRResource {
    /// The same, about a patient: of an observation the subject; of an audit event one more of what it is about. What
    /// measured stays what it was. Anything else is as it was.
    package func about(_ patient: FHIRResource) -> FHIRResource {
        guard case .object(let members) = json else { return self }
        let reference = FHIR.reference(patient.type, patient.id)
        let changed = members.map { member in
            switch (type, member.name, member.value) {
            case ("Observation", "subject", _): JSON.Member(name: member.name, value: reference)
            case ("AuditEvent", "entity", .array(let entities)):
                JSON.Member(name: member.name, value: .array(entities + [.members(["what": reference])]))
            default: member
            }
        }
        return FHIRResource(type: type, id: id, json: .object(changed))
    }
}
