import DevicePlans
import Foundation
import Nomenclature
import Patients
import Presets
import ProfileLanguage
import StrictYAML

extension UnitReader {
    /// A bed as it is written, with the devices that it claims.
    private struct Entry {
        let id: String
        let key: YAMLValue
        let value: YAMLValue
        let claims: Set<String>
    }

    /// Reads the beds, and where presets and patients are. A faulty bed is not there; the others are.
    ///
    /// - Parameter areKeysRight: whether the file has no unknown key, which could be one of these, misspelt.
    mutating func readBeds(_ root: YAMLMapping, areKeysRight: Bool) {
        _ = part(.setting("presets")) { reader in
            let folders = (root["presets"]?.listOrOne() ?? []).compactMap { $0.text("a folder of presets") }
            reader.unit.presetFolders =
                root["presets"] == nil ? reader.presetsBesideProfiles : folders.map(reader.absolute)
        }
        let isPlaceRight = part(.setting("patients")) { reader in
            reader.unit.patientFolder =
                root["patients"] == nil
                ? "\(reader.unit.journalDirectory).patients"
                : root["patients"]?.text("the folder of the patients' identifiers").map(reader.absolute)
        }
        // Whoever they are, they are kept nowhere else.
        if !isPlaceRight || !areKeysRight && root["patients"] == nil { unit.patientFolder = nil }
        guard let value = root["beds"] else {
            if !areKeysRight { unit.faultyBeds = .all }
            return
        }
        var entries: [Entry] = []
        let isMapping = part(.setting("beds")) { _ in
            for (id, key, value) in value.mapping("the beds")?.entries ?? [] {
                entries.append(Entry(id: id, key: key, value: value, claims: Self.claims(value)))
            }
        }
        let devices = root["devices"].flatMap { $0.isMapping ? $0.mapping("the devices") : nil }
        // A device that is faulty costs itself, and not its bed.
        let declared = devices?.entries.map(\.key) ?? []
        var faulty: Set<String> = []
        for (place, entry) in entries.enumerated() {
            let before = unit.beds.count
            let isRight = part(.setting("beds")) { reader in
                if place >= UnitConfiguration.mostBeds {
                    return entry.key.error("a unit has at most \(UnitConfiguration.mostBeds) beds")
                }
                reader.readBed(entry, among: entries, declared: declared)
            }
            if isRight { continue }
            unit.beds.removeSubrange(before...)
            faulty.insert(entry.id)
        }
        unit.faultyBeds = isMapping ? .these(faulty) : .all
        readPresets()
        warnOfDevicesAtNoBed()
    }

    /// A folder `presets` beside each folder of profiles.
    private var presetsBesideProfiles: [String] {
        profileFolders.reduce(into: []) { folders, profiles in
            let folder = URL(fileURLWithPath: profiles).deletingLastPathComponent().appendingPathComponent("presets")
            if !folders.contains(folder.path) { folders.append(folder.path) }
        }
    }

    /// What a bed claims, as far as it can be read; what is wrong with it is told when the bed is read.
    private static func claims(_ value: YAMLValue) -> Set<String> {
        Set((value.member("devices")?.listOrOne() ?? []).compactMap(\.word))
    }

    private mutating func readBed(_ entry: Entry, among entries: [Entry], declared: [String]) {
        if !Self.isHandle(entry.id) {
            entry.key.error("a bed's id is lower-case letters, digits and hyphens, at most 40; found “\(entry.id)”")
        }
        guard let map = entry.value.mapping("a bed") else { return }
        map.allow(["name", "name-arabic", "preset", "devices"])
        let name = Self.name(map.required("name"), "the bed's name")
        let arabic = Self.name(map.required("name-arabic"), "the bed's name in Arabic")
        if let arabic, let value = map["name-arabic"], !arabic.unicodeScalars.contains(where: Self.isArabic) {
            diagnostics.warning(value.location, "the bed's Arabic name has no Arabic letter: nurses read it")
        }
        let preset = map["preset"]?.text("the preset's name")
        if let preset, !Self.isHandle(preset) {
            map["preset"]?.error("a preset's name is lower-case letters, digits and hyphens, at most 40")
        }
        guard let list = map.required("devices"), let places = list.list("the bed's devices") else { return }
        var devices: [String] = []
        for place in places {
            guard let handle = place.text("a device's handle") else { continue }
            if devices.contains(handle) {
                place.error("“\(handle)” stands twice")
            } else if !declared.contains(handle) {
                place.error(
                    "the unit has no device “\(handle)”", suggestion: YAMLValue.suggest(handle, among: declared))
            } else if let other = entries.first(where: { $0.id != entry.id && $0.claims.contains(handle) }) {
                // Which of the two it is at nobody knows: neither bed is there.
                place.error("“\(handle)” is at “\(other.id)” too: a device is at one bed")
            }
            devices.append(handle)
        }
        if devices.isEmpty { list.error("a bed has at least one device") }
        if devices.count > BedRecord.mostDevices { list.error("a bed has at most \(BedRecord.mostDevices) devices") }
        guard let name, let arabic else { return }
        unit.beds.append(
            UnitConfiguration.Bed(
                id: entry.id, configured: ConfiguredBed(name: name, nameArabic: arabic, devices: devices),
                preset: preset, location: entry.key.location, presetLocation: map["preset"]?.location))
    }

    /// Reads the presets by which a bed may be watched. One that cannot be used costs the beds that name it their
    /// limits, which is an alarm, and nothing else.
    private mutating func readPresets() {
        guard !unit.beds.isEmpty else { return }
        let shelf = PresetShelf(folders: unit.presetFolders, names: unit.names)
        let named = Set(unit.beds.compactMap(\.preset))
        for (name, _) in shelf.paths {
            let found = Diagnostics()
            let preset = (try? shelf.load(name, diagnostics: found)).flatMap(\.self)
            unit.presets[name] = preset
            if named.contains(name) { for one in found.all { diagnostics.note(one.location, one.message) } }
        }
        for bed in unit.beds {
            guard let name = bed.preset else {
                diagnostics.warning(bed.location, "no limit is watched at “\(bed.id)”: it has no preset")
                continue
            }
            _ = part(.setting("presets")) { reader in reader.check(name, of: bed, shelf) }
        }
    }

    private func check(_ name: String, of bed: UnitConfiguration.Bed, _ shelf: PresetShelf) {
        let location = bed.presetLocation ?? bed.location
        if let preset = unit.presets[name] {
            guard preset.review == nil else { return }
            return diagnostics.warning(location, "the preset “\(name)” is \(Preset.notReviewed)")
        }
        if let path = shelf.path(of: name) {
            return diagnostics.error(
                location, "no limit is watched at “\(bed.id)”: \(path) is faulty",
                suggestion: "nabd preset lint \(path)")
        }
        diagnostics.error(
            location,
            "no limit is watched at “\(bed.id)”: there is no preset “\(name)” in "
                + unit.presetFolders.joined(separator: ", "), suggestion: shelf.suggest(name))
    }

    private static func name(_ value: YAMLValue?, _ what: String) -> String? {
        guard let value, let text = value.text(what) else { return nil }
        guard ConfiguredBed.isName(text) else {
            value.error("\(what) has 1 to \(BedRecord.longestName) bytes, all of them to be seen")
            return nil
        }
        return text
    }

    /// Of the blocks Arabic and Arabic Supplement.
    private static func isArabic(_ scalar: Unicode.Scalar) -> Bool {
        (0x0600...0x06FF).contains(scalar.value) || (0x0750...0x077F).contains(scalar.value)
    }

    /// Whose values they are nobody would know. A fridge is at no bed, and a laboratory's analyser has no patient.
    private func warnOfDevicesAtNoBed() {
        let placed = Set(unit.beds.flatMap(\.configured.devices))
        for device in unit.devices where device.plan.profile.device.class == .patient {
            let handle = device.plan.handle
            if placed.contains(handle) { continue }
            diagnostics.warning(
                device.location, "“\(handle)” measures or treats a patient and is at no bed: its values are nobody's")
        }
    }
}
