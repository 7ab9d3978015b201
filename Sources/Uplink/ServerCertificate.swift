import CryptoExtras
import Foundation
import NIOSSL
import SwiftASN1
import X509

/// The certificate that the records service shows: whether it is strong and exact enough, and why it is not taken.
struct ServerCertificate {
    /// Each in a sentence that says who must do what.
    enum Fault: Error, CustomStringConvertible, Equatable {
        /// The unit's clock is before the authority or the unit's own certificate was made.
        case clockBehind
        case expired(days: Int)
        case notYetValid
        case otherAuthority
        case otherHost(String)
        case wildcard
        case weakKey
        case weakSignature
        case unreadable

        var description: String {
            switch self {
            case .clockBehind:
                "TLS: this unit's clock is wrong: it is before the authority's or this unit's own certificate was made"
            case .expired(let days):
                "TLS: the server's certificate has expired (whole days since: \(days)): its "
                    + "operator must renew it, or this unit's clock is ahead"
            case .notYetValid:
                "TLS: the server's certificate is not valid yet: this unit's clock is behind, or that server's "
                    + "was ahead"
            case .otherAuthority:
                "TLS: the server's certificate is not signed by the authority that this unit trusts: it is another "
                    + "server, or “authority” names an old file"
            case .otherHost(let host):
                "TLS: the server's certificate is for another host than “\(host)”: it is another server, or “server” "
                    + "is not its name"
            case .wildcard:
                "TLS: the server's certificate is for any host of a domain (*.…): its operator must get one for "
                    + "its own name"
            case .weakKey:
                "TLS: the server's key is too weak: RSA of at least 2048 bits, a curve of at least 256, or Ed25519"
            case .weakSignature: "TLS: the server's certificate is signed by SHA-1 or something unknown"
            case .unreadable:
                "TLS: the server's certificate cannot be read, or is signed by SHA-1 or by an unknown kind of key"
            }
        }
    }

    private static let leastRSABits = 2048

    private let certificate: Certificate

    init(_ shown: NIOSSLCertificate) throws(Fault) {
        guard let bytes = try? shown.toDERBytes(), let certificate = try? Certificate(derEncoded: bytes) else {
            // The library reads no certificate with such a key.
            let key = (try? shown.extractPublicKey().toSPKIBytes()).flatMap {
                try? _RSA.Signing.PublicKey(unsafeDERRepresentation: $0)
            }
            throw (key?.keySizeInBits ?? Self.leastRSABits) < Self.leastRSABits ? .weakKey : .unreadable
        }
        self.certificate = certificate
    }

    /// What makes it unfit, though the library took it; `nil` when nothing does.
    var weakness: Fault? {
        if let weak = Self.weakness(of: certificate) { return weak }
        let names = (try? certificate.extensions.subjectAlternativeNames) ?? nil
        let isForAny = names?.contains { name in
            if case .dnsName(let name) = name { name.contains("*") } else { false }
        }
        return isForAny ?? false ? .wildcard : nil
    }

    /// An authority signs itself: only its key counts.
    static func isWeakKey(_ authority: NIOSSLCertificate) -> Bool {
        do throws(Fault) {
            return weakness(of: try ServerCertificate(authority).certificate) == .weakKey
        } catch { return error == .weakKey }
    }

    static func weakness(of certificate: Certificate) -> Fault? {
        let key = certificate.publicKey
        if let rsa = _RSA.Signing.PublicKey(key) {
            if rsa.keySizeInBits < leastRSABits { return .weakKey }
        } else if P256.Signing.PublicKey(key) == nil, P384.Signing.PublicKey(key) == nil,
            P521.Signing.PublicKey(key) == nil, Curve25519.Signing.PublicKey(key) == nil
        {
            return .weakKey
        }
        switch certificate.signatureAlgorithm {
        case .ecdsaWithSHA256, .ecdsaWithSHA384, .ecdsaWithSHA512, .sha256WithRSAEncryption, .sha384WithRSAEncryption,
            .sha512WithRSAEncryption, .ed25519:
            return nil
        default: return .weakSignature
        }
    }

    /// Why the library did not take it; `nil` when nothing tells.
    ///
    /// - Parameters:
    ///   - others: what the server showed beside it.
    ///   - own: the unit's own certificate, which tells the earliest time that it can be.
    func refusal(
        by authorities: [NIOSSLCertificate], others: [NIOSSLCertificate] = [], own: [NIOSSLCertificate] = [],
        host: String, now: Date
    ) async -> Fault? {
        func read(_ shown: [NIOSSLCertificate]) -> [Certificate] {
            shown.compactMap { (try? $0.toDERBytes()).flatMap { try? Certificate(derEncoded: $0) } }
        }
        let roots = read(authorities)
        let made = (roots + read(own)).map(\.notValidBefore).max()
        if let made, now < made { return .clockBehind }
        var verifier = Verifier(rootCertificates: CertificateStore(roots)) { AnyTime() }
        let result = await verifier.validate(
            leaf: certificate, intermediates: CertificateStore(read(others)))
        guard case .validCertificate(let chain) = result else { return .otherAuthority }
        if chain.contains(where: { now < $0.notValidBefore }) { return .notYetValid }
        if let end = chain.map(\.notValidAfter).min(), end < now {
            return .expired(days: Int(now.timeIntervalSince(end) / 86_400))
        }
        return names(host) ? weakness : .otherHost(host)
    }

    private func names(_ host: String) -> Bool {
        let names = (try? certificate.extensions.subjectAlternativeNames) ?? nil
        return names?.contains { name in
            switch name {
            case .dnsName(let name): name.lowercased() == host.lowercased()
            case .ipAddress(let address): Self.text(Array(address.bytes)) == host
            default: false
            }
        } ?? false
    }

    private static func text(_ address: [UInt8]) -> String? {
        guard address.count == 4 || address.count == 16 else { return nil }
        var text = [CChar](repeating: 0, count: Int(INET6_ADDRSTRLEN))
        let family = address.count == 4 ? AF_INET : AF_INET6
        guard inet_ntop(family, address, &text, socklen_t(text.count)) != nil else { return nil }
        return String(decoding: text.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }
}

/// Takes every time for the right one: whether a certificate is out of date is told apart from who signed it.
private struct AnyTime: VerifierPolicy {
    let verifyingCriticalExtensions: [ASN1ObjectIdentifier] = [
        .X509ExtensionID.basicConstraints, .X509ExtensionID.keyUsage, .X509ExtensionID.extendedKeyUsage,
        .X509ExtensionID.nameConstraints, .X509ExtensionID.subjectAlternativeName,
    ]

    func chainMeetsPolicyRequirements(chain: UnverifiedCertificateChain) async -> PolicyEvaluationResult {
        .meetsPolicy
    }
}
