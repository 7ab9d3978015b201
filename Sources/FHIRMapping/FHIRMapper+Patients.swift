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

/// Patients. Source: FHIR R4 (4.0.1), Patient.
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
}
