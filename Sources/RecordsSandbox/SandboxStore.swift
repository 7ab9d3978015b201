import Foundation

/// The resources a sandbox holds. Stricter than many servers: a reference to a resource that is not there is refused.
actor SandboxStore {
    /// What is held at most, all in memory: some minutes of a unit's curves. What else comes takes the place of the
    /// oldest observations; what others refer to stays.
    private let limit: Int

    struct Refusal: Error {
        let status: Int
        let text: String
    }

    /// A resource as it came: in which transaction, and as which of its entries.
    private struct Place {
        let body: Data
        let entry: Int
    }

    private var resources: [String: Place] = [:]
    /// The addresses of observations, the oldest first, from `oldest` on; some may stand there again.
    private var observations: [String] = []
    private var oldest = 0
    /// Resources that are never let go of.
    private var lasting = 0
    /// Resources that are not held any more.
    private var forgotten = 0

    init(limit: Int = 20_000) { self.limit = limit }

    /// Resources that were put here, each counted once as long as it is held.
    var count: Int { resources.count + forgotten }

    /// Takes a transaction: all of it, or nothing. Returns the status of each entry.
    func take(_ body: Data) throws -> [String] {
        guard let bundle = try? JSONSerialization.jsonObject(with: body) as? [String: Any],
            bundle["resourceType"] as? String == "Bundle",
            bundle["type"] as? String == "transaction", let entries = bundle["entry"] as? [[String: Any]]
        else { throw Refusal(status: 400, text: "expected a Bundle of type transaction") }
        var taken: [String: [String: Any]] = [:]
        var order: [String] = []
        for entry in entries {
            let (url, resource) = try check(entry)
            guard taken.updateValue(resource, forKey: url) == nil else {
                throw Refusal(status: 400, text: "\(url) stands twice in one transaction")
            }
            order.append(url)
        }
        for (url, resource) in taken {
            for reference in Self.references(in: resource) where taken[reference] == nil && resources[reference] == nil
            {
                throw Refusal(status: 400, text: "\(url) refers to \(reference), which is not here")
            }
        }
        let stays = order.count { !$0.hasPrefix("Observation/") && resources[$0] == nil }
        guard lasting + stays <= limit else {
            throw Refusal(status: 507, text: "the sandbox holds \(limit) resources at most")
        }
        let statuses = order.map { resources[$0] == nil ? "201 Created" : "200 OK" }
        observations += order.filter { $0.hasPrefix("Observation/") && resources[$0] == nil }
        lasting += stays
        for (entry, url) in order.enumerated() { resources[url] = Place(body: body, entry: entry) }
        letGo()
        return statuses
    }

    private func letGo() {
        while resources.count > limit, oldest < observations.count {
            if resources.removeValue(forKey: observations[oldest]) != nil { forgotten += 1 }
            oldest += 1
        }
        if oldest > limit {
            observations.removeFirst(oldest)
            oldest = 0
        }
    }

    private func check(_ entry: [String: Any]) throws -> (String, [String: Any]) {
        guard let request = entry["request"] as? [String: Any], request["method"] as? String == "PUT",
            let url = request["url"] as? String,
            let resource = entry["resource"] as? [String: Any], let type = resource["resourceType"] as? String,
            let id = resource["id"] as? String,
            url == "\(type)/\(id)", (1...64).contains(id.utf8.count)
        else { throw Refusal(status: 400, text: "expected entries that PUT a resource to its own address") }
        if type == "Observation" {
            guard resource["status"] is String, resource["code"] is [String: Any] else {
                throw Refusal(status: 422, text: "an Observation needs status and code")
            }
        }
        return (url, resource)
    }

    private static func references(in resource: [String: Any]) -> [String] {
        ["subject", "device", "source", "parent"].compactMap {
            (resource[$0] as? [String: Any])?["reference"] as? String
        }
    }

    func read(_ url: String) -> Data? {
        resources[url].flatMap(Self.resource).flatMap {
            try? JSONSerialization.data(withJSONObject: $0, options: [.sortedKeys])
        }
    }

    private static func resource(_ place: Place) -> [String: Any]? {
        let bundle = try? JSONSerialization.jsonObject(with: place.body) as? [String: Any]
        let entries = bundle?["entry"] as? [[String: Any]]
        guard let entries, entries.indices.contains(place.entry) else { return nil }
        return entries[place.entry]["resource"] as? [String: Any]
    }

    /// The resources of a type as a searchset, at most `limit`.
    func search(_ type: String, limit: Int) -> Data? {
        let found = resources.filter { $0.key.hasPrefix("\(type)/") }.sorted { $0.key < $1.key }
        let bundle: [String: Any] = [
            "resourceType": "Bundle", "type": "searchset", "total": found.count,
            "entry": found.prefix(limit).compactMap { Self.resource($0.value) }.map { ["resource": $0] },
        ]
        return try? JSONSerialization.data(withJSONObject: bundle, options: [.sortedKeys])
    }
}
