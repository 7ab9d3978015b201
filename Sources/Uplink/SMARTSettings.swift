/// How this unit asks for a token by SMART Backend Services, beside its certificate: who it is to the token service,
/// and by which key it signs.
package struct SMARTSettings: Sendable {
    /// Under which the service knows this unit.
    package let client: String
    /// PEM file of the key, EC P-384.
    package let key: String
    /// What is asked for, in SMART's words, one space between two.
    package let scope: String
    /// The token service's address, `https://…`; `nil` where the records service tells it itself, in its
    /// `.well-known/smart-configuration`.
    package let tokenEndpoint: String?

    /// What a unit needs: to create, read and update, and neither to delete nor to search.
    package static let usualScope = "system/*.cru"

    package init(client: String, key: String, scope: String = usualScope, tokenEndpoint: String? = nil) {
        self.client = client
        self.key = key
        self.scope = scope
        self.tokenEndpoint = tokenEndpoint
    }

    /// Why the key cannot be used now; `nil` when it can.
    package var fault: EndpointError? {
        do throws(EndpointError) {
            _ = try SigningKey(file: key)
            return nil
        } catch { return error }
    }
}
