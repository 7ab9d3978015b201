import ArgumentParser
import DeviceModel
import Foundation
import NabdHost
import SampleJournal
import StrictYAML
import Uplink

struct JournalCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "journal", abstract: "Read and verify what is stored.",
        subcommands: [Stat.self, Tail.self, Verify.self, Export.self, Events.self])

    /// Which journal.
    struct Place: ParsableArguments {
        @Option(help: "The journal's folder, instead of the configuration that names it.") var journal: String?
        @OptionGroup var file: UnitFile

        func open() throws -> JournalReader {
            guard journal == nil || file.given == nil else {
                throw Failure(.usage, "give either --journal FOLDER or --config unit.yaml")
            }
            let directory = try journal ?? file.load(faultsCost: .itsPart).journalDirectory
            do {
                return try JournalReader(directory: directory)
            } catch let error as JournalError {
                throw Failure(.unavailable, error.description)
            } catch {
                throw Failure(
                    .bad, "the journal in \(directory) cannot be read (\(error)): nabd journal verify names the fault")
            }
        }
    }

    struct Stat: ParsableCommand {
        static let configuration = CommandConfiguration(abstract: "What the journal holds.").examples(
            "nabd journal stat", "nabd journal stat --journal ./journal --json")
        @OptionGroup var place: Place
        @Flag(help: "One JSON line.") var json = false

        func run() throws {
            let statistics = try place.open().statistics()
            let perSample = statistics.bytesPerSample.map { JSON.number(SummaryText.rounded($0)) } ?? .null
            if json {
                print(
                    JSON.members([
                        "sessions": .integer(statistics.sessions), "streams": .integer(statistics.streams),
                        "chunks": .integer(statistics.chunks),
                        "samples": .integer(statistics.samples), "events": .integer(statistics.events),
                        "devices": .object(
                            statistics.devices.map { JSON.Member(name: $0.handle, value: .integer($0.samples)) }),
                        "payloadBytes": .integer(statistics.payloadBytes), "fileBytes": .integer(statistics.fileBytes),
                        "bytesPerSample": perSample,
                    ]).text)
                return
            }
            print(
                """
                sessions  \(statistics.sessions)
                streams   \(statistics.streams)
                samples   \(statistics.samples) in \(statistics.chunks) chunks
                events    \(statistics.events)
                \(statistics.devices.map { "device    \($0.handle): \($0.samples) samples" }.joined(separator: "\n"))
                size      \(statistics.fileBytes) bytes, of which \(statistics.payloadBytes) are coded samples \
                (\(perSample.text) bytes a sample)
                """)
        }
    }

    struct Tail: ParsableCommand {
        static let configuration = CommandConfiguration(abstract: "The newest samples and events as JSON lines.")
            .examples("nabd journal tail --follow", "nabd journal tail --commits 100")
        @OptionGroup var place: Place
        @Option(help: "How many commits back to begin.") var commits: Int64 = 20
        @Flag(name: .shortAndLong, help: "Go on as the journal grows.") var follow = false

        func validate() throws {
            guard (0...1_000_000).contains(commits) else {
                throw ValidationError("--commits takes 0 to 1000000")
            }
        }

        func run() throws {
            let reader = try place.open()
            // Before the first look: what is committed meanwhile wakes it.
            let watch = follow ? CommitWatch(directory: reader.files.directory) : nil
            let export = JournalExport(reader)
            var cursor = JournalExport.Cursor(after: max(0, try reader.newestChunk() - commits))
            var event = max(0, try reader.newestEvent() - commits)
            while true {
                event = try export.events(after: event) { print($0) }
                try export.samples(from: &cursor, csv: false) { print($0) }
                guard let watch else { return }
                while !watch.wait(within: .seconds(60)) {}
            }
        }
    }

    struct Verify: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Check every block, every number and the events' chain. Exit 1 when anything is wrong.",
            discussion:
                "Whoever may write the journal can write another one that fits in itself. With --against it is held "
                + "against what the records service was given: each event there carries the hash of the chain up to "
                + "it. With --certificate the witnesses in it are held against the unit's own key."
        ).examples("nabd journal verify", "nabd journal verify --certificate /etc/nabd/keys/unit.pem")
        @OptionGroup var place: Place
        @Option(help: "Resources of the records service: a FHIR bundle, or a resource a line.") var against: String?

        @Option(help: "The unit's certificate, whose key signed witnesses in the journal: a PEM file.")
        var certificate: String?

        func run() throws {
            let reader = try place.open()
            var result = try reader.verify()
            if let certificate {
                let report = try WitnessSignature.check(reader, certificate: certificate)
                result.faults += report.faults
                print(
                    "\(report.agreeing) signed witnesses agree"
                        + (report.others > 0 ? ", \(report.others) are of other certificates" : ""))
                if report.agreeing == 0, report.faults.isEmpty {
                    result.faults.append("no witness in it is signed by the key of \(certificate)")
                }
            }
            if let against {
                let report = try JournalWitnesses(readingFrom: against).compare(with: reader)
                result.faults += report.faults
                let end =
                    report.newestAgreeing == report.newest
                    ? "the newest, \(report.newest), is among them"
                    : "the newest of them is \(report.newestAgreeing), and the record goes on to \(report.newest)"
                print(
                    "\(report.agreeing) delivered events agree; \(end)"
                        + (report.gone > 0 ? "; \(report.gone) lie before the first that is kept" : ""))
            }
            for fault in result.faults { print("fault: \(fault)") }
            if result.declaredMissing > 0 {
                print("\(result.declaredMissing) samples are declared missing: shed, or never taken by the disk")
            }
            print(
                "\(result.chunks) chunks with \(result.samples) samples and \(result.events) events: "
                    + "\(result.faults.isEmpty ? "whole" : "\(result.faults.count) faults")"
            )
            if !result.faults.isEmpty { throw ExitCode(ExitStatus.bad.rawValue) }
        }
    }

    struct Export: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Everything, or one metric of a time, as JSON lines or CSV."
        ).examples(
            "nabd journal export --from 2026-11-22T06:00:00Z > morning.jsonl",
            "nabd journal export --device fridge --metric MDC_TEMP --csv")
        @OptionGroup var place: Place
        @Flag(help: "JSON lines, the default: samples in the order of their commits, then events.") var jsonl = false
        @Flag(help: "CSV of the samples.") var csv = false
        @Option(help: "Only this device's.") var device: String?
        @Option(help: "Only this metric's, such as MDC_PULS_OXIM_SAT_O2; no events.") var metric: String?
        @Option(help: "From this time on, such as 2026-11-22T06:15:00Z.") var from: String?
        @Option(help: "Before this time.") var to: String?

        func run() throws {
            if csv, jsonl { throw Failure(.usage, "give either --jsonl or --csv") }
            let reader = try place.open()
            let export = JournalExport(reader)
            let selection = JournalReader.Selection(
                device: device, metric: metric, from: try Self.time(from, "--from") ?? .min,
                to: try Self.time(to, "--to") ?? .max)
            let streams = try reader.streams().map(\.descriptor)
            // A device that was left out has events, and nothing else.
            let unknown = unknown(among: streams)
            if let unknown, csv || metric != nil { throw unknown }
            if csv { print(JournalExport.csvHeader) }
            var cursor = JournalExport.Cursor(after: 0)
            try export.samples(from: &cursor, selection, csv: csv) { print($0) }
            var events = 0
            if !csv, metric == nil {
                _ = try export.events(after: 0, selection) {
                    events += 1
                    print($0)
                }
            }
            if let unknown, events == 0 { throw unknown }
        }

        /// What of that which is asked for the journal has no samples of: that nothing is printed must mean that
        /// nothing was.
        private func unknown(among streams: [StreamDescriptor]) -> Failure? {
            let devices = Set(streams.map(\.device)).sorted()
            if let device, !devices.contains(device) {
                return Self.unknown(device, devices, "the journal has no device")
            }
            guard let metric else { return nil }
            let metrics = Set(streams.filter { device ?? $0.device == $0.device }.map(\.metric)).sorted()
            guard !metrics.contains(metric) else { return nil }
            return Self.unknown(
                metric, metrics,
                device.map { "the journal's device “\($0)” has no metric" }
                    ?? "the journal has no metric")
        }

        private static func unknown(_ name: String, _ known: [String], _ words: String) -> Failure {
            let near = YAMLValue.suggest(name, among: known).map { " — \($0)" }
            let most = 12
            let names = known.prefix(most).joined(separator: ", ") + (known.count > most ? ", …" : "")
            return Failure(.bad, "\(words) “\(name)”" + (near ?? (known.isEmpty ? "" : "; it has \(names)")))
        }

        static func time(_ text: String?, _ option: String) throws -> Int64? {
            guard let text else { return nil }
            guard let time = UTCTime.nanoseconds(text) else {
                throw Failure(.usage, "\(option) is a time such as 2026-11-22T06:15:00Z, not “\(text)”")
            }
            return time
        }
    }
    struct Events: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Print the reference page of the journal's events and the host's alerts."
        ).examples("nabd journal events > events.md")

        func run() throws { print(EventReference.markdown, terminator: "") }
    }
}
