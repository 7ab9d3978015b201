import DeviceModel
import DevicePlans
import ProfileLanguage
import StrictYAML
import TestSupport
import Testing

@testable import DeviceDrivers

/// Answers whose records come in several messages: all of them, or none.
@Suite struct AnswerPartsTests {
    /// A message is its kind, its number, whether it is the last part, and a list of attributes.
    private static let text = """
        nabd: profile/1
        device: {manufacturer: XY, model: M, kind: sensor}
        provenance: [{document: manual, seen: here}]
        line: {serial: 9600, format: 8N1}
        frames:
          frame: {start: 0xAA, length: {byte: 1, type: uint8, adds: 3}, longest: 200, checksum: {sum8: 1..}}
        fields:
          value: {in: ask, key: 5, byte: 1, type: int16}
          other: {in: ask, key: 6, byte: 1, type: int16}
          alarm: {in: ask, key: 9, byte: 1, type: int16, validity-when: {byte: 1, bit: 7, is: 1, validity: invalid}}
          lamp: {in: ask, attribute: 3, byte: 0, type: uint8}
        requests:
          ask:
            send: "?"
            class: read
            every: 1s
            reply:
              in: frame
              when: {byte: 2, is: 1}
              repeat: {stride: 3, key-at: 0, from: 3, lists: [0], attributes: {7: record}}
              parts: {when: {byte: 2, is: 2}, from: 5, number: 3, last-when: {byte: 4, is: 1}}
        metrics:
          - {metric: MDC_TEMP, from: value, unit: Cel}
          - {metric: MDC_TEMP_SKIN, from: other, unit: Cel}
        alerts:
          - {alert: NABD_MADE_UP, when: {field: alarm, present: true}, priority: low, text: t, text-ar: ت}
          - {alert: NABD_MADE_UP_2, when: {field: lamp, bit: 1}, priority: low, text: t, text-ar: ت}
        """

    private static func load(_ text: String = text) throws -> DeviceProfile {
        try DeviceProfile.load(try YAMLFile(path: "xy/m/profile.yaml", text: text))
    }

    private static func frame(_ payload: [UInt8]) -> [UInt8] {
        let body = [UInt8(payload.count)] + payload
        return [0xAA] + body + [body.reduce(0, &+)]
    }

    private static func list(_ attributes: [[UInt8]]) -> [UInt8] {
        let bytes = Array(attributes.joined())
        return [0, UInt8(attributes.count), 0, UInt8(bytes.count)] + bytes
    }

    private static func record(_ key: UInt8, _ value: UInt8, high: UInt8 = 0) -> [UInt8] {
        [0, 7, 0, 3, key, high, value]
    }

    private static func part(_ number: UInt8, isLast: Bool = false, _ attributes: [UInt8]...) -> [UInt8] {
        frame([2, number, isLast ? 1 : 0] + list(attributes))
    }

    private static func answer(_ attributes: [UInt8]...) -> [UInt8] { frame([1] + list(attributes)) }

    private func read(_ messages: [[UInt8]], awaits: Bool = true) throws -> [String] {
        let plan = try Self.load().compile(handle: "device")
        guard case .serial(let serial) = plan.protocolPlan else { throw InvalidFile(diagnostics: []) }
        var decoder = SerialDecoder(plan, serial)
        var kept = Kept()
        if awaits { decoder.expect(0) }
        for bytes in messages { decoder.feed(bytes, count: bytes.count, time: 1, sink: &kept) }
        return kept.records.map { record in
            switch record.kind {
            case .alertStart: "alarm \(record.index)"
            case .alertEnd: "end \(record.index)"
            default:
                "\(record.index): "
                    + (record.validity.carriesValue
                        ? "\(record.bits)" : "\(record.validity.word) \(record.reason.word)")
            }
        }
    }

    private let first = part(1, record(5, 10))
    private let second = part(2, isLast: true, record(6, 20))
    private let empty = answer()

    @Test func allPartsAreOneAnswer() throws {
        #expect(try read([first, second, empty]) == ["0: 10", "1: 20"])
        #expect(try read([first, Self.part(2, isLast: true), Self.answer(Self.record(6, 30))]) == ["0: 10", "1: 30"])
        // One that is an answer by itself needs none.
        #expect(
            try read([Self.answer(Self.record(5, 10))]) == ["0: 10", "1: notAvailable absent"])
        // What stands in two parts has no value.
        #expect(
            try read([first, Self.part(2, isLast: true, Self.record(5, 10)), empty])
                == ["0: invalid malformed", "1: notAvailable absent"])
    }

    @Test func whereOneIsMissingNoneCounts() throws {
        #expect(try read([first, empty]).isEmpty)
        #expect(try read([second, empty]).isEmpty)
        #expect(try read([second, first, empty]).isEmpty)
        #expect(try read([first, second, second, empty]).isEmpty)
        #expect(try read([first, Self.part(3, isLast: true, Self.record(6, 20)), empty]).isEmpty)
        // Something damaged came between, or before.
        var damaged = first
        damaged[5] ^= 1
        #expect(try read([first, damaged, second, empty]).isEmpty)
        #expect(try read([damaged, empty]).isEmpty)
        // What was begun and broke off is forgotten when another begins.
        #expect(try read([Self.part(1, Self.record(5, 99)), first, second, empty]) == ["0: 10", "1: 20"])
        #expect(try read([second, first, second, empty]) == ["0: 10", "1: 20"])
    }

    @Test func partsThatNobodyAwaitsSayNothing() throws {
        #expect(try read([first, second, empty], awaits: false).isEmpty)
    }

    @Test func anAlarmHoldsAsLongAsItsRecordIsThere() throws {
        let alarm = Self.record(9, 1)
        #expect(try read([Self.part(1, isLast: true, alarm), Self.answer()]).contains("alarm 0"))
        // Twice it is there as well; where what stands beside it makes it worthless, it is not.
        #expect(try read([Self.answer(alarm, alarm)]).contains("alarm 0"))
        let doubted = Self.record(9, 1, high: 0x80)
        #expect(try !read([Self.answer(doubted)]).contains("alarm 0"))
        #expect(try !read([Self.answer(doubted, doubted)]).contains("alarm 0"))
        #expect(try read([Self.answer(doubted, alarm)]).contains("alarm 0"))
    }

    @Test func anAttributeStandsForItself() throws {
        #expect(try read([Self.answer([0, 3, 0, 1, 2])]).contains("alarm 1"))
        #expect(try read([Self.part(1, isLast: true, [0, 3, 0, 1, 2]), empty]).contains("alarm 1"))
        #expect(try !read([Self.answer([0, 3, 0, 1, 1])]).contains("alarm 1"))
        // Too short for it, or there twice: nobody knows.
        #expect(try !read([Self.answer([0, 3, 0, 0])]).contains("alarm 1"))
        #expect(try !read([Self.answer([0, 3, 0, 1, 2], [0, 3, 0, 1, 0])]).contains("alarm 1"))
    }

    @Test(arguments: [
        (", lists: [0], attributes: {7: record}", "", "binary records in “lists”"), ("number: 3", "number: 900", "900"),
        ("number: 3", "number: 5", "counts them"),
        (", last-when: {byte: 4, is: 1}", "", "last-when"),
        ("is: 1}}", "is: 1}, same: {part: 5, answer: 2}}", "records of a part"),
        ("is: 1}}", "is: 1}, same: {part: 3, answer: 3}}", "before the records"),
        ("is: 1}}", "is: 1}, same: {part: 3..4, answer: 2}}", "2 bytes in a part and 1 in the answer"),
        ("is: 1}}", "is: 1}, same: {part: 3}}", "answer"), ("when: {byte: 2, is: 2}, from", "from", "when"),
    ])
    func partsThatCannotBeAreRefused(written: String, instead: String, words: String) {
        let text = Self.text.replacing(written, with: instead)
        let error = #expect(throws: InvalidFile.self) { try Self.load(text) }
        #expect("\(error.map { "\($0)" } ?? "")".contains(words), "\(error.map { "\($0)" } ?? "")")
    }

    /// One answer after the other, each asked for.
    private func readInTurn(_ answers: [[[UInt8]]], of text: String = Self.text, taking: Bool = false) throws
        -> [String]
    {
        let plan = try Self.load(text).compile(handle: "device")
        guard case .serial(let serial) = plan.protocolPlan else { throw InvalidFile(diagnostics: []) }
        var decoder = SerialDecoder(plan, serial)
        var kept = Kept()
        for messages in answers {
            decoder.expect(0)
            for bytes in messages {
                decoder.feed(bytes, count: bytes.count, time: 1, sink: &kept)
                if taking { _ = decoder.takeDamage() }
            }
        }
        return kept.records.map {
            $0.kind == .sample ? "\($0.index): \($0.bits)" : "\($0.kind == .alertStart ? "alarm" : "end") \($0.index)"
        }
    }

    /// That nothing holds is said by a list without it, not by an answer that has no list.
    @Test func anAnswerWithoutAListEndsNoAlarm() throws {
        let alarm = [Self.answer(Self.record(9, 1))]
        #expect(try readInTurn([alarm, [Self.answer()]]).filter { $0.contains("end") }.isEmpty)
        #expect(try readInTurn([alarm, [Self.answer([0, 4, 0, 0])]]).filter { $0.contains("end") }.isEmpty)
        #expect(try readInTurn([alarm, [Self.answer(Self.record(5, 10))]]).contains("end 0"))
        #expect(try readInTurn([alarm, [first, second, empty]]).contains("end 0"))
        let lamp = [Self.answer([0, 3, 0, 1, 2])]
        #expect(try readInTurn([lamp, [Self.answer(Self.record(5, 10))]]).filter { $0.contains("end") }.isEmpty)
        #expect(try readInTurn([lamp, [Self.answer([0, 3, 0, 1, 1])]]).contains("end 1"))
    }

    /// Bytes of no frame may have been a part, whoever has looked at what was damaged since.
    @Test func anAnswerBehindBytesOfNoFrameIsNone() throws {
        let whole = Self.answer(Self.record(5, 10))
        #expect(try readInTurn([[whole]], taking: true).contains("0: 10"))
        #expect(try readInTurn([[[0x55, 0x55, 0x55], whole]], taking: true).isEmpty)
        // The next question asks for another answer.
        #expect(try readInTurn([[[0x55, 0x55, 0x55], whole], [whole]], taking: true).contains("0: 10"))
    }

    /// What cannot be walked is malformed, whatever question is outstanding, and no values of another's.
    @Test(arguments: [true, false]) func anAnswerThatCannotBeWalkedIsMalformed(isAwaited: Bool) throws {
        let plan = try Self.load().compile(handle: "device")
        guard case .serial(let serial) = plan.protocolPlan else { throw InvalidFile(diagnostics: []) }
        var decoder = SerialDecoder(plan, serial)
        var kept = Kept()
        let broken = Self.frame([1, 0, 1, 0, 8] + Self.record(5, 10))
        if isAwaited { decoder.expect(0) }
        // In the middle of parts it ends them: what follows is not their answer.
        for bytes in isAwaited ? [first, second, broken, empty] : [broken] {
            decoder.feed(bytes, count: bytes.count, time: 1, sink: &kept)
        }
        #expect(decoder.counters.malformed == (isAwaited ? 2 : 1) && decoder.counters.unsolicited == 0)
        #expect(decoder.takeAnswered() == nil && decoder.takeUnasked() == nil)
        #expect(kept.records.isEmpty)
    }

    /// Where the profile says by which number they belong together: here the byte before the list.
    @Test func partsOfTwoAnswersAreNeverPutTogether() throws {
        let text = Self.text.replacing("from: 5", with: "from: 6").replacing("from: 3", with: "from: 4")
            .replacing("last-when: {byte: 4, is: 1}}", with: "last-when: {byte: 4, is: 1}, same: {part: 5, answer: 3}}")
        func part(_ number: UInt8, isLast: Bool = false, of answer: UInt8, _ attributes: [UInt8]...) -> [UInt8] {
            Self.frame([2, number, isLast ? 1 : 0, answer] + Self.list(attributes))
        }
        func end(of answer: UInt8) -> [UInt8] { Self.frame([1, answer] + Self.list([])) }
        for (one, other, last) in [(7, 7, 7), (0, 0, 0), (7, 8, 7), (7, 7, 8), (7, 8, 8), (0, 7, 7), (7, 7, 0)] {
            let heard = try readInTurn(
                [
                    [
                        part(1, of: UInt8(one), Self.record(5, 10)),
                        part(2, isLast: true, of: UInt8(other), Self.record(6, 20)), end(of: UInt8(last)),
                    ]
                ], of: text)
            #expect(heard == (one == other && other == last ? ["0: 10", "1: 20"] : []), "\(one) \(other) \(last)")
        }
        // The first of another answer begins anew.
        let anew = [
            part(1, of: 7, Self.record(5, 99)), part(1, of: 8, Self.record(5, 10)),
            part(2, isLast: true, of: 8, Self.record(6, 20)), end(of: 8),
        ]
        #expect(try readInTurn([anew], of: text) == ["0: 10", "1: 20"])
    }

    /// A result is told again where anything of it is another, and not only its last message.
    @Test func resultsInPartsAreToldApartByAllOfThem() throws {
        let text = Self.text.replacing("MDC_TEMP, from: value, unit: Cel", with: "MDC_TEMP, from: value, unit: Cel, X")
            .replacing("MDC_TEMP_SKIN, from: other, unit: Cel", with: "MDC_TEMP_SKIN, from: other, unit: Cel, X")
            .replacing("X}", with: "episodic: true}")
        func result(_ value: UInt8) -> [[UInt8]] {
            [Self.part(1, isLast: true, Self.record(5, value), Self.record(6, 20)), empty]
        }
        #expect(
            try readInTurn([result(10), result(10), result(11)], of: text) == ["0: 10", "1: 20", "0: 11", "1: 20"])
    }
}
