import Foundation

/// What became of a resource that was read back.
package enum ReadAnswer: Sendable, Equatable {
    /// As the service has it; JSON.
    case found([UInt8])
    /// The service says that it does not have it.
    case missing
    /// This unit may not read, or the service does not let anybody.
    case notAllowed
    /// Nothing is known now.
    case unknown
}

/// Whether a resource that was read back says what was sent.
enum ReadBack {
    /// What a service makes of its own.
    private static let own: Set<String> = ["meta", "text"]

    /// Every member that was sent is there with the same value. A service may add members, and write numbers and times
    /// in another way.
    static func agrees(sent: String, found: [UInt8]) -> Bool {
        guard let sent = try? JSONSerialization.jsonObject(with: Data(sent.utf8)) as? [String: Any],
            let found = try? JSONSerialization.jsonObject(with: Data(found)) as? [String: Any]
        else { return false }
        return holds(sent.filter { !own.contains($0.key) }, in: found)
    }

    private static func holds(_ sent: [String: Any], in found: [String: Any]) -> Bool {
        sent.allSatisfy { key, value in
            guard let other = found[key] else { return false }
            // A service may say its own address before what a resource refers to.
            if key == "reference", let one = value as? String, let other = other as? String {
                return other == one || other.hasSuffix("/\(one)")
            }
            return isSame(value, other)
        }
    }

    private static func isSame(_ one: Any, _ other: Any) -> Bool {
        switch (one, other) {
        case (let one as [String: Any], let other as [String: Any]): return holds(one, in: other)
        case (let one as [Any], let other as [Any]):
            return one.count == other.count && zip(one, other).allSatisfy { isSame($0, $1) }
        case (let one as String, let other as String):
            return one == other || time(one).map { $0 == time(other) } ?? false
        case (let one as NSNumber, let other as NSNumber): return one == other
        default: return false
        }
    }

    /// A time to the millisecond, in any of the ways that it may be written.
    private static func time(_ text: String) -> Int64? {
        guard text.utf8.count >= 20, text.utf8.count <= 40, text.contains("T") else { return nil }
        let formatter = ISO8601DateFormatter()
        for options: ISO8601DateFormatter.Options in [
            [.withInternetDateTime, .withFractionalSeconds], [.withInternetDateTime],
        ] {
            formatter.formatOptions = options
            if let date = formatter.date(from: text) { return Int64((date.timeIntervalSince1970 * 1000).rounded()) }
        }
        return nil
    }
}
