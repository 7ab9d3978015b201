import DeviceModel
import Foundation
import NIOCore
import NIOSSL
import PlainFiles
import SampleJournal

/// Where the records service is, and who this unit is to it.
package struct UplinkEndpoint: Sendable {
    /// The base address of the FHIR server, `https://…`, or the address of the NATS server, `nats://…`.
    package let server: String
    /// PEM file of the authority that signed the server's certificate. No other authority is trusted.
    package let authority: String
    /// PEM files of this unit's certificate and key.
    package let clientCertificate: String
    package let clientKey: String

    /// How it asks for a token beside that; `nil` where the service wants none.
    package let smart: SMARTSettings?
    /// How the certificate and the key, which are in one file then, are renewed over the network; `nil` where people
    /// do it.
    package let enrolment: EnrolmentSettings?
    /// The stream that it delivers to, where `server` is that of NATS; `nil` for a FHIR server.
    package let nats: NATSSettings?

    /// How long a connection that is closed waits for the other side to say that it has heard it. What comes meanwhile
    /// is read and thrown away: of an answer without an end, so much more.
    private static let ending = TimeAmount.milliseconds(500)
    /// How long before a certificate expires somebody is told. Unit: s.
    private static let notice = 30 * 86_400

    package init(
        server: String, authority: String, clientCertificate: String, clientKey: String, smart: SMARTSettings? = nil,
        enrolment: EnrolmentSettings? = nil, nats: NATSSettings? = nil
    ) {
        self.server = server
        self.authority = authority
        self.clientCertificate = clientCertificate
        self.clientKey = clientKey
        self.smart = smart
        self.enrolment = enrolment
        self.nats = nats
    }

    /// Where its server is; `nil` when its address names none.
    package var place: (host: String, port: Int)? { Self.place(of: server) }

    static func place(of address: String) -> (host: String, port: Int)? {
        guard let url = URL(string: address), let host = url.host else { return nil }
        return (host, url.port ?? (url.scheme == NATSSettings.scheme ? NATSSettings.port : 443))
    }

    /// Why the server that answers there is not to be trusted, in a sentence; `nil` when nothing is found. Nothing is
    /// said to it, and this unit's certificate is not shown.
    package func distrust() async -> String? { await ExchangeWords(self).ofServer() }

    /// What of the unit's identity cannot be used now; `nil` when all of it can.
    package var fault: EndpointError? {
        do {
            _ = try tls()
            return nil
        } catch { return error as? EndpointError ?? EndpointError(description: "\(error)") }
    }

    /// TLS 1.3 with one pinned authority, to whoever is not told who this unit is. Throws ``EndpointError``.
    static func tls(trusting authority: String) throws -> TLSConfiguration {
        var tls = TLSConfiguration.makeClientConfiguration()
        tls.minimumTLSVersion = .tlsv13
        tls.certificateVerification = .fullVerification
        let authorities = try certificates(authority, "certificate of an authority")
        if authorities.contains(where: { ServerCertificate.isWeakKey($0) }) {
            throw EndpointError(
                description: "the key of an authority in \(authority) is too weak: RSA of at least 2048 bits, a curve "
                    + "of at least 256, or Ed25519")
        }
        tls.trustRoots = .certificates(authorities)
        tls.shutdownTimeout = ending
        return tls
    }

    /// Mutual TLS 1.3 with one pinned authority. Throws ``EndpointError``.
    func tls() throws -> TLSConfiguration {
        var tls = try Self.tls(trusting: authority)
        tls.certificateChain = try Self.certificates(clientCertificate, "certificate").map { .certificate($0) }
        guard let facts = FileFacts(path: clientKey), facts.isRegular else {
            throw EndpointError(description: "\(clientKey) is not a readable PEM key")
        }
        // Who reads the key is this unit to the service.
        guard facts.rightsOfOthers == 0 else {
            throw EndpointError(
                description: "every user of this machine may read or write \(clientKey): take that right away with "
                    + "“chmod o= \(clientKey)”, and have a new key made if others were here", isOfRights: true)
        }
        guard let bytes = PlainFile.bytes(clientKey), let key = try? NIOSSLPrivateKey(bytes: bytes, format: .pem) else {
            throw EndpointError(description: "\(clientKey) is not a readable PEM key")
        }
        tls.privateKey = .privateKey(key)
        // Between the renewal of one file and of the other they do not belong together.
        guard (try? NIOSSLContext(configuration: tls)) != nil else {
            throw EndpointError(
                description: "\(clientCertificate) and \(clientKey) do not belong together, or one is too weak")
        }
        return tls
    }

    private static func certificates(_ path: String, _ what: String) throws -> [NIOSSLCertificate] {
        guard let bytes = PlainFile.bytes(path), let certificates = try? NIOSSLCertificate.fromPEMBytes(bytes),
            !certificates.isEmpty
        else {
            throw EndpointError(description: "\(path) is not a readable PEM \(what)")
        }
        return certificates
    }

    /// When this unit's certificate and the first of the authorities' expire; `nil` of what cannot be read now. Unit: s
    /// since 1970.
    package var expiries: (own: Int?, authority: Int?) {
        (
            (try? Self.certificates(clientCertificate, "certificate"))?.first.map { Int($0.notValidAfter) },
            (try? Self.certificates(authority, "certificate of an authority"))?.map { Int($0.notValidAfter) }.min()
        )
    }

    /// Whole days until this unit's certificate, or the authority's, expires, by the wall clock; negative when it has.
    /// Throws ``EndpointError``.
    package func daysLeft() throws -> Int {
        Int(((try Double(expiry()) - Date().timeIntervalSince1970) / 86_400).rounded(.down))
    }

    /// From when on somebody is told that a certificate expires: 30 days before. This unit's own, where it is renewed
    /// by itself, in the second half of the time that it has for that, if that is later. Throws ``EndpointError``.
    /// Unit: s since 1970.
    package func noticeTime() throws -> Int {
        let own = try Self.certificates(clientCertificate, "certificate")[0]
        let roots = try Self.certificates(authority, "certificate of an authority")
        let end = Int(own.notValidAfter)
        var notice = Self.notice
        if let enrolment {
            notice = min(notice, (end - Int(enrolment.due(from: Int64(own.notValidBefore), to: Int64(end)))) / 2)
        }
        return roots.reduce(end - notice) { min($0, Int($1.notValidAfter) - Self.notice) }
    }

    /// When the first of this unit's certificate and the authorities' expires: without any of them nothing is sent.
    /// Throws ``EndpointError``. Unit: s since 1970.
    package func expiry() throws -> Int {
        let own = try Self.certificates(clientCertificate, "certificate")
        let roots = try Self.certificates(authority, "certificate of an authority")
        return (own.prefix(1) + roots).map { Int($0.notValidAfter) }.min() ?? 0
    }
}

/// A certificate or key file that cannot be used.
package struct EndpointError: Error, CustomStringConvertible {
    package let description: String
    /// Whether what was read before is not to be used any more either: others may have the key.
    let isOfRights: Bool

    /// What is quoted may be a key that stands where its file's path belongs.
    init(description: String, isOfRights: Bool = false) {
        self.description = Printable.withoutKeys(description)
        self.isOfRights = isOfRights
    }
}
