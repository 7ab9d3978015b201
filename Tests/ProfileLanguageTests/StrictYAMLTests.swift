import Foundation
import TestSupport
import Testing

@testable import ProfileLanguage
@testable import StrictYAML

/// What every file of the house is read by.
@Suite struct StrictYAMLTests {
    /// A text is a text, however it is written and whatever the library takes it for.
    @Test(
        arguments: [
            ("1: a\n\"1\": b\n", "2:1", "1"), ("on: a\n'on': b\n", "2:1", "on"), ("a: {~: 1, '~': 2}\n", "1:11", "~"),
            ("a: 1\n!!str a: 2\n", "1:1", "a"), ("a: 1\n!own a: 2\n", "2:1", "a"), ("a: 1\nb: 2\na: 3\n", "3:1", "a"),
        ])
    func aKeyStandsOnceHoweverItIsWritten(text: String, place: String, key: String) throws {
        let fault = #expect(throws: InvalidFile.self) { try YAMLFile(path: "f.yaml", text: text) }
        let said = try #require(fault).description
        #expect(said.hasPrefix("f.yaml:\(place): error: the key “\(key)” stands twice"), "\(said)")
    }

    @Test func aKeyIsFoundHoweverItIsWritten() throws {
        let root = try YAMLFile(path: "f.yaml", text: "'no': a\n\"1\": b\n~: c\n").root
        #expect(["no", "1", "~"].map { root.member($0)?.word } == ["a", "b", "c"])
    }

    @Test func anAliasIsWhatItStandsFor() throws {
        let root = try YAMLFile(path: "f.yaml", text: "a: &x {b: [1, two]}\nc: *x\n").root
        let other = try #require(root.member("c"))
        #expect(other.canonicalText == root.member("a")?.canonicalText)
        #expect(other.canonicalText == #"{"b": ["1", "two"]}"#)
        #expect(root.member("a")?.entryCount == 1 && root.entryCount == 2)
    }

    /// What is not counted to its end changes no answer: words of the tables' kind, held against all of them.
    @Test func theNearestWordIsThatOfCountingAll() throws {
        var random = SeededGenerator(seed: 20_261_130)
        let letters = Array("aAbB_dé\u{130}")
        func someWord() -> String {
            String((0..<Int.random(in: 0...9, using: &random)).map { _ in letters.randomElement(using: &random)! })
        }
        for _ in 0..<2000 {
            let words = (0..<Int.random(in: 0...8, using: &random)).map { _ in someWord() }
            let word = someWord()
            let nearest = words.map { ($0, Self.edits(word, $0)) }.min { left, right in
                (left.1, abs(left.0.count - word.count), left.0) < (right.1, abs(right.0.count - word.count), right.0)
            }
            let expected = nearest.flatMap { $0.1 <= max(2, $0.0.count / 3) ? "did you mean “\($0.0)”?" : nil }
            #expect(YAMLValue.suggest(word, among: words) == expected, "\(word) among \(words)")
        }
        let long = String(repeating: "MDC_", count: 30)
        #expect(YAMLValue.suggest(long + "X", among: [long]) != nil)
        #expect(YAMLValue.suggest(String(repeating: "x", count: 70), among: [long]) == nil)
    }

    /// The edits from one word to another, counted in full.
    private static func edits(_ left: String, _ right: String) -> Int {
        let (left, right) = (Array(left.lowercased().utf8), Array(right.lowercased().utf8))
        var row = Array(0...right.count)
        for (i, l) in left.enumerated() {
            var diagonal = row[0]
            row[0] = i + 1
            for (j, r) in right.enumerated() {
                (diagonal, row[j + 1]) = (row[j + 1], min(row[j], row[j + 1], diagonal - (l == r ? 1 : 0)) + 1)
            }
        }
        return row[right.count]
    }

    /// A hole is a name, or a function of one with an encoding.
    @Test func holesAreNamesAndFunctionsOfThem() throws {
        var random = SeededGenerator(seed: 7)
        let parts = ["crc8", "xor8", "a", "B9", "-", "(", ")", ":", "hex", "raw", "9", "_", " ", "é", "decimal"]
        for _ in 0..<5000 {
            let inside = (0..<Int.random(in: 1...7, using: &random)).map { _ in parts.randomElement(using: &random)! }
                .joined()
            let call = inside.wholeMatch(of: /([a-z0-9-]+)\(([A-Za-z][A-Za-z0-9-]*)\)(?::([a-z-]+))?/)
            let isCall = call.map { call in
                ChecksumAlgorithm(rawValue: String(call.1)) != nil
                    && ChecksumEncoding(rawValue: String(call.3 ?? "hex")).map { $0 != .decimal } ?? false
            }
            let isKnown = inside.wholeMatch(of: /[A-Za-z][A-Za-z0-9-]*/) != nil || isCall ?? false
            #expect(((try? SendTemplate("{\(inside)}")) != nil) == isKnown, "{\(inside)}")
        }
        let template = try SendTemplate("{crc16-ccitt-false(serial):hex}")
        let algorithm = try #require(ChecksumAlgorithm(rawValue: "crc16-ccitt-false"))
        #expect(template.parts == [.checksum(algorithm, of: "serial", .hex)])
    }
}
