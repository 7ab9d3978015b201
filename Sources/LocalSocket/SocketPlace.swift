import CPosix
import Glibc

/// Why a socket cannot be made or reached, with what to do.
package struct SocketPlaceError: Error, Sendable, CustomStringConvertible {
    package let description: String
    /// Whether not even its folder is there: nobody has made a socket since the start of the machine.
    package let isMissing: Bool

    package init(description: String, isMissing: Bool = false) {
        (self.description, self.isMissing) = (description, isMissing)
    }
}

/// A socket's place in the file system, by its folder's descriptor: a socket's address holds only 107 bytes.
package struct SocketPlace {
    /// What to do where no host answers.
    package static let advice =
        "start the installed one with “sudo systemctl start nabd-acquire”, or one by hand with “nabd run”"

    private let path: String
    private let folder: Int32
    private let name: String

    /// Throws ``SocketPlaceError`` where the folder cannot be opened.
    package init(_ path: String) throws(SocketPlaceError) {
        let parts = path.split(separator: "/")
        guard let last = parts.last, path.hasPrefix("/") else {
            throw SocketPlaceError(description: "\(path) is no absolute path of a socket")
        }
        let parent = "/" + parts.dropLast().joined(separator: "/")
        self.path = path
        folder = nabd_open_place(parent)
        name = String(last)
        guard folder >= 0 else {
            throw SocketPlaceError(
                description: "\(parent) cannot be opened: \(String(cString: strerror(-folder)))",
                isMissing: folder == -ENOENT)
        }
    }

    package func close() { Glibc.close(folder) }

    /// Otherwise `errno` says why not.
    package func bind(_ descriptor: Int32) -> Bool { isDone(nabd_bind_local(descriptor, folder, name)) }

    /// Otherwise `errno` says why not.
    package func connect(_ descriptor: Int32) -> Bool { isDone(nabd_connect_local(descriptor, folder, name)) }

    private func isDone(_ code: Int32) -> Bool {
        if code < 0 { errno = -code }
        return code == 0
    }

    /// Takes away a socket at which nobody answers. Throws ``SocketPlaceError`` where somebody does, or something else
    /// lies there.
    package func clear() throws(SocketPlaceError) {
        let isSocket = nabd_is_socket(folder, name)
        guard isSocket != -ENOENT else { return }
        guard isSocket == 1 else {
            throw SocketPlaceError(description: "\(path) is in the way, and is no socket: take it away")
        }
        let probe = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue | SOCK_NONBLOCK.rawValue), 0)
        defer { Glibc.close(probe) }
        // Only where nobody listens any more: a host that is slow, or whose answer this user may not have, is there.
        guard probe >= 0, !connect(probe), errno == ECONNREFUSED else {
            throw SocketPlaceError(description: "another host answers at \(path), or nobody can tell")
        }
        unlinkat(folder, name, 0)
    }
}
