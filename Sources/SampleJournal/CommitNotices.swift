import CPosix
import Foundation
import JournalCoding

/// What the system tells of the files in a journal's folder: one watch on the folder, however many files are in it.
final class CommitNotices {
    /// What happened since it was last asked.
    struct Found: Equatable {
        /// Kinds of files of which a log was written to.
        var written: Set<JournalFiles.Kind> = []
        /// Files came or went, or it is not known what happened.
        var isFolderChanged = false
        /// The folder itself went away: no more will be told.
        var isOver = false
    }

    private let descriptor: Int32
    /// Room for some hundred events; what does not fit is read next. Unit: bytes.
    private var buffer = [UInt8](repeating: 0, count: 16 << 10)

    /// `nil` where the system gives no watch: no such folder, no right, or its limit is reached.
    init?(directory: String) {
        descriptor = inotify_init1(Int32(IN_NONBLOCK) | Int32(IN_CLOEXEC))
        guard descriptor >= 0 else { return nil }
        let wanted =
            IN_MODIFY | IN_CREATE | IN_DELETE | IN_MOVED_FROM | IN_MOVED_TO | IN_DELETE_SELF | IN_MOVE_SELF | IN_ONLYDIR
        guard inotify_add_watch(descriptor, directory, UInt32(wanted)) >= 0 else {
            close(descriptor)
            return nil
        }
    }

    deinit { close(descriptor) }

    /// Waits until there is something to take, or a time is over.
    func wait(_ limit: Duration) {
        let (seconds, rest) = limit.components
        let nanoseconds = seconds > 3600 ? 3_600_000_000_000 : seconds * 1_000_000_000 + rest / 1_000_000_000
        _ = nabd_wait(descriptor, Int16(POLLIN), nanoseconds)
    }

    /// Takes all that was told.
    func take() -> Found {
        var found = Found()
        while true {
            let count = read(descriptor, &buffer, buffer.count)
            guard count > 0 else { break }
            Self.parse(buffer[..<count], into: &found)
        }
        return found
    }

    /// Reads events as the kernel lays them out: watch, mask, cookie and the length of the name, 32 bits each, and the
    /// name, filled up with zeros. Source: inotify(7).
    static func parse(_ bytes: ArraySlice<UInt8>, into found: inout Found) {
        var rest = bytes
        while rest.count >= 16 {
            let numbers = (0..<4).map { word in
                (0..<4).reduce(UInt32(0)) { $0 | UInt32(rest[rest.startIndex + word * 4 + $1]) << UInt32($1 * 8) }
            }
            let length = min(Int(numbers[3]), rest.count - 16)
            let name = rest.dropFirst(16).prefix(length).prefix { $0 != 0 }
            note(numbers[1], String(decoding: name, as: UTF8.self), into: &found)
            rest = rest.dropFirst(16 + length)
        }
    }

    private static func note(_ mask: UInt32, _ name: String, into found: inout Found) {
        if mask & UInt32(IN_DELETE_SELF | IN_MOVE_SELF | IN_IGNORED | IN_UNMOUNT) != 0 { found.isOver = true }
        // More happened than the system keeps.
        if mask & UInt32(IN_Q_OVERFLOW) != 0 {
            found.isFolderChanged = true
            found.written.formUnion(JournalFiles.Kind.allCases)
        }
        guard let kind = JournalFiles.Kind.allCases.first(where: { name.hasPrefix("\($0.rawValue)-") }) else { return }
        if name.hasSuffix("-wal") { found.written.insert(kind) }
        let moved = UInt32(IN_CREATE | IN_DELETE | IN_MOVED_FROM | IN_MOVED_TO)
        if name.hasSuffix(".sqlite"), mask & moved != 0 { found.isFolderChanged = true }
    }
}
