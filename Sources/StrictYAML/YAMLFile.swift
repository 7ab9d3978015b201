import Foundation
import Yams

/// A YAML file read strictly: bounded in size, depth and count (aliases count as what they stand for), every key once.
package struct YAMLFile {
    /// The largest file read. Unit: bytes. A profile is a few kB; the largest seen public register map is about 100 kB.
    static let sizeLimit = 1 << 20

    package let path: String
    package let root: YAMLValue
    /// The file as it was read.
    package let bytes: [UInt8]
    package let diagnostics: Diagnostics

    /// Reads a file. Throws ``InvalidFile`` with the place of the fault; never a library's own error.
    package init(path: String, diagnostics: Diagnostics = Diagnostics()) throws(InvalidFile) {
        try self.init(path: path, data: Data(Self.contents(path)), diagnostics: diagnostics)
    }

    /// What is in a regular file, up to a buffer more than is read of one. Throws ``InvalidFile`` where it is none.
    package static func contents(_ path: String) throws(InvalidFile) -> [UInt8] {
        let start = SourceLocation(file: path, line: 1, column: 1)
        var details = stat()
        guard stat(path, &details) == 0 else { throw unreadable(start, errno) }
        guard details.st_mode & S_IFMT != S_IFDIR else { throw unreadable(start, ENOENT) }
        // A pipe would be waited for without end.
        guard details.st_mode & S_IFMT == S_IFREG else {
            throw InvalidFile(diagnostics: [Diagnostic(.error, start, "it is no regular file")])
        }
        guard let file = fopen(path, "re") else { throw unreadable(start, errno) }
        defer { fclose(file) }
        // The limit comes before the content, whatever the file says of its own size.
        var data: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 1 << 16)
        while data.count <= sizeLimit {
            let count = fread(&buffer, 1, buffer.count, file)
            if count == 0 { break }
            data += buffer.prefix(count)
        }
        return data
    }

    /// Why nothing is read of a file. A right that is missing is told as that, never as a file that is.
    private static func unreadable(_ start: SourceLocation, _ code: Int32) -> InvalidFile {
        let fault =
            switch code {
            case ENOENT: Diagnostic(.error, start, "there is no such file")
            case EACCES, EPERM:
                Diagnostic(
                    .error, start, "this user may not read it",
                    suggestion: "ask with sudo; or, of a unit's files, “sudo adduser NAME nabd” and sign in anew")
            default: Diagnostic(.error, start, "the file cannot be read: \(String(cString: strerror(code)))")
            }
        return InvalidFile(diagnostics: [fault])
    }

    /// Reads text that is already in memory; `path` is what messages call it.
    package init(path: String, text: String, diagnostics: Diagnostics = Diagnostics()) throws(InvalidFile) {
        try self.init(path: path, data: Data(text.utf8), diagnostics: diagnostics)
    }

    private init(path: String, data: Data, diagnostics: Diagnostics) throws(InvalidFile) {
        let start = SourceLocation(file: path, line: 1, column: 1)
        guard data.count <= Self.sizeLimit else {
            throw InvalidFile(diagnostics: [
                Diagnostic(.error, start, "the file has more than \(Self.sizeLimit) bytes, and no more are read")
            ])
        }
        guard let text = String(bytes: data, encoding: .utf8) else {
            throw InvalidFile(diagnostics: [Diagnostic(.error, start, "the file is not UTF-8 text")])
        }
        if let fault = KeyScan.fault(Array(data)) {
            throw InvalidFile(diagnostics: [
                Diagnostic(
                    .error, SourceLocation(file: path, line: fault.line, column: fault.column), fault.message)
            ])
        }
        let node: Node
        do {
            // Without the library's rules of what type a text has: here a text is a text.
            guard let composed = try Yams.compose(yaml: text, .basic, .default, .utf8) else {
                throw InvalidFile(diagnostics: [Diagnostic(.error, start, "the file is empty")])
            }
            node = composed
        } catch let fault as InvalidFile {
            throw fault
        } catch {
            throw InvalidFile(diagnostics: [Self.diagnostic(error, path: path, text: text)])
        }
        var reader = NodeReader(path: path)
        root = YAMLValue(node: try reader.read(node), file: path, diagnostics: diagnostics)
        self.path = path
        self.diagnostics = diagnostics
        bytes = Array(data)
    }

    private static func diagnostic(_ error: any Error, path: String, text: String) -> Diagnostic {
        func at(_ mark: Mark) -> SourceLocation {
            SourceLocation(file: path, line: max(1, mark.line), column: max(1, mark.column))
        }
        switch error as? YamlError {
        case .scanner(_, let problem, let mark, _), .parser(_, let problem, let mark, _),
            .composer(_, let problem, let mark, _):
            return Diagnostic(.error, at(mark), "this is not YAML: \(problem)")
        case .duplicatedKeysInMapping(let keys, let context):
            let key = keys.first ?? ""
            let place =
                secondOccurrence(of: key, from: context.mark, in: text) ?? (context.mark.line, context.mark.column)
            return Diagnostic(
                .error, SourceLocation(file: path, line: place.0, column: place.1), NodeReader.twice(key))
        case .reader(let problem, let offset, _, _):
            let before = text.utf8.prefix(offset ?? 0)
            let line = before.count { $0 == 0x0A } + 1
            return Diagnostic(
                .error, SourceLocation(file: path, line: line, column: 1), "this is not readable text: \(problem)")
        default:
            return Diagnostic(.error, SourceLocation(file: path, line: 1, column: 1), "this is not YAML: \(error)")
        }
    }

    /// Where a key stands for the second time at or after a mapping's start. The library tells only where the mapping
    /// begins.
    private static func secondOccurrence(of key: String, from mark: Mark, in text: String) -> (Int, Int)? {
        var seen: (line: Int, column: Int)?
        for (index, line) in text.split(separator: "\n", omittingEmptySubsequences: false).enumerated()
        where index + 1 >= mark.line {
            var search = line.startIndex
            while let range = line.range(of: key, range: search..<line.endIndex) {
                search = range.upperBound
                let before = line[..<range.lowerBound].last
                let after = line[range.upperBound...].drop { $0 == "\"" || $0 == "'" || $0 == " " }.first
                guard after == ":", before == nil || " {,\"'-".contains(before ?? " ") else { continue }
                let isQuoted = before == "\"" || before == "'"
                let column = line.distance(from: line.startIndex, to: range.lowerBound) + (isQuoted ? 0 : 1)
                if let seen, seen.line == index + 1 || seen.column == column { return (index + 1, column) }
                if seen == nil { seen = (index + 1, column) }
            }
        }
        return nil
    }
}
