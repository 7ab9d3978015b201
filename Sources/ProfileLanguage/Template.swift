/// The text of a message as it looks: literal text with holes where values stand.
///
/// Source: docs/decisions/0004-replies-are-templates.md.
package struct Template: Sendable, Hashable {
    package enum Segment: Sendable, Hashable {
        case literal([UInt8])
        /// A value; `width` is its exact size in bytes, `nil` when it reaches to the next literal or to the end.
        case hole(String, width: Int?)
    }

    /// The items between separators; one when there is no separator.
    package let items: [[Segment]]
    package let separator: Separator?
    /// The message may have items after the last one.
    package let moreItems: Bool
    /// The first item that a message may leave out, with all after it; the number of items when it may leave out none.
    package let optionalFrom: Int

    /// The most items, and the most segments of one item.
    package static let limit = 256
    /// The most bytes of a value with a width.
    package static let widest = 4096

    package var holes: [String] {
        items.flatMap { $0 }.compactMap { if case .hole(let name, _) = $0, name != "_" { name } else { nil } }
    }

    /// A template that cannot be read, with what is wrong.
    package struct Fault: Error {
        let message: String
    }

    package init(items: [[Segment]], separator: Separator?, moreItems: Bool, optionalFrom: Int? = nil) {
        self.optionalFrom = optionalFrom ?? items.count
        self.items = items
        self.separator = separator
        self.moreItems = moreItems
    }

    /// Reads `INF^{serial}^{_:2}^ml/h^...`.
    package init(_ text: String, separator: Separator?) throws(Fault) {
        if text.hasRawByte {
            throw Fault(
                message:
                    "the text has a character of two bytes where one byte may be meant; test such a byte with “when”")
        }
        var parts: [[UInt8]] = [[]]
        let bytes = Array(text.utf8)
        var depth = 0
        var place = 0
        while place < bytes.count {
            let byte = bytes[place]
            if byte == UInt8(ascii: "{") { depth += 1 }
            if byte == UInt8(ascii: "}") { depth -= 1 }
            let length = depth == 0 ? separator?.length(bytes, at: place, before: bytes.count) ?? 0 : 0
            guard length > 0 else {
                parts[parts.count - 1].append(byte)
                place += 1
                continue
            }
            place += length
            if separator == .blanks, parts.last?.isEmpty == true || place == bytes.count { continue }
            parts.append([])
        }
        moreItems = separator != nil && parts.last == Array("...".utf8)
        if moreItems { parts.removeLast() }
        guard parts.count <= Self.limit else { throw Fault(message: "a message has at most \(Self.limit) items") }
        var items: [[Segment]] = []
        var optionalFrom = parts.count
        for (place, part) in parts.enumerated() {
            let isOptional =
                separator != nil && part.first == UInt8(ascii: "{")
                && part.suffix(2) == [UInt8(ascii: "?"), UInt8(ascii: "}")]
            if isOptional { optionalFrom = min(optionalFrom, place) }
            if !isOptional, optionalFrom < place {
                throw Fault(
                    message:
                        "an item that is always there stands after one that may be left out: items are left out from "
                        + "the end"
                )
            }
            items.append(try Self.segments(isOptional ? part.dropLast(2) + [UInt8(ascii: "}")] : part))
        }
        self.optionalFrom = optionalFrom
        self.items = items
        self.separator = separator
    }

    /// Literal text and the insides of braces, in turn.
    enum Token {
        case literal([UInt8])
        case hole(String)
    }

    static func tokens(_ bytes: [UInt8]) throws(Fault) -> [Token] {
        var tokens: [Token] = []
        var literal: [UInt8] = []
        var place = 0
        while place < bytes.count {
            let byte = bytes[place]
            let next = place + 1 < bytes.count ? bytes[place + 1] : 0
            let isOpen = byte == UInt8(ascii: "{")
            if isOpen || byte == UInt8(ascii: "}"), next == byte {
                literal.append(byte)
                place += 2
            } else if isOpen {
                guard let close = bytes[place...].firstIndex(of: UInt8(ascii: "}")) else {
                    throw Fault(message: "a “{” without its “}”")
                }
                if !literal.isEmpty { tokens.append(.literal(literal)) }
                literal = []
                tokens.append(.hole(String(decoding: bytes[(place + 1)..<close], as: UTF8.self)))
                place = close + 1
            } else {
                if byte == UInt8(ascii: "}") {
                    throw Fault(message: "a “}” without its “{”; a brace itself is written “}}”")
                }
                literal.append(byte)
                place += 1
            }
        }
        if !literal.isEmpty { tokens.append(.literal(literal)) }
        return tokens
    }

    private static func segments(_ bytes: [UInt8]) throws(Fault) -> [Segment] {
        var segments: [Segment] = []
        for token in try tokens(bytes) {
            switch token {
            case .literal(let text): segments.append(.literal(text))
            case .hole(let text): segments.append(try hole(text))
            }
        }
        if segments.isEmpty { segments.append(.literal([])) }
        try check(segments)
        return segments
    }

    private static func hole(_ text: String) throws(Fault) -> Segment {
        let parts = text.split(separator: ":", omittingEmptySubsequences: false).map(String.init)
        if text.hasSuffix("?") {
            throw Fault(message: "“{\(text)}”: only a value that is a whole item of a split message may be left out")
        }
        guard let name = parts.first, !name.isEmpty, parts.count <= 2 else {
            throw Fault(message: "“{\(text)}” is no value; write {name} or {name:4}")
        }
        guard parts.count == 2 else { return .hole(name, width: nil) }
        guard let width = Int(parts[1]), (1...widest).contains(width) else {
            throw Fault(message: "“{\(text)}”: expected a width of 1 to \(widest) after the colon")
        }
        return .hole(name, width: width)
    }

    /// Between two values of open width something must stand by which they are told apart.
    private static func check(_ segments: [Segment]) throws(Fault) {
        guard segments.count <= limit else { throw Fault(message: "an item has at most \(limit) parts") }
        var isOpen = false
        for segment in segments {
            switch segment {
            case .literal: isOpen = false
            case .hole(let name, nil):
                if isOpen {
                    throw Fault(
                        message: "nobody can tell where the value before {\(name)} ends: give one of them a width")
                }
                isOpen = true
            case .hole: continue
            }
        }
    }
}
