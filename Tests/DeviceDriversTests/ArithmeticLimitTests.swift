import DeviceModel
import DevicePlans
import ProfileLanguage
import Testing

@testable import DeviceDrivers

/// What numbers are held against: limits, samples of curves, signs in a field of their own.
extension ArithmeticTests {
    // MARK: Limits

    @Test(
        arguments: [
            ("scale: -2, offset: 4", "above: 3", "0,1", "1,0"), ("scale: -2, offset: 4", "below: 3", "1,0", "0,1"),
            ("scale: 0.1", "above: 0.7", "8,0", "7,0"), ("scale: 0.1", "above: 0.75", "8,0", "7,0"),
            ("scale: 0.1", "below: 0.75", "7,0", "8,0"), ("scale: 0.1, offset: 5", "above: 5.3", "4,0", "3,0"),
        ]) func aLimitIsOfTheNumberInItsUnit(metric: String, test: String, beyond: String, within: String) throws
    {
        let profile = try text(
            "  k: {type: integer}\n  m: {type: integer}", "unit: Cel, \(metric)",
            "alerts: [{alert: NABD_X, when: {field: k, \(test)}, priority: low, text: t, text-ar: t}]")
        let bytes = [within, beyond, within].map { "$T,\($0)\r\n" }.joined()
        let records = CaptureDecoder(profile.compile(handle: "device")).decode(Array(bytes.utf8)).map(\.record)
        #expect(records.map(\.kind) == [.sample, .sample, .alertStart, .sample, .alertEnd])
    }

    @Test func whatIsWithinLimitsIsCountedExactly() throws {
        let profile = try text(
            "  k: {type: integer}\n  m: {type: integer}", "unit: Cel, scale: -0.1, plausible: [-0.75, 0.3]")
        #expect(
            lines(profile, "7,0", "8,0", "-3,0", "-4,0") == [
                "-0.7 valid", "-0.8 questionable", "0.3 valid", "0.4 questionable",
            ])
    }

    @Test func aFloatAtItsLimitIsNotBeyondIt() throws {
        let profile = try modbus(
            """
            metrics: [{metric: MDC_TEMP, from: {input: 1, type: float32}, unit: Cel, every: 5s, absolute: [0, 37.2]}]
            alerts: [{alert: NABD_X, when: {field: MDC_TEMP, above: 37.2}, priority: low, text: t, text-ar: t}]
            """)
        let bits = Float(37.2).bitPattern
        func answer(_ bits: UInt32) -> [UInt8] { Array(Self.word(UInt64(bits)).suffix(4)) }
        let records = try read(profile, [answer(bits), answer(bits + 1)])
        #expect(records.map(\.kind) == [.sample, .sample, .alertStart])
        #expect(records[0].validity == .valid && records[1].validity == .invalid)
    }

    @Test(
        arguments: [
            "{by: m, C: Cel, F: '[degF]'}", "{by: m, C: Cel, F: {unit: Cel, scale: 0.1}}",
        ]) func aLimitOfAUnitThatIsToldIsRefused(unit: String)
    {
        let told = refusal {
            try text(
                "  k: {type: integer}\n  m: {type: text}", "unit: \(unit), plausible: [30, 45]",
                "alerts: [{alert: NABD_X, when: {field: k, above: 41}, priority: low, text: t, text-ar: t}]")
        }
        #expect(told.contains("profile.yaml:13:10") && told.contains("is told by “m”"), "\(told)")
    }

    @Test func aLimitOfSeveralMetricsIsRefused() {
        let told = refusal {
            try modbus(
                """
                fields:
                  v: {input: 1, type: int16}
                metrics:
                  - {metric: MDC_TEMP, from: v, unit: Cel, every: 5s}
                  - {metric: MDC_TEMP_SKIN, from: v, unit: Cel, scale: 0.1, every: 5s}
                alerts: [{alert: NABD_X, when: {field: v, above: 41}, priority: low, text: t, text-ar: t}]
                """)
        }
        #expect(told.contains("nothing says of which a limit is"), "\(told)")
    }

    // MARK: Curves

    private func curve(_ field: String, _ test: String) throws -> DeviceProfile {
        try load(
            """
            frames:
              f: {start: 0x02, length: 7, checksum: {sum8: 0..5, at: 6}}
            fields:
              state: {in: f, byte: 1, type: uint8}
              v: {in: f, byte: 2, type: uint8, count: 4\(field)}
            waveforms: [{metric: MDC_PULS_OXIM_PLETH, from: v, unit: "1", period: 10ms}]
            metrics: [{metric: MDC_TEMP, from: state, unit: Cel, every: 1s}]
            alerts: [{alert: NABD_X, when: {field: v, \(test)}, priority: low, text: t, text-ar: t}]
            """, line: "line: {serial: 9600, format: 8N1}")
    }

    @Test(
        arguments: [
            ("", "above: 100", [[1, 2, 3, 4], [1, 200, 2, 3], [100, 1, 1, 1]], [.alertStart, .alertEnd]),
            ("", "above: 100", [[1, 2, 3, 101]], [.alertStart]), ("", "bit: 7", [[0, 0, 0x80, 0]], [.alertStart]),
            ("", "is: 9", [[1, 9, 1, 1], [1, 1, 1, 1]], [.alertStart, .alertEnd]),
            (", missing: {255: notAvailable}", "above: 100", [[255, 1, 200, 1], [255, 1, 1, 1]], [.alertStart]),
            (", missing: {255: notAvailable}", "above: 100", [[255, 1, 255, 1], [200, 255, 1, 1]], [.alertStart]),
            (
                ", validity-when: {field: state, is: 1, validity: invalid}", "above: 100", [[1, 200, 200, 200]], []
            ),
            (
                ", missing: {255: notAvailable}, validity-when: {field: state, is: 1, validity: invalid}", "above: 100",
                [[255, 200, 200, 200]], []
            ),
        ] as [(String, String, [[UInt8]], [SampleRecord.Kind])]) func anAlertLooksAtEverySample(
            field: String, test: String, curves: [[UInt8]], kinds: [SampleRecord.Kind]
        ) throws
    {
        let plan = try curve(field, test).compile(handle: "device")
        let bytes = curves.flatMap { samples in
            let body: [UInt8] = [2, 1] + samples
            return body + [body.reduce(0, &+)]
        }
        #expect(alerts(CaptureDecoder(plan).decode(bytes).map(\.record)) == kinds)
    }

    @Test func aCurveDecidesAboutNothing() {
        let told = refusal {
            try load(
                """
                frames:
                  f: {start: 0x02, length: 7, checksum: {sum8: 0..5, at: 6}}
                fields:
                  state: {in: f, byte: 1, type: uint8, validity-when: {field: v, is: 1, validity: invalid}}
                  v: {in: f, byte: 2, type: uint8, count: 4}
                metrics: [{metric: MDC_TEMP, from: state, unit: Cel, every: 1s}]
                """, line: "line: {serial: 9600, format: 8N1}")
        }
        #expect(told.contains("several values that follow each other"), "\(told)")
    }

    // MARK: Signs

    static let sign = "  k: {type: decimal, places: 2}\n  m: {type: text}"

    @Test(
        arguments: [
            ("1.50,S", "-1.5 valid"), ("1.50,N", "1.5 valid"), ("1.50,", "invalid unknownStatus"),
            ("1.50,s", "invalid unknownStatus"), ("1.50,?", "invalid unknownStatus"), ("0.00,S", "0 valid"),
        ]) func aSignThatIsUnknownIsNone(line: String, value: String) throws
    {
        let profile = try text(Self.sign, "unit: Cel, negative-when: {field: m, is: S, positive: N}")
        #expect(lines(profile, line) == [value])
    }

    @Test(
        arguments: [
            ("  k: {type: decimal}\n  m: {type: text}", "is: S", "positive: [N]"),
            ("  k: {type: decimal}\n  m: {type: text}", "is-not: N", "say both"),
            ("  k: {type: decimal}\n  m: {type: text}", "has: S", "say both"),
            ("  k: {type: decimal}\n  m: {type: integer}", "is: 1", "positive: [N]"),
            ("  k: {type: decimal}\n  m: {type: text}", "is: S, positive: S", "negative and positive"),
            ("  k: {type: decimal}\n  m: {type: integer}", "bit: 3, positive: 1", "belongs to “is”"),
            // The gate says nothing of the sign that is negative, or lets the number count.
            (
                "  k: {type: decimal, validity-when: {field: m, is-not: [N, E], validity: invalid}}\n  m: {type: text}",
                "is: S", "positive: [N]"
            ),
            (
                "  k: {type: decimal, validity-when: {field: m, is-not: [N, S], validity: questionable}}\n"
                    + "  m: {type: text}", "is: S", "positive: [N]"
            ),
        ]) func aSignThatLeavesSomethingOpenIsRefused(fields: String, test: String, words: String)
    {
        let told = refusal { try text(fields, "unit: Cel, negative-when: {field: m, \(test)}") }
        #expect(told.contains(words) && told.contains("profile.yaml:12:"), "\(told)")
    }

    /// Profiles of before: a gate on the sign says what is known of it, and one bit has two values.
    @Test func aSignThatIsGuardedIsReadAsBefore() throws {
        let guarded = try text(
            "  k: {type: decimal, validity-when: {field: m, is-not: [N, S], validity: invalid}}\n  m: {type: text}",
            "unit: Cel, negative-when: {field: m, is: S}")
        #expect(lines(guarded, "1,S", "1,N", "1,?") == ["-1 valid", "1 valid", "invalid deviceStatus"])
        let bit = try modbus(
            """
            fields:
              s: {input: 2, type: uint16, bits: 0, every: 5s}
            metrics:
              - metric: MDC_TEMP
                from: {input: 1, type: uint16}
                unit: Cel
                every: 5s
                negative-when: {field: s, is: 1}
            """)
        #expect(try read(bit, [[0, 5, 0, 1], [0, 5, 0, 0]]).map(\.bits) == [-5, 5])
    }
}
