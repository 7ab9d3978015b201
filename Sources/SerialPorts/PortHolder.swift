import Foundation

/// A process that has a port open, or has locked it.
package struct PortHolder: Sendable, Equatable, CustomStringConvertible {
    package let process: Int
    /// Its program's name; `nil` where this user may not know.
    package let program: String?
    /// Whether it has locked it, so that the host cannot have it.
    package let hasLocked: Bool

    package var description: String { "\(program ?? "a process") (\(process))" }
}

extension PortFolders {
    /// Who has each of these ports, by path. The ports are not opened for it: that would raise DTR, by which some
    /// devices start anew.
    ///
    /// What processes have open, only their own user and root may see; locks everybody sees.
    package func holders(of paths: [String]) -> [String: [PortHolder]] {
        // One port may be asked for by several names.
        var wanted: [PortNumbers: [String]] = [:]
        for path in paths { if let numbers = PortNumbers(root + path) { wanted[numbers, default: []].append(path) } }
        var found: [String: [Int: Bool]] = [:]
        for entry in names("/proc") {
            guard let process = Int(entry) else { continue }
            for descriptor in names("/proc/\(entry)/fd") {
                let link = "\(root)/proc/\(entry)/fd/\(descriptor)"
                guard let target = try? FileManager.default.destinationOfSymbolicLink(atPath: link),
                    target.hasPrefix("/dev/"), let numbers = PortNumbers(root + target), let named = wanted[numbers]
                else { continue }
                for path in named { found[path, default: [:]][process] = false }
            }
        }
        // 1: FLOCK  ADVISORY  WRITE 812 00:06:1234 0 EOF
        for line in (text("/proc/locks") ?? "").split(separator: "\n") {
            let words = line.split(separator: " ")
            guard words.count > 5, words[1] == "FLOCK", let process = Int(words[4]), process > 0 else { continue }
            for (numbers, named) in wanted where numbers.file == words[5] {
                for path in named { found[path, default: [:]][process] = true }
            }
        }
        return found.mapValues { processes in
            processes.sorted { $0.key < $1.key }.map { process, hasLocked in
                PortHolder(process: process, program: text("/proc/\(process)/comm"), hasLocked: hasLocked)
            }
        }
    }
}

/// By what the system knows a file of /dev.
struct PortNumbers: Hashable {
    /// As /proc/locks writes it: the file system's numbers, and the file's in it.
    let file: String

    /// `nil` when there is none.
    init?(_ path: String) {
        var details = stat()
        guard stat(path, &details) == 0 else { return nil }
        func hex(_ number: UInt64) -> String {
            let digits = String(number, radix: 16)
            return digits.count < 2 ? "0\(digits)" : digits
        }
        let (major, minor) = Self.split(UInt64(details.st_dev))
        file = "\(hex(major)):\(hex(minor)):\(details.st_ino)"
    }

    /// The two numbers in one, as Linux puts them together (glibc, bits/sysmacros.h).
    static func split(_ device: UInt64) -> (major: UInt64, minor: UInt64) {
        ((device >> 8) & 0xFFF | (device >> 32) & 0xFFFF_F000, device & 0xFF | (device >> 12) & 0xFFFF_FF00)
    }
}
