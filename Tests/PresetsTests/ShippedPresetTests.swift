import DeviceModel
import Foundation
import StrictYAML
import TestSupport
import Testing

@testable import Presets

/// The presets that come with the house, and the shelf on which they lie.
@Suite struct ShippedPresetTests {
    @Test(arguments: PresetFixture.shipped)
    func eachIsInOrderAndNobodyHasReviewedIt(name: String) throws {
        let diagnostics = Diagnostics()
        let preset = try PresetFixture.shipped(name, diagnostics)
        #expect(diagnostics.all.isEmpty, "\(diagnostics.all)")
        #expect(preset.name == name && preset.review == nil)
        for limits in preset.limits {
            for level in limits.low + limits.high where level.priority == .high { #expect(level.isLatching) }
        }
    }

    @Test func theFolderHasTheSixAndNothingElse() throws {
        let files = try FileManager.default.contentsOfDirectory(atPath: Repository.path("presets"))
        #expect(files.filter { $0.hasSuffix(".yaml") }.sorted() == PresetFixture.shipped.map { "\($0).yaml" })
    }

    @Test func theReferencePageIsTheReaders() throws {
        let page = try String(contentsOfFile: Repository.path("docs/alarms/presets.md"), encoding: .utf8)
        #expect(page == PresetGrammar.reference, "nabd preset reference > docs/alarms/presets.md")
    }

    @Test func theFirstFolderOfTheShelfWins() throws {
        let folder = try TemporaryFolder()
        _ = try folder.write("site/icu.yaml", PresetFixture.text.replacing("name: fixture", with: "name: icu"))
        _ = try folder.write("site/NOT.yaml", "x")
        _ = try folder.write("site/broken.yaml", "nabd: preset/1\n")
        let shelf = PresetShelf(
            folders: ["\(folder.path)/site", Repository.path("presets"), "\(folder.path)/none"],
            names: PresetFixture.names)
        #expect(shelf.paths.map(\.name) == (PresetFixture.shipped + ["broken"]).sorted())
        #expect(try shelf.load("icu")?.title == "A fixture")
        #expect(try shelf.load("stroke")?.title == "Stroke")
        #expect(try shelf.load("../stroke") == nil)
        #expect(shelf.suggest("ico")?.contains("icu") == true)
        #expect(throws: InvalidFile.self) { try shelf.load("broken") }
    }

    @Test(arguments: [("a", true), ("chair-1", true), ("", false), ("Chair", false), ("a/b", false), ("a b", false)])
    func aHandleIsOfItsForm(text: String, isOne: Bool) {
        #expect(Preset.isHandle(text) == isOne)
        #expect(
            Preset.isHandle(String(repeating: "a", count: 40)) && !Preset.isHandle(String(repeating: "a", count: 41)))
    }
}
