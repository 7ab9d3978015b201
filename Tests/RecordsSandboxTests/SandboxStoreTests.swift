import Foundation
import Testing

@testable import RecordsSandbox

/// What the demonstration's records service takes, keeps and lets go of.
@Suite struct SandboxStoreTests {
    private func bundle(_ resources: [[String: Any]]) throws -> Data {
        let entries = resources.map { resource -> [String: Any] in
            let url = "\(resource["resourceType"] ?? "")/\(resource["id"] ?? "")"
            return ["resource": resource, "request": ["method": "PUT", "url": url]]
        }
        return try JSONSerialization.data(
            withJSONObject: ["resourceType": "Bundle", "type": "transaction", "entry": entries])
    }

    private func device(_ id: String) -> [String: Any] { ["resourceType": "Device", "id": id] }

    private func observation(_ id: String, of device: String = "pump", value: Int = 0) -> [String: Any] {
        [
            "resourceType": "Observation", "id": id, "status": "final", "code": ["text": "rate"],
            "device": ["reference": "Device/\(device)"], "valueInteger": value,
        ]
    }

    @Test func theOldestObservationsAreLetGoAndNothingElse() async throws {
        let store = SandboxStore(limit: 3)
        #expect(try await store.take(bundle([device("pump"), observation("1")])) == ["201 Created", "201 Created"])
        for id in 2...5 { #expect(try await store.take(bundle([observation("\(id)")])) == ["201 Created"]) }
        #expect(await store.count == 6)
        #expect(await store.read("Device/pump") != nil)
        #expect(await store.read("Observation/3") == nil)
        #expect(await store.read("Observation/4") != nil)
        #expect(await store.read("Observation/5") != nil)
        let found = try #require(await store.search("Observation", limit: 10))
        let read = try #require(try JSONSerialization.jsonObject(with: found) as? [String: Any])
        #expect(read["total"] as? Int == 2)
    }

    @Test func whatIsPutAgainIsTheNewer() async throws {
        let store = SandboxStore(limit: 10)
        _ = try await store.take(bundle([device("pump"), observation("1", value: 1), observation("2", value: 2)]))
        #expect(try await store.take(bundle([observation("1", value: 3)])) == ["200 OK"])
        let read = try #require(await store.read("Observation/1"))
        #expect(String(decoding: read, as: UTF8.self).contains("\"valueInteger\":3"))
        #expect(String(decoding: try #require(await store.read("Observation/2")), as: UTF8.self).contains(":2"))
        #expect(await store.count == 3)
    }

    @Test func whatNothingCanBeLetGoForIsRefused() async throws {
        let store = SandboxStore(limit: 2)
        await #expect(throws: SandboxStore.Refusal.self) {
            _ = try await store.take(bundle([device("1"), device("2"), device("3")]))
        }
        await #expect(throws: SandboxStore.Refusal.self) { _ = try await store.take(bundle([observation("1")])) }
        await #expect(throws: SandboxStore.Refusal.self) { _ = try await store.take(Data("{}".utf8)) }
    }
}
