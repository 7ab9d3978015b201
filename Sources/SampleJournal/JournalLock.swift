import Foundation

/// The right to write a journal: one process has it at a time.
final class JournalLock {
    private var descriptor: Int32

    init(_ files: JournalFiles) throws {
        descriptor = open(files.lock, O_CREAT | O_RDWR | O_CLOEXEC, 0o640)
        guard descriptor >= 0 else { throw JournalError.cannotCreate(path: files.lock, reason: String(cString: strerror(errno))) }
        guard flock(descriptor, LOCK_EX | LOCK_NB) == 0 else {
            release()
            throw JournalError.heldByAnother(directory: files.directory)
        }
    }

    deinit { release() }

    func release() {
        if descriptor >= 0 { close(descriptor) }
        descriptor = -1
    }
}
