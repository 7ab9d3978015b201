import Foundation

/// The right to write a journal: one process has it at a time.
final class JournalLock {
    private let files: JournalFiles
    private var descriptor: Int32 = -1
    var isHeld: Bool { descriptor >= 0 }
    /// Why nothing can be written there now, in words: the disk is read-only or gives errors. `nil` when the right is
    /// held.
    private(set) var refusal: String?

    /// Takes the right. A disk that takes nothing is no reason not to begin: ``take()`` is for later then.
    init(_ files: JournalFiles) throws {
        self.files = files
        do { try take() } catch { if refusal == nil { throw error } }
    }

    deinit { release() }

    /// Takes the right where it is not held yet, and makes the folder. Throws ``JournalError``.
    func take() throws {
        guard descriptor < 0 else { return }
        refusal = nil
        guard JournalFiles.makeFolder(files.directory) else { throw refused(files.directory) }
        try PlainFile.clear(files.lock)
        let opened = open(files.lock, O_CREAT | O_RDWR | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0o640)
        guard opened >= 0 else { throw refused(files.lock) }
        guard PlainFile.isPlain(opened) else {
            close(opened)
            throw JournalError.cannotCreate(path: files.lock, reason: "it is no regular file")
        }
        guard flock(opened, LOCK_EX | LOCK_NB) == 0 else {
            close(opened)
            throw JournalError.heldByAnother(directory: files.directory)
        }
        descriptor = opened
    }

    private func refused(_ path: String) -> JournalError {
        let code = errno
        let reason = String(cString: strerror(code))
        if code == EROFS || code == EIO { refusal = reason }
        return .cannotCreate(path: path, reason: reason)
    }

    func release() {
        if descriptor >= 0 { close(descriptor) }
        descriptor = -1
    }
}
