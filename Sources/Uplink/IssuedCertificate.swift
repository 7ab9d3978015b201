import Foundation
import SwiftASN1
@_spi(DisableValidityCheck) import X509

/// Judges what an EST server gave: whether it is this unit's new certificate, and one that will be of use.
struct IssuedCertificate {
    /// A certificate that begins so little later than now is taken: whoever signed it has the better clock. Unit: s.
    private static let play: TimeInterval = 300

    /// The unit's own first, then those between it and the authority: what a server wants to see.
    let chain: [Certificate]

    var own: Certificate { chain[0] }

    /// What it is held against.
    struct Terms {
        let key: Certificate.PublicKey
        /// Whose it is to be: the common name.
        let name: String
        let authorities: [Certificate]
        /// Certificates that the server tells of its authority: they may lead to it.
        let between: [Certificate]
        /// When the certificate in use ends; `nil` where there is none, or it is over.
        let inUse: Date?
        let now: Date
    }

    init(_ given: [Certificate], _ terms: Terms) async throws(EnrolmentFault) {
        let ours = given.filter { $0.publicKey == terms.key }
        guard let own = ours.first else { throw .wrongKey }
        guard ours.count == 1 else { throw .severalForTheKey }
        let others = given.filter { $0 != own } + terms.between
        let chain = try await Self.chain(own, others, terms.authorities)
        let shown = chain.count > 1 ? Array(chain.dropLast()) : chain
        if shown.contains(where: { ServerCertificate.weakness(of: $0) != nil }) { throw .weak }
        if chain.contains(where: { $0.notValidBefore > terms.now + Self.play }) { throw .notYetValid }
        if chain.contains(where: { $0.notValidAfter <= terms.now }) { throw .expired }
        guard own.subject.commonName == terms.name else { throw .otherName(terms.name) }
        if try Self.isOfAuthority(own) { throw .ofAuthority }
        guard Self.isForClients(own) else { throw .notForClients }
        if let inUse = terms.inUse, own.notValidAfter <= inUse { throw .noLonger }
        self.chain = shown
    }

    /// From the unit's certificate to an authority that it trusts, whatever the time is.
    private static func chain(_ own: Certificate, _ others: [Certificate], _ authorities: [Certificate])
        async throws(EnrolmentFault) -> [Certificate]
    {
        var verifier = Verifier(rootCertificates: CertificateStore(authorities)) {
            RFC5280Policy.withValidityCheckDisabled()
            Usages()
        }
        let result = await verifier.validate(leaf: own, intermediates: CertificateStore(others))
        guard case .validCertificate(let chain) = result else { throw .otherAuthority }
        return Array(chain)
    }

    private static func isOfAuthority(_ own: Certificate) throws(EnrolmentFault) -> Bool {
        do {
            if case .isCertificateAuthority? = try own.extensions.basicConstraints { return true }
            return false
        } catch { throw .unreadable(.unreadableCertificate) }
    }

    /// What is not said is allowed.
    private static func isForClients(_ own: Certificate) -> Bool {
        guard let usage = try? own.extensions.keyUsage ?? KeyUsage(digitalSignature: true), usage.digitalSignature
        else { return false }
        guard let purposes = try? own.extensions.extendedKeyUsage else {
            return !own.extensions.contains { $0.oid == .X509ExtensionID.extendedKeyUsage }
        }
        return purposes.contains(.clientAuth) || purposes.contains(.any)
    }
}

/// Whoever signs must be allowed to, where it is said what their key is for. The uses of the unit's own key are looked
/// at elsewhere: they are no reason not to know its certificate's authority.
private struct Usages: VerifierPolicy {
    let verifyingCriticalExtensions: [ASN1ObjectIdentifier] = [
        .X509ExtensionID.keyUsage, .X509ExtensionID.extendedKeyUsage, .X509ExtensionID.subjectAlternativeName,
    ]

    func chainMeetsPolicyRequirements(chain: UnverifiedCertificateChain) async -> PolicyEvaluationResult {
        for issuer in chain.dropFirst() {
            do {
                guard try issuer.extensions.keyUsage?.keyCertSign ?? true else {
                    return .failsToMeetPolicy(reason: "an issuer may not sign certificates")
                }
            } catch { return .failsToMeetPolicy(reason: "the uses of an issuer's key cannot be read") }
        }
        return .meetsPolicy
    }
}

/// What an EST server says of its authorities, beside those that this unit trusts.
struct AuthorityDifference: Equatable {
    /// Certificates that sign themselves and are not trusted, by their SHA-256.
    let strangers: [String]
    /// Whether it names none of those that are trusted.
    let isForeign: Bool

    /// - Returns: `nil` where there is none.
    init?(told: [Certificate], trusted: [Certificate], digest: (Certificate) -> String) {
        strangers = told.filter { $0.issuer == $0.subject && !trusted.contains($0) }.map(digest)
        isForeign = !told.contains { shown in
            trusted.contains { $0 == shown || $0.publicKey == shown.publicKey || $0.subject == shown.issuer }
        }
        if strangers.isEmpty, !isForeign { return nil }
    }

    var description: String {
        if isForeign, strangers.isEmpty {
            return "the EST server names no authority that this unit trusts: ask its operator whether it is the right "
                + "server, and which authority is to stand in “authority”"
        }
        let names = strangers.prefix(3).map { "SHA-256 \($0)" }.joined(separator: ", ")
        let beside = isForeign ? "and none that it does" : "beside those that it does"
        return "the EST server names an authority that this unit does not trust (\(names)), \(beside): ask its "
            + "operator, and compare these figures with what he tells by another way, before “authority” gets it"
    }
}
