package import Patients

/// The place of the patients, for roles that only look up who one is: delivery, and export. It needs no key.
package struct PatientReader: Sendable {
    private let folder: String

    package init(folder: String) { self.folder = folder }

    /// `nil` where nothing is kept, it is damaged, or this process may not read it.
    package func identifiers(of subject: String) -> PatientIdentifiers? {
        guard PatientStore.isSubject(subject) else { return nil }
        return PatientStore.identifiers(of: subject, in: folder, DiskFiles())
    }
}
