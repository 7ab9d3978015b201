import DeviceModel
import DevicePlans
import ProfileLanguage
import StrictYAML
import TestSupport
import Testing

@testable import DeviceDrivers

/// How numbers are written: the codings, orders and parts that devices use.
@Suite struct CodingTests {
    // MARK: Registers

    private func registers(_ fields: String, _ metric: String, unit: String = "unit: V") throws -> DevicePlan {
        let text = """
            nabd: profile/1
            device: {manufacturer: XY, model: M, kind: energy meter}
            provenance: [{document: manual, seen: here}]
            line: {modbus: rtu, baud: 9600, format: 8N1, unit: 1}
            \(fields)
            metrics:
              - {metric: NABD_BATTERY_VOLTAGE, \(metric), \(unit), every: 1s}
            """
        return try DeviceProfile.load(try YAMLFile(path: "xy/m/profile.yaml", text: text)).compile(handle: "device")
    }

    private func read(_ plan: DevicePlan, _ data: [UInt8]) throws -> (SampleRecord, String) {
        guard case .modbus(let modbus) = plan.protocolPlan, let block = modbus.blocks.first else {
            throw InvalidFile(diagnostics: [])
        }
        #expect(modbus.blocks.count == 1 && block.count * 2 == data.count, "one read of \(data.count) bytes")
        var decoder = ModbusDecoder(plan)
        var kept = Kept()
        decoder.take(data, from: 0, of: block, time: 1, sink: &kept)
        let record = try #require(kept.records.first { $0.kind == .sample && $0.index == 0 })
        return (record, plan.streams[0].json(bits: record.bits, text: nil).text)
    }

    @Test(
        arguments: [
            ("type: uint32", [0x12, 0x34, 0x56, 0x78], "305419896"),
            ("type: uint32, words: low-first", [0x56, 0x78, 0x12, 0x34], "305419896"),
            ("type: uint32, bytes: low-first", [0x34, 0x12, 0x78, 0x56], "305419896"),
            ("type: uint32, words: low-first, bytes: low-first", [0x78, 0x56, 0x34, 0x12], "305419896"),
            ("type: float32, bytes: low-first", [0x48, 0x41, 0x00, 0x00], "12.5"),
            ("type: float64", [0x40, 0x29, 0, 0, 0, 0, 0, 0], "12.5"),
            ("type: float64, words: low-first", [0, 0, 0, 0, 0, 0, 0x40, 0x29], "12.5"),
            ("type: bcd32", [0x12, 0x34, 0x56, 0x78], "12345678"), ("type: sign-magnitude16", [0x80, 0x05], "-5"),
            ("type: sign-magnitude16", [0x00, 0x05], "5"), ("type: sign-magnitude32", [0x80, 0, 0, 7], "-7"),
            ("type: int16, bytes: low-first", [0xFE, 0xFF], "-2"),
            ("type: uint16, bits: 4..7, bytes: low-first", [0x30, 0x00], "3"),
        ] as [(String, [UInt8], String)])
    func registersAreReadInTheirOrder(type: String, data: [UInt8], value: String) throws {
        let (record, text) = try read(registers("", "from: {input: 10, \(type)}"), data)
        #expect(record.validity == .valid && text == value)
    }

    @Test(
        arguments: [
            ("sign-magnitude16", [0x80, 0x00], Validity.invalid, Reason.malformed),
            ("float64", [0x7F, 0xF8, 0, 0, 0, 0, 0, 0], .invalid, .notANumber),
            ("bcd32", [0x12, 0x3A, 0, 0], .invalid, .malformed),
        ] as [(String, [UInt8], Validity, Reason)])
    func whatIsNoNumberIsNone(type: String, data: [UInt8], validity: Validity, reason: Reason) throws {
        let (record, _) = try read(registers("", "from: {input: 10, type: \(type)}"), data)
        #expect(record.validity == validity && record.reason == reason)
    }

    @Test(
        arguments: [
            ("sign-magnitude16, missing: {0x8000: notAvailable}", [0x80, 0x00]),
            ("float64, missing: {NaN: notAvailable}", [0x7F, 0xF8, 0, 0, 0, 0, 0, 0]),
            ("float64, missing: {-9999: notAvailable}", [0xC0, 0xC3, 0x87, 0x80, 0, 0, 0, 0]),
            ("bcd32, missing: {99999999: notAvailable}", [0x99, 0x99, 0x99, 0x99]),
            ("sign-magnitude16, missing: {-5: notAvailable}", [0x80, 0x05]),
        ] as [(String, [UInt8])])
    func sentinelsAreSaidOnEveryCoding(type: String, data: [UInt8]) throws {
        let (record, _) = try read(registers("", "from: {input: 10, type: \(type)}"), data)
        #expect(record.validity == .notAvailable && record.reason == .sentinel)
    }

    @Test func aValueIsPutTogetherOfBitsOfSeveralRegisters() throws {
        let plan = try registers(
            "fields:\n  total: {join: [{input: 13, bits: 0..3}, {input: 10}, {input: 11, bits: 8..15}], type: "
                + "unsigned}\n",
            "from: total")
        let (record, text) = try read(plan, [0x12, 0x34, 0x56, 0xFF, 0xFF, 0xFF, 0xFF, 0xF7])
        #expect(record.validity == .valid && text == "\(0x7123456)")
        let signed = try registers(
            "fields:\n  total: {join: [{input: 11}, {input: 10}], type: signed}\n", "from: total")
        #expect(try read(signed, [0xFF, 0xFE, 0xFF, 0xFF]).1 == "-2")
    }

    /// SunSpec: a number and the power of ten by which it counts.
    @Test(
        arguments: [
            ([0x00, 0x7D, 0xFF, 0xFF], "12.500", Validity.valid, Reason.none),
            ([0x00, 0x7D, 0x00, 0x00], "125.000", .valid, .none),
            ([0x00, 0x7D, 0xFF, 0xFD], "0.125", .valid, .none),
            ([0x00, 0x7D, 0x80, 0x00], nil, .invalid, .unknownStatus),
            ([0x00, 0x7D, 0x00, 0x09], nil, .invalid, .malformed),
            ([0xFF, 0xFF, 0xFF, 0xFF], nil, .notAvailable, .sentinel),
        ] as [([UInt8], String?, Validity, Reason)])
    func aPowerOfTenIsTold(data: [UInt8], value: String?, validity: Validity, reason: Reason) throws {
        let plan = try registers(
            "fields:\n  v: {holding: 10, type: uint16, missing: {0xFFFF: notAvailable}}\n  sf: {holding: 11, type: "
                + "int16, missing: {0x8000: notAvailable}, every: 60s}\n",
            "from: v, exponent: {field: sf, range: [-3, 3]}")
        let (record, text) = try read(plan, data)
        #expect(record.validity == validity && record.reason == reason)
        if let value { #expect(text == value || Double(text) == Double(value)) }
    }

    @Test func aCounterOfTwoPartsIsOne() throws {
        let plan = try registers(
            "fields:\n  kwh: {holding: 10, type: uint16}\n  mwh: {holding: 11, type: uint16, every: 60s}\n",
            "from: kwh, plus: [{field: mwh, times: 1000}]")
        #expect(try read(plan, [0x01, 0x00, 0x00, 0x02]).1 == "2256")
    }

    @Test(
        arguments: [
            ("from: kwh, exponent: {field: far, range: [-3, 3]}", "cannot be one request"),
            ("from: kwh, exponent: {field: sf, range: [-99, 3]}", "-9 to 9"),
            ("from: kwh, plus: [{field: f}]", "cannot be added exactly"),
            ("from: f, plus: [{field: kwh}]", "is no float"),
        ])
    func whatCannotBeMadeIsRefused(metric: String, words: String) {
        let fields = """
            fields:
              kwh: {holding: 10, type: uint16}
              sf: {holding: 11, type: int16, every: 60s}
              far: {holding: 900, type: int16, every: 60s}
              f: {holding: 12, type: float32, every: 60s}
            """
        do throws(InvalidFile) {
            do { _ = try registers(fields, metric) } catch let error as InvalidFile { throw error } catch {}
            Issue.record("nothing was told")
        } catch { #expect(error.description.contains(words), "\(error)") }
    }

    @Test func aCounterThatBeginsAnewDoesNotJump() throws {
        for (wraps, validity) in [("", Validity.questionable), (", wraps-at: 65536", .valid)] {
            let plan = try registers("", "from: {input: 10, type: uint16}, jump: 100\(wraps)")
            guard case .modbus(let modbus) = plan.protocolPlan else { return }
            var decoder = ModbusDecoder(plan)
            var kept = Kept()
            decoder.take([0xFF, 0xF0], from: 0, of: modbus.blocks[0], time: 1_000_000_000, sink: &kept)
            decoder.take([0x00, 0x05], from: 0, of: modbus.blocks[0], time: 2_000_000_000, sink: &kept)
            #expect(kept.records.map(\.validity) == [.valid, validity])
        }
    }

    // MARK: Text

    private func text(
        _ message: String, fields: String, metrics: String,
        frame: String = "start: \"$\", end: \"\\r\\n\", longest: 200", split: String = ", split: \",\""
    )
        throws -> DevicePlan
    {
        let text = """
            nabd: profile/1
            device: {manufacturer: XY, model: M, kind: position receiver}
            provenance: [{document: manual, seen: here}]
            line: {serial: 9600, format: 8N1}
            frames:
              line: {\(frame)\(split)}
            messages:
              all: \(message)
            fields:
            \(fields)
            metrics:
            \(metrics)
            """
        return try DeviceProfile.load(try YAMLFile(path: "xy/m/profile.yaml", text: text)).compile(handle: "device")
    }

    private func samples(_ plan: DevicePlan, _ bytes: String) -> [(Validity, String)] {
        CaptureDecoder(plan).decode(Array(bytes.utf8)).map(\.record).filter { $0.kind == .sample }.map {
            ($0.validity, plan.streams[Int($0.index)].json(bits: $0.bits, text: $0.textValue).text)
        }
    }

    @Test(
        arguments: [
            ("2619.6200,N", "26.3270000", Validity.valid), ("2619.6200,S", "-26.3270000", .valid),
            ("04358.5207,N", "43.9753450", .valid),
            ("0000.0000,N", "0.0000000", .valid), ("2660.0000,N", nil, .invalid), ("26.5,N", nil, .invalid),
            (",N", nil, .notAvailable),
            ("2619.6200,", nil, .invalid), ("2619.6200,X", nil, .invalid),
        ] as [(String, String?, Validity)])
    func degreesAndMinutesAreDegrees(written: String, value: String?, validity: Validity) throws {
        let plan = try text(
            "\"L,{lat},{ns}\"",
            fields:
                "  lat: {type: degrees-minutes, missing: {\"\": notAvailable}, validity-when: {field: ns, is-not: [N, "
                + "S], validity: invalid}}\n  ns: {type: text}",
            metrics: "  - {metric: NABD_LATITUDE, from: lat, unit: deg, every: 1s, negative-when: {field: ns, is: S}}")
        let found = samples(plan, "$L,\(written)\r\n")
        #expect(found.map(\.0) == [validity])
        if let value { #expect(Double(found[0].1) == Double(value)) }
    }

    @Test(
        arguments: [
            ("1:23", "83"), ("0:05", "5"), ("24:00", "1440"), ("1:02:03", "3723"), ("1:60", nil), ("83", nil),
            ("1:2", nil), ("a:00", nil),
        ]
            as [(String, String?)])
    func hoursAndMinutesAreMinutes(written: String, value: String?) throws {
        let plan = try text(
            "\"T,{left}\"", fields: "  left: {type: hours-minutes}",
            metrics: "  - {metric: MDC_TIME_PD_REMAIN, from: left, unit: min, every: 1s}")
        let found = samples(plan, "$T,\(written)\r\n")
        #expect(found.map(\.1) == [value ?? "0"] && found.map(\.0) == [value == nil ? .invalid : .valid])
    }

    @Test func whatALastItemLeavesOutIsEmpty() throws {
        let plan = try text(
            "\"R,{number},{flag?},{more?}\"",
            fields:
                "  number: {type: integer, validity-when: {field: flag, has: \"*\", validity: questionable}}\n  flag: "
                + "{type: text}\n  more: {type: text}",
            metrics:
                "  - {metric: MDC_PULS_RATE, from: number, unit: /min, every: 1s}\n  - {metric: MDC_DRUG_NAME_LABEL, "
                + "from: more, every: 1s}"
        )
        let numbers = samples(plan, "$R,70\r\n$R,71,*\r\n$R,72,,x\r\n$R,73,,x,y\r\n").filter { Int($0.1) != nil }
        #expect(numbers.map(\.0) == [.valid, .questionable, .valid, .invalid])
    }

    /// VE.Direct: items between marks of two bytes, and a checksum of one raw byte after a mark of eleven.
    @Test func marksOfSeveralBytesAreWhole() throws {
        let plan = try text(
            "{repeat: {split: \"\\r\\n\", each: \"{key}\\t{value}\"}}",
            fields: "  volts: {in: all, key: V, type: integer}",
            metrics: "  - {metric: NABD_BATTERY_VOLTAGE, from: volts, scale: 0.001, unit: V, every: 1s}",
            frame: "start: \"\\r\\nPID\\t\", longest: 200, checksum: {zero-sum8: 0.., after: \"\\r\\nChecksum\\t\"}",
            split: "")
        let body = "\r\nPID\t0xA042\r\nV\t12530\r\nI\t620\r\nChecksum\t"
        let sum = UInt8(truncatingIfNeeded: 256 - Int(body.utf8.reduce(0) { $0 &+ $1 }))
        let bytes = Array(body.utf8) + [sum] + Array(":A0102\n".utf8) + Array(body.utf8) + [sum]
        let found = CaptureDecoder(plan).decode(bytes).map(\.record).filter {
            $0.kind == .sample && $0.validity == .valid
        }
        #expect(found.map(\.bits) == [12530, 12530])
        #expect(
            CaptureDecoder(plan).decode(Array(body.utf8) + [sum &+ 1]).filter { $0.record.validity == .valid }.isEmpty)
    }

    // MARK: What is said

    @Test func aRunningNumberAndTheTimeAreSaid() throws {
        let clock = CivilClock(
            utcOffset: try #require(UTCTime.nanoseconds("2026-11-28T10:00:00Z")), zone: 3 * 3_600_000_000_000)
        let template = try SendTemplate("A{count:3}{count:bit}{now:YYYYMMDDhhmmss}")
        let bytes = template.bytes(SendTemplate.Saying(times: 999, clock: clock, time: 5_000_000_000)) { _ in nil }
        #expect(bytes.map { String(decoding: $0, as: UTF8.self) } == "A000020261128130005")
        #expect(template.bytes(SendTemplate.Saying(times: 0)) { _ in nil } == nil)
        #expect(
            try SendTemplate(hex: "10 {count:byte} 7F").bytes(SendTemplate.Saying(times: 255)) { _ in nil } == [
                0x10, 0, 0x7F,
            ])
        for wrong in ["{count:0}", "{count:x}", "{now:hh}", "{now:}"] {
            #expect(throws: Template.Fault.self) { try SendTemplate(wrong) }
        }
    }
}
