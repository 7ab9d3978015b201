import AsyncHTTPClient
import Foundation
import NIOHTTP1
import NIOSSL
import X509

/// Asks an EST server for certificates. Source: RFC 7030, sections 4.1 and 4.2.
struct ESTClient: Sendable {
    /// How long one question may take, from its first byte to its last: somebody signs meanwhile. Unit: s.
    private static let askingLimit: Int64 = 60
    /// What is waited where a server that asks for patience does not say how much. Unit: s.
    private static let usualPatience: Int64 = 600
    /// The longest patience that is had. Unit: s.
    static let mostPatience: Int64 = 86_400
    private static let wanted = "application/pkcs7-mime"

    /// By what the first certificate is given.
    struct Password: Sendable {
        let user: String
        let password: String
    }

    private let base: String
    private let words: ExchangeWords
    private let client: ExchangeClient

    /// - Parameters:
    ///   - path: the file with the unit's certificate and its key.
    ///   - isFirst: whether the unit has none to show.
    init(_ settings: EnrolmentSettings, identity path: String, isFirst: Bool, meter: WireMeter) throws(EnrolmentFault) {
        base = settings.base
        words = ExchangeWords(authority: settings.authority, own: path, "the EST server", at: settings.base)
        let tls: TLSConfiguration
        do {
            tls =
                isFirst
                ? try UplinkEndpoint.tls(trusting: settings.authority)
                : try UplinkEndpoint(
                    server: settings.base, authority: settings.authority, clientCertificate: path, clientKey: path
                ).tls()
        } catch { throw .files("\(error)") }
        client = ExchangeClient(tls, meter: meter)
    }

    func shutdown() async { await client.shutdown() }

    /// The certificates of its authority, as it tells them.
    func authorities() async throws(EnrolmentFault) -> [Certificate] {
        var request = HTTPClientRequest(url: "\(base)/cacerts")
        request.headers.add(name: "Accept", value: Self.wanted)
        return try await certificates(request, isFirst: false)
    }

    /// Asks for a certificate.
    ///
    /// - Parameters:
    ///   - request: in DER.
    ///   - password: for the first one; `nil` where the certificate in use says who asks.
    func enrol(_ request: [UInt8], _ password: Password?) async throws(EnrolmentFault) -> [Certificate] {
        let name = password == nil ? "simplereenroll" : "simpleenroll"
        var question = HTTPClientRequest(url: "\(base)/\(name)")
        question.method = .POST
        question.headers.add(name: "Content-Type", value: "application/pkcs10")
        question.headers.add(name: "Content-Transfer-Encoding", value: "base64")
        question.headers.add(name: "Accept", value: Self.wanted)
        if let password {
            let text = Data("\(password.user):\(password.password)".utf8).base64EncodedString()
            question.headers.add(name: "Authorization", value: "Basic \(text)")
        }
        // Without lines: of servers that want them none was met, of those that do not read them some.
        question.body = .bytes(Array(Data(request).base64EncodedString().utf8))
        return try await certificates(question, isFirst: password != nil)
    }

    private func certificates(_ request: HTTPClientRequest, isFirst: Bool) async throws(EnrolmentFault)
        -> [Certificate]
    {
        let answer = await client.exchange(
            request, within: .seconds(Self.askingLimit), limit: CertificatesOnly.limit, words: words
        ) { head, body in
            Self.read(
                status: Int(head.status.code), type: head.headers.first(name: "Content-Type"), body: body,
                retryAfter: AnswerReader.retryAfter(
                    head.headers.first(name: "Retry-After"), date: head.headers.first(name: "Date")),
                isFirst: isFirst)
        } failed: {
            .failure(.way($0))
        }
        guard let answer else {
            throw .way("no whole answer from the EST server within \(Self.askingLimit) s")
        }
        return try answer.get()
    }

    /// What an answer means. None of its words is taken over.
    ///
    /// - Parameters:
    ///   - retryAfter: how long the server asks for patience. Unit: s.
    ///   - isFirst: whether a password said who asks.
    static func read(status: Int, type: String?, body: Data, retryAfter: Int64?, isFirst: Bool)
        -> Result<[Certificate], EnrolmentFault>
    {
        switch status {
        case 200:
            guard isWanted(type) else { return .failure(.otherContent) }
            do throws(EnrolmentFault.CertificateText) {
                return .success(try CertificatesOnly.certificates(in: body))
            } catch { return .failure(.unreadable(error)) }
        case 202: return .failure(.pending(retryAfter: min(max(1, retryAfter ?? usualPatience), mostPatience)))
        case 300...399: return .failure(.redirected)
        case 408, 429, 500...: return .failure(.notNow(status: status, retryAfter: retryAfter))
        case 400...499: return .failure(.refused(status: status, isFirst: isFirst))
        default: return .failure(.otherContent)
        }
    }

    private static func isWanted(_ type: String?) -> Bool {
        let parts = (type ?? "").lowercased().split(separator: ";").map { $0.filter { $0 != " " && $0 != "\"" } }
        guard parts.first == wanted else { return false }
        return parts.dropFirst().allSatisfy { !$0.hasPrefix("smime-type=") || $0 == "smime-type=certs-only" }
    }
}
