import Foundation
import Nomenclature
import StrictYAML
import Synchronization

/// The commands that any profile known here declares: those in a folder of profiles, and those that come with the host.
package enum CommandShelf {
    private static let read = Mutex<[String: [WirePattern]]>([:])
    /// A folder with more is looked at as far as this. Unit: models.
    private static let limit = 5000

    /// What the commands of the profiles in these folders would send. A folder is read once; a profile that cannot be
    /// read declares nothing.
    package static func patterns(of folders: [String]) -> [WirePattern] {
        let shipped = NomenclatureShelf.shipped.map { URL(fileURLWithPath: $0).deletingLastPathComponent().path }
        var seen: Set<String> = []
        var patterns: [WirePattern] = []
        for path in folders + [shipped].compactMap({ $0 }) {
            let folder = URL(fileURLWithPath: path, isDirectory: true).standardized.resolvingSymlinksInPath().path
            guard seen.insert(folder).inserted else { continue }
            let known = read.withLock { $0[folder] }
            let found = known ?? profiles(folder).flatMap(\.wirePatterns)
            if known == nil { read.withLock { $0[folder] = found } }
            patterns += found
        }
        return patterns
    }

    /// The profiles of a folder that declare commands.
    private static func profiles(_ folder: String) -> [DeviceProfile] {
        func names(_ path: String) -> [String] {
            ((try? FileManager.default.contentsOfDirectory(atPath: path)) ?? []).sorted()
        }
        var found: [DeviceProfile] = []
        var looked = 0
        for vendor in names(folder) {
            for model in names("\(folder)/\(vendor)") {
                looked += 1
                if looked > limit { return found }
                guard let file = try? YAMLFile(path: "\(folder)/\(vendor)/\(model)/profile.yaml"),
                    ["commands", "extends"].contains(where: { file.root.member($0) != nil }),
                    let profile = try? DeviceProfile.read(file)
                else { continue }
                found.append(profile)
            }
        }
        return found
    }
}
