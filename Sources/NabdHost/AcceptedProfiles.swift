package import ProfileLanguage
import PlainFiles
import SignedFiles
import StrictYAML

/// The profiles that a unit accepts: by digest, in a file with a version that only grows.
package struct AcceptedProfiles: Sendable {
    /// What somebody who signed the list knows of a profile.
    package struct Entry: Sendable, Hashable {
        package let digest: String
        /// Whether it may say more than reads: instructions that may be repeated.
        package let mayInstruct: Bool
    }

    package static let form = "accepted/1"
    package static let versions: ClosedRange<Int64> = 1...999_999_999
    static let says: KeyValuePairs<String, Bool> = ["reads": false, "instructions": true]

    package let version: Int64
    package let entries: [String: Entry]
    /// As it was read.
    let bytes: [UInt8]
    /// `nil` without a key.
    let signature: String?

    /// Reads the list, and holds it against its signature (`PATH.sig`) where there is a key.
    ///
    /// Throws ``InvalidFile`` with every fault at its place.
    init(path: String, key: String?, diagnostics: Diagnostics = Diagnostics()) throws(InvalidFile) {
        let start = SourceLocation(file: path, line: 1, column: 1)
        func text(_ path: String) throws(InvalidFile) -> String {
            guard let text = PlainFile.text(path) else {
                throw InvalidFile(diagnostics: [
                    Diagnostic(
                        .error, SourceLocation(file: path, line: 1, column: 1),
                        "there is no readable file, or it is too long")
                ])
            }
            return text
        }
        let file = try YAMLFile(path: path, diagnostics: diagnostics)
        bytes = file.bytes
        if let key {
            let (keyText, signed) = (try text(key), try text("\(path).sig"))
            do throws(SignifyFile.Fault) {
                try SignifyFile.verify(file.bytes, signature: signed, key: keyText)
            } catch {
                throw InvalidFile(diagnostics: [Diagnostic(.error, start, error.description)])
            }
            signature = signed
        } else {
            signature = nil
        }
        var read: (version: Int64, entries: [String: Entry]) = (0, [:])
        if let root = file.root.mapping("a list of accepted profiles") { read = Self.read(root) }
        try diagnostics.throwErrors()
        (version, entries) = read
    }

    private static func read(_ root: YAMLMapping) -> (version: Int64, entries: [String: Entry]) {
        guard let kind = root.required("nabd"), let text = kind.text("the file's kind, “\(form)”") else {
            return (0, [:])
        }
        if text != form { kind.error("this file says it is “\(text)”, expected “\(form)”") }
        root.allow(["nabd", "version", "profiles"])
        let version = root.required("version")?.integer("the list's version", versions) ?? 0
        var entries: [String: Entry] = [:]
        for (name, _, value) in root.required("profiles")?.mapping("the profiles by name")?.entries ?? [] {
            guard let map = value.mapping("a profile's digest and what it says") else { continue }
            map.allow(["digest", "says"])
            let digest = map.required("digest")?.text("a digest") ?? ""
            if digest.wholeMatch(of: /[0-9a-f]{64}/) == nil {
                map["digest"]?.error("expected a digest of 64 hexadecimal digits, as “nabd profile accept” prints it")
            }
            let says = map.required("says")?.choice("what the profile says", Self.says) ?? false
            entries[name] = Entry(digest: digest, mayInstruct: says)
        }
        return (version, entries)
    }

    /// A list of profiles as it is now, for a person to read and sign.
    package static func text(_ profiles: [DeviceProfile], version: Int64) -> String {
        let lines = profiles.map { profile in
            let says = profile.hasInstructions ? "instructions" : "reads"
            return "  \(profile.name): {digest: \(profile.digest), says: \(says)}\n"
        }
        return "nabd: \(form)\nversion: \(version)\nprofiles:\n\(lines.joined())"
    }
}
