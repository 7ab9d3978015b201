import DeviceModel
import DevicePlans
import Foundation
import Nomenclature
import StrictYAML
import TestSupport
import Testing

@testable import ProfileLanguage

/// The language as a whole: what extends what, what a command sends, and that the committed schema and reference are
/// the reader's own.
@Suite struct LanguageTests {
    // MARK: Definitions

    @Test func theSchemaAndTheReferenceAreThoseOfTheReader() throws {
        func file(_ path: String) throws -> String {
            try String(contentsOfFile: Repository.path(path), encoding: .utf8)
        }
        let hint = "made anew by nabd profile schema [--vectors] and nabd profile reference"
        #expect(
            try file("device-profiles/schema/profile.schema.json") == Grammar.schema(of: Grammar.profile).indentedText,
            "\(hint)")
        #expect(
            try file("device-profiles/schema/vectors.schema.json")
                == Grammar.schema(of: Grammar.vectorFile).indentedText, "\(hint)")
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
        #expect(try !VectorFile.load("\(folder.path)/vectors.yaml", for: profile).vectors.isEmpty)
    }

    // MARK: Names

    @Test func aProfileHasNamesOfItsOwn() throws {
        let folder = try TemporaryFolder()
        let names = """
            names:
              - {metric: CLINIC_GEL_WARMTH, system: "urn:clinic:metric", measured-in: Cel, display: Gel warmth, \
            display-ar: دفء الجل}
              - {event: CLINIC_GEL_COLD, system: "urn:clinic:event", display: Gel cold}

            """
        let text = LintTests.modbus.replacingOccurrences(of: "line: {", with: names + "line: {").replacingOccurrences(
            of: "MDC_TEMP", with: "CLINIC_GEL_WARMTH")
        let profile = try DeviceProfile.load(write(folder, "v/own", text))
        #expect(
            profile.metrics[0].name.system == "urn:clinic:metric" && profile.metrics[0].name.arabicDisplay == "دفء الجل"
        )
        #expect(profile.compile(handle: "d").streams[0].name?.display == "Gel warmth")
    }

    /// A folder of profiles has tables of its own; what is wrong in them is told, and costs nothing else.
    @Test func aFolderOfProfilesHasTablesOfItsOwn() throws {
        let folder = try TemporaryFolder()
        try FileManager.default.createDirectory(
            atPath: "\(folder.path)/nomenclature", withIntermediateDirectories: true)
        _ = try folder.write(
            "nomenclature/ours.tsv",
            "metric\tmeasured-in\tdisplay\tsystem\nCLINIC_GEL_WARMTH\tCel\tGel "
                + "warmth\turn:clinic:metric\nbad\tCel\tBad\turn:a:b\n"
        )
        let path = try write(
            folder, "v/own", LintTests.modbus.replacingOccurrences(of: "MDC_TEMP", with: "CLINIC_GEL_WARMTH"))
        let diagnostics = Diagnostics()
        #expect(try DeviceProfile.load(path, diagnostics: diagnostics).metrics[0].name.display == "Gel warmth")
        #expect(diagnostics.all.map(\.severity) == [.warning] && diagnostics.all[0].location.line == 3)
    }

    @Test func aNameFromBeforeItsNumberIsTheNewName() throws {
        let folder = try TemporaryFolder()
        let text = LintTests.modbus.replacingOccurrences(of: "MDC_TEMP,", with: "NABD_PEEP,").replacingOccurrences(
            of: "unit: Cel", with: "unit: mbar")
        let diagnostics = Diagnostics()
        let profile = try DeviceProfile.load(write(folder, "v/own", text), diagnostics: diagnostics)
        #expect(
            profile.metrics[0].name.code == 151_804 && profile.currentName("NABD_PEEP") == "MDC_PRESS_AWAY_END_EXP_POS")
        #expect(
            diagnostics.all.contains {
                $0.severity == .note && $0.message.contains("NABD_PEEP is called") && $0.location.line == 6
            })
        let vectors = try folder.write(
            "v/own/vectors.yaml",
            """
            nabd: vectors/1
            vectors:
              - {name: n, kind: derived, source: computed, bytes: {hex: "01 04 00 01 00 01 60 0A -> 01 04 02 00 05 78 \
            F3"}, expect: {NABD_PEEP: 0.5}}
            """)
        #expect(try VectorFile.load(vectors, for: profile).vectors[0].expect[0].metric == "MDC_PRESS_AWAY_END_EXP_POS")
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
            folder, "v/own",
            "nabd: profile/1\nextends: v/base\nline: {format: 8E1}\nfields:\n  value: {byte: 3, missing: {127: "
                + "notAvailable}}\n"
        )
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
            "nabd: profile/1\nextends: v/base\nframes: {frame: {checksum: ~}}\nmetrics: [{metric: "
                + "MDC_PULS_OXIM_PERF_REL, from: value, unit: \"%\", every: 2s}]\n"
        )
        let profile = try DeviceProfile.load(path)
        #expect(profile.frames[0].checksum == nil)
        #expect(profile.metrics.map(\.name.referenceID) == ["MDC_PULS_OXIM_PERF_REL"])
    }

    @Test(
        arguments: [
            ("extends: v/none", "there is no profile “v/none”"), ("extends: ../v/base", "expected vendor/model"),
            ("extends: v/own", "more than 4 deep"),
            ("extends: v/base\nfields: {value: {bite: 3}}", "unknown key “bite”"),
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
            ("12.5", "12.5"), ("0.1", "0.1"), ("1200", "1200.0"), ("12.50", nil), ("0.05", nil), ("1200.1", nil),
            ("0", nil), ("12,5", nil),
            ("1e2", nil),
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
            ("{serial}", "8003", "8003"), ("A{crc16-ccitt-false(serial):hex}", "123456789", "A29B1"),
            ("{{}}", "", "{}"),
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
