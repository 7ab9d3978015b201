import Crypto
import Foundation
import SwiftASN1
import X509

/// Certificates as tests want them, and the wrapping in which an EST server gives them.
struct MadeCertificate {
    static let now = Date(timeIntervalSince1970: 1_795_000_000)
    static let day: TimeInterval = 86_400

    let certificate: Certificate
    let key: Certificate.PrivateKey

    /// - Parameters:
    ///   - issuer: who signs it; `nil`: it signs itself.
    ///   - publicKey: whose key it is for, where it is not its own.
    ///   - days: from when and until when it is good, from `now`.
    ///   - isAuthority: whether it may sign others.
    ///   - certifies: whether its key may, where that is not the same.
    init(
        _ name: String, by issuer: MadeCertificate? = nil, for publicKey: Certificate.PublicKey? = nil,
        days: ClosedRange<Double> = -10...90, isAuthority: Bool = false,
        usage: ExtendedKeyUsage.Usage? = .clientAuth, signs: Bool = true, certifies: Bool? = nil,
        key: Certificate.PrivateKey = Certificate.PrivateKey(P384.Signing.PrivateKey())
    ) throws {
        let subject = try DistinguishedName { CommonName(name) }
        certificate = try Certificate(
            version: .v3, serialNumber: Certificate.SerialNumber(), publicKey: publicKey ?? key.publicKey,
            notValidBefore: Self.now + days.lowerBound * Self.day, notValidAfter: Self.now + days.upperBound * Self.day,
            issuer: issuer?.certificate.subject ?? subject, subject: subject,
            extensions: try Certificate.Extensions {
                if isAuthority {
                    Critical(BasicConstraints.isCertificateAuthority(maxPathLength: nil))
                } else {
                    Critical(BasicConstraints.notCertificateAuthority)
                }
                Critical(KeyUsage(digitalSignature: signs, keyCertSign: certifies ?? isAuthority))
                if let usage, !isAuthority { try ExtendedKeyUsage([usage]) }
            }, issuerPrivateKey: issuer?.key ?? key)
        self.key = key
    }

    var bytes: [UInt8] {
        get throws {
            var serializer = DER.Serializer()
            try serializer.serialize(certificate)
            return serializer.serializedBytes
        }
    }
}

/// Values of ASN.1, put together by hand.
enum Made {
    static func value(_ tag: UInt8, _ content: [UInt8]) -> [UInt8] {
        let length = content.count
        if length < 0x80 { return [tag, UInt8(length)] + content }
        if length < 0x100 { return [tag, 0x81, UInt8(length)] + content }
        if length < 0x10000 { return [tag, 0x82, UInt8(length >> 8), UInt8(length & 0xFF)] + content }
        return [tag, 0x83, UInt8(length >> 16), UInt8(length >> 8 & 0xFF), UInt8(length & 0xFF)] + content
    }

    private static let pkcs7: [UInt8] = [0x2A, 0x86, 0x48, 0x86, 0xF7, 0x0D, 0x01, 0x07]

    /// Certificates only, with what may be wrong in it.
    static func answer(
        _ certificates: [[UInt8]], type: UInt8 = 2, version: UInt8 = 1, digests: [UInt8] = [], content: [UInt8] = [],
        lists: [UInt8]? = nil, signers: [UInt8] = [], beside: [UInt8] = [], behind: [UInt8] = []
    ) -> [UInt8] {
        let data = value(0x30, value(0x06, pkcs7 + [1]) + content)
        let shown = certificates.isEmpty ? [] : value(0xA0, certificates.flatMap { $0 })
        let signed =
            value(0x02, [version]) + value(0x31, digests) + data + shown + (lists.map { value(0xA1, $0) } ?? [])
            + value(0x31, signers)
        return value(0x30, value(0x06, pkcs7 + [type]) + value(0xA0, value(0x30, signed) + beside)) + behind
    }
}
