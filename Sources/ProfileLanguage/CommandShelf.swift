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
                let path = "\(folder)/\(vendor)/\(model)/profile.yaml"
                guard mayDeclareCommands(path, in: folder), let file = try? YAMLFile(path: path),
                    let profile = try? DeviceProfile.read(file)
                else { continue }
                found.append(profile)
            }
        }
        return found
    }

    /// Whether a profile, or one that it extends, may declare commands. Most do not, and to read all of them was most
    /// of what a start cost.
    ///
    /// - Parameter depth: how many extend it, one the other.
    private static func mayDeclareCommands(_ path: String, in folder: String, depth: Int = 0) -> Bool {
        guard let text = try? YAMLFile.contents(path) else { return false }
        if mayHave("commands", text) { return true }
        guard mayHave("extends", text), let file = try? YAMLFile(path: path),
            let base = file.root.member("extends")?.text("vendor/model")
        else { return false }
        // How deep they may stand is told by whoever reads them.
        return depth > 8 || mayDeclareCommands("\(folder)/\(base)/profile.yaml", in: folder, depth: depth + 1)
    }

    /// Whether a profile's text may have this key of its own. Where keys stand plainly at the beginnings of lines, each
    /// of them is seen; text in any other form may have it.
    static func mayHave(_ key: String, _ text: [UInt8]) -> Bool {
        let key = Array(key.utf8)
        var isFirst = true
        for line in text.split(whereSeparator: { $0 == UInt8(ascii: "\n") || $0 == UInt8(ascii: "\r") }) {
            let isBlank = line.first == UInt8(ascii: "#") || line.allSatisfy { $0 == UInt8(ascii: " ") }
            guard !isBlank, let first = line.first else { continue }
            // What goes on with an earlier line; but keys that all stand further in are keys too.
            if first == UInt8(ascii: " "), !isFirst { continue }
            isFirst = false
            let isLetter = (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(first)
            guard isLetter, !line.starts(with: key) else { return true }
        }
        // Other line breaks that YAML knows: NEL, LS, PS.
        return [[0xC2, 0x85], [0xE2, 0x80, 0xA8], [0xE2, 0x80, 0xA9]].contains { text.firstRange(of: $0) != nil }
    }
}
