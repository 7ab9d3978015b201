package import FHIRMapping
import PatientStore
import Patients

/// Who patients are to the records service, as the unit's protected place has it.
package enum PatientIdentities {
    /// - Parameter folder: the protected place; `nil` where there is none.
    /// - Returns: what gives who a patient is, by the keyed digest; `nil` where that cannot be read now.
    package static func reader(_ folder: String?) -> @Sendable (String) -> PatientIdentity? {
        guard let folder else { return { _ in nil } }
        let reader = PatientReader(folder: folder)
        return { subject in reader.identifiers(of: subject).map(identity) }
    }

    /// Identifiers go as they were entered: whose numbers they are the unit was not told, so the system says their kind
    /// only.
    static func identity(_ identifiers: PatientIdentifiers) -> PatientIdentity {
        PatientIdentity(
            identifiers: identifiers.entered.filter(\.key.isOnesOwn).sorted { $0.key < $1.key }.map { kind, text in
                PatientIdentifier(system: "urn:nabd:patient:\(kind.rawValue)", value: text)
            },
            birthDate: identifiers.canonical[.birthDate], name: identifiers.entered[.name])
    }
}
