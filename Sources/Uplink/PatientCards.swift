import FHIRMapping

/// Who patients are, asked of the unit's protected store, and for whom the service was told all of it.
struct PatientCards {
    /// What the store did not say is asked again after so long.
    private static let patience = Duration.seconds(60)

    private let ask: @Sendable (String) -> PatientIdentity?
    private var known: [String: PatientIdentity] = [:]
    private var unknown: [String: ContinuousClock.Instant] = [:]
    /// For whom the service has all that there is.
    private var told: Set<String> = []

    /// - Parameter ask: gives who a patient is, by the keyed digest; `nil` where that cannot be read now.
    init(_ ask: @escaping @Sendable (String) -> PatientIdentity?) { self.ask = ask }

    mutating func identity(_ subject: String) -> PatientIdentity? {
        if let identity = known[subject] { return identity }
        if let asked = unknown[subject], ContinuousClock.now - asked < Self.patience { return nil }
        let identity = ask(subject)
        (known[subject], unknown[subject]) = (identity, identity == nil ? .now : nil)
        return identity
    }

    /// Whether there is somebody whom it is time to ask for again.
    var isDue: Bool { unknown.values.contains { ContinuousClock.now - $0 >= Self.patience } }

    func isTold(_ subject: String) -> Bool { told.contains(subject) }

    mutating func tell(_ subject: String) { if known[subject] != nil { told.insert(subject) } }

    mutating func forgetTold() { told = [] }
}
