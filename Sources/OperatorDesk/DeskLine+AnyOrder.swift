import Foundation

/// A value of JSON as a request may have one.
private enum Tree: Codable {
    case object([String: Tree])
    case list([Tree])
    case text(String)
    case integer(Int64)
    case bool(Bool)

    init(from decoder: any Decoder) throws {
        let value = try decoder.singleValueContainer()
        if let bool = try? value.decode(Bool.self) {
            self = .bool(bool)
        } else if let integer = try? value.decode(Int64.self) {
            self = .integer(integer)
        } else if let text = try? value.decode(String.self) {
            self = .text(text)
        } else if let list = try? value.decode([Tree].self) {
            self = .list(list)
        } else {
            self = .object(try value.decode([String: Tree].self))
        }
    }

    func encode(to encoder: any Encoder) throws {
        var value = encoder.singleValueContainer()
        switch self {
        case .object(let members): try value.encode(members)
        case .list(let elements): try value.encode(elements)
        case .text(let text): try value.encode(text)
        case .integer(let integer): try value.encode(integer)
        case .bool(let bool): try value.encode(bool)
        }
    }

    /// The entries of a command, in the one order that they have in a line.
    mutating func sortEntries() {
        guard case .object(var members) = self, case .list(let entries)? = members["entries"] else { return }
        func name(_ tree: Tree) -> [UInt8] {
            guard case .object(let members) = tree, case .text(let text)? = members["name"] else { return [] }
            return Array(text.utf8)
        }
        members["entries"] = .list(entries.sorted { name($0).lexicographicallyPrecedes(name($1)) })
        self = .object(members)
    }
}

extension DeskLine {
    /// Nothing that is asked has more levels.
    private static let mostLevels = 8

    /// Reads a request whose members stand in any order, as a page's script writes them. But for the order it is as
    /// strict as a line: no member is read twice, left aside or guessed.
    package init(inAnyOrder bytes: [UInt8]) throws(Fault) {
        guard bytes.count < Self.longest else { throw .tooLong }
        // A stop, in whatever form; and what is in the one form already.
        if let line = try? DeskLine(bytes) {
            self = line
            return
        }
        // Before anything follows its levels.
        guard Self.levels(bytes) <= Self.mostLevels, var tree = try? JSONDecoder().decode(Tree.self, from: Data(bytes))
        else { throw .notJSON }
        guard !Self.hasMemberTwice(bytes) else { throw .notTheForm }
        tree.sortEntries()
        guard let data = try? WireForm.encoder.encode(tree) else { throw .notJSON }
        try self.init(Array(data))
    }

    /// The brackets that are open at once, at most.
    private static func levels(_ bytes: [UInt8]) -> Int {
        var (open, most) = (0, 0)
        scan(bytes) { byte, _ in
            switch byte {
            case UInt8(ascii: "{"), UInt8(ascii: "["): open += 1
            case UInt8(ascii: "}"), UInt8(ascii: "]"): open -= 1
            default: break
            }
            most = max(most, open)
        }
        return most
    }

    /// Whether an object of what is JSON has a member twice, or one whose name is written in escapes.
    private static func hasMemberTwice(_ bytes: [UInt8]) -> Bool {
        var names: [Set<[UInt8]>] = []
        var last: [UInt8] = []
        var isTwice = false
        scan(bytes) { byte, text in
            if let text { last = Array(text) }
            switch byte {
            case UInt8(ascii: "{"), UInt8(ascii: "["): names.append([])
            case UInt8(ascii: "}"), UInt8(ascii: "]"): _ = names.popLast()
            case UInt8(ascii: ":"):
                guard var known = names.popLast() else { return }
                if last.contains(UInt8(ascii: "\\")) || !known.insert(last).inserted { isTwice = true }
                names.append(known)
            default: break
            }
        }
        return isTwice
    }

    /// Each byte outside of texts, with the text before it where one ended there.
    private static func scan(_ bytes: [UInt8], _ see: (UInt8, ArraySlice<UInt8>?) -> Void) {
        var text: ArraySlice<UInt8>?
        var place = 0
        while place < bytes.count {
            let byte = bytes[place]
            place += 1
            guard byte == UInt8(ascii: "\"") else {
                if byte != 0x20, byte != 0x09, byte != 0x0A, byte != 0x0D {
                    see(byte, text)
                    text = nil
                }
                continue
            }
            let start = place
            while place < bytes.count, bytes[place] != UInt8(ascii: "\"") {
                place += bytes[place] == UInt8(ascii: "\\") ? 2 : 1
            }
            text = bytes[start..<min(place, bytes.count)]
            place += 1
        }
    }
}
