#if !Commands
import ArgumentParser
import CommandFacts

/// A build without the command path: who may ask the host is made here all the same; whatever else is asked of a pump
/// is refused, and nobody is asked. Exit code: 1.
struct PumpCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "pump", abstract: "This build commands no pump; it makes entries for who may ask the host.",
        subcommands: [PumpOperatorCommand.self])

    @Argument(parsing: .captureForPassthrough, help: .hidden) var asked: [String] = []

    func run() throws {
        let stop = asked.first == "stop" ? "Stop the pump by its own STOP key now.\n" : ""
        throw PumpCaller.refuse("\(stop)Nothing was sent: \(CommandPath.lacking).")
    }
}
#endif
