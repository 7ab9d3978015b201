import Foundation
import JournalCoding

/// Whether somebody cut a file or its log (`-wal`) short while the host writes it: SQLite would not notice, write on
/// behind a hole, and nothing of it could ever be read.
struct LogWatch {
    /// `SEEK_HOLE` of Linux.
    private static let seekHole: Int32 = 4

    private let paths: [String]
    private var sizes: [Int64]
    private(set) var isCut = false

    init(_ path: String) {
        paths = [path, "\(path)-wal"]
        sizes = [0, 0]
        note()
    }

    /// Looks before a write: a file that is smaller than it was has been cut.
    mutating func look() throws {
        for (place, path) in paths.enumerated() where Self.size(path) < sizes[place] { isCut = true }
        try throwIfCut()
    }

    /// Looks behind a write: a log with a hole in it was cut just before.
    mutating func lookBehind() throws {
        if Self.hasHole(paths[1]) { isCut = true }
        try throwIfCut()
        note()
    }

    /// The files are as they are by the host's own doing.
    mutating func note() { sizes = paths.map(Self.size) }

    private func throwIfCut() throws {
        if isCut { throw BlockDamage("it was cut short while the host wrote it") }
    }

    private static func size(_ path: String) -> Int64 {
        var details = stat()
        return lstat(path, &details) == 0 ? Int64(details.st_size) : 0
    }

    /// Closing it costs none of SQLite's locks: those of a log are held on its index.
    private static func hasHole(_ path: String) -> Bool {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW)
        guard descriptor >= 0 else { return false }
        defer { close(descriptor) }
        let end = lseek(descriptor, 0, SEEK_END)
        let hole = lseek(descriptor, 0, Self.seekHole)
        return hole >= 0 && hole < end
    }
}
