package import Foundation

/// Whose a file or a folder is, and when it was last written.
package struct FileOwner: Sendable, Hashable {
    package let user: UInt32
    package let group: UInt32
    /// Whether what is made in this folder gets its group.
    package let handsGroupOn: Bool
    package let written: Date

    /// - Parameter path: of a folder, or of a link to one.
    package init(folder path: String) throws(StoreFailure) {
        var status = stat()
        guard stat(path, &status) == 0 else { throw StoreFailure(errno) }
        self.init(status)
    }

    /// - Parameter path: the name itself: a link is not followed.
    package init(name path: String) throws(StoreFailure) {
        var status = stat()
        guard lstat(path, &status) == 0 else { throw StoreFailure(errno) }
        self.init(status)
    }

    /// - Parameter descriptor: of what is open.
    package init(descriptor: Int32) throws(StoreFailure) {
        var status = stat()
        guard fstat(descriptor, &status) == 0 else { throw StoreFailure(errno) }
        self.init(status)
    }

    private init(_ status: stat) {
        (user, group) = (status.st_uid, status.st_gid)
        handsGroupOn = status.st_mode & S_ISGID != 0
        written = Date(
            timeIntervalSince1970: TimeInterval(status.st_mtim.tv_sec) + TimeInterval(status.st_mtim.tv_nsec) / 1e9)
    }
}
