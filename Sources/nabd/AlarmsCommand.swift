import ArgumentParser

struct AlarmsCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "alarms", abstract: "Alarms of beds.", subcommands: [AlarmsReplayCommand.self])
}
