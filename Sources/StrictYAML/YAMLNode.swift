import Yams

/// What a YAML file holds: texts, lists and mappings, each with its place. An alias is what it stands for.
///
/// The library's own nodes work out by patterns what type a text has, at each look at a key; here a text is a text.
final class YAMLNode: Sendable {
    enum Content: Sendable {
        case scalar(text: String, style: Style)
        case list([YAMLNode])
        case mapping([Member])
    }

    /// How a text is written.
    enum Style: Sendable {
        case plain
        case quoted
        /// With `|` or `>`.
        case block
    }

    struct Member: Sendable {
        let key: YAMLNode
        let value: YAMLNode
    }

    let content: Content
    /// The first line and the first column are 1.
    let line: Int
    let column: Int

    init(_ content: Content, line: Int, column: Int) {
        (self.content, self.line, self.column) = (content, line, column)
    }

    /// The text of a scalar; `nil` of anything else.
    var text: String? { if case .scalar(let text, _) = content { text } else { nil } }
}

/// Takes over what the library read, within the bounds of one file, and with every key once.
struct NodeReader {
    static let depthLimit = 24
    static let nodeLimit = 100_000

    let path: String
    private var count = 0

    init(path: String) { self.path = path }

    mutating func read(_ node: Node, depth: Int = 0) throws(InvalidFile) -> YAMLNode {
        count += 1
        let (line, column) = (node.mark?.line ?? 1, node.mark?.column ?? 1)
        if depth > Self.depthLimit { throw fault(line, column, "nested more than \(Self.depthLimit) deep") }
        if count > Self.nodeLimit {
            throw fault(
                line, column, "more than \(Self.nodeLimit) values in one file, aliases counted as what they stand for")
        }
        switch node {
        case .scalar(let scalar):
            return YAMLNode(.scalar(text: scalar.string, style: Self.style(scalar.style)), line: line, column: column)
        case .sequence(let sequence):
            var elements: [YAMLNode] = []
            elements.reserveCapacity(sequence.count)
            for element in sequence { elements.append(try read(element, depth: depth + 1)) }
            return YAMLNode(.list(elements), line: line, column: column)
        case .mapping(let mapping):
            return YAMLNode(.mapping(try members(mapping, depth: depth)), line: line, column: column)
        case .alias:
            throw fault(line, column, "this is not YAML: an alias stands for nothing")
        }
    }

    private mutating func members(_ mapping: Node.Mapping, depth: Int) throws(InvalidFile) -> [YAMLNode.Member] {
        var members: [YAMLNode.Member] = []
        members.reserveCapacity(mapping.count)
        var seen: Set<String> = []
        for (key, value) in mapping {
            let key = try read(key, depth: depth + 1)
            // The library lets keys of other tags stand beside each other; whoever reads them by name takes the first.
            if let text = key.text, !seen.insert(text).inserted {
                throw fault(key.line, key.column, Self.twice(text))
            }
            members.append(YAMLNode.Member(key: key, value: try read(value, depth: depth + 1)))
        }
        return members
    }

    static func twice(_ key: String) -> String {
        "the key “\(key)” stands twice in one mapping; which one counts would be a guess"
    }

    private static func style(_ style: Node.Scalar.Style) -> YAMLNode.Style {
        switch style {
        case .any, .plain: .plain
        case .singleQuoted, .doubleQuoted: .quoted
        case .literal, .folded: .block
        }
    }

    private func fault(_ line: Int, _ column: Int, _ message: String) -> InvalidFile {
        InvalidFile(diagnostics: [
            Diagnostic(.error, SourceLocation(file: path, line: line, column: column), message)
        ])
    }
}
