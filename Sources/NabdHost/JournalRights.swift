import Foundation
import SampleJournal

/// A user of this machine, as the system judges files by him.
package struct FileUser: Sendable, Equatable {
    package let id: UInt32
    package let group: UInt32
    package let name: String

    package init(id: UInt32, group: UInt32, name: String) { (self.id, self.group, self.name) = (id, group, name) }

    /// Whoever runs this program.
    package static var current: FileUser { FileUser(id: geteuid(), group: getegid(), name: FileOwner.name(geteuid())) }

    /// The user as whom the package has the host run; `nil` where the package is not installed.
    package static var service: FileUser? {
        guard let entry = getpwnam("nabd") else { return nil }
        return FileUser(id: entry.pointee.pw_uid, group: entry.pointee.pw_gid, name: "nabd")
    }

    /// Whoever has a folder, for somebody else who asks; `nil` where that is root or oneself, or there is no folder.
    package static func owner(of folder: String) -> FileUser? {
        var details = stat()
        guard geteuid() != 0, stat(folder, &details) == 0, details.st_uid != geteuid(), details.st_uid != 0 else {
            return nil
        }
        let group = getpwuid(details.st_uid)?.pointee.pw_gid ?? details.st_gid
        return FileUser(id: details.st_uid, group: group, name: FileOwner.name(details.st_uid))
    }

    /// Whether he may read and write a file, or make files in a folder. Decides without I/O.
    func mayWrite(owner: UInt32, group: UInt32, mode: UInt32) -> Bool {
        guard id != 0 else { return true }
        let wanted: UInt32 = mode & S_IFMT == S_IFDIR ? 0o7 : 0o6
        let given = owner == id ? mode >> 6 : group == self.group ? mode >> 3 : mode
        return given & wanted == wanted
    }
}

/// The first of a journal's files that the host's user may not write, in words; a file of the wrong owner ends a
/// host as surely as a disk that is full.
enum JournalRights {
    /// - Returns: what is wrong and what to do; `nil` where nothing is.
    static func fault(of folder: String, for user: FileUser) -> String? {
        let names = ((try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []).sorted()
        for path in [folder] + names.map({ "\(folder)/\($0)" }) {
            var details = stat()
            guard stat(path, &details) == 0 else {
                guard errno == EACCES else { continue }
                return "\(path) may not be looked at by the user \(FileUser.current.name): ask with sudo"
            }
            guard details.st_mode & S_IFMT == S_IFREG || path == folder,
                !user.mayWrite(owner: details.st_uid, group: details.st_gid, mode: details.st_mode)
            else { continue }
            return FileOwner.words(path, owner: details.st_uid, mode: details.st_mode)
                + ", and the host's user, \(user.name), cannot write it: "
                + (details.st_uid == user.id
                    ? "chmod u+rw\(path == folder ? "x" : "") \(path)" : "chown \(user.name): \(path)")
        }
        return nil
    }
}
