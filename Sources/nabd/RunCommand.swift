import ArgumentParser
import DevicePlans
import Fieldbus
import Foundation
import Logging
import NabdHost
import Observability
import ProfileLanguage
import SampleJournal
import ServiceLifecycle
import StrictYAML
import UnixSignals

struct RunCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "run",
        abstract: "Run the host: sample the devices, keep the journal, forward it. Ends on SIGTERM or SIGINT."
    ).examples("nabd run", "nabd run --config unit.yaml --role acquire")

    @OptionGroup var unit: UnitFile
    @Flag(help: "Print the summary at the end as one JSON line.") var json = false
    @Option(
        help: """
            What this process does: acquire (devices and journal), uplink (delivery), console (screens), far (screens \
            of far clinicians), clock, or all: the first four.
            """) var role = HostRole.all
    @Option(help: "Where the clock role writes how sure the time is: `clock: {file: …}` of the unit's configuration.")
    var clockFile = "/run/nabd-clock/quality"
    @Flag(help: "Read and record the devices, and drive no pump; that is an alert.") var safe = false

    @Flag(help: "Only warnings and worse in the log, and no summary in words at the end.") var quiet = false
    @Flag(help: "More in the log: how each device is read, and which facts of its profile are unverified.")
    var verbose = false

    func validate() throws { if quiet, verbose { throw ValidationError("give either --quiet or --verbose") } }

    func run() async throws {
        // The host outlives whoever reads its log, and a device that hangs up.
        signal(SIGPIPE, SIG_IGN)
        // A terminal that is lost does not end the host; one that reads its configuration anew is told so.
        signal(SIGHUP, SIG_IGN)
        let logger = makeLogger(level: quiet ? .warning : verbose ? .debug : .info)
        // The clock's process needs to know nothing of the unit.
        if role == .clock { return try await run(ClockHost(file: clockFile, logger: logger)) }
        let configuration = try readAtStart()
        for refusal in configuration.refused {
            logger.error(
                "this part of the configuration is faulty: the unit runs without it",
                metadata: ["part": "\(refusal.part)", "reason": "\(refusal.reason)"])
        }
        if let port = configuration.metricsPort {
            logger.notice(
                "the host serves no metrics itself: “nabd exporter” does, at the port of the configuration",
                metadata: ["port": "\(port)", "socket": "\(configuration.statusSocket)"])
        }
        if role == .console || role == .far {
            guard let console = ConsoleHost(configuration, role: role, logger: logger) else {
                throw nothing(
                    "to show", without: role == .far ? "“far” in its “console”" : "“console”", key: "console",
                    configuration)
            }
            return try await run(console)
        }
        guard role.acquires else {
            guard let uplink = UplinkHost(configuration, logger: logger) else {
                throw nothing("to deliver to", without: "“uplink”", key: "uplink", configuration)
            }
            return try await run(uplink)
        }
        let host = UnitHost(configuration, role: role, logger: logger) { [self] in try read() }
        try await run(host)
        let summary = host.summary
        if json || !quiet {
            print(json ? SummaryText.json(summary, withCounters: true) : SummaryText.words(summary))
        }
        if let problem = summary.journalProblem {
            throw Failure(.io, "the journal could not be written to the end: \(problem)")
        }
    }

    /// Where the configuration does not ask for a role's part, that is no fault: a service manager is told so, and
    /// starts nothing again. Where what it says of it is faulty, or may be, it is one.
    private func nothing(
        _ purpose: String, without part: String, key: String, _ configuration: UnitConfiguration
    ) -> Failure {
        guard !configuration.mayHaveRefused(key) else {
            return Failure(.usage, "\(unit.path) has no \(part) that can be used: there is nothing \(purpose)")
        }
        let words = "\(unit.path) has no \(part): there is nothing \(purpose)"
        // What ends before it was ready has failed to the manager, whatever its status.
        ServiceManager()?.tell(.status(words), .ready)
        return Failure(.notConfigured, words)
    }

    private func read() throws(InvalidFile) -> UnitConfiguration {
        let diagnostics = Diagnostics()
        var configuration = try unit.load(diagnostics: diagnostics, faultsCost: .itsPart)
        configuration.console?.setShipped(ShippedFolder.screen)
        for finding in diagnostics.all { printError(finding.description) }
        KeptConfiguration(of: unit.path)?.keep()
        return safe ? configuration.safe : configuration
    }

    /// A file that cannot be read at all starts what it last said, where that was kept.
    private func readAtStart() throws(InvalidFile) -> UnitConfiguration {
        do throws(InvalidFile) { return try read() } catch {
            guard let kept = KeptConfiguration(of: unit.path) else { throw error }
            let configuration = try kept.read(for: error)
            printError("\(error.description)\nthe unit runs by its last good configuration")
            return safe ? configuration.safe : configuration
        }
    }

    /// Runs a service until a signal.
    private func run(_ service: some Service) async throws {
        let group = ServiceGroup(
            configuration: ServiceGroupConfiguration(
                services: [.init(service: service, successTerminationBehavior: .gracefullyShutdownGroup)],
                gracefulShutdownSignals: [.sigterm, .sigint], logger: makeLogger(level: .error)))
        do { try await group.run() } catch let error as JournalError { throw Failure(.unavailable, error.description) }
    }
}

extension HostRole: ExpressibleByArgument {}

/// Logs go to standard error; standard output is for results.
func makeLogger(level: Logger.Level) -> Logger {
    var logger = Logger(label: "nabd") { _ in PrintableLogHandler() }
    logger.logLevel = level
    return logger
}

struct CheckCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "check",
        abstract: "Check a unit's configuration, its profiles and its ports, without starting anything."
    ).examples("nabd check", "nabd check --config unit.yaml")

    @OptionGroup var unit: UnitFile

    func run() throws {
        let diagnostics = Diagnostics()
        let configuration = try unit.load(diagnostics: diagnostics)
        for finding in diagnostics.all { printError(finding.description) }
        var faults = 0
        for finding in PortFinding.all(configuration) {
            guard let fault = finding.fault else { continue }
            faults += 1
            printError("\(finding.device.location): error: \(fault)")
        }
        for line in configuration.lines {
            let plans = line.plans.map { "\($0.handle) (\($0.profile.name), \($0.streams.count) metrics)" }
            print("\(line.address): \(plans.joined(separator: ", "))")
        }
        guard faults == 0 else { throw ExitCode(ExitStatus.bad.rawValue) }
        print("\(configuration.devices.count) devices on \(configuration.lines.count) lines: nothing wrong was found")
    }
}
