/// A request's head, as far as it is judged.
package struct AskedHead: Sendable {
    package let method: String
    /// Path and query, as they came.
    package let target: String
    /// The `Host` field.
    package let host: String?
    /// All other fields, their names in lower case.
    package let fields: [(name: String, value: String)]

    package init(method: String, target: String, host: String?, fields: [(name: String, value: String)]) {
        (self.method, self.target, self.host, self.fields) = (method, target, host, fields)
    }

    /// A field that stands once; two make the request ambiguous.
    func single(_ name: String) throws(Refusal) -> String? {
        let values = fields.filter { $0.name == name }
        if values.count > 1 { throw .malformed }
        return values.first?.value
    }
}

/// What is asked for, once it may be.
package enum Asked: Sendable, Hashable {
    /// The name of a file of the screen, such as `main.js`.
    case file(String)
    case live(WavesWanted)
    case technical
    case ask
    /// Something of the past, by path and parameters: /streams, /history, /log.
    case past(path: String, parameters: [String: String])
}

/// Whose waves a screen draws.
package enum WavesWanted: Sendable, Hashable {
    case all
    /// Of a bed; "" is what is at no bed.
    case bed(String)
    case none

    package func takes(_ bed: String) -> Bool {
        switch self {
        case .all: true
        case .bed(let wanted): wanted == bed
        case .none: false
        }
    }
}

/// Who may be answered: a page of this server, and nobody who came by another name or from another site.
///
/// A name that somebody else's DNS points at 127.0.0.1 would make a foreign page one of this server's; so the names
/// are a list.
package struct RequestGate: Sendable {
    /// Names besides those of the loopback, in lower case, with or without a port.
    private let hosts: Set<String>
    /// `nil` behind a socket's proxy, whose port this process does not know.
    private let port: Int?

    private static let own = ["127.0.0.1", "localhost", "[::1]"]
    private static let pastPaths: Set = ["/streams", "/history", "/log"]

    package init(port: Int?, hosts: [String]) {
        self.port = port
        self.hosts = Set(hosts.map { $0.lowercased() })
    }

    /// What is asked for, or why it is not answered.
    package func judge(_ head: AskedHead) throws(Refusal) -> Asked {
        guard let host = head.host?.lowercased(), isOurs(host) else { throw .foreignHost }
        try judgeSite(head, host: host)
        guard head.target.utf8.count <= ConsoleLimits.target else { throw .target }
        let (path, parameters) = try Self.split(head.target)
        if path == "/ask" {
            guard head.method == "POST" else { throw .method }
            let type = try head.single("content-type")?.lowercased().split(separator: ";").first
            guard type?.filter({ $0 != " " }) == "application/json", try head.single("x-nabd-ask") == "1" else {
                throw .notJSON
            }
            guard parameters.isEmpty else { throw .malformed }
            return .ask
        }
        guard head.method == "GET" else { throw .method }
        switch path {
        case "/live": return .live(try Self.waves(parameters))
        case "/technical": return .technical
        case _ where Self.pastPaths.contains(path): return .past(path: path, parameters: parameters)
        case "/": return .file("index.html")
        default: return .file(String(path.dropFirst()))
        }
    }

    func isOurs(_ host: String) -> Bool {
        let (name, port) = Self.parts(host)
        if hosts.contains(host) || hosts.contains(name) { return true }
        guard Self.own.contains(name) else { return false }
        // Behind a proxy the loopback's own names are enough: nobody else's DNS can say them.
        return self.port.map { $0 == port } ?? true
    }

    /// Name and port; `nil` for a port that is none.
    private static func parts(_ host: String) -> (name: String, port: Int?) {
        guard let colon = host.lastIndex(of: ":"), !host[colon...].contains("]") else { return (host, 80) }
        return (String(host[..<colon]), UInt16(host[host.index(after: colon)...]).map(Int.init))
    }

    /// What the browser says of the page that asks. Programs that are no browsers say nothing.
    private func judgeSite(_ head: AskedHead, host: String) throws(Refusal) {
        if let site = try head.single("sec-fetch-site"), site != "same-origin", site != "none" { throw .foreignSite }
        guard let origin = try head.single("origin")?.lowercased() else { return }
        guard origin == "http://\(host)" || origin == "https://\(host)" && hosts.contains(Self.parts(host).name) else {
            throw .foreignSite
        }
    }

    private static func waves(_ parameters: [String: String]) throws(Refusal) -> WavesWanted {
        guard parameters.keys.allSatisfy({ $0 == "waves" }) else { throw .malformed }
        switch parameters["waves"] ?? "all" {
        case "all": return .all
        case "none": return .none
        case let bed:
            guard bed.utf8.count <= 40, bed.utf8.allSatisfy(isOfHandle) else { throw .malformed }
            return .bed(bed)
        }
    }

    private static func isOfHandle(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"): true
        default: false
        }
    }

    /// Path and parameters; no name stands twice.
    static func split(_ target: String) throws(Refusal) -> (path: String, parameters: [String: String]) {
        guard target.hasPrefix("/"), !target.utf8.contains(UInt8(ascii: "#")) else { throw .malformed }
        let halves = target.split(separator: "?", maxSplits: 1, omittingEmptySubsequences: false)
        var parameters: [String: String] = [:]
        for pair in halves.count > 1 ? halves[1].split(separator: "&") : [] {
            let parts = pair.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            guard let name = decoded(parts[0]), let value = parts.count > 1 ? decoded(parts[1]) : "",
                parameters.updateValue(value, forKey: name) == nil
            else { throw .malformed }
        }
        return (String(halves[0]), parameters)
    }

    /// What percent signs and plus signs stand for; `nil` where that is no text.
    private static func decoded(_ text: Substring) -> String? {
        var bytes: [UInt8] = []
        var rest = text.utf8[...]
        while let byte = rest.popFirst() {
            switch byte {
            case UInt8(ascii: "+"): bytes.append(UInt8(ascii: " "))
            case UInt8(ascii: "%"):
                guard let high = rest.popFirst().flatMap(digit), let low = rest.popFirst().flatMap(digit) else {
                    return nil
                }
                bytes.append(high << 4 | low)
            default: bytes.append(byte)
            }
        }
        return String(validating: bytes, as: UTF8.self)
    }

    private static func digit(_ byte: UInt8) -> UInt8? {
        switch byte {
        case UInt8(ascii: "0")...UInt8(ascii: "9"): byte - UInt8(ascii: "0")
        case UInt8(ascii: "a")...UInt8(ascii: "f"): byte - UInt8(ascii: "a") + 10
        case UInt8(ascii: "A")...UInt8(ascii: "F"): byte - UInt8(ascii: "A") + 10
        default: nil
        }
    }
}
