import DeviceModel
import Foundation
import TestSupport
import Testing

@testable import FHIRMapping

/// Every kind of resource is, byte for byte, what it was: what a service has been given for years changes only when
/// somebody means it to. With `NABD_WRITE_SNAPSHOTS` set the file is written anew, to be looked at with the change.
@Suite struct SnapshotTests {
    private static let path = Repository.path("Tests/snapshots/fhir-resources.jsonl")

    private static var lines: [String] {
        ResourceKinds.all.map { example in
            JSON.members(["kind": .string(example.name), "resource": example.json]).text
        }
    }

    @Test func everyKindOfResourceIsWhatItWas() throws {
        let now = Self.lines
        if ProcessInfo.processInfo.environment["NABD_WRITE_SNAPSHOTS"] != nil {
            try Data((now.joined(separator: "\n") + "\n").utf8).write(to: URL(fileURLWithPath: Self.path))
        }
        let kept = try String(contentsOfFile: Self.path, encoding: .utf8).split(separator: "\n").map(String.init)
        #expect(kept.count == now.count)
        for (before, after) in zip(kept, now) { #expect(before == after) }
    }

    /// A name is one example's, and every type and form of the mapping has one.
    @Test func noKindIsLeftOut() {
        let all = ResourceKinds.all
        #expect(Set(all.map(\.name)).count == all.count)
        let text = Self.lines.joined()
        for type in ["Device", "DeviceMetric", "Observation", "AuditEvent", "Patient", "Bundle", "Composition"] + [
            "Provenance"
        ] {
            #expect(text.contains(#""resourceType":"\#(type)""#), "\(type)")
        }
        for form in ["valueSampledData", "valueQuantity", "valueString", "valueCodeableConcept", "valueInteger"] {
            #expect(text.contains("\"\(form)\""), "\(form)")
        }
        for status in ["final", "entered-in-error", "preliminary"] {
            #expect(text.contains(#""status":"\#(status)""#), "\(status)")
        }
    }
}
