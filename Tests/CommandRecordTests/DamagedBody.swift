import DeviceModel
import TestSupport

/// What may become of the members of an event of commands.
enum Damage: CaseIterable {
    case bytes
    case cut
    case spaced
    case trailed
    // By the members' tree.
    case removed
    case doubled
    case swapped
    case added
    case retyped
    case nested

    /// Whether no text of it is in the form, whatever it says.
    var isAlwaysOutOfForm: Bool {
        switch self {
        case .bytes, .removed: false
        case .cut, .spaced, .trailed, .doubled, .swapped, .added, .retyped, .nested: true
        }
    }

    /// The damaged text; `nil` where there is nothing to damage so.
    func text(_ members: JSON, _ random: inout RandomCommands) -> String? {
        var bytes = Array(members.text.utf8)
        switch self {
        case .bytes:
            for _ in 0...random.below(2) { bytes[random.below(bytes.count)] ^= UInt8(1 << random.below(8)) }
        case .cut: bytes.removeLast(1 + random.below(bytes.count))
        case .spaced: bytes.insert(0x20, at: place(outsideTextsOf: bytes, &random))
        case .trailed: bytes.append([0x20, 0x0A, 0x7D, 0x2C][random.below(4)])
        case .removed, .doubled, .swapped, .added, .retyped, .nested:
            let places = Self.places(in: members, self)
            if places == 0 { return nil }
            var left = random.below(places)
            return damaged(members, &left, &random)?.text
        }
        return String(decoding: bytes, as: UTF8.self)
    }

    /// Before a member, a value or a mark; never within a text.
    private func place(outsideTextsOf bytes: [UInt8], _ random: inout RandomCommands) -> Int {
        var (places, isInText, isEscaped) = ([0], false, false)
        for (place, byte) in bytes.enumerated() {
            if !isInText { places.append(place) }
            if byte == UInt8(ascii: "\""), !isEscaped { isInText.toggle() }
            isEscaped = byte == UInt8(ascii: "\\") && !isEscaped
        }
        return places[random.below(places.count)]
    }

    private static func places(in json: JSON, _ damage: Damage) -> Int {
        let below =
            switch json {
            case .object(let members): members.reduce(0) { $0 + places(in: $1.value, damage) }
            case .array(let values): values.reduce(0) { $0 + places(in: $1, damage) }
            default: 0
            }
        return below + (damage.fits(json) ? 1 : 0)
    }

    private func fits(_ json: JSON) -> Bool {
        switch (self, json) {
        case (.retyped, _), (.nested, _), (.added, .object): true
        case (.removed, .object(let members)), (.doubled, .object(let members)): !members.isEmpty
        case (.swapped, .object(let members)): members.count > 1
        default: false
        }
    }

    /// The tree with the fault at the place of this number; `nil` past the last.
    private func damaged(_ json: JSON, _ left: inout Int, _ random: inout RandomCommands) -> JSON? {
        if fits(json) {
            if left == 0 { return hurt(json, &random) }
            left -= 1
        }
        switch json {
        case .object(var members):
            for (place, member) in members.enumerated() {
                if let value = damaged(member.value, &left, &random) {
                    members[place] = JSON.Member(name: member.name, value: value)
                    return .object(members)
                }
            }
        case .array(var values):
            for (place, value) in values.enumerated() {
                if let value = damaged(value, &left, &random) {
                    values[place] = value
                    return .array(values)
                }
            }
        default: break
        }
        return nil
    }

    private func hurt(_ json: JSON, _ random: inout RandomCommands) -> JSON {
        switch (self, json) {
        case (.removed, .object(var members)):
            members.remove(at: random.below(members.count))
            return .object(members)
        case (.doubled, .object(var members)):
            let place = random.below(members.count)
            members.insert(members[place], at: random.below(2) + place)
            return .object(members)
        case (.swapped, .object(var members)):
            let place = random.below(members.count - 1)
            members.swapAt(place, place + 1)
            return .object(members)
        case (.added, .object(var members)):
            members.insert(JSON.Member(name: "more", value: .bool(true)), at: random.below(members.count + 1))
            return .object(members)
        case (.nested, _):
            // Far deeper than anything that is written; no stack may depend on it.
            let marks = random.chance(2) ? ("[", "]") : ("{\"a\":", "}")
            let depth = 1 + random.below(2) * 20_000
            return .document(
                String(repeating: marks.0, count: depth) + json.text + String(repeating: marks.1, count: depth))
        default: return Self.otherType(than: json, &random)
        }
    }

    private static func otherType(than json: JSON, _ random: inout RandomCommands) -> JSON {
        let others: [JSON] =
            switch json {
            case .number(let text):
                [
                    .string(text), .null, .bool(true), .array([json]), .number("\(text).0"), .number("\(text)e0"),
                    .number("+\(text)"), .number("00\(text)"), .number("9223372036854775808"), .number("-0"),
                ]
            case .string: [.null, .number("1"), .bool(false), .array([json]), .object([])]
            case .bool: [.null, .number("1"), .string("true"), .document("True")]
            case .array: [.null, .object([]), .string("[]"), .array([.null])]
            default: [.null, .array([json]), .string("{}"), .number("0")]
            }
        return others[random.below(others.count)]
    }
}
