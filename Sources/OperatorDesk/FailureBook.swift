import Foundation

/// Who failed to sign in, and whom that locks: five failures within 15 min lock an id for 15 min.
///
/// It is kept in a file, so that it outlives the host. The file holds no times: what was before a restart counts as
/// done just now, as everything does that is timed here. A damaged file locks nobody and is told: whoever can damage
/// it can do more, and a disk's fault must not keep everybody from the pumps.
struct FailureBook {
    static let most = 5
    /// Unit: ns.
    static let window: Int64 = 15 * 60 * 1_000_000_000
    static let lock: Int64 = 15 * 60 * 1_000_000_000
    /// More than any book has. Unit: bytes.
    private static let longest = 1 << 16
    private static let heading = "nabd sign-in failures 1"
    private static let ending = "end"

    enum Standing: Sendable, Hashable {
        /// When. Unit: ns of the boot clock.
        case failed([Int64])
        case locked(since: Int64)
    }

    let path: String
    private(set) var standings: [String: Standing] = [:]

    /// Reads the file. What is no such book is not used: the second result is `false` then.
    ///
    /// - Parameter ids: the only ones that are kept.
    static func opened(at path: String, of ids: Set<String>, now: Int64) -> (book: FailureBook, isWhole: Bool) {
        var book = FailureBook(path: path)
        switch read(path) {
        case .missing: return (book, true)
        case .unreadable: return (book, false)
        case .text(let text):
            guard let standings = Self.standings(text, now: now) else { return (book, false) }
            // Of a file of operators that could not be read nobody is known, and nobody is let off.
            book.standings = ids.isEmpty ? standings : standings.filter { ids.contains($0.key) }
            return (book, true)
        }
    }

    private init(path: String) { self.path = path }

    func isLocked(_ id: String, at now: Int64) -> Bool {
        guard case .locked(let since) = standings[id] else { return false }
        return now - since < Self.lock
    }

    /// Returns whether this one locks the id.
    mutating func fail(_ id: String, at now: Int64) -> Bool {
        guard !isLocked(id, at: now) else { return false }
        var times: [Int64] = []
        if case .failed(let earlier) = standings[id] { times = earlier.filter { now - $0 < Self.window } }
        times.append(now)
        standings[id] = times.count >= Self.most ? .locked(since: now) : .failed(times)
        return times.count >= Self.most
    }

    /// Writes the file anew and waits for the disk; returns whether it is there.
    func keep(at now: Int64) -> Bool {
        let bytes = Array(text(at: now).utf8)
        let new = "\(path).new"
        let descriptor = open(new, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0o600)
        guard descriptor >= 0 else { return false }
        let isWritten = write(descriptor, bytes, bytes.count) == bytes.count && fsync(descriptor) == 0
        close(descriptor)
        guard isWritten, rename(new, path) == 0 else { return false }
        let folder = open((path as NSString).deletingLastPathComponent, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard folder >= 0 else { return false }
        defer { close(folder) }
        return fsync(folder) == 0
    }

    // MARK: The file

    private func text(at now: Int64) -> String {
        var lines = [Self.heading]
        for (id, standing) in standings.sorted(by: { $0.key < $1.key }) {
            switch standing {
            case .locked(let since): if now - since < Self.lock { lines.append("\(id) locked") }
            case .failed(let times):
                let count = times.count { now - $0 < Self.window }
                if count > 0 { lines.append("\(id) \(count)") }
            }
        }
        return (lines + [Self.ending, ""]).joined(separator: "\n")
    }

    /// `nil` where a line is not in its form, or the end is missing.
    static func standings(_ text: String, now: Int64) -> [String: Standing]? {
        let lines = text.split(separator: "\n", omittingEmptySubsequences: false)
        guard lines.count >= 3, lines[0] == heading, lines[lines.count - 2] == ending, lines[lines.count - 1].isEmpty
        else { return nil }
        var standings: [String: Standing] = [:]
        for line in lines[1..<(lines.count - 2)] {
            let words = line.split(separator: " ", omittingEmptySubsequences: false).map(String.init)
            guard words.count == 2, Operators.isId(words[0]), standings[words[0]] == nil else { return nil }
            if words[1] == "locked" {
                standings[words[0]] = .locked(since: now)
            } else if let count = (1..<most).first(where: { String($0) == words[1] }) {
                standings[words[0]] = .failed(Array(repeating: now, count: count))
            } else {
                return nil
            }
        }
        return standings
    }

    private enum Found {
        case missing
        case unreadable
        case text(String)
    }

    private static func read(_ path: String) -> Found {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOFOLLOW)
        guard descriptor >= 0 else { return errno == ENOENT ? .missing : .unreadable }
        defer { close(descriptor) }
        var details = stat()
        guard fstat(descriptor, &details) == 0, details.st_mode & S_IFMT == S_IFREG else { return .unreadable }
        var bytes: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 1 << 12)
        while bytes.count <= longest {
            let count = Glibc.read(descriptor, &buffer, buffer.count)
            if count < 0, errno == EINTR { continue }
            if count < 0 { return .unreadable }
            if count == 0 { return String(bytes: bytes, encoding: .utf8).map(Found.text) ?? .unreadable }
            bytes += buffer.prefix(count)
        }
        return .unreadable
    }
}
