import ArgumentParser
import DeviceModel
import Foundation
import NabdHost
import Observability
import StrictYAML

/// Where a running host is asked.
struct HostPlace: ParsableArguments {
    @OptionGroup var file: UnitFile
    @Option(help: "The host's status socket, instead of the configuration that names it.") var socket: String?

    func path() throws -> String {
        if let socket {
            return socket.hasPrefix("/") ? socket : "\(FileManager.default.currentDirectoryPath)/\(socket)"
        }
        do throws(InvalidFile) { return try file.load(faultsCost: .itsPart).statusSocket } catch {
            // The host may run by its last good configuration while the file cannot be read.
            guard access(UnitFile.usualSocket, F_OK) == 0 else { throw error }
            printError(error.description)
            return UnitFile.usualSocket
        }
    }
}

struct StatusCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "status",
        abstract: "Ask the running host how it is: devices, newest values, alerts, lines, journal, uplink.",
        discussion:
            "The host tells its own user, its group and root. A value that is not of now, or does not count, "
            + "is shown as ––, with its age and the reason. Exit 0 when the host says ok, 1 when it says that "
            + "something is wrong, 69 when no host answers."
    ).examples("nabd status", "nabd status --json")

    @OptionGroup var host: HostPlace
    @Flag(help: "Print the document as the host tells it: one JSON line.") var json = false

    func run() throws {
        let (text, status) = try StatusDocument.ask(at: host.path())
        print(json ? text : StatusTable(status).lines.joined(separator: "\n"))
        guard status.health.state == "ok" else { throw ExitCode(ExitStatus.bad.rawValue) }
    }
}

struct WatchCommand: ParsableCommand {
    /// How often the host is asked at the most, and at the least. Unit: s.
    private static let range = 0.25...60.0

    static let configuration = CommandConfiguration(
        commandName: "watch",
        abstract: "Watch the running host: the table of “nabd status”, live, with a trace of each waveform.",
        discussion: "Ends on Ctrl-C. Into a file or a pipe it writes one table after another."
    ).examples("nabd watch", "nabd watch --every 2")

    @OptionGroup var host: HostPlace
    @Option(help: "Seconds between two looks, 0.25 to 60.") var every = 0.5

    func validate() throws {
        guard Self.range.contains(every) else {
            throw ValidationError("--every is 0.25 to 60 seconds, found \(every)")
        }
    }

    func run() throws {
        let path = try host.path()
        let screen = Screen()
        var isFirst = true
        while true {
            do {
                screen.show(StatusTable(try StatusDocument.ask(at: path).document).lines)
            } catch let failure as Failure {
                // Nothing was ever there to be watched; later a host that restarts is waited for.
                if isFirst { throw failure }
                screen.show(
                    ["NOTHING IS KNOWN OF THE UNIT NOW; this looks again"]
                        + "\(failure)".split(separator: ": ").map { "  \($0)" })
            }
            isFirst = false
            Thread.sleep(forTimeInterval: every)
        }
    }
}

struct ReloadCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "reload",
        abstract: "Have the running host read its configuration anew.",
        discussion:
            "What is on a line that did not change goes on undisturbed. The file is checked first: with a fault "
            + "in it the host is not told, unless --despite-faults says that each is to cost its own part only, as "
            + "at a start. What the host makes of it stands in its log and in “nabd status”. As the "
            + "host's own user or root; the same as SIGHUP to the host."
    ).examples("nabd reload", "nabd reload --despite-faults")

    @OptionGroup var file: UnitFile
    @Flag(help: "Also where the file has faults: each costs its own part, as at a start.") var despiteFaults = false

    func run() throws {
        let diagnostics = Diagnostics()
        let unit: UnitConfiguration
        do throws(InvalidFile) {
            unit = try file.load(diagnostics: diagnostics, faultsCost: despiteFaults ? .itsPart : .everything)
        } catch {
            printError(error.description)
            throw Failure(
                .bad,
                "the host was not told and goes on as it is: mend the file; or have it take what is right, as a start "
                    + "would, with “nabd reload --despite-faults”")
        }
        for finding in diagnostics.all { printError(finding.description) }
        let process: Int32
        do throws(StatusSocketError) { process = try StatusSocket.process(at: unit.statusSocket) } catch {
            throw Failure(.unavailable, "\(error)")
        }
        guard kill(process, SIGHUP) == 0 else {
            throw Failure(
                .unavailable, "the host (process \(process)) cannot be told: only its own user and root may")
        }
        print("the host reads \(file.path) anew: “nabd status” tells what it made of it")
    }
}

/// A terminal that is written anew at each look, or a file that gets one table after another.
private struct Screen {
    private let isTerminal = isatty(STDOUT_FILENO) == 1

    func show(_ lines: [String]) {
        guard isTerminal else { return print(lines.joined(separator: "\n") + "\n") }
        var size = winsize()
        let hasSize = ioctl(STDOUT_FILENO, UInt(TIOCGWINSZ), &size) == 0 && size.ws_row > 2 && size.ws_col > 20
        let (rows, columns) = hasSize ? (Int(size.ws_row) - 1, Int(size.ws_col)) : (50, 120)
        var shown = lines
        if lines.count > rows {
            shown = lines.prefix(rows - 1) + ["… \(lines.count - rows + 1) more lines: make the window higher"]
        }
        // To the upper left, each line cleared to its end, and what is below the last one.
        let text = shown.map { Printable.text(String($0.prefix(columns))) + "\u{1B}[K\n" }.joined()
        FileHandle.standardOutput.write(Data("\u{1B}[H\(text)\u{1B}[J".utf8))
    }
}
