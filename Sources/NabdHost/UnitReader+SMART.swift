import Foundation
import StrictYAML
import Uplink

/// How the unit asks for tokens.
extension UnitReader {
    /// - Returns: `nil` where it asks for none, or what is said of it is faulty.
    func smart(_ map: YAMLMapping) -> SMARTSettings? {
        map.allow(["client", "key", "scope", "token-endpoint"])
        let before = diagnostics.errors
        let client = map.required("client")
        let name = client?.text("the name by which the service knows this unit") ?? ""
        if let client, !Self.isName(name) {
            client.error("expected the client's name in printable characters of ASCII, 256 at most")
        }
        let file = map.required("key")
        let key = file?.text("a PEM file").map(absolute) ?? ""
        var (scope, endpoint) = (SMARTSettings.usualScope, String?.none)
        if let value = map["scope"], let text = value.text("what is asked for") {
            if !Self.isScope(text) {
                value.error(
                    "expected scopes with one space between two, found “\(text)”",
                    suggestion: "write \(SMARTSettings.usualScope)")
            }
            scope = text
        }
        if let value = map["token-endpoint"], let text = value.text("the token service's address") {
            if !SMARTConfiguration.isAddress(text) {
                value.error("the token service must be https://HOST/…, without a name or a password in it")
            }
            endpoint = text
        }
        guard diagnostics.errors == before else { return nil }
        let settings = SMARTSettings(client: name, key: key, scope: scope, tokenEndpoint: endpoint)
        // A unit that runs waits for the file.
        if faultCost == .everything, let fault = settings.fault { file?.error(fault.description) }
        return settings
    }

    /// Source: RFC 6749, appendix A.1.
    private static func isName(_ text: String) -> Bool {
        !text.isEmpty && text.utf8.count <= 256 && text.utf8.allSatisfy { (0x20...0x7E).contains($0) }
    }

    /// Source: RFC 6749, section 3.3.
    private static func isScope(_ text: String) -> Bool {
        text.utf8.count <= 1024
            && text.split(separator: " ", omittingEmptySubsequences: false).allSatisfy { word in
                !word.isEmpty && word.utf8.allSatisfy { (0x21...0x7E).contains($0) && $0 != 0x22 && $0 != 0x5C }
            }
    }
}
