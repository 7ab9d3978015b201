import Foundation
import TestSupport
import Testing

/// The house's rules, checked on its own source.
@Suite struct TidyTests {
    private struct Source {
        let room: String
        let path: String
        let text: String

        var imports: Set<String> { Set(text.matches(of: /(?m)^(?:@testable )?import (?:struct |class )?(\w+)/).map { String($0.1) }) }
        var lines: [Substring] { text.split(separator: "\n", omittingEmptySubsequences: false) }
    }

    private let sources: [Source]

    init() throws {
        let root = Repository.root.appendingPathComponent("Sources")
        let files = FileManager.default.enumerator(atPath: root.path)?.compactMap { $0 as? String } ?? []
        sources = try files.filter { $0.hasSuffix(".swift") }.map { name in
            Source(
                room: String(name.prefix { $0 != "/" }), path: name,
                text: try String(contentsOf: root.appendingPathComponent(name), encoding: .utf8))
        }
        #expect(sources.count > 40)
    }

    private func expect(onlyIn rooms: Set<String>, importing module: String) {
        for source in sources where source.imports.contains(module) && !rooms.contains(source.room) {
            Issue.record("\(source.path) imports \(module), which belongs to \(rooms.sorted().joined(separator: ", "))")
        }
    }

    @Test func modulesStayInTheirRooms() {
        expect(onlyIn: ["Fieldbus"], importing: "CModbus")
        expect(onlyIn: ["Fieldbus"], importing: "CSerialPort")
        expect(onlyIn: ["SampleJournal"], importing: "GRDB")
        expect(onlyIn: ["DeviceProfiles"], importing: "Yams")
        expect(onlyIn: ["RecordsSandbox", "Observability"], importing: "Hummingbird")
        expect(onlyIn: ["Uplink"], importing: "AsyncHTTPClient")
        expect(onlyIn: ["Uplink"], importing: "FHIRMapping")
        expect(onlyIn: ["nabd"], importing: "ArgumentParser")
        expect(onlyIn: ["nabd"], importing: "DeviceSimulator")
    }

    @Test func dataFlowsOneWay() {
        for source in sources {
            if ["SampleJournal", "Uplink", "FHIRMapping", "Observability"].contains(source.room) {
                #expect(source.imports.isDisjoint(with: ["DeviceDrivers", "Fieldbus", "Sampling", "DeviceProfiles"]), "\(source.path)")
            }
            if ["DeviceModel", "Nomenclature"].contains(source.room) {
                #expect(source.imports.isSubset(of: ["Nomenclature"]), "\(source.path)")
            }
            if source.room == "RealTime" { #expect(!source.imports.contains("Foundation"), "\(source.path)") }
        }
    }

    @Test func unsafeStaysWhereItMustBe() {
        for source in sources where !["RealTime", "Fieldbus"].contains(source.room) {
            #expect(!source.text.contains(/\bUnsafe\w*|withUnsafe|Unmanaged/), "\(source.path) uses unsafe memory")
        }
    }

    @Test func nothingTrapsByHaste() {
        for source in sources {
            #expect(!source.text.contains(/\btry!|\bas!|fatalError\(|[A-Za-z_\)\]]!\.|TODO|FIXME/), "\(source.path)")
        }
    }

    @Test func filesAndFunctionsAreShort() {
        for source in sources {
            #expect(source.lines.count <= 420, "\(source.path) has \(source.lines.count) lines")
            var start: (line: Int, indent: Int)?
            for (number, line) in source.lines.enumerated() {
                let indent = line.prefix { $0 == " " }.count
                let text = line.drop { $0 == " " }
                if start == nil, text.contains(/^(?:[a-z@]+(?:\([a-z]+\))? )*(?:func|init)\b.*\{$/) { start = (number, indent) }
                if let opened = start, text == "}", indent == opened.indent {
                    #expect(number - opened.line <= 75, "\(source.path):\(opened.line + 1) is \(number - opened.line) lines long")
                    start = nil
                }
            }
        }
    }

    /// Clocks, sockets, files and chance are asked for only in the rooms that own them.
    @Test func theWorldIsTouchedOnlyAtItsSeams() {
        for source in sources where ["DeviceModel", "DeviceProfiles", "DeviceDrivers", "FHIRMapping", "Nomenclature"].contains(source.room) {
            #expect(!source.text.contains(/\bDate\(\)|clock_gettime|\.random\(|ContinuousClock|URLSession/), "\(source.path)")
        }
    }

    @Test func everyProfileFolderHasProfileAndVectors() throws {
        let root = Repository.path("device-profiles")
        let profiles = FileManager.default.enumerator(atPath: root)?.compactMap { $0 as? String }.filter { $0.hasSuffix("profile.yaml") } ?? []
        #expect(profiles.count >= 4)
        for profile in profiles {
            let folder = "\(root)/\(profile.dropLast("profile.yaml".count))"
            #expect(FileManager.default.fileExists(atPath: folder + "vectors.yaml"), "\(folder)")
            #expect(FileManager.default.fileExists(atPath: folder + "README.md"), "\(folder)")
        }
    }
}
