import DeviceModel

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
