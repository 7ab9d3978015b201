/// A JSON document whose members keep their order and whose numbers keep their digits.
///
/// Foundation's encoder takes every number through a binary double and gives members in any order; the records service
/// and the people who read JSON lines are owed neither.
package indirect enum JSON: Sendable, Hashable {
    case null
    case bool(Bool)
    /// The exact text of a JSON number.
    case number(String)
    case string(String)
    case array([JSON])
    case object([Member])
    /// The text of a whole JSON document, as it was written before.
    case document(String)

    package struct Member: Sendable, Hashable {
        package let name: String
        package let value: JSON

        package init(name: String, value: JSON) {
            self.name = name
            self.value = value
        }
    }

    package static func integer(_ value: some BinaryInteger) -> JSON { .number(String(value)) }

    /// An object without the members that are `nil`.
    package static func members(_ members: KeyValuePairs<String, JSON?>) -> JSON {
        .object(members.compactMap { name, value in value.map { Member(name: name, value: $0) } })
    }

    /// The member of an object with this name; `nil` when there is none.
    package subscript(name: String) -> JSON? {
        guard case .object(let members) = self else { return nil }
        return members.first { $0.name == name }?.value
    }

    /// This object with further members at its end.
    package func adding(_ more: KeyValuePairs<String, JSON?>) -> JSON {
        guard case .object(let members) = self, case .object(let added) = JSON.members(more) else { return self }
        return .object(members + added)
    }

    /// The document on one line.
    package var text: String {
        var bytes: [UInt8] = []
        write(to: &bytes)
        return String(decoding: bytes, as: UTF8.self)
    }

    /// The document over many lines, for people and for files that are compared.
    package var indentedText: String { indented(by: "") + "\n" }

    private func indented(by margin: String) -> String {
        let inner = margin + "  "
        switch self {
        case .array(let values) where !values.isEmpty:
            // What is short stays on one line.
            let line = text
            if line.utf8.count < 100 { return line }
            return "[\n" + values.map { inner + $0.indented(by: inner) }.joined(separator: ",\n") + "\n\(margin)]"
        case .object(let members) where !members.isEmpty:
            let line = text
            if line.utf8.count < 100 { return line }
            return "{\n"
                + members.map { "\(inner)\(JSON.string($0.name).text): \($0.value.indented(by: inner))" }.joined(
                    separator: ",\n") + "\n\(margin)}"
        default: return text
        }
    }

    /// The document on one line, as UTF-8.
    package func write(to bytes: inout [UInt8]) {
        switch self {
        case .null: bytes += "null".utf8
        case .bool(let value): bytes += (value ? "true" : "false").utf8
        case .number(let text), .document(let text): bytes += text.utf8
        case .string(let value): JSON.write(string: value, to: &bytes)
        case .array(let values):
            bytes.append(UInt8(ascii: "["))
            for (position, value) in values.enumerated() {
                if position > 0 { bytes.append(UInt8(ascii: ",")) }
                value.write(to: &bytes)
            }
            bytes.append(UInt8(ascii: "]"))
        case .object(let members):
            bytes.append(UInt8(ascii: "{"))
            for (position, member) in members.enumerated() {
                if position > 0 { bytes.append(UInt8(ascii: ",")) }
                JSON.write(string: member.name, to: &bytes)
                bytes.append(UInt8(ascii: ":"))
                member.value.write(to: &bytes)
            }
            bytes.append(UInt8(ascii: "}"))
        }
    }

    private static let hexDigits = Array("0123456789abcdef".utf8)

    private static func write(string: String, to bytes: inout [UInt8]) {
        bytes.append(UInt8(ascii: "\""))
        for byte in string.utf8 {
            switch byte {
            case UInt8(ascii: "\""): bytes += "\\\"".utf8
            case UInt8(ascii: "\\"): bytes += "\\\\".utf8
            case 0x0A: bytes += "\\n".utf8
            case 0x0D: bytes += "\\r".utf8
            case 0x09: bytes += "\\t".utf8
            case 0..<0x20: bytes += [0x5C, 0x75, 0x30, 0x30, hexDigits[Int(byte >> 4)], hexDigits[Int(byte & 15)]]
            default: bytes.append(byte)
            }
        }
        bytes.append(UInt8(ascii: "\""))
    }
}
