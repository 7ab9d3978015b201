import Foundation
import NabdHost
import Patients
import StrictYAML
import TestSupport
import Testing

/// The beds in a unit's file.
@Suite struct UnitBedsTests {
    private static let good = """
        nabd: unit/1
        unit: mobile-7
        profiles: \(Repository.path("device-profiles"))
        devices:
          oximeter: {profile: nonin/oem-iii-df2, line: /dev/ttyUSB0}
          pump-a: {profile: alaris/asena-gh, line: /dev/ttyUSB1}
          fridge: {profile: xy/md02, line: /dev/ttyUSB2, unit: 3}
        beds:
          chair-1: {name: Chair 1, name-arabic: كرسي 1, preset: icu, devices: [oximeter]}
          chair-2: {name: Chair 2, name-arabic: كرسي 2, devices: [pump-a, fridge]}

        """

    static func load(
        _ text: String, _ cost: UnitConfiguration.FaultCost = .everything
    ) throws -> (unit: UnitConfiguration, diagnostics: Diagnostics, folder: String) {
        let folder = try TemporaryFolder()
        let diagnostics = Diagnostics()
        let unit = try UnitConfiguration.load(
            try folder.write("unit.yaml", text), diagnostics: diagnostics, faultsCost: cost)
        return (unit, diagnostics, folder.path)
    }

    /// What is said of every bed of these: that nobody has reviewed its preset, or that it has none.
    static let ofPresets = ["the preset “icu” is not reviewed by a clinician", "no limit is watched at “chair-2”"]

    /// What is found beside that.
    private static func others(_ diagnostics: Diagnostics) -> [Diagnostic] {
        diagnostics.all.filter { one in !ofPresets.contains { one.message.hasPrefix($0) } }
    }

    @Test func bedsAreRead() throws {
        let (unit, diagnostics, folder) = try Self.load(Self.good)
        #expect(Self.others(diagnostics).isEmpty && diagnostics.all.map(\.severity) == [.warning, .warning])
        for words in Self.ofPresets { #expect(diagnostics.all.count { $0.message.hasPrefix(words) } == 1) }
        #expect(unit.presets.count == 6)
        #expect(unit.beds.map(\.id) == ["chair-1", "chair-2"] && unit.faultyBeds == .these([]))
        #expect(unit.beds[0].configured.name == "Chair 1" && unit.beds[0].configured.nameArabic == "كرسي 1")
        #expect(unit.beds.map(\.preset) == ["icu", nil])
        #expect(unit.beds[1].configured.devices == ["pump-a", "fridge"])
        #expect(unit.beds[0].presetLocation.map { "\($0.line):\($0.column)" } == "9:57")
        #expect(unit.presetFolders == [Repository.path("presets")])
        #expect(unit.patientFolder == "\(folder)/journal.patients")
    }

    @Test func placesAreRead() throws {
        let (unit, _, folder) = try Self.load(
            Self.good + "presets: [mine, /usr/share/nabd/presets]\npatients: who\n"
                + "journal: {directory: /data/journal}\n", .itsPart)
        #expect(unit.presets.isEmpty && unit.refused.map(\.part) == [.setting("presets")], "there is no such preset")
        #expect(unit.presetFolders == ["\(folder)/mine", "/usr/share/nabd/presets"])
        #expect(unit.patientFolder == "\(folder)/who")
        let other = try Self.load(Self.good + "journal: {directory: /data/journal}\n")
        #expect(other.unit.patientFolder == "/data/journal.patients")
    }

    @Test(arguments: [
        ("  chair-1:", "  Chair:", "9:3", "a bed's id is lower-case"),
        ("  chair-2:", "  chair-1:", "10:3", "the key “chair-1” stands twice"),
        ("name: Chair 1, ", "", "9:12", "“name” is missing"),
        ("name-arabic: كرسي 1, ", "", "9:12", "“name-arabic” is missing"),
        ("name: Chair 1", "name: \"\"", "9:19", "the bed's name has 1 to 80 bytes"),
        ("name: Chair 1", "name: \"a\\u202Eb\"", "9:19", "the bed's name has 1 to 80 bytes"),
        ("preset: icu", "preset: ICU", "9:57", "a preset's name is lower-case"),
        ("devices: [oximeter]", "devices: []", "9:71", "a bed has at least one device"),
        ("devices: [oximeter]", "devices: oximeter", "9:71", "expected a list of the bed's devices"),
        ("devices: [oximeter]", "devices: [oximeter, oximeter]", "9:82", "“oximeter” stands twice"),
        ("devices: [oximeter]", "devices: [oximetre]", "9:72", "the unit has no device “oximetre”"),
        ("devices: [oximeter]", "devices: [{a: b}]", "9:72", "expected a device's handle"),
        ("devices: [oximeter]", "devices: [oximeter, pump-a]", "9:82", "“pump-a” is at “chair-2” too"),
        ("devices: [oximeter]", "device: [oximeter]", "9:62", "unknown key “device”"),
        ("beds:\n", "beds: [a]\nx:\n", "8:7", "expected the beds as a mapping"),
    ]) func eachFaultIsToldAtItsPlace(replacing: String, with: String, place: String, message: String) throws {
        let text = Self.good.replacingOccurrences(of: replacing, with: with)
        #expect(text != Self.good)
        do {
            _ = try Self.load(text)
            Issue.record("nothing was found")
        } catch let error as InvalidFile {
            let match = error.diagnostics.first { $0.message.contains(message) }
            #expect(match.map { "\($0.location.line):\($0.location.column)" } == place, "\(error)")
        }
    }

    @Test(arguments: [
        ("name: Chair 1, ", "", ["chair-2"], UnitConfiguration.FaultyBeds.these(["chair-1"])),
        // Which of the two it is at nobody knows.
        ("[oximeter]", "[oximeter, pump-a]", [], .these(["chair-1", "chair-2"])),
        // A device that is faulty costs itself.
        ("nonin/oem-iii-df2", "nonin/oem", ["chair-1", "chair-2"], .these([])),
        ("beds:\n", "beds: [a]\nx:\n", [], .all),
        ("beds:\n", "bedz:\n", [], .all),
    ]) func aFaultyBedCostsItself(
        replacing: String, with: String, beds: [String], faulty: UnitConfiguration.FaultyBeds
    ) throws {
        let (unit, _, _) = try Self.load(Self.good.replacingOccurrences(of: replacing, with: with), .itsPart)
        #expect(unit.beds.map(\.id) == beds && unit.faultyBeds == faulty)
        #expect(unit.devices.count >= 2 && !unit.refused.isEmpty)
    }

    @Test func aPlaceThatIsFaultyIsNone() throws {
        let (unit, _, _) = try Self.load(Self.good + "patients: [a]\n", .itsPart)
        #expect(unit.patientFolder == nil)
        let (other, _, _) = try Self.load(Self.good + "patient: a\n", .itsPart)
        #expect(other.patientFolder == nil, "it may be the key that is misspelt")
    }

    @Test func aDeviceOfAPatientThatIsAtNoBedIsAWarning() throws {
        let text = Self.good.replacingOccurrences(of: "[pump-a, fridge]", with: "[fridge]")
        let found = try #require(Self.others(try Self.load(text).diagnostics).first)
        #expect(Self.others(try Self.load(text).diagnostics).count == 1)
        #expect(found.severity == .warning && found.location.line == 6)
        #expect(found.message.contains("“pump-a” measures or treats a patient and is at no bed"))
        // A fridge is at none; and a unit without beds has none to be at.
        let fridge = Self.good.replacingOccurrences(of: ", fridge]", with: "]")
        #expect(Self.others(try Self.load(fridge).diagnostics).isEmpty)
        let without = Self.good.components(separatedBy: "beds:")[0]
        #expect(try Self.load(without).diagnostics.all.isEmpty)
    }

    @Test func anArabicNameWithoutAnArabicLetterIsAWarning() throws {
        let text = Self.good.replacingOccurrences(of: "كرسي 1", with: "Kursi 1")
        #expect(Self.others(try Self.load(text).diagnostics).map(\.severity) == [.warning])
    }

    @Test func atMost32Beds() throws {
        let devices = (0..<33).map { "  d\($0): {profile: xy/md02, line: /dev/tty\($0 / 30), unit: \($0 % 30 + 1)}\n" }
        let beds = (0..<33).map { "  b\($0): {name: b, name-arabic: ب, devices: [d\($0)]}\n" }
        let text = Self.good.components(separatedBy: "devices:")[0] + "devices:\n" + devices.joined() + "beds:\n"
        #expect(throws: Never.self) { try Self.load(text + beds.dropLast().joined()) }
        do {
            _ = try Self.load(text + beds.joined())
            Issue.record("nothing was found")
        } catch let error as InvalidFile {
            #expect(error.diagnostics.map(\.message) == ["a unit has at most 32 beds"])
        }
    }
}
