package import DeviceModel
import StrictYAML

/// The grammar as a JSON Schema, for editors, and as a page for people.
extension Grammar {
    /// The JSON Schema (draft 2020-12) of profile files (`profile`) or vector files (`vectors`).
    ///
    /// It knows the keys and their shapes; what needs more than one place to judge is the linter's.
    package static func schema(of part: Part) -> JSON {
        let whole = wholeParts(of: part)
        let definitions = parts(in: part).filter { $0.name != part.name }.map { inner in
            JSON.Member(name: definition(inner), value: object(inner, isWhole: whole.contains(inner.name)))
        }
        return JSON.members([
            "$schema": .string("https://json-schema.org/draft/2020-12/schema"), "title": .string("Nabd \(part.name)"),
            "description": .string(part.meaning),
        ]).adding([
            "type": object(part, isWhole: part.name != profile.name)["type"],
            "properties": object(part, isWhole: part.name != profile.name)["properties"],
            "required": object(part, isWhole: part.name != profile.name)["required"],
            "additionalProperties": .bool(false),
        ])
        .adding(["$defs": .object(definitions)])
    }

    /// All parts that a part is made of, itself first, each once.
    static func parts(in part: Part) -> [Part] {
        var found = [part]
        func visit(_ shape: Shape) {
            switch shape {
            case .part(let inner):
                guard !found.contains(where: { $0.name == inner.name && $0.keyNames == inner.keyNames }) else { return }
                found.append(inner)
                for key in inner.keys { visit(key.shape) }
            case .list(let inner), .oneOrMore(let inner), .named(let inner): visit(inner)
            case .either(let shapes): for shape in shapes { visit(shape) }
            default: break
            }
        }
        for key in part.keys { visit(key.shape) }
        return found
    }

    private static func definition(_ part: Part) -> String { String(part.name.map { $0 == " " ? "-" : $0 }) }

    /// The parts that stand in lists only. A list replaces the one of the profile that is extended, so its elements are
    /// whole; a mapping may say only what differs, and then nothing in it is required.
    private static func wholeParts(of part: Part) -> Set<String> {
        guard part.name == profile.name else { return Set(parts(in: part).map(\.name)) }
        var inLists: Set<String> = []
        var inMappings: Set<String> = []
        func visit(_ shape: Shape, isInList: Bool) {
            switch shape {
            case .part(let inner):
                if isInList { inLists.insert(inner.name) } else { inMappings.insert(inner.name) }
                for key in inner.keys { visit(key.shape, isInList: isInList) }
            case .list(let inner): visit(inner, isInList: true)
            case .oneOrMore(let inner): visit(inner, isInList: isInList)
            case .named(let inner): visit(inner, isInList: isInList)
            case .either(let shapes): for shape in shapes { visit(shape, isInList: isInList) }
            default: break
            }
        }
        for key in part.keys { visit(key.shape, isInList: false) }
        return inLists.subtracting(inMappings)
    }

    private static func object(_ part: Part, isWhole: Bool) -> JSON {
        let required = part.keys.filter { $0.isRequired && isWhole || $0.name == "nabd" }
        return JSON.members([
            "type": .string("object"), "description": .string(part.meaning),
            "properties": .object(
                part.keys.map { key in
                    let plain = schema(key.shape)
                    let value =
                        isWhole || key.name == "nabd"
                        ? plain : JSON.members(["anyOf": .array([plain, .members(["type": .string("null")])])])
                    return JSON.Member(name: key.name, value: value.adding(["description": .string(key.meaning)]))
                }),
            "required": required.isEmpty ? nil : .array(required.map { .string($0.name) }),
            "additionalProperties": .bool(false),
        ])
    }

    private static func schema(_ shape: Shape) -> JSON {
        switch shape {
        // YAML reads 8003 and true as what they look like; for us they are text.
        case .text: return .members(["type": .array([.string("string"), .string("number"), .string("boolean")])])
        case .number: return .members(["type": .string("number")])
        case .whole(let range):
            let plain = JSON.members([
                "type": .string("integer"), "minimum": .integer(range.lowerBound),
                "maximum": .integer(range.upperBound),
            ])
            return .members([
                "anyOf": .array([
                    plain, .members(["type": .string("string"), "pattern": .string("^0[xX][0-9A-Fa-f]+$")]),
                ])
            ])
        case .duration: return .members(["type": .string("string"), "pattern": .string("^[0-9.]+(ns|us|ms|s|min|h)$")])
        case .bytes:
            let one = JSON.members(["type": .array([.string("integer"), .string("string")])])
            return .members(["anyOf": .array([one, .members(["type": .string("array"), "items": one])])])
        case .span: return .members(["type": .array([.string("integer"), .string("string")])])
        case .truth: return .members(["type": .string("boolean")])
        case .word(let words): return .members(["enum": .array(words.map { .string($0) })])
        case .part(let part): return .members(["$ref": .string("#/$defs/\(definition(part))")])
        case .list(let inner): return .members(["type": .string("array"), "items": schema(inner)])
        case .oneOrMore(let inner):
            return .members([
                "anyOf": .array([schema(inner), .members(["type": .string("array"), "items": schema(inner)])])
            ])
        case .named(let inner):
            // A variant takes what it does not have away.
            let value = JSON.members(["anyOf": .array([schema(inner), .members(["type": .string("null")])])])
            return .members(["type": .string("object"), "additionalProperties": value])
        case .either(let shapes): return .members(["anyOf": .array(shapes.map(schema))])
        case .none: return .members(["type": .string("null")])
        }
    }

    // MARK: The page

    /// The reference page, in Markdown.
    package static var reference: String {
        var text = """
            # Reference of the profile language

            Made by `nabd profile reference` from the definitions that the reader itself uses; do not edit. How to \
            write a profile, with examples:
            [profile-authoring.md](profile-authoring.md).

            * **Bytes** are a number (`0x1B`), text (`"!"`), or a list of these. **Times** carry their unit: `500ms`, \
            `1s`, `5min`. **Spans** are `3` or `0..6`.
            * **Names** of metrics, events, units and kinds stand in `device-profiles/nomenclature`, or under `names`.
            * A key in **bold** must be there.
            * A profile has at most, with what it inherits: \(limits).

            """
        for part in parts(in: profile) + parts(in: vectorFile) {
            text += "\n## \(part.name)\n\n\(part.meaning)\n\n| key | value | what it says |\n|---|---|---|\n"
            for key in part.keys {
                let name = key.isRequired ? "**`\(key.name)`**" : "`\(key.name)`"
                text += "| \(name) | \(words(key.shape)) | \(key.meaning.replacing("|", with: "\\|")) |\n"
            }
        }
        return text
    }

    private static var limits: String {
        Bounds.entries.map { "\($0.value) `\($0.key)`" }.joined(separator: ", ")
    }

    private static func words(_ shape: Shape) -> String {
        switch shape {
        case .text: "text"
        case .number: "number"
        case .whole(let range): "whole number, \(range.lowerBound) to \(range.upperBound)"
        case .duration(let range):
            "time, \(YAMLValue.describe(range.lowerBound)) to \(YAMLValue.describe(range.upperBound))"
        case .bytes: "bytes"
        case .span(let range): "span within \(range.lowerBound) to \(range.upperBound)"
        case .truth: "true or false"
        case .word(let words):
            words.count > 12
                ? words.map { "`\($0)`" }.joined(separator: " ") : words.map { "`\($0)`" }.joined(separator: ", ")
        case .part(let part): "[\(part.name)](#\(definition(part)))"
        case .list(let inner): "list of \(words(inner))"
        case .oneOrMore(let inner): "\(words(inner)), or a list"
        case .named(let inner): "by name: \(words(inner))"
        case .either(let shapes): shapes.map(words).joined(separator: " or ")
        case .none: "nothing"
        }
    }
}
