import DeviceModel
import DevicePlans
import ProfileLanguage
import StrictYAML
import Testing

@testable import DeviceDrivers

/// What is computed of a number is exact, or refused where it stands: never another number that counts as valid, and
/// no alarm that is held against another number than the one that is meant.
@Suite struct ArithmeticTests {
    func load(_ body: String, line: String) throws -> DeviceProfile {
        try DeviceProfile.load(
            try YAMLFile(
                path: "xy/m/profile.yaml",
                text: """
                    nabd: profile/1
                    device: {manufacturer: XY, model: M, kind: environment sensor}
                    provenance: [{document: manual, seen: here}]
                    \(line)
                    \(body)
                    """))
    }

    func modbus(_ body: String) throws -> DeviceProfile {
        try load(body, line: "line: {modbus: rtu, baud: 9600, format: 8N1, unit: 1}")
    }

    /// Lines such as `$T,1.50,3`.
    func text(_ fields: String, _ metric: String, _ rest: String = "") throws -> DeviceProfile {
        try load(
            """
            frames:
              line: {start: "$", end: "\\r\\n", longest: 80, split: ","}
            messages:
              m: "T,{k},{m}"
            fields:
            \(fields)
            metrics: [{metric: MDC_TEMP, from: k, every: 5s, \(metric)}]
            \(rest)
            """, line: "line: {serial: 9600, format: 8N1}")
    }

    func refusal(_ load: () throws -> DeviceProfile) -> String {
        do {
            _ = try load()
            return "nothing was told"
        } catch { return "\(error)" }
    }

    /// What comes of reads that follow each other, a second apart.
    func read(_ profile: DeviceProfile, _ answers: [[UInt8]]) throws -> [SampleRecord] {
        let plan = profile.compile(handle: "device")
        guard case .modbus(let modbus) = plan.protocolPlan, modbus.blocks.count == 1 else {
            throw InvalidFile(diagnostics: [])
        }
        var decoder = ModbusDecoder(plan)
        var kept = Kept()
        for (second, answer) in answers.enumerated() {
            decoder.take(answer, from: 0, of: modbus.blocks[0], time: Int64(second + 1) * 1_000_000_000, sink: &kept)
        }
        return kept.records
    }

    func lines(_ profile: DeviceProfile, _ lines: String...) -> [String] {
        let plan = profile.compile(handle: "device")
        let bytes = lines.map { "$T,\($0)\r\n" }.joined()
        return CaptureDecoder(plan).decode(Array(bytes.utf8)).map(\.record).filter { $0.kind == .sample }.map {
            $0.validity.carriesValue
                ? "\(plan.streams[Int($0.index)].json(bits: $0.bits, text: nil).text) \($0.validity)"
                : "\($0.validity) \($0.reason)"
        }
    }

    func alerts(_ records: [SampleRecord]) -> [SampleRecord.Kind] {
        records.map(\.kind).filter { $0 != .sample }
    }

    // MARK: Words of 64 bits

    static func word(_ word: UInt64) -> [UInt8] {
        (0..<8).reversed().map { UInt8(truncatingIfNeeded: word >> UInt64(8 * $0)) }
    }

    static let words: [(String, String, [(UInt64, Bool)])] = [
        ("bit: 0", "uint64", [(1, true), (0, false), (0x8000_0000_0000_0001, true), (1 << 63, false)]),
        ("bit: 63", "uint64", [(0, false), (1 << 63, true), (.max, true), (.max >> 1, false)]),
        ("bit: 63", "int64", [(0, false), (1 << 63, true)]),
        ("above: 1e9", "uint64", [(1 << 63, true), (1_000_000_000, false), (1_000_000_001, true), (.max, true)]),
        ("above: 9007199254740992", "uint64", [(9_007_199_254_740_993, true), (9_007_199_254_740_992, false)]),
        ("above: 1e19", "uint64", [(10_000_000_000_000_000_001, true), (10_000_000_000_000_000_000, false)]),
        ("below: 1e19", "uint64", [(9_999_999_999_999_999_999, true), (10_000_000_000_000_000_000, false)]),
        ("below: -9e18", "int64", [(UInt64(bitPattern: -9_000_000_000_000_000_001), true), (0, false)]),
        ("is: 5", "uint64", [(5, true), (1 << 63, false)]),
        ("is: 0x8000000000000001", "uint64", [(0x8000_0000_0000_0001, true), (1, false)]),
        ("is-not: 5", "uint64", [(1 << 63, true), (5, false)]),
    ]

    /// Each state is reached from the other one, so that none is only kept.
    @Test(arguments: words) func aWordOf64BitsIsJudgedByAllOfThem(
        test: String, type: String, states: [(UInt64, Bool)]
    ) throws {
        let joined = "join: [{input: 2}, {input: 3}, {input: 4}, {input: 5}], type: "
        for source in ["input: 2, type: \(type)", joined + (type == "int64" ? "signed" : "unsigned")] {
            let profile = try modbus(
                """
                fields:
                  s: {\(source), every: 5s}
                metrics: [{metric: MDC_TEMP, from: {input: 1, type: int16}, unit: Cel, every: 5s}]
                alerts: [{alert: NABD_X, when: {field: s, \(test)}, priority: low, text: t, text-ar: t}]
                """)
            for (state, holds) in states {
                let other = try #require(states.first { $0.1 != holds })
                let records = try read(profile, [other, (state, holds)].map { [0, 5] + Self.word($0.0) })
                let expected: [SampleRecord.Kind] = holds ? [.alertStart] : [.alertStart, .alertEnd]
                #expect(alerts(records) == expected, "\(state)")
            }
        }
    }

    @Test func aWideWordIsAWordOfItsTableAndNoNumber() throws {
        let table = try modbus(
            "fields:\n  s: {input: 2, type: uint64, table: {0x8000000000000001: both, 1: one}}\n"
                + "metrics: [{metric: MDC_DRUG_NAME_LABEL, from: s, every: 5s}]")
        #expect(try read(table, [Self.word(0x8000_0000_0000_0001)])[0].textValue == "both")
        let number = try modbus(
            "metrics: [{metric: NABD_ENERGY_TOTAL, from: {input: 2, type: uint64}, unit: kW.h, every: 5s, jump: 5}]")
        let record = try read(number, [Self.word(1 << 63)])[0]
        #expect(record.validity == .overflow && record.reason == .implausible)
    }

    @Test func aWideWordDecidesAboutOthers() throws {
        let profile = try modbus(
            """
            fields:
              s: {input: 2, type: uint64, every: 5s}
              v: {input: 1, type: int16, validity-when: {field: s, bit: 0, validity: questionable}}
            metrics: [{metric: MDC_TEMP, from: v, unit: Cel, every: 5s}]
            """)
        let records = try read(profile, [1 << 63, 1 << 63 | 1].map { [0, 5] + Self.word($0) })
        #expect(records.map(\.validity) == [.valid, .questionable])
    }

    // MARK: Sums of fields with other places

    @Test(
        arguments: [
            ("places: 2", "integer", ", times: 1000", "1.50,3", "3001.5 valid"),
            ("places: 2", "integer", "", "1.50,3", "4.5 valid"),
            ("places: 2", "decimal, places: 1", ", times: 10", "1.50,0.3", "4.5 valid"),
            ("places: 2", "decimal, places: 2", "", "1.50,-3", "-1.5 valid"),
            ("places: 0", "integer", ", times: 1000", "1,3", "3001 valid"),
            ("places: 9", "integer", ", times: 1000000000", "1,3", "3000000001 valid"),
            ("places: 9", "integer", ", times: 1000000000", "1,99", "invalid implausible"),
        ]) func whatIsAddedIsAlignedAtThePoint(
            places: String, type: String, times: String, line: String, value: String
        ) throws
    {
        let profile = try text(
            "  k: {type: decimal, \(places)}\n  m: {type: \(type)}", "unit: Cel, plus: [{field: m\(times)}]")
        #expect(lines(profile, line) == [value])
    }

    // MARK: What is added

    @Test(
        arguments: [
            ("  k: {type: decimal, places: 2}\n  m: {type: integer}", "offset: 5", "1.50,3", "6.5 valid"),
            (
                "  k: {type: decimal, places: 1}\n  m: {type: integer}", "scale: 0.5, offset: -0.05", "1.5,3",
                "0.7 valid"
            ),
            (
                "  k: {type: integer}\n  m: {type: integer}", "offset: 10, exponent: {field: m, range: [-2, 2]}",
                "15,-1", "11.5 valid"
            ),
            (
                "  k: {type: integer}\n  m: {type: integer}",
                "scale: 2, offset: 20, exponent: {field: m, range: [1, 2]}", "15,2", "3020 valid"
            ),
            (
                "  k: {type: decimal, places: 1}\n  m: {type: integer}",
                "offset: -273.1, exponent: {field: m, range: [0, 2]}", "300.1,0", "27 valid"
            ),
        ]) func anOffsetIsInTheMetricsUnit(fields: String, metric: String, line: String, value: String) throws
    {
        #expect(lines(try text(fields, "unit: Cel, \(metric)"), line) == [value])
    }

    @Test func anOffsetStaysInItsUnitWhereTheScaleIsOverridden() throws {
        let profile = try modbus(
            "metrics:\n  - {metric: MDC_TEMP, from: {input: 1, type: int16}, scale: 0.1, offset: -40, unit: Cel, "
                + "every: 5s}")
        var overrides = DeviceOverrides()
        overrides.scale["MDC_TEMP"] = DecimalScale(multiplier: 1, exponent: -2)
        let plan = profile.compile(handle: "device", overrides: overrides)
        guard case .modbus(let modbus) = plan.protocolPlan else { return }
        var decoder = ModbusDecoder(plan)
        var kept = Kept()
        decoder.take([0x19, 0x64], from: 0, of: modbus.blocks[0], time: 1, sink: &kept)
        #expect(plan.streams[0].json(bits: kept.records[0].bits, text: nil).text == "25")
        // −40 is no whole number of 30.
        let thirty = DecimalScale(multiplier: 3, exponent: 1)
        #expect(profile.fault(of: thirty, profile.metrics[0])?.contains("offset") == true)
    }

    @Test func whatIsBeyondAllScalesIsRefused() {
        for (scale, range) in [("1e18", "[1, 9]"), ("1e-18", "[-1, 0]")] {
            let told = refusal {
                try text(
                    "  k: {type: integer}\n  m: {type: integer}",
                    "unit: Cel, scale: \(scale), exponent: {field: m, range: \(range)}")
            }
            #expect(told.contains("that is kept"), "\(told)")
        }
    }

    // MARK: Counters

    static let counters: [(String, String, [UInt16], [Validity])] = [
        (
            "uint16", "scale: 10, jump: 1000, wraps-at: 65536", [60000, 5000, 4000, 50],
            [.questionable, .questionable, .questionable]
        ),
        ("uint16", "scale: 0.1, jump: 10, wraps-at: 65536", [65530, 5, 6, 5], [.valid, .valid, .questionable]),
        ("uint16", "scale: 1, jump: 10, wraps-at: 1000", [2000, 500, 1600], [.questionable, .questionable]),
        ("uint16", "scale: 1, jump: 10, wraps-at: 1000", [995, 2, 995], [.valid, .questionable]),
        ("uint16", "scale: 1, jump: 10, wraps-at: 1000", [1000, 2], [.questionable]),
        ("uint16", "scale: -0.1, jump: 1, wraps-at: 65536", [65530, 2, 12, 23], [.valid, .valid, .questionable]),
        ("uint16", "scale: 0.1, offset: 100, jump: 10, wraps-at: 65536", [65530, 5], [.valid]),
        ("int16", "jump: 10, wraps-at: 32768", [32767, 3, 65535], [.valid, .valid]),
        ("bcd16", "jump: 10, wraps-at: 10000", [0x9998, 0x0003], [.valid]),
    ]

    @Test(arguments: counters) func aCounterWrapsAtTheNumberThatIsRead(
        type: String, metric: String, counts: [UInt16], validities: [Validity]
    ) throws {
        let profile = try modbus(
            "metrics: [{metric: MDC_TEMP, from: {input: 1, type: \(type)}, \(metric), unit: Cel, every: 5s}]")
        let records = try read(profile, counts.map { [UInt8($0 >> 8), UInt8($0 & 0xFF)] })
        #expect(records.dropFirst().map(\.validity) == validities)
    }

    @Test func aCounterThatIsWrittenWrapsAtTheNumberThatIsWritten() throws {
        let profile = try text(
            "  k: {type: decimal, places: 1}\n  m: {type: integer}", "unit: Cel, scale: 10, jump: 50, wraps-at: 1000")
        #expect(lines(profile, "999.5,0", "2,0", "8,0") == ["9995 valid", "20 valid", "80 questionable"])
    }

    @Test func aChangeOfALargeNumberIsCounted() throws {
        let profile = try modbus(
            "metrics: [{metric: NABD_ENERGY_TOTAL, from: {input: 1, type: int64}, jump: 5, unit: kW.h, every: 5s}]")
        let base: UInt64 = 1 << 60
        let records = try read(profile, [base, base + 5, base + 11].map(Self.word))
        #expect(records.map(\.validity) == [.valid, .valid, .questionable])
    }

    @Test(
        arguments: [
            ("type: uint16", "jump: 5, wraps-at: -5", "expected how many numbers the counter has"),
            ("type: uint16", "jump: 5, wraps-at: 0", "expected how many numbers the counter has"),
            ("type: uint16", "jump: 5, wraps-at: 10.5", "expected how many numbers the counter has"),
            ("type: uint16", "jump: 5, wraps-at: 100000", "never more than 65535"),
            ("type: uint16, bits: 0..7", "jump: 5, wraps-at: 257", "never more than 255"),
            ("type: int16", "jump: 5, wraps-at: 65536", "never more than 32767"),
            ("type: bcd16", "jump: 5, wraps-at: 10001", "never more than 9999"),
            ("type: sign-magnitude16", "jump: 5, wraps-at: 65536", "never more than 32767"),
            ("type: float32", "jump: 5, wraps-at: 100", "whole numbers of one size"),
            ("type: uint16", "wraps-at: 65536", "say “jump” as well"),
            ("type: uint64", "jump: 5, wraps-at: 12345678901234567", "at most 15 digits"),
            ("type: uint16", "jump: 0.1234567890123456789", "as a number"),
        ]) func aCounterThatCannotBeIsRefused(type: String, metric: String, words: String)
    {
        let told = refusal {
            try modbus("metrics: [{metric: MDC_TEMP, from: {input: 1, \(type)}, \(metric), unit: Cel, every: 5s}]")
        }
        #expect(told.contains(words) && told.contains("profile.yaml:5:"), "\(told)")
    }
}
