package import FHIRMapping

/// What became of a bundle.
package enum DeliveryOutcome: Sendable, Equatable {
    /// Every entry was answered with 2xx.
    case acknowledged
    /// The service says, in FHIR, that the content cannot be taken.
    case refused(reason: String)
    /// The bundle is too large for the service.
    case tooLarge
    /// Nothing is known of the content: the way to the service, or the service itself, does not work now.
    case unavailable(reason: String, retryAfter: Int64?)
}

/// The cloud records service, as far as the uplink knows it. Unit of `retryAfter`: s.
package protocol RecordsService: Sendable {
    /// Puts resources in one transaction.
    func put(_ resources: [FHIRResource]) async -> DeliveryOutcome
}
