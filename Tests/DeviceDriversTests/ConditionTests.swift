import DeviceModel
import DevicePlans
import ProfileLanguage
import StrictYAML
import TestSupport
import Testing

@testable import DeviceDrivers

/// Sentinels, codes and limits in the words of manuals: each is honoured, or refused where it stands; and what a value
/// depends on must be known now.
@Suite struct ConditionTests {
    /// A spelling on a register's type: the bytes by which the device says it, or the words with which it is refused.
    struct Spelling: Sendable, CustomTestStringConvertible {
        enum Outcome: Sendable {
            case means([UInt8])
            case refused(String)
        }

        let type: String
        let code: String
        let outcome: Outcome

        init(_ type: String, _ code: String, _ bytes: [UInt8]) {
            (self.type, self.code, outcome) = (type, code, .means(bytes))
        }
        init(_ type: String, _ code: String, refused: String) {
            (self.type, self.code, outcome) = (type, code, .refused(refused))
        }

        var testDescription: String { "\(type) \(code)" }
    }

    static let spellings: [Spelling] = [
        Spelling("uint16", "0xFFFF", [0xFF, 0xFF]), Spelling("uint16", "65535", [0xFF, 0xFF]),
        Spelling("uint16", "0x7fff", [0x7F, 0xFF]),
        Spelling("uint16", "-1", refused: "it holds 0 to 65535"),
        Spelling("uint16", "0x10000", refused: "more bits than the field's 16"),
        Spelling("uint16", "65536", refused: "it holds 0 to 65535"),
        Spelling("uint16", "abc", refused: "binary number"),
        Spelling("uint16", "6553.5", refused: "binary number"),
        Spelling("int16", "0x8000", [0x80, 0]), Spelling("int16", "-32768", [0x80, 0]),
        Spelling("int16", "0xFFFF", [0xFF, 0xFF]),
        Spelling("int16", "0x7FFF", [0x7F, 0xFF]), Spelling("int16", "-9999", [0xD8, 0xF1]),
        Spelling("int16", "65535", refused: "0xFFFF"),
        Spelling("int16", "32768", refused: "0x8000"), Spelling("int16", "-999.9", refused: "binary number"),
        Spelling("uint32", "0xFFFFFFFF", [0xFF, 0xFF, 0xFF, 0xFF]),
        Spelling("uint32", "4294967295", [0xFF, 0xFF, 0xFF, 0xFF]),
        Spelling("uint32", "4294967296", refused: "it holds 0 to 4294967295"),
        Spelling("int32", "0x80000000", [0x80, 0, 0, 0]), Spelling("int32", "-2147483648", [0x80, 0, 0, 0]),
        Spelling("int32", "2147483648", refused: "0x80000000"),
        Spelling("int64", "-9223372036854775808", [0x80, 0, 0, 0, 0, 0, 0, 0]),
        Spelling("int64", "0x8000000000000000", [0x80, 0, 0, 0, 0, 0, 0, 0]),
        Spelling("int64", "9223372036854775808", refused: "0x8000000000000000"),
        Spelling("uint64", "0xFFFFFFFFFFFFFFFF", [UInt8](repeating: 0xFF, count: 8)),
        Spelling("uint64", "18446744073709551615", [UInt8](repeating: 0xFF, count: 8)),
        Spelling("uint64", "-1", refused: "it holds 0 to"),
        Spelling("float32", "-9999", [0xC6, 0x1C, 0x3C, 0]), Spelling("float32", "-999.9", [0xC4, 0x79, 0xF9, 0x9A]),
        Spelling("float32", "-9.999e3", [0xC6, 0x1C, 0x3C, 0]),
        Spelling("float32", "0xC61C3C00", [0xC6, 0x1C, 0x3C, 0]),
        Spelling("float32", "0x7FC00000", [0x7F, 0xC0, 0, 0]),
        Spelling("float32", "NaN", [0xFF, 0xC0, 0, 1]),
        Spelling("float32", ".nan", [0x7F, 0x80, 0, 1]), Spelling("float32", "3.4028235e38", [0x7F, 0x7F, 0xFF, 0xFF]),
        Spelling("float32", "0", [0x80, 0, 0, 0]),
        Spelling("float32", "1e39", refused: "ends at"), Spelling("float32", "none", refused: "binary number"),
        Spelling("float32", "0x1FFFFFFFF", refused: "32"),
        Spelling("bcd16", "9999", [0x99, 0x99]), Spelling("bcd16", "0x9999", [0x99, 0x99]),
        Spelling("bcd16", "0xFFFF", [0xFF, 0xFF]),
        Spelling("bcd16", "65535", refused: "4 decimal digits"), Spelling("bcd16", "-1", refused: "4 decimal digits"),
    ]

    private func profile(_ metrics: String, fields: String = "", more: String = "") throws -> DevicePlan {
        let text = """
            nabd: profile/1
            device: {manufacturer: XY, model: M, kind: sensor}
            provenance: [{document: manual, seen: here}]
            line: {modbus: rtu, baud: 9600, format: 8N1, unit: 1}
            \(fields)
            metrics:
            \(metrics)
            \(more)
            """
        return try DeviceProfile.load(try YAMLFile(path: "xy/m/profile.yaml", text: text)).compile(handle: "device")
    }

    private func blocks(_ plan: DevicePlan) throws -> [ModbusBlock] {
        guard case .modbus(let modbus) = plan.protocolPlan else { throw InvalidFile(diagnostics: []) }
        return modbus.blocks
    }

    private func refusals(_ make: () throws -> DevicePlan) -> [Diagnostic] {
        do { _ = try make() } catch let error as InvalidFile { return error.diagnostics } catch {}
        return []
    }

    @Test(arguments: spellings) func aSentinelIsHonouredOrRefused(spelling: Spelling) throws {
        let metric =
            "  - {metric: MDC_TEMP, from: {input: 1, type: \(spelling.type), missing: {\"\(spelling.code)\": "
            + "notAvailable}}, unit: Cel, every: 5s}"
        switch spelling.outcome {
        case .refused(let words):
            let told = refusals { try profile(metric) }
            #expect(
                told.count == 1 && "\(told.first?.message ?? "") \(told.first?.suggestion ?? "")".contains(words),
                "\(told)")
            #expect(told.first?.location.line == 7 && (told.first?.location.column ?? 0) > 60)
        case .means(let bytes):
            let plan = try profile(metric)
            var decoder = ModbusDecoder(plan)
            var kept = Kept()
            decoder.take(bytes, from: 0, of: try blocks(plan)[0], time: 1, sink: &kept)
            #expect(kept.records.map(\.validity) == [.notAvailable] && kept.records.map(\.reason) == [.sentinel])
            // A neighbour of it is a value.
            var other = bytes
            other[other.count - 1] ^= spelling.type == "float32" ? 0x10 : 1
            if spelling.type == "bcd16", bytes[0] == 0xFF { other = [0, 1] }
            if spelling.type == "uint64" { other[0] = 0 }
            guard !["NaN", ".nan", "0x7FC00000"].contains(spelling.code) else { return }
            decoder.take(other, from: 0, of: try blocks(plan)[0], time: 2, sink: &kept)
            #expect(kept.records.last?.validity == .valid, "\(other)")
        }
    }

    /// The same words in every other place where a value stands.
    @Test func codesAreRefusedWhereverTheyStand() throws {
        let metric = "  - {metric: MDC_TEMP, from: value, unit: Cel}"
        let field = "fields:\n  value: {input: 1, type: int16}\n  status: {input: 2, type: uint16, every: 5s}"
        let alert = { (condition: String) in
            "alerts:\n  - {alert: NABD_X, when: {field: \(condition)}, priority: low, text: a, text-ar: ب}"
        }
        for (condition, words) in [
            ("status, is: -1", "it holds 0 to 65535"), ("status, is-not: [0, abc]", "binary number"),
            ("status, bit: 16", "has 16 bits"),
            ("status, above: 65535", "can never be above"), ("status, above: -1", "is always above"),
            ("status, below: 0", "can never be below"),
            ("value, below: 40000", "is always below"), ("value, is: 0x12345", "more bits"),
            ("status, is: [1, 0x1]", "the same value as"),
        ] {
            let told = refusals {
                try profile(
                    "  - {metric: MDC_TEMP, from: value, unit: Cel, every: 5s}", fields: field, more: alert(condition))
            }
            #expect(told.contains { $0.message.contains(words) && $0.location.line == 11 }, "\(condition): \(told)")
        }
        let gated = field.replacing(
            "type: int16", with: "type: int16, validity-when: {field: status, is: 70000, validity: invalid}")
        #expect(
            refusals { try profile(metric.replacing("Cel}", with: "Cel, every: 5s}"), fields: gated) }.contains {
                $0.message.contains("it holds 0 to 65535")
            })
        let words = "fields:\n  status: {input: 2, type: uint16, table: {0: off, 65536: on}}"
        #expect(
            refusals { try profile("  - {metric: NABD_PUMP_ALARM_TEXT, from: status, every: 5s}", fields: words) }
                .contains {
                    $0.message.contains("it holds 0 to 65535")
                })
    }

    @Test func aLimitOfAFloatIsComparedWithTheFloat() throws {
        let plan = try profile(
            "  - {metric: MDC_TEMP, from: value, unit: Cel, every: 5s}",
            fields: "fields:\n  value: {input: 1, type: float32}",
            more:
                "alerts:\n  - {alert: NABD_FRIDGE_WARM, when: {field: value, above: 8.5}, priority: low, text: warm, "
                + "text-ar: دافئ}"
        )
        var decoder = ModbusDecoder(plan)
        var kept = Kept()
        for (number, value) in [2.0, 8.5, 8.75, .nan, 3].enumerated() {
            let bits = Float(value).bitPattern
            decoder.take(
                (0..<4).map { UInt8(truncatingIfNeeded: bits >> (24 - 8 * $0)) }, from: 0, of: try blocks(plan)[0],
                time: Int64(number), sink: &kept)
        }
        #expect(kept.records.filter { $0.kind != .sample }.map(\.kind) == [.alertStart, .alertEnd])
        #expect(kept.records.filter { $0.kind == .alertStart }.map(\.monotonicNanoseconds) == [2])
        #expect(kept.records.filter { $0.kind == .alertEnd }.map(\.monotonicNanoseconds) == [4])
    }

    @Test func whatCannotBeKeptExactlyIsRefused() {
        for (from, words) in [
            ("{input: 1, type: float32}, scale: 0.1", "kept as it is sent"),
            ("{input: 1, type: float32}, offset: 2", "kept as it is sent"),
            ("{input: 1, type: bcd16, bits: 0..2}", "parts of digits"),
            ("{input: 1, type: bcd16, bits: 2..5}", "parts of digits"),
        ] {
            let told = refusals { try profile("  - {metric: MDC_TEMP, from: \(from), unit: Cel, every: 5s}") }
            #expect(told.contains { $0.message.contains(words) }, "\(from): \(told)")
        }
    }

    // MARK: Conditions have an age

    private let gated = """
        fields:
          value: {input: 1, type: int16, validity-when: {field: state, is: 1, validity: invalid}}
          state: {holding: 200, type: uint16, every: 2s}
        """

    @Test func aConditionThatIsNotKnownNowMakesTheValueInvalid() throws {
        let plan = try profile("  - {metric: MDC_TEMP, from: value, unit: Cel, every: 1s}", fields: gated)
        let values = try #require(try blocks(plan).first { $0.space == .input })
        let states = try #require(try blocks(plan).first { $0.space == .holding })
        var decoder = ModbusDecoder(plan)
        var kept = Kept()
        let second: Int64 = 1_000_000_000
        decoder.take([0, 5], from: 0, of: values, time: second, sink: &kept)
        decoder.take([0, 0], from: 0, of: states, time: 2 * second, sink: &kept)
        decoder.take([0, 5], from: 0, of: values, time: 3 * second, sink: &kept)
        decoder.take([0, 5], from: 0, of: values, time: 8 * second, sink: &kept)
        // Three of its periods and a bit: refused meanwhile, or never answered.
        decoder.take([0, 5], from: 0, of: values, time: 8 * second + 1, sink: &kept)
        decoder.take([0, 1], from: 0, of: states, time: 9 * second, sink: &kept)
        decoder.take([0, 5], from: 0, of: values, time: 10 * second, sink: &kept)
        let samples = kept.records.filter { $0.kind == .sample }
        #expect(samples.map(\.validity) == [.invalid, .valid, .valid, .invalid, .invalid])
        #expect(samples.map(\.reason) == [.unknownStatus, .none, .none, .unknownStatus, .deviceStatus])
    }

    @Test func aTextOfAnotherRequestDecidesNothing() throws {
        let fields = """
            fields:
              value: {input: 1, type: int16, validity-when: {field: state, is: OFF, validity: invalid}}
              state: {holding: 200, type: text, registers: 2, every: 2s}
            """
        let told = refusals { try profile("  - {metric: MDC_TEMP, from: value, unit: Cel, every: 1s}", fields: fields) }
        #expect(told.contains { $0.message.contains("is text of another request") })
    }

    /// Bits of a value that is none are no alarms, nor is what a value says that does not count.
    @Test func whatDoesNotCountRaisesNoAlert() throws {
        let fields = """
            fields:
              value: {input: 1, type: uint16}
              events: {input: 2, type: uint16, missing: {0xFFFF: notAvailable}, validity-when: {field: mark, is-not: \
            7, validity: invalid}, every: 1s}
              mark: {input: 3, type: uint16, every: 1s}
            alerts:
              - {alert: NABD_A, when: {field: events, bit: 2}, priority: high, text: a, text-ar: ا}
            """
        let plan = try profile("  - {metric: MDC_TEMP, from: value, unit: Cel, every: 1s}", fields: fields)
        let block = try #require(try blocks(plan).first)
        for (data, alerts) in [([0, 1, 0xFF, 0xFF, 0, 7], 0), ([0, 1, 0, 4, 0, 8], 0), ([0, 1, 0, 4, 0, 7], 1)]
            as [([UInt8], Int)]
        {
            var decoder = ModbusDecoder(plan)
            var kept = Kept()
            decoder.take(data, from: 0, of: block, time: 1, sink: &kept)
            #expect(kept.records.count { $0.kind == .alertStart } == alerts, "\(data)")
        }
    }

    // MARK: What belongs together

    private func scaled(_ factor: String) -> String {
        "fields:\n  value: {input: 1, type: int16}\n  power: {\(factor)}"
    }
    private let byPower =
        "  - {metric: MDC_TEMP, from: value, unit: {by: power, 0: Cel, 0xFFFF: {unit: Cel, scale: 0.1}}, every: 1s}"

    @Test func aNumberAndItsScaleAreOneRequest() throws {
        let plan = try profile(byPower, fields: scaled("input: 60, type: int16, every: 30s"))
        let all = try blocks(plan)
        #expect(all.count == 1 && all[0].count == 60 && all[0].period == 1_000_000_000)
        // Read apart, in a capture or by a device that refuses the hole, nothing says what the number means.
        var decoder = ModbusDecoder(plan)
        var kept = Kept()
        let power = try #require(plan.block(unit: 1, function: 4, address: 60, count: 1))
        let value = try #require(plan.block(unit: 1, function: 4, address: 1, count: 1))
        decoder.take([0xFF, 0xFF], from: 0, of: power, time: 1, sink: &kept)
        decoder.take([0, 250], from: 0, of: value, time: 1, sink: &kept)
        #expect(kept.records.map(\.validity) == [.invalid] && kept.records.map(\.reason) == [.unknownUnit])
        // The search for a register that is not there reads neither without the other.
        #expect(all[0].atoms == [[0, 1]])
    }

    @Test func whatCannotBeOneRequestIsToldSo() {
        for factor in ["input: 200, type: int16, every: 1s", "holding: 2, type: int16, every: 1s"] {
            let told = refusals { try profile(byPower, fields: scaled(factor)) }
            #expect(told.contains { $0.message.contains("cannot be one request") }, "\(factor): \(told)")
        }
    }

    // MARK: What is not in a message

    /// A monitor that names only what holds.
    private func records(_ message: String) throws -> [SampleRecord] {
        let text = """
            nabd: profile/1
            device: {manufacturer: XY, model: M, kind: monitor}
            provenance: [{document: manual, seen: here}]
            line: {serial: 9600, format: 8N1}
            frames:
              line: {start: "!", end: "\\r", longest: 64}
            messages:
              status: {text: "S {repeat}", repeat: {split: " ", each: "{key}={value}"}}
            fields:
              rate: {in: status, key: R, type: integer, validity-when: {field: fault, present: true, validity: \
            questionable}}
              gated: {in: status, key: G, type: integer, validity-when: {field: sensor, present: false, validity: \
            invalid}}
              fault: {in: status, key: F, type: integer}
              sensor: {in: status, key: P, type: integer}
            metrics:
              - {metric: MDC_PULS_RATE, from: rate, unit: /min, every: 1s}
              - {metric: MDC_TEMP, from: gated, unit: Cel, every: 1s}
            alerts:
              - {alert: NABD_SENSOR_OFF, when: {field: sensor, present: false}, priority: low, text: off, text-ar: \
            مفصول}
            """
        let plan = try DeviceProfile.load(try YAMLFile(path: "xy/m/profile.yaml", text: text)).compile(handle: "device")
        return CaptureDecoder(plan).decode(Array(message.utf8)).map(\.record)
    }

    @Test func presenceIsKnownOfEveryMessage() throws {
        let all = try records("!S R=70 G=36 P=1\r!S R=71 G=37\r!S R=72 F=3 G=38 P=1\r")
        func samples(_ index: Int) -> [Validity] {
            all.filter { $0.kind == .sample && $0.index == index }.map(\.validity)
        }
        #expect(samples(0) == [.valid, .valid, .questionable])
        #expect(samples(1) == [.valid, .invalid, .valid])
        #expect(all.map(\.kind).filter { $0 != .sample } == [.alertStart, .alertEnd])
    }

    /// What is wrong about where a field stands says nothing about its values, and stops nobody.
    @Test(arguments: [
        "byte: 9, type: int8",
        "join: [{byte: 0}, {byte: 1}, {byte: 2}, {byte: 3}, {byte: 1}, {byte: 2}, {byte: 3}, {byte: 0}, {byte: 1}], "
            + "type: int8",
    ])
    func aFieldThatCannotBeIsToldOnce(place: String) {
        let text = """
            nabd: profile/1
            device: {manufacturer: XY, model: M, kind: monitor}
            provenance: [{document: manual, seen: here}]
            line: {serial: 9600, format: 8N1}
            frames:
              frame: {start: 0x01, length: 5, checksum: {sum8: 0..3, at: 4}}
            fields:
              value: {in: frame, \(place), missing: {0x80: notAvailable, -1: notAvailable}}
            metrics:
              - {metric: MDC_TEMP, from: value, unit: Cel, every: 1s}
            alerts:
              - {alert: NABD_X, when: {field: value, above: 3}, priority: low, text: a, text-ar: ب}
            """
        let told = refusals {
            try DeviceProfile.load(try YAMLFile(path: "xy/m/profile.yaml", text: text)).compile(handle: "device")
        }
        #expect(told.count == 1, "\(told)")
    }

    // MARK: What no vector shows

    @Test func whatNoVectorShowsIsNamed() throws {
        let profile = try DeviceProfile.load(Repository.path("device-profiles/nonin/oem-iii-df2"))
        let vectors = try VectorFile.load(
            Repository.path("device-profiles/nonin/oem-iii-df2/vectors.yaml"), for: profile
        ).vectors
        let bare = VectorRunner(profile).unproven(by: []).map(\.text)
        #expect(
            bare.contains { $0.contains("a value of MDC_PULS_OXIM_SAT_O2") }
                && bare.contains { $0.contains("the sentinel “127”") })
        let rest = VectorRunner(profile).unproven(by: vectors).map(\.text)
        #expect(!rest.contains { $0.contains("MDC_PULS_OXIM_SAT_O2") } && rest.count < bare.count)
    }

    /// `--` stands in `---`, and nothing stands everywhere: a word is shown where it decides.
    @Test func aWordIsShownOnlyWhereItDecides() throws {
        let text = """
            nabd: profile/1
            device: {manufacturer: XY, model: M, kind: monitor}
            provenance: [{document: manual, seen: here}]
            line: {serial: 9600, format: 8N1}
            frames: {line: {start: "!", end: "\\r", longest: 40, split: ","}}
            messages: {m: "{one},{other}"}
            fields:
              one: {type: integer, missing: &none {"---": notAvailable, "--": notAvailable, "": notAvailable}}
              other: {type: integer, missing: *none}
            metrics:
              - {metric: MDC_TEMP, from: one, unit: Cel, every: 1s}
              - {metric: MDC_TEMP_SKIN, from: other, unit: Cel, every: 1s}
            """
        let folder = try TemporaryFolder()
        let profile = try DeviceProfile.load(try YAMLFile(path: "\(folder.path)/xy/m/profile.yaml", text: text))
        let file = try folder.write(
            "vectors.yaml",
            """
            nabd: vectors/1
            vectors:
              - name: v
                kind: derived
                source: made here
                bytes: {text: "!---,--\\r!5,6\\r"}
                expect: {MDC_TEMP: 5, MDC_TEMP_SKIN: 6}
            """)
        let told = VectorRunner(profile).unproven(by: try VectorFile.load(file, for: profile).vectors).map(\.text)
        #expect(
            told == [
                "no vector has the sentinel “--” of “one”", "no vector has the sentinel “” of “one”",
                "no vector has the sentinel “---” of “other”", "no vector has the sentinel “” of “other”",
            ], "\(told)")
    }
}
