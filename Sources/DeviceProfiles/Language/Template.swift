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

    /// The most items, and the most segments of one item.
    package static let limit = 64

    package var holes: [String] {
        items.flatMap { $0 }.compactMap { if case .hole(let name, _) = $0, name != "_" { name } else { nil } }
    }

    /// A template that cannot be read, with what is wrong.
    package struct Fault: Error {
        let message: String
    }

    package init(items: [[Segment]], separator: Separator?, moreItems: Bool) {
        self.items = items
        self.separator = separator
        self.moreItems = moreItems
    }

    /// Reads `INF^{serial}^{_:2}^ml/h^...`.
    package init(_ text: String, separator: Separator?) throws(Fault) {
        if text.hasRawByte { throw Fault(message: "the text has a character of two bytes where one byte may be meant; test such a byte with “when”") }
        var parts: [[UInt8]] = [[]]
        let bytes = Array(text.utf8)
        var depth = 0
        for (place, byte) in bytes.enumerated() {
            if byte == UInt8(ascii: "{") { depth += 1 }
            if byte == UInt8(ascii: "}") { depth -= 1 }
            if depth == 0, let separator, separator.matches(byte) {
                if separator == .blanks, parts.last?.isEmpty == true { continue }
                parts.append([])
                if separator == .blanks, place == bytes.count - 1 { parts.removeLast() }
            } else {
                parts[parts.count - 1].append(byte)
            }
        }
        moreItems = separator != nil && parts.last == Array("...".utf8)
        if moreItems { parts.removeLast() }
        guard parts.count <= Self.limit else { throw Fault(message: "a message has at most \(Self.limit) items") }
        var items: [[Segment]] = []
        for part in parts { items.append(try Self.segments(part)) }
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
                guard let close = bytes[place...].firstIndex(of: UInt8(ascii: "}")) else { throw Fault(message: "a “{” without its “}”") }
                if !literal.isEmpty { tokens.append(.literal(literal)) }
                literal = []
                tokens.append(.hole(String(decoding: bytes[(place + 1)..<close], as: UTF8.self)))
                place = close + 1
            } else {
                if byte == UInt8(ascii: "}") { throw Fault(message: "a “}” without its “{”; a brace itself is written “}}”") }
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
        guard let name = parts.first, !name.isEmpty, parts.count <= 2 else { throw Fault(message: "“{\(text)}” is no value; write {name} or {name:4}") }
        guard parts.count == 2 else { return .hole(name, width: nil) }
        guard let width = Int(parts[1]), (1...256).contains(width) else {
            throw Fault(message: "“{\(text)}”: expected a width of 1 to 256 after the colon")
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
                if isOpen { throw Fault(message: "nobody can tell where the value before {\(name)} ends: give one of them a width") }
                isOpen = true
            case .hole: continue
            }
        }
    }
}

/// What is sent: literal bytes with holes for values of the session, arguments, and sums of them.
package struct SendTemplate: Sendable, Hashable {
    package enum Part: Sendable, Hashable {
        case literal([UInt8])
        /// The last text of a field in this session, an argument of a command, or the slot.
        case value(String)
        /// The checksum of such a text.
        case checksum(ChecksumAlgorithm, of: String, ChecksumEncoding)
    }

    package let parts: [Part]

    package init(literal: [UInt8]) { parts = [.literal(literal)] }

    /// Reads `REMOTE_CTRL^ENABLED^{crc16-ccitt-false(serial):hex}`.
    package init(_ text: String) throws(Template.Fault) {
        var parts: [Part] = []
        for token in try Template.tokens(Array(text.utf8)) {
            switch token {
            case .literal(let bytes): parts.append(.literal(bytes))
            case .hole(let inside): parts.append(try Self.part(inside))
            }
        }
        self.parts = parts
    }

    private static func part(_ text: String) throws(Template.Fault) -> Part {
        if text.wholeMatch(of: /[A-Za-z][A-Za-z0-9-]*/) != nil { return .value(text) }
        guard let call = text.wholeMatch(of: /([a-z0-9-]+)\(([A-Za-z][A-Za-z0-9-]*)\)(?::([a-z-]+))?/) else {
            throw Template.Fault(message: "“{\(text)}” is neither a {name} nor a {function(name):encoding}")
        }
        guard let algorithm = ChecksumAlgorithm(rawValue: String(call.1)) else {
            let names = ChecksumAlgorithm.allCases.map(\.rawValue).joined(separator: ", ")
            throw Template.Fault(message: "“\(call.1)” is not a function; there are \(names)")
        }
        guard let encoding = ChecksumEncoding(rawValue: call.3.map(String.init) ?? "hex"), encoding != .decimal else {
            throw Template.Fault(message: "“\(call.3 ?? "")” is not an encoding here; there are raw, raw-low-first, hex, hex-lower")
        }
        return .checksum(algorithm, of: String(call.2), encoding)
    }

    /// The names whose values are needed.
    package var names: [String] {
        parts.compactMap { part in
            switch part {
            case .literal: nil
            case .value(let name), .checksum(_, let name, _): name
            }
        }
    }

    /// The bytes, with each value by its name; `nil` when one is not known.
    package func bytes(_ value: (String) -> [UInt8]?) -> [UInt8]? {
        var bytes: [UInt8] = []
        for part in parts {
            switch part {
            case .literal(let literal): bytes += literal
            case .value(let name):
                guard let known = value(name) else { return nil }
                bytes += known
            case .checksum(let algorithm, let name, let encoding):
                guard let known = value(name) else { return nil }
                let sum = algorithm.compute(known)
                let length = encoding.length(bits: algorithm.bits, digits: 0)
                bytes += (0..<length).map { encoding.byte($0, of: sum, length: length) }
            }
        }
        return bytes
    }

    /// The same with one name already filled in.
    package func filling(_ name: String, with text: [UInt8]) -> SendTemplate {
        SendTemplate(parts: parts.map { $0 == .value(name) ? .literal(text) : $0 })
    }

    private init(parts: [Part]) { self.parts = parts }
}
