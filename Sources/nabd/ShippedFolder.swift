import Foundation

/// A folder that comes with the program: here, in a folder above the program, or where the package has it.
enum ShippedFolder {
    /// The screen's files: where the package has them, when they are nowhere else.
    static var screen: String {
        let packaged = "/usr/share/nabd/screen"
        return (try? find("screen", packaged: packaged)) ?? packaged
    }

    static func find(_ name: String, packaged: String) throws -> String {
        var folders = [FileManager.default.currentDirectoryPath]
        var above = URL(fileURLWithPath: "/proc/self/exe").resolvingSymlinksInPath().deletingLastPathComponent()
        while above.path != "/" {
            folders.append(above.path)
            above.deleteLastPathComponent()
        }
        guard
            let found = (folders.map { "\($0)/\(name)" } + [packaged]).first(where: {
                FileManager.default.fileExists(atPath: $0)
            })
        else {
            throw Failure(
                .unavailable, "there is no folder \(name) here: go to the project's folder, or give the path")
        }
        return found
    }
}
