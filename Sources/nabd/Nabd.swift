import ArgumentParser
import CPosix
import DeviceModel
import Foundation
import SampleJournal
import StrictYAML
import Uplink

/// The command line. Exit codes: 0 success, 1 the thing checked is bad, 2 usage, 69 unavailable, 74 input or output.
@main
struct Nabd: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "nabd",
        abstract: "The host of a mobile medical unit: devices to a durable journal to the records service.",
        version: HostVersion.text,
        subcommands: [
            DemoCommand.self, InitCommand.self, RunCommand.self, StatusCommand.self, WatchCommand.self,
            ReloadCommand.self, CheckCommand.self, ProfileCommand.self, PresetCommand.self, AlarmsCommand.self,
            BedCommand.self, ConsultationCommand.self,
            JournalCommand.self, ExportCommand.self,
            UplinkCommand.self, PumpCommand.self, ExporterCommand.self, DoctorCommand.self, PortsCommand.self,
            SupportCommand.self,
        ])

    /// What a word that is no command was meant to be.
    private static func nearCommand(_ words: some Sequence<String>) -> String? {
        var command: any ParsableCommand.Type = Nabd.self
        for word in words {
            let below = command.configuration.subcommands
            guard !below.isEmpty, !word.hasPrefix("-") else { return nil }
            guard let next = below.first(where: { $0._commandName == word }) else {
                return YAMLValue.suggest(word, among: below.map { $0._commandName }).map { "“\(word)”: \($0)" }
            }
            command = next
        }
        return nil
    }

    static func main() async {
        NATSService.prepareProcess()
        nabd_line_buffer_output()
        nabd_bound_arenas()
        // What is written may be about patients: nobody but the owner and the group reads it, from the first byte on.
        umask(0o027)
        // A reader of our output that goes away (head, a closed pipe) is the end of the work, not a crash.
        signal(SIGPIPE, SIG_DFL)
        do {
            var command = try parseAsRoot()
            if var asynchronous = command as? any AsyncParsableCommand {
                try await asynchronous.run()
            } else {
                try command.run()
            }
        } catch let failure as Failure {
            printError(failure.description)
            Foundation.exit(failure.exit.rawValue)
        } catch let unreadable as JournalError {
            printError(unreadable.description)
            Foundation.exit(ExitStatus.unavailable.rawValue)
        } catch let invalid as InvalidFile {
            printError(invalid.description)
            Foundation.exit(ExitStatus.bad.rawValue)
        } catch {
            let code = exitCode(for: error)
            if code == .success || error is ExitCode {
                exit(withError: error)
            }
            let text = fullMessage(for: error)
            if code == .validationFailure {
                printError(text)
                if let words = nearCommand(CommandLine.arguments.dropFirst()) { printError(words) }
                Foundation.exit(ExitStatus.usage.rawValue)
            }
            printError("error: \(error)")
            Foundation.exit(ExitStatus.io.rawValue)
        }
    }
}

/// What the program says to its caller.
enum ExitStatus: Int32 {
    case bad = 1
    case usage = 2
    /// The configuration has no part that is needed, and no fault. Source: LSB init scripts, “not configured”.
    case notConfigured = 6
    case unavailable = 69
    case io = 74
}

/// An end with words and a status.
struct Failure: Error, CustomStringConvertible {
    let exit: ExitStatus
    let description: String

    init(_ exit: ExitStatus, _ description: String) {
        self.exit = exit
        self.description = description
    }
}
