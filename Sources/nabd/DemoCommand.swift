import ArgumentParser
import DeviceModel
import DevicePlans
import DeviceSimulator
import Fieldbus
import Foundation
import Logging
import NabdHost
import ProfileLanguage
import RecordsSandbox
import ServiceLifecycle
import UnixSignals

struct DemoCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "demo",
        abstract:
            "A whole unit on this machine: four played devices, the host, and a records service, all real but the "
            + "devices."
    ).examples("nabd demo", "nabd demo --for 2min --directory ./demo")

    @Option(name: .customLong("for"), help: "How long, such as 30s.") var time = "30s"
    @Flag(help: "For machines: the last line is the result as JSON.") var json = false
    @Option(help: "The folder of device profiles; without it, device-profiles here or above the program.") var profiles:
        String?
    @Option(help: "Where the unit's files go; kept afterwards. Without it, a folder that is removed.") var directory:
        String?

    func run() async throws {
        signal(SIGPIPE, SIG_IGN)
        let length = try duration(time)
        let profiles = try profiles ?? ProfileCommand.defaultFolder()
        let folder =
            directory
            ?? FileManager.default.temporaryDirectory.appendingPathComponent("nabd-demo-\(UUID().uuidString)").path
        try FileManager.default.createDirectory(
            atPath: folder, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
        defer { if directory == nil { try? FileManager.default.removeItem(atPath: folder) } }
        let logger = makeLogger(level: .warning)
        let certificates = try SandboxCertificates(unit: "demo-unit")
        try certificates.write(to: folder)
        let sandbox = try SandboxServer(certificates, logger: logger)
        let serving = Task { try await sandbox.run() }
        guard let server = await sandbox.address() else {
            throw Failure(.unavailable, "the records sandbox could not listen on 127.0.0.1")
        }
        let players = try DemoUnit.players(profiles: profiles)
        for player in players { try player.player.start() }
        let file = try DemoUnit.write(to: folder, players: players, server: server, profiles: profiles)
        let host = UnitHost(try UnitConfiguration.load(file), logger: logger)
        if !json {
            print(DemoUnit.introduction(players, server: server, file: directory == nil ? nil : file))
            print("  watch it  \(CommandLine.arguments[0]) watch --socket \(host.configuration.statusSocket)\n")
        }
        let last = try await run(host, for: length, server: server)
        let held = await sandbox.count()
        for player in players { player.player.stop() }
        serving.cancel()
        _ = await serving.result
        report(host.summary, last: last, held: held)
        if (host.summary.resourcesPending ?? 1) > 0 || host.summary.samples == 0 {
            throw ExitCode(ExitStatus.bad.rawValue)
        }
    }

    /// Runs the host for a time, showing how it is: what `nabd watch` shows. Returns what it showed last.
    private func run(_ host: UnitHost, for length: Int64, server: String) async throws -> [String] {
        let group = ServiceGroup(
            configuration: ServiceGroupConfiguration(
                services: [.init(service: host, successTerminationBehavior: .gracefullyShutdownGroup)],
                gracefulShutdownSignals: [.sigint, .sigterm], logger: makeLogger(level: .error)))
        let isTerminal = isatty(STDOUT_FILENO) == 1 && !json
        let json = json
        let shows = Task { () -> [String] in
            let clock = ContinuousClock()
            let end = clock.now + .nanoseconds(length)
            var lines = 0
            while clock.now < end {
                try await Task.sleep(for: .milliseconds(isTerminal ? 500 : 5000), clock: clock)
                let left = max(0, Int((end - clock.now).components.seconds))
                if isTerminal {
                    let text = Self.table(host).map { "\($0)\u{1B}[K" }.joined(separator: "\n") + "\n  \(left) s left"
                    Swift.print(lines > 0 ? "\u{1B}[\(lines)A\u{1B}[J\(text)" : text)
                    lines = text.count { $0 == "\n" } + 1
                } else {
                    let summary = host.summary
                    let words =
                        "\(summary.samples) samples, \(summary.resourcesStored) resources stored, \(left) s left"
                    if json { printError(words) } else { print("  \(words)") }
                }
            }
            let last = Self.table(host)
            await group.triggerGracefulShutdown()
            return last
        }
        try await group.run()
        shows.cancel()
        return (try? await shows.value) ?? []
    }

    private static func table(_ host: UnitHost) -> [String] {
        (try? StatusDocument(host.status.json.text)).map { StatusTable($0).lines } ?? []
    }

    private func report(_ summary: HostSummary, last: [String], held: Int) {
        if json { return print(SummaryText.json(summary, withCounters: false)) }
        if !last.isEmpty { print("\nThe unit a moment before its end\n\n\(last.joined(separator: "\n"))") }
        print("\nResult")
        print(SummaryText.words(summary))
        print(
            "  sandbox    holds \(held) FHIR resources, each put over mutual TLS 1.3 and referring only to what is "
                + "there"
                + (summary.resourcesStored > held
                    ? "\n             \(summary.resourcesStored - held) put again when more was known" : "")
        )
    }
}

/// The demonstration's unit.
private enum DemoUnit {
    struct Played {
        let handle: String
        let profile: String
        let what: String
        let player: DevicePlayer
    }

    static func players(profiles: String) throws -> [Played] {
        let devices: [(handle: String, profile: String, what: String, address: LineAddress)] = [
            (
                "spo2-1", "nonin/oem-iii-df2", "pulse oximeter: SpO2, pulse, 75 Hz pleth; serial stream",
                .newPseudoTerminal
            ),
            ("pump-1", "alaris/asena-gh", "syringe pump: rate, volume, pressure; serial poll", .newPseudoTerminal),
            ("fridge", "xy/md02", "drug fridge: temperature, humidity; Modbus RTU", .newPseudoTerminal),
            (
                "vehicle", "victron/gx", "the vehicle: position, speed, battery; Modbus TCP",
                .tcp(host: "127.0.0.1", port: 0)
            ),
        ]
        return try devices.map { device in
            let plan = try DeviceProfile.load("\(profiles)/\(device.profile)").compile(handle: device.handle)
            return Played(
                handle: device.handle, profile: device.profile, what: device.what,
                player: try DevicePlayer([plan], on: device.address))
        }
    }

    /// Writes the unit's configuration, the same kind of file a real unit has.
    static func write(to folder: String, players: [Played], server: String, profiles: String) throws -> String {
        let overrides = ["fridge": "MDC_TEMP: 1s, NABD_RELATIVE_HUMIDITY: 1s"]
        let devices = players.map { played in
            let override = overrides[played.handle].map { ", override: {every: {\($0)}}" } ?? ""
            return "  \(played.handle): {profile: \(played.profile), line: \"\(played.player.name)\"\(override)}"
        }
        let text = """
            nabd: unit/1
            unit: demo-unit
            profiles: \(URL(fileURLWithPath: profiles).standardized.path)
            test-data: true  # every resource is labelled HTEST
            journal: {directory: journal, commit-every: 250ms}
            devices:
            \(devices.joined(separator: "\n"))
            uplink:
              server: \(server)
              authority: authority.pem
              client-certificate: client.pem
              client-key: client.key
              window: 10s

            """
        let file = "\(folder)/unit.yaml"
        try Data(text.utf8).write(to: URL(fileURLWithPath: file))
        return file
    }

    static func introduction(_ players: [Played], server: String, file: String?) -> String {
        let devices = players.map {
            "  \($0.handle)\(String(repeating: " ", count: max(1, 10 - $0.handle.count)))\($0.what) on "
                + "\($0.player.name)"
        }
        return """
            A unit on this machine. The devices are played from their profiles; everything after them is the real host.
            \(devices.joined(separator: "\n"))
              records   \(server)
            \(file.map { "  files     \($0)\n" } ?? "")
            """
    }
}
