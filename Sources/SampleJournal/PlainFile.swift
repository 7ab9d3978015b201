import Foundation

/// What the system says a name stands for: only a regular file is ever opened, so that a pipe holds nobody up and a
/// link leads nowhere.
enum PlainFile {
    private static func kind(_ path: String) -> mode_t? {
        var details = stat()
        return lstat(path, &details) == 0 ? details.st_mode & S_IFMT : nil
    }

    /// Whether there is a regular file of this name.
    static func isThere(_ path: String) -> Bool { kind(path) == S_IFREG }

    /// Whether something else has the name.
    static func isTaken(_ path: String) -> Bool { kind(path).map { $0 != S_IFREG } ?? false }

    /// Whether something is there, or may be, and this user has not these rights to it.
    static func isForbidden(_ path: String, _ rights: Int32) -> Bool { access(path, rights) != 0 && errno == EACCES }

    /// Whether an open file is one on a disk, and no pipe or device.
    static func isPlain(_ descriptor: Int32) -> Bool {
        var details = stat()
        return fstat(descriptor, &details) == 0 && details.st_mode & S_IFMT == S_IFREG
    }

    /// Renames what has the name of a file of ours and is none. Nothing of it is lost. Throws ``JournalError``.
    static func clear(_ path: String) throws {
        guard isTaken(path) else { return }
        var attempt = 0
        var other = "\(path).foreign"
        while kind(other) != nil {
            attempt += 1
            other = "\(path).foreign-\(attempt)"
        }
        guard rename(path, other) == 0 else {
            throw JournalError.cannotCreate(path: path, reason: String(cString: strerror(errno)))
        }
    }
}
