import NIOCore
import NIOSSL
import PlainFiles

/// Where far clinicians come in.
package struct FarPlace: Sendable, Hashable {
    package let address: String
    package let port: Int
    /// The certificates of the authority that vouches for clinicians, PEM.
    package let authority: String
    /// The unit's certificate for this port, and its key, PEM.
    package let certificate: String
    package let key: String

    package init(address: String, port: Int, authority: String, certificate: String, key: String) {
        (self.address, self.port) = (address, port)
        (self.authority, self.certificate, self.key) = (authority, certificate, key)
    }

    /// When the unit's certificate for this port and the first of the authority's expire; `nil` of what cannot be read
    /// now. Unit: s since 1970.
    package var expiries: (own: Int?, authority: Int?) {
        (
            (try? Self.certificates(certificate))?.first.map { Int($0.notValidAfter) },
            (try? Self.certificates(authority))?.map { Int($0.notValidAfter) }.min()
        )
    }

    private static func certificates(_ path: String) throws -> [NIOSSLCertificate] {
        try NIOSSLCertificate.fromPEMBytes(PlainFile.bytes(path) ?? [])
    }

    /// TLS 1.3 only, and nobody without a certificate of the authority.
    func tls() throws -> TLSConfiguration {
        var tls = TLSConfiguration.makeServerConfiguration(
            certificateChain: try Self.certificates(certificate).map { .certificate($0) },
            privateKey: .privateKey(try NIOSSLPrivateKey(bytes: PlainFile.bytes(key) ?? [], format: .pem)))
        tls.minimumTLSVersion = .tlsv13
        // A clinician's certificate names a person: there is no host's name to compare.
        tls.certificateVerification = .noHostnameVerification
        tls.trustRoots = .certificates(try Self.certificates(authority))
        tls.applicationProtocols = ["http/1.1"]
        return tls
    }
}

extension Channel {
    /// SHA-256 of the certificate that came with this connection, in hexadecimal digits; `nil` where there is none.
    func peerDigest() async -> String? {
        guard let certificate = try? await nioSSL_peerCertificate().get(), let bytes = try? certificate.toDERBytes()
        else { return nil }
        return FarDigest.text(bytes)
    }
}
