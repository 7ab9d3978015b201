import Foundation

/// What stands at a path that a configuration names as a serial port. Nothing is opened.
package enum PortPlace: Sendable, Equatable {
    case missing
    case forbidden
    /// Something that is no terminal, in a word or two.
    case other(String)
    /// A terminal, by the number that the kernel knows it by, whatever its names.
    case terminal(UInt64)

    package init(_ path: String) {
        var details = stat()
        guard stat(path, &details) == 0 else {
            self = errno == EACCES ? .forbidden : .missing
            return
        }
        switch details.st_mode & S_IFMT {
        case S_IFREG: self = .other("a regular file")
        case S_IFDIR: self = .other("a folder")
        case S_IFCHR:
            let number = UInt64(details.st_rdev)
            if !Self.isTerminal(number) {
                self = .other("no terminal")
            } else {
                self = access(path, R_OK | W_OK) == 0 ? .terminal(number) : .forbidden
            }
        default: self = .other("no terminal")
        }
    }

    /// Whether the kernel has a terminal under a number. A pseudo-terminal has no folder of its own; where the kernel
    /// tells nothing, it is taken for one.
    private static func isTerminal(_ number: UInt64) -> Bool {
        let (major, minor) = PortNumbers.split(number)
        // Linux, Documentation/admin-guide/devices.txt: 136 to 143 are the pseudo-terminals' other sides.
        if (136...143).contains(major) { return true }
        let link = "/sys/dev/char/\(major):\(minor)/subsystem"
        guard let subsystem = try? FileManager.default.destinationOfSymbolicLink(atPath: link) else {
            return !FileManager.default.fileExists(atPath: "/sys/dev/char/1:3")
        }
        return subsystem.hasSuffix("/tty")
    }
}
