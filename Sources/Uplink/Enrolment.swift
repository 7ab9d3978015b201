import Foundation
import PlainFiles
import SampleJournal
import SwiftASN1
import X509

/// How this unit comes by a certificate: a key of its own, a request, what an EST server gives for it, and both put in
/// place at once.
package struct Enrolment: Sendable {
    /// What was put in place.
    package struct Done: Sendable {
        /// From when on it is good. Unit: s since 1970.
        package let begin: Int
        /// Unit: s since 1970.
        package let end: Int
        /// SHA-256 of the certificate, in hexadecimal.
        package let digest: String
        /// What the server says of its authorities beside those that are trusted; `nil` where that is the same.
        package let difference: String?
    }

    let settings: EnrolmentSettings
    /// Where the pair is used.
    private let service: UplinkEndpoint
    private let meter: WireMeter

    /// The file of the pair.
    private var path: String { service.clientCertificate }

    package init(_ settings: EnrolmentSettings, for service: UplinkEndpoint) {
        self.init(settings, for: service, meter: WireMeter())
    }

    init(_ settings: EnrolmentSettings, for service: UplinkEndpoint, meter: WireMeter) {
        (self.settings, self.service, self.meter) = (settings, service, meter)
    }

    var file: IdentityFile { IdentityFile(path) }

    /// When the certificate in use began and ends; `nil` where there is none. Unit: s since 1970.
    package var span: (from: Int64, to: Int64)? {
        file.pair().map {
            (Int64($0.own.notValidBefore.timeIntervalSince1970), Int64($0.own.notValidAfter.timeIntervalSince1970))
        }
    }

    /// Why what is there cannot be renewed, where no certificate is found; `nil` where nothing is there.
    var obstacle: String? {
        guard FileFacts(path: path) != nil else { return nil }
        return "\(path) cannot be renewed: it has to be a file with the certificate and its key, and no link to one"
    }

    /// Whether a person asked for a certificate and has none yet.
    var isFirstUnderWay: Bool { file.isFirstUnderWay(at: Date()) }

    /// Whether what is in place, whoever asks for another, is one that the service may take.
    func isInForce(at now: Date) -> Bool { file.pair().map { $0.own.notValidAfter > now } ?? false }

    /// Ends what a kill left undone.
    func tidy() throws(EnrolmentFault) {
        let right = try file.takeRight()
        defer { withExtendedLifetime(right) {} }
        try file.tidy()
    }

    // MARK: Asking

    /// Gets the first certificate, or one in the place of one that is over or was given up.
    package func enrol(user: String, password: String) async throws(EnrolmentFault) -> Done {
        let right = try file.takeRight()
        defer { withExtendedLifetime(right) {} }
        let subject: DistinguishedName
        do { subject = try DistinguishedName { CommonName(settings.subject) } } catch {
            throw .files("“subject” can be no name of a certificate")
        }
        let client = try ESTClient(settings, identity: path, isFirst: true, meter: meter)
        return try await ended(client) { () async throws(EnrolmentFault) in
            try await ask(
                client, try request(.first, for: subject), ESTClient.Password(user: user, password: password),
                inUse: nil)
        }
    }

    /// Has the certificate in use renewed, with a new key.
    func renew() async throws(EnrolmentFault) -> Done {
        let right = try file.takeRight()
        defer { withExtendedLifetime(right) {} }
        guard let own = file.pair()?.own else { throw .files("\(path) has no certificate to renew") }
        let client = try ESTClient(settings, identity: path, isFirst: false, meter: meter)
        do throws(EnrolmentFault) {
            return try await ended(client) { () async throws(EnrolmentFault) in
                try await ask(client, try request(.renewal, for: own.subject, in: own), nil, inUse: own)
            }
        } catch {
            // Who is asked for patience is not told to do something.
            guard own.notValidAfter <= Date(), error.retryAfter == nil else { throw error }
            if case .files = error { throw error }
            throw .former(error.description)
        }
    }

    /// What the server says of its authorities, where it is not what this unit trusts.
    func difference() async throws(EnrolmentFault) -> String? {
        let client = try ESTClient(settings, identity: path, isFirst: false, meter: meter)
        return try await ended(client) { () async throws(EnrolmentFault) in
            difference(try await client.authorities(), try trusted())
        }
    }

    private func ended<Result: Sendable>(
        _ client: ESTClient, _ body: () async throws(EnrolmentFault) -> Result
    ) async throws(EnrolmentFault) -> Result {
        do throws(EnrolmentFault) {
            let result = try await body()
            await client.shutdown()
            return result
        } catch {
            await client.shutdown()
            throw error
        }
    }

    private func ask(
        _ client: ESTClient, _ request: EnrolmentRequest, _ password: ESTClient.Password?, inUse: Certificate?
    ) async throws(EnrolmentFault) -> Done {
        let trusted = try trusted()
        // Who answers there is looked at before a password is said.
        let told = try await client.authorities()
        let given = try await client.enrol(request.bytes, password)
        let now = Date()
        let terms = IssuedCertificate.Terms(
            key: request.publicKey, name: inUse?.subject.commonName ?? settings.subject, authorities: trusted,
            between: told.filter { $0.issuer != $0.subject },
            inUse: inUse.map(\.notValidAfter).flatMap { $0 > now ? $0 : nil }, now: now)
        let issued = try await IssuedCertificate(given, terms)
        let proof = ServiceProof(service, meter: meter)
        let kind: IdentityFile.Kind = password == nil ? .renewal : .first
        try await file.put(issued.chain, request.key, as: kind) { (fresh) async throws(EnrolmentFault) in
            // Of one that is over nothing can be compared.
            if isInForce(at: now) { try await proof.hold(fresh) }
        }
        return Done(
            begin: Int(issued.own.notValidBefore.timeIntervalSince1970),
            end: Int(issued.own.notValidAfter.timeIntervalSince1970), digest: IdentityFile.digest(issued.own),
            difference: difference(told, trusted))
    }

    /// The request that is under way, or a new one, which is kept before it is sent.
    ///
    /// - Parameter own: the certificate in use.
    private func request(_ kind: IdentityFile.Kind, for subject: DistinguishedName, in own: Certificate? = nil)
        throws(EnrolmentFault) -> EnrolmentRequest
    {
        if let kept = try file.request(kind), kept.request.subject == subject,
            kept.publicKey != file.pair()?.own.publicKey
        {
            return kept
        }
        let made: EnrolmentRequest
        do {
            made = try EnrolmentRequest(subject: subject, names: own?.extensions.subjectAlternativeNames)
        } catch { throw .files("the certificate in use has names that cannot be asked for again") }
        try file.keep(made, as: kind)
        return made
    }

    private func trusted() throws(EnrolmentFault) -> [Certificate] {
        guard let text = PlainFile.text(settings.authority),
            let documents = try? PEMDocument.parseMultiple(pemString: text)
        else { throw .files("\(settings.authority) is not a readable PEM certificate of an authority") }
        let found = documents.compactMap { try? Certificate(pemDocument: $0) }
        guard !found.isEmpty else {
            throw .files("\(settings.authority) is not a readable PEM certificate of an authority")
        }
        return found
    }

    private func difference(_ told: [Certificate], _ trusted: [Certificate]) -> String? {
        AuthorityDifference(told: told, trusted: trusted, digest: IdentityFile.digest)?.description
    }
}
