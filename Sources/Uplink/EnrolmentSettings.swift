import Foundation

/// Where this unit gets its certificate over the network, and when it has it renewed. Source: RFC 7030 (EST).
package struct EnrolmentSettings: Sendable, Equatable {
    /// The EST server's address, up to what is asked for: `https://HOST/.well-known/est` and perhaps a label.
    package let base: String
    /// The name that the first certificate is asked for: its common name.
    package let subject: String
    /// PEM file of those who sign the EST server's certificate and the unit's. Nobody else is believed.
    package let authority: String
    /// How long before its end a certificate is renewed; `nil`: when a third of its life is left. Unit: s.
    package let renewBefore: Int64?

    private static let path = "/.well-known/est"

    package init(base: String, subject: String, authority: String, renewBefore: Int64? = nil) {
        self.base = base
        self.subject = subject
        self.authority = authority
        self.renewBefore = renewBefore
    }

    /// The base of an address as people write it: the host's alone, or with EST's path and a label; `nil` where it is
    /// neither.
    package static func base(of address: String) -> String? {
        guard SMARTConfiguration.isAddress(address), let url = URL(string: address), url.query == nil else {
            return nil
        }
        let plain = address.hasSuffix("/") ? String(address.dropLast()) : address
        switch url.path {
        case "", "/": return plain + path
        case let given where given == path || given.hasPrefix(path + "/"): return plain
        default: return nil
        }
    }

    /// Whether a text can be a unit's name in a certificate. Source: RFC 5280, appendix A.1 (`ub-common-name`).
    package static func isSubject(_ text: String) -> Bool {
        (1...64).contains(text.utf8.count) && text.first != " " && text.last != " "
            && text.utf8.allSatisfy { (0x20...0x7E).contains($0) }
    }

    /// From when on a certificate is renewed: never before half of its life, so that it is not asked for without end.
    /// Unit: s since 1970.
    package func due(from begin: Int64, to end: Int64) -> Int64 {
        let life = max(0, end - begin)
        guard let renewBefore else { return end - life / 3 }
        return max(end - renewBefore, begin + life / 2)
    }
}
