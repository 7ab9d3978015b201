/// How sure a code's number is, from the sources it was cross-checked in.
///
/// The text of ISO/IEEE 11073-10101 itself was not available to the project: every number here comes from public vendor material.
public enum CodeProof: String, Sendable {
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
public struct MetricCode: Sendable, Hashable {
    /// The IEEE 11073 reference identifier (`MDC_…`), or a name of the project's own (`NABD_…`).
    public let referenceID: String
    /// The context-free code (partition × 65536 + term); `nil` for names of the project's own.
    public let code: UInt32?
    public let dimension: Dimension
    /// The LOINC code, only where it was checked against a published FHIR package or value set.
    public let loinc: String?
    public let proof: CodeProof
    /// What a person reads.
    public let display: String

    /// Code system of `MDC_` codes in FHIR.
    public static let system = "urn:iso:std:iso:11073:10101"
    /// Code system of the project's own names.
    public static let ownSystem = "urn:nabd:metric"
    /// Names of the project's own start with this.
    public static let ownPrefix = "NABD_"

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
    public static func named(_ referenceID: String) -> MetricCode? { byReferenceID[referenceID] }

    private static let byReferenceID = Dictionary(uniqueKeysWithValues: all.map { ($0.referenceID, $0) })
}
