import Crypto
package import DeviceModel
import Foundation
import PlainFiles
import SampleJournal

/// The key by which this unit signs what it says to a token service: EC P-384, for ES384.
package struct SigningKey: Sendable {
    private let key: P384.Signing.PrivateKey

    /// Reads a PEM file that nobody but its owner has a right to.
    package init(file path: String) throws(EndpointError) {
        guard let facts = FileFacts(path: path), facts.isRegular else {
            throw EndpointError(description: "\(path) is not a readable PEM key")
        }
        // Who reads it gets tokens in this unit's name.
        guard facts.rightsOfOthers == 0, facts.rightsOfGroup == 0 else {
            throw EndpointError(
                description: "others than its owner may read or write \(path): take that right away with “chmod 600 "
                    + "\(path)”, and have a new key made if others were here", isOfRights: true)
        }
        guard let text = PlainFile.text(path),
            let key = try? P384.Signing.PrivateKey(pemRepresentation: text)
        else {
            throw EndpointError(
                description: "\(path) is not a readable PEM key on P-384: make one with “openssl ecparam -name "
                    + "secp384r1 -genkey -noout -out \(path)”")
        }
        self.key = key
    }

    /// The members of the public key by which its name is reckoned, in the order of RFC 7638.
    private var members: JSON {
        let point = key.publicKey.rawRepresentation
        let (x, y) = (point.prefix(point.count / 2), point.suffix(point.count / 2))
        return .members([
            "crv": .string("P-384"), "kty": .string("EC"), "x": .string(Base64URL.text(x)),
            "y": .string(Base64URL.text(y)),
        ])
    }

    /// Names the key to whoever has its public half. Source: RFC 7638, with SHA-256.
    package var name: String {
        Base64URL.text(SHA256.hash(data: Data(members.text.utf8)))
    }

    /// The public key as a set of one, for the service's people to register.
    package var publicSet: JSON {
        let key = members.adding([
            "kid": .string(name), "alg": .string("ES384"), "use": .string("sig"),
            "key_ops": .array([.string("verify")]),
        ])
        return .members(["keys": .array([key])])
    }

    /// A signature as JWS has it: R and S, 48 bytes each.
    func signature(of text: String) throws -> String {
        Base64URL.text(try key.signature(for: Data(text.utf8)).rawRepresentation)
    }
}

/// Base64 with the alphabet of addresses and without padding. Source: RFC 7515, section 2.
enum Base64URL {
    static func text(_ bytes: some Sequence<UInt8>) -> String {
        Data(bytes).base64EncodedString().replacing("+", with: "-").replacing("/", with: "_").replacing("=", with: "")
    }
}

/// What the unit says of itself to a token service, signed. Sources: SMART App Launch 2.2, Backend Services and
/// asymmetric client authentication; RFC 7523.
struct ClientAssertion {
    /// How long it is good; SMART allows five minutes. A clock that is ahead by less than the rest does no harm.
    /// Unit: s.
    static let lifetime: Int64 = 240

    let client: String
    /// The token service's address.
    let audience: String

    /// - Parameters:
    ///   - now: unit: s since 1970.
    ///   - number: never said before.
    func signed(by key: SigningKey, now: Int64, number: String) throws -> String {
        let head = JSON.members(["alg": .string("ES384"), "kid": .string(key.name), "typ": .string("JWT")])
        // Without the time at which it was made: a clock that is ahead by a second would be refused for it.
        let body = JSON.members([
            "iss": .string(client), "sub": .string(client), "aud": .string(audience),
            "exp": .integer(now + Self.lifetime), "jti": .string(number),
        ])
        let text = "\(Base64URL.text(head.text.utf8)).\(Base64URL.text(body.text.utf8))"
        return "\(text).\(try key.signature(of: text))"
    }

    /// A number that nobody guesses and nobody meets twice.
    static func number() -> String {
        var source = SystemRandomNumberGenerator()
        return Base64URL.text((0..<24).map { _ in UInt8.random(in: .min ... .max, using: &source) })
    }
}
