import Crypto
import Foundation
import SwiftASN1
import X509

/// A key that was made on this unit, and the request by which a certificate for it is asked for. Both are kept until
/// there is one: a server that takes its time wants the same request again.
struct EnrolmentRequest {
    static let keyLabel = "PRIVATE KEY"
    private static let requestLabel = "CERTIFICATE REQUEST"

    let key: P384.Signing.PrivateKey
    let request: CertificateSigningRequest
    /// The request in DER, the same bytes each time.
    let bytes: [UInt8]

    /// Makes a key.
    ///
    /// - Parameters:
    ///   - subject: whose it is to be.
    ///   - names: the other names that a renewed certificate has to have again.
    init(subject: DistinguishedName, names: SubjectAlternativeNames? = nil) throws {
        key = P384.Signing.PrivateKey()
        var attributes: [CertificateSigningRequest.Attribute] = []
        if let names {
            attributes.append(
                try CertificateSigningRequest.Attribute(
                    ExtensionRequest(extensions: try Certificate.Extensions { names })))
        }
        request = try CertificateSigningRequest(
            version: .v1, subject: subject, privateKey: Certificate.PrivateKey(key),
            attributes: CertificateSigningRequest.Attributes(attributes), signatureAlgorithm: .ecdsaWithSHA384)
        var serializer = DER.Serializer()
        try serializer.serialize(request)
        bytes = serializer.serializedBytes
    }

    /// Reads one that was kept; `nil` where it is not whole, or not in itself right.
    init?(text: String) {
        guard let documents = try? PEMDocument.parseMultiple(pemString: text), documents.count == 2,
            documents[0].discriminator == Self.keyLabel, documents[1].discriminator == Self.requestLabel,
            let key = try? P384.Signing.PrivateKey(derRepresentation: documents[0].derBytes),
            let request = try? CertificateSigningRequest(derEncoded: documents[1].derBytes),
            request.publicKey == Certificate.PublicKey(key.publicKey)
        else { return nil }
        (self.key, self.request, bytes) = (key, request, documents[1].derBytes)
    }

    var publicKey: Certificate.PublicKey { Certificate.PublicKey(key.publicKey) }

    /// As it is kept.
    var text: String {
        key.pemRepresentation + "\n" + PEMDocument(type: Self.requestLabel, derBytes: bytes).pemString + "\n"
    }
}

extension DistinguishedName {
    /// The common name, where there is exactly one.
    var commonName: String? {
        let names = flatMap { Array($0) }.filter { $0.type == .RDNAttributeType.commonName }
        guard names.count == 1, let name = names.first else { return nil }
        return String(name.value)
    }
}
