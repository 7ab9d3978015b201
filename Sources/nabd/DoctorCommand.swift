import ArgumentParser
import DeviceModel
import DevicePlans
import Fieldbus
import Foundation
import NabdHost
import RealTime
import SampleJournal
import SerialPorts
import StrictYAML
import Uplink

struct DoctorCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "doctor",
        abstract:
            "Look at what a unit needs of its machine: rights, clock, ports, hosts, disk, keys, the records service. "
            + "Exit 1 when something is wrong.",
        discussion: """
            A fault is something that cannot work, a warning something the host runs without, at a price that is told. \
            It looks at everything, whatever it finds on the way; without a configuration, at the machine only. It \
            says nothing to a device or a server. While the host runs, its lines are left alone.
            """
    ).examples("nabd doctor", "nabd doctor --config unit.yaml")

    @OptionGroup var file: UnitFile

    func run() async throws {
        var examination = Examination()
        examination.realTime()
        examination.take(UnitExamination.clock)
        examination.take(UnitExamination.timeZone)
        if file.given == nil, !file.isThere {
            examination.warn(
                "configuration",
                "there is no \(file.path), so only the machine was looked at: “nabd init > unit.yaml” begins one")
        } else if let unit = examination.configuration(file) {
            let isRunning = examination.journal(unit, of: file)
            examination.ports(unit, isRunning: isRunning)
            examination.lines(unit, isRunning: isRunning)
            if let console = unit.console { examination.screens(console) }
            if let uplink = unit.uplink {
                for finding in UnitExamination.identity(uplink) { examination.take(finding) }
                await examination.service(uplink)
            }
        }
        guard examination.faults == 0 else { throw ExitCode(ExitStatus.bad.rawValue) }
    }
}

/// What was looked at, printed as it is found.
private struct Examination {
    private(set) var faults = 0

    private func good(_ what: String, _ words: String) { print("ok       \(what): \(words)") }
    func warn(_ what: String, _ words: String) { print("warning  \(what): \(words)") }
    private mutating func fault(_ what: String, _ words: String) {
        faults += 1
        print("fault    \(what): \(words)")
    }

    // MARK: The machine

    func realTime() {
        // A thread that does nothing shows what the lines' threads will get.
        if let thread = try? RealTimeThread(name: "doctor", priority: 40, body: {}) {
            thread.join()
            switch thread.scheduling {
            case .realTime?: good("scheduling", SchedulingOutcome.realTime.rawValue)
            case let other: warn("scheduling", other?.rawValue ?? "the thread did not run")
            }
        }
        if MemoryLock.isAllowed { good("memory", "may be locked") } else { warn("memory", MemoryLock.refused.rawValue) }
    }

    mutating func take(_ finding: UnitFinding) {
        switch finding.severity {
        case .good: good(finding.what, finding.words)
        case .warning: warn(finding.what, finding.words)
        case .fault: fault(finding.what, finding.words)
        }
    }

    // MARK: The configuration and what it names

    mutating func configuration(_ file: UnitFile) -> UnitConfiguration? {
        let diagnostics = Diagnostics()
        var unit: UnitConfiguration?
        var findings: [Diagnostic] = []
        do throws(InvalidFile) { unit = try file.load(diagnostics: diagnostics, faultsCost: .nothing) } catch {
            findings = error.diagnostics
        }
        findings += diagnostics.all.filter { !findings.contains($0) }
        for finding in findings {
            switch finding.severity {
            case .error: fault("configuration", finding.description)
            case .warning, .note: warn("configuration", finding.description)
            }
        }
        if let unit, !findings.contains(where: { $0.severity == .error }) {
            good("configuration", "\(file.path), \(unit.devices.count) devices on \(unit.lines.count) lines")
        }
        return unit
    }

    mutating func ports(_ unit: UnitConfiguration, isRunning: Bool) {
        let findings = PortFinding.all(unit)
        let holders = isRunning ? [:] : PortFolders().holders(of: findings.map(\.path))
        for finding in findings {
            let handle = finding.device.plan.handle
            if let words = finding.fault {
                fault(handle, words)
            } else if let holder = holders[finding.path]?.first(where: \.hasLocked) {
                fault(handle, "\(finding.path) is held by \(holder): stop that process")
            } else if let holder = holders[finding.path]?.first {
                warn(handle, "\(finding.path) is open in \(holder) too, which may take what is meant for the host")
            } else {
                good(handle, finding.path)
            }
        }
    }

    mutating func lines(_ unit: UnitConfiguration, isRunning: Bool) {
        let lines = unit.lines.filter { if case .path = $0.address { false } else { true } }
        func handles(_ address: LineAddress) -> [String] {
            lines.filter { $0.address == address }.flatMap { $0.plans.map(\.handle) }
        }
        guard !isRunning else {
            // Many devices take one connection, and a second one would cost the host its own.
            for line in lines {
                for handle in handles(line.address) {
                    good(handle, "\(line.address) is left to the host that runs: “nabd status” tells how it is")
                }
            }
            return
        }
        for finding in NetworkFinding.all(lines.map(\.address)) {
            for handle in handles(finding.address) {
                if let words = finding.fault {
                    fault(handle, words)
                } else {
                    good(handle, "\(finding.address) takes a connection")
                }
            }
        }
    }

    /// Returns whether a host runs with this journal.
    ///
    /// The package's host runs as a user of its own, whoever asks here; another one as whoever has its journal's
    /// folder.
    mutating func journal(_ unit: UnitConfiguration, of file: UnitFile) -> Bool {
        let lock = "\(unit.journalDirectory)/lock"
        let host = PortFolders().holders(of: [lock])[lock]?.first
        if let host { good("host", "runs: \(host)") }
        let isOfPackage = file.path == UnitFile.usual
        take(
            UnitExamination.journal(
                unit, for: isOfPackage ? FileUser.service : FileUser.owner(of: unit.journalDirectory)))
        return host != nil
    }

    mutating func screens(_ place: ConsolePlace) {
        var place = place
        place.setShipped(ShippedFolder.screen)
        take(UnitExamination.screens(place))
    }

    // MARK: The records service

    mutating func service(_ endpoint: UplinkEndpoint) async {
        guard let place = endpoint.place else {
            return fault("records service", "\(endpoint.server) names no host: write https://HOST/fhir")
        }
        // Without it the host samples all the same, and delivers later.
        let line = LineAddress.tcp(host: place.host, port: place.port)
        if let words = NetworkFinding.all([line]).first?.fault {
            warn("records service", "\(words) — until then the journal keeps everything")
        } else if let words = await endpoint.distrust() {
            fault("records service", words)
        } else {
            good("records service", "\(place.host):\(place.port) shows the right certificate")
            await token(endpoint)
        }
    }

    /// Asks for a token as the uplink does; it is not used.
    private mutating func token(_ endpoint: UplinkEndpoint) async {
        guard let smart = endpoint.smart, smart.fault == nil else { return }
        let client = RenewedClient(endpoint)
        let problem = await client.tokenProblem()
        await client.shutdown()
        if let problem { fault("token", problem) } else { good("token", "the token service gives this unit one") }
    }
}
