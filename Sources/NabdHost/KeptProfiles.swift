import Crypto
import Foundation
import Nomenclature
import PlainFiles
import ProfileLanguage
import StrictYAML

extension DeviceProfile {
    /// The folder in which the vendors' folders stand.
    var root: String { Self.shelf(ofFile: path) }

    /// The tables of names in its folder of profiles, by file name, in order.
    fileprivate var tables: [(name: String, bytes: [UInt8])] {
        let folder = "\(root)/nomenclature"
        let names = (try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []
        return names.filter { $0.hasSuffix(".tsv") }.sorted().prefix(NomenclatureTable.mostTables).compactMap { name in
            PlainFile.bytes("\(folder)/\(name)", limit: NomenclatureTable.sizeLimit).map { (name, $0) }
        }
    }

    /// What the profile is made of, in 64 hexadecimal digits: its file, those that it extends, and the tables of names
    /// beside it.
    ///
    /// It is what `sha256sum FILES | sha256sum` prints in the folder of profiles, the files in this order.
    package var digest: String {
        func hex(_ bytes: some DataProtocol) -> String {
            SHA256.hash(data: bytes).map { String($0 >> 4, radix: 16) + String($0 & 15, radix: 16) }.joined()
        }
        let lines =
            sources.map { "\(hex($0.bytes))  \($0.name)/profile.yaml\n" }
            + tables.map { "\(hex($0.bytes))  nomenclature/\($0.name)\n" }
        return hex(Array(lines.joined().utf8))
    }

    /// Whether it says anything to its device that does more than read.
    var hasInstructions: Bool { requests.contains { $0.effect != .read } }

    /// Whether it says anything on a line that is not a Modbus read.
    var speaksFreely: Bool { !requests.isEmpty || !session.answers.isEmpty }
}

/// The profiles that a unit read last, and the list of those that it accepts: beside the journal, for the day on which
/// what stands in the configured folders can no longer be read, or is no longer what was accepted.
struct KeptProfiles {
    /// The folder's path; its rights are those of the journal's.
    let folder: String

    init(journal: String) { folder = "\(journal).kept" }

    var list: String { "\(folder)/accepted.yaml" }

    /// Where a profile is kept; `nil` for a name that is none.
    func path(_ name: String) -> String? { root(name).map { "\($0)/\(name)" } }

    private func root(_ name: String) -> String? {
        guard name.wholeMatch(of: /[A-Za-z0-9._-]+\/[A-Za-z0-9._-]+/) != nil, !name.contains("..") else { return nil }
        return "\(folder)/\(name.replacing("/", with: "+"))"
    }

    /// Keeps a profile with all that it is made of, in the place of the one kept so far.
    func keep(_ profile: DeviceProfile) throws {
        guard let root = root(profile.name), let place = path(profile.name), profile.root != root else { return }
        if let kept = try? DeviceProfile.read(DeviceProfile.file(place, diagnostics: Diagnostics())),
            kept.digest == profile.digest
        {
            return
        }
        let fresh = "\(root).new"
        try? FileManager.default.removeItem(atPath: fresh)
        for source in profile.sources {
            try write(Data(source.bytes), "\(fresh)/\(source.name)/profile.yaml")
        }
        for table in profile.tables { try write(Data(table.bytes), "\(fresh)/nomenclature/\(table.name)") }
        try? FileManager.default.removeItem(atPath: root)
        try FileManager.default.moveItem(atPath: fresh, toPath: root)
    }

    /// Keeps the list of accepted profiles.
    func keep(_ accepted: AcceptedProfiles) throws {
        if let signature = accepted.signature { try write(Data(signature.utf8), "\(list).sig") }
        try write(Data(accepted.bytes), list)
    }

    private func write(_ data: Data, _ path: String) throws {
        let folder = URL(fileURLWithPath: path).deletingLastPathComponent().path
        try FileManager.default.createDirectory(
            atPath: folder, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o750])
        try data.write(to: URL(fileURLWithPath: path), options: .atomic)
    }
}
