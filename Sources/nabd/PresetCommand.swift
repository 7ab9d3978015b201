import ArgumentParser
import DeviceModel
import Foundation
import Nomenclature
import Presets
import StrictYAML

struct PresetCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "preset", abstract: "Check and show presets: which alarms a bed gives.",
        subcommands: [List.self, Lint.self, Show.self, Reference.self])

    /// Where presets are looked for, and the names that they may use.
    struct Place: ParsableArguments {
        @Option(help: "A folder of presets before the one that comes with the program; more than one may be given.")
        var presets: [String] = []
        @Option(help: "A folder of profiles whose own names of metrics may be used.") var profiles: [String] = []

        func names() -> Nomenclature {
            let folders = profiles + [(try? ProfileCommand.defaultFolder()) ?? ""].filter { !$0.isEmpty }
            let shelf = NomenclatureShelf.names(besides: folders)
            for finding in shelf.findings { printError(finding.description) }
            return shelf.nomenclature
        }

        func shelf() throws -> PresetShelf {
            for folder in presets where !FileManager.default.fileExists(atPath: folder) {
                throw Failure(.bad, "\(folder): there is no such folder")
            }
            let shipped = try? ShippedFolder.find("presets", packaged: PresetShelf.packaged)
            guard let shipped else {
                guard !presets.isEmpty else {
                    throw Failure(.unavailable, "there is no folder presets here: give one with --presets")
                }
                return PresetShelf(folders: presets, names: names())
            }
            return PresetShelf(folders: presets + [shipped], names: names())
        }

        /// A preset by its name, or by the path of its file.
        func load(_ name: String) throws -> Preset {
            if name.hasSuffix(".yaml") {
                guard FileManager.default.fileExists(atPath: name) else {
                    throw Failure(.bad, "\(name):1:1: error: there is no such file")
                }
                return try Preset.load(name, names: names())
            }
            let shelf = try shelf()
            guard let preset = try shelf.load(name) else {
                let near = shelf.suggest(name).map { " — \($0)" } ?? ": “nabd preset list” tells them"
                throw Failure(.bad, "there is no preset “\(name)”\(near)")
            }
            return preset
        }
    }

    struct Lint: ParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Check presets: every fault at file:line:column.")
            .examples("nabd preset lint /etc/nabd/presets", "nabd preset lint ./chair.yaml")
        @Argument(help: "Files, or folders of them.") var paths: [String]
        @Option(help: "A folder of profiles whose own names of metrics may be used.") var profiles: [String] = []

        func run() throws {
            var place = Place()
            (place.profiles, place.presets) = (profiles, [])
            let names = place.names()
            var (errors, warnings, unreviewed) = (0, 0, 0)
            let files = try PresetCommand.files(paths)
            for file in files {
                let diagnostics = Diagnostics()
                do throws(InvalidFile) {
                    let preset = try Preset.load(file, names: names, diagnostics: diagnostics)
                    if preset.review == nil { unreviewed += 1 }
                } catch {
                    for finding in error.diagnostics { diagnostics.report(finding) }
                }
                for finding in diagnostics.all { printError(finding.description) }
                errors += diagnostics.all.count { $0.severity == .error }
                warnings += diagnostics.all.count { $0.severity == .warning }
            }
            print(
                "\(files.count) presets: \(errors) errors, \(warnings) warnings; \(unreviewed) "
                    + Preset.notReviewed)
            if errors > 0 { throw ExitCode(ExitStatus.bad.rawValue) }
        }
    }

    /// The preset files at or in some paths, sorted.
    static func files(_ paths: [String]) throws -> [String] {
        var found: [String] = []
        for path in paths {
            var isDirectory: ObjCBool = false
            guard FileManager.default.fileExists(atPath: path, isDirectory: &isDirectory) else {
                throw Failure(.bad, "\(path):1:1: error: there is no such file or folder")
            }
            guard isDirectory.boolValue else {
                found.append(path)
                continue
            }
            let names = (try? FileManager.default.contentsOfDirectory(atPath: path)) ?? []
            let folder = path.hasSuffix("/") ? String(path.dropLast()) : path
            found += names.filter { $0.hasSuffix(".yaml") }.map { "\(folder)/\($0)" }
        }
        guard !found.isEmpty else {
            throw Failure(.bad, "\(paths.joined(separator: ", ")): there is no preset (NAME.yaml) here")
        }
        return found.sorted()
    }

    struct List: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "The presets that there are, what they are for, and who has reviewed them."
        ).examples("nabd preset list", "nabd preset list --presets /etc/nabd/presets --json")
        @OptionGroup var place: Place
        @Flag(help: "A JSON line for each preset.") var json = false

        func run() throws {
            let shelf = try place.shelf()
            var faults = 0
            for (name, path) in shelf.paths {
                let preset: Preset
                do throws(InvalidFile) {
                    guard let loaded = try shelf.load(name) else { continue }
                    preset = loaded
                } catch {
                    faults += 1
                    printError(error.description)
                    continue
                }
                print(json ? preset.json(path: path).text : preset.line)
            }
            if faults > 0 { throw ExitCode(ExitStatus.bad.rawValue) }
        }
    }

    struct Show: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "One preset as a table, with what each of its numbers rests on."
        ).examples("nabd preset show oncology-chair", "nabd preset show ./chair.yaml")
        @Argument(help: "A preset's name, or the path of its file.") var name: String
        @OptionGroup var place: Place

        func run() throws { print(try place.load(name).table, terminator: "") }
    }

    struct Reference: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Print the reference page of the language of presets."
        )
        .examples("nabd preset reference > presets.md")

        func run() throws { print(PresetGrammar.reference, terminator: "") }
    }
}
