import Foundation

/// What is entered for a pump or a patient: typed, on standard input, or in a file that nobody else may read; never as
/// an argument. What stands in a command is seen by everybody on this machine, the second person among them, who must
/// enter it without having seen it.
enum EntryInput {
    /// More lines, or a longer one, are nothing that a person enters.
    private static let mostLines = 32
    private static let longestLine = 1024
    private static let longestFile = mostLines * longestLine
    /// How long standard input is waited for. Unit: s.
    private static let patience = 300

    /// The lines that were entered, up to an empty one.
    ///
    /// - Parameters:
    ///   - file: its path; `nil` for what is typed, or comes on standard input.
    ///   - question: what somebody who types is asked.
    ///   - most: so many and no more are waited for.
    static func lines(from file: String?, asking question: String, most: Int = mostLines) throws -> [String] {
        if let file { return try contents(of: file) }
        if isatty(STDIN_FILENO) == 1 { FileHandle.standardError.write(Data("\(question)\n".utf8)) }
        let end = ContinuousClock.now + .seconds(patience)
        var lines: [String] = []
        while lines.count < most {
            guard let line = try line(until: end), !line.isEmpty else { break }
            lines.append(line)
        }
        return lines
    }

    /// The next line, no byte behind it; `nil` behind the last.
    private static func line(until end: ContinuousClock.Instant) throws -> String? {
        var bytes: [UInt8] = []
        while bytes.count <= longestLine {
            let left = (end - ContinuousClock.now) / Duration.milliseconds(1)
            var polled = pollfd(fd: STDIN_FILENO, events: Int16(POLLIN), revents: 0)
            guard left > 0, poll(&polled, 1, Int32(left.rounded(.up))) > 0 else {
                throw PumpCaller.refuse("Nothing was entered in time: nothing was done.")
            }
            var byte: UInt8 = 0
            let count = read(STDIN_FILENO, &byte, 1)
            if count < 0, errno == EINTR { continue }
            guard count == 1 else {
                // Half of what was typed is another figure.
                guard bytes.isEmpty else { throw PumpCaller.refuse("The input ended within a line: nothing was done.") }
                return nil
            }
            if byte == UInt8(ascii: "\n") { return try text(bytes[...]) }
            bytes.append(byte)
        }
        throw PumpCaller.refuse("A line is longer than \(longestLine) bytes: nothing was done.")
    }

    private static func contents(of path: String) throws -> [String] {
        let file = open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC)
        guard file >= 0 else { throw PumpCaller.refuse("There is no readable file \(path).") }
        defer { close(file) }
        var status = stat()
        guard fstat(file, &status) == 0, status.st_mode & S_IFMT == S_IFREG, status.st_uid == geteuid(),
            status.st_mode & 0o077 == 0
        else {
            throw PumpCaller.refuse(
                "Others may read or write \(path), or own it: what is entered stands in a file of your own with mode "
                    + "0600.")
        }
        let handle = FileHandle(fileDescriptor: file, closeOnDealloc: false)
        let bytes = [UInt8]((try? handle.read(upToCount: longestFile + 1)) ?? Data())
        guard bytes.count <= longestFile else {
            throw PumpCaller.refuse("\(path) is longer than what a person enters.")
        }
        guard bytes.isEmpty || bytes.last == UInt8(ascii: "\n") else {
            throw PumpCaller.refuse("\(path) ends within a line: nothing was done.")
        }
        let lines = try bytes.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false).map(text)
            .prefix { !$0.isEmpty }
        guard lines.count <= mostLines else {
            throw PumpCaller.refuse("\(path) is longer than what a person enters.")
        }
        return Array(lines)
    }

    private static func text(_ bytes: ArraySlice<UInt8>) throws -> String {
        let line = bytes.last == UInt8(ascii: "\r") ? bytes.dropLast() : bytes
        guard let text = String(bytes: line, encoding: .utf8) else {
            throw PumpCaller.refuse("What was entered is no text: nothing was done.")
        }
        return text
    }
}
