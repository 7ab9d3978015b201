import DeviceModel
import DevicePlans
import Fieldbus
import Foundation
import Nomenclature
import ProfileLanguage
import SampleJournal
import StrictYAML
import Uplink

/// Reads a unit's configuration. The keys of each part stand once, where the part is read; docs/operations.md lists
/// them.
struct UnitReader {
    var unit = UnitConfiguration()
    let folder: String
    let diagnostics: Diagnostics
    var profileFolders: [String] = []
    var trust = Trust()

    static let keys = [
        "nabd", "unit", "profiles", "accept", "monitor-only", "test-data", "journal", "real-time", "metrics", "status",
        "clock", "devices", "beds", "presets", "patients", "people", "pumps", "uplink", "console",
    ]

    let faultCost: UnitConfiguration.FaultCost

    init(folder: String, diagnostics: Diagnostics, faultsCost: UnitConfiguration.FaultCost) {
        self.folder = folder
        self.diagnostics = diagnostics
        faultCost = faultsCost
    }

    /// Reads a part of the file; one that is faulty is not used, and returns `false`.
    mutating func part(_ part: UnitConfiguration.Refusal.Part, _ read: (inout UnitReader) -> Void) -> Bool {
        let before = diagnostics.errors
        read(&self)
        guard diagnostics.errors > before else { return true }
        refuse(part, diagnostics.lastError?.description ?? "")
        return false
    }

    mutating func refuse(_ part: UnitConfiguration.Refusal.Part, _ reason: String) {
        unit.refused.append(UnitConfiguration.Refusal(part: part, reason: reason))
    }

    func absolute(_ path: String) -> String { path.hasPrefix("/") ? path : "\(folder)/\(path)" }

    /// Returns whether it is a unit's configuration at all.
    mutating func read(_ root: YAMLMapping) -> Bool {
        guard let kind = root.required("nabd"), let text = kind.text("the file's kind, “unit/1”") else { return false }
        guard text == "unit/1" else {
            kind.error("this file says it is “\(text)”, expected “unit/1”")
            return false
        }
        for (key, _, value) in root.entries where key != "devices" { unit.parts[key] = value.canonicalText }
        // A key that is not known may be any one that is missing, misspelt: the uplink's, the label's, the journal's.
        let areKeysRight = part(.setting("nabd")) { _ in root.allow(Self.keys) }
        _ = part(.setting("unit")) { $0.readName(root) }
        let isLabelRight = part(.setting("test-data")) {
            $0.unit.isTestData = root["test-data"]?.bool("whether it is test data") ?? false
        }
        _ = part(.setting("profiles")) { $0.readFolders(root) }
        unit.journalDirectory = absolute("journal")
        if !areKeysRight, root["journal"] == nil { unit.retention = JournalRetention(shed: []) }
        _ = part(.setting("journal")) { reader in
            if let map = root["journal"]?.mapping("the journal") { reader.readJournal(map) }
        }
        _ = part(.setting("real-time")) { reader in
            guard let map = root["real-time"]?.mapping("the real-time settings") else { return }
            map.allow(["priority"])
            if let priority = map["priority"]?.integer("the SCHED_FIFO priority", 0...98) {
                reader.unit.realTimePriority = Int32(priority)
            }
        }
        _ = part(.setting("metrics")) { reader in
            guard let map = root["metrics"]?.mapping("the metrics") else { return }
            map.allow(["port"])
            reader.unit.metricsPort = map.required("port")?.int("the port on 127.0.0.1", 1...65535)
        }
        _ = part(.setting("status")) { reader in
            guard let map = root["status"]?.mapping("the status") else { return }
            map.allow(["socket"])
            reader.unit.statusPath = map.required("socket")?.text("the socket's path").map(reader.absolute)
        }
        _ = part(.setting("clock")) { reader in
            guard let map = root["clock"]?.mapping("the clock") else { return }
            map.allow(["file"])
            reader.unit.clockFile = map.required("file")?.text("the file's path").map(reader.absolute)
        }
        readTrust(root)
        _ = part(.setting("people")) { reader in
            if let map = root["people"]?.mapping("the way in for people") { reader.readPeople(map) }
        }
        _ = part(.setting("pumps")) { reader in
            if let map = root["pumps"]?.mapping("what lets pumps be driven") { reader.readPumps(map) }
        }
        _ = part(.setting("console")) { reader in
            if let map = root["console"]?.mapping("the server of the screens") { reader.readConsole(map) }
        }
        readDevices(root)
        readBeds(root, areKeysRight: areKeysRight)
        let isUplinkRight = part(.setting("uplink")) { reader in
            if let map = root["uplink"]?.mapping("the uplink") { reader.readUplink(map) }
        }
        // Whatever is wrong with it, somebody may wait for what is recorded.
        unit.retention.hasUplink = root["uplink"] != nil || !areKeysRight
        let isLabelled = isLabelRight && (areKeysRight || root["test-data"] != nil)
        if !isLabelled, unit.uplink != nil {
            refuse(.setting("uplink"), "nothing is sent as long as “test-data” does not say what it is")
        }
        if !isUplinkRight || !isLabelled { unit.uplink = nil }
        return true
    }

    private mutating func readDevices(_ root: YAMLMapping) {
        guard let map = root.required("devices")?.mapping("the devices") else { return }
        if map.entries.isEmpty { map.value.error("a unit has at least one device") }
        for (handle, keyValue, value) in map.entries {
            let before = unit.devices.count
            // What is no handle names no device, neither in the journal nor in the log.
            let name = Self.isHandle(handle) ? handle : "line-\(keyValue.location.line)"
            let isRight = part(.device(name)) { reader in
                if before >= UnitConfiguration.mostDevices {
                    return keyValue.error("a unit has at most \(UnitConfiguration.mostDevices) devices")
                }
                reader.readDevice(handle, keyValue, value)
            }
            if !isRight { unit.devices.removeSubrange(before...) }
        }
        checkLines()
    }

    private mutating func readName(_ root: YAMLMapping) {
        // What people call it; nothing hangs on it.
        unit.unit = "unnamed"
        guard let value = root.required("unit"), let name = value.text("the unit's name") else { return }
        if Self.isHandle(name) {
            unit.unit = name
        } else {
            value.error("a unit's name is lower-case letters, digits and hyphens, at most 40")
        }
    }

    private mutating func readFolders(_ root: YAMLMapping) {
        profileFolders = (root["profiles"]?.listOrOne() ?? []).compactMap { $0.text("a folder of profiles") }.map(
            absolute)
        if root["profiles"] == nil { profileFolders = [absolute("device-profiles")] }
        let shelf = NomenclatureShelf.names(besides: profileFolders)
        for finding in shelf.findings { diagnostics.report(finding) }
        unit.names = shelf.nomenclature
    }

    static func isHandle(_ text: String) -> Bool { Handle.isOne(text) }

    private mutating func readJournal(_ map: YAMLMapping) {
        map.allow(["directory", "commit-every", "limit", "keep", "shed"])
        if let text = map["directory"]?.text("the journal's folder") { unit.journalDirectory = absolute(text) }
        if let value = map["commit-every"]?.duration("the commit interval", 20_000_000...10_000_000_000) {
            unit.commitEvery = value
        }
        let before = diagnostics.errors
        var retention = unit.retention
        if let limit = map["limit"].flatMap(limit) { retention.limit = limit }
        if let value = map["keep"]?.duration(
            "how long what is delivered is kept", 60_000_000_000...315_360_000_000_000_000)
        {
            retention.keep = value
        }
        if let list = map["shed"]?.list("what may be given up, in this order") {
            retention.shed = list.compactMap {
                $0.choice("what may be given up", ["waveforms": .waveforms, "numerics": .numerics])
            }
        }
        // What may go is not guessed: where any of it is faulty, nothing goes undelivered, and nothing by age.
        unit.retention = diagnostics.errors == before ? retention : JournalRetention(shed: [])
    }

    /// A size such as `8GiB`.
    private func limit(_ value: YAMLValue) -> Int64? {
        guard let text = value.text("the journal's limit") else { return nil }
        let units: KeyValuePairs<String, Int64> = ["MiB": 1 << 20, "GiB": 1 << 30, "TiB": 1 << 40]
        for unit in units where text.hasSuffix(unit.key) {
            guard let count = Int64(text.dropLast(unit.key.count)), (1...4096).contains(count) else { break }
            if count * unit.value >= Self.leastLimit { return count * unit.value }
        }
        value.error(
            "expected the journal's limit as a size of at least 4MiB, found “\(text)”",
            suggestion: "write it as 512MiB or 8GiB")
        return nil
    }

    private static let leastLimit: Int64 = 4 << 20

    private mutating func readUplink(_ map: YAMLMapping) {
        map.allow([
            "server", "authority", "client-certificate", "client-key", "window", "alarm-after", "compression",
            "reconcile-every", "waveforms", "at-most", "each-month", "smart", "unset-clock", "est", "nats",
        ])
        func file(_ key: String) -> String {
            guard let value = map.required(key), let text = value.text("a PEM file") else { return "" }
            let path = absolute(text)
            // A unit that runs waits for the file.
            if faultCost == .everything, !FileManager.default.isReadableFile(atPath: path) {
                let isEnrolled = key != "authority" && map["est"] != nil
                value.error(
                    "there is no readable file \(path)",
                    suggestion: isEnrolled ? "“nabd uplink enrol” makes it" : nil)
            }
            return path
        }
        let server = map.required("server")
        let address = server?.text("the address of the records service") ?? ""
        let before = diagnostics.errors
        let (authority, certificate, key) = (file("authority"), file("client-certificate"), file("client-key"))
        let enrolment = map["est"]?.mapping("how the certificate is renewed").flatMap {
            self.enrolment($0, authority: authority)
        }
        if enrolment != nil, certificate != key {
            map["client-key"]?.error(
                "with “est” the certificate and its key are one file, so that both change at once: write the same file "
                    + "as “client-certificate”")
        }
        let nats = stream(map, at: server, address)
        let endpoint = UplinkEndpoint(
            server: address, authority: authority, clientCertificate: certificate, clientKey: key,
            smart: map["smart"]?.mapping("how tokens are asked for").flatMap(smart), enrolment: enrolment,
            nats: nats)
        if faultCost == .everything, diagnostics.errors == before, let fault = endpoint.fault {
            map.value.error(fault.description)
        }
        unit.uplink = endpoint
        if let window = map["window"]?.duration("the window", 1_000_000_000...600_000_000_000) {
            unit.uplinkWindow = window
        }
        if let value = map["alarm-after"]?.duration(
            "how long nothing is stored before it is an alarm", 1_000_000_000...86_400_000_000_000)
        {
            unit.uplinkAlarmAfter = value
        }
        if let value = map["reconcile-every"]?.duration(
            "how often what was acknowledged is read back", 10_000_000_000...604_800_000_000_000)
        {
            unit.reconcileEvery = value
        }
        if let policy = map["unset-clock"]?.choice(
            "what becomes of samples of an unset clock", ["hold": UnsetClock.hold, "mark": .mark])
        {
            unit.unsetClock = policy
        }
        if let value = map["compression"], let word = value.text("how bodies are compressed") {
            unit.uplinkCompresses = word == "gzip"
            if !["gzip", "none"].contains(word) { value.error("expected gzip or none, found “\(word)”") }
        }
        readLink(map)
    }
}
