import DeviceModel
import DevicePlans
import Fieldbus

/// What a configuration that was read anew means for a host that runs. Decides without I/O.
///
/// A line is left alone as long as all that is on it is as it was. What hangs on more than a line (the journal, the
/// uplink, the pumps and their lines) changes at the next start of the host.
struct UnitReload {
    /// Parts of the file that count for devices only, or not for the host.
    private static let ofDevices: Set = ["profiles", "accept", "monitor-only", "metrics"]

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

    private struct Part: Hashable {
        let entry: String
        let digest: String
        let streams: [StreamDescriptor]
    }

    init(from running: UnitConfiguration, to read: UnitConfiguration) {
        var waiting = Set(running.parts.keys).union(read.parts.keys).subtracting(Self.ofDevices).sorted().filter {
            running.parts[$0] != read.parts[$0]
        }.map { "“\($0)” changes at the next start of the host" }
        var devices = read.devices
        var kept: [String] = []
        // One whose new entry is faulty goes on as it was, where its line is still its own.
        for refusal in read.refused {
            guard case .device(let handle) = refusal.part,
                let device = running.devices.first(where: { $0.plan.handle == handle })
            else { continue }
            let others = running.devices.filter { $0.address == device.address }.map(\.plan.handle)
            let isFree = devices.allSatisfy { $0.address != device.address || others.contains($0.plan.handle) }
            guard isFree, !devices.contains(where: { $0.plan.handle == handle }) else { continue }
            devices.append(device)
            kept.append(handle)
        }
        // A line with a driven pump stays as it is: who commands it knows it as it was.
        for address in Self.drivenLines(running.devices + devices) {
            let (before, after) = (
                running.devices.filter { $0.address == address }, devices.filter { $0.address == address }
            )
            guard before.map(Self.part) != after.map(Self.part) else { continue }
            let handles = Set(before.map(\.plan.handle))
            devices.removeAll { $0.address == address || handles.contains($0.plan.handle) }
            devices += before
            waiting.append("\(address) has a pump that is driven: it changes at the next start of the host")
        }
        var configuration = running
        configuration.devices = devices
        (configuration.refused, configuration.accepted) = (read.refused, read.accepted)
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
        (self.configuration, self.waiting, self.kept) = (configuration, waiting, kept)
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

    private static func drivenLines(_ devices: [UnitConfiguration.Device]) -> Set<LineAddress> {
        Set(
            devices.compactMap { device in
                guard case .serial(let plan) = device.plan.protocolPlan, !plan.commands.isEmpty else { return nil }
                return device.address
            })
    }
}
