/// A JSON text taken apart into pieces that stand byte for byte as they did: what is left out of it is left out, and
/// what is kept is kept as it was written. For texts that this program wrote; of any other, what does not fit is `nil`.
enum JSONPieces {
    typealias Piece = ArraySlice<UInt8>

    /// Deeper than anything that is told to a screen.
    private static let mostLevels = 32

    /// The members of an object; `nil` where it is none.
    static func members(_ text: Piece) -> [(name: String, value: Piece)]? {
        var place = text.startIndex
        var members: [(name: String, value: Piece)] = []
        guard let list = list(text, from: UInt8(ascii: "{"), to: UInt8(ascii: "}")) else { return nil }
        place = list.startIndex
        while place < list.endIndex {
            guard let name = value(list, &place), let key = self.text(name), place < list.endIndex,
                list[place] == UInt8(ascii: ":")
            else { return nil }
            place += 1
            guard let value = value(list, &place), next(list, &place) else { return nil }
            members.append((key, value))
        }
        return members
    }

    /// The elements of an array; `nil` where it is none.
    static func elements(_ text: Piece) -> [Piece]? {
        guard let list = list(text, from: UInt8(ascii: "["), to: UInt8(ascii: "]")) else { return nil }
        var place = list.startIndex
        var elements: [Piece] = []
        while place < list.endIndex {
            guard let value = value(list, &place), next(list, &place) else { return nil }
            elements.append(value)
        }
        return elements
    }

    /// A member of an object, by its name.
    static func member(_ name: String, of text: Piece) -> Piece? { members(text)?.first { $0.name == name }?.value }

    /// A string without escapes, such as every name of a bed, a device or a member is.
    static func text(_ piece: Piece) -> String? {
        guard piece.count >= 2, piece.first == UInt8(ascii: "\""), piece.last == UInt8(ascii: "\""),
            !piece.contains(UInt8(ascii: "\\"))
        else { return nil }
        return String(decoding: piece.dropFirst().dropLast(), as: UTF8.self)
    }

    static func integer(_ piece: Piece) -> Int64? { Int64(String(decoding: piece, as: UTF8.self)) }

    /// A finite number.
    static func number(_ piece: Piece) -> Double? {
        Double(String(decoding: piece, as: UTF8.self)).flatMap { $0.isFinite ? $0 : nil }
    }

    static func isNull(_ piece: Piece) -> Bool { piece.elementsEqual("null".utf8) }

    // MARK: Putting together

    static func object(_ members: [(name: String, value: Piece)]) -> [UInt8] {
        joined(members.map { Array("\"\($0.name)\":".utf8) + $0.value }, "{", "}")
    }

    static func array(_ elements: [Piece]) -> [UInt8] { joined(elements.map(Array.init), "[", "]") }

    private static func joined(_ parts: [[UInt8]], _ first: Unicode.Scalar, _ last: Unicode.Scalar) -> [UInt8] {
        [UInt8(ascii: first)] + Array(parts.joined(separator: [UInt8(ascii: ",")])) + [UInt8(ascii: last)]
    }

    // MARK: Taking apart

    private static func list(_ text: Piece, from first: UInt8, to last: UInt8) -> Piece? {
        text.count >= 2 && text.first == first && text.last == last ? text.dropFirst().dropLast() : nil
    }

    /// Goes on to the next one; `false` where something else stands there.
    private static func next(_ text: Piece, _ place: inout Int) -> Bool {
        guard place < text.endIndex else { return true }
        guard text[place] == UInt8(ascii: ","), place + 1 < text.endIndex else { return false }
        place += 1
        return true
    }

    /// The value that begins here, up to its end.
    private static func value(_ text: Piece, _ place: inout Int) -> Piece? {
        let start = place
        var levels = 0
        while place < text.endIndex {
            switch text[place] {
            case UInt8(ascii: "\""): guard skipString(text, &place) else { return nil }
            case UInt8(ascii: "{"), UInt8(ascii: "["):
                levels += 1
                guard levels <= mostLevels else { return nil }
                place += 1
            case UInt8(ascii: "}"), UInt8(ascii: "]"):
                levels -= 1
                guard levels >= 0 else { return nil }
                place += 1
            case UInt8(ascii: ",") where levels == 0, UInt8(ascii: ":") where levels == 0:
                return start < place ? text[start..<place] : nil
            default: place += 1
            }
        }
        return levels == 0 && start < place ? text[start..<place] : nil
    }

    private static func skipString(_ text: Piece, _ place: inout Int) -> Bool {
        place += 1
        while place < text.endIndex {
            switch text[place] {
            case UInt8(ascii: "\\"): place += 2
            case UInt8(ascii: "\""):
                place += 1
                return true
            default: place += 1
            }
        }
        return false
    }
}
