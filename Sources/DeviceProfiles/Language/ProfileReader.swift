import DeviceModel
import Foundation
import Nomenclature

/// Reads a profile file. The keys of each part stand once, where the part is read; docs/profile-authoring.md lists them for authors.
struct ProfileReader {
    static let version = "profile/1"
    static let parts = [
        "nabd", "device", "provenance", "line", "vmds", "frames", "fields", "requests", "session", "metrics", "waveforms", "alerts", "simulate",
    ]

    var profile = DeviceProfile()
    let diagnostics: Diagnostics

    init(diagnostics: Diagnostics) { self.diagnostics = diagnostics }

    mutating func read(_ file: YAMLFile) {
        guard let root = file.root.mapping("a profile") else { return }
        root.allow(Self.parts)
        guard Self.checkVersion(root, Self.version) else { return }
        profile.path = file.path
        if let value = root.required("device")?.mapping("the device") { readDevice(value) }
        if let value = root.required("provenance") { readProvenance(value) }
        if let value = root.required("line")?.mapping("the line") { readLine(value) }
        if let value = root["vmds"]?.mapping("the virtual devices") { readVirtualDevices(value) }
        if profile.line.transport == .serial {
            if let value = root.required("frames")?.mapping("the frames") { readFrames(value) }
            if let value = root.required("fields")?.mapping("the fields") { readFields(value) }
            if let value = root["requests"]?.mapping("the requests") { readRequests(value) }
            if let value = root["session"]?.mapping("the session") { readSession(value) }
        } else {
            for key in ["frames", "fields", "requests", "session", "waveforms"] {
                root[key]?.error("“\(key)” belongs to serial protocols; a Modbus device names registers under “metrics”")
            }
        }
        if let value = root["metrics"] { readMetrics(value, waveform: false) }
        if let value = root["waveforms"], profile.line.transport == .serial { readMetrics(value, waveform: true) }
        if root["metrics"] == nil, root["waveforms"] == nil { root.value.error("the profile measures nothing: it has no metrics and no waveforms") }
        if let value = root["alerts"] { readAlerts(value) }
        if let value = root["simulate"]?.mapping("simulated values") { readSimulation(value) }
        ProfileCheck(profile: profile, diagnostics: diagnostics).run(root)
    }

    /// Whether the file is of the kind and version that this reader knows.
    static func checkVersion(_ root: YAMLMapping, _ expected: String) -> Bool {
        guard let value = root.required("nabd"), let text = value.text("the file's kind, “\(expected)”") else { return false }
        guard text == expected else {
            value.error("this file says it is “\(text)”, expected “\(expected)”")
            return false
        }
        return true
    }

    private mutating func readDevice(_ map: YAMLMapping) {
        map.allow(["manufacturer", "model", "kind"])
        profile.device.manufacturer = map.required("manufacturer")?.text("the manufacturer") ?? ""
        profile.device.model = map.required("model")?.text("the model") ?? ""
        profile.device.kind = map.required("kind")?.text("what the device is") ?? ""
    }

    private mutating func readProvenance(_ value: YAMLValue) {
        guard let list = value.list("sources") else { return }
        if list.isEmpty { value.error("a profile needs at least one source: where do its facts come from?") }
        for entry in list {
            guard let map = entry.mapping("a source") else { continue }
            map.allow(["document", "seen", "firmware", "unverified"])
            profile.provenance.append(
                DeviceProfile.Provenance(
                    document: map.required("document")?.text("the document's name") ?? "",
                    seen: map.required("seen")?.text("where it was seen") ?? "",
                    firmware: map["firmware"]?.text("the firmware version"),
                    unverified: map["unverified"]?.bool("whether it is unverified") ?? false,
                    location: entry.location
                ))
        }
    }

    private mutating func readLine(_ map: YAMLMapping) {
        map.allow(["serial", "modbus", "baud", "format", "unit", "port", "turnaround", "slowest-reply"])
        var line = LineDescription()
        let bauds: ClosedRange<Int> = 300...921_600
        switch (map["serial"], map["modbus"]) {
        case (let serial?, nil):
            line.transport = .serial
            if let baud = serial.int("the baud rate", bauds) { line.serial = SerialFormat(baud: baud) }
            for key in ["baud", "unit", "port"] { map[key]?.error("“\(key)” belongs to Modbus lines") }
        case (nil, let modbus?):
            line.transport = modbus.choice("the Modbus transport", ["rtu": .modbusRTU, "tcp": .modbusTCP]) ?? .modbusRTU
            if line.transport == .modbusRTU, let baud = map.required("baud")?.int("the baud rate", bauds) {
                line.serial = SerialFormat(baud: baud)
            }
            if line.transport == .modbusTCP {
                for key in ["baud", "format"] { map[key]?.error("“\(key)” belongs to serial lines") }
                line.port = map["port"]?.int("the TCP port", 1...65535) ?? 502
            }
            line.unit = map["unit"]?.int("the Modbus unit", 1...255).map { UInt8($0) } ?? 1
        case (.some, let modbus?): modbus.error("a line is either serial or Modbus, not both")
        case (nil, nil): map.value.error("the line says neither “serial: <baud>” nor “modbus: rtu” or “modbus: tcp”")
        }
        if let format = map["format"], let text = format.text("the format"), line.serial?.apply(format: text) == false {
            format.error("expected data bits, parity and stop bits such as 8N1, 7E1 or 8O2, found “\(text)”")
        }
        if let value = map["turnaround"]?.duration("the turnaround", 0...10_000_000_000) { line.turnaround = value }
        if let value = map["slowest-reply"]?.duration("the slowest reply", 1_000_000...60_000_000_000) { line.slowestReply = value }
        profile.line = line
    }

    private mutating func readVirtualDevices(_ map: YAMLMapping) {
        for (name, _, value) in map.entries {
            guard let entry = value.mapping("a virtual device") else { continue }
            entry.allow(["label", "unit"])
            if profile.line.transport == .serial { entry["unit"]?.error("“unit” belongs to Modbus lines") }
            profile.vmds.append(
                DeviceProfile.VirtualDevice(
                    name: name, label: entry.required("label")?.text("the label") ?? "",
                    unit: entry["unit"]?.int("the Modbus unit", 1...255).map { UInt8($0) }
                ))
        }
    }

    private mutating func readSession(_ map: YAMLMapping) {
        map.allow(["identify"])
        guard let identify = map["identify"]?.mapping("how the device is identified") else { return }
        identify.allow(["field"])
        guard let field = identify.required("field"), let name = field.text("a field's name") else { return }
        guard profile.fields.contains(where: { $0.name == name }) else {
            field.error("there is no field “\(name)”", suggestion: YAMLValue.suggest(name, among: profile.fields.map(\.name)))
            return
        }
        profile.identityField = name
    }
}

extension DeviceProfile {
    /// Reads and checks the profile in a folder (its `profile.yaml`), or a profile file.
    ///
    /// Throws ``InvalidFile`` with every error found. Warnings and notes are left in `diagnostics`.
    public static func load(_ path: String, diagnostics: Diagnostics = Diagnostics()) throws(InvalidFile) -> DeviceProfile {
        var isDirectory: ObjCBool = false
        let isFolder = FileManager.default.fileExists(atPath: path, isDirectory: &isDirectory) && isDirectory.boolValue
        let file = isFolder ? path.hasSuffix("/") ? "\(path)profile.yaml" : "\(path)/profile.yaml" : path
        return try load(YAMLFile(path: file, diagnostics: diagnostics))
    }

    /// Reads and checks a profile that is already read as YAML.
    public static func load(_ file: YAMLFile) throws(InvalidFile) -> DeviceProfile {
        var reader = ProfileReader(diagnostics: file.diagnostics)
        reader.read(file)
        if file.diagnostics.hasErrors { throw InvalidFile(diagnostics: file.diagnostics.all.filter { $0.severity == .error }) }
        let folders = URL(fileURLWithPath: file.path).standardized.pathComponents.dropLast().suffix(2)
        reader.profile.name = folders.joined(separator: "/")
        return reader.profile
    }
}
