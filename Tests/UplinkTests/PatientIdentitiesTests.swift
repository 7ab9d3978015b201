import FHIRMapping
import Patients
import Testing

@testable import Uplink

/// Who a patient is, on the way from the protected place to the records service.
@Suite struct PatientIdentitiesTests {
    @Test func identifiersGoAsTheyWereEnteredAndADateAsADate() throws {
        let entered = try PatientIdentifiers([
            ("mrn", "MRN-7"), ("passport", "A77"), ("birth-date", "١٩٦١-٠٢-٠٣"), ("name", "Nora Al-Harbi"),
        ])
        let identity = PatientIdentities.identity(entered)
        #expect(
            identity.identifiers == [
                PatientIdentifier(system: "urn:nabd:patient:mrn", value: "MRN-7"),
                PatientIdentifier(system: "urn:nabd:patient:passport", value: "A77"),
            ])
        #expect(identity.birthDate == "1961-02-03" && identity.name == "Nora Al-Harbi")
    }

    @Test func withoutAPlaceNobodyIsKnown() {
        let subject = String(repeating: "a", count: 64)
        #expect(PatientIdentities.reader(nil)(subject) == nil)
        #expect(PatientIdentities.reader("/nowhere/at/all")(subject) == nil)
    }
}
