import DeviceModel
import Foundation
package import Nomenclature
package import StrictYAML

/// The presets that lie in some folders. A site's own folder comes first, and its presets replace those of the same
/// name behind it.
package struct PresetShelf: Sendable {
    /// The folder in which the Debian package has them.
    package static let packaged = "/usr/share/nabd/presets"
    /// The most presets of one folder.
    package static let mostPresets = 200

    package let folders: [String]
    private let names: Nomenclature

    package init(folders: [String], names: Nomenclature) { (self.folders, self.names) = (folders, names) }

    /// The names of all, sorted, with the path of each.
    package var paths: [(name: String, path: String)] {
        var found: [String: String] = [:]
        for folder in folders {
            for name in Self.names(in: folder) where found[name] == nil { found[name] = "\(folder)/\(name).yaml" }
        }
        return found.sorted { $0.key < $1.key }.map { (name: $0.key, path: $0.value) }
    }

    private static func names(in folder: String) -> [String] {
        let files = (try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []
        return Array(
            files.filter { $0.hasSuffix(".yaml") }.map { String($0.dropLast(5)) }.filter(Preset.isHandle).sorted()
                .prefix(mostPresets))
    }

    /// The path of a preset; `nil` when there is none of that name.
    package func path(of name: String) -> String? {
        guard Preset.isHandle(name) else { return nil }
        return folders.map { "\($0)/\(name).yaml" }.first { FileManager.default.fileExists(atPath: $0) }
    }

    /// A preset by its name; `nil` when there is none.
    ///
    /// - Throws: ``InvalidFile`` with every fault of its file.
    package func load(_ name: String, diagnostics: Diagnostics = Diagnostics()) throws(InvalidFile) -> Preset? {
        guard let path = path(of: name) else { return nil }
        return try Preset.load(path, names: names, diagnostics: diagnostics)
    }

    /// What may be meant by a name that is not there; `nil` when nothing is near.
    package func suggest(_ name: String) -> String? { YAMLValue.suggest(name, among: paths.map(\.name)) }
}
