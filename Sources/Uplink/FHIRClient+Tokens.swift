import AsyncHTTPClient
import Foundation
import NIOHTTP1

/// Asking for a token. Source: SMART App Launch 2.2, Backend Services.
extension FHIRClient {
    /// How long one question may take, from its first byte to its last. Unit: s.
    private static let askingLimit: Int64 = 30
    private static let assertionType = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"

    /// Asks for a token.
    ///
    /// - Parameter known: where tokens were given before; where nobody knows, the records service is asked.
    /// - Returns: what came of it, and where tokens are given.
    func askForToken(_ settings: SMARTSettings, _ key: SigningKey, at known: String?) async -> (
        answer: TokenAnswer, endpoint: String?
    ) {
        let endpoint: String
        if let place = settings.tokenEndpoint ?? known {
            endpoint = place
        } else {
            switch await findTokenEndpoint() {
            case .success(let place): endpoint = place
            case .failure(let failure): return (.failure(failure), nil)
            }
        }
        let now = Date()
        let assertion = ClientAssertion(client: settings.client, audience: endpoint)
        guard
            let signed = try? assertion.signed(
                by: key, now: Int64(now.timeIntervalSince1970), number: ClientAssertion.number())
        else { return (.failure(TokenFailure(reason: "the key signs nothing")), nil) }
        var request = HTTPClientRequest(url: endpoint)
        request.method = .POST
        request.headers.add(name: "Content-Type", value: "application/x-www-form-urlencoded")
        request.headers.add(name: "Accept", value: "application/json")
        request.body = .bytes(
            Array(
                FormText.encoded([
                    ("grant_type", "client_credentials"), ("scope", settings.scope),
                    ("client_assertion_type", Self.assertionType), ("client_assertion", signed),
                ]).utf8))
        let answer = await exchange(
            request, within: .seconds(Self.askingLimit), limit: TokenReader.limit,
            words: words.of("the token service", at: endpoint)
        ) { head, body in
            TokenReader.answer(
                status: Int(head.status.code), body: body,
                date: head.headers.first(name: "Date").flatMap(AnswerReader.date),
                retryAfter: AnswerReader.retryAfter(
                    head.headers.first(name: "Retry-After"), date: head.headers.first(name: "Date")), now: Date())
        } failed: {
            .failure(TokenFailure(reason: "no token: \($0)"))
        }
        return (answer ?? .failure(Self.late("the token service")), endpoint)
    }

    /// Where the records service says that tokens are given.
    private func findTokenEndpoint() async -> Result<String, TokenFailure> {
        var request = HTTPClientRequest(url: "\(base)/\(SMARTConfiguration.path)")
        request.headers.add(name: "Accept", value: "application/json")
        let answer = await exchange(
            request, within: .seconds(Self.askingLimit), limit: TokenReader.limit, words: words
        ) { head, body in
            SMARTConfiguration.endpoint(status: Int(head.status.code), body: body)
        } failed: {
            .failure(TokenFailure(reason: "nobody says where tokens are given: \($0)"))
        }
        return answer ?? .failure(Self.late("the records service"))
    }

    private static func late(_ who: String) -> TokenFailure {
        TokenFailure(reason: "no token: no whole answer from \(who) within \(askingLimit) s")
    }
}

/// The body of a form. Source: application/x-www-form-urlencoded of the URL standard.
enum FormText {
    static func encoded(_ fields: [(name: String, value: String)]) -> String {
        fields.map { "\($0.name)=\(encoded($0.value))" }.joined(separator: "&")
    }

    private static func encoded(_ text: String) -> String {
        var encoded = ""
        for byte in text.utf8 {
            switch byte {
            case UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "a")...UInt8(ascii: "z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "_"),
                UInt8(ascii: "*"):
                encoded.unicodeScalars.append(Unicode.Scalar(byte))
            case UInt8(ascii: " "): encoded += "+"
            default:
                let digits = String(byte, radix: 16, uppercase: true)
                encoded += "%" + (digits.count == 1 ? "0" : "") + digits
            }
        }
        return encoded
    }
}
