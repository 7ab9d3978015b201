import DeviceModel
package import DevicePlans
package import Fieldbus
import Foundation
package import Nomenclature
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
    }

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
    /// The port on 127.0.0.1 for metrics and health; `nil` for none.
    package var metricsPort: Int?
    /// `nil` when the journal stays on the unit.
    package var uplink: UplinkEndpoint?
    /// Where the unit delivers to; `nil` without an uplink.
    package var destination: String? { uplink?.server }
    /// Unit: ns.
    package var uplinkWindow: Int64 = 60_000_000_000
    /// The names of the unit's folders of profiles.
    package var names = Nomenclature()

    package init() {}

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

    /// Reads and checks a configuration with every profile it names.
    ///
    /// Throws ``InvalidFile`` with every error found, each at file:line:column. Warnings are left in `diagnostics`.
    package static func load(_ path: String, diagnostics: Diagnostics = Diagnostics()) throws(InvalidFile)
        -> UnitConfiguration
    {
        let file = try YAMLFile(path: path, diagnostics: diagnostics)
        var reader = UnitReader(
            folder: URL(fileURLWithPath: path).deletingLastPathComponent().path, diagnostics: diagnostics)
        if let root = file.root.mapping("a unit's configuration") { reader.read(root) }
        if diagnostics.hasErrors { throw InvalidFile(diagnostics: diagnostics.all.filter { $0.severity == .error }) }
        return reader.unit
    }
}

/// Reads a unit's configuration. The keys of each part stand once, where the part is read; docs/operations.md lists
/// them.
private struct UnitReader {
    var unit = UnitConfiguration()
    let folder: String
    let diagnostics: Diagnostics
    private var profileFolders: [String] = []

    init(folder: String, diagnostics: Diagnostics) {
        self.folder = folder
        self.diagnostics = diagnostics
    }

    private func absolute(_ path: String) -> String { path.hasPrefix("/") ? path : "\(folder)/\(path)" }

    mutating func read(_ root: YAMLMapping) {
        root.allow(["nabd", "unit", "profiles", "test-data", "journal", "real-time", "metrics", "devices", "uplink"])
        guard let kind = root.required("nabd"), let text = kind.text("the file's kind, “unit/1”") else { return }
        guard text == "unit/1" else { return kind.error("this file says it is “\(text)”, expected “unit/1”") }
        if let value = root.required("unit"), let name = value.text("the unit's name") {
            if Self.isHandle(name) {
                unit.unit = name
            } else {
                value.error("a unit's name is lower-case letters, digits and hyphens, at most 40")
            }
        }
        unit.isTestData = root["test-data"]?.bool("whether it is test data") ?? false
        profileFolders = (root["profiles"]?.listOrOne() ?? []).compactMap { $0.text("a folder of profiles") }.map(
            absolute)
        if root["profiles"] == nil { profileFolders = [absolute("device-profiles")] }
        let shelf = NomenclatureShelf.names(besides: profileFolders)
        for finding in shelf.findings { diagnostics.report(finding) }
        unit.names = shelf.nomenclature
        unit.journalDirectory = absolute("journal")
        if let map = root["journal"]?.mapping("the journal") { readJournal(map) }
        if let map = root["real-time"]?.mapping("the real-time settings") {
            map.allow(["priority"])
            unit.realTimePriority = map["priority"]?.integer("the SCHED_FIFO priority", 0...98).map { Int32($0) } ?? 40
        }
        if let map = root["metrics"]?.mapping("the metrics") {
            map.allow(["port"])
            unit.metricsPort = map.required("port")?.int("the port on 127.0.0.1", 1...65535)
        }
        if let map = root.required("devices")?.mapping("the devices") {
            for (handle, keyValue, value) in map.entries { readDevice(handle, keyValue, value) }
            if map.entries.isEmpty { map.value.error("a unit has at least one device") }
        }
        if let map = root["uplink"]?.mapping("the uplink") {
            readUplink(map)
            unit.retention.hasUplink = true
        }
        checkLines()
    }

    static func isHandle(_ text: String) -> Bool {
        (1...40).contains(text.utf8.count)
            && text.utf8.allSatisfy { (0x61...0x7A).contains($0) || (0x30...0x39).contains($0) || $0 == 0x2D }
    }

    private mutating func readJournal(_ map: YAMLMapping) {
        map.allow(["directory", "commit-every", "limit", "keep", "shed"])
        if let text = map["directory"]?.text("the journal's folder") { unit.journalDirectory = absolute(text) }
        if let value = map["commit-every"]?.duration("the commit interval", 20_000_000...10_000_000_000) {
            unit.commitEvery = value
        }
        if let value = map["limit"] { readLimit(value) }
        if let value = map["keep"]?.duration(
            "how long what is delivered is kept", 60_000_000_000...315_360_000_000_000_000)
        {
            unit.retention.keep = value
        }
        if let list = map["shed"]?.list("what may be given up, in this order") {
            unit.retention.shed = list.compactMap {
                $0.choice("what may be given up", ["waveforms": .waveforms, "numerics": .numerics])
            }
        }
    }

    /// A size such as `8GiB`.
    private mutating func readLimit(_ value: YAMLValue) {
        guard let text = value.text("the journal's limit") else { return }
        let units: KeyValuePairs<String, Int64> = ["MiB": 1 << 20, "GiB": 1 << 30, "TiB": 1 << 40]
        for unit in units where text.hasSuffix(unit.key) {
            guard let count = Int64(text.dropLast(unit.key.count)), (1...4096).contains(count) else { break }
            self.unit.retention.limit = count * unit.value
            if self.unit.retention.limit >= Self.leastLimit { return }
        }
        value.error(
            "expected the journal's limit as a size of at least 4MiB, found “\(text)”",
            suggestion: "write it as 512MiB or 8GiB")
    }

    private static let leastLimit: Int64 = 4 << 20

    private mutating func readUplink(_ map: YAMLMapping) {
        map.allow(["server", "authority", "client-certificate", "client-key", "window"])
        func file(_ key: String) -> String {
            guard let value = map.required(key), let text = value.text("a PEM file") else { return "" }
            let path = absolute(text)
            if !FileManager.default.isReadableFile(atPath: path) { value.error("there is no readable file \(path)") }
            return path
        }
        let server = map.required("server")
        let address = server?.text("the address of the records service") ?? ""
        if !address.hasPrefix("https://") { server?.error("the records service must be https://…, found “\(address)”") }
        unit.uplink = UplinkEndpoint(
            server: address, authority: file("authority"), clientCertificate: file("client-certificate"),
            clientKey: file("client-key"))
        if let window = map["window"]?.duration("the window", 1_000_000_000...600_000_000_000) {
            unit.uplinkWindow = window
        }
    }

    // MARK: Devices

    private mutating func readDevice(_ handle: String, _ keyValue: YAMLValue, _ value: YAMLValue) {
        if !Self.isHandle(handle) {
            keyValue.error("a device's handle is lower-case letters, digits and hyphens, at most 40; found “\(handle)”")
        }
        guard let map = value.mapping("a device") else { return }
        map.allow(["profile", "line", "listen", "from", "unit", "serial", "override"])
        guard let profileValue = map.required("profile"), let name = profileValue.text("a profile, vendor/model"),
            let (lineValue, address) = readLine(map)
        else { return }
        guard
            let folder = profileFolders.map({ "\($0)/\(name)" }).first(where: {
                FileManager.default.fileExists(atPath: "\($0)/profile.yaml")
            })
        else {
            return profileValue.error("there is no profile “\(name)” in \(profileFolders.joined(separator: ", "))")
        }
        let profile: DeviceProfile
        do throws(InvalidFile) {
            profile = try DeviceProfile.load(folder)
        } catch {
            for diagnostic in error.diagnostics { diagnostics.report(diagnostic) }
            return
        }
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
        let plan = profile.compile(handle: handle, overrides: overrides, expectedSerial: serial)
        if let fault = plan.fault(on: address) { lineValue.error(fault) }
        unit.devices.append(UnitConfiguration.Device(plan: plan, address: address, location: value.location))
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
                    keyValue.error("the profile has no “\(name)”; it has \(names.joined(separator: ", "))")
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
                value.error("the profile has no slot “\(slot)”; it has \(known.joined(separator: ", "))")
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

    // MARK: Lines

    /// A line that is busier than this has no time left for what goes wrong.
    private static let mostLoad = 0.8

    private func checkLines() {
        checkCallers()
        for line in unit.lines {
            let devices = unit.devices.filter { $0.address == line.address }
            guard let first = devices.first else { continue }
            let loads = devices.map { $0.plan.lineLoad ?? (0, 0) }
            let load = loads.reduce(0) { $0 + $1.asked + $1.streamed }
            if loads.contains(where: { $0.asked > 0 }), load > Self.mostLoad {
                let shares = zip(devices, loads).map {
                    "\($0.plan.handle) \(Int((($1.asked + $1.streamed) * 100).rounded())) %"
                }.joined(separator: ", ")
                diagnostics.report(
                    Diagnostic(
                        .error, first.location,
                        "\(line.address) cannot carry its devices: at these periods they take "
                            + "\(Int((load * 100).rounded())) % of its time (\(shares)), at most "
                            + "\(Int(Self.mostLoad * 100)) % are allowed",
                        suggestion: "read less often, or use a second line"))
            }
            for other in devices.dropFirst() {
                func error(_ message: String) {
                    diagnostics.report(
                        Diagnostic(
                            .error, other.location,
                            "\(line.address) is shared with “\(first.plan.handle)”, but \(message)"))
                }
                if first.plan.line.transport == .serial || other.plan.line.transport == .serial {
                    error("a serial protocol needs a line for itself")
                } else if first.plan.line.serial != other.plan.line.serial {
                    error("their baud rates or formats differ")
                } else if first.plan.line.transport == .modbusRTU,
                    devices.contains(where: {
                        $0.plan.handle != other.plan.handle && $0.plan.line.unit == other.plan.line.unit
                    })
                {
                    error("their Modbus units are the same: give each its own “unit”")
                }
            }
        }
    }
    /// A port of this machine serves one device that calls, on whichever of its addresses.
    private func checkCallers() {
        var taken: [(host: String, port: Int, device: String, address: LineAddress)] = []
        for device in unit.devices {
            guard case .listening(let host, let port, _) = device.address else { continue }
            let clash = taken.first { other in
                other.port == port && other.address != device.address
                    && (other.host == host || [other.host, host].contains { ["0.0.0.0", "::"].contains($0) })
            }
            if let clash {
                diagnostics.report(
                    Diagnostic(
                        .error, device.location,
                        "“\(clash.device)” calls at \(clash.address) already: each device that calls needs a port of "
                            + "its own"
                    ))
            }
            taken.append((host, port, device.plan.handle, device.address))
        }
    }
}
