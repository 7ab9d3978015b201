import Crypto
import Foundation

/// Keys and signatures in the form of OpenBSD's signify: a comment, and behind it a line of base64 of the algorithm
/// (`Ed`), the key's number and the key or the signature. A signature is over the whole file as it is.
package struct SignifyFile {
    /// Why a file is not taken; never its content.
    package struct Fault: Error, Sendable, Hashable, CustomStringConvertible {
        package let description: String
    }

    private static let algorithm = Array("Ed".utf8)
    private static let numberSize = 8
    private static let keySize = 32
    private static let signatureSize = 64

    private let number: [UInt8]
    private let content: [UInt8]

    /// - Parameter size: of the key or the signature. Unit: bytes.
    private init(_ text: String, size: Int, what: String) throws(Fault) {
        let lines = text.split(separator: "\n", omittingEmptySubsequences: false)
        guard lines.count >= 2, lines[0].hasPrefix("untrusted comment: "),
            lines.dropFirst(2).allSatisfy(\.isEmpty),
            let data = Data(base64Encoded: String(lines[1])),
            data.count == Self.algorithm.count + Self.numberSize + size, data.starts(with: Self.algorithm)
        else { throw Fault(description: "it is no \(what) as signify writes it") }
        number = Array(data.dropFirst(Self.algorithm.count).prefix(Self.numberSize))
        content = Array(data.suffix(size))
    }

    /// Whether a signature over some bytes is right. Throws ``Fault`` when it is not, or is another key's.
    package static func verify(_ bytes: [UInt8], signature: String, key: String) throws(Fault) {
        let key = try SignifyFile(key, size: keySize, what: "public key")
        let signature = try SignifyFile(signature, size: signatureSize, what: "signature")
        guard signature.number == key.number else { throw Fault(description: "another key signed it") }
        guard let known = try? Curve25519.Signing.PublicKey(rawRepresentation: key.content),
            known.isValidSignature(signature.content, for: bytes)
        else { throw Fault(description: "its signature is not right: it was changed after it was signed") }
    }
}
