import Crypto
package import DeviceModel
import Foundation

/// A FHIR R4 resource with the address it is put to.
package struct FHIRResource: Sendable {
    package let type: String
    /// Deterministic: the same record gives the same id, so that sending it twice stores it once. Shape:
    /// `[A-Za-z][A-Za-z0-9-]{0,63}`.
    package let id: String
    package let json: JSON

    package var url: String { "\(type)/\(id)" }

    package init(type: String, id: String, json: JSON) {
        self.type = type
        self.id = id
        self.json = json
    }

    /// A resource as it was written before.
    package init(url: String, text: String) {
        let parts = url.split(separator: "/", maxSplits: 1).map(String.init)
        self.init(type: parts.first ?? "", id: parts.last ?? "", json: .document(text))
    }

    /// How long its JSON is at least. Unit: bytes.
    package var size: Int { if case .document(let text) = json { text.utf8.count } else { 0 } }

    /// SHA-256 of the content.
    package var digest: [UInt8] { Array(SHA256.hash(data: Data(json.text.utf8))) }

    /// An id from the parts that name a thing: a letter-led prefix and 128 bits of their digest. No part can be read
    /// back from it.
    static func id(_ prefix: String, _ parts: [String]) -> String {
        var digest = SHA256()
        for part in parts { digest.update(data: Data("\(part.utf8.count):\(part)".utf8)) }
        let hex = digest.finalize().prefix(16).map { byte in
            let text = String(byte, radix: 16)
            return text.count == 1 ? "0\(text)" : text
        }
        return "\(prefix)-\(hex.joined())"
    }

    /// The transaction that puts resources: all or none.
    package static func transaction(_ resources: [FHIRResource]) -> JSON {
        .members([
            "resourceType": .string("Bundle"), "type": .string("transaction"),
            "entry": .array(
                resources.map { resource in
                    .members([
                        "fullUrl": .string("urn:nabd:\(resource.url)"), "resource": resource.json,
                        "request": .members(["method": .string("PUT"), "url": .string(resource.url)]),
                    ])
                }),
        ])
    }
}

/// Small FHIR data types.
enum FHIR {
    static let ucum = "http://unitsofmeasure.org"
    static let loinc = "http://loinc.org"
    static let absentReason = "http://terminology.hl7.org/CodeSystem/data-absent-reason"

    static func coding(_ system: String, _ code: String, _ display: String? = nil) -> JSON {
        .members(["system": .string(system), "code": .string(code), "display": display.map(JSON.string)])
    }

    static func concept(_ codings: [JSON], text: String? = nil) -> JSON {
        .members(["coding": codings.isEmpty ? nil : .array(codings), "text": text.map(JSON.string)])
    }

    static func reference(_ type: String, _ id: String) -> JSON { .members(["reference": .string("\(type)/\(id)")]) }

    /// In place of a time that is not known.
    static let unknown = JSON.members([
        "extension": .array([
            .members([
                "url": .string("http://hl7.org/fhir/StructureDefinition/data-absent-reason"),
                "valueCode": .string("unknown"),
            ])
        ])
    ])

    static func instant(_ nanoseconds: Int64) -> JSON { .string(UTCTime.text(nanoseconds: nanoseconds)) }
}
