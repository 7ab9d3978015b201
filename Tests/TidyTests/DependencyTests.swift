import Foundation
import TestSupport
import Testing

/// What a target says it depends on is what its files import: no more, no less.
@Suite struct DependencyTests {
    struct Target {
        let name: String
        let path: String
        let dependencies: Set<String>
    }

    /// Modules that come with the toolchain.
    private static let given: Set<String> = [
        "Dispatch", "Foundation", "Glibc", "PackageDescription", "Synchronization", "Testing",
    ]

    /// The targets that a manifest declares, with what they depend on; those of C have no imports of their own and are
    /// left out.
    static func targets(of manifest: String) -> [Target] {
        guard let start = manifest.range(of: "    targets: [") else { return [] }
        var targets: [Target] = []
        for part in manifest[start.upperBound...].split(separator: /\n        (?=room\(|tests\(|\.)/) {
            guard let call = part.firstMatch(of: /^(room|tests|\.\w+)\(/),
                part.contains("room(") || part.contains("wiftSettings") || part.hasPrefix("tests")
            else { continue }
            let path = part.firstMatch(of: /path: "([^"]+)"/).map { String($0.1) }
            // Where a product lies is not what it is called, and a table is no module.
            let bare = part.replacing(/(?:path|package): "[^"]+"|tables: \[[^\]]*\]/, with: "")
            var names = bare.matches(of: /"([^"]+)"/).map { String($0.1) }
            guard !names.isEmpty else { continue }
            let isTests = call.1 == "tests"
            let name = isTests ? names[0] + "Tests" : names.removeFirst()
            let folder = isTests || call.1 == ".testTarget" ? "Tests" : "Sources"
            targets.append(Target(name: name, path: path ?? "\(folder)/\(name)", dependencies: Set(names)))
        }
        return targets
    }

    /// What is wrong, in words: declared and not imported, or the other way round.
    static func faults(_ target: Target, imports: Set<String>) -> [String] {
        let used = imports.subtracting(given)
        return target.dependencies.subtracting(used).sorted().map {
            "\(target.name) declares \($0) and does not import it"
        }
            + used.subtracting(target.dependencies).sorted().map {
                "\(target.name) imports \($0) and does not declare it"
            }
    }

    private static func imports(in folder: String) throws -> Set<String> {
        let root = Repository.path(folder)
        let files =
            FileManager.default.enumerator(atPath: root)?.compactMap { $0 as? String }.filter { $0.hasSuffix(".swift") }
            ?? []
        return try files.reduce(into: []) { all, file in
            all.formUnion(
                TidyTests.Source(file, try String(contentsOfFile: "\(root)/\(file)", encoding: .utf8)).imports)
        }
    }

    @Test func targetsDependOnWhatTheyImport() throws {
        let targets = Self.targets(of: try String(contentsOfFile: Repository.path("Package.swift"), encoding: .utf8))
        #expect(targets.count >= 30)
        for target in targets {
            for fault in Self.faults(target, imports: try Self.imports(in: target.path)) { Issue.record("\(fault)") }
        }
    }

    /// Rooms that are in every build and depend on one of the command path without the trait's word.
    static func withoutTheTrait(_ targets: [Target], _ manifest: String) -> [String] {
        let path: Set = ["PumpControl", "PumpDesk", "PumpRules"]
        let apart = Set(manifest.matches(of: /ofCommands\("(\w+)"\)/).map { String($0.1) })
        return targets.filter { $0.path.hasPrefix("Sources/") && !path.contains($0.name) }.flatMap { target in
            target.dependencies.intersection(path).subtracting(apart).map { "\(target.name) depends on \($0)" }
        }
    }

    @Test func roomsOfTheCommandPathAreDependedOnByTheTrait() throws {
        let manifest = try String(contentsOfFile: Repository.path("Package.swift"), encoding: .utf8)
        #expect(Self.withoutTheTrait(Self.targets(of: manifest), manifest).isEmpty)
        #expect(manifest.contains(/ofCommands\("PumpDesk"\)/) && manifest.contains(/when\(traits: \["Commands"\]\)/))
        let always = manifest.replacing("ofCommands(\"PumpDesk\")", with: "\"PumpDesk\"")
        #expect(Self.withoutTheTrait(Self.targets(of: always), always) == ["NabdHost depends on PumpDesk"])
    }

    @Test func aDependencyTooManyOrTooFewIsFound() throws {
        let manifest = """
            let package = Package(
                targets: [
                    .target(name: "CPosix"),
                    room("A", ["B", .product(name: "C", package: "c")], settings: optimised),
                    tests(of: "A", ["D"], tables: ["a.tsv"]),
                    .executableTarget(name: "e", dependencies: ["A"], path: "Elsewhere/e", swiftSettings: settings),
                ]
            )
            """
        let targets = Self.targets(of: manifest)
        #expect(targets.map(\.name) == ["A", "ATests", "e"])
        #expect(targets.map(\.path) == ["Sources/A", "Tests/ATests", "Elsewhere/e"])
        #expect(Self.faults(targets[0], imports: ["B", "C", "Foundation"]).isEmpty)
        #expect(
            Self.faults(targets[0], imports: ["B", "X"]) == [
                "A declares C and does not import it", "A imports X and does not declare it",
            ])
        #expect(Self.faults(targets[1], imports: ["A"]) == ["ATests declares D and does not import it"])
    }
}
