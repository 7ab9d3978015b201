import StrictYAML
import TestSupport
import Testing

@testable import NabdHost

/// What a configuration that is read anew means for beds.
@Suite struct BedReloadTests {
    private static let head = """
        nabd: unit/1
        unit: mobile-7
        profiles: \(Repository.path("device-profiles"))
        devices:
          oximeter: {profile: nonin/oem-iii-df2, line: /dev/ttyUSB0}
          pump-a: {profile: alaris/asena-gh, line: /dev/ttyUSB1}
        beds:

        """
    private static let first = "  chair-1: {name: Chair 1, name-arabic: كرسي 1, preset: icu, devices: [oximeter]}\n"
    private static let second = "  chair-2: {name: Chair 2, name-arabic: كرسي 2, devices: [pump-a]}\n"

    private static func unit(_ beds: String) throws -> UnitConfiguration {
        try UnitBedsTests.load(head + beds, .itsPart).unit
    }

    private static func reload(_ beds: String) throws -> UnitReload {
        UnitReload(from: try unit(first + second), to: try unit(beds))
    }

    @Test func bedsChangeAtOnceAndNoLineDoes() throws {
        let same = try Self.reload(Self.first + Self.second + "# other words\n")
        #expect(!same.changesBeds && same.waiting.isEmpty)
        let gone = try Self.reload(Self.first)
        #expect(gone.changesBeds && gone.configuration.beds.map(\.id) == ["chair-1"])
        #expect(!gone.changesLines && gone.waiting.isEmpty)
        let preset = try Self.reload(Self.first.replacing("icu", with: "stroke") + Self.second)
        #expect(preset.changesBeds && preset.configuration.beds[0].preset == "stroke")
        #expect(try !UnitReload(from: gone.configuration, to: Self.unit(Self.first)).changesBeds)
    }

    @Test func aFaultyBedGoesOnAsItWas() throws {
        let plan = try Self.reload(Self.first.replacing("name: Chair 1, ", with: "") + Self.second)
        #expect(Set(plan.configuration.beds.map(\.id)) == ["chair-1", "chair-2"] && !plan.changesBeds)
        #expect(plan.configuration.refused.map(\.part.description) == ["beds"])
        let whole = try UnitReload(
            from: Self.unit(Self.first + Self.second),
            to: UnitBedsTests.load(Self.head.replacing("beds:\n", with: "bedz:\n") + Self.first, .itsPart).unit)
        #expect(!whole.changesBeds)
        // Unless another has its device now.
        let taken = try Self.reload(
            Self.first.replacing("name: Chair 1, ", with: "").replacing("[oximeter]", with: "[pump-a]") + "")
        #expect(taken.configuration.beds.map(\.id) == ["chair-1"])
        let moved = try Self.reload(
            Self.first.replacing("name: Chair 1, ", with: "").replacing("[oximeter]", with: "[pump-b]")
                + Self.second.replacing("[pump-a]", with: "[oximeter]"))
        #expect(moved.configuration.beds.map(\.id) == ["chair-2"])
    }

    @Test func placesWaitForTheNextStart() throws {
        let plan = try UnitReload(
            from: Self.unit(Self.first),
            to: UnitBedsTests.load(Self.head + Self.first + "patients: /x\npresets: /y\n", .itsPart).unit)
        #expect(plan.waiting.map { String($0.prefix(10)) } == ["“patients”", "“presets” "])
        #expect(plan.configuration.patientFolder != "/x" && plan.configuration.presetFolders != ["/y"])
    }
}
