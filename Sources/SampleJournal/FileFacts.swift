import Glibc

/// What the system says of a file; two states of it differ.
package struct FileFacts: Sendable, Hashable {
    package let isRegular: Bool
    /// What every user of the machine may do with it; 0: nothing.
    package let rightsOfOthers: UInt32
    /// What the file's group may do with it, but for its owner; 0: nothing.
    package let rightsOfGroup: UInt32
    private let identity: [Int]

    /// `nil` where there is none, or nobody may know.
    package init?(path: String) {
        var details = stat()
        guard stat(path, &details) == 0 else { return nil }
        isRegular = details.st_mode & S_IFMT == S_IFREG
        rightsOfOthers = details.st_mode & 0o007
        rightsOfGroup = (details.st_mode & 0o070) >> 3
        identity = [
            Int(details.st_ino), Int(details.st_size), details.st_mtim.tv_sec, details.st_mtim.tv_nsec,
            Int(details.st_mode), details.st_ctim.tv_sec, details.st_ctim.tv_nsec,
        ]
    }
}
