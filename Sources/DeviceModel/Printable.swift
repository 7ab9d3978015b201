/// What goes to a terminal, a log or a file for people. Devices, files and services write texts; none of them may move
/// a cursor, turn a line's direction or begin a line of its own.
package enum Printable {
    /// The text with control characters, marks of direction and other characters without a shape as `\uXXXX`, which is
    /// what they are in JSON too.
    ///
    /// - Parameter keepingLines: whether line feeds and tabs stay.
    package static func text(_ text: String, keepingLines: Bool = true) -> String {
        if text.utf8.allSatisfy({ $0 >= 0x20 && $0 < 0x7F || keepingLines && ($0 == 0x0A || $0 == 0x09) }) {
            return text
        }
        var clean = ""
        clean.reserveCapacity(text.utf8.count)
        for scalar in text.unicodeScalars {
            if isShown(scalar) || keepingLines && (scalar == "\n" || scalar == "\t") {
                clean.unicodeScalars.append(scalar)
            } else {
                for unit in String(scalar).utf16 {
                    let digits = String(unit, radix: 16)
                    clean += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
                }
            }
        }
        return clean
    }

    /// The text without a key or a certificate that stands in it: whoever puts one in the wrong place is told what
    /// is wrong there, and nobody what it says. From its first mark to its last, or to the end.
    package static func withoutKeys(_ text: String) -> String {
        // Each finding comes by here, and few texts have so many hyphens in a row.
        guard hasHyphens(text, count: pemHyphens), let first = text.firstRange(of: pemMark) else { return text }
        let rest = text[first.upperBound...]
        var end = text.endIndex
        if let last = rest.ranges(of: "-----END").last {
            end = rest[last.upperBound...].firstRange(of: "-----")?.upperBound ?? text.endIndex
        }
        return text[..<first.lowerBound] + "(a key or certificate)" + text[end...]
    }

    private static let pemMark = "-----BEGIN"
    private static let pemHyphens = 5

    /// Whether so many hyphens stand in a row.
    private static func hasHyphens(_ text: String, count: Int) -> Bool {
        var row = 0
        for byte in text.utf8 {
            row = byte == 0x2D ? row + 1 : 0
            if row == count { return true }
        }
        return false
    }

    private static func isShown(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar.properties.generalCategory {
        case .control, .lineSeparator, .paragraphSeparator, .surrogate, .privateUse, .unassigned: false
        // Joiners have a part in how Arabic and Persian are written.
        case .format: scalar == "\u{200C}" || scalar == "\u{200D}"
        default: true
        }
    }

    /// A cell of a table in CSV. What a spreadsheet would take for a formula has an apostrophe before it.
    ///
    /// - Parameter isQuoted: whether it stands in quotes even where it need not.
    package static func cell(_ text: String, isQuoted: Bool = false) -> String {
        let shown = Printable.text(text, keepingLines: false)
        let isFormula = shown.first.map { "=+-@".contains($0) } ?? false
        let safe = isFormula ? "'\(shown)" : shown
        guard isQuoted || safe.contains(where: { ",\"' ".contains($0) }) else { return safe }
        return "\"\(safe.replacing("\"", with: "\"\""))\""
    }
}
