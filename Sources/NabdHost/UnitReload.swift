import DeviceModel
import DevicePlans
import Fieldbus
import Patients

/// What a configuration that was read anew means for a host that runs. Decides without I/O.
///
/// A line is left alone as long as all that is on it is as it was. Beds change with it: whose values a device gives is
/// said in the journal, not on a line. What hangs on more than a line (the journal, the uplink, the pumps and their
/// lines, the places of presets and patients) changes at the next start of the host.
struct UnitReload {
    /// Parts of the file that count for devices or beds only, or not for the host.
    private static let ofDevices: Set = ["profiles", "accept", "monitor-only", "metrics", "beds", "console"]

    /// What the host runs by from now on.
    let configuration: UnitConfiguration
    /// Lines that are closed.
    let ended: [LineAddress]
    /// Lines that are opened, anew or for the first time.
    let begun: [(address: LineAddress, plans: [DevicePlan])]
    /// Devices that are on no line any more.
    let released: [String]
    /// The devices of the lines that are opened.
    let configured: [String]
    /// What has to wait for the next start, a sentence each.
    let waiting: [String]
    /// Devices that go on as they were, because their new entry is faulty.
    let kept: [String]
    /// Whether any bed changes.
    let changesBeds: Bool
    /// Whether other clinicians may look from afar.
    let changesFar: Bool

    private struct Part: Hashable {
        let entry: String
        let digest: String
        let streams: [StreamDescriptor]
    }

    /// - Parameter driven: the lines of pumps that are commanded.
    init(from running: UnitConfiguration, to read: UnitConfiguration, driven: Set<LineAddress> = []) {
        let changed = Set(running.parts.keys).union(read.parts.keys).filter { running.parts[$0] != read.parts[$0] }
        // A key that is not known is refused, now and then.
        var waiting = changed.subtracting(Self.ofDevices).intersection(UnitReader.keys).sorted().map {
            "“\($0)” changes at the next start of the host"
        }
        if !driven.isEmpty, changed.contains("monitor-only") {
            waiting.append("“monitor-only” counts for pumps that are driven from the next start of the host on")
        }
        var devices = read.devices
        let kept = Self.kept(running, read, isTrustTheSame: changed.isDisjoint(with: ["accept", "monitor-only"]))
        devices += kept
        // A line with a driven pump stays as it is, commands and all: who commands it knows it as it was.
        for address in driven {
            let before = running.devices.filter { $0.address == address }
            let after = devices.filter { $0.address == address }
            let handles = Set(before.map(\.plan.handle))
            devices.removeAll { $0.address == address || handles.contains($0.plan.handle) }
            devices += before
            if before.map(Self.part) != after.map(Self.part) {
                waiting.append("\(address) has a pump that is driven: it changes at the next start of the host")
            }
        }
        var configuration = running
        configuration.devices = devices
        configuration.beds = read.beds + Self.keptBeds(running, read)
        changesBeds = Self.beds(configuration) != Self.beds(running)
        if running.beds.isEmpty, !configuration.beds.isEmpty {
            waiting.append("the first beds are watched, and patients bound, from the next start of the host on")
        }
        configuration.far = read.far
        changesFar = read.far != running.far
        configuration.refused = Self.refused(running, read)
        configuration.accepted = read.accepted
        for key in Self.ofDevices { configuration.parts[key] = read.parts[key] }
        let (old, new) = (Self.lines(running), Self.lines(configuration))
        let begun = configuration.lines.filter { line in
            old.first { $0.address == line.address }?.parts != new.first { $0.address == line.address }?.parts
        }
        self.begun = begun
        ended = old.filter { line in new.first { $0.address == line.address }?.parts != line.parts }.map(\.address)
        configured = begun.flatMap { $0.plans.map(\.handle) }
        let handles = Set(devices.map(\.plan.handle))
        released = running.devices.map(\.plan.handle).filter { !handles.contains($0) }
        (self.configuration, self.waiting, self.kept) = (configuration, waiting, kept.map(\.plan.handle))
    }

    /// Whether any line changes.
    var changesLines: Bool { !ended.isEmpty || !begun.isEmpty }

    private static func part(_ device: UnitConfiguration.Device) -> Part {
        Part(
            entry: "\(device.plan.handle): \(device.entry)", digest: device.plan.profile.digest,
            streams: device.plan.streams)
    }

    private static func lines(_ unit: UnitConfiguration) -> [(address: LineAddress, parts: [Part])] {
        unit.lines.map { line in
            (line.address, unit.devices.filter { $0.address == line.address }.map(part))
        }
    }

    /// Devices whose new entry is faulty go on as they were, where all else on their line is as it was; but not one
    /// that the unit may no longer trust.
    private static func kept(
        _ running: UnitConfiguration, _ read: UnitConfiguration, isTrustTheSame: Bool
    ) -> [UnitConfiguration.Device] {
        guard isTrustTheSame, running.accepted?.entries == read.accepted?.entries else { return [] }
        return read.refused.compactMap { refusal in
            guard case .device(let handle) = refusal.part,
                let device = running.devices.first(where: { $0.plan.handle == handle }),
                !read.devices.contains(where: { $0.plan.handle == handle })
            else { return nil }
            let before = Set(running.devices.filter { $0.address == device.address }.map(part))
            let isLineTheSame = read.devices.filter { $0.address == device.address }.allSatisfy {
                before.contains(part($0))
            }
            return isLineTheSame ? device : nil
        }
    }

    private struct BedPart: Hashable {
        let id: String
        let configured: ConfiguredBed
        let preset: String?
    }

    private static func beds(_ unit: UnitConfiguration) -> Set<BedPart> {
        Set(unit.beds.map { BedPart(id: $0.id, configured: $0.configured, preset: $0.preset) })
    }

    /// A bed whose new entry is faulty goes on as it was, with its patient, where no other bed has one of its devices
    /// now.
    private static func keptBeds(_ running: UnitConfiguration, _ read: UnitConfiguration) -> [UnitConfiguration.Bed] {
        let taken = Set(read.beds.flatMap(\.configured.devices))
        return running.beds.filter { bed in
            read.faultyBeds.contains(bed.id) && taken.isDisjoint(with: bed.configured.devices)
        }
    }

    /// What is not used: of devices, by the file as it is now; of what changes at the next start, as it was at the last
    /// one, and that the file is faulty there now.
    private static func refused(
        _ running: UnitConfiguration, _ read: UnitConfiguration
    ) -> [UnitConfiguration.Refusal] {
        func isOfDevices(_ refusal: UnitConfiguration.Refusal) -> Bool {
            switch refusal.part {
            case .device: true
            case .setting(let key): ofDevices.contains(key)
            }
        }
        let standing = running.refused.filter { !isOfDevices($0) }
        let coming = read.refused.filter { refusal in
            !isOfDevices(refusal) && !standing.contains { $0.part == refusal.part }
        }.map { UnitConfiguration.Refusal(part: .setting("nabd"), reason: $0.reason) }
        return read.refused.filter(isOfDevices) + standing + coming
    }
}
