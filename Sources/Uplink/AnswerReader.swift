import Foundation

/// Reads what a records service answers. Its free text is never taken over: it may repeat content, or anything else.
enum AnswerReader {
    /// A page that is not FHIR (a captive portal, a proxy's) says nothing of what the service has.
    static func isFHIR(_ body: Data) -> Bool {
        (try? JSONSerialization.jsonObject(with: body) as? [String: Any])?["resourceType"] is String
    }

    /// What an answer to a bundle means. One that is not FHIR (a captive portal, a proxy's page) says nothing about the
    /// content.
    static func answer(status: Int, body: Data, retryAfter: Int64?, expected: Int) -> Answer {
        let document = try? JSONSerialization.jsonObject(with: body) as? [String: Any]
        let isFHIR = document?["resourceType"] is String
        switch status {
        case 200...299:
            guard let document, document["resourceType"] as? String == "Bundle",
                let entries = document["entry"] as? [[String: Any]]
            else { return .unreachable(reason: "HTTP \(status) without a FHIR bundle: is this the records service?") }
            guard entries.count == expected else {
                return .notNow(reason: "the service answered \(entries.count) entries to \(expected)", retryAfter: nil)
            }
            return .entries(entries.map(entry))
        case 413: return .tooLarge
        case 429: return .tooMany(reason: "HTTP 429", retryAfter: retryAfter)
        case 400 where isFHIR, 410 where isFHIR, 422 where isFHIR:
            return .refused(reason: "HTTP \(status): \(codes(document))")
        case 400, 401, 403, 404, 405, 407, 410, 422:
            return .notAllowed(
                reason: "HTTP \(status): the service does not accept this unit: check address, certificate and rights",
                retryAfter: retryAfter)
        default: return .notNow(reason: "HTTP \(status)", retryAfter: retryAfter)
        }
    }

    private static func entry(_ entry: [String: Any]) -> EntryAnswer {
        let response = entry["response"] as? [String: Any]
        let status = (response?["status"] as? String).flatMap { Int($0.prefix { $0.isASCII && $0.isNumber }) }
        guard let status else { return .notNow(reason: "an entry was answered without a status") }
        let outcome = response?["outcome"] as? [String: Any]
        let reason = "an entry was answered with \(status)\(outcome.map { ": \(codes($0))" } ?? "")"
        switch status {
        case 200...299: return .stored
        case 400, 410, 422: return .refused(reason: reason)
        case 413: return .tooLarge
        case 401, 403, 404, 405: return .notAllowed(reason: reason)
        default: return .notNow(reason: reason)
        }
    }

    /// The codes of an OperationOutcome, as far as they are codes.
    private static func codes(_ document: [String: Any]?) -> String {
        let issues = document?["issue"] as? [[String: Any]] ?? []
        let codes = issues.compactMap { $0["code"] as? String }.filter { code in
            code.utf8.count <= 40 && code.utf8.allSatisfy { (0x61...0x7A).contains($0) || $0 == 0x2D }
        }
        return codes.isEmpty ? "no reason given" : codes.prefix(3).joined(separator: ", ")
    }

    /// The wait a service asks for, written as seconds, as a date or, by one vendor, as milliseconds. A date is counted
    /// from the service's own clock, not from ours, which may be years off. Unit: s.
    static func retryAfter(_ value: String?, date: String?, milliseconds: String? = nil) -> Int64? {
        if let milliseconds, let count = Int64(milliseconds) { return max(0, count) / 1000 + 1 }
        guard let value else { return nil }
        if let seconds = Int64(value) { return max(0, seconds) }
        guard let until = Self.date(value), let now = date.flatMap(Self.date) else { return nil }
        return Int64(exactly: max(0, until.timeIntervalSince(now)).rounded())
    }

    /// A time as HTTP writes it; `nil` for anything else.
    static func date(_ text: String) -> Date? {
        let formatter = DateFormatter()
        formatter.locale = Locale(identifier: "en_US_POSIX")
        formatter.timeZone = TimeZone(identifier: "GMT")
        formatter.dateFormat = "EEE, dd MMM yyyy HH:mm:ss 'GMT'"
        return formatter.date(from: text)
    }
}
