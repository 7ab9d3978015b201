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
        examination.clock()
        examination.timeZone()
        if file.given == nil, !file.isThere {
            examination.warn(
                "configuration",
                "there is no \(file.path), so only the machine was looked at: “nabd init > unit.yaml” begins one")
        } else if let unit = examination.configuration(file) {
            let isRunning = examination.journal(unit)
            examination.ports(unit, isRunning: isRunning)
            examination.lines(unit, isRunning: isRunning)
            if let console = unit.console { examination.screens(console) }
            if let uplink = unit.uplink {
                examination.identity(uplink)
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

    mutating func clock() {
        guard ClockJudge().now() != .unknown else {
            return fault(
                "clock",
                "it says \(UTCTime.text(nanoseconds: WallClock.now())), which cannot be: set it (timedatectl set-time) "
                    + "and look whether the battery of the machine's clock is empty")
        }
        switch WallClock.isSynchronised() {
        case true?: good("clock", "synchronised")
        case false?:
            warn("clock", "the kernel does not hold it to be synchronised: is chrony or another time service running?")
        case nil: warn("clock", "the kernel does not tell whether it is synchronised")
        }
    }

    func timeZone() {
        let minutes = TimeZone.current.secondsFromGMT() / 60
        guard minutes != 0 else {
            return warn(
                "time zone",
                "it is UTC, and results that devices date themselves are compared with the machine's civil time: "
                    + "timedatectl set-timezone Asia/Riyadh")
        }
        let (hours, rest) = abs(minutes).quotientAndRemainder(dividingBy: 60)
        good(
            "time zone",
            "\(TimeZone.current.identifier), \(hours) h\(rest > 0 ? " \(rest) min" : "") "
                + "\(minutes > 0 ? "ahead of" : "behind") UTC")
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
    mutating func journal(_ unit: UnitConfiguration) -> Bool {
        let directory = unit.journalDirectory
        let lock = "\(directory)/lock"
        let host = PortFolders().holders(of: [lock])[lock]?.first
        if let host { good("host", "runs: \(host)") }
        // Of a journal that is not there yet, the folder that it will be made in.
        var place = directory
        while !FileManager.default.fileExists(atPath: place), place.count > 1 {
            place = URL(fileURLWithPath: place).deletingLastPathComponent().path
        }
        guard access(place, W_OK | X_OK) == 0 else {
            fault(
                "journal",
                "\(place) cannot be written by this user: check its owner, and that the disk is not read-only")
            return host != nil
        }
        room(unit, place)
        return host != nil
    }

    private mutating func room(_ unit: UnitConfiguration, _ place: String) {
        var figures = statvfs()
        guard statvfs(place, &figures) == 0 else {
            return fault("journal", "the disk of \(place) cannot be asked for its size")
        }
        let free = Int64(figures.f_bavail) * Int64(figures.f_frsize)
        let wanted = unit.retention.limit - JournalFiles(directory: unit.journalDirectory).size
        let words = "\(free >> 20) MiB free, \(unit.retention.limit >> 20) MiB allowed"
        if free < 64 << 20 {
            fault("journal", "\(words): make room")
        } else if free < wanted {
            warn("journal", "\(words): the disk will be full before the journal is at its limit")
        } else {
            good("journal", words)
        }
    }

    mutating func screens(_ place: ConsolePlace) {
        var place = place
        place.setShipped(ShippedFolder.screen)
        if let words = place.fault { fault("screens", words) } else { good("screens", "\(place.address)") }
    }

    // MARK: The records service

    mutating func identity(_ endpoint: UplinkEndpoint) {
        let unusable = endpoint.fault?.description
        if let unusable {
            fault("key", unusable)
        } else {
            good("key", "it belongs to the certificate, and not every user may read it")
        }
        if let smart = endpoint.smart {
            if let words = smart.fault?.description {
                fault("token key", words)
            } else {
                good("token key", "it signs, and nobody but its owner may read it")
            }
        }
        // Before its time nobody can say how long it lasts.
        guard ClockJudge().now() != .unknown else { return }
        do {
            let days = try endpoint.daysLeft()
            let words = "the unit's certificate is good for \(days) more days"
            if days < 0 {
                fault("certificate", "the unit's certificate has expired: renew it")
            } else if days < 30 {
                warn("certificate", "\(words): renew it")
            } else {
                good("certificate", words)
            }
        } catch {
            if "\(error)" != unusable { fault("certificate", "\(error)") }
        }
    }

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
