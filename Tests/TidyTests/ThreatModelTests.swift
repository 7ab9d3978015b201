import Foundation
import TestSupport
import Testing

/// The threat model names tests that are there, and every test of an attack is named in it.
@Suite struct ThreatModelTests {
    /// The tests that a page names: `test_…`, or a function of the Swift tests.
    private static func named(in page: String) -> Set<String> {
        Set(page.matches(of: /`(test_\w+|[a-z]+[A-Z]\w+)`/).map { String($0.1) }).subtracting(["TidyTests"])
    }

    /// Attacks that a page does not name, and what it names that is not there.
    private static func orphans(page: String, tests: Set<String>, attacks: Set<String>) -> [String] {
        let named = named(in: page)
        return named.subtracting(tests).sorted().map { "\($0) is named and is no test" }
            + attacks.subtracting(named).sorted().map { "\($0) is an attack and is not named" }
    }

    private static func functions(
        in folder: String, endingIn end: String, where isTold: (String) -> Bool = { _ in true }
    ) throws -> Set<String> {
        let sources = try TidyTests.sources(in: folder, endingIn: end).filter { isTold($0.path) }
        return Set(sources.flatMap { $0.text.matches(of: /(?:func|def) (\w+)\(/).map { String($0.1) } })
    }

    private static func page(_ path: String) throws -> String {
        try String(contentsOfFile: Repository.path(path), encoding: .utf8)
    }

    private static func tests() throws -> Set<String> {
        try functions(in: "hil-tests", endingIn: ".py").union(functions(in: "Tests", endingIn: ".swift"))
    }

    @Test func everyAttackIsNamedAndEveryNameIsATest() throws {
        let (page, tests) = try (Self.page("docs/security/threat-model.md"), Self.tests())
        let attacks = try Self.functions(in: "hil-tests", endingIn: ".py") { $0.hasPrefix("test_attacks") }
            .filter { $0.hasPrefix("test_") }
        #expect(attacks.count >= 10)
        for found in Self.orphans(page: page, tests: tests, attacks: attacks) { Issue.record("\(found)") }
    }

    /// What field trials found: each has a row, and what a row names is a test.
    @Test func everyFindingOfTheFieldHasItsTests() throws {
        let (page, tests) = try (Self.page("docs/field-trials.md"), Self.tests())
        for found in Self.orphans(page: page, tests: tests, attacks: []) { Issue.record("\(found)") }
        for (letter, count) in [("N", 12), ("V", 8), ("O", 10), ("S", 9), ("L", 8)] {
            for number in 1...count {
                let row = page.split(separator: "\n").filter { $0.hasPrefix("| \(letter)\(number) |") }
                #expect(row.count == 1 && !Self.named(in: row.joined()).isEmpty, "\(letter)\(number)")
            }
        }
    }

    @Test func orphansAreFound() {
        let found = Self.orphans(
            page: "| A1 | `test_one`, `aTestThatIsNot` |", tests: ["test_one", "test_two"],
            attacks: ["test_one", "test_two"])
        #expect(found == ["aTestThatIsNot is named and is no test", "test_two is an attack and is not named"])
    }
}
