import CommandFacts
import Crypto
import Foundation
import StrictYAML
import TestSupport
import Testing

@testable import PumpRules

/// Files of rules: signed, of a version that only grows, and never believed in part.
@Suite struct ReadingTests {
    private let folder: TemporaryFolder
    private let key = Curve25519.Signing.PrivateKey()

    init() throws {
        folder = try TemporaryFolder()
        _ = try folder.write("site.pub", Self.form(key.publicKey.rawRepresentation))
        for (file, text) in try RuleFixture.examples() { try write(file, text) }
    }

    private static func form(_ content: Data, _ number: UInt8 = 1) -> String {
        let data = Data("Ed".utf8) + Data(repeating: number, count: 8) + content
        return "untrusted comment: t\n\(data.base64EncodedString())\n"
    }

    private func write(_ file: RuleFile, _ text: String, by other: Curve25519.Signing.PrivateKey? = nil) throws {
        _ = try folder.write(file.name, text)
        let signature = try (other ?? key).signature(for: Data(text.utf8))
        _ = try folder.write("\(file.name).sig", Self.form(signature, other == nil ? 1 : 2))
    }

    private func remove(_ name: String) throws { try FileManager.default.removeItem(atPath: "\(folder.path)/\(name)") }

    private func rules(_ accepted: [RuleFile: RuleStamp] = [:]) -> PumpRules {
        PumpRules.read(folder: folder.path, keys: RuleKeys("\(folder.path)/site.pub"), accepted: accepted)
    }

    private func set(_ accepted: [RuleFile: RuleStamp] = [:]) throws -> RuleSet {
        guard case .rules(let set) = rules(accepted) else { throw Missing() }
        return set
    }

    private struct Missing: Error {}

    private func faults(_ file: RuleFile, _ accepted: [RuleFile: RuleStamp] = [:]) throws -> [String] {
        let set = try set(accepted)
        let faults =
            switch file {
            case .policy: set.policy.faults
            case .library: set.library.faults
            case .orders: set.orders.faults
            }
        return faults.map { $0.description.replacingOccurrences(of: "\(folder.path)/", with: "") }
    }

    @Test func theExamplesAreReadAndJudged() throws {
        let set = try set()
        #expect(set.policy.value != nil && set.library.value != nil && set.orders.value != nil)
        #expect(set.stamps.count == 3 && set.stamps.values.allSatisfy { $0.version == 1 && $0.digest.count == 64 })
        #expect(rules().judge(try RuleFixture.rate("1.2")).permit != nil)
        #expect(try rules(set.stamps).judge(RuleFixture.rate("1.2")).permit != nil, "the same bytes again")
        #expect(PumpRulesCheck.check(folder: folder.path, keys: RuleKeys("\(folder.path)/site.pub")).isEmpty)
        let pump = set.policy.value?.devices["pump-1"]
        #expect(pump?.rules.leastGap == 10_000_000_000 && pump?.rules.mostInWindow == 6)
        #expect(set.policy.value?.devices["monitor-1"]?.rules == CommandRules(), "one device's are no other's")
    }

    @Test func withoutAPolicyNothingIsDriven() throws {
        try remove("policy.yaml")
        guard case .none = rules() else { throw Missing() }
        let refusals = rules().judge(try RuleFixture.rate("1.2")).refusals
        #expect(
            refusals.map(\.text) == ["No device is driven here: there is no policy.yaml; the site has to sign one."])
    }

    @Test(arguments: RuleFile.allCases) func whatIsNotRightlySignedClosesItsLayer(file: RuleFile) throws {
        func expect(_ text: String, _ change: () throws -> Void) throws {
            for (file, text) in try RuleFixture.examples() { try write(file, text) }
            try change()
            #expect(try faults(file).map { $0.contains(text) } == [true], "\(text)")
            #expect(try faults(file).first?.hasPrefix("\(file.name):1:1: error: ") == true)
            #expect(try rules().judge(RuleFixture.rate("1.2")).words == [.rulesUnusable], "\(text)")
        }
        let text = try #require(try RuleFixture.examples()[file])
        try expect("it is not signed") { try remove("\(file.name).sig") }
        try expect("another key signed it") { try write(file, text, by: Curve25519.Signing.PrivateKey()) }
        try expect("its signature is not right") { _ = try folder.write(file.name, text + "\n") }
        try expect("it is no signature") { _ = try folder.write("\(file.name).sig", "RW") }
        try expect("more than 1048576 bytes") {
            try write(file, text + String(repeating: "#", count: 1 << 20))
        }
        try expect("there is no public key") { try remove("site.pub") }
    }

    @Test(arguments: RuleFile.allCases) func aVersionOnlyGrows(file: RuleFile) throws {
        let text = try #require(try RuleFixture.examples()[file])
        let first = try set().stamps
        try write(file, text.replacingOccurrences(of: "version: 1", with: "version: 7"))
        let seventh = try set(first).stamps
        #expect(seventh[file]?.version == 7)
        try write(file, text.replacingOccurrences(of: "version: 1", with: "version: 6"))
        #expect(
            try faults(file, seventh) == [
                "\(file.name):2:10: error: this is version 6, and version 7 was accepted: an older is not taken"
            ])
        try write(file, text.replacingOccurrences(of: "version: 1", with: "version: 7 # "))
        #expect(
            try faults(file, seventh) == [
                "\(file.name):2:10: error: version 7 was accepted with another content: give this one a higher version"
            ])
        #expect(try rules(seventh).judge(RuleFixture.rate("1.2")).words == [.rulesUnusable])
        #expect(try set(seventh).stamps == seventh, "what is not taken is not forgotten")
        try remove(file.name)
        if file == .policy {
            #expect(try rules(seventh).judge(RuleFixture.rate("1.2")).words == [.notAllowed])
        } else {
            #expect(try faults(file, seventh).first?.contains("it is gone") == true)
            #expect(try rules(seventh).judge(RuleFixture.rate("1.2")).words == [.rulesUnusable])
        }
    }

    /// Each fault with the place that it is told at.
    @Test(
        arguments: [
            (.policy, "use: training", "use: training\nuse: treatment", "4:1"),
            (.policy, "use: training", "use: play", "3:6"),
            (.policy, "nabd: pump-policy/1", "nabd: pump-policy/2", "1:7"),
            (.policy, "    bed: bed-3", "    bad: bed-3", "11:5"),
            (.policy, "area: day-unit\n    bed", "area: night-unit\n    bed", "10:11"),
            (.policy, "people: {start-measurement: 1}", "people: {start-measurement: 3}", "23:33"),
            (.policy, "    measurements: [start-measurement]\n", "", "22:33"),
            (.policy, "[volume-limit, rate, start]", "[volume-limit, rate, rate]", "13:36"),
            (.policy, "[start-measurement]\n    people", "[cuff-stop]\n    people", "22:19"),
            (.policy, "least-gap: 10s", "least-gap: 2s", "17:16"),
            (.policy, "most-per-hour: 6", "most-per-hour: 13", "18:20"),
            (.policy, "{hard: {most: 500 mL}}", "{hard: {most: 500 mL/h}}", "16:29"),
            (.policy, "{hard: {most: 500 mL}}", "{}", "16:15"),
            (.policy, "{hard: {most: 500 mL}}", "{hard: {}}", "16:22"),
            (.policy, "{hard: {most: 500 mL}}", "{hard: {least: 6 mL, most: 5 mL}}", "16:22"),
            (.policy, "{hard: {most: 500 mL}}", "{hard: {most: 5 mL}, soft: {most: 6 mL}}", "16:15"),
            (.policy, "serial: \"300745\"", "serial: \"\"", "12:13"),
            (.policy, "  monitor-1:\n", "  monitor-1:\n    serial: \"300745\"\n", "20:13"),
            (.library, "vinca: false", "vinca: no", "9:12"),
            (.library, "[45.57 mg/mL]", "[]", "10:21"),
            (.library, "[45.57 mg/mL]", "[[1]]", "10:22"),
            (.library, "[syringe, bag]", "[bag, bag]", "11:23"),
            (.library, "routes:", "routs:", "12:5"),
            (.library, "routes: [central]", "routes: [peripheral]\n    vesicant: true", "13:5"),
            (.library, "most: 120 h", "most: 99999999999 h", "17:46"),
            (.library, "        rate: {", "        dose-rates: {mg: {hard: {most: 1 mg}}}\n        rate: {", "16:22"),
            (.library, "      day-unit:\n        rate", "      x: 1\n      day-unit:\n        rate", "15:10"),
            (.orders, "basis: {amount: 3000 mg/m2, surface: 1.75 m2}", "basis: all", "10:12"),
            (.orders, "duration: 96 h", "duration: 0 h", "13:15"),
            (.orders, "orders:\n", "orders:\n  - 5\n", "5:5"),
            (.policy, "  day-unit:\n    limits:\n      rate: {hard: {most: 100 mL/h}}", "  day-unit: 5", "5:13"),
            (.policy, "  monitor-1:", "  monitor-2: 5\n  monitor-1:", "19:14"),
            (.policy, "{hard: {most: 500 mL}}", "5 mL", "16:15"),
            (.policy, "{hard: {most: 500 mL}}", "{hard: 5 mL}", "16:22"),
            (.policy, "{hard: {most: 500 mL}}", "{hard: {most: 99999999999 L}}", "16:29"),
            (.library, "vinca: false", "vinca: true", "11:17"),
            (.library, "    vesicant: false\n", "", "6:5"),
            (.library, "routes: [central]", "routes: [central, intrathecal]", "12:13"),
            (.library, "routes: [central]", "routes: []", "12:13"),
            (.library, "[45.57 mg/mL]", "[45.57 mg/mL, 45.57 mg/mL]", "10:35"),
            (.library, "[45.57 mg/mL]", "[45570 ug/mL]", "10:22"),
            (.library, "0.5 %", "5.1 %", "13:15"),
            (
                .library, "duration: {hard: {least: 46 h, most: 120 h}, soft: {least: 90 h}}",
                "duration: {soft: {least: 90 h}}", "16:9"
            ),
            (.orders, "dose: 5250 mg", "dose: 0 mg", "9:11"),
            (.orders, "    duration: 96 h\n", "", "5:5"),
            (.orders, "device: pump-1", "device: pump-1\n    bed: bed-3", "5:5"),
            (.orders, "surface: 1.75 m2}", "weight: 1.75 m2, surface: 1.75 m2}", "10:12"),
            (.orders, "until: 2026-11-30", "until: 2026-11-31", "17:18"),
            (.orders, "until: 2026-11-30", "until: 2026-11-28", "17:18"),
        ] as [(RuleFile, String, String, String)])
    func aFaultIsToldAtItsPlace(file: RuleFile, old: String, new: String, place: String) throws {
        let text = try #require(try RuleFixture.examples()[file])
        try #require(text.contains(old))
        try write(file, text.replacingOccurrences(of: old, with: new))
        let found = try faults(file)
        #expect(found.first?.hasPrefix("\(file.name):\(place): error: ") == true, "\(found)")
        #expect(try rules().judge(RuleFixture.rate("1.2")).words == [.rulesUnusable])
    }

    @Test func textThatIsNoneIsRefused() throws {
        let text = Data([0x6E, 0xFF])
        try text.write(to: URL(fileURLWithPath: "\(folder.path)/orders.yaml"))
        _ = try folder.write("orders.yaml.sig", Self.form(try key.signature(for: text)))
        #expect(try faults(.orders) == ["orders.yaml:1:1: error: it is not UTF-8 text"])
        try write(.orders, "- 1\n")
        #expect(
            try faults(.orders) == [
                "orders.yaml:1:1: error: expected the orders as a mapping (key: value), found a list"
            ])
    }

    /// A key for each file: what the pharmacy signs, the site's key does not open.
    @Test func eachFileMayHaveAKeyOfItsOwn() throws {
        let pharmacy = Curve25519.Signing.PrivateKey()
        _ = try folder.write("pharmacy.pub", Self.form(pharmacy.publicKey.rawRepresentation, 2))
        try write(.library, try #require(try RuleFixture.examples()[.library]), by: pharmacy)
        let site = "\(folder.path)/site.pub"
        let keys = RuleKeys([.policy: site, .library: "\(folder.path)/pharmacy.pub", .orders: site])
        let request = try RuleFixture.rate("1.2")
        #expect(PumpRules.read(folder: folder.path, keys: keys).judge(request).permit != nil)
        #expect(rules().judge(request).words == [.rulesUnusable])
        let some = RuleKeys([.policy: site, .orders: site])
        #expect(PumpRules.read(folder: folder.path, keys: some).judge(request).words == [.rulesUnusable])
    }

    @Test func anOrderStandsOnce() throws {
        let text = try #require(try RuleFixture.examples()[.orders])
        let order = try #require(text.components(separatedBy: "orders:\n").last)
        try write(.orders, text + order)
        #expect(try faults(.orders) == ["orders.yaml:18:9: error: this id stands twice"])
    }

    /// C-28, in each of the files.
    @Test(arguments: ["1e1", "+1", ".5", "5.", "012.5", "12.50", "12,5", "١٢", "-1", "NaN", "0x10", "1_000", ""])
    func c28_aQuantityIsWrittenInOneForm(number: String) throws {
        for (file, old, unit) in [
            (.policy, "500 mL", "mL"), (.library, "120 h", "h"), (.library, "45.57 mg/mL", "mg/mL"),
            (.library, "0.5 %", "%"), (.orders, "5250 mg", "mg"), (.orders, "96 h", "h"), (.orders, "1.75 m2", "m2"),
        ] as [(RuleFile, String, String)] {
            let text = try #require(try RuleFixture.examples()[file])
            try write(
                file,
                text.replacingOccurrences(of: ": \(old)", with: ": \"\(number) \(unit)\"")
                    .replacingOccurrences(of: "[\(old)", with: "[\"\(number) \(unit)\""))
            let found = try faults(file)
            #expect(found.count == 1 && found.first?.contains(": error: ") == true, "\(file) \(found)")
            try write(file, text)
        }
        for bad in ["96", "96h", "96  h", "96 H", " 96 h", "96 h "] {
            let text = try #require(try RuleFixture.examples()[.orders])
            try write(.orders, text.replacingOccurrences(of: "96 h", with: "\"\(bad)\""))
            #expect(try faults(.orders).count == 1, "\(bad)")
        }
    }

    private static let signify = "/usr/bin/signify-openbsd"

    /// By the program itself, where it is installed.
    @Test(.enabled(if: FileManager.default.isExecutableFile(atPath: signify)))
    func whatSignifySignsIsAccepted() throws {
        func sign(_ arguments: String...) throws {
            let program = Process()
            program.executableURL = URL(fileURLWithPath: Self.signify)
            (program.arguments, program.currentDirectoryURL) = (arguments, URL(fileURLWithPath: folder.path))
            try program.run()
            program.waitUntilExit()
            #expect(program.terminationStatus == 0)
        }
        try remove("site.pub")
        try sign("-G", "-n", "-p", "site.pub", "-s", "site.sec")
        #expect(try rules().judge(RuleFixture.rate("1.2")).words == [.rulesUnusable])
        for file in RuleFile.allCases { try sign("-S", "-s", "site.sec", "-m", file.name) }
        #expect(try rules().judge(RuleFixture.rate("1.2")).permit != nil)
    }

    @Test func lintSaysWhatDoesNotFitTogether() throws {
        func found(_ file: RuleFile, _ old: String, _ new: String) throws -> [String] {
            let text = try #require(try RuleFixture.examples()[file])
            try write(file, text.replacingOccurrences(of: old, with: new))
            defer { try? write(file, text) }
            return PumpRulesCheck.check(folder: folder.path, keys: RuleKeys("\(folder.path)/site.pub")).map(\.message)
        }
        #expect(try found(.policy, "day-unit", "ward").contains { $0.contains("“day-unit” of “fluorouracil”") })
        for (old, new) in [
            ("device: pump-1", "device: pump-2"), ("volume: 115.2", "volume: 125.2"), ("drug: fluorouracil", "drug: x"),
            ("route: central", "route: peripheral"), ("device: pump-1", "bed: bed-9"),
        ] {
            #expect(try found(.orders, old, new).first?.hasPrefix("1 of 1 orders will be refused") == true)
        }
        #expect(try found(.orders, "device: pump-1", "bed: bed-3").isEmpty)
        #expect(try found(.orders, "use: training", "use: treatment") == ["it is for treatment, the policy is not"])
        #expect(try found(.library, "use: training", "use: treatment") == ["it is for treatment, the policy is not"])
        #expect(PumpRulesCheck.check(folder: folder.path, keys: nil).map(\.severity) == [.note])
        try remove("policy.yaml")
        #expect(PumpRulesCheck.check(folder: folder.path, keys: nil).map(\.severity) == [.warning, .note])
    }
}
