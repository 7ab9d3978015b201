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
        guard geteuid() != 0, let facts = OwnedFile(folder), facts.owner != geteuid(), facts.owner != 0 else {
            return nil
        }
        let group = getpwuid(facts.owner)?.pointee.pw_gid ?? facts.group
        return FileUser(id: facts.owner, group: group, name: FileOwner.name(facts.owner))
    }

    /// Whether he may read and write a file, or make files in a folder. Decides without I/O.
    func mayWrite(_ file: OwnedFile) -> Bool {
        guard id != 0 else { return true }
        let wanted: UInt32 = file.isFolder ? 0o7 : 0o6
        let given = file.owner == id ? file.mode >> 6 : file.group == group ? file.mode >> 3 : file.mode
        return given & wanted == wanted
    }
}

/// Whose a file is, and what its rights are.
struct OwnedFile {
    let owner: UInt32
    let group: UInt32
    let mode: UInt32
    let isFolder: Bool

    /// `nil` where there is none, or it may not be looked at.
    init?(_ path: String) {
        guard let facts = try? FileManager.default.attributesOfItem(atPath: path),
            let owner = facts[.ownerAccountID] as? NSNumber, let group = facts[.groupOwnerAccountID] as? NSNumber,
            let mode = facts[.posixPermissions] as? NSNumber
        else { return nil }
        (self.owner, self.group, self.mode) = (owner.uint32Value, group.uint32Value, mode.uint32Value)
        isFolder = facts[.type] as? FileAttributeType == .typeDirectory
    }
}

/// The first of a journal's files that the host's user may not write, in words: a folder of the wrong owner ends a host
/// as surely as a disk that is full, and a newest file of the wrong owner is put aside at a start.
enum JournalRights {
    /// - Returns: what is wrong and what to do; `nil` where nothing is found.
    static func fault(of folder: String, for user: FileUser) -> String? {
        for path in JournalFiles(directory: folder).written {
            guard let file = OwnedFile(path), !mayWrite(path, file, user) else { continue }
            return FileOwner.words(path, owner: file.owner, mode: file.mode)
                + ", and the host's user, \(user.name), cannot write it: "
                + (file.owner == user.id
                    ? "chmod u+rw\(file.isFolder ? "x" : "") \(path)" : "chown \(user.name): \(path)")
        }
        return nil
    }

    /// Of whoever runs this program the system knows all groups.
    private static func mayWrite(_ path: String, _ file: OwnedFile, _ user: FileUser) -> Bool {
        guard user == .current else { return user.mayWrite(file) }
        return access(path, file.isFolder ? R_OK | W_OK | X_OK : R_OK | W_OK) == 0
    }
}
