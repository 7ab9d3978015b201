import Crypto
import CryptoExtras
import Foundation
import NIOSSL
import SwiftASN1
import Testing
import X509

@testable import Uplink

/// Why a server's certificate is not taken, each in its own sentence.
@Suite struct ServerCertificateTests {
    private static let now = Date(timeIntervalSince1970: 1_795_000_000)
    private static let day: TimeInterval = 86_400

    private struct Made {
        let certificate: Certificate
        let key: Certificate.PrivateKey

        var shown: NIOSSLCertificate {
            get throws {
                var serializer = DER.Serializer()
                try serializer.serialize(certificate)
                return try NIOSSLCertificate(bytes: serializer.serializedBytes, format: .der)
            }
        }
    }

    /// - Parameter days: from when and until when it is valid, from now.
    private func make(
        _ name: String, names: [GeneralName] = [], by issuer: Made? = nil, days: ClosedRange<Double> = -10...10,
        key: Certificate.PrivateKey = Certificate.PrivateKey(P256.Signing.PrivateKey())
    ) throws -> Made {
        let subject = try DistinguishedName { CommonName(name) }
        let certificate = try Certificate(
            version: .v3, serialNumber: Certificate.SerialNumber(), publicKey: key.publicKey,
            notValidBefore: Self.now + days.lowerBound * Self.day,
            notValidAfter: Self.now + days.upperBound * Self.day,
            issuer: issuer?.certificate.subject ?? subject, subject: subject,
            extensions: try Certificate.Extensions {
                if issuer == nil {
                    Critical(BasicConstraints.isCertificateAuthority(maxPathLength: nil))
                } else {
                    Critical(BasicConstraints.notCertificateAuthority)
                }
                if !names.isEmpty { SubjectAlternativeNames(names) }
            }, issuerPrivateKey: issuer?.key ?? key)
        return Made(certificate: certificate, key: key)
    }

    private func refusal(
        _ leaf: Made, by authority: Made, own: Made? = nil, others: [Made] = [], host: String = "records.example.sa",
        now: Date = now
    ) async throws -> ServerCertificate.Fault? {
        try await ServerCertificate(try leaf.shown).refusal(
            by: [try authority.shown], others: try others.map { try $0.shown },
            own: try own.map { [try $0.shown] } ?? [], host: host, now: now)
    }

    private static let name = [GeneralName.dnsName("records.example.sa")]

    @Test func eachReasonIsToldApart() async throws {
        let authority = try make("authority")
        let good = try make("server", names: Self.name, by: authority)
        #expect(try await refusal(good, by: authority) == nil)
        #expect(try await refusal(good, by: authority, host: "RECORDS.example.sa") == nil)
        #expect(try await refusal(good, by: make("authority")) == .otherAuthority)
        #expect(try await refusal(good, by: authority, host: "example.sa") == .otherHost("example.sa"))
        let old = try make("server", names: Self.name, by: authority, days: -9 ... -3)
        #expect(try await refusal(old, by: authority) == .expired(days: 3))
        let early = try make("server", names: Self.name, by: authority, days: 2...9)
        #expect(try await refusal(early, by: authority) == .notYetValid)
        // A clock that never was set is before everything that the unit has in hand.
        #expect(
            try await refusal(good, by: authority, now: Date(timeIntervalSince1970: 100)) == .clockBehind)
        let own = try make("unit", by: authority, days: -1...9)
        #expect(
            try await refusal(good, by: authority, own: own, now: Self.now - 2 * Self.day) == .clockBehind)
        // An expired one of somebody else is somebody else's.
        let foreign = try make("server", names: Self.name, by: make("authority"), days: -9 ... -3)
        #expect(try await refusal(foreign, by: authority) == .otherAuthority)
    }

    @Test func anAddressIsAName() async throws {
        let authority = try make("authority")
        let four = ASN1OctetString(contentBytes: [192, 0, 2, 7])
        let leaf = try make("server", names: [.ipAddress(four)], by: authority)
        #expect(try await refusal(leaf, by: authority, host: "192.0.2.7") == nil)
        #expect(try await refusal(leaf, by: authority, host: "192.0.2.8") == .otherHost("192.0.2.8"))
    }

    @Test func weakOnesAreRefused() async throws {
        let authority = try make("authority")
        let rsa = Certificate.PrivateKey(try _RSA.Signing.PrivateKey(unsafeKeySize: .init(bitCount: 1024)))
        let weak = try make("server", names: Self.name, by: authority, key: rsa)
        #expect(throws: ServerCertificate.Fault.weakKey) { try ServerCertificate(weak.shown) }
        #expect(try ServerCertificate.isWeakKey(make("authority", key: rsa).shown))
        #expect(try !ServerCertificate.isWeakKey(authority.shown))
        let strong = Certificate.PrivateKey(try _RSA.Signing.PrivateKey(keySize: .bits2048))
        #expect(try await refusal(make("s", names: Self.name, by: authority, key: strong), by: authority) == nil)
        let any = try make("server", names: Self.name + [.dnsName("*.example.sa")], by: authority)
        #expect(try await refusal(any, by: authority) == .wildcard)
    }
}
