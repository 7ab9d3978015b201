import CPosix

/// SQLite's index of the log (`-shm`) is memory that is mapped from the disk, so that readers in other processes see
/// it. A disk that turns read-only or breaks may refuse a write to it, which the kernel tells as a bus error, and that
/// would end the process.
enum SharedIndex {
    private static let kept = nabd_keep_indices()

    /// A refused page becomes this process's own from now on: what is under way ends as it can, and ``FileTrust``
    /// leaves the file.
    static func keep() { _ = kept }

    /// How many pages were replaced so far.
    static var replacedPages: Int64 { nabd_replaced_pages() }
}
