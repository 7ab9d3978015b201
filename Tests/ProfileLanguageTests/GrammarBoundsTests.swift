import Foundation
import StrictYAML
import TestSupport
import Testing

@testable import ProfileLanguage

/// What the grammar states is what the reader does: every bound and every word is fed to the reader, at the place where
/// a profile has it.
@Suite struct GrammarBoundsTests {
    /// A value in a profile with the shape that the grammar gives it.
    private struct Site {
        let path: String
        let text: String
        let part: String
        let key: String
        let shape: Grammar.Shape
        /// From 1.
        let line: Int
        let column: Int
        let written: String
        let keyLine: Int
        let keyColumn: Int
    }

    /// Where the rest of a file makes the bounds narrower, or another rule speaks first.
    private static let narrower: Set<String> = [
        "byte", "frame", "in", "of", "at", "from", "key-at", "attribute", "bits", "length", "longest", "unit", "count",
        "stride", "lists", "places", "digits", "registers", "input", "holding", "coil", "discrete", "longest-read",
        "bit", "adds", "retries", "number",
    ]

    private func sites(_ path: String, _ text: String) throws -> [Site] {
        let lines = text.split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
        var found: [Site] = []
        func scalar(_ value: YAMLValue) -> String? {
            guard !value.isMapping, !value.isList, !value.isQuoted, let word = value.word else { return nil }
            let (line, column) = (value.location.line, value.location.column)
            guard line <= lines.count, value.location.file == path else { return nil }
            // An anchor or a folded text stands elsewhere.
            return lines[line - 1].dropFirst(column - 1).hasPrefix(word) ? word : nil
        }
        func visit(
            _ value: YAMLValue, _ shape: Grammar.Shape, _ part: Grammar.Part, _ key: String, _ keyValue: YAMLValue
        ) {
            switch shape {
            case .part(let inner):
                if value.isMapping { visit(value, inner) }
            case .list(let inner):
                if value.isList { for one in value.list("") ?? [] { visit(one, inner, part, key, keyValue) } }
            case .oneOrMore(let inner):
                for one in value.listOrOne() { visit(one, inner, part, key, keyValue) }
            case .named(let inner):
                for entry in value.mapping("")?.entries ?? [] where value.isMapping {
                    visit(entry.value, inner, part, key, entry.keyValue)
                }
            case .either(let shapes):
                for inner in shapes {
                    switch inner {
                    case .part, .named: if value.isMapping { visit(value, inner, part, key, keyValue) }
                    case .list: if value.isList { visit(value, inner, part, key, keyValue) }
                    case .oneOrMore: visit(value, inner, part, key, keyValue)
                    default: break
                    }
                }
            case .whole, .duration, .span, .word, .truth, .number:
                guard let word = scalar(value) else { return }
                found.append(
                    Site(
                        path: path, text: text, part: part.name, key: key, shape: shape, line: value.location.line,
                        column: value.location.column, written: word, keyLine: keyValue.location.line,
                        keyColumn: keyValue.location.column))
            case .text, .bytes, .none: break
            }
        }
        func visit(_ value: YAMLValue, _ part: Grammar.Part) {
            for entry in value.mapping("")?.entries ?? [] {
                guard let key = part.keys.first(where: { $0.name == entry.key }) else { continue }
                visit(entry.value, key.shape, part, entry.key, entry.keyValue)
            }
        }
        visit(try YAMLFile(path: path, text: text).root, Grammar.profile)
        return found
    }

    private func all() throws -> [Site] {
        var files: [(String, String)] = []
        // The kitchen has every key, also those that no shipped profile needs.
        for folder in ["Tests/kitchen", "device-profiles"].map(Repository.path) {
            for case let name as String in FileManager.default.enumerator(atPath: folder) ?? NSEnumerator()
            where name.hasSuffix("/profile.yaml") {
                files.append(("\(folder)/\(name)", try String(contentsOfFile: "\(folder)/\(name)", encoding: .utf8)))
            }
        }
        var seen: [String: Int] = [:]
        // Two places of each key are enough.
        return try files.flatMap { try sites($0.0, $0.1) }.filter { site in
            seen["\(site.part).\(site.key)", default: 0] += 1
            return seen["\(site.part).\(site.key)", default: 0] <= 2
        }
    }

    /// What the reader says at a place when something else is written there.
    private func said(_ site: Site, _ written: String, line: Int, column: Int, instead: String) -> [String] {
        var lines = site.text.split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
        let row = lines[line - 1]
        lines[line - 1] = row.prefix(column - 1) + instead + row.dropFirst(column - 1 + written.count)
        do throws(InvalidFile) {
            let file = try YAMLFile(path: site.path, text: lines.joined(separator: "\n"))
            _ = try DeviceProfile.read(file)
            return []
        } catch {
            return error.diagnostics.filter {
                $0.severity == .error && $0.location.file == site.path && $0.location.line == line
                    && $0.location.column == column
            }.map(\.description)
        }
    }

    private func said(_ site: Site, _ instead: String) -> [String] {
        said(site, site.written, line: site.line, column: site.column, instead: instead)
    }

    private static func text(_ nanoseconds: Int64) -> String { "\(nanoseconds)ns" }

    @Test func everyBoundAndWordIsTheReaders() throws {
        let sites = try all()
        for site in sites {
            let name = "\(site.part).\(site.key) in \(site.path):\(site.line):\(site.column)"
            switch site.shape {
            case .whole(let range):
                let wrong = [range.lowerBound - 1, range.upperBound + 1]
                for value in wrong { #expect(!said(site, "\(value)").isEmpty, "\(name) takes \(value)") }
                for value in [range.lowerBound, range.upperBound] where !Self.narrower.contains(site.key) {
                    let told = said(site, "\(value)").filter { $0.contains(", expected ") }
                    #expect(told.isEmpty, "\(name) refuses \(value): \(told)")
                }
                #expect(!said(site, "many").isEmpty, "\(name) takes “many”")
            case .duration(let range):
                for value in [range.lowerBound - 1, range.upperBound + 1] where value >= 0 {
                    #expect(!said(site, Self.text(value)).isEmpty, "\(name) takes \(value) ns")
                }
                for value in [range.lowerBound, range.upperBound] {
                    let told = said(site, Self.text(value)).filter { $0.contains(", expected ") }
                    #expect(told.isEmpty, "\(name) refuses \(value) ns: \(told)")
                }
                #expect(!said(site, "10").isEmpty, "\(name) takes a time without a unit")
            case .span(let range):
                #expect(!said(site, "\(range.upperBound + 1)").isEmpty, "\(name) takes \(range.upperBound + 1)")
                #expect(!said(site, "-1").isEmpty && !said(site, "5..2").isEmpty, "\(name) takes what is no span")
            case .word(let words):
                for word in words {
                    let told = said(site, word).filter { $0.contains("), found “") }
                    // Which types there are depends on what holds the field.
                    #expect(told.isEmpty || site.key == "type", "\(name) refuses “\(word)”: \(told)")
                }
                #expect(!said(site, "wrong").isEmpty, "\(name) takes “wrong”")
            case .truth: #expect(!said(site, "yes").isEmpty, "\(name) takes “yes”")
            case .number: #expect(!said(site, "many").isEmpty, "\(name) takes “many”")
            default: break
            }
        }
        // All of them were there.
        let visited = Set(sites.map { "\($0.part).\($0.key)" })
        for part in Grammar.parts(in: Grammar.profile) {
            for key in part.keys where isBounded(key.shape) {
                #expect(visited.contains("\(part.name).\(key.name)"), "no profile here has \(part.name).\(key.name)")
            }
        }
    }

    private func isBounded(_ shape: Grammar.Shape) -> Bool {
        switch shape {
        case .whole, .duration, .span, .word, .truth, .number: true
        case .list(let inner), .oneOrMore(let inner), .named(let inner): isBounded(inner)
        default: false
        }
    }

    /// A key that the grammar does not have is told where it stands, in every part.
    @Test func everyPartRefusesAnotherKey() throws {
        var seen: Set<String> = []
        for site in try all() where seen.insert(site.part).inserted {
            guard site.keyLine > 0, site.part != "checksum" else { continue }
            let told = said(
                site, site.key, line: site.keyLine, column: site.keyColumn, instead: "another-key")
            #expect(!told.isEmpty, "\(site.part) takes another key: \(told)")
        }
        #expect(seen.count > 25, "\(seen.count)")
    }
}
