import CommandFacts
import Foundation
import StrictYAML
import TestSupport
import Testing

@testable import OperatorDesk

@Suite struct OperatorsTests {
    private static let salt = Data(0..<16).base64EncodedString()
    private static let hash = Data(repeating: 7, count: 32).base64EncodedString()
    private static let secret = "scrypt$16384$8$1$\(salt)$\(hash)"

    private func fault(_ text: String) -> String? {
        do {
            _ = try Operators(try YAMLFile(path: "o.yaml", text: text), least: .usual)
            return nil
        } catch { return "\(error)" }
    }

    private func file(_ people: String) -> String { "nabd: operators/1\noperators:\n" + people }

    @Test func whoIsInTheFileIsThere() throws {
        let text = file("  amal: {name: أمل, roles: [clinician, engineer], secret: \(Self.secret)}\n")
        let operators = try Operators(try YAMLFile(path: "o.yaml", text: text), least: .usual)
        #expect(operators.name(of: Operator("amal")) == "أمل")
        #expect(operators.name(of: Operator("basma")) == nil)
        #expect(operators.people.map(\.roles) == [[.clinician, .engineer]])
    }

    @Test(arguments: [
        (
            "  amal: {name: A, roles: [clinician], secret: S}\n  amal: {name: B, roles: [clinician], secret: S}\n",
            "4:3", "twice"
        ),
        ("  amal: {pin: 1, name: A, roles: [clinician], secret: S}\n", "3:10", "unknown key “pin”"),
        ("  Amal: {name: A, roles: [clinician], secret: S}\n", "3:3", "id is"),
        ("  amal: {name: A, roles: [], secret: S}\n", "3:26", "at least one role"),
        ("  amal: {name: A, roles: [nurse], secret: S}\n", "3:27", "expected a role"),
        ("  amal: {name: A, roles: [clinician, clinician], secret: S}\n", "3:38", "twice"),
        ("  amal: {name: A, roles: [clinician]}\n", "3:9", "“secret” is missing"),
        ("  amal: {roles: [clinician], secret: S}\n", "3:9", "“name” is missing"),
        (
            "  amal: {name: A, roles: [clinician], secret: S}\n  basma: {name: B, roles: [clinician], secret: S}\n",
            "4:10", "another operator"
        ),
        ("  {}\n", "3:3", "at least one"),
    ])
    func aFaultyFileIsToldAtItsPlace(people: String, place: String, words: String) {
        let text = file(people.replacing("secret: S", with: "secret: \(Self.secret)"))
        let shown = fault(text) ?? "nothing"
        #expect(shown.contains("o.yaml:\(place): error") && shown.contains(words), "\(shown)")
    }

    @Test(arguments: [
        "scrypt$8192$8$1$SALT$HASH", "scrypt$16384$4$1$SALT$HASH", "scrypt$16384$8$0$SALT$HASH",
        "scrypt$16385$8$1$SALT$HASH", "scrypt$1048576$8$1$SALT$HASH", "scrypt$16384$8$1$AAAA$HASH",
        "scrypt$16384$8$1$SALT$AAAA", "scrypt$16384$8$SALT$HASH", "scrypt$016384$8$1$SALT$HASH",
        "scrypt$16384$8$1$SALT$HASH$", "bcrypt$16384$8$1$SALT$HASH", "olive tree", "scrypt$16384$8$1$S*LT$HASH",
        "scrypt$16384$8$+1$SALT$HASH",
    ])
    func weakAndStrangeSecretsAreRefusedAndNotQuoted(secret: String) {
        let text = secret.replacing("SALT", with: Self.salt).replacing("HASH", with: Self.hash)
        let shown = fault(file("  amal: {name: A, roles: [clinician], secret: \"\(text)\"}\n")) ?? ""
        #expect(shown.contains("o.yaml:3:47: error"), "\(shown)")
        #expect(!shown.contains(text) && !shown.contains("olive"))
    }

    @Test func aFileThatOthersMayReadOrWriteIsRefused() throws {
        let folder = try TemporaryFolder()
        let path = try folder.write(
            "operators.yaml", file("  amal: {name: A, roles: [clinician], secret: \(Self.secret)}\n"))
        for mode in [0o600, 0o400] {
            chmod(path, mode_t(mode))
            #expect(throws: Never.self) { _ = try Operators(path: path) }
        }
        for mode in [0o640, 0o604, 0o620, 0o602, 0o610, 0o644] {
            chmod(path, mode_t(mode))
            #expect(throws: InvalidFile.self, "\(mode)") { _ = try Operators(path: path) }
        }
        #expect(throws: InvalidFile.self) { _ = try Operators(path: folder.path) }
        #expect(throws: InvalidFile.self) { _ = try Operators(path: "\(folder.path)/none") }
        let big = try folder.write("big.yaml", String(repeating: "# \n", count: 1 << 17))
        chmod(big, 0o600)
        #expect(throws: InvalidFile.self) { _ = try Operators(path: big) }
        mkfifo("\(folder.path)/pipe", 0o600)
        #expect(throws: InvalidFile.self) { _ = try Operators(path: "\(folder.path)/pipe") }
    }

    /// With the cost that people's secrets have.
    @Test func aSecretIsRecognisedAndNoOther() throws {
        let made = try SecretHash(of: "زيتون وزعتر")
        let read = try SecretHash(made.text)
        #expect(read == made && read.cost == .usual)
        #expect(read.isOf("زيتون وزعتر"))
        #expect(!read.isOf("زيتون وزعت") && !read.isOf(""))
        let again = try SecretHash(of: "زيتون وزعتر")
        #expect(again.salt != made.salt && again.hash != made.hash)
    }

    /// Made with Python's `hashlib.scrypt`: the form is anybody's, not only this room's.
    @Test func aSecretMadeElsewhereIsRecognised() throws {
        let made = try SecretHash(
            "scrypt$16384$8$1$U29kaXVtQ2hsb3JpZGUhIQ==$/rKF8Vyk"
                + "713/pR1lhGjKzNOgFUIHC7dhf2tyTrQRgwc=")
        #expect(made.isOf("زيتون") && !made.isOf("زعتر"))
    }

    @Test func anyTextIsReadOrRefused() {
        var random = SeededGenerator(seed: 11)
        let pieces = [
            "scrypt", "$", "16384", "8", "1", Self.salt, Self.hash, "=", "é", "\u{0}", "-1", "9223372036854775808",
        ]
        var read = 0
        for _ in 0..<20_000 {
            var parts = ["scrypt", "16384", "8", "1", Self.salt, Self.hash]
            for _ in 0..<Int.random(in: 0...2, using: &random) {
                parts[Int.random(in: 0..<6, using: &random)] =
                    pieces[Int.random(in: 0..<pieces.count, using: &random)]
            }
            let text = parts.joined(separator: "$")
            if let hash = try? SecretHash(text) {
                read += 1
                #expect(hash.text == text)
            }
        }
        #expect((1..<20_000).contains(read))
    }
}
