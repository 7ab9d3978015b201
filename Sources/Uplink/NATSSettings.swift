import Crypto
import FHIRMapping
import Foundation

/// Where in NATS the unit delivers to, and what things are called there.
package struct NATSSettings: Sendable, Equatable {
    package static let scheme = "nats"
    static let port = 4222
    private static let longestStream = 64
    private static let longestSubject = 128

    /// The stream: what another one acknowledges is not stored.
    package let stream: String
    /// What the subjects of this unit begin with; no other unit's begin with it.
    package let subject: String

    package init(stream: String, subject: String) { (self.stream, self.subject) = (stream, subject) }

    // MARK: What may stand in the configuration

    private static func isToken(_ text: some StringProtocol) -> Bool {
        !text.isEmpty
            && text.utf8.allSatisfy { byte in
                (0x30...0x39).contains(byte) || (0x41...0x5A).contains(byte) || (0x61...0x7A).contains(byte)
                    || byte == 0x2D || byte == 0x5F
            }
    }

    package static func isStream(_ text: String) -> Bool { isToken(text) && text.utf8.count <= longestStream }

    /// Whether subjects may begin so: words of letters, digits, `-` and `_` with points between them; not `_INBOX`, in
    /// which answers come.
    package static func isSubject(_ text: String) -> Bool {
        text.utf8.count <= longestSubject && !text.hasPrefix("_")
            && text.split(separator: ".", omittingEmptySubsequences: false).allSatisfy(isToken)
    }

    /// Whether an address is that of a NATS server and nothing more: `nats://HOST` or `nats://HOST:PORT`.
    package static func isServer(_ text: String) -> Bool {
        guard let url = URLComponents(string: text), url.scheme == scheme, let host = url.host, !host.isEmpty else {
            return false
        }
        return url.user == nil && url.password == nil && ["", "/"].contains(url.path) && url.query == nil
            && url.fragment == nil && (url.port.map { (1...65_535).contains($0) } ?? true)
    }

    // MARK: Names

    /// The subject of a resource: below the unit's, its type and the two parts of its id. `nil` for what is no address
    /// of one.
    ///
    ///     unit.Observation.obs.0123…
    func subject(of url: String) -> String? {
        let parts = url.split(separator: "/", omittingEmptySubsequences: false)
        guard parts.count == 2 else { return nil }
        let id = parts[1].split(separator: "-", maxSplits: 1, omittingEmptySubsequences: false)
        let tokens = [parts[0]] + id
        guard tokens.allSatisfy(Self.isToken) else { return nil }
        return ([Substring(subject)] + tokens).joined(separator: ".")
    }

    /// A resource's name with half of its content's digest: the same content is the same message. Another content
    /// under the same name is another.
    static func messageID(_ resource: FHIRResource) -> String {
        let digits = resource.digest.prefix(16).map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }
        return "\(resource.url)#\(digits.joined())"
    }

    /// The same content once more, after another was the last of its name.
    ///
    /// - Parameter sequence: of that other.
    static func messageID(_ id: String, after sequence: UInt64) -> String { "\(id)@\(sequence)" }

    /// Whether a message has the content that belongs to an id.
    static func isSame(_ found: String, _ id: String) -> Bool { found == id || found.hasPrefix("\(id)@") }
}

extension UplinkEndpoint {
    /// Its address, by which its book is known: of a stream with the stream and what the unit's subjects begin with.
    package var destination: String {
        guard let nats else { return server }
        let base = server.hasSuffix("/") ? String(server.dropLast()) : server
        return "\(base)/\(nats.stream)/\(nats.subject)"
    }

    /// What delivers there.
    ///
    /// - Parameters:
    ///   - meter: counts what goes over its connections.
    ///   - renewing: changes the files of the identity.
    package func service(meter: WireMeter, renewing: CertificateRenewal?) -> any RecordsService {
        if let nats { return NATSService(self, nats, meter: meter) }
        return RenewedClient(self, meter: meter, renewing: renewing)
    }
}
