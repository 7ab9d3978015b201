package import Patients

extension PatientIdentity {
    /// What the protected store says of a patient. Identifiers go as they were entered: whose numbers they are, the
    /// unit was not told, so that the system says their kind only.
    package init(_ known: PatientIdentifiers) {
        self.init(
            identifiers: known.entered.filter(\.key.isOnesOwn).sorted { $0.key < $1.key }.map { kind, text in
                PatientIdentifier(system: "urn:nabd:patient:\(kind.rawValue)", value: text)
            },
            birthDate: known.canonical[.birthDate], name: known.entered[.name])
    }
}
