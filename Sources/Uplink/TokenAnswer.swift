import Foundation

/// A token of the service's: in memory and in the head of requests, nowhere else. Shown, it is a word.
struct AccessToken: Sendable, Equatable, CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    let value: String
    /// How long it is good. Unit: s.
    let lifetime: Int64

    var description: String { "a token" }
    var debugDescription: String { description }
    var customMirror: Mirror { Mirror(self, children: []) }
}

/// What came of asking for a token.
enum TokenAnswer: Sendable, Equatable {
    case token(AccessToken)
    case failure(TokenFailure)
}

/// Why there is no token, in words of ours.
struct TokenFailure: Error, Sendable, Equatable {
    let reason: String
    /// How long the service asks for patience. Unit: s.
    var retryAfter: Int64?
}

/// Reads what a token service answers. None of its words is taken over: they may repeat what was sent, or anything
/// else.
enum TokenReader {
    /// The longest answer that is read. Unit: bytes.
    static let limit = 64 << 10
    /// The longest token that is sent on. Unit: bytes.
    private static let tokenLimit = 16 << 10
    /// A token is asked for anew after so long, whatever was said of it. Unit: s.
    static let longest: Int64 = 3600
    /// What SMART recommends, for a service that does not say how long its tokens are good. Unit: s.
    static let usual: Int64 = 300
    /// A clock that is further off than this makes signatures that are refused. Unit: s.
    private static let play: TimeInterval = 60

    private struct Granted: Decodable {
        let token: String
        let kind: String
        let lifetime: Lifetime?

        enum CodingKeys: String, CodingKey {
            case token = "access_token"
            case kind = "token_type"
            case lifetime = "expires_in"
        }
    }

    private struct Refused: Decodable {
        let error: String
    }

    /// A number, or one in quotes, as some services have it.
    private struct Lifetime: Decodable {
        let seconds: Double

        init(from decoder: any Decoder) throws {
            let container = try decoder.singleValueContainer()
            if let text = try? container.decode(String.self) {
                guard text.utf8.count < 16, text.utf8.allSatisfy({ (0x30...0x39).contains($0) }),
                    let number = Double(text)
                else {
                    throw DecodingError.dataCorruptedError(in: container, debugDescription: "no number")
                }
                seconds = number
            } else {
                seconds = try container.decode(Double.self)
            }
        }
    }

    /// - Parameters:
    ///   - date: what the service's clock says.
    ///   - retryAfter: how long it asks for patience. Unit: s.
    ///   - now: what this unit's clock says.
    static func answer(status: Int, body: Data, date: Date?, retryAfter: Int64?, now: Date) -> TokenAnswer {
        switch status {
        case 200: return granted(body)
        case 400, 401: return .failure(refusal(status, body, date: date, now: now))
        case 403, 404, 405:
            return .failure(
                TokenFailure(reason: "the token service answers HTTP \(status): is “token-endpoint” its address?"))
        default:
            return .failure(TokenFailure(reason: "the token service answers HTTP \(status)", retryAfter: retryAfter))
        }
    }

    private static func granted(_ body: Data) -> TokenAnswer {
        func failure(_ words: String) -> TokenAnswer { .failure(TokenFailure(reason: "the token service \(words)")) }
        guard let granted = try? JSONDecoder().decode(Granted.self, from: body) else {
            return failure("answers HTTP 200 without a token that can be read")
        }
        guard granted.kind.lowercased() == "bearer" else {
            return failure("gives no bearer token")
        }
        guard isToken(granted.token) else {
            return failure("gives a token that no request can carry: too long, or with characters that none may have")
        }
        guard let said = granted.lifetime?.seconds else {
            return .token(AccessToken(value: granted.token, lifetime: usual))
        }
        guard said.isFinite, said >= 1 else { return failure("gives a token that is over at once") }
        return .token(AccessToken(value: granted.token, lifetime: Int64(min(said, Double(longest)))))
    }

    /// Source: RFC 6750, section 2.1 (`b64token`).
    private static func isToken(_ text: String) -> Bool {
        let body = text.utf8.reversed().drop { $0 == UInt8(ascii: "=") }
        return !body.isEmpty && text.utf8.count <= tokenLimit
            && body.allSatisfy { byte in
                switch byte {
                case UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "a")...UInt8(ascii: "z"),
                    UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "_"),
                    UInt8(ascii: "~"), UInt8(ascii: "+"), UInt8(ascii: "/"):
                    true
                default: false
                }
            }
    }

    private static func refusal(_ status: Int, _ body: Data, date: Date?, now: Date) -> TokenFailure {
        // A signature is good for minutes: a wrong clock is the first thing to put right.
        if let date, abs(now.timeIntervalSince(date)) > play {
            let away = Int(abs(now.timeIntervalSince(date)))
            let way = now < date ? "behind" : "ahead of"
            return TokenFailure(
                reason: "the token service refuses this unit's signature (HTTP \(status)), and this unit's clock is "
                    + "\(away) s \(way) that service's: set the clock")
        }
        let code = (try? JSONDecoder().decode(Refused.self, from: body))?.error
        return TokenFailure(reason: "the token service refuses (HTTP \(status)): \(words(code))")
    }

    /// Source: RFC 6749, section 5.2.
    private static func words(_ code: String?) -> String {
        switch code {
        case "invalid_client":
            "it does not take this unit's signature: is the key that `nabd uplink jwks` prints registered there, under "
                + "“client”?"
        case "unauthorized_client", "unsupported_grant_type": "it gives this unit no tokens by client_credentials"
        case "invalid_scope": "it does not give what “scope” asks for"
        case "invalid_grant", "invalid_request":
            "it does not take what was asked: is “token-endpoint” the address by which it knows itself?"
        default: "it gives no reason that can be told"
        }
    }
}

/// Reads what a records service says of how it gives tokens. Source: SMART App Launch 2.2,
/// `.well-known/smart-configuration`.
package enum SMARTConfiguration {
    static let path = ".well-known/smart-configuration"
    /// The longest address that is taken. Unit: bytes.
    private static let addressLimit = 2048

    private struct Document: Decodable {
        let endpoint: String
        let methods: [String]?
        let kinds: [String]?

        enum CodingKeys: String, CodingKey {
            case endpoint = "token_endpoint"
            case methods = "token_endpoint_auth_methods_supported"
            case kinds = "token_endpoint_auth_signing_alg_values_supported"
        }
    }

    /// The token service's address.
    static func endpoint(status: Int, body: Data) -> Result<String, TokenFailure> {
        func failure(_ words: String) -> Result<String, TokenFailure> {
            .failure(TokenFailure(reason: "the records service \(words)"))
        }
        guard status == 200 else {
            return failure(
                "answers HTTP \(status) to the question where tokens are given: name “token-endpoint” in the "
                    + "configuration")
        }
        guard let document = try? JSONDecoder().decode(Document.self, from: body) else {
            return failure("does not say in a form that can be read where tokens are given: name “token-endpoint”")
        }
        if let methods = document.methods, !methods.contains("private_key_jwt") {
            return failure("gives no tokens to who signs (private_key_jwt)")
        }
        if let kinds = document.kinds, !kinds.contains("ES384") {
            return failure("takes no signatures of the kind ES384, and this unit makes no others")
        }
        guard isAddress(document.endpoint) else {
            return failure("names no token service that is https://…: name “token-endpoint” in the configuration")
        }
        return .success(document.endpoint)
    }

    /// Whether a text is the address of a token service: over TLS, with a host, and with nobody's name or secret in it.
    package static func isAddress(_ text: String) -> Bool {
        guard text.utf8.count <= addressLimit, text.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F }),
            text.hasPrefix("https://"), let url = URL(string: text), let host = url.host
        else { return false }
        return !host.isEmpty && url.user == nil && url.password == nil && url.fragment == nil
    }
}
