import DeviceModel
package import DevicePlans
package import Fieldbus
import Foundation
package import Nomenclature
package import Patients
package import Presets
import ProfileLanguage
package import SampleJournal
import Sampling
package import StrictYAML
package import Uplink

/// What is in one unit: its devices and their lines, its journal, its records service.
package struct UnitConfiguration: Sendable {
    /// A device with its profile compiled, on its line.
    package struct Device: Sendable {
        package let plan: DevicePlan
        package let address: LineAddress
        package let location: SourceLocation
        /// The entry as it is written, without comments and layout.
        package let entry: String
        /// Its unique device identifier (UDI) in the form for people, as its label has it; `nil` where nobody wrote it.
        package var udi: String?
    }

    /// A place for a patient, with the devices that are there.
    package struct Bed: Sendable {
        /// Shape: lower-case letters, digits and hyphens, at most 40.
        package let id: String
        package let configured: ConfiguredBed
        /// The name of the preset that it begins with; `nil`: none until somebody chooses one.
        package let preset: String?
        package let location: SourceLocation
        package let presetLocation: SourceLocation?
    }

    /// Beds of which the file does not say rightly what they are: whoever is there stays there.
    package enum FaultyBeds: Sendable, Hashable {
        case these(Set<String>)
        /// The beds as a whole cannot be read, or their key may be misspelt.
        case all

        package func contains(_ id: String) -> Bool {
            switch self {
            case .these(let ids): ids.contains(id)
            case .all: true
            }
        }
    }

    /// A part of the file that is not used, with what is wrong with it.
    package struct Refusal: Sendable {
        package enum Part: Sendable, Hashable, CustomStringConvertible {
            /// A device, with its line and its profile; by its handle.
            case device(String)
            /// Another part, by its key. Its defaults hold, but nothing may go then that is not delivered; without its
            /// uplink a unit keeps everything.
            case setting(String)

            package var description: String {
                switch self {
                case .device(let handle): "device \(handle)"
                case .setting("nabd"): "the file as a whole"
                case .setting(let key): key
                }
            }
        }

        package let part: Part
        /// The last fault found, with its place.
        package let reason: String
    }

    /// Whom a fault in the file costs.
    package enum FaultCost: Sendable {
        /// Everybody: the reading throws. For whoever asks whether the file is right.
        case everything
        /// The part that it is in. For a unit that must sample with what is right.
        case itsPart
        /// Nobody: what can be read is read. For whoever looks at all of it.
        case nothing
    }

    /// Devices of a unit, and lines, at most.
    package static let mostDevices = 256
    package static let mostLines = 64
    /// Beds at most. A mobile unit's chairs are fewer; a ward's are not many more.
    package static let mostBeds = 32

    /// The unit's name. Shape: lower-case letters, digits and hyphens, at most 40.
    package var unit = ""
    /// Whether everything it sends is marked as test data.
    package var isTestData = false
    package var journalDirectory = ""
    /// How often samples are committed; what a power cut may cost. Unit: ns.
    package var commitEvery: Int64 = 250_000_000
    /// How much the journal may hold, and what may go.
    package var retention = JournalRetention()
    /// SCHED_FIFO priority of the lines' threads; 0 asks for none.
    package var realTimePriority: Int32 = 40
    package var devices: [Device] = []
    package var beds: [Bed] = []
    package internal(set) var faultyBeds = FaultyBeds.these([])
    /// Where presets are looked for, the first folder first.
    package var presetFolders: [String] = []
    /// Those that can be used, by their names.
    package internal(set) var presets: [String: Preset] = [:]
    /// Where the patients' identifiers stand; `nil` where the file does not say it rightly: nobody can be bound.
    package var patientFolder: String?
    /// The list of profiles that the unit accepts, where it has one.
    package var accepted: AcceptedProfiles?
    /// The port on 127.0.0.1 at which the exporter, a process of its own, serves metrics and health; `nil` for none.
    package var metricsPort: Int?
    /// The Unix socket at which the running host tells how it is: beside the journal, where the file names none.
    package var statusSocket: String { statusPath ?? "\(journalDirectory).status" }
    package var statusPath: String?
    /// Where the clock's process writes how sure the wall clock is; `nil` where the host asks the kernel itself.
    package var clockFile: String?
    /// Whether it is the unit's configuration without what can be done without: see ``safe``.
    package private(set) var isSafe = false
    /// The way in for people; `nil` where there is none: nobody acknowledges an alert, binds a patient or commands a
    /// pump.
    package var people: PeopleSettings?
    /// Where far clinicians come in; `nil` where nobody does.
    package var far: FarSettings?
    /// Where screens are served; `nil` where this unit serves none.
    package var console: ConsolePlace?
    /// What lets pumps be driven; `nil` where this unit drives none.
    package var pumps: PumpSettings?
    /// The rules as they were read with the configuration.
    package var pumpRules: RulesKeeper?
    /// `nil` when the journal stays on the unit.
    package var uplink: UplinkEndpoint?
    /// Where the unit delivers to; `nil` without an uplink.
    package var destination: String? { uplink?.destination }
    /// Unit: ns.
    package var uplinkWindow: Int64 = 60_000_000_000
    /// How long nothing may be stored at the records service before it is an alarm. Unit: ns.
    package var uplinkAlarmAfter: Int64 = 600_000_000_000
    /// Whether what is sent goes in gzip, to a service that reads it.
    package var uplinkCompresses = false
    /// Which waveforms are sent.
    package var uplinkWaveforms = WaveformPolicy.always
    /// What the way to the records service may carry.
    package var uplinkLimits = LinkLimits()
    /// What becomes of samples that were taken before the wall clock was set.
    package var unsetClock = UnsetClock.hold
    /// How often a sample of what the service acknowledged is read back. Unit: ns.
    package var reconcileEvery: Int64 = 3_600_000_000_000
    /// The names of the unit's folders of profiles.
    package var names = Nomenclature()
    /// The parts of the file but the devices, by key, each as it is written, without comments and layout.
    package var parts: [String: String] = [:]
    /// What of the file is not used because it is faulty; empty where every fault ends the reading.
    package var refused: [Refusal] = []

    package init() {}

    /// Whether a part is not used because it is faulty, or may be one of the keys that are not known.
    ///
    /// - Parameter key: its key in the file.
    package func mayHaveRefused(_ key: String) -> Bool {
        refused.contains { $0.part == .setting(key) || $0.part == .setting("nabd") }
    }

    /// The devices line by line, in the file's order.
    package var lines: [(address: LineAddress, plans: [DevicePlan])] {
        var lines: [(address: LineAddress, plans: [DevicePlan])] = []
        for device in devices {
            if let index = lines.firstIndex(where: { $0.address == device.address }) {
                lines[index].plans.append(device.plan)
            } else {
                lines.append((device.address, [device.plan]))
            }
        }
        return lines
    }

    /// This configuration for a host that ended again and again: it reads the devices and keeps the journal, and drives
    /// no pump.
    package var safe: UnitConfiguration {
        var safe = self
        (safe.isSafe, safe.pumps, safe.pumpRules) = (true, nil, nil)
        return safe
    }

    /// Reads and checks a configuration with every profile it names.
    ///
    /// Throws ``InvalidFile`` with every error found, each at file:line:column; where a fault costs its part only, when
    /// nothing is left to sample. Warnings, and what did not end the reading, are left in `diagnostics`.
    ///
    /// - Parameter place: the file that relative paths are relative to, where this is a copy of it.
    package static func load(
        _ path: String, diagnostics: Diagnostics = Diagnostics(), faultsCost cost: FaultCost = .everything,
        asCopyOf place: String? = nil
    ) throws(InvalidFile) -> UnitConfiguration {
        let file = try YAMLFile(path: path, diagnostics: diagnostics)
        var reader = UnitReader(
            folder: URL(fileURLWithPath: place ?? path).deletingLastPathComponent().path, diagnostics: diagnostics,
            faultsCost: cost)
        let isUnit = file.root.mapping("a unit's configuration").map { reader.read($0) } ?? false
        let isUsable = isUnit && (cost == .nothing || cost == .itsPart && !reader.unit.devices.isEmpty)
        if diagnostics.hasErrors, !isUsable {
            throw InvalidFile(diagnostics: diagnostics.all.filter { $0.severity == .error })
        }
        return reader.unit
    }
}
