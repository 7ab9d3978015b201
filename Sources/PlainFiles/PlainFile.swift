import Foundation

/// A file that somebody else may have put there: only a regular one is read, and never more of it than its limit, so
/// that a pipe holds nobody up and none fills the memory.
package enum PlainFile {
    /// The bytes of a regular file; `nil` where there is none that can be read, or it is longer.
    ///
    /// - Parameter limit: unit: bytes.
    package static func bytes(_ path: String, limit: Int = 1 << 20) -> [UInt8]? {
        // A pipe would be waited for without end.
        let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
        guard descriptor >= 0 else { return nil }
        let file = FileHandle(fileDescriptor: descriptor, closeOnDealloc: true)
        var details = stat()
        guard fstat(descriptor, &details) == 0, details.st_mode & S_IFMT == S_IFREG,
            let data = try? file.read(upToCount: limit + 1) ?? Data(), data.count <= limit
        else { return nil }
        return Array(data)
    }

    /// The same as text; `nil` where it is not UTF-8.
    package static func text(_ path: String, limit: Int = 1 << 20) -> String? {
        bytes(path, limit: limit).flatMap { String(validating: $0, as: UTF8.self) }
    }
}
