import Foundation
import StrictYAML
import TestSupport
import Testing

@testable import ProfileLanguage

/// Profiles without commands are passed over unread; none that may declare some is.
@Suite struct CommandShelfTests {
    private static let keys = ["commands", "extends"]

    private func has(_ key: String, _ text: String) -> Bool {
        (try? YAMLFile(path: "profile.yaml", text: text))?.root.member(key) != nil
    }

    @Test(arguments: [
        "name: a\ncommands: {}\n", "commands: {}", "name: a\r\nextends: b/c\r\n", "name: a\rextends: b/c\r",
        "name: a\n\"commands\": {}\n", "name: a\n'extends': b/c\n", "name: a\n\"comm\\x61nds\": {}\n",
        "{name: a, commands: {}}", "# a comment\n{name: a,\ncommands: {}}\n", "--- {extends: b/c}\n",
        "---\nname: a\ncommands: {}\n", "  name: a\n  commands: {}\n", "# words\n\n  name: a\n\n  extends: b/c\n",
        "name: a\n? commands\n: {}\n", "name: a\n!!str commands: {}\n", "name: a\n&key commands: {}\n",
        "name: a # °\u{85}\"commands\": {}\n", "name: a\u{2028}extends: b/c\n", "name: a\u{2029}commands: {}\n",
        "\u{FEFF}commands: {}\n", "name: a\ncommands : {}\n", "name:\n- a\ncommands: {}\n",
    ])
    func whateverTheFormOfItsKeyIsSeen(text: String) {
        let text = Array(text.utf8)
        #expect(Self.keys.contains { CommandShelf.mayHave($0, text) })
    }

    @Test(arguments: [
        "name: a\nrequests: {}\n", "# commands: of none\nname: a\nrequests:\n  commands: {}\n", "",
        "name: \"extends: b\"\n",
        "frames:\n  one: {end: \"\\r\\n\"}\nrequests: {ask: \"µ\"}\n",
    ])
    func whatHasNoneIsPassedOver(text: String) {
        for key in Self.keys { #expect(!CommandShelf.mayHave(key, Array(text.utf8)) && !has(key, text)) }
    }

    /// The commands of all that is shipped are found, as reading each profile finds them.
    @Test func whatIsShippedIsToldRightly() throws {
        let folder = Repository.path("device-profiles")
        var passed = 0
        var declared = 0
        for vendor in try FileManager.default.contentsOfDirectory(atPath: folder) {
            for model in (try? FileManager.default.contentsOfDirectory(atPath: "\(folder)/\(vendor)")) ?? [] {
                let path = "\(folder)/\(vendor)/\(model)/profile.yaml"
                guard let text = try? YAMLFile.contents(path) else { continue }
                for key in Self.keys where has(key, String(decoding: text, as: UTF8.self)) {
                    #expect(CommandShelf.mayHave(key, text), "\(path)")
                }
                passed += Self.keys.contains { CommandShelf.mayHave($0, text) } ? 0 : 1
                declared += try DeviceProfile.read(YAMLFile(path: path)).wirePatterns.count
            }
        }
        #expect(passed >= 30, "\(passed) are passed over")
        #expect(declared > 20 && CommandShelf.patterns(of: [folder]).count == declared)
    }
}
