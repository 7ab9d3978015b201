import Crypto
import Foundation
import PlainFiles

/// The screen's own files, read once into memory: what is served is what was there at the start, whole.
package struct ScreenFiles: Sendable {
    package struct File: Sendable {
        package let type: String
        /// Strong: the digest of what is in it.
        package let tag: String
        package let bytes: [UInt8]
    }

    /// By their names within the folder, such as `main.js`.
    private let files: [String: File]
    /// Why there are none; `nil` where there are.
    package let failure: String?

    /// What is served, by the ends of names. Nothing else is.
    private static let types = [
        "html": "text/html; charset=utf-8", "js": "text/javascript; charset=utf-8", "css": "text/css; charset=utf-8",
        "json": "application/json", "svg": "image/svg+xml", "png": "image/png", "ico": "image/x-icon",
        "woff2": "font/woff2",
    ]

    /// Reads a folder. One without its page leaves a server that says so.
    package init(folder: String) {
        var files: [String: File] = [:]
        var bytes = 0
        do throws(Fault) {
            for name in try Self.names(in: folder) {
                guard let type = Self.type(of: name) else { continue }
                guard let data = PlainFile.bytes("\(folder)/\(name)", limit: ConsoleLimits.fileBytes) else {
                    throw Fault(words: "\(name) cannot be read, or there is more in it than a screen has")
                }
                bytes += data.count
                guard bytes <= ConsoleLimits.filesBytes, files.count < ConsoleLimits.files else {
                    throw Fault(words: "there is more in it than a screen has, at \(name)")
                }
                files[name] = File(type: type, tag: Self.tag(data), bytes: data)
            }
            guard files["index.html"] != nil else { throw Fault(words: "there is no index.html in it") }
            (self.files, failure) = (files, nil)
        } catch {
            (self.files, failure) = ([:], "The folder of the screen, \(folder), cannot be used: \(error.words).")
        }
    }

    package subscript(name: String) -> File? { files[name] }

    package var names: [String] { files.keys.sorted() }

    private struct Fault: Error {
        let words: String
    }

    private static func names(in folder: String) throws(Fault) -> [String] {
        guard (try? FileManager.default.contentsOfDirectory(atPath: folder)) != nil,
            let names = FileManager.default.enumerator(atPath: folder)
        else {
            throw Fault(words: "it cannot be read")
        }
        return names.compactMap { $0 as? String }.filter { name in
            !name.split(separator: "/").contains { $0.hasPrefix(".") }
        }.sorted()
    }

    static func type(of name: String) -> String? {
        guard let dot = name.lastIndex(of: ".") else { return nil }
        return types[String(name[name.index(after: dot)...])]
    }

    static func tag(_ data: some DataProtocol) -> String {
        let digits = SHA256.hash(data: data).prefix(16).map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }
        return "\"\(digits.joined())\""
    }

    /// Whether a client has this already, as its `If-None-Match` says.
    static func has(_ tag: String, _ field: String?) -> Bool {
        guard let field else { return false }
        return field.split(separator: ",").contains { part in
            let known = part.drop { $0 == " " }
            return known == "*" || known == tag || known == "W/\(tag)"
        }
    }
}
