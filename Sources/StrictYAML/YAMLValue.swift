package import DeviceModel

/// A value in a YAML file together with its place and the findings it reports to.
///
/// Scalars are read from their text, never through YAML's own guesses: `no` is a word, `1.10` keeps its zero, `0x10` is
/// sixteen where a number is expected.
package struct YAMLValue {
    let node: YAMLNode
    /// Where the value stands.
    package let location: SourceLocation
    package let diagnostics: Diagnostics
    /// What stands at the same place of the file that this one extends: one value or none.
    private(set) var inherited: [YAMLValue] = []

    init(node: YAMLNode, file: String, diagnostics: Diagnostics) {
        self.node = node
        location = SourceLocation(file: file, line: node.line, column: node.column)
        self.diagnostics = diagnostics
    }

    /// This value over the one that it extends: a mapping's keys are added to the other's, anything else replaces it.
    package func extending(_ other: YAMLValue) -> YAMLValue {
        var value = self
        value.inherited = [other]
        return value
    }

    /// Whether it is `~` or nothing at all, which takes an inherited key away.
    package var isNothing: Bool {
        guard case .scalar(let text, .plain) = node.content else { return false }
        return text == "~" || text.isEmpty
    }

    func child(_ node: YAMLNode) -> YAMLValue { YAMLValue(node: node, file: location.file, diagnostics: diagnostics) }

    package func error(_ message: String, suggestion: String? = nil) {
        diagnostics.error(location, message, suggestion: suggestion)
    }

    /// The value of a key, or `nil` where there is no mapping or no such key; reports nothing.
    package func member(_ key: String) -> YAMLValue? {
        guard case .mapping(let members) = node.content else { return nil }
        return members.first { $0.key.text == key }.map { child($0.value) }
    }

    package var isMapping: Bool { if case .mapping = node.content { true } else { false } }

    package var isList: Bool { if case .list = node.content { true } else { false } }

    /// The text of a scalar, or `nil` where something else stands; reports nothing.
    package var word: String? { node.text }

    /// Whether a text stands in quotes.
    package var isQuoted: Bool { if case .scalar(_, .quoted) = node.content { true } else { false } }

    /// What stands here as one line, without comments and layout: two values that read the same have the same.
    package var canonicalText: String {
        switch node.content {
        case .scalar(let text, _):
            let escaped = text.replacing("\\", with: "\\\\").replacing("\"", with: "\\\"")
            return isNothing ? "~" : "\"\(escaped)\""
        case .mapping(let members):
            return "{"
                + members.map { "\(child($0.key).canonicalText): \(child($0.value).canonicalText)" }
                .joined(separator: ", ")
                + "}"
        case .list(let elements):
            return "[" + elements.map { child($0).canonicalText }.joined(separator: ", ") + "]"
        }
    }

    /// What kind of thing stands here, for messages.
    package var found: String {
        switch node.content {
        case .mapping: "a mapping"
        case .list: "a list"
        case .scalar(let text, let style): text.isEmpty && style == .plain ? "nothing" : "“\(text)”"
        }
    }

    /// How many members or elements it has, those that it inherits counted too.
    package var entryCount: Int {
        let own =
            switch node.content {
            case .mapping(let members): members.count
            case .list(let elements): elements.count
            case .scalar: 1
            }
        return own + inherited.reduce(0) { $0 + $1.entryCount }
    }

    /// The members of a mapping; reports and returns `nil` for anything else.
    package func mapping(_ what: String) -> YAMLMapping? {
        guard case .mapping(let members) = node.content else {
            error("expected \(what) as a mapping (key: value), found \(found)")
            return nil
        }
        return YAMLMapping(members, value: self)
    }

    /// The elements of a list; reports and returns `nil` for anything else.
    package func list(_ what: String) -> [YAMLValue]? {
        guard case .list(let elements) = node.content else {
            error("expected a list of \(what), found \(found)")
            return nil
        }
        return elements.map(child)
    }

    /// The elements of a list, or the one value that stands instead of a list.
    package func listOrOne() -> [YAMLValue] {
        if case .list(let elements) = node.content { return elements.map(child) }
        return [self]
    }

    /// The text of a scalar.
    package func text(_ what: String) -> String? {
        guard case .scalar(let text, let style) = node.content, !(text.isEmpty && style == .plain) else {
            error("expected \(what), found \(found)")
            return nil
        }
        return text
    }

    /// An integer, decimal or `0x…`.
    package func integer(_ what: String, _ range: ClosedRange<Int64>) -> Int64? {
        guard let text = node.text, let value = Self.integer(text) else {
            error("expected \(what) as a whole number, found \(found)")
            return nil
        }
        guard range.contains(value) else {
            error("\(what) is \(value), expected \(range.lowerBound) to \(range.upperBound)")
            return nil
        }
        return value
    }

    package func int(_ what: String, _ range: ClosedRange<Int>) -> Int? {
        integer(what, Int64(range.lowerBound)...Int64(range.upperBound)).map(Int.init)
    }

    /// A position below a length, which may be 0 when what says it is wrong as well.
    package func place(_ what: String, below length: Int) -> Int? { int(what, 0...max(0, length - 1)) }

    package static func integer(_ text: String) -> Int64? {
        let negative = text.hasPrefix("-")
        let digits = negative ? String(text.dropFirst()) : text
        guard let first = digits.utf8.first, first >= 0x30, first <= 0x39 else { return nil }
        let value =
            digits.hasPrefix("0x") || digits.hasPrefix("0X") ? Int64(digits.dropFirst(2), radix: 16) : Int64(digits)
        guard let value, value >= 0 else { return nil }
        return negative ? -value : value
    }

    /// A finite decimal number.
    package func number(_ what: String) -> Double? {
        guard let text = node.text, DecimalText.parse(Array(text.utf8)) != nil, let value = Double(text)
        else {
            error("expected \(what) as a number, found \(found)")
            return nil
        }
        return value
    }

    /// An exact factor such as `0.1`, `1e-7` or `1/256`.
    package func scale() -> DecimalScale? {
        guard let text = node.text, let scale = DecimalScale(text) else {
            error("expected a scale such as 0.1, 1e-7 or 1/256, found \(found)")
            return nil
        }
        return scale
    }

    /// Exactly `true` or `false`; YAML 1.1's `yes`, `no`, `on` and `off` are words.
    package func bool(_ what: String) -> Bool? {
        switch node.text {
        case "true": return true
        case "false": return false
        default:
            error("expected \(what) as true or false, found \(found)")
            return nil
        }
    }

    /// A length of time such as `500ms`, `1s`, `13.333ms`, `5min`. Unit of the result: ns.
    package func duration(_ what: String, _ range: ClosedRange<Int64> = 1...86_400_000_000_000) -> Int64? {
        guard let text = node.text, let nanoseconds = DurationText.nanoseconds(text) else {
            error(
                "expected \(what) as a time with its unit, found \(found)", suggestion: "write it as 500ms, 1s or 5min")
            return nil
        }
        guard range.contains(nanoseconds) else {
            error(
                "\(what) is \(text), expected \(Self.describe(range.lowerBound)) to "
                    + "\(Self.describe(range.upperBound))"
            )
            return nil
        }
        return nanoseconds
    }

    package static func describe(_ nanoseconds: Int64) -> String {
        if nanoseconds % 1_000_000_000 == 0 { return "\(nanoseconds / 1_000_000_000)s" }
        if nanoseconds % 1_000_000 == 0 { return "\(nanoseconds / 1_000_000)ms" }
        return "\(nanoseconds)ns"
    }

    /// One of a closed list of words.
    package func choice<Choice>(_ what: String, _ choices: KeyValuePairs<String, Choice>) -> Choice? {
        choice(what, among: choices)
    }

    package func choice<Choice>(_ what: String, _ choices: [(key: String, value: Choice)]) -> Choice? {
        choice(what, among: choices)
    }

    private func choice<Choice>(_ what: String, among choices: some Collection<(key: String, value: Choice)>)
        -> Choice?
    {
        guard let word = text(what) else { return nil }
        if let match = choices.first(where: { $0.key == word }) { return match.value }
        let words = choices.map(\.key)
        error(
            "expected \(what) (\(words.joined(separator: ", "))), found “\(word)”",
            suggestion: Self.suggest(word, among: words))
        return nil
    }
}

/// The members of a mapping, each taken once; what is left at the end is unknown and an error.
package struct YAMLMapping {
    package let value: YAMLValue
    private let members: [(key: String, keyValue: YAMLValue, value: YAMLValue)]

    init(_ nodes: [YAMLNode.Member], value: YAMLValue) {
        self.value = value
        var members: [(String, YAMLValue, YAMLValue)] = []
        members.reserveCapacity(nodes.count)
        for node in nodes {
            let keyValue = value.child(node.key)
            guard let name = node.key.text else {
                keyValue.error("expected a key, found \(keyValue.found)")
                continue
            }
            members.append((name, keyValue, value.child(node.value)))
        }
        if let other = value.inherited.first, case .mapping(let inheritedNodes) = other.node.content {
            let inherited = YAMLMapping(inheritedNodes, value: other).members
            // In the order of the file that is extended, what is new last.
            let added = members.filter { own in !inherited.contains { $0.key == own.0 } }
            members =
                inherited.map { old in
                    guard let own = members.first(where: { $0.0 == old.key }) else { return old }
                    return (own.0, own.1, own.2.extending(old.value))
                } + added
            members.removeAll { member in member.2.isNothing && inherited.contains { $0.key == member.0 } }
        }
        self.members = members
    }

    /// Every member in the file's order, for mappings whose keys the author chooses.
    package var entries: [(key: String, keyValue: YAMLValue, value: YAMLValue)] { members }

    package subscript(key: String) -> YAMLValue? {
        members.firstIndex { $0.key == key }.map { members[$0].value }
    }

    /// The value of a key that must be there.
    package func required(_ key: String) -> YAMLValue? {
        if let found = self[key] { return found }
        value.error("“\(key)” is missing")
        return nil
    }

    /// So many unknown keys of a mapping are told one by one.
    private static let mostUnknown = 20

    /// Reports every key that is none of these.
    package func allow(_ keys: [String]) {
        let unknown = members.filter { !keys.contains($0.key) }
        guard !unknown.isEmpty else { return }
        // A key that stands already is not what was meant; in a variant it may be, as it stands in the file that is
        // extended.
        let standing = Set(members.map(\.key))
        let known = value.inherited.isEmpty ? keys.filter { !standing.contains($0) } : keys
        if unknown.count > Self.mostUnknown {
            unknown[Self.mostUnknown].keyValue.error("and \(unknown.count - Self.mostUnknown) more unknown keys")
        }
        for member in unknown.prefix(Self.mostUnknown) {
            member.keyValue.error(
                "unknown key “\(member.key)”; expected \(keys.joined(separator: ", "))",
                suggestion: YAMLValue.suggest(member.key, among: known)
            )
        }
    }
}
