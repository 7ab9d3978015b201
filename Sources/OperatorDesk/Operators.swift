package import CommandFacts
import DeviceModel
import Foundation
package import StrictYAML

/// What somebody may do.
package enum OperatorRole: String, Sendable, Hashable, CaseIterable {
    /// Enters, verifies and starts commands, and says what a pump shows.
    case clinician
    /// Looks after pumps: unlocks them and says that they were looked at.
    case engineer
}

/// The people who may sign in.
///
/// ```yaml
/// nabd: operators/1
/// operators:
///   amal:
///     name: Amal K.
///     roles: [clinician]
///     secret: scrypt$16384$8$1$…   # as `nabd pump operator add amal` prints it
/// ```
package struct Operators: Sendable, Hashable {
    struct Person: Sendable, Hashable {
        let id: String
        let name: String
        let roles: Set<OperatorRole>
        let secret: SecretHash
    }

    static let most = 200
    static let longestId = 32
    static let longestName = 80
    /// Unit: bytes.
    private static let longestFile = 1 << 18

    let people: [Person]

    package var count: Int { people.count }

    /// Where the file cannot be believed: nobody signs in, and a stop needs nobody.
    package static let nobody = Operators(people: [])

    private init(people: [Person]) { self.people = people }

    /// Reads a file that only its owner may read or write.
    ///
    /// Throws ``InvalidFile`` with every fault at its place; never with a secret.
    package init(path: String) throws(InvalidFile) { try self.init(path: path, least: .usual) }

    init(path: String, least: SecretHash.Cost) throws(InvalidFile) {
        let text = try Self.text(path)
        let file = try YAMLFile(path: path, text: text)
        try self.init(file, least: least)
    }

    init(_ file: YAMLFile, least: SecretHash.Cost) throws(InvalidFile) {
        var people: [Person] = []
        if let root = file.root.mapping("the file of the operators") {
            root.allow(["nabd", "operators"])
            if let kind = root.required("nabd"), let text = kind.text("the file's kind, “operators/1”"),
                text != "operators/1"
            {
                kind.error("this file is of another kind, expected “operators/1”")
            }
            if let map = root.required("operators")?.mapping("the operators") {
                if map.entries.isEmpty { map.value.error("there is at least one operator") }
                if map.entries.count > Self.most { map.value.error("there are at most \(Self.most) operators") }
                for (id, key, value) in map.entries.prefix(Self.most) {
                    guard let person = Self.person(id, key, value, least: least) else { continue }
                    if people.contains(where: { $0.secret.salt == person.secret.salt }) {
                        value.error("the secret is that of another operator: each has one of their own")
                    }
                    people.append(person)
                }
            }
        }
        try file.diagnostics.throwErrors()
        self.people = people
    }

    private static func person(_ id: String, _ key: YAMLValue, _ value: YAMLValue, least: SecretHash.Cost) -> Person? {
        if !isId(id) {
            key.error("an operator's id is 1 to \(longestId) of a to z, 0 to 9 and -, beginning with a letter")
        }
        // What stands there instead may be the secret itself: it is not quoted.
        guard value.isMapping, let map = value.mapping("an operator") else {
            value.error("an operator is a mapping of name, roles and secret")
            return nil
        }
        map.allow(["name", "roles", "secret"])
        let name = map.required("name")?.text("the operator's name")
        if let name, name.utf8.count > longestName || Printable.text(name, keepingLines: false) != name {
            map["name"]?.error("a name has at most \(longestName) bytes, all of them to be seen")
        }
        var roles: Set<OperatorRole> = []
        if let list = map.required("roles")?.list("the operator's roles") {
            let words = OperatorRole.allCases.map { (key: $0.rawValue, value: $0) }
            for word in list {
                guard let role = word.choice("a role", words) else { continue }
                if !roles.insert(role).inserted { word.error("the role stands twice") }
            }
            if list.isEmpty { map["roles"]?.error("an operator has at least one role") }
        }
        guard let hash = map.required("secret") else { return nil }
        // What stands there is never quoted: somebody may have written the secret itself.
        guard let text = hash.word else {
            hash.error(SecretHash.Fault.notTheForm.words)
            return nil
        }
        do throws(SecretHash.Fault) {
            let secret = try SecretHash(text, least: least)
            return name.map { Person(id: id, name: $0, roles: roles, secret: secret) }
        } catch {
            hash.error(error.words)
            return nil
        }
    }

    /// Of characters of which no two look alike to a keyboard: who somebody is must be told by bytes.
    static func isId(_ text: String) -> Bool {
        guard let first = text.utf8.first, (1...longestId).contains(text.utf8.count) else { return false }
        return (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(first)
            && text.utf8.allSatisfy { byte in
                switch byte {
                case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"):
                    true
                default: false
                }
            }
    }

    /// Why nobody of this id or secret can be put into a file.
    package enum EntryFault: Error, Sendable, Hashable {
        case id
        case short
        case notMade

        package var words: String {
            switch self {
            case .id: "An id is 1 to 32 of a to z, 0 to 9 and -, beginning with a letter."
            case .short: "A secret has at least 8 characters and at most 200 bytes."
            case .notMade: "The secret cannot be made: there is too little memory."
            }
        }
    }

    private static let leastSecret = 8

    package static func check(id: String) throws(EntryFault) { if !isId(id) { throw .id } }

    /// The lines for somebody new, with everything but the secret to be looked over. Takes about 0.1 s.
    ///
    /// - Parameters:
    ///   - name: as people are called; the id, where nothing is said.
    package static func lines(
        id: String, secret: String, name: String? = nil, roles: Set<OperatorRole> = [.clinician]
    ) throws(EntryFault) -> String {
        try check(id: id)
        guard secret.count >= leastSecret, secret.utf8.count <= Credential.longest else { throw .short }
        guard let hash = try? SecretHash(of: secret) else { throw .notMade }
        return """
              \(id):
                name: \(name ?? id)
                roles: [\(roles.map(\.rawValue).sorted().joined(separator: ", "))]
                secret: \(hash.text)
            """
    }

    /// As people are called; `nil` where there is nobody of this id.
    package func name(of person: Operator) -> String? { people.first { $0.id == person.id }?.name }

    /// The text of a file, its rights looked at before a byte of it is believed.
    private static func text(_ path: String) throws(InvalidFile) -> String {
        func fault(_ words: String) -> InvalidFile {
            InvalidFile(diagnostics: [Diagnostic(.error, SourceLocation(file: path, line: 1, column: 1), words)])
        }
        // A pipe would be waited for without end.
        let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
        guard descriptor >= 0 else {
            throw fault(
                errno == ENOENT
                    ? "there is no such file" : "the file cannot be read: \(String(cString: strerror(errno)))")
        }
        defer { close(descriptor) }
        var details = stat()
        guard fstat(descriptor, &details) == 0, details.st_mode & S_IFMT == S_IFREG else {
            throw fault("it is no regular file")
        }
        guard details.st_mode & 0o077 == 0 else {
            throw fault("others than its owner may read or write the file: chmod 600 it, and make new secrets")
        }
        guard details.st_uid == geteuid() || details.st_uid == 0 else {
            throw fault("the file belongs to neither the host's user nor root: chown it")
        }
        var bytes: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 1 << 14)
        while bytes.count <= longestFile {
            let count = read(descriptor, &buffer, buffer.count)
            if count < 0, errno == EINTR { continue }
            if count < 0 { throw fault("the file cannot be read: \(String(cString: strerror(errno)))") }
            if count == 0 { break }
            bytes += buffer.prefix(count)
        }
        guard bytes.count <= longestFile else { throw fault("the file has more than \(longestFile) bytes") }
        guard let text = String(bytes: bytes, encoding: .utf8) else { throw fault("the file is not UTF-8 text") }
        return text
    }
}
