import DevicePlans
import ProfileLanguage
import StrictYAML
import Testing

/// Conditions that can never be so, or are always so, in every place where one stands.
@Suite struct DeadConditionTests {
    private static let serial = "{serial: 9600, format: 8N1}"
    private static let modbus = "{modbus: rtu, baud: 9600, format: 8N1, unit: 1}"

    private static func head(_ line: String) -> String {
        """
        nabd: profile/1
        device: {manufacturer: XY, model: M, kind: sensor}
        provenance: [{document: manual, seen: here}]
        line: \(line)

        """
    }

    private func errors(_ text: String) -> [Diagnostic] {
        let diagnostics = Diagnostics()
        let path = "xy/m/profile.yaml"
        do throws(InvalidFile) {
            let file = try YAMLFile(path: path, text: text, diagnostics: diagnostics)
            _ = try DeviceProfile.load(file)
        } catch { return error.diagnostics }
        return diagnostics.all.filter { $0.severity != .note }
    }

    private func expect(_ words: String, line: Int, of kind: String, _ parts: String) throws {
        let told = errors(Self.head(kind) + parts)
        if words.isEmpty { return #expect(told.isEmpty, "\(told)") }
        let sentence = "\(told.first?.message ?? "") \(told.first?.suggestion ?? "")"
        #expect(told.count == 1 && sentence.contains(words) && told.first?.location.line == line, "\(told)")
    }

    // MARK: Text

    @Test(
        arguments: [
            ("{v:4}|text", "has: ABCDE", "longer than the 4"), ("{v:4}|text", "has: \" W\"", ""),
            ("{v:2}|text", "has: \" W\"", "never found in the 2"), ("{v:4}|text", "has: \"\"", "always be so"),
            ("{v:4}|text", "has: \"\\xFF\"", "two bytes"), ("{v:4}|text", "is: []", "at least one value"),
            ("{v:4}|text", "is-not: []", "at least one value"), ("{v}|text", "is: \"A,B\"", "holds “,”"),
            ("{v}|text", "has: \",\"", "holds “,”"),
            ("{v:4}|text", "present: false", "never holds"), ("{v:4}|text", "present: true", "always holds"),
            ("{v:4}|text, table: {ALRM: alrm}", "is: alrm", "write ALRM"),
            ("{v:4}|text, table: {ALRM: alrm}", "is: ALRM", ""),
            ("{v:4}|hex", "bit: 20", "has 16 bits"), ("{v:4}|hex", "bit: 15", ""),
            ("{v}|hex", "bit: 60", "has 60 bits"),
            ("{v:4}|hex", "below: 0", "can never be below"), ("{v}|hex", "above: 2e18", "can never be above"),
            ("{v:4}|hex", "above: 65534", ""), ("{v:4}|hex", "above: 65535", "can never be above"),
            ("{v:4}|hex, missing: {0xFFFF: invalid}", "above: 65534", "can never be above"),
            ("{v:4}|integer", "below: -1000", "can never be below"), ("{v:4}|integer", "below: -998", ""),
            ("{v:4}|integer", "above: 1e19", "can never be above"),
            ("{v}|integer", "above: 1e19", "can never be above"),
            ("{v:4}|integer", "below: 10000", "always below"), ("{v:4}|decimal, places: 1", "above: 9998", ""),
            ("{v:4}|decimal, places: 1", "above: 9999", "can never be above"),
            ("{v:4}|degrees-minutes", "above: 200", "can never be above"), ("{v}|degrees-minutes", "above: 200", ""),
            ("{v}|hours-minutes", "below: 0", "can never be below"), ("{v:5}|hours-minutes", "above: 5998", ""),
            ("{v:5}|hours-minutes", "above: 5999", "can never be above"),
        ] as [(String, String, String)])
    func aConditionOnText(place: String, condition: String, words: String) throws {
        let parts = place.split(separator: "|")
        try expect(
            words, line: 13, of: Self.serial,
            """
            frames: {line: {start: "$", end: "\\r", longest: 60, split: ","}}
            messages: {m: "T,{t},\(parts[0])"}
            fields:
              t: {type: integer}
              v: {type: \(parts[1])}
            metrics:
              - {metric: MDC_TEMP, from: t, unit: Cel, every: 1s}
            alerts:
              - {alert: NABD_X, when: {field: v, \(condition)}, priority: low, text: a, text-ar: ب}
            """)
    }

    // MARK: Registers

    @Test(
        arguments: [
            ("uint16, bits: 3", "is-not: [0, 1]", "never another"), ("uint16, bits: 3", "is: [0, 1]", "always one"),
            ("uint16, bits: 3", "is: 1", ""), ("uint16, bits: 2..3", "is: [0, 1, 2, 0x3]", "always one"),
            ("uint16, bits: 0, missing: {0: notAvailable}", "bit: 0", "set in each"),
            ("uint16, bits: 0..1, missing: {2: notAvailable, 3: notAvailable}", "bit: 1", "set in none"),
            ("uint16, bits: 0..1, missing: {2: questionable, 3: notAvailable}", "bit: 1", ""),
            ("int16, missing: {0x7FFF: notAvailable}", "above: 32766", "can never be above"),
            ("int16, missing: {0x7FFF: notAvailable}", "above: 32765", ""),
            ("int16, missing: {0x7FFF: notAvailable}", "is: 0x7FFF", ""),
            ("int16, missing: {0x8000: notAvailable, -32767: notAvailable}", "below: -32766", "can never be below"),
            ("int16", "present: false", "never holds"), ("int16", "present: true", "always holds"),
            ("uint16, table: {0: off, 1: on}", "is: \"on\"", "write 1"),
            ("uint16, table: {0: off, 1: on}", "is: 5", ""),
            ("float32", "above: 1e18", ""), ("float64", "below: -1e18", ""),
            ("float32", "is: 1e-60", "smallest float"), ("float32", "is: 16777217", "write 16777216"),
            ("float32", "is: 16777218", ""), ("float32", "is: 0x80000000", "not told from 0"),
            ("float64", "is: 9007199254740993", "write 9007199254740992"), ("float32", "is: 0.1", ""),
            ("bcd16", "above: 9999", "can never be above"), ("bcd16", "bit: 0", "not a number of bits"),
            ("sign-magnitude16", "below: -32767", "can never be below"),
        ] as [(String, String, String)])
    func aConditionOnARegister(type: String, condition: String, words: String) throws {
        try expect(
            words, line: 10, of: Self.modbus,
            """
            fields:
              s: {input: 2, type: \(type), every: 5s}
            metrics:
              - {metric: MDC_TEMP, from: {input: 9, type: int16}, unit: Cel, every: 5s}
            alerts:
              - {alert: NABD_X, when: {field: s, \(condition)}, priority: low, text: a, text-ar: ب}
            """)
    }

    /// A limit is in the unit of the metric that shows the field; where that turns the numbers round, it is turned too.
    @Test(
        arguments: [
            ("-1", "above: -255", ""), ("-1", "above: 0", "can never be above"), ("-1", "below: 0", ""),
            ("-1", "above: -256", "always above"), ("-1", "below: -255", "can never be below"),
            ("-1", "below: -254", ""),
            ("0.01", "above: 2.55", "can never be above"), ("0.01", "above: 2.54", ""),
            ("0.1", "above: 25.5", "can never be above"), ("0.1", "below: 0.1", ""),
        ] as [(String, String, String)])
    func aLimitOnANumberThatIsShown(scale: String, condition: String, words: String) throws {
        try expect(
            words, line: 10, of: Self.modbus,
            """
            fields:
              s: {input: 2, type: uint16, bits: 0..7}
            metrics:
              - {metric: MDC_TEMP, from: s, scale: \(scale), unit: Cel, every: 5s}
            alerts:
              - {alert: NABD_X, when: {field: s, \(condition)}, priority: low, text: a, text-ar: ب}
            """)
    }

    /// One value is one, however it is written.
    @Test(
        arguments: [
            ("decimal, places: 1, table: {\"5\": standby, \"5.0\": alarm}", "", "is the same value as"),
            ("decimal, places: 1, missing: {\"9.9\": invalid, \"9.90\": invalid}", "", "is the same value as"),
            ("decimal, places: 1", "is: [\"5\", \"5.0\"]", "is the same value as"),
            ("decimal, places: 1", "is: [\"5\", \"5.1\"]", ""),
        ] as [(String, String, String)])
    func aValueInTwoSpellings(type: String, condition: String, words: String) throws {
        let told = errors(
            Self.head(Self.serial) + """
                frames: {line: {start: "$", end: "\\r", longest: 60, split: ","}}
                messages: {m: "T,{t},{v}"}
                fields:
                  t: {type: integer}
                  v: {type: \(type)}
                metrics:
                  - {metric: MDC_TEMP, from: t, unit: Cel, every: 1s}
                alerts:
                  - {alert: NABD_X, when: {field: v, \(condition.isEmpty ? "is: 7" : condition)}, priority: low,
                     text: a, text-ar: ب}
                """)
        let sentences = told.map { "\($0.message) \($0.suggestion ?? "")" }
        #expect(words.isEmpty == sentences.allSatisfy { !$0.contains("same value") }, "\(told)")
        #expect(words.isEmpty || sentences.contains { $0.contains(words) }, "\(told)")
    }

    @Test(arguments: [("0x1", "1", true), ("0x1", "0x01", true), ("1", "2", false)])
    func aSignThatIsBoth(negative: String, positive: String, isRefused: Bool) {
        let told = errors(
            Self.head(Self.serial) + """
                frames: {line: {start: "$", end: "\\r", longest: 60, split: ","}}
                messages: {m: "T,{t},{s}"}
                fields:
                  t: {type: integer}
                  s: {type: hex}
                metrics:
                  - metric: MDC_TEMP
                    from: t
                    unit: Cel
                    every: 1s
                    negative-when: {field: s, is: "\(negative)", positive: "\(positive)"}
                """)
        #expect(told.contains { $0.message.contains("negative and positive") } == isRefused, "\(told)")
    }

    @Test(
        arguments: [
            ("s, bits: 0, missing: {0: invalid, 1: invalid}, every: 5s", "60s", "every value of “s” means", 6),
            ("s, every: 60s", "10s", "cannot be seen to change within 10 s", 9),
            ("s, every: 5s", "5s", "within: 10s", 9),
            ("s, every: 5s", "10s", "", 0),
        ] as [(String, String, String, Int)])
    func aHeartbeatThatNobodyCouldSee(field: String, within: String, words: String, line: Int) throws {
        try expect(
            words, line: line, of: Self.modbus,
            """
            fields:
              s: {input: 2, type: uint16\(field.dropFirst())}
            metrics:
              - {metric: MDC_TEMP, from: {input: 9, type: int16}, unit: Cel, every: 5s}
            heartbeat: {field: s, changes-within: \(within)}
            """)
    }

    // MARK: Frames and messages

    /// What is said of the frame, of the messages, and of the value; and the place where it is told.
    static let binary: [(frame: String, messages: [String], gate: String, words: String, line: Int)] = [
        ("", ["m: {when: {byte: 1, is: 1}}"], "{byte: 4, bit: 1, is: 1, validity: invalid}", "", 0),
        ("", ["m: {when: [{byte: 1, is: 1}, {byte: 1, is: 2}]}"], "", "byte 1 of “m” can never be so", 7),
        ("", ["m: {when: [{byte: 1, is: 1}, {byte: 1..2, bit: 0, is: 0}]}"], "", "byte 1 of “m” can never be so", 7),
        ("", ["m: {when: {byte: 0, is: 3}}"], "", "byte 0 of “m” can never be so", 7),
        (", valid-when: {byte: 1, is: 9}", ["m: {when: {byte: 1, is: 1}}"], "", "byte 1 of “m” can never be so", 7),
        (
            ", valid-when: [{byte: 1, is: 9}, {byte: 1, is: 8}]", ["m: {when: {byte: 2, is: 9}}"], "",
            "byte 1 of “f” can never be so", 5
        ),
        (", valid-when: {byte: 0, bit: 0, is: 1}", ["m: {when: {byte: 1, is: 9}}"], "", "byte 0 of “f”", 5),
        ("", ["m: {when: {byte: 1, is: []}}"], "", "at least one byte's value", 7),
        ("", ["m: {when: {byte: 1, is: 1}}"], "{byte: 1, is: 2, validity: invalid}", "byte 1 can never be so where", 9),
        ("", ["m: {when: {byte: 1, is: 1}}"], "{byte: 1, bit: 0, is: 1, validity: invalid}", "byte 1 is always so", 9),
        ("", ["m: {when: {byte: 1, is: 1}}"], "{byte: 4, is: [], validity: invalid}", "at least one byte's value", 9),
        ("", ["a: {when: {byte: 1, is: [1, 2]}}", "m: {when: {byte: 1, is: 1}}"], "", "“m” is never read", 8),
        ("", ["m: {when: {byte: 1, is: 1}}", "b: {when: {byte: 1, is: [1, 2]}}"], "", "", 0),
        ("", ["a: {when: {byte: 1, bit: 0, is: 1}}", "m: {when: {byte: 1, is: 1}}"], "", "“m” is never read", 8),
        (
            "", ["a: {when: {byte: 1, is: 1}}", "m: {when: [{byte: 1, is: 1}, {byte: 3, is: 0}]}"], "",
            "put it before “a”", 8
        ),
        ("", ["a: {when: {byte: 1, is: 1}, text: \"X{_}\"}", "m: {when: {byte: 1, is: 1}}"], "", "", 0),
    ]

    @Test(arguments: binary.indices) func bytesThatCanNeverBe(index: Int) throws {
        let (frame, messages, gate, words, line) = Self.binary[index]
        try expect(
            words, line: line, of: Self.serial,
            """
            frames: {f: {start: 0x02, length: 6, checksum: {sum8: 0..4, at: 5}\(frame)}}
            messages:
              \(messages.joined(separator: "\n  "))
            fields:
              v: {in: m, byte: 2, type: int16\(gate.isEmpty ? "" : ", validity-when: \(gate)")}
            metrics:
              - {metric: MDC_TEMP, from: v, unit: Cel, every: 5s}
            """)
    }
}
