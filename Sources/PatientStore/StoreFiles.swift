import Foundation

/// The few things that are done to files, so that tests can have each of them fail.
package protocol StoreFiles {
    /// What has the name itself: a link is not followed. `nil` where nothing has it.
    func details(_ path: String) throws(StoreFailure) -> FileDetails?
    /// The names in a folder.
    func names(in folder: String) throws(StoreFailure) -> [String]
    /// - Parameter limit: unit: bytes; a longer file is a failure.
    func read(_ path: String, limit: Int) throws(StoreFailure) -> [UInt8]
    func makeFolder(_ path: String) throws(StoreFailure)
    /// Makes a file that was not there, and waits until its bytes are on the disk.
    func write(_ bytes: [UInt8], to path: String, mode: UInt32) throws(StoreFailure)
    /// Takes the place of what has the name.
    func rename(_ path: String, to other: String) throws(StoreFailure)
    /// Waits until the folder's names are on the disk.
    func sync(folder: String) throws(StoreFailure)
    func remove(_ path: String) throws(StoreFailure)
}

/// What the system says of a name.
package struct FileDetails: Sendable, Hashable {
    package enum Kind: Sendable, Hashable {
        case file
        case folder
        case other
    }

    package let kind: Kind
    /// Whether it is this process's user's.
    package let isOwn: Bool
    /// Whether its group is the one of this process, which many may be in.
    package let isOfOwnGroup: Bool
    /// The rights, as the lowest nine bits.
    package let mode: UInt32

    package init(kind: Kind, isOwn: Bool, isOfOwnGroup: Bool, mode: UInt32) {
        (self.kind, self.isOwn, self.isOfOwnGroup, self.mode) = (kind, isOwn, isOfOwnGroup, mode)
    }
}

/// The system said no.
package struct StoreFailure: Error, Sendable, Hashable {
    /// The system's number of the error (errno); 0 where a file is longer than it may be.
    package let number: Int32

    package init(_ number: Int32) { self.number = number }

    package var words: String { number == 0 ? "too long" : String(cString: strerror(number)) }
}

/// Files on the disk.
package struct DiskFiles: StoreFiles {
    package init() {}

    package func details(_ path: String) throws(StoreFailure) -> FileDetails? {
        var status = stat()
        guard lstat(path, &status) == 0 else {
            if errno == ENOENT { return nil }
            throw StoreFailure(errno)
        }
        let kind: FileDetails.Kind =
            switch status.st_mode & S_IFMT {
            case S_IFREG: .file
            case S_IFDIR: .folder
            default: .other
            }
        return FileDetails(
            kind: kind, isOwn: status.st_uid == geteuid(), isOfOwnGroup: status.st_gid == getegid(),
            mode: status.st_mode & 0o777)
    }

    package func names(in folder: String) throws(StoreFailure) -> [String] {
        guard let directory = opendir(folder) else { throw StoreFailure(errno) }
        closedir(directory)
        do { return try FileManager.default.contentsOfDirectory(atPath: folder) } catch { throw StoreFailure(EIO) }
    }

    package func read(_ path: String, limit: Int) throws(StoreFailure) -> [UInt8] {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK)
        guard descriptor >= 0 else { throw StoreFailure(errno) }
        defer { close(descriptor) }
        var bytes: [UInt8] = []
        var part = [UInt8](repeating: 0, count: 4096)
        while bytes.count <= limit {
            let count = Glibc.read(descriptor, &part, part.count)
            if count < 0 { throw StoreFailure(errno) }
            if count == 0 { return bytes }
            bytes += part[..<count]
        }
        throw StoreFailure(0)
    }

    package func makeFolder(_ path: String) throws(StoreFailure) {
        guard mkdir(path, 0o700) == 0 else { throw StoreFailure(errno) }
    }

    package func write(_ bytes: [UInt8], to path: String, mode: UInt32) throws(StoreFailure) {
        let descriptor = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, mode)
        guard descriptor >= 0 else { throw StoreFailure(errno) }
        defer { close(descriptor) }
        guard Glibc.write(descriptor, bytes, bytes.count) == bytes.count else { throw StoreFailure(ENOSPC) }
        guard fsync(descriptor) == 0 else { throw StoreFailure(errno) }
    }

    package func rename(_ path: String, to other: String) throws(StoreFailure) {
        guard Glibc.rename(path, other) == 0 else { throw StoreFailure(errno) }
    }

    package func sync(folder: String) throws(StoreFailure) {
        let descriptor = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard descriptor >= 0 else { throw StoreFailure(errno) }
        defer { close(descriptor) }
        guard fsync(descriptor) == 0 else { throw StoreFailure(errno) }
    }

    package func remove(_ path: String) throws(StoreFailure) {
        guard unlink(path) == 0 else { throw StoreFailure(errno) }
    }
}
