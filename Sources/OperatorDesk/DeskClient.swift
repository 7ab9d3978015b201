import Glibc
import LocalSocket

/// Why the host does not answer, with what to do.
package struct DeskClientError: Error, Sendable, CustomStringConvertible {
    package let description: String

    package init(description: String) { self.description = description }
}

/// A caller's end of the pumps' socket; as the one who asks. It waits for nothing without a limit.
package final class DeskClient {
    private let descriptor: Int32
    private let path: String
    private var heard: [UInt8] = []

    /// - Parameter path: absolute.
    /// - Throws: ``DeskClientError``, where nobody answers or this user may not.
    package init(path: String) throws(DeskClientError) {
        do throws(SocketPlaceError) {
            let absence = "\(path) does not answer: no host answers people there: \(SocketPlace.advice)"
            let place: SocketPlace
            do throws(SocketPlaceError) { place = try SocketPlace(path) } catch {
                throw error.isMissing ? SocketPlaceError(description: absence) : error
            }
            defer { place.close() }
            let descriptor = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
            guard descriptor >= 0 else { throw SocketPlaceError(description: "no socket can be had") }
            // A host that stands still takes no more callers than its socket's queue holds.
            var limit = timeval(tv_sec: 5, tv_usec: 0)
            setsockopt(descriptor, SOL_SOCKET, SO_SNDTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
            guard place.connect(descriptor) else {
                let words =
                    switch errno {
                    case ENOENT, ECONNREFUSED: absence
                    case EACCES, EPERM:
                        "\(path) does not answer: this user may not ask, only the host's own user and group may: ask "
                            + "with sudo; or “sudo adduser NAME nabd” and sign in anew"
                    case let code: "\(path) does not answer: \(String(cString: strerror(code)))"
                    }
                Glibc.close(descriptor)
                throw SocketPlaceError(description: words)
            }
            self.descriptor = descriptor
            self.path = path
        } catch {
            throw DeskClientError(description: error.description)
        }
    }

    deinit { Glibc.close(descriptor) }

    package func say(_ line: [UInt8]) throws(DeskClientError) {
        var rest = line[...]
        while !rest.isEmpty {
            let count = send(descriptor, Array(rest), rest.count, Int32(MSG_NOSIGNAL))
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { throw DeskClientError(description: "\(path) ended the connection") }
            rest = rest.dropFirst(count)
        }
    }

    /// The next answer; `nil` when none came in time.
    package func answer(within limit: Duration) throws(DeskClientError) -> AnswerLine? {
        let clock = ContinuousClock()
        let end = clock.now + limit
        while true {
            if let feed = heard.firstIndex(of: 0x0A) {
                let line = Array(heard[..<feed])
                heard.removeSubrange(...feed)
                guard let answer = AnswerLine(line) else {
                    throw DeskClientError(
                        description: "\(path) answers in another version: use the nabd command of its version")
                }
                return answer
            }
            guard heard.count < AnswerLine.longest else {
                throw DeskClientError(description: "\(path) says what cannot be read")
            }
            let left = (end - clock.now) / Duration.milliseconds(1)
            guard left > 0 else { return nil }
            var polled = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
            let count = poll(&polled, 1, Int32(min(left.rounded(.up), 600_000)))
            if count == 0 || count < 0 && errno == EINTR { continue }
            var buffer = [UInt8](repeating: 0, count: 1 << 14)
            let read = recv(descriptor, &buffer, buffer.count, 0)
            if read < 0, errno == EINTR { continue }
            guard read > 0 else { throw DeskClientError(description: "\(path) ended the connection") }
            heard += buffer.prefix(read)
        }
    }
}
