import Crypto
import Foundation
import PlainFiles
import SignedFiles
import StrictYAML

/// The public keys that the files are signed with, as signify writes them: paths of files.
package struct RuleKeys: Sendable, Hashable {
    package var paths: [RuleFile: String]

    /// One key for all of them.
    package init(_ path: String) {
        paths = Dictionary(uniqueKeysWithValues: RuleFile.allCases.map { ($0, path) })
    }

    /// A key for each; what a file without one says is not believed.
    package init(_ paths: [RuleFile: String]) { self.paths = paths }
}

extension PumpRules {
    /// The longest file that is read. Unit: bytes.
    static let limit = 1 << 20
    static let versions: ClosedRange<Int64> = 1...999_999_999

    /// Reads the files of a folder, each held against its signature before it is taken apart.
    ///
    /// - Parameters:
    ///   - keys: what they are signed with.
    ///   - accepted: what was accepted last: no older one is taken, and none that is gone is forgotten.
    package static func read(folder: String, keys: RuleKeys, accepted: [RuleFile: RuleStamp] = [:]) -> PumpRules {
        let reader = RuleReader(folder: folder, keys: keys, accepted: accepted)
        let (policy, policyStamp) = reader.read(.policy, SitePolicy.read)
        if case .missing = policy { return .none }
        let (library, libraryStamp) = reader.read(.library, DrugLibrary.read)
        let (orders, ordersStamp) = reader.read(.orders, Orders.read)
        let stamps = [RuleFile.policy: policyStamp, .library: libraryStamp, .orders: ordersStamp]
        // What is not taken now is not forgotten: an older one would be taken next.
        let kept = accepted.merging(stamps.compactMapValues { $0 }) { $1 }
        return .rules(
            RuleSet(policy: policy, library: library, orders: orders, stamps: kept))
    }
}

/// Reads a file of rules from a folder.
struct RuleReader {
    let folder: String
    /// `nil`: signatures are not looked at.
    let keys: RuleKeys?
    let accepted: [RuleFile: RuleStamp]

    typealias Content<Value> = (YAMLMapping) -> Value

    func read<Value: Sendable>(_ file: RuleFile, _ content: Content<Value>) -> (RuleReading<Value>, RuleStamp?) {
        let path = "\(folder)/\(file.name)"
        let start = SourceLocation(file: path, line: 1, column: 1)
        func unusable(_ text: String) -> (RuleReading<Value>, RuleStamp?) {
            (.unusable([Diagnostic(.error, start, text)]), nil)
        }
        guard FileManager.default.fileExists(atPath: path) else {
            guard let last = accepted[file], file != .policy else { return (.missing, nil) }
            return unusable("version \(last.version) of it was accepted, and it is gone: put it back")
        }
        guard let bytes = PlainFile.bytes(path, limit: PumpRules.limit) else {
            return unusable("it is no file that can be read, or it has more than \(PumpRules.limit) bytes")
        }
        if let fault = signatureFault(file, path: path, bytes) { return unusable(fault) }
        guard let text = String(validating: bytes, as: UTF8.self) else { return unusable("it is not UTF-8 text") }
        let diagnostics = Diagnostics()
        do throws(InvalidFile) {
            let root = try YAMLFile(path: path, text: text, diagnostics: diagnostics).root
            let digest = SHA256.hash(data: bytes).map { String($0 >> 4, radix: 16) + String($0 & 15, radix: 16) }
            let read = self.content(file, root, digest: digest.joined(), content)
            try diagnostics.throwErrors()
            guard let (value, stamp) = read else { return unusable("it is not \(file.form)") }
            return (.usable(value), stamp)
        } catch {
            return (.unusable(file == .orders ? Redaction.orders(error.diagnostics) : error.diagnostics), nil)
        }
    }

    /// What is wrong with its signature; `nil` when it is right.
    private func signatureFault(_ file: RuleFile, path: String, _ bytes: [UInt8]) -> String? {
        guard let keys else { return nil }
        guard let key = keys.paths[file].flatMap({ PlainFile.text($0) }) else {
            return "there is no public key that it could be held against: name the key's file"
        }
        guard let signature = PlainFile.text("\(path).sig") else {
            return "it is not signed: there is no \(file.name).sig that can be read; sign it with signify"
        }
        do throws(SignifyFile.Fault) {
            try SignifyFile.verify(bytes, signature: signature, key: key)
            return nil
        } catch { return error.description }
    }

    private func content<Value>(_ file: RuleFile, _ root: YAMLValue, digest: String, _ content: Content<Value>)
        -> (Value, RuleStamp)?
    {
        guard let map = root.mapping(file.words), let kind = map.required("nabd"),
            let form = kind.text("the file's kind, “\(file.form)”")
        else { return nil }
        guard form == file.form else {
            kind.error("the file says that it is something else: expected “\(file.form)”")
            return nil
        }
        guard let place = map.required("version"), let version = place.integer("version", PumpRules.versions) else {
            return nil
        }
        if let last = accepted[file] {
            if version < last.version {
                place.error(
                    "this is version \(version), and version \(last.version) was accepted: an older is not taken")
            } else if version == last.version, digest != last.digest {
                place.error("version \(version) was accepted with another content: give this one a higher version")
            }
        }
        return (content(map), RuleStamp(version: version, digest: digest))
    }
}

/// What is said of a file of orders without what stands in it: that may be a patient's name in the wrong place.
enum Redaction {
    static func orders(_ diagnostics: [Diagnostic]) -> [Diagnostic] {
        diagnostics.map { diagnostic in
            Diagnostic(diagnostic.severity, diagnostic.location, text(diagnostic.message))
        }
    }

    /// The text without what is quoted, unless that is one word of the format.
    static func text(_ message: String) -> String {
        guard let open = message.firstIndex(of: "“") else { return message }
        let rest = message[message.index(after: open)...]
        // A quotation without an end hides all that follows.
        guard let close = rest.lastIndex(of: "”") else { return message[..<open] + "“…”" }
        if Orders.words.contains(String(rest[..<close])) { return message }
        return message[..<open] + "“…" + rest[close...]
    }
}
