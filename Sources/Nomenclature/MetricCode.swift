/// How sure a code's number is, from the sources it was cross-checked in.
///
/// The text of ISO/IEEE 11073-10101 itself was not available to the project: every number here comes from public vendor material.
package enum CodeProof: String, Sendable {
    /// A vendor's published nomenclature, recomputed (partition × 65536 + term).
    case vendorTable = "vendor nomenclature"
    /// Captured or published messages of a vendor's gateway.
    case vendorCapture = "vendor capture"
    /// Two or more independent public sources agree.
    case crossChecked = "cross-checked"
    /// One public sample only.
    case singleSample = "single public sample"
    /// A name of the project's own; it has no number.
    case own = "project's own name"
}

/// What a metric means: a reference identifier with its number, where the number is known.
package struct MetricCode: Sendable, Hashable {
    /// The IEEE 11073 reference identifier (`MDC_…`), or a name of the project's own (`NABD_…`).
    package let referenceID: String
    /// The context-free code (partition × 65536 + term); `nil` for names of the project's own.
    package let code: UInt32?
    package let dimension: Dimension
    /// The LOINC code, only where it was checked against a published FHIR package or value set.
    package let loinc: String?
    package let proof: CodeProof
    /// What a person reads.
    package let display: String

    /// Code system of `MDC_` codes in FHIR.
    package static let system = "urn:iso:std:iso:11073:10101"
    /// Code system of the project's own names.
    package static let ownSystem = "urn:nabd:metric"
    /// Names of the project's own start with this.
    package static let ownPrefix = "NABD_"

    init(
        _ referenceID: String, _ code: UInt32?, _ dimension: Dimension, _ proof: CodeProof, _ display: String, loinc: String? = nil
    ) {
        self.referenceID = referenceID
        self.code = code
        self.dimension = dimension
        self.loinc = loinc
        self.proof = proof
        self.display = display
    }

    /// The code with this reference identifier, or `nil` when the table has none.
    package static func named(_ referenceID: String) -> MetricCode? { byReferenceID[referenceID] }

    private static let byReferenceID = Dictionary(uniqueKeysWithValues: all.map { ($0.referenceID, $0) })
}
