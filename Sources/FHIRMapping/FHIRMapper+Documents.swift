package import DeviceModel

/// A part of a document, with what stands in it.
package struct DocumentSection: Sendable {
    /// The code of the part, such as `trends`.
    package let code: String
    package let title: String
    /// What a person reads of it, a line each.
    package let lines: [String]
    package let entries: [FHIRResource]

    package init(code: String, title: String, lines: [String], entries: [FHIRResource]) {
        (self.code, self.title, self.lines, self.entries) = (code, title, lines, entries)
    }
}

/// What a document rests on: a file by its digest.
package struct DocumentSource: Sendable, Hashable {
    /// What it is, such as `profile nonin/oem-iii-df2`.
    package let display: String
    /// 64 hexadecimal digits.
    package let digest: String

    package init(display: String, digest: String) { (self.display, self.digest) = (display, digest) }
}

/// What stands on a document's first page.
package struct DocumentHead: Sendable {
    /// Whether the record goes on: the document is preliminary then.
    package let isOpen: Bool
    package let title: String
    /// `nil` where no time is known. Unit: ns since 1970.
    package let start: Int64?
    package let end: Int64?
    /// When the document is said to be made. Unit: ns since 1970.
    package let made: Int64
    /// Tells one document of a record from another.
    package let name: String

    package init(isOpen: Bool, title: String, start: Int64?, end: Int64?, made: Int64, name: String) {
        (self.isOpen, self.title, self.start, self.end) = (isOpen, title, start, end)
        (self.made, self.name) = (made, name)
    }
}

/// A record as one document. Source: FHIR R4 (4.0.1), Bundle (document), Composition, Provenance.
extension FHIRMapper {
    static let documentSystem = "urn:nabd:document"
    static let digestSystem = "urn:nabd:sha256"
    /// References within a document are relative, and are resolved against the address of the entry that they stand in.
    /// There is no such server; the name is reserved for that (RFC 2606).
    private static let base = "https://nabd.invalid/fhir"

    /// - Parameters:
    ///   - others: what the sections' entries refer to: devices and metrics.
    ///   - sources: what the record was made with.
    package func document(
        _ head: DocumentHead, of patient: FHIRResource, sections: [DocumentSection], others: [FHIRResource],
        sources: [DocumentSource]
    ) -> JSON {
        let composition = composition(head, patient, sections)
        let provenance = provenance(head, of: composition, sources)
        var seen: Set<String> = []
        let all = [composition, patient] + others + sections.flatMap(\.entries) + [provenance]
        let entries = all.filter { seen.insert($0.url).inserted }.map { resource in
            JSON.members(["fullUrl": .string("\(Self.base)/\(resource.url)"), "resource": resource.json])
        }
        return .members([
            "resourceType": .string("Bundle"), "id": .string(FHIRResource.id("doc", [unit, head.name])),
            "meta": meta([]),
            "identifier": .members(["system": .string(Self.documentSystem), "value": .string(composition.id)]),
            "type": .string("document"), "timestamp": FHIR.instant(head.made), "entry": .array(entries),
        ])
    }

    private func composition(_ head: DocumentHead, _ patient: FHIRResource, _ sections: [DocumentSection])
        -> FHIRResource
    {
        let id = FHIRResource.id("com", [unit, head.name])
        let period = JSON.members(["start": head.start.map(FHIR.instant), "end": head.end.map(FHIR.instant)])
        let event: JSON = .array([.members(["period": period])])
        return FHIRResource(
            type: "Composition", id: id,
            json: .members([
                "resourceType": .string("Composition"), "id": .string(id), "meta": meta([]),
                "status": .string(head.isOpen ? "preliminary" : "final"),
                "type": FHIR.concept(
                    [FHIR.coding(Self.documentSystem, "bed-session")], text: "Record of a patient's time at a bed"),
                "subject": FHIR.reference(patient.type, patient.id), "date": FHIR.instant(head.made),
                "author": .array([FHIR.reference("Device", gatewayID)]), "title": .string(head.title),
                "event": head.start == nil && head.end == nil ? nil : event,
                "section": .array(sections.map(section)),
            ]))
    }

    private func section(_ section: DocumentSection) -> JSON {
        let references = section.entries.map { FHIR.reference($0.type, $0.id) }
        let text = section.lines.map { "<p>\(Self.escaped($0))</p>" }.joined()
        return .members([
            "title": .string(section.title), "code": FHIR.concept([FHIR.coding(Self.documentSystem, section.code)]),
            "text": .members([
                "status": .string("generated"),
                "div": .string("<div xmlns=\"http://www.w3.org/1999/xhtml\">\(text)</div>"),
            ]),
            "entry": references.isEmpty ? nil : .array(references),
        ])
    }

    private func provenance(_ head: DocumentHead, of composition: FHIRResource, _ sources: [DocumentSource])
        -> FHIRResource
    {
        let id = FHIRResource.id("prv", [unit, head.name])
        let entities = sources.map { source in
            JSON.members([
                "role": .string("source"),
                "what": .members([
                    "identifier": .members([
                        "system": .string(Self.digestSystem), "value": .string(source.digest),
                    ]), "display": .string(source.display),
                ]),
            ])
        }
        return FHIRResource(
            type: "Provenance", id: id,
            json: .members([
                "resourceType": .string("Provenance"), "id": .string(id), "meta": meta([]),
                "target": .array([FHIR.reference(composition.type, composition.id)]),
                "recorded": FHIR.instant(head.made),
                "agent": .array([.members(["who": FHIR.reference("Device", gatewayID)])]),
                "entity": entities.isEmpty ? nil : .array(entities),
            ]))
    }

    /// A text within XHTML. Characters that XML cannot have at all are shown as the house shows them.
    private static func escaped(_ text: String) -> String {
        Printable.text(text, keepingLines: false).replacing("&", with: "&amp;").replacing("<", with: "&lt;")
            .replacing(">", with: "&gt;").replacing("\"", with: "&quot;")
    }
}
