import Foundation

/// Space on the disk that is given up when there is no other, so that events still find room: an alarm that the disk is
/// full must not be lost to the full disk.
struct JournalReserve {
    /// A sixteenth of the disk, within these. Unit: bytes. An event takes a page or two: 8 MiB hold some thousand of
    /// them.
    private static let range: ClosedRange<Int64> = (256 << 10)...(8 << 20)

    private let size: Int64
    private let path: String
    private let directory: String

    init(_ files: JournalFiles) {
        path = files.reserve
        directory = files.directory
        isThere = PlainFile.isThere(files.reserve)
        let total = Self.figures(directory).map { Int64($0.f_blocks) * Int64($0.f_frsize) } ?? Self.range.upperBound
        size = min(max(total / 16, Self.range.lowerBound), Self.range.upperBound)
    }

    private static func figures(_ directory: String) -> statvfs? {
        var figures = statvfs()
        return statvfs(directory, &figures) == 0 ? figures : nil
    }

    private(set) var isThere: Bool

    /// Whether there is room for the reserve and as much again.
    var canBeMade: Bool {
        guard let figures = Self.figures(directory) else { return false }
        return Int64(figures.f_bavail) * Int64(figures.f_frsize) > 2 * size
    }

    /// Reserves the space, where it is not.
    mutating func make() {
        guard !isThere, canBeMade else { return }
        try? PlainFile.clear(path)
        let descriptor = open(path, O_CREAT | O_RDWR | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0o640)
        guard descriptor >= 0 else { return }
        defer { close(descriptor) }
        isThere = posix_fallocate(descriptor, 0, Int(size)) == 0
        if !isThere { unlink(path) }
    }

    /// Does something; when there is no room for it, once more with the space.
    mutating func lend<Value>(_ body: () throws -> Value) throws -> Value {
        do { return try body() } catch {
            guard JournalFailure(error) == .full, giveUp() else { throw error }
            return try body()
        }
    }

    /// Gives the space to whoever needs it now. Returns whether there was any to give.
    @discardableResult
    mutating func giveUp() -> Bool {
        guard isThere else { return false }
        isThere = false
        return unlink(path) == 0
    }
}
