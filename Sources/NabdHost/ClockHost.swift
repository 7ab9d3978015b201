import DeviceModel
import Foundation
package import Logging
import Observability
import RealTime
import ServiceLifecycle

/// The clock's process: it asks the kernel how sure the wall clock is, and writes it to a file for a process that may
/// not ask. It touches nothing else.
package final class ClockHost: Service {
    private static let every = Duration.seconds(1)

    private let file: String
    private let logger: Logger

    /// - Parameter file: what it writes.
    package init(file: String, logger: Logger) { (self.file, self.logger) = (file, logger) }

    /// Writes each second until a graceful shutdown; then the file says nothing of now within seconds.
    package func run() async throws {
        let manager = ServiceManager()
        let task = Task {
            var told: String?
            while !Task.isCancelled {
                let words = look()
                if words != told {
                    logger.info("\(words)", metadata: ["file": "\(file)"])
                    manager?.tell(.ready, .status(words))
                    told = words
                }
                manager?.tell(.alive)
                try? await Task.sleep(for: Self.every)
            }
        }
        try? await gracefulShutdown()
        task.cancel()
        await task.value
        manager?.tell(.stopping)
    }

    /// Writes how it is now. Returns it in words.
    private func look() -> String {
        guard let quality = ClockJudge.kernel else { return "the kernel does not tell how sure the clock is" }
        let note = ClockNote(quality, at: MonotonicClock().now())
        if let failure = write(note.text) { return "how sure the clock is cannot be written: \(failure)" }
        return "the clock is \(quality.word)"
    }

    /// Puts a file of its own in the old one's place: a reader sees one or the other, whole.
    private func write(_ text: String) -> String? {
        let next = "\(file).next"
        let descriptor = open(next, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0o644)
        guard descriptor >= 0 else { return String(cString: strerror(errno)) }
        defer { close(descriptor) }
        let bytes = Array(text.utf8)
        // Anybody may know it.
        guard fchmod(descriptor, 0o644) == 0, Glibc.write(descriptor, bytes, bytes.count) == bytes.count,
            rename(next, file) == 0
        else { return String(cString: strerror(errno)) }
        return nil
    }
}
