import Foundation
import TestSupport
import Testing

@testable import SignedFiles

/// Signatures in signify's form.
@Suite struct SignifyTests {
    /// Made by signify-openbsd 31 of Debian 12 on 2026-11-29: `-G -n`, then `-S -m` of the text; the
    /// secret key is gone.
    private static let key = """
        untrusted comment: signify public key
        RWSW8u0zW5qz+kwbFTLYY/kUzwiUOjuwXqZ2kg5VxdPaEIVSlogWwNek

        """
    private static let signature = """
        untrusted comment: verify with t.pub
        RWSW8u0zW5qz+t71Xx3epqpl6koppvD8gRvgsOQezy15//SSUOtPRS2ZRbBsuqkcNdJheQAw\
        as1RBSbzfbesmRI8LQ23JUPvQwk=

        """
    private static let text = Array("nabd: test/1\nversion: 1\n".utf8)

    private func fault(_ text: [UInt8] = text, _ signature: String = signature, _ key: String = key) -> String? {
        do throws(SignifyFile.Fault) {
            try SignifyFile.verify(text, signature: signature, key: key)
            return nil
        } catch { return error.description }
    }

    @Test func whatSignifySignedIsAccepted() { #expect(fault() == nil) }

    @Test func oneFlippedBitOfTheFileIsSeen() {
        for place in Self.text.indices {
            for bit in 0..<8 {
                var text = Self.text
                text[place] ^= 1 << bit
                #expect(fault(text)?.hasPrefix("its signature is not right") == true)
            }
        }
        #expect(fault(Self.text + [0x0A]) != nil && fault(Array(Self.text.dropLast())) != nil && fault([]) != nil)
    }

    /// A file in signify's form with one bit of its content flipped.
    private func flipped(_ file: String, _ bit: Int) throws -> String {
        let lines = file.split(separator: "\n")
        var data = try #require(Data(base64Encoded: String(lines[1])))
        data[bit / 8] ^= 1 << (bit % 8)
        return "\(lines[0])\n\(data.base64EncodedString())\n"
    }

    @Test func oneFlippedBitOfTheSignatureOrTheKeyIsSeen() throws {
        for bit in 0..<(74 * 8) { #expect(fault(Self.text, try flipped(Self.signature, bit)) != nil, "bit \(bit)") }
        for bit in 0..<(42 * 8) {
            #expect(fault(Self.text, Self.signature, try flipped(Self.key, bit)) != nil, "bit \(bit)")
        }
        #expect(fault(Self.text, try flipped(Self.signature, 16)) == "another key signed it")
    }

    @Test(arguments: ["", "RW", "untrusted comment: x\n", "untrusted comment: x\nRW==\n", "x\ny\nz", "\u{0}"])
    func whatIsNoSignatureIsSaidToBeNone(text: String) {
        #expect(fault(Self.text, text) == "it is no signature as signify writes it")
        #expect(fault(Self.text, Self.signature, text) == "it is no public key as signify writes it")
    }
}
