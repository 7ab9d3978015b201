import Foundation
import TestSupport
import Testing

/// The house's rules, checked on its own source. Each rule gives what it finds, and is shown a file in which it must
/// find something.
@Suite struct TidyTests {
    struct Source {
        let path: String
        let text: String

        init(_ path: String, _ text: String) {
            self.path = path
            self.text = text
        }

        var room: String { String(path.prefix { $0 != "/" }) }
        var imports: Set<String> {
            Set(text.matches(of: /(?m)^(?:@testable |package )?import (?:struct |class )?(\w+)/).map { String($0.1) })
        }
        var lines: [Substring] { text.split(separator: "\n", omittingEmptySubsequences: false) }
    }

    /// What is wrong with a file, in words; nothing when it is tidy.
    typealias Rule = @Sendable (Source) -> [String]

    /// Modules that only some rooms may import.
    private static let owners: [String: Set<String>] = [
        "CModbus": ["Fieldbus"], "CSerialPort": ["Fieldbus"], "CNats": ["JetStream"], "JetStream": ["Uplink"],
        "GRDB": ["SampleJournal"],
        "JournalCoding": ["SampleJournal", "Uplink", "BedExport", "UnitPicture"],
        "Yams": ["StrictYAML"],
        "Hummingbird": ["RecordsSandbox", "Observability", "Console"], "AsyncHTTPClient": ["Uplink", "Gzip"],
        "FHIRMapping": ["Uplink", "BedExport"], "Gzip": ["Uplink"],
        "ArgumentParser": ["nabd"],
        "DeviceSimulator": ["nabd"],
        "PumpControl": ["PumpDesk", "PumpRules"], "PumpDesk": ["NabdHost"], "PumpRules": ["NabdHost"],
        "UnitPicture": ["Console", "nabd-bench"],
    ]
    private static let downstream: Set<String> = [
        "SampleJournal", "Uplink", "FHIRMapping", "Gzip", "Observability", "BedExport", "JournalFolds", "UnitPicture",
        "Console", "JetStream",
    ]
    private static let upstream: Set<String> = [
        "DeviceDrivers", "Fieldbus", "LineEngine", "ModbusFrames", "Sampling", "DevicePlans",
        "ProfileLanguage", "PumpRules",
    ]
    /// Rooms that decide and do not do.
    private static let pure: Set<String> = [
        "DeviceModel", "DevicePlans", "ProfileLanguage", "DeviceDrivers", "FHIRMapping", "JournalCoding", "LineEngine",
        "ModbusFrames",
        "Nomenclature", "Alarms", "BedDesk", "CommandFacts", "CommandRecord", "Consultations", "Patients", "Presets",
        "PumpControl", "PumpRules",
        "Scores",
    ]

    static let modulesStayInTheirRooms: Rule = { source in
        source.imports.compactMap { module in
            owners[module].flatMap {
                $0.contains(source.room)
                    ? nil : "imports \(module), which belongs to \($0.sorted().joined(separator: ", "))"
            }
        }
    }

    static let dataFlowsOneWay: Rule = { source in
        var found: [String] = []
        if downstream.contains(source.room) {
            found += source.imports.intersection(upstream).map { "imports \($0), which is upstream" }
        }
        if source.room == "DeviceModel" { found += source.imports.map { "imports \($0)" } }
        if source.room == "Nomenclature" {
            let known: Set = ["DeviceModel", "Foundation", "PlainFiles", "StrictYAML", "Synchronization"]
            found += source.imports.subtracting(known).map { "imports \($0)" }
        }
        if source.room == "JournalCoding" {
            found += source.imports.subtracting(["DeviceModel"]).map { "imports \($0)" }
        }
        if source.room == "ModbusFrames" { found += source.imports.map { "imports \($0)" } }
        if source.room == "LineEngine" {
            found += source.imports.intersection(["Fieldbus", "Glibc", "Foundation", "CPosix"]).map { "imports \($0)" }
        }
        if source.room == "RealTime", source.imports.contains("Foundation") { found.append("imports Foundation") }
        return found
    }

    static let unsafeStaysWhereItMustBe: Rule = { source in
        ["RealTime", "Fieldbus", "JetStream"].contains(source.room)
            || !source.text.contains(/\bUnsafe\w*|withUnsafe|Unmanaged/)
            ? [] : ["uses unsafe memory"]
    }

    /// What somebody else may have put there is read with its limit, and never waited for. What the system tells of
    /// itself is no such file.
    static let filesAreReadWithTheirLimit: Rule = { source in
        let text = source.text.replacing(/contents(?:OfFile|\(atPath): "\/(?:etc\/machine-id|proc\/[\w\/]+)"/, with: "")
        let reads =
            /contentsOfFile:|FileManager\.default\.contents\(|fromPEMFile|PrivateKey\(file:|Data\(contentsOf:/
        return source.path == "SerialPorts/SerialAdapter.swift" || !text.contains(reads)
            ? [] : ["reads a file without a limit: use PlainFile"]
    }

    static let nothingTrapsByHaste: Rule = { source in
        source.text.contains(/\btry!|\bas!|fatalError\(|[A-Za-z_\)\]]!\.|TODO|FIXME/)
            ? ["traps, or is not finished"] : []
    }

    static let linesAreShort: Rule = { source in
        source.lines.enumerated().compactMap { number, line in
            line.count <= 120 ? nil : "line \(number + 1) has \(line.count) columns"
        }
    }

    static let filesAndFunctionsAreShort: Rule = { source in
        var found = source.lines.count <= 420 ? [] : ["has \(source.lines.count) lines"]
        var start: (line: Int, indent: Int)?
        for (number, line) in source.lines.enumerated() {
            let indent = line.prefix { $0 == " " }.count
            let text = line.drop { $0 == " " }
            if start == nil, text.contains(/^(?:[a-z@]+(?:\([a-z]+\))? )*(?:func|init)\b.*\{$/) {
                start = (number, indent)
            }
            guard let opened = start, text == "}", indent == opened.indent else { continue }
            if number - opened.line > 75 {
                found.append("line \(opened.line + 1) begins a function of \(number - opened.line) lines")
            }
            start = nil
        }
        return found
    }

    /// One package: what its rooms show each other, nobody else sees.
    static let nothingIsPublic: Rule = { source in
        let kinds = "let|var|func|init|struct|class|enum|protocol|extension|actor|typealias|subscript|import"
        let isPublic = try? Regex("(?m)^\\s*(?:@\\w+ )*(?:public|open) (?:[a-z]+ )*(?:\(kinds))\\b")
        return isPublic.map(source.text.contains) ?? true ? ["has a public declaration"] : []
    }

    /// Clocks, sockets, files and chance are asked for only in the rooms that own them.
    static let theWorldIsTouchedOnlyAtItsSeams: Rule = { source in
        pure.contains(source.room)
            && source.text.contains(/\bDate\(\)|clock_gettime|\.random\(|ContinuousClock|MonotonicClock|URLSession/)
            ? ["asks the world itself"] : []
    }

    /// What decides about commands counts exactly, and knows no clock, no file and no line.
    static let commandsAreDecidedExactly: Rule = { source in
        guard ["CommandFacts", "CommandRecord", "PumpControl", "PumpRules", "Scores"].contains(source.room) else {
            return []
        }
        let allowed: [String: Set<String>] = ["CommandFacts": [], "PumpControl": ["CommandFacts"]]
        return (allowed[source.room].map { source.imports.subtracting($0).map { "imports \($0)" } } ?? [])
            + (source.text.contains(/\b(?:Double|Float|CGFloat|Decimal)\b/) ? ["counts in binary fractions"] : [])
    }

    /// A build without the command path has none of its rooms: who imports one is a file that such a build leaves out
    /// as a whole. What stands in its place is one file of a room, and only one place says which build this is.
    static let theCommandPathStandsApart: Rule = { source in
        let isWhole = source.text.hasSuffix("\n#endif\n")
        let isOfCommands = source.text.hasPrefix("#if Commands\n") && isWhole
        var found: [String] = []
        if !commandPath.contains(source.room), !isOfCommands {
            found += source.imports.intersection(commandPath).map { "imports \($0) and is in every build" }
        }
        let conditions = source.lines.count { $0.contains(/^\s*#(?:if|elseif|else)\b/) }
        if conditions == 0 || source.path == "CommandFacts/CommandPath.swift" { return found }
        let isStandIn = source.path.hasSuffix("/MonitorOnly.swift")
        let isRight = isStandIn ? source.text.hasPrefix("#if !Commands\n") && isWhole : isOfCommands
        if conditions > 1 || !isRight { found.append("is left out of a build in part") }
        return found
    }
    private static let commandPath: Set<String> = ["PumpControl", "PumpDesk", "PumpRules"]

    private static let rules: [(name: String, rule: Rule, bad: [Source])] = [
        (
            "modulesStayInTheirRooms", modulesStayInTheirRooms,
            [
                Source("Sampling/A.swift", "import CModbus\n"),
                Source("nabd/A.swift", "import Foundation\n@testable import GRDB\n"),
            ]
        ),
        (
            "dataFlowsOneWay", dataFlowsOneWay,
            [
                Source("Uplink/A.swift", "import LineEngine\n"), Source("DeviceModel/A.swift", "import Foundation\n"),
                Source("ModbusFrames/A.swift", "import RealTime\n"), Source("LineEngine/A.swift", "import Fieldbus\n"),
                Source("RealTime/A.swift", "import Foundation\n"),
                Source("JournalCoding/A.swift", "package import GRDB\n"),
            ]
        ),
        (
            "unsafeStaysWhereItMustBe", unsafeStaysWhereItMustBe,
            [
                Source("Uplink/A.swift", "let a: UnsafePointer<Int>"),
                Source("LineEngine/A.swift", "a.withUnsafeBytes { $0 }"),
            ]
        ),
        (
            "filesAreReadWithTheirLimit", filesAreReadWithTheirLimit,
            [
                "String(contentsOfFile: path, encoding: .utf8)", "FileManager.default.contents(atPath: path)",
                "try NIOSSLCertificate.fromPEMFile(path)", "NIOSSLPrivateKey(file: key, format: .pem)",
                "Data(contentsOf: place)", "String(contentsOfFile: \"/etc/nabd/a\", encoding: .utf8)",
            ].map { Source("nabd/A.swift", $0) }
        ),
        (
            "nothingTrapsByHaste", nothingTrapsByHaste,
            ["try! a()", "a as! B", "fatalError(\"a\")", "a!.b", "a()!.b", "// TODO"].map { Source("nabd/A.swift", $0) }
        ),
        ("linesAreShort", linesAreShort, [Source("nabd/A.swift", "// " + String(repeating: "a", count: 118))]),
        (
            "filesAndFunctionsAreShort", filesAndFunctionsAreShort,
            [
                Source("nabd/A.swift", String(repeating: "let a = 1\n", count: 421)),
                Source(
                    "nabd/A.swift",
                    "struct A {\n    private mutating func a() {\n" + String(repeating: "        b()\n", count: 80)
                        + "    }\n}\n"),
            ]
        ),
        (
            "commandsAreDecidedExactly", commandsAreDecidedExactly,
            [
                Source("PumpControl/A.swift", "let a: Double = 0"), Source("PumpControl/A.swift", "import Fieldbus\n"),
                Source("PumpControl/A.swift", "import RealTime\n"), Source("PumpRules/A.swift", "let a: Float = 0"),
                Source("CommandRecord/A.swift", "let a: Double = 0"),
                Source("CommandFacts/A.swift", "import PumpControl\n"),
            ]
        ),
        (
            "theCommandPathStandsApart", theCommandPathStandsApart,
            [
                Source("NabdHost/A.swift", "import PumpDesk\n"),
                Source("NabdHost/A.swift", "#if Commands\nimport PumpDesk\n#endif\nlet a = 1\n"),
                Source("NabdHost/A.swift", "#if Commands\nlet a = 1\n#else\nlet a = 2\n#endif\n"),
                Source("NabdHost/A.swift", "#if !Commands\nlet a = 1\n#endif\n"),
                Source("NabdHost/MonitorOnly.swift", "#if Commands\nlet a = 1\n#endif\n"),
                Source("LineEngine/A.swift", "let a = 1\n    #if DEBUG\n    b()\n    #endif\n"),
            ]
        ),
        ("nothingIsPublic", nothingIsPublic, [Source("Uplink/A.swift", "struct A {\n    public let b: Int\n}\n")]),
        (
            "theWorldIsTouchedOnlyAtItsSeams", theWorldIsTouchedOnlyAtItsSeams,
            ["Date()", "clock_gettime(a, b)", "Int.random(in: a)", "MonotonicClock().now()"].map {
                Source("LineEngine/A.swift", $0)
            }
        ),
    ]

    static func sources(in folder: String = "Sources", endingIn end: String = ".swift") throws -> [Source] {
        let root = Repository.root.appendingPathComponent(folder)
        let files = FileManager.default.enumerator(atPath: root.path)?.compactMap { $0 as? String } ?? []
        return try files.filter { $0.hasSuffix(end) && !$0.contains(".build/") }.map {
            Source($0, try String(contentsOf: root.appendingPathComponent($0), encoding: .utf8))
        }
    }

    @Test func linesOfTestsAreShortToo() throws {
        let swift = try Self.sources(in: "Tests") + Self.sources(in: "Benchmarks")
        let python = try ["hil-tests", "Tests/Fuzz", "Benchmarks"].flatMap { try Self.sources(in: $0, endingIn: ".py") }
        #expect(swift.count > 50 && python.count > 50)
        for source in swift + python {
            for found in Self.linesAreShort(source) { Issue.record("\(source.path) \(found)") }
        }
    }

    @Test(arguments: rules.indices) func theHouseIsTidy(index: Int) throws {
        let (name, rule, _) = Self.rules[index]
        let sources = try Self.sources()
        #expect(sources.count > 100)
        for source in sources { for found in rule(source) { Issue.record("\(source.path) \(found) (\(name))") } }
    }

    @Test(arguments: rules.indices) func eachRuleFindsWhatItIsFor(index: Int) {
        let (name, rule, bad) = Self.rules[index]
        for source in bad {
            #expect(!rule(source).isEmpty, "\(name) finds nothing in \(source.path): \(source.text.prefix(60))")
        }
    }

    @Test func everyProfileFolderHasProfileAndVectors() throws {
        let root = Repository.path("device-profiles")
        let profiles =
            FileManager.default.enumerator(atPath: root)?.compactMap { $0 as? String }.filter {
                $0.hasSuffix("profile.yaml")
            } ?? []
        #expect(profiles.count >= 4)
        for profile in profiles {
            let folder = "\(root)/\(profile.dropLast("profile.yaml".count))"
            #expect(FileManager.default.fileExists(atPath: folder + "vectors.yaml"), "\(folder)")
            #expect(FileManager.default.fileExists(atPath: folder + "README.md"), "\(folder)")
        }
    }
}
