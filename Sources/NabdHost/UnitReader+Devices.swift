import DevicePlans
import Fieldbus
import Foundation
import Nomenclature
import ProfileLanguage
import Sampling
import StrictYAML

extension UnitReader {
    // MARK: Devices

    mutating func readDevice(_ handle: String, _ keyValue: YAMLValue, _ value: YAMLValue) {
        if !Self.isHandle(handle) {
            keyValue.error("a device's handle is lower-case letters, digits and hyphens, at most 40; found “\(handle)”")
        }
        guard let map = value.mapping("a device") else { return }
        map.allow(["profile", "line", "listen", "from", "unit", "serial", "udi", "override"])
        guard let profileValue = map.required("profile"), let name = profileValue.text("a profile, vendor/model"),
            let (lineValue, address) = readLine(map)
        else { return }
        guard let profile = profile(name, profileValue) else { return }
        var overrides = DeviceOverrides()
        if let unitValue = map["unit"] {
            if profile.line.transport == .serial { unitValue.error("“unit” belongs to Modbus devices") }
            overrides.unit = unitValue.integer("the Modbus unit", (profile.line.transport == .modbusTCP ? 0 : 1)...255)
                .map { UInt8($0) }
        }
        if let value = map["override"]?.mapping("the overrides") { readOverrides(value, profile, &overrides) }
        let serial = map["serial"]?.text("the serial number")
        if serial != nil, profile.session.identityField == nil {
            map["serial"]?.error("this profile does not tell the device's serial number")
        }
        let plan = profile.compile(
            handle: handle, overrides: overrides, expectedSerial: serial,
            barred: CommandShelf.patterns(of: profileFolders),
            isDriven: isDriven(handle, profile, on: address, lineValue))
        if let fault = plan.fault(on: address) { lineValue.error(fault) }
        for fault in plan.faultyCommands {
            diagnostics.warning(
                lineValue.location,
                "“\(handle)” is read and not driven, it can at most be stopped: \(fault), see \(fault.location)")
        }
        unit.devices.append(
            UnitConfiguration.Device(
                plan: plan, address: address, location: value.location, entry: value.canonicalText, udi: readUDI(map)))
    }

    private func readUDI(_ map: YAMLMapping) -> String? {
        guard let value = map["udi"], let text = value.text("the device's UDI") else { return nil }
        guard (1...250).contains(text.utf8.count), text.utf8.allSatisfy({ (0x21...0x7E).contains($0) }) else {
            value.error("expected the UDI as the label has it for people, such as (01)09506000134352(21)A17")
            return nil
        }
        return text
    }

    /// Where the device is: a line of its own, or an address of the host on which it calls.
    private func readLine(_ map: YAMLMapping) -> (YAMLValue, LineAddress)? {
        if let value = map["listen"] {
            map["line"]?.error("a device has a “line”, or calls where the host listens; not both")
            guard let text = value.text("an address of the host") else { return nil }
            guard case .tcp(let host, let port)? = LineAddress(text), port > 0 else {
                value.error("expected an address of this machine such as tcp://192.168.1.10:4000, found “\(text)”")
                return nil
            }
            return (
                value, .listening(host: host, port: port, caller: map["from"]?.text("the address from which it calls"))
            )
        }
        map["from"]?.error("“from” says who may call; it belongs to “listen”")
        guard let value = map.required("line"), let text = value.text("a line") else { return nil }
        if let address = LineAddress(text) {
            switch address {
            case .path, .tcp, .rtuOverTCP, .modbusTCP: return (value, address)
            case .listening, .newPseudoTerminal: break
            }
        }
        value.error("expected a line such as /dev/ttyUSB0 or tcp://HOST:PORT, found “\(text)”")
        return nil
    }

    private func readOverrides(_ map: YAMLMapping, _ profile: DeviceProfile, _ overrides: inout DeviceOverrides) {
        map.allow(["scale", "every", "units", "slots", "baud", "format"])
        let metrics = profile.metrics.map(\.name.referenceID)
        func each(_ key: String, _ names: [String], _ what: String, _ apply: (String, YAMLValue) -> Void) {
            for (name, keyValue, value) in map[key]?.mapping(what)?.entries ?? [] {
                let current = profile.currentName(name)
                guard let known = [name, current].first(where: names.contains) else {
                    keyValue.error(
                        "the profile has no “\(name)”; it has \(names.joined(separator: ", "))",
                        suggestion: YAMLValue.suggest(name, among: names))
                    continue
                }
                apply(known, value)
            }
        }
        each("scale", metrics, "scales by metric") { name, value in
            guard let scale = value.scale() else { return }
            let faults = profile.metrics.filter { $0.name.referenceID == name }.compactMap {
                profile.fault(of: scale, $0)
            }
            if let fault = faults.first { value.error(fault) } else { overrides.scale[name] = scale }
        }
        each("every", metrics, "periods by metric") {
            overrides.period[$0] = $1.duration("the period", 10_000_000...3_600_000_000_000)
        }
        each("units", profile.vmds.map(\.name), "Modbus units by virtual device") {
            overrides.units[$0] = $1.integer("the Modbus unit", 1...255).map { UInt8($0) }
        }
        if let value = map["slots"], let slots = value.list("slots")?.compactMap({ $0.text("a slot") }) {
            let known = profile.rack?.slots ?? []
            for slot in slots where !known.contains(slot) {
                value.error(
                    "the profile has no slot “\(slot)”; it has \(known.joined(separator: ", "))",
                    suggestion: YAMLValue.suggest(slot, among: known))
            }
            if slots.isEmpty { value.error("a rack has at least one slot") } else { overrides.slots = slots }
        }
        var format = profile.line.serial
        if let baud = map["baud"]?.int("the baud rate", 300...921_600) { format?.baud = baud }
        if let value = map["format"], let text = value.text("the format"), format?.apply(format: text) != true {
            value.error("expected a format such as 8N1 on a serial line, found “\(text)”")
        }
        if format != profile.line.serial { overrides.serial = format }
    }
}
