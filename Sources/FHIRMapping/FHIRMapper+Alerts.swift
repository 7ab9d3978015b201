import DeviceModel
import Nomenclature

/// Alerts as observations, one for each phase.
extension FHIRMapper {
    /// `MDC_EVT_ALARM`, the container of an alert, and its facets: `MDC_ATTR_EVENT_PHASE`, `MDC_ATTR_ALARM_STATE`,
    /// `MDC_ATTR_ALARM_INACTIVATION_STATE`, `MDC_ATTR_ALARM_PRIORITY`. Source: messages and readers of messages of
    /// IHE's Alert Communication Management in five public repositories, which agree in numbers and names but for one
    /// that has others (68165 to 68168). The standard's own text was not seen.
    private enum AlertCode {
        static let container: (referenceID: String, code: UInt32) = ("MDC_EVT_ALARM", 196616)
        /// Start, update or end.
        static let phase: UInt32 = 68481
        /// Whether the condition holds.
        static let state: UInt32 = 68482
        /// Whether it is signalled.
        static let inactivation: UInt32 = 68483
        static let priority: UInt32 = 68484
    }

    /// - Parameters:
    ///   - reason: why it ended although its condition was not seen to; `nil` when it was.
    ///   - standing: what it came to, where it neither began nor ended.
    func phase(
        _ phase: String, of alert: AlertRecord, _ witness: EventWitness, reason: String? = nil,
        standing: AlertStanding? = nil, about device: String? = nil, subject: JSON
    ) -> KeyValuePairs<String, JSON?> {
        let known = names.event(alert.name)
        let code = AlertKind(rawValue: alert.name)?.descriptor.code ?? known?.code
        let condition =
            code.map { FHIR.coding(Nomenclature.standardSystem, "\($0)", known?.referenceID ?? alert.name) }
            ?? FHIR.coding(known?.system ?? Self.eventSystem, alert.name)
        // Which place of a rack it is stands in the words: its own Device may not have been delivered yet, and an alert
        // does not wait for it.
        let text = (alert.vmd ?? device).map { "\($0): \(alert.text ?? "")" } ?? alert.text
        // The words are those of ISO/IEEE 11073-10101's facets as gateways send them; no number for them is verified.
        func component(_ code: UInt32, _ value: String) -> JSON {
            .members([
                "code": FHIR.concept([FHIR.coding(Nomenclature.standardSystem, "\(code)")]),
                "valueCodeableConcept": FHIR.concept([FHIR.coding(Self.facetSystem, value)]),
            ])
        }
        let occurrence: JSON? = alert.instance.map {
            .members(["system": .string("urn:nabd:alert"), "value": .string($0)])
        }
        let identifiers = [occurrence, witness.hash.isEmpty ? nil : witness.identifier].compactMap(\.self)
        let presence = standing?.presence ?? (phase == "start" ? .on : .off)
        let state =
            switch presence {
            case .on, .ack: "active"
            case .latched: "latched"
            case .off: "inactive"
            }
        // In HL7's own words for a device's alert; what is told beside them is this host's. What begins or ends at no
        // bed is told in the form of ever: the service may have it already, and compares.
        let isPlain = standing == nil && alert.bed == nil
        let own: [(String, String?)] =
            isPlain
            ? []
            : [
                ("presence", presence.rawValue), ("activation", (standing?.activation ?? .on).rawValue),
                ("change", standing?.change), ("bed", alert.bed), ("metric", alert.metric),
            ]
        let inactivation =
            isPlain
            ? []
            : [component(AlertCode.inactivation, Self.inactivation(presence, standing?.activation ?? .on))]
        let ownComponents = own.compactMap { name, value in
            value.map { value in
                JSON.members([
                    "code": FHIR.concept([FHIR.coding(Self.facetSystem, name)]), "valueString": .string(value),
                ])
            }
        }
        return [
            "identifier": identifiers.isEmpty ? nil : .array(identifiers),
            "status": .string("final"),
            "code": FHIR.concept([
                FHIR.coding(Nomenclature.standardSystem, "\(AlertCode.container.code)", AlertCode.container.referenceID)
            ]),
            "subject": subject,
            "valueCodeableConcept": FHIR.concept([condition], text: text), "device": subject,
            "note": reason.map { .array([.members(["text": .string("The condition was not seen to end: \($0)")])]) },
            "component": .array(
                [
                    component(AlertCode.phase, phase),
                    component(AlertCode.state, state),
                    component(AlertCode.priority, alert.priority ?? AlertPriority.low.rawValue),
                ] + inactivation + ownComponents),
        ]
    }

    /// The word for whether an alert is signalled. Source: a public description of the messages of dialysis machines,
    /// which has `enabled`, `audio-paused`, `audio-off`, `alarm-paused`, `alarm-off` and `alert-acknowledged`; only
    /// `enabled` was seen in others.
    private static func inactivation(_ presence: AlertPresence, _ activation: AlertActivation) -> String {
        switch activation {
        case .paused: "audio-paused"
        case .off: "alarm-off"
        case .on: presence == .ack ? "alert-acknowledged" : "enabled"
        }
    }
}
