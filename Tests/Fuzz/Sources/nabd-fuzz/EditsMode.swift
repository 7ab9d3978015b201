/// A shipped profile with changed words and lines: many of them load, which bytes at random never do.
///
/// The input is the profile, how many changes, the changes (four bytes each), then a capture; without one, a capture of
/// the profile's vectors.
enum EditsMode {
    private static let editor = Editor(Fleet.ships.map(\.lines))

    static func run(_ input: inout Input) {
        let ship = Fleet.ship(input.byte())
        var lines = ship.lines
        for _ in 0..<(input.byte() % 12) { editor.change(&lines, &input) }
        var capture = input.rest()
        if capture.count < 4, !ship.vectors.isEmpty {
            capture = ship.vectors[Int(capture.first ?? 0) % ship.vectors.count]
        }
        ProfileMode.load(Editor.text(lines), capture: capture)
    }
}

/// Changes words and lines of a file for others of its kind, and for numbers at and beyond bounds.
struct Editor {
    private let words: [[UInt8]]
    private let allLines: [[UInt8]]

    /// - Parameter files: the lines of each that ships.
    init(_ files: [[[UInt8]]]) {
        let numbers = [
            "0", "1", "2", "-1", "7", "8", "15", "16", "31", "32", "63", "64", "0..", "0..0", "1..64", "0..4095", "125",
            "255", "256", "4095", "4096",
            "65535", "65536", "4294967295", "9223372036854775807", "-9223372036854775808", "0x7FFFFFFFFFFFFFFF", "1e18",
            "1e-18", "1/256", "1e36", "0.1",
            "-0.5", "1ns", "1ms", "24h", "86400s", "~", "\"\"", "[]", "{}", "true", "false", "0x00", "0xFF", "\"\\r\"",
            "{_}", "\"{key}={value}\"", "...",
        ]
        let shipped = files.joined().flatMap { line in Self.tokens(line).map { Array(line[$0]) } }
        words = numbers.map { Array($0.utf8) } + Set(shipped).sorted { $0.lexicographicallyPrecedes($1) }
        allLines = files.joined().filter { !$0.isEmpty }
    }

    static func text(_ lines: [[UInt8]]) -> String {
        String(decoding: Array(lines.joined(separator: [0x0A])), as: UTF8.self)
    }

    /// One change. It takes four bytes.
    func change(_ lines: inout [[UInt8]], _ input: inout Input) {
        let kind = input.byte()
        let index = Int(input.byte()) % lines.count
        let choice = input.word()
        let line = lines[index]
        let tokens = Self.tokens(line)
        switch kind & 7 {
        case 0: lines.remove(at: index)
        case 1: lines.insert(line, at: (index + 1 + choice) % (lines.count + 1))
        case 2: lines.insert(allLines[choice % allLines.count], at: index)
        case 3: lines[index] = [UInt8](repeating: 0x20, count: Int(kind >> 3)) + line.drop { $0 == 0x20 }
        default:
            if !tokens.isEmpty {
                lines[index].replaceSubrange(tokens[Int(kind >> 3) % tokens.count], with: words[choice % words.count])
            }
        }
        if lines.isEmpty { lines = [[]] }
    }

    /// Where the words of a line stand.
    private static func tokens(_ line: [UInt8]) -> [Range<Int>] {
        var found: [Range<Int>] = []
        var start: Int?
        for place in 0...line.count {
            let isWord = place < line.count && !" \t{}[],:\"'#".utf8.contains(line[place])
            if isWord, start == nil { start = place }
            if !isWord, let low = start {
                found.append(low..<place)
                start = nil
            }
        }
        return found
    }
}
