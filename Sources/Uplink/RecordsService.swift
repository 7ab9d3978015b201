package import FHIRMapping

/// What the records service said of one entry of a bundle.
package enum EntryAnswer: Sendable, Equatable {
    /// Its own 2xx.
    case stored
    /// The content cannot be taken.
    case refused(reason: String)
    case tooLarge
    /// It was not taken now, which says nothing about the content: a conflict, a limit, a fault of the service, or no
    /// status at all.
    case notNow(reason: String)
    /// This unit has no right to it, or it is not there to be put.
    case notAllowed(reason: String)
}

/// What became of a bundle.
package enum Answer: Sendable, Equatable {
    /// One answer for each entry, in their order.
    case entries([EntryAnswer])
    /// The service says, in FHIR, that the content cannot be taken.
    case refused(reason: String)
    case tooLarge
    /// The service asks for patience: how many a unit may send is no matter of what is sent. Unit: s.
    case tooMany(reason: String, retryAfter: Int64?)
    /// The service did not take it now. Unit: s.
    case notNow(reason: String, retryAfter: Int64?)
    /// This unit has no right to it, or the address is none of the service's.
    case notAllowed(reason: String, retryAfter: Int64?)
    /// Nothing came back in time over a connection that stood.
    case timedOut(reason: String)
    /// The way to the service does not work now, or what answered is no records service.
    case unreachable(reason: String)
    /// A compressed body was answered in a way that may mean that the service does not read such; what it would mean
    /// of a plain one.
    indirect case encodingRefused(Answer)
}

/// Where the unit delivers to, as far as the uplink knows it: a FHIR server (``RenewedClient``), or a stream of NATS
/// JetStream (``NATSService``). Lanes, cursors, marks, the breaker and the alarms are the same before either.
package protocol RecordsService: Sendable {
    /// Puts resources in one transaction.
    ///
    /// - Parameters:
    ///   - limit: for the whole exchange, from its first byte to its last.
    ///   - compressed: whether the body goes in gzip.
    func put(_ resources: [FHIRResource], within limit: Duration, compressed: Bool) async -> Answer

    /// Reads a resource back.
    func read(_ url: String, within limit: Duration) async -> ReadAnswer

    /// The same for what waits for no pause of this unit's own: alarms.
    var urgent: any RecordsService { get }

    /// What this unit's people must put right before it costs delivery; `nil` when there is nothing.
    func concern() async -> String?

    /// How far the renewal of this unit's certificate is, as JSON; `nil` where it is not renewed by itself.
    func renewal() -> String?

    /// How far what was stored there reaches, as JSON; `nil` where the destination does not number it.
    func reach() -> String?

    /// Ends its connections.
    func shutdown() async
}

extension RecordsService {
    package var urgent: any RecordsService { self }
    package func concern() async -> String? { nil }
    package func renewal() -> String? { nil }
    package func reach() -> String? { nil }
    package func shutdown() async {}
}
