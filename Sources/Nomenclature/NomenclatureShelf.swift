import Foundation
package import StrictYAML
import Synchronization

/// The names that stand beside profiles: the tables that come with the host, and those of a folder of profiles
/// (`nomenclature/*.tsv`).
package enum NomenclatureShelf {
    package struct Names: Sendable {
        package let nomenclature: Nomenclature
        package let findings: [Diagnostic]
    }

    private static let read = Mutex<[[String]: Names]>([:])

    /// The tables that come with the host: `device-profiles/nomenclature` or `share/nabd/device-profiles/nomenclature`,
    /// in the folder of the program or one above it.
    package static let shipped: String? = {
        let program = CommandLine.arguments.first ?? ""
        let link = (try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")) ?? program
        var folder = URL(fileURLWithPath: link).deletingLastPathComponent()
        while true {
            for place in ["device-profiles/nomenclature", "share/nabd/device-profiles/nomenclature"] {
                let path = folder.appendingPathComponent(place).path
                if FileManager.default.fileExists(atPath: "\(path)/atoms.tsv") { return path }
            }
            let above = folder.deletingLastPathComponent()
            if above.path == folder.path { return nil }
            folder = above
        }
    }()

    /// The names for profiles of these folders, read once. The first folder with tables of all that is known
    /// (`atoms.tsv`) is the base, else those that come with the host; the tables of the other folders add to it, as a
    /// site's own.
    package static func names(besides profileFolders: [String] = []) -> Names {
        let beside = profileFolders.map {
            URL(fileURLWithPath: $0, isDirectory: true).standardized.resolvingSymlinksInPath()
                .appendingPathComponent("nomenclature", isDirectory: true).path
        }
        func isWhole(_ folder: String) -> Bool { FileManager.default.fileExists(atPath: "\(folder)/atoms.tsv") }
        let base = beside.first(where: isWhole) ?? shipped
        let folders = beside.enumerated().filter {
            !isWhole($0.element) && beside.firstIndex(of: $0.element) == $0.offset
        }.map(\.element)
        let key = [base ?? ""] + folders
        if let known = read.withLock({ $0[key] }) { return known }
        let diagnostics = Diagnostics()
        var nomenclature = Nomenclature()
        if let base {
            nomenclature.read(folder: base, by: .project, diagnostics)
        } else {
            diagnostics.warning(
                SourceLocation(file: "device-profiles/nomenclature", line: 1, column: 1),
                "the tables of names that come with the host are not found beside the program or above it: no metric "
                    + "has a name"
            )
        }
        for folder in folders { nomenclature.read(folder: folder, by: .site, diagnostics) }
        let names = Names(nomenclature: nomenclature, findings: diagnostics.all)
        read.withLock { $0[key] = names }
        return names
    }
}
