import DevicePlans
import Fieldbus
import ProfileLanguage
import StrictYAML

extension UnitReader {
    /// A line that is busier than this has no time left for what goes wrong.
    private static let mostLoad = 0.8

    /// What is wrong with devices of one line, and the devices that it costs: which of two entries that contradict each
    /// other is right nobody knows.
    private struct LineFault {
        let diagnostic: Diagnostic
        let devices: Set<String>
    }

    /// Finds what is wrong between devices, and leaves out those that it costs.
    mutating func checkLines() {
        // A device that is left out may have been what was wrong with another; where one fault ends it all, one look
        // tells all.
        while true {
            let faults: [LineFault] =
                callersFaults() + unit.lines.flatMap { self.faults(on: $0.address) } + numberFaults()
            for fault in faults {
                diagnostics.report(fault.diagnostic)
                for device in fault.devices.sorted() { refuse(.device(device), fault.diagnostic.description) }
            }
            let cost = faults.reduce(into: Set<String>()) { $0.formUnion($1.devices) }
            unit.devices.removeAll { cost.contains($0.plan.handle) }
            if faults.isEmpty || faultCost == .everything { return }
        }
    }

    /// A line has a thread and a memory of its own.
    private func numberFaults() -> [LineFault] {
        unit.lines.dropFirst(UnitConfiguration.mostLines).compactMap { line in
            guard let first = unit.devices.first(where: { $0.address == line.address }) else { return nil }
            return LineFault(
                diagnostic: Diagnostic(
                    .error, first.location, "a unit has at most \(UnitConfiguration.mostLines) lines"),
                devices: Set(line.plans.map(\.handle)))
        }
    }

    private func faults(on address: LineAddress) -> [LineFault] {
        let devices = unit.devices.filter { $0.address == address }
        guard let first = devices.first else { return [] }
        var faults: [LineFault] = []
        for (place, one) in devices.enumerated() {
            for other in devices[(place + 1)...] {
                guard let message = contradiction(one, other) else { continue }
                faults.append(
                    LineFault(
                        diagnostic: Diagnostic(
                            .error, other.location,
                            "\(address) is shared with “\(one.plan.handle)”, but \(message)"),
                        devices: [one.plan.handle, other.plan.handle]))
            }
        }
        let loads = devices.map { $0.plan.lineLoad ?? (0, 0) }
        let load = loads.reduce(0) { $0 + $1.asked + $1.streamed }
        if loads.contains(where: { $0.asked > 0 }), load > Self.mostLoad {
            let shares = zip(devices, loads).map {
                "\($0.plan.handle) \(Int((($1.asked + $1.streamed) * 100).rounded())) %"
            }.joined(separator: ", ")
            faults.append(
                LineFault(
                    diagnostic: Diagnostic(
                        .error, first.location,
                        "\(address) cannot carry its devices: at these periods they take "
                            + "\(Int((load * 100).rounded())) % of its time (\(shares)), at most "
                            + "\(Int(Self.mostLoad * 100)) % are allowed",
                        suggestion: "read less often, or use a second line"),
                    devices: [devices[devices.count - 1].plan.handle]))
        }
        return faults
    }

    /// Why two devices cannot be on one line; `nil` when they can.
    private func contradiction(_ one: UnitConfiguration.Device, _ other: UnitConfiguration.Device) -> String? {
        if one.plan.line.transport == .serial || other.plan.line.transport == .serial {
            return "a serial protocol needs a line for itself"
        }
        if one.plan.line.serial != other.plan.line.serial { return "their baud rates or formats differ" }
        if one.plan.line.transport == .modbusRTU, one.plan.line.unit == other.plan.line.unit {
            return "their Modbus units are the same: give each its own “unit”"
        }
        return nil
    }

    /// A port of this machine serves one device that calls, on whichever of its addresses.
    private func callersFaults() -> [LineFault] {
        var taken: [(host: String, port: Int, device: String, address: LineAddress)] = []
        var faults: [LineFault] = []
        for device in unit.devices {
            guard case .listening(let host, let port, _) = device.address else { continue }
            let clash = taken.first { other in
                other.port == port && other.address != device.address
                    && (other.host == host || [other.host, host].contains { ["0.0.0.0", "::"].contains($0) })
            }
            if let clash {
                faults.append(
                    LineFault(
                        diagnostic: Diagnostic(
                            .error, device.location,
                            "“\(clash.device)” calls at \(clash.address) already: each device that calls needs a port "
                                + "of its own"),
                        devices: [clash.device, device.plan.handle]))
            }
            taken.append((host, port, device.plan.handle, device.address))
        }
        return faults
    }
}
