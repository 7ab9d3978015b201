import ArgumentParser
import DeviceModel
import DeviceSimulator
import Foundation
import Logging
import NabdHost
import OperatorDesk
import RealTime
import RecordsSandbox
import ServiceLifecycle
import UnixSignals

struct DemoCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "demo",
        abstract:
            "A whole unit on this machine: eight beds with played devices, the host, its screen and a records service, "
            + "all real but the devices and the patients."
    ).examples("nabd demo", "nabd demo --for 2min --directory ./demo")

    @Option(name: .customLong("for"), help: "How long, such as 30s; without it, until Ctrl-C.") var time: String?
    @Option(help: "The screen's port on 127.0.0.1; without it, one that is free.") var port: Int?
    @Flag(
        help:
            "For machines: the first line is where the screen is and who may sign in, the last one the result, as JSON."
    ) var json = false
    @Option(help: "The folder of device profiles; without it, device-profiles here or above the program.") var profiles:
        String?
    @Option(help: "Where the unit's files go; kept afterwards. Without it, a folder that is removed.") var directory:
        String?

    func validate() throws {
        guard (1...65535).contains(port ?? 1) else { throw ValidationError("A port is 1 to 65535.") }
    }

    func run() async throws {
        signal(SIGPIPE, SIG_IGN)
        let length = try time.map(duration)
        let profiles = try profiles ?? ProfileCommand.defaultFolder()
        let folder =
            directory
            ?? FileManager.default.temporaryDirectory.appendingPathComponent("nabd-demo-\(UUID().uuidString)").path
        try FileManager.default.createDirectory(
            atPath: folder, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
        defer { if directory == nil { try? FileManager.default.removeItem(atPath: folder) } }
        let logger = makeLogger(level: .error)
        let certificates = try SandboxCertificates(unit: DemoUnit.name)
        try certificates.write(to: folder)
        let sandbox = try SandboxServer(certificates, logger: logger)
        let serving = Task { try await sandbox.run() }
        guard let server = await sandbox.address() else {
            throw Failure(.unavailable, "the records sandbox could not listen on 127.0.0.1")
        }
        let unit = DemoUnit.eightBeds
        let players = try unit.players(profiles: profiles, begin: MonotonicClock().now())
        let files = DemoFiles(
            folder: folder, unit: unit, players: players, people: DemoPeople(), screen: try DemoScreen(port: port),
            server: server, profiles: profiles)
        var configuration = try UnitConfiguration.load(try files.write())
        configuration.console?.setShipped(ShippedFolder.screen)
        let host = UnitHost(configuration, logger: logger)
        introduce(files, status: host.configuration.statusSocket)
        for played in players { try played.player.start() }
        let nurse = DemoNurse(files.people, socket: "\(folder)/people", beds: unit.beds)
        nurse?.start()
        try await run(host, for: length)
        nurse?.stop()
        let held = await sandbox.count()
        for played in players { played.player.stop() }
        serving.cancel()
        _ = await serving.result
        report(host.summary, held: held)
        if (host.summary.resourcesPending ?? 1) > 0 || host.summary.samples == 0 {
            throw ExitCode(ExitStatus.bad.rawValue)
        }
    }

    /// Runs the host for a time, or until it is told to stop, and says now and then how far it is.
    private func run(_ host: UnitHost, for length: Int64?) async throws {
        let group = ServiceGroup(
            configuration: ServiceGroupConfiguration(
                services: [.init(service: host, successTerminationBehavior: .gracefullyShutdownGroup)],
                gracefulShutdownSignals: [.sigint, .sigterm], logger: makeLogger(level: .error)))
        let isTerminal = isatty(STDOUT_FILENO) == 1 && !json
        let json = json
        let shows = Task {
            let clock = ContinuousClock()
            let end = length.map { clock.now + .nanoseconds($0) }
            while end.map({ clock.now < $0 }) ?? true {
                let rest = end.map { max(.zero, $0 - clock.now) } ?? .seconds(3600)
                try await Task.sleep(for: min(rest, .milliseconds(isTerminal ? 500 : 5000)), clock: clock)
                let summary = host.summary
                let left = end.map { "\(max(0, ($0 - clock.now).components.seconds)) s left" } ?? "Ctrl-C ends it"
                let words = "\(summary.samples) samples, \(summary.resourcesStored) resources stored, \(left)"
                if json {
                    printError(words)
                } else {
                    let line = isTerminal ? "\r  \(words)\u{1B}[K" : "  \(words)\n"
                    FileHandle.standardOutput.write(Data(line.utf8))
                }
            }
            await group.triggerGracefulShutdown()
        }
        try await group.run()
        shows.cancel()
        _ = await shows.result
    }

    private func introduce(_ files: DemoFiles, status: String) {
        let people = files.people.people
        if json {
            return print(
                JSON.members([
                    "screen": .string(files.screen.address), "directory": .string(files.folder),
                    "secrets": .object(people.map { JSON.Member(name: $0.id, value: .string($0.secret)) }),
                ]).text)
        }
        func row(_ name: String, _ text: String) -> String {
            "  \(name)\(String(repeating: " ", count: max(1, 12 - name.count)))\(text)"
        }
        let beds = files.unit.beds.map { bed in
            row(bed.id, bed.devices.map(\.profile).joined(separator: ", ") + (bed.isBound ? "; a patient" : ""))
        }
        var lines = [
            "A unit on this machine. Its devices and patients are played; everything after them is the real host."
        ]
        lines += beds + [row("at no bed", files.unit.others.map(\.profile).joined(separator: ", "))]
        lines += [row("records", files.server)]
        if directory != nil { lines.append(row("files", files.folder)) }
        lines.append(row("watch it", "\(CommandLine.arguments[0]) watch --socket \(status)"))
        for person in people {
            lines.append(row("sign in", "\(person.id), \(person.role.rawValue), secret \(person.secret)"))
        }
        lines.append(row("SCREEN", files.screen.address))
        print("\(lines.joined(separator: "\n"))\n")
    }

    private func report(_ summary: HostSummary, held: Int) {
        if json { return print(SummaryText.json(summary, withCounters: false)) }
        print("\nResult")
        print(SummaryText.words(summary))
        print(
            "  sandbox    was given \(held) FHIR resources, each put over mutual TLS 1.3 and referring only to what is "
                + "there"
                + (summary.resourcesStored > held
                    ? "\n             \(summary.resourcesStored - held) put again when more was known" : "")
        )
    }
}
