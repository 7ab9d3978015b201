import DeviceModel
import Foundation
import Nomenclature
package import StrictYAML

/// Reads a profile file. The keys of each part stand in ``Grammar``.
struct ProfileReader {
    static let version = "profile/1"

    var profile = DeviceProfile()
    let diagnostics: Diagnostics
    /// Messages by the name of the request they answer, and those that come unasked.
    var messageNames: [String: Int] = [:]

    init(diagnostics: Diagnostics, names: Nomenclature) {
        self.diagnostics = diagnostics
        profile.names = names
    }

    mutating func read(_ file: YAMLValue, path: String) {
        guard let root = file.mapping("a profile") else { return }
        root.allow(Grammar.profile)
        guard Self.checkVersion(root, Self.version) else { return }
        profile.path = path
        guard checkEntries(root) else { return }
        if let value = root.required("device")?.mapping("the device") { readDevice(value) }
        if let value = root.required("provenance") { readProvenance(value) }
        if let value = root["names"] { readNames(value) }
        if let value = root.required("line") {
            profile.lineLocation = value.location
            if let line = value.mapping("the line") { readLine(line) }
        }
        if let value = root["vmds"]?.mapping("the virtual devices") { readVirtualDevices(value) }
        if profile.line.transport == .serial {
            readSerial(root)
        } else {
            for key in ["frames", "messages", "requests", "waveforms"] {
                root[key]?.error(
                    "“\(key)” belongs to serial protocols; a Modbus device names registers under “fields” or “metrics”")
            }
            if let value = root["fields"]?.mapping("the fields") { readFields(value) }
            if let value = root["session"]?.mapping("the session") {
                for key in ["open", "close", "answers", "control-lost-when"] {
                    value[key]?.error("“\(key)” belongs to serial protocols")
                }
                readSession(value)
            }
        }
        if let value = root["metrics"] { readMetrics(value, waveform: false) }
        if let value = root["waveforms"], profile.line.transport == .serial { readMetrics(value, waveform: true) }
        if root["metrics"] == nil, root["waveforms"] == nil {
            root.value.error("the profile measures nothing: it has no metrics and no waveforms")
        }
        if let value = root["heartbeat"] { readHeartbeats(value) }
        if let value = root["alerts"] { readAlerts(value) }
        declareControlLost(root["session"]?.member("control-lost-when"))
        if let value = root["commands"]?.mapping("the commands") { readCommands(value) }
        if let value = root["simulate"]?.mapping("simulated values") { readSimulation(value) }
        ProfileCheck(profile: profile, diagnostics: diagnostics).run(root)
    }

    /// Whether no part has more entries than are looked at: what is compared is compared with each other.
    private func checkEntries(_ root: YAMLMapping) -> Bool {
        var isWithin = true
        for (key, limit) in Grammar.Bounds.entries {
            guard let value = root[key], value.entryCount > limit else { continue }
            value.error("“\(key)” has \(value.entryCount) entries; a profile has at most \(limit)")
            isWithin = false
        }
        return isWithin
    }

    private mutating func readSerial(_ root: YAMLMapping) {
        if let value = root.required("frames")?.mapping("the frames") {
            readFrames(value)
            if !profile.frames.contains(where: { !$0.isFromHost }) {
                value.value.error("no frame is one that the device sends: nothing of it could ever be read")
            }
        }
        // Templates name fields and fields name messages: the messages' names and templates first, then the fields,
        // then who is named.
        if let value = root["messages"]?.mapping("the messages") { readMessages(value) }
        let requests = root["requests"]?.mapping("the requests")
        if let requests { readReplies(requests) }
        if let value = root.required("fields")?.mapping("the fields") { readFields(value) }
        if let requests { readRequests(requests) }
        if let value = root["session"]?.mapping("the session") { readSession(value) }
    }

    /// Whether the file is of the kind and version that this reader knows.
    static func checkVersion(_ root: YAMLMapping, _ expected: String) -> Bool {
        guard let value = root.required("nabd"), let text = value.text("the file's kind, “\(expected)”") else {
            return false
        }
        guard text == expected else {
            value.error("this file says it is “\(text)”, expected “\(expected)”")
            return false
        }
        return true
    }

    private mutating func readDevice(_ map: YAMLMapping) {
        map.allow(Grammar.device)
        profile.device.manufacturer = map.required("manufacturer")?.text("the manufacturer") ?? ""
        profile.device.model = map.required("model")?.text("the model") ?? ""
        profile.device.isForTraining = map["use"]?.choice("what it is for", ["training": true]) ?? false
        guard let kind = map.required("kind"), let text = kind.text("what the device is") else { return }
        profile.device.kind = text
        profile.device.class = profile.names.kinds[text]?.class
        if profile.device.class == nil {
            diagnostics.note(
                kind.location,
                "nomenclature/kinds.tsv does not know the kind “\(text)”: whom its values are about is not told, and "
                    + "they carry no LOINC code"
            )
        }
    }

    /// Names of the profile's own, in the form of the tables.
    private mutating func readNames(_ value: YAMLValue) {
        for entry in value.list("names") ?? [] {
            guard let map = entry.mapping("a name") else { continue }
            let kinds: [NameRow.Kind] = [.metric, .event, .unit, .kind]
            guard let kind = kinds.first(where: { map[$0.rawValue] != nil }), let name = map[kind.rawValue],
                let text = name.text("a name")
            else {
                entry.error("a name begins with one of “metric”, “event”, “unit” and “kind”")
                continue
            }
            map.allow([kind.rawValue] + kind.columns)
            var cells: [String: NameRow.Cell] = [:]
            for (key, _, value) in map.entries where key != kind.rawValue {
                if let text = value.text("a text") { cells[key] = NameRow.Cell(text: text, location: value.location) }
            }
            profile.names.declare(
                NameRow(kind: kind, name: NameRow.Cell(text: text, location: name.location), cells: cells), by: .site,
                diagnostics)
        }
    }

    private mutating func readProvenance(_ value: YAMLValue) {
        guard let list = value.list("sources") else { return }
        if list.isEmpty { value.error("a profile needs at least one source: where do its facts come from?") }
        for entry in list {
            guard let map = entry.mapping("a source") else { continue }
            map.allow(Grammar.provenance)
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

    private mutating func readVirtualDevices(_ map: YAMLMapping) {
        for (name, keyValue, value) in map.entries {
            guard let entry = value.mapping("a virtual device") else { continue }
            entry.allow(Grammar.vmd)
            if profile.line.transport == .serial { entry["unit"]?.error("“unit” belongs to Modbus lines") }
            if profile.line.transport != .serial {
                entry["slots"]?.error("“slots” belongs to serial protocols; name each Modbus unit as a virtual device")
            }
            let slots = entry["slots"]?.list("slots").map { $0.compactMap { $0.text("a slot") } } ?? []
            if slots.count > 128 { entry["slots"]?.error("a rack has at most 128 slots") }
            if Set(slots).count != slots.count { entry["slots"]?.error("a slot is named twice") }
            if !slots.isEmpty, profile.rack != nil {
                keyValue.error("there is one rack already, “\(profile.rack?.name ?? "")”; a device has at most one")
            }
            profile.vmds.append(
                DeviceProfile.VirtualDevice(
                    name: name, label: entry.required("label")?.text("the label") ?? "",
                    unit: entry["unit"]?.int("the Modbus unit", Grammar.Bounds.serialUnit).map { UInt8($0) },
                    slots: slots))
        }
    }

    // MARK: Names

    func fieldExists(_ name: String, _ value: YAMLValue) -> Bool {
        if profile.fields.contains(where: { $0.name == name }) { return true }
        value.error(
            "there is no field “\(name)”", suggestion: YAMLValue.suggest(name, among: profile.fields.map(\.name)))
        return false
    }

    func frame(named value: YAMLValue) -> Int? {
        guard let name = value.text("a frame's name") else { return nil }
        if let index = profile.frameIndex(name) { return index }
        value.error(
            "there is no frame “\(name)”", suggestion: YAMLValue.suggest(name, among: profile.frames.map(\.name)))
        return nil
    }
}

extension DeviceProfile {
    /// The profile in a folder (its `profile.yaml`), or a profile file, read as YAML.
    package static func file(_ path: String, diagnostics: Diagnostics) throws(InvalidFile) -> YAMLFile {
        var isDirectory: ObjCBool = false
        let isFolder = FileManager.default.fileExists(atPath: path, isDirectory: &isDirectory) && isDirectory.boolValue
        let file = isFolder ? path.hasSuffix("/") ? "\(path)profile.yaml" : "\(path)/profile.yaml" : path
        return try YAMLFile(path: file, diagnostics: diagnostics)
    }

    /// Reads a profile and checks what it says in itself. Throws ``InvalidFile`` with every error found.
    package static func read(_ file: YAMLFile) throws(InvalidFile) -> DeviceProfile {
        let shelf = NomenclatureShelf.names(besides: [shelf(ofFile: file.path)])
        for finding in shelf.findings { file.diagnostics.report(finding) }
        var reader = ProfileReader(diagnostics: file.diagnostics, names: shelf.nomenclature)
        var sources = [Source(name: name(path: file.path), bytes: file.bytes)]
        let root = try file.root.withInheritance(path: file.path, &sources)
        reader.read(root, path: file.path)
        try file.diagnostics.throwErrors()
        reader.profile.name = sources[0].name
        reader.profile.sources = sources
        return reader.profile
    }

    /// The folder of profiles in which `vendor/model/profile.yaml` stands.
    package static func shelf(ofFile path: String) -> String {
        // The first of them is the root itself.
        "/" + place(ofFile: path).dropFirst().dropLast(3).joined(separator: "/")
    }

    /// `vendor/model`, from the folders that a profile's file stands in.
    fileprivate static func name(path: String) -> String {
        place(ofFile: path).dropLast().suffix(2).joined(separator: "/")
    }

    private static func place(ofFile path: String) -> [String] {
        URL(fileURLWithPath: path, isDirectory: false).standardized.pathComponents
    }
}

extension YAMLValue {
    /// Profiles that extend each other stand at most so deep.
    private static var inheritanceLimit: Int { 4 }

    /// The file over the one that it extends, over the one that extends, …
    ///
    /// - Parameter sources: the files read so far; the others follow in the order in which they are extended.
    fileprivate func withInheritance(path: String, _ sources: inout [DeviceProfile.Source]) throws(InvalidFile)
        -> YAMLValue
    {
        guard let value = member("extends") else { return self }
        guard let name = value.text("the profile that is extended, vendor/model") else { return self }
        guard name.wholeMatch(of: /[A-Za-z0-9._-]+\/[A-Za-z0-9._-]+/) != nil, !name.contains("..") else {
            value.error("expected vendor/model, found “\(name)”")
            return self
        }
        guard sources.count <= Self.inheritanceLimit else {
            value.error("profiles that extend each other stand more than \(Self.inheritanceLimit) deep")
            return self
        }
        let folder = DeviceProfile.shelf(ofFile: path)
        let other = "\(folder)/\(name)/profile.yaml"
        guard FileManager.default.fileExists(atPath: other) else {
            value.error("there is no profile “\(name)” in \(folder)")
            return self
        }
        let file = try YAMLFile(path: other, diagnostics: diagnostics)
        sources.append(DeviceProfile.Source(name: DeviceProfile.name(path: other), bytes: file.bytes))
        return extending(try file.root.withInheritance(path: other, &sources))
    }
}
