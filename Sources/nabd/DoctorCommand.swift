import ArgumentParser
import DevicePlans
import Fieldbus
import Foundation
import NabdHost
import RealTime
import SampleJournal
import StrictYAML
import Uplink

struct DoctorCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "doctor",
        abstract:
            "Look at what a unit needs of its machine: rights, clock, ports, disk, certificate. Exit 1 when something "
            + "is wrong.",
        discussion:
            "A warning is something the host runs without, at a price that is told. Without --config, only the "
            + "machine is looked at."
    )

    @Option(help: "The unit's configuration file.") var config: String?

    func run() throws {
        var examination = Examination()
        examination.realTime()
        examination.clock()
        if let config {
            let diagnostics = Diagnostics()
            let unit = try UnitConfiguration.load(config, diagnostics: diagnostics)
            for finding in diagnostics.all { printError(finding.description) }
            examination.ports(unit)
            examination.journal(unit)
            if let uplink = unit.uplink { examination.certificate(uplink) }
        }
        guard examination.faults == 0 else { throw ExitCode(ExitStatus.bad.rawValue) }
    }
}

/// What was looked at, printed as it is found.
private struct Examination {
    private(set) var faults = 0

    private func good(_ what: String, _ words: String) { print("ok       \(what): \(words)") }
    private func warn(_ what: String, _ words: String) { print("warning  \(what): \(words)") }
    private mutating func fault(_ what: String, _ words: String) {
        faults += 1
        print("fault    \(what): \(words)")
    }

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

    func clock() {
        switch WallClock.isSynchronised() {
        case true?: good("clock", "synchronised")
        case false?:
            warn("clock", "the kernel does not hold it to be synchronised: is chrony or another time service running?")
        case nil: warn("clock", "the kernel does not tell whether it is synchronised")
        }
    }

    mutating func ports(_ unit: UnitConfiguration) {
        for device in unit.devices {
            guard case .path(let path) = device.address else { continue }
            let code: Int32? =
                !FileManager.default.fileExists(atPath: path) ? ENOENT : access(path, R_OK | W_OK) != 0 ? EACCES : nil
            if let code {
                fault(device.plan.handle, FieldbusError.cannotOpen(path: path, errno: code).description)
            } else {
                good(device.plan.handle, path)
            }
        }
    }

    mutating func journal(_ unit: UnitConfiguration) {
        let directory = unit.journalDirectory
        // Of a journal that is not there yet, the folder that it will be made in.
        var place = directory
        while !FileManager.default.fileExists(atPath: place), place.count > 1 {
            place = URL(fileURLWithPath: place).deletingLastPathComponent().path
        }
        guard access(place, W_OK | X_OK) == 0 else {
            return fault(
                "journal",
                "\(place) cannot be written by this user: check its owner, and that the disk is not read-only")
        }
        var figures = statvfs()
        guard statvfs(place, &figures) == 0 else {
            return fault("journal", "the disk of \(place) cannot be asked for its size")
        }
        let free = Int64(figures.f_bavail) * Int64(figures.f_frsize)
        let wanted = unit.retention.limit - JournalFiles(directory: directory).size
        let words = "\(free >> 20) MiB free, \(unit.retention.limit >> 20) MiB allowed"
        if free < 64 << 20 {
            fault("journal", "\(words): make room")
        } else if free < wanted {
            warn("journal", "\(words): the disk will be full before the journal is at its limit")
        } else {
            good("journal", words)
        }
    }

    mutating func certificate(_ endpoint: UplinkEndpoint) {
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
            fault("certificate", "\(error)")
        }
    }
}
