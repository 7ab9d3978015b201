import Crypto
import CryptoExtras
package import DeviceModel
import FHIRMapping
import Foundation
import PlainFiles
package import SampleJournal
import SwiftASN1
import X509

/// The unit's word, by its own key, that its journal's chain of events had come to a hash: whoever has the unit's
/// certificate can hold a journal against it, whether or not anything was ever delivered.
package struct WitnessSignature {
    /// Why the newest event cannot be signed, or a signature is not right.
    package struct Fault: Error, CustomStringConvertible {
        package let description: String
    }

    /// What is signed: the words in one line, then what names the event.
    private static func text(_ witness: EventWitness) -> Data {
        Data("nabd witness 1\n\(witness.unit):\(witness.number):\(hex(witness.hash))\n".utf8)
    }

    private static func hex(_ bytes: some Sequence<UInt8>) -> String {
        bytes.map { String($0 >> 4, radix: 16) + String($0 & 15, radix: 16) }.joined()
    }

    // MARK: Signing

    /// Signs the newest event of a journal with the key in a PEM file, as an event for the same journal.
    ///
    /// - Returns: `nil` for a journal without events.
    /// - Parameter time: unit ns of the monotonic clock.
    package static func event(for reader: JournalReader, key path: String, certificate: String, at time: Int64)
        throws -> UnitEvent?
    {
        let newest = try reader.newestEvent()
        guard let event = try reader.events(after: newest - 1, limit: 1).first, let unit = try reader.unit() else {
            return nil
        }
        let witness = EventWitness(unit: unit, number: event.id, hash: event.hash)
        guard let pem = PlainFile.text(path) else {
            throw Fault(description: "the unit's key cannot be read")
        }
        let signature = try sign(text(witness), pem: pem)
        let leaf = try leaf(certificate)
        // They may be put in place anew between one reading and the other.
        guard isRight(Data(base64Encoded: signature) ?? Data(), over: text(witness), by: leaf.certificate.publicKey)
        else { throw Fault(description: "the unit's key and its certificate do not belong together") }
        return .journalWitnessed(
            number: witness.number, hash: hex(witness.hash), signature: signature,
            certificate: hex(SHA256.hash(data: leaf.bytes)), at: time)
    }

    /// - Parameter file: the content of one in which a certificate may stand beside the key.
    private static func sign(_ text: Data, pem file: String) throws -> String {
        let documents = (try? PEMDocument.parseMultiple(pemString: file)) ?? []
        let pem = documents.first { $0.discriminator.hasSuffix("PRIVATE KEY") }?.pemString ?? ""
        if let key = try? P256.Signing.PrivateKey(pemRepresentation: pem) {
            return try key.signature(for: text).derRepresentation.base64EncodedString()
        }
        if let key = try? P384.Signing.PrivateKey(pemRepresentation: pem) {
            return try key.signature(for: text).derRepresentation.base64EncodedString()
        }
        if let key = try? _RSA.Signing.PrivateKey(pemRepresentation: pem) {
            return try key.signature(for: text, padding: .insecurePKCS1v1_5).rawRepresentation.base64EncodedString()
        }
        throw Fault(description: "the unit's key signs no witness: it is neither P-256, P-384 nor RSA")
    }

    private static func leaf(_ path: String) throws -> (certificate: Certificate, bytes: [UInt8]) {
        guard let text = PlainFile.text(path),
            let document = try? PEMDocument.parseMultiple(pemString: text).first(where: {
                $0.discriminator == "CERTIFICATE"
            }),
            let certificate = try? Certificate(pemDocument: document)
        else { throw Fault(description: "\(path) is not a readable PEM certificate") }
        return (certificate, document.derBytes)
    }

    // MARK: Checking

    /// What was found of the signed witnesses of a journal.
    package struct Report: Sendable, Equatable {
        /// Signatures of this certificate that are right, each over the chain as it is.
        package var agreeing = 0
        /// Signatures of other certificates: the unit's earlier ones, or somebody else's.
        package var others = 0
        package var faults: [String] = []
    }

    /// Holds the witnesses in a journal against a certificate and against the chain as it is.
    package static func check(_ reader: JournalReader, certificate path: String) throws -> Report {
        let (certificate, bytes) = try leaf(path)
        let fingerprint = hex(SHA256.hash(data: bytes))
        let unit = try reader.unit() ?? ""
        var report = Report()
        var last: Int64 = 0
        while case let events = try reader.events(after: last, limit: 500), let newest = events.last {
            last = newest.id
            for event in events where event.kind == EventKind.journalWitnessed.name {
                let body = event.members
                guard body["certificate"] == fingerprint else {
                    report.others += 1
                    continue
                }
                let number = body["number"].flatMap { Int64($0) } ?? 0
                let chain = try reader.events(after: number - 1, limit: 1).first
                guard let chain, chain.id == number else {
                    report.faults.append("event \(event.id) witnesses event \(number), which is not there")
                    continue
                }
                let witness = EventWitness(unit: unit, number: number, hash: chain.hash)
                let signature = body["signature"].flatMap { Data(base64Encoded: $0) } ?? Data()
                if isRight(signature, over: text(witness), by: certificate.publicKey) {
                    report.agreeing += 1
                } else {
                    report.faults.append(
                        "event \(event.id) does not witness the chain up to event \(number) as it is: it, or one "
                            + "before it, was changed")
                }
            }
        }
        return report
    }

    private static func isRight(_ signature: Data, over text: Data, by key: Certificate.PublicKey) -> Bool {
        let algorithms: [Certificate.SignatureAlgorithm] = [
            .ecdsaWithSHA256, .ecdsaWithSHA384, .sha256WithRSAEncryption,
        ]
        return algorithms.contains { key.isValidSignature(signature, for: text, signatureAlgorithm: $0) }
    }
}
