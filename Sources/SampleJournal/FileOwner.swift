import Foundation

/// Whose a file is, in words.
package enum FileOwner {
    /// A user's name, or the number of one that the system has no name for.
    package static func name(_ id: UInt32) -> String {
        getpwuid(id).map { String(cString: $0.pointee.pw_name) } ?? "\(id)"
    }

    package static func words(_ path: String, owner: UInt32, mode: UInt32) -> String {
        "\(path) belongs to \(name(owner)) (mode \(String(mode & 0o7777, radix: 8)))"
    }

    /// Of a file that cannot be opened: that it belongs to somebody else, or its folder does, and what to do; empty
    /// where neither does.
    static func suspicion(_ path: String) -> String {
        let own = geteuid()
        guard own != 0 else { return "" }
        let files = JournalFiles.companions.map { path + $0 }
        for place in files + [URL(fileURLWithPath: path).deletingLastPathComponent().path] {
            var details = stat()
            guard stat(place, &details) == 0, details.st_uid != own else { continue }
            return words(place, owner: details.st_uid, mode: details.st_mode)
                + ", and this is the user \(name(own)): chown \(name(own)): \(place); or "
        }
        return ""
    }
}
