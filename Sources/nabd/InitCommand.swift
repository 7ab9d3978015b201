import ArgumentParser
import NabdHost

struct InitCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "init",
        abstract: "Print a commented configuration to begin with: the devices of a mobile oncology unit.",
        discussion: "Nothing is written but to standard output."
    ).examples("nabd init > unit.yaml", "nabd check --config unit.yaml")

    func run() { print(UnitSample.text, terminator: "") }
}
