import DeviceModel
@testable import DeviceProfiles
import Foundation
import Nomenclature
import TestSupport
import Testing

/// The language as a whole: what extends what, what a command sends, and that the committed schema and reference are the reader's own.
@Suite struct LanguageTests {
    // MARK: Definitions

    @Test func theSchemaAndTheReferenceAreThoseOfTheReader() throws {
        func file(_ path: String) throws -> String { try String(contentsOfFile: Repository.path(path), encoding: .utf8) }
        let hint = "made anew by nabd profile schema [--vectors] and nabd profile reference"
        #expect(try file("device-profiles/schema/profile.schema.json") == Grammar.schema(of: Grammar.profile).indentedText, "\(hint)")
        #expect(try file("device-profiles/schema/vectors.schema.json") == Grammar.schema(of: Grammar.vectorFile).indentedText, "\(hint)")
        #expect(try file("docs/profile-reference.md") == Grammar.reference, "\(hint)")
    }

    @Test(arguments: ProfileStart.Kind.allCases)
    func everyStartIsAWholeProfile(kind: ProfileStart.Kind) throws {
        let folder = try TemporaryFolder()
        let start = ProfileStart(kind: kind, manufacturer: "A \"B\"", model: "C", baud: 9600, format: "8N1")
        for (name, text) in start.files(name: "a/b") { _ = try folder.write(name, text) }
        let diagnostics = Diagnostics()
        let profile = try DeviceProfile.load(folder.path, diagnostics: diagnostics)
        #expect(diagnostics.all.allSatisfy { $0.severity == .note })
        #expect(try VectorFile.load("\(folder.path)/vectors.yaml", for: profile).vectors.count == 1)
    }

    // MARK: Variants

    private func write(_ folder: TemporaryFolder, _ name: String, _ text: String) throws -> String {
        try FileManager.default.createDirectory(atPath: "\(folder.path)/\(name)", withIntermediateDirectories: true)
        return try folder.write("\(name)/profile.yaml", text)
    }

    @Test func aVariantSaysOnlyWhatDiffers() throws {
        let folder = try TemporaryFolder()
        _ = try write(folder, "v/base", LintTests.serial)
        let path = try write(
            folder, "v/own", "nabd: profile/1\nextends: v/base\nline: {format: 8E1}\nfields:\n  value: {byte: 3, missing: {127: notAvailable}}\n")
        let profile = try DeviceProfile.load(path)
        #expect(profile.line.serial?.parity == .even && profile.line.serial?.baud == 9600)
        #expect(profile.fields[0].missing.count == 1)
        if case .slices(_, let slices, _, _) = profile.fields[0].place { #expect(slices.map(\.byte) == [3]) }
        #expect(profile.name == "v/own")
    }

    @Test func aKeyIsTakenAwayAndAListReplaced() throws {
        let folder = try TemporaryFolder()
        _ = try write(folder, "v/base", LintTests.serial)
        let path = try write(
            folder, "v/own",
            "nabd: profile/1\nextends: v/base\nframes: {frame: {checksum: ~}}\nmetrics: [{metric: MDC_PULS_OXIM_PERF_REL, from: value, unit: \"%\", every: 2s}]\n"
        )
        let profile = try DeviceProfile.load(path)
        #expect(profile.frames[0].checksum == nil)
        #expect(profile.metrics.map(\.code.referenceID) == ["MDC_PULS_OXIM_PERF_REL"])
    }

    @Test(
        arguments: [
            ("extends: v/none", "there is no profile “v/none”"), ("extends: ../v/base", "expected vendor/model"),
            ("extends: v/own", "more than 4 deep"), ("extends: v/base\nfields: {value: {bite: 3}}", "unknown key “bite”"),
        ])
    func whatIsWrongWithAVariantIsToldInItsOwnFile(text: String, message: String) throws {
        let folder = try TemporaryFolder()
        _ = try write(folder, "v/base", LintTests.serial)
        let path = try write(folder, "v/own", "nabd: profile/1\n\(text)\n")
        do throws(InvalidFile) {
            _ = try DeviceProfile.load(path)
            Issue.record("nothing was told")
        } catch {
            #expect(error.diagnostics.contains { $0.message.contains(message) && $0.location.file == path }, "\(error)")
        }
    }

    @Test func whatIsWrongInTheExtendedFileIsToldThere() throws {
        let folder = try TemporaryFolder()
        let base = try write(folder, "v/base", LintTests.serial.replacingOccurrences(of: "every: 1s", with: "every: 1"))
        let path = try write(folder, "v/own", "nabd: profile/1\nextends: v/base\n")
        do throws(InvalidFile) {
            _ = try DeviceProfile.load(path)
            Issue.record("nothing was told")
        } catch {
            #expect(error.diagnostics.allSatisfy { $0.location.file == base && $0.location.line == 10 })
        }
    }

    // MARK: Commands

    @Test(
        arguments: [
            ("12.5", "12.5"), ("0.1", "0.1"), ("1200", "1200.0"), ("12.50", "12.5"), ("0.05", nil), ("1200.1", nil), ("0", nil), ("12,5", nil),
            ("1e2", "100.0"),
        ] as [(String, String?)])
    func aQuantityIsSentExactlyOrRefused(quantity: String, sent: String?) throws {
        let text =
            LintTests.text + """

                commands:
                  rate:
                    arguments: {new: {unit: mL/h, range: [0.1, 1200], step: 0.1}}
                    steps: [{send: "RATE^{new}", reply: "RATE^..."}]
                    class: effect
                    requires: {rate: 0}
                    read-back: {new: rate}
                    hazards: none
                """
        let profile = try DeviceProfile.load(try YAMLFile(path: "v/m/profile.yaml", text: text))
        let argument = try #require(profile.commands.first?.arguments.first)
        #expect((try? argument.written(quantity)).map { String(decoding: $0, as: UTF8.self) } == sent)
    }

    @Test(
        arguments: [
            ("{serial}", "8003", "8003"), ("A{crc16-ccitt-false(serial):hex}", "123456789", "A29B1"), ("{{}}", "", "{}"),
            ("{sum8(serial):hex-lower}-{serial}", "AB", "83-AB"),
        ])
    func whatIsSentIsComputed(text: String, serial: String, sent: String) throws {
        let bytes = try SendTemplate(text).bytes { $0 == "serial" ? Array(serial.utf8) : nil }
        #expect(bytes.map { String(decoding: $0, as: UTF8.self) } == sent)
        #expect(try text.contains("serial") == (SendTemplate(text).bytes { _ in nil } == nil))
    }

    @Test(arguments: ["{", "}", "{a b}", "{crc(x)}", "{sum8(x):octal}", "{}"])
    func whatCannotBeSentIsTold(text: String) { #expect(throws: Template.Fault.self) { try SendTemplate(text) } }
}
