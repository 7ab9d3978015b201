import ArgumentParser
import DeviceModel
import Foundation
import Nomenclature
import ProfileLanguage

extension ProfileCommand {
    struct Schema: ParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Print the JSON Schema of profiles, for editors.")
            .examples("nabd profile schema > profile.schema.json")
        @Flag(help: "The schema of vector files instead.") var vectors = false

        func run() throws {
            print(Grammar.schema(of: vectors ? Grammar.vectorFile : Grammar.profile).indentedText, terminator: "")
        }
    }

    struct Reference: ParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Print the reference page of the profile language.")
            .examples("nabd profile reference > profile-reference.md")

        func run() throws { print(Grammar.reference, terminator: "") }
    }

    struct Metrics: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "List the metrics a profile may name, with what they measure and their units."
        ).examples("nabd profile metrics temperature", "nabd profile metrics --events sensor")
        @Argument(help: "Only those with all of these words in their name, meaning or units.") var words: [String] = []
        @Option(help: "A folder of profiles; its own nomenclature counts as well.") var directory = "device-profiles"
        @Flag(help: "Events that alerts may name, instead of metrics.") var events = false

        func run() throws {
            let shelf = NomenclatureShelf.names(besides: [directory])
            let names = shelf.nomenclature
            let lines = events ? names.events.values.map(line) : names.metrics.values.map { line($0, names) }
            let found = lines.filter { line in words.allSatisfy { line.localizedCaseInsensitiveContains($0) } }.sorted()
            for line in found { print(line) }
            for finding in shelf.findings { FileHandle.standardError.write(Data("\(finding)\n".utf8)) }
            if found.isEmpty {
                throw Failure(
                    .bad,
                    "no \(events ? "event" : "metric") of the nomenclature has “\(words.joined(separator: " "))” in "
                        + "its name, meaning or units. A name of your "
                        + "own stands under “names” of the profile or in a table beside the profiles: "
                        + "docs/profile-authoring.md, “Names”"
                )
            }
            if !shelf.findings.isEmpty { throw ExitCode(1) }
        }

        private func line(_ metric: MetricName, _ names: Nomenclature) -> String {
            let fitting = names.units(for: metric).map(\.ucum).filter { !metric.measuredIn.contains($0) }
            let units =
                metric.isText
                ? "words"
                : metric.measuredIn.isEmpty ? "any unit" : "in " + (metric.measuredIn + fitting).joined(separator: ", ")
            return
                "\(metric.referenceID)  \(metric.display)\(metric.arabicDisplay.map { " (\($0))" } ?? ""): \(units); "
                + "\(metric.category.rawValue)"
                + (metric.code.map { "; \($0), \(metric.proof)" } ?? "")
        }

        private func line(_ event: EventName) -> String {
            "\(event.referenceID)  \(event.display)\(event.arabicDisplay.map { " (\($0))" } ?? "")"
                + (event.code.map { "; \($0), \(event.proof)" }
                    ?? (event.proof.isEmpty ? "" : "; no number: \(event.proof)"))
        }
    }

    struct New: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "new",
            abstract:
                "Start a profile: a folder with profile, vectors and README, commented. Asks for what no option tells."
        ).examples("nabd profile new acme/scale-1 --kind stream --baud 9600 --format 8N1")
        @Argument(help: "The new profile, vendor/model: lower-case letters, digits and hyphens.") var name: String
        @Option(help: "What the device does: \(ProfileStart.Kind.allCases.map(\.rawValue).joined(separator: ", ")).")
        var kind: ProfileStart.Kind?
        @Option(help: "Who makes it.") var manufacturer: String?
        @Option(help: "Its model.") var model: String?
        @Option(help: "Baud rate of its line.") var baud: Int?
        @Option(help: "Data bits, parity and stop bits, such as 8N1.") var format: String?
        @Option(help: "The folder of profiles.") var directory = "device-profiles"

        func run() throws {
            guard name.wholeMatch(of: /[a-z0-9][a-z0-9-]*\/[a-z0-9][a-z0-9-]*/) != nil else {
                throw Failure(.usage, "“\(name)” is not vendor/model in lower-case letters, digits and hyphens")
            }
            let folder = "\(directory)/\(name)"
            guard !FileManager.default.fileExists(atPath: folder) else {
                throw Failure(.usage, "\(folder) is there already: nothing is overwritten")
            }
            let kinds = ProfileStart.Kind.allCases.map { "\($0.rawValue): \($0.meaning)" }.joined(separator: "\n  ")
            let parts = name.split(separator: "/").map(String.init)
            let chosen =
                try kind ?? ask("What does the device do?\n  \(kinds)\n", "stream") { ProfileStart.Kind(rawValue: $0) }
            let start = ProfileStart(
                kind: chosen, manufacturer: try manufacturer ?? ask("Who makes it?", parts[0]) { $0 },
                model: try model ?? ask("Which model?", parts[1]) { $0 },
                baud: chosen == .modbusTCP ? 0 : try baud ?? ask("At how many baud?", "9600") { Int($0) },
                format: chosen == .modbusTCP ? "" : try format ?? ask("Data bits, parity, stop bits?", "8N1") { $0 })
            guard chosen == .modbusTCP || start.hasGoodLine else {
                throw Failure(
                    .usage,
                    "\(start.baud) baud \(start.format) is no line: 300 to 921600 baud, and a format such as 8N1, 7E1 "
                        + "or 8O2"
                )
            }
            try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
            for (file, text) in start.files(name: name) {
                try Data(text.utf8).write(to: URL(fileURLWithPath: "\(folder)/\(file)"))
            }
            print("\(folder)/: profile.yaml, vectors.yaml, README.md. Next: nabd profile lint \(folder)")
        }

        /// Asks at a terminal; elsewhere the usual answer is taken.
        private func ask<Answer>(_ question: String, _ usual: String, read: (String) -> Answer?) throws -> Answer {
            var text = usual
            if isatty(STDIN_FILENO) == 1 {
                print("\(question) [\(usual)] ", terminator: "")
                fflush(nil)
                if let line = readLine(), !line.isEmpty { text = line }
            }
            guard let answer = read(text) else {
                throw Failure(.usage, "“\(text)” is no answer to: \(question.split(separator: "\n").first ?? "")")
            }
            return answer
        }
    }
}

extension ProfileStart.Kind: ExpressibleByArgument {}
