import Crypto
import Foundation
import SwiftASN1
import X509

/// A certificate authority of the moment with a server's and a unit's certificate, for demonstrations: made on the
/// spot, valid for a day.
package struct SandboxCertificates: Sendable {
    /// PEM texts.
    package let authority: String
    package let server: String
    package let serverKey: String
    package let client: String
    package let clientKey: String

    /// - Parameter unit: the name in the unit's certificate.
    package init(unit: String) throws {
        let root = P256.Signing.PrivateKey()
        let rootName = try DistinguishedName { CommonName("Nabd sandbox authority") }
        let authority = try Self.issue(
            rootName, key: root, by: rootName, issuerKey: root,
            extensions: Certificate.Extensions {
                Critical(BasicConstraints.isCertificateAuthority(maxPathLength: 0))
                Critical(KeyUsage(keyCertSign: true, cRLSign: true))
            })
        let serverKey = P256.Signing.PrivateKey()
        let server = try Self.issue(
            try DistinguishedName { CommonName("localhost") }, key: serverKey, by: rootName, issuerKey: root,
            extensions: Certificate.Extensions {
                Critical(BasicConstraints.notCertificateAuthority)
                SubjectAlternativeNames([.dnsName("localhost")])
                try ExtendedKeyUsage([.serverAuth])
            })
        let clientKey = P256.Signing.PrivateKey()
        let client = try Self.issue(
            try DistinguishedName { CommonName(unit) }, key: clientKey, by: rootName, issuerKey: root,
            extensions: Certificate.Extensions {
                Critical(BasicConstraints.notCertificateAuthority)
                try ExtendedKeyUsage([.clientAuth])
            })
        self.authority = try authority.serializeAsPEM().pemString
        self.server = try server.serializeAsPEM().pemString
        self.serverKey = serverKey.pemRepresentation
        self.client = try client.serializeAsPEM().pemString
        self.clientKey = clientKey.pemRepresentation
    }

    private static func issue(
        _ subject: DistinguishedName, key: P256.Signing.PrivateKey, by issuer: DistinguishedName,
        issuerKey: P256.Signing.PrivateKey,
        extensions: Certificate.Extensions
    ) throws -> Certificate {
        let now = Date()
        return try Certificate(
            version: .v3, serialNumber: Certificate.SerialNumber(), publicKey: Certificate.PublicKey(key.publicKey),
            notValidBefore: now.addingTimeInterval(-3600), notValidAfter: now.addingTimeInterval(60 * 86_400),
            issuer: issuer, subject: subject,
            signatureAlgorithm: .ecdsaWithSHA256, extensions: extensions,
            issuerPrivateKey: Certificate.PrivateKey(issuerKey))
    }

    /// Writes the files a unit needs into a folder that only its owner may read.
    package func write(to folder: String) throws {
        try FileManager.default.createDirectory(
            atPath: folder, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
        for (name, text) in [("authority.pem", authority), ("client.pem", client), ("client.key", clientKey)] {
            try Data(text.utf8).write(to: URL(fileURLWithPath: "\(folder)/\(name)"))
            try FileManager.default.setAttributes([.posixPermissions: 0o600], ofItemAtPath: "\(folder)/\(name)")
        }
    }
}
