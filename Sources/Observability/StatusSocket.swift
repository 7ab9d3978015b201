import CPosix
import Glibc
import LocalSocket
import RealTime
import Synchronization

/// Why the status cannot be told or asked.
package struct StatusSocketError: Error, Sendable, CustomStringConvertible {
    package let description: String
}

/// Tells programs of this machine how the host is, over a Unix socket: a caller says one word and a line feed, and gets
/// a text, after which the connection ends.
///
/// Only the host's own user, its group and root may ask. Some may ask at once, each in a bounded time; a caller beyond
/// that takes the place of the one that has been there longest.
package final class StatusSocket: Sendable {
    /// Callers at once.
    static let mostCallers = 8
    /// How long a caller may take to say its word, and again to read the answer. Unit: ms.
    static let patience: Int32 = 2_000
    private static let longestWord = 64
    private static let stream = Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue)

    /// One that calls. Unit of the time: ms of the monotonic clock.
    private struct Caller {
        let descriptor: Int32
        var deadline: Int64
        var word: [UInt8] = []
        /// What it is still to be told; `nil` before it has said its word.
        var answer: ArraySlice<UInt8>?
    }

    private let path: String
    private let answers: [String: @Sendable () -> String]
    private let listener: Int32
    private let wake: (reading: Int32, writing: Int32)
    private let thread = Mutex<RealTimeThread?>(nil)

    /// Binds the socket; what an earlier host left there is taken away.
    ///
    /// - Parameters:
    ///   - path: of any length whose folder can be opened.
    ///   - answers: by the words that may be said. They are asked on the socket's own thread.
    /// - Throws: ``StatusSocketError``, when somebody else answers there, or something else is in the way.
    package init(path: String, answers: [String: @Sendable () -> String]) throws(StatusSocketError) {
        self.path = path
        self.answers = answers
        let place = try Self.place(path)
        defer { place.close() }
        do throws(SocketPlaceError) { try place.clear() } catch {
            throw StatusSocketError(description: error.description)
        }
        let listener = socket(AF_UNIX, Self.stream | Int32(SOCK_NONBLOCK.rawValue), 0)
        guard listener >= 0 else { throw Self.failure(path) }
        // Nobody can connect before the rights are set: nothing listens yet.
        guard place.bind(listener), chmod(path, 0o660) == 0, listen(listener, 16) == 0 else {
            let error = Self.failure(path)
            close(listener)
            throw error
        }
        var ends: [Int32] = [0, 0]
        guard pipe(&ends) == 0 else {
            let error = Self.failure(path)
            close(listener)
            throw error
        }
        self.listener = listener
        wake = (ends[0], ends[1])
    }

    /// Serves on a thread of its own until ``stop()``.
    package func start() throws(StatusSocketError) {
        do throws(ThreadStartError) {
            let started = try RealTimeThread(name: "status", priority: 0) { [self] in serve() }
            thread.withLock { $0 = started }
        } catch {
            end()
            throw StatusSocketError(description: "the status cannot be told: \(error)")
        }
    }

    private func end() {
        unlink(path)
        for descriptor in [listener, wake.reading, wake.writing] { close(descriptor) }
    }

    /// Ends the service and takes the socket away.
    package func stop() {
        let thread = thread.withLock { thread in
            defer { thread = nil }
            return thread
        }
        guard let thread else { return }
        var byte: UInt8 = 0
        _ = write(wake.writing, &byte, 1)
        thread.join()
        end()
    }

    private static func place(_ path: String) throws(StatusSocketError) -> SocketPlace {
        do throws(SocketPlaceError) { return try SocketPlace(path) } catch {
            throw StatusSocketError(description: error.description)
        }
    }

    private static func failure(_ path: String) -> StatusSocketError {
        StatusSocketError(description: "\(path) cannot be made: \(String(cString: strerror(errno)))")
    }

    // MARK: The thread

    private func serve() {
        var callers: [Caller] = []
        defer { for caller in callers { close(caller.descriptor) } }
        while true {
            var polled = [
                pollfd(fd: wake.reading, events: Int16(POLLIN), revents: 0),
                pollfd(fd: listener, events: Int16(POLLIN), revents: 0),
            ]
            for caller in callers {
                let events = Int16(caller.answer == nil ? POLLIN : POLLOUT)
                polled.append(pollfd(fd: caller.descriptor, events: events, revents: 0))
            }
            let first = callers.map(\.deadline).min()
            let count = poll(
                &polled, nfds_t(polled.count), first.map { Int32(clamping: max(0, $0 - nabd_milliseconds())) } ?? -1)
            if count < 0, errno != EINTR { return }
            if polled[0].revents != 0 { return }
            for index in callers.indices.reversed() {
                let isReady = count > 0 && polled[index + 2].revents != 0
                if isReady ? !goOn(&callers[index]) : nabd_milliseconds() >= callers[index].deadline {
                    close(callers.remove(at: index).descriptor)
                }
            }
            if count > 0, polled[1].revents != 0 { accept(into: &callers) }
        }
    }

    private func accept(into callers: inout [Caller]) {
        let descriptor = nabd_accept(listener)
        guard descriptor >= 0 else {
            // Without a descriptor the caller stays where he is, and the next look would be at once.
            usleep(50_000)
            return
        }
        // As the system says who is at the other end.
        guard nabd_peer_is_ours(descriptor) == 1 else {
            close(descriptor)
            return
        }
        if callers.count >= Self.mostCallers { close(callers.removeFirst().descriptor) }
        callers.append(Caller(descriptor: descriptor, deadline: nabd_milliseconds() + Int64(Self.patience)))
    }

    /// Returns whether the caller is still there.
    private func goOn(_ caller: inout Caller) -> Bool {
        if caller.answer == nil {
            var buffer = [UInt8](repeating: 0, count: Self.longestWord)
            let count = read(caller.descriptor, &buffer, buffer.count)
            if count < 0 { return errno == EAGAIN || errno == EINTR }
            caller.word += buffer.prefix(count)
            guard let end = caller.word.firstIndex(of: 0x0A) else {
                return count > 0 && caller.word.count < Self.longestWord
            }
            let word = String(decoding: caller.word[..<end], as: UTF8.self)
            guard let answer = answers[word] else { return false }
            caller.answer = Array(answer().utf8)[...]
            caller.deadline = nabd_milliseconds() + Int64(Self.patience)
        }
        guard let answer = caller.answer else { return false }
        let count = send(caller.descriptor, Array(answer), answer.count, Int32(MSG_NOSIGNAL))
        if count < 0 { return errno == EAGAIN || errno == EINTR }
        caller.answer = answer.dropFirst(count)
        return count < answer.count
    }
}

extension StatusSocket {
    private static let forbidden =
        "this user may not ask, only the host's own user and group may: ask with sudo; or “sudo adduser NAME nabd” and "
        + "sign in anew"

    /// A connection to a host's socket, which waits for nothing longer than its patience.
    static func connected(to path: String) throws(StatusSocketError) -> Int32 {
        let absence = "no host runs there: \(SocketPlace.advice)"
        let place: SocketPlace
        do throws(SocketPlaceError) { place = try SocketPlace(path) } catch {
            throw StatusSocketError(
                description: error.isMissing ? "\(path) does not answer: \(absence)" : error.description)
        }
        defer { place.close() }
        let descriptor = socket(AF_UNIX, stream, 0)
        guard descriptor >= 0 else { throw StatusSocketError(description: "no socket can be had") }
        var limit = timeval(tv_sec: Int(patience) / 1_000, tv_usec: 0)
        for option in [SO_RCVTIMEO, SO_SNDTIMEO] {
            setsockopt(descriptor, SOL_SOCKET, option, &limit, socklen_t(MemoryLayout<timeval>.size))
        }
        guard place.connect(descriptor) else {
            let reason =
                switch errno {
                case ENOENT, ECONNREFUSED: absence
                case EACCES, EPERM: Self.forbidden
                default: String(cString: strerror(errno))
                }
            close(descriptor)
            throw StatusSocketError(description: "\(path) does not answer: \(reason)")
        }
        return descriptor
    }

    /// The number of the process that tells its status there.
    ///
    /// - Throws: ``StatusSocketError``, with what to do.
    package static func process(at path: String) throws(StatusSocketError) -> Int32 {
        let descriptor = try connected(to: path)
        defer { close(descriptor) }
        let process = nabd_peer_process(descriptor)
        guard process > 0 else {
            throw StatusSocketError(description: "the system does not tell which process answers at \(path)")
        }
        return process
    }

    /// What a host tells at a word; as the one who asks.
    ///
    /// - Throws: ``StatusSocketError``, with what to do.
    package static func ask(_ word: String, at path: String) throws(StatusSocketError) -> String {
        let descriptor = try connected(to: path)
        defer { close(descriptor) }
        let bytes = Array("\(word)\n".utf8)
        _ = send(descriptor, bytes, bytes.count, Int32(MSG_NOSIGNAL))
        var answer: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 4_096)
        while answer.count < 4 << 20 {
            let count = read(descriptor, &buffer, buffer.count)
            if count < 0, errno == EINTR { continue }
            guard count >= 0 else { throw StatusSocketError(description: "\(path) does not answer in time") }
            if count == 0 { break }
            answer += buffer.prefix(count)
        }
        guard !answer.isEmpty else {
            throw StatusSocketError(
                description: "\(path) says nothing: \(forbidden)")
        }
        return String(decoding: answer, as: UTF8.self)
    }
}
