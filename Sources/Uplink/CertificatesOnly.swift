import Foundation
import SwiftASN1
import X509

/// Reads what an EST server answers: certificates and nothing else, as a CMS SignedData that nobody has signed, in
/// base64. Sources: RFC 7030, sections 4.1.3 and 4.2.3; RFC 5652, section 5.1; RFC 8951 (base64 with or without lines).
///
/// The wrapping may be BER, since Java's common library writes indefinite lengths; each certificate must be DER.
enum CertificatesOnly {
    typealias Fault = EnrolmentFault.CertificateText

    /// The longest answer that is read, in base64. Unit: bytes.
    static let limit = 64 << 10
    /// A unit's certificate, those above it, and those of an authority that is being changed.
    private static let mostCertificates = 16
    private static let signedData: ASN1ObjectIdentifier = [1, 2, 840, 113549, 1, 7, 2]
    private static let data: ASN1ObjectIdentifier = [1, 2, 840, 113549, 1, 7, 1]
    /// Certificates only: 1. With certificates of other kinds, which are not read: 3.
    private static let versions: ClosedRange<Int> = 1...3

    static func certificates(in text: some Collection<UInt8>) throws(Fault) -> [Certificate] {
        guard text.count <= limit else { throw .tooLong }
        let spaces: Set<UInt8> = [0x09, 0x0A, 0x0D, 0x20]
        let plain = Data(text.filter { !spaces.contains($0) })
        // The library reads more than what is base64.
        guard let bytes = Data(base64Encoded: plain), !bytes.isEmpty, bytes.base64EncodedData() == plain else {
            throw .noBase64
        }
        return try certificates(inSigned: [UInt8](bytes))
    }

    static func certificates(inSigned bytes: [UInt8]) throws(Fault) -> [Certificate] {
        let shown: [[UInt8]]
        do { shown = try wrapped(in: bytes) } catch { throw .noCertificatesOnly }
        guard !shown.isEmpty else { throw .none }
        guard shown.count <= mostCertificates else { throw .tooMany }
        var found: [Certificate] = []
        for bytes in shown {
            guard let certificate = try? Certificate(derEncoded: bytes) else { throw .unreadableCertificate }
            // Some servers put one there twice.
            if !found.contains(certificate) { found.append(certificate) }
        }
        return found
    }

    private static func wrapped(in bytes: [UInt8]) throws -> [[UInt8]] {
        try BER.sequence(try BER.parse(bytes), identifier: .sequence) { nodes in
            guard try ASN1ObjectIdentifier(berEncoded: &nodes) == signedData, let content = nodes.next() else {
                throw Fault.noCertificatesOnly
            }
            return try members(of: content, tag: 0) { inner in
                guard let body = inner.next() else { throw Fault.noCertificatesOnly }
                return try BER.sequence(body, identifier: .sequence, signed)
            }
        }
    }

    /// The members of a SignedData that has no signer.
    private static func signed(_ nodes: inout ASN1NodeCollection.Iterator) throws -> [[UInt8]] {
        guard versions.contains(try Int(berEncoded: &nodes)), let digests = nodes.next() else {
            throw Fault.noCertificatesOnly
        }
        try requireSet(digests, isEmpty: false)
        guard let content = nodes.next() else { throw Fault.noCertificatesOnly }
        try BER.sequence(content, identifier: .sequence) { inner in
            guard try ASN1ObjectIdentifier(berEncoded: &inner) == data, inner.next() == nil else {
                throw Fault.noCertificatesOnly
            }
        }
        var found: [[UInt8]] = []
        var next = nodes.next()
        if let shown = next, shown.identifier == tag(0) {
            guard case .constructed(let certificates) = shown.content else { throw Fault.noCertificatesOnly }
            found = certificates.map { Array($0.encodedBytes) }
            next = nodes.next()
        }
        // Lists of what was revoked may be there; nobody here asks for them.
        if let lists = next, lists.identifier == tag(1) { next = nodes.next() }
        guard let signers = next else { throw Fault.noCertificatesOnly }
        try requireSet(signers, isEmpty: true)
        return found
    }

    private static func tag(_ number: UInt) -> ASN1Identifier {
        ASN1Identifier(tagWithNumber: number, tagClass: .contextSpecific)
    }

    private static func members<Result>(
        of node: ASN1Node, tag number: UInt, _ body: (inout ASN1NodeCollection.Iterator) throws -> Result
    ) throws -> Result {
        guard node.identifier == tag(number), case .constructed(let nodes) = node.content else {
            throw Fault.noCertificatesOnly
        }
        var members = nodes.makeIterator()
        let result = try body(&members)
        guard members.next() == nil else { throw Fault.noCertificatesOnly }
        return result
    }

    private static func requireSet(_ node: ASN1Node, isEmpty: Bool) throws {
        guard node.identifier == .set, case .constructed(let members) = node.content else {
            throw Fault.noCertificatesOnly
        }
        if isEmpty, members.contains(where: { _ in true }) { throw Fault.noCertificatesOnly }
    }
}
