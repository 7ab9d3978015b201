import Foundation

/// What a screen has of a unit: the picture, with the beats applied as the page applies them.
struct PictureClient {
    private static let lists: [String: String] = ["values": "0", "beds": "bed", "devices": "device"]

    private(set) var members: [String: Any] = [:]
    /// By stream and number: the sample as it was told, and when it was taken. Unit: ms.
    private(set) var waves: [Int: [Int: (value: String, time: Double)]] = [:]

    static func object(_ bytes: [UInt8]) -> [String: Any] {
        (try? JSONSerialization.jsonObject(with: Data(bytes))) as? [String: Any] ?? [:]
    }

    mutating func load(_ picture: [UInt8], waves texts: [[UInt8]]) {
        members = Self.object(picture)
        waves = [:]
        for text in texts { add(text) }
    }

    mutating func apply(_ beat: [UInt8]) {
        for (name, value) in Self.object(beat) {
            if let key = Self.lists[name], let changed = value as? [Any] {
                var known: [String: Any] = [:]
                for one in (members[name] as? [Any] ?? []) + changed { known[Self.id(one, key)] = one }
                members[name] = Array(known.values)
            } else {
                members[name] = value
            }
        }
    }

    private static func id(_ one: Any, _ key: String) -> String {
        if let list = one as? [Any] { return "\(list.first ?? "")" }
        return (one as? [String: Any])?[key] as? String ?? ""
    }

    mutating func add(_ text: [UInt8]) {
        for one in Self.object(text)["waves"] as? [[Any]] ?? [] {
            guard one.count == 5, let stream = one[0] as? Int, let first = one[1] as? Int,
                let start = one[2] as? Double,
                let period = one[3] as? Double, let values = one[4] as? [Any]
            else { continue }
            for (place, value) in values.enumerated() {
                waves[stream, default: [:]][first + place] = ("\(value)", start + Double(place) * period)
            }
        }
    }

    /// All but the time that it is, in one order.
    var text: String {
        var told = members
        for name in ["mono", "utc"] { told[name] = nil }
        for (name, key) in Self.lists {
            told[name] = (told[name] as? [Any] ?? []).sorted { Self.id($0, key) < Self.id($1, key) }
        }
        let data = try? JSONSerialization.data(withJSONObject: told, options: [.sortedKeys, .prettyPrinted])
        return data.map { String(decoding: $0, as: UTF8.self) } ?? "no JSON"
    }

    /// The samples of the last 8 s; where they differ from another's, which.
    func differences(fromWavesOf other: PictureClient) -> [String] {
        let end = (members["committed"] as? Double ?? 0) - 8000
        var found: [String] = []
        for stream in Set(waves.keys).union(other.waves.keys).sorted() {
            // The edge itself may fall to either side.
            func recent(_ client: PictureClient) -> [Int: (value: String, time: Double)] {
                (client.waves[stream] ?? [:]).filter { $0.value.time > end + 25 }
            }
            let (own, others) = (recent(self), recent(other))
            for number in Set(own.keys).union(others.keys).sorted() {
                guard let one = own[number], let two = others[number] else {
                    let place = own[number] == nil ? "the first" : "the second"
                    found.append("stream \(stream): sample \(number) is missing in \(place)")
                    continue
                }
                if one.value != two.value || abs(one.time - two.time) > 20 {
                    found.append("stream \(stream): sample \(number) is \(one) and \(two)")
                }
            }
        }
        return found
    }
}
