import DeviceModel

/// What the records service is told of a command to a pump: that it was, when, of which device, and whether it went
/// well. No quantity, byte, drug, order or person; nor the hash of the journal's chain, from which so short a text
/// could be guessed.
///
/// Source: FHIR R4 (4.0.1), AuditEvent.
extension FHIRMapper {
    static let auditSystem = "urn:nabd:audit"

    /// Of what FHIR's words for an event's outcome there is use for here.
    enum Outcome: String {
        case success = "0"
        /// Nothing was done.
        case minorFailure = "4"
        /// It is not known what was done.
        case seriousFailure = "8"
    }

    private struct Account {
        /// FHIR's letter: C creates, R reads, U changes, E does.
        let action: String
        let outcome: Outcome
        /// Whether somebody did it; otherwise the host.
        let isByPerson: Bool
    }

    /// `nil` for what is no event of a single command or stop.
    private func account(of kind: EventKind?) -> Account? {
        switch kind {
        case .commandDrafted: Account(action: "C", outcome: .success, isByPerson: true)
        case .commandVerified, .commandWithdrawn, .commandResolved, .pumpLookedAt, .pumpUnlocked:
            Account(action: "U", outcome: .success, isByPerson: true)
        case .commandMismatched: Account(action: "U", outcome: .minorFailure, isByPerson: true)
        case .commandChanged, .commandExpired, .commandRefused:
            Account(action: "U", outcome: .minorFailure, isByPerson: false)
        case .commandIntended, .commandSent, .commandTaken, .stopSent, .stopConfirmed:
            Account(action: "E", outcome: .success, isByPerson: false)
        case .commandNotSent, .commandRejected: Account(action: "E", outcome: .minorFailure, isByPerson: false)
        case .commandUnanswered, .stopNotDelivered: Account(action: "E", outcome: .seriousFailure, isByPerson: false)
        case .commandReadBack: Account(action: "R", outcome: .success, isByPerson: false)
        case .commandUndecided, .commandLeftToPeople:
            Account(action: "R", outcome: .seriousFailure, isByPerson: false)
        case .stopAsked: Account(action: "E", outcome: .success, isByPerson: true)
        default: nil
        }
    }

    /// The entry of an audit trail for an event of a command.
    ///
    /// - Parameters:
    ///   - kind: `nil` for one of a younger host.
    ///   - device: a reference to whom it is about.
    ///   - utc: when it happened; `nil` when that is not known. Unit: ns since 1970.
    func auditEvent(of kind: EventKind?, id: String, about device: JSON, utc: Int64?, meta: JSON?) -> FHIRResource {
        let account = account(of: kind)
        return audit(
            AuditEntry(
                type: FHIR.coding(Self.auditSystem, "device-command", "Command to a device"), kind: kind,
                action: account?.action, outcome: account?.outcome, isByPerson: account?.isByPerson ?? false,
                entities: [.members(["what": device])]),
            id: id, utc: utc, meta: meta)
    }

    /// What an entry of an audit trail says.
    struct AuditEntry {
        let type: JSON
        /// `nil` for one of a younger host.
        let kind: EventKind?
        /// FHIR's letter; `nil` where it is not known what was done.
        let action: String?
        let outcome: Outcome?
        /// Whether somebody did it; otherwise the host.
        let isByPerson: Bool
        /// What it is about.
        let entities: [JSON]
    }

    func audit(_ entry: AuditEntry, id: String, utc: Int64?, meta: JSON?) -> FHIRResource {
        let roles = "http://terminology.hl7.org/CodeSystem/extra-security-role-type"
        let host = FHIR.reference("Device", gatewayID)
        let agent = JSON.members([
            "type": FHIR.concept([
                entry.isByPerson
                    ? FHIR.coding(roles, "humanuser", "human user")
                    : FHIR.coding(roles, "dataprocessor", "data processor")
            ]),
            "who": entry.isByPerson ? nil : host, "requestor": .bool(entry.isByPerson),
        ])
        return FHIRResource(
            type: "AuditEvent", id: id,
            json: .members([
                "resourceType": .string("AuditEvent"), "id": .string(id), "meta": meta, "type": entry.type,
                "subtype": entry.kind.map { .array([FHIR.coding(Self.eventSystem, $0.name)]) },
                "action": entry.action.map(JSON.string),
                "recorded": utc.map(FHIR.instant), "_recorded": utc == nil ? FHIR.unknown : nil,
                "outcome": entry.outcome.map { .string($0.rawValue) }, "agent": .array([agent]),
                "source": .members(["observer": host]),
                "entity": entry.entities.isEmpty ? nil : .array(entry.entities),
            ]))
    }
}
