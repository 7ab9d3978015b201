import DeviceModel
import DevicePlans
import ProfileLanguage
import StrictYAML
import TestSupport
import Testing

@testable import DeviceDrivers

private struct KeptWords: RecordSink {
    var records: [String] = []
    mutating func take(_ record: SampleRecord, frameOffset: Int) {
        records.append(
            "\(record.kind) \(record.index) \(record.monotonicNanoseconds) \(record.bits) \(record.validity) "
                + "\(record.reason) \(frameOffset)"
        )
    }
}

/// Plain numbers are read at once; what comes of it is what the general way gives.
@Suite struct PlainNumberTests {
    /// Every kind of number with every kind of judgement, and some that are not plain.
    private func plan() throws -> DevicePlan {
        let kinds = [
            "int16", "uint16", "int32", "uint32", "int64", "float32", "uint64", "bcd16", "int32, words: low-first",
            "uint32, words: low-first",
            "float32, words: low-first", "int64, words: low-first", "uint16, bits: 3..9",
        ]
        let judgements = [
            "", ", plausible: [-40, 80]", ", absolute: [-100, 30000]", ", plausible: [0, 200], absolute: [-50, 20000]",
            ", plausible: [-20, 20], jump: 5",
        ]
        var vmds = "vmds:\n"
        var metrics = "metrics:\n"
        var address = 0
        for kind in kinds {
            for (number, judgement) in judgements.enumerated() {
                let missing =
                    number.isMultiple(of: 2) && !kind.hasPrefix("bcd") && !kind.hasSuffix("9")
                    ? ", missing: {1: notAvailable, 0x7FFF: overflow}" : ""
                let isFloat = kind.hasPrefix("float")
                let scale = isFloat ? "" : ", scale: 0.1\(number == 3 ? ", offset: 4" : "")"
                vmds += "  c\(address): {label: c}\n"
                metrics +=
                    "  - {metric: MDC_TEMP, vmd: c\(address), from: {holding: \(address), type: "
                    + "\(kind)\(missing)}\(scale), unit: Cel, every: 1s\(judgement)}\n"
                address += kind.contains("64") ? 4 : kind.contains("32") ? 2 : 1
            }
        }
        let text = """
            nabd: profile/1
            device: {manufacturer: t, model: t, kind: t}
            provenance: [{document: t, seen: t}]
            line: {modbus: tcp, unit: 1}
            \(vmds)\(metrics)
            """
        return try DeviceProfile.load(try YAMLFile(path: "t/t/profile.yaml", text: text)).compile(handle: "t")
    }

    @Test func bothWaysSayTheSame() throws {
        let plan = try plan()
        guard case .modbus(let modbus) = plan.protocolPlan else { return }
        let runs = modbus.blocks.flatMap(\.list.turns).compactMap { turn in
            if case .numbers(let run) = turn { run } else { nil }
        }
        #expect(runs.reduce(0) { $0 + $1.count } > 30 && runs.contains { $0.count > 1 })
        #expect(modbus.blocks.flatMap(\.list.turns).contains { turn in if case .field = turn { true } else { false } })
        var generator = SeededGenerator(seed: 9)
        let captures = CaptureTable(capacity: 0)
        var (quick, general) = (ValueJudge(plan), ValueJudge(plan))
        let words: [UInt16] = [0, 1, 0x7FFF, 0x8000, 0xFFFF, 0x7FC0, 0x42C8, 0xC2C8, 100, 200, 300]
        for round in 0..<3000 {
            for block in modbus.blocks {
                let bytes = (0..<block.count).flatMap { _ -> [UInt8] in
                    let word =
                        Bool.random(using: &generator)
                        ? words.randomElement(using: &generator) ?? 0
                        : UInt16.random(in: 0...UInt16.max, using: &generator)
                    return [UInt8(word >> 8), UInt8(truncatingIfNeeded: word)]
                }
                let length = round.isMultiple(of: 10) ? Int.random(in: 0...bytes.count, using: &generator) : bytes.count
                let moment = Moment(time: Int64(round) * 1_000_000_000, offset: round)
                var (one, other) = (RecordBuffer(), RecordBuffer())
                quick.beginMessage()
                general.beginMessage()
                quick.read(block.list, bytes: bytes, start: 0, length: length, captures: captures, moment, sink: &one)
                general.read(
                    block.fields, bytes: bytes, start: 0, length: length, captures: captures, moment, sink: &other)
                var (left, right) = (KeptWords(), KeptWords())
                one.hand(over: &left)
                other.hand(over: &right)
                #expect(left.records == right.records)
                guard left.records == right.records else { return }
            }
        }
    }

    /// Numbers of every kind of bits, with bytes that decide about them, and bits that raise alerts.
    ///
    /// - Parameter isPlain: whether nothing else is among them.
    private func frames(isPlain: Bool) throws -> DevicePlan {
        // How it is written at a byte, and how many bytes it takes.
        let all: [(at: (Int) -> String, size: Int)] = [
            ({ "byte: \($0), type: uint8" }, 1), ({ "byte: \($0), bits: 0..3" }, 1), ({ "byte: \($0), bits: 2..6" }, 1),
            ({ "byte: \($0), type: int16" }, 2), ({ "byte: \($0), type: uint16le" }, 2),
            ({ "byte: \($0), type: uint32" }, 4), ({ "byte: \($0), type: int32le" }, 4),
            ({ "byte: \($0), type: int8" }, 1),
            ({ "join: [{byte: \($0), bits: 0..1}, {byte: \($0 + 1), bits: 0..6}]" }, 2),
            ({ "join: [{byte: \($0), bits: 0..3}, {byte: \($0 + 1), bits: 0..7}, {byte: \($0 + 2), bits: 4..7}]" }, 3),
            ({ "byte: \($0), type: bcd8" }, 1),
        ]
        let kinds = all.filter { kind in
            // Bits that do not meet, and digits.
            !isPlain || !["0..6}", "bcd"].contains { kind.at(0).contains($0) }
        }
        let gates = [
            "", ", validity-when: {byte: 1, bit: 6, is: 1, validity: notAvailable}",
            ", validity-when: [{byte: 1, bit: 4, is: 1, validity: questionable}, {byte: 1, bit: 3, is: 1, validity: "
                + "invalid}]",
            ", validity-when: [{byte: 1, bit: 2, is: 0, validity: questionable}, {byte: 2, is: 7, validity: invalid}]",
            ", missing: {1: notAvailable, 2: overflow}",
        ]
        var (fields, metrics, vmds) = ("fields:\n", "metrics:\n", "vmds:\n")
        var (count, place) = (0, 3)
        for kind in kinds {
            for gate in gates {
                fields += "  f\(count): {in: frame, \(kind.at(place))\(gate)}\n"
                place += kind.size
                vmds += "  c\(count): {label: c}\n"
                let limits =
                    count.isMultiple(of: 3)
                    ? ", plausible: [3, 90]" : count.isMultiple(of: 2) ? ", absolute: [0, 99]" : ""
                metrics += "  - {metric: MDC_TEMP, vmd: c\(count), from: f\(count), unit: Cel, every: 1s\(limits)}\n"
                count += 1
            }
        }
        let text = """
            nabd: profile/1
            device: {manufacturer: t, model: t, kind: t}
            provenance: [{document: t, seen: t}]
            line: {serial: 9600, format: 8N1}
            frames:
              frame: {start: 0xAA, length: \(place + 4), checksum: {sum8: 0..\(place + 2), at: \(place + 3)}}
            \(vmds)\(fields)  a: {in: frame, byte: \(place), bits: 6}
              b: {in: frame, byte: \(place + 1), type: int8, missing: {5: notAvailable}}
              c: {in: frame, byte: \(place + 2), bits: 0..2}
            \(metrics)
            alerts:
              - {alert: MDC_EVT_SENSOR_DISCONN, when: {field: a, is: 1}, priority: low, text: a, text-ar: ا}
              - {alert: MDC_EVT_SENSOR_MALF, when: {field: b, is-not: -3}, priority: low, text: b, text-ar: ب}
              - {alert: MDC_EVT_MALF, when: {field: c, is: [1, 4]}, priority: low, text: c, text-ar: ج}
            """
            .replacing("is: [1, 4]", with: isPlain ? "is: 4" : "is: [1, 4]")
        return try DeviceProfile.load(try YAMLFile(path: "t/t/profile.yaml", text: text)).compile(handle: "t")
    }

    @Test(arguments: [false, true])
    func bothWaysSayTheSameOfFrames(isPlain: Bool) throws {
        let plan = try frames(isPlain: isPlain)
        guard case .serial(let serial) = plan.protocolPlan, let list = serial.frameFields.first else { return }
        #expect(list.numbers.count > 35 && list.switches.count > 1 && list.isPlain == isPlain)
        var generator = SeededGenerator(seed: 11)
        let captures = CaptureTable(capacity: 0)
        var (quick, general) = (ValueJudge(plan), ValueJudge(plan))
        let whole = serial.frames[0].longest
        for round in 0..<5_000 {
            let bytes = (0..<whole).map { _ in
                UInt8.random(in: 0...(Bool.random(using: &generator) ? 7 : 255), using: &generator)
            }
            let length = round.isMultiple(of: 10) ? Int.random(in: 0...whole, using: &generator) : whole
            let moment = Moment(time: Int64(round) * 1_000_000_000, offset: round)
            var (one, other) = (RecordBuffer(), RecordBuffer())
            quick.beginMessage()
            general.beginMessage()
            quick.read(list, bytes: bytes, start: 0, length: length, captures: captures, moment, sink: &one)
            general.read(list.fields, bytes: bytes, start: 0, length: length, captures: captures, moment, sink: &other)
            var (left, right) = (KeptWords(), KeptWords())
            one.hand(over: &left)
            other.hand(over: &right)
            #expect(left.records == right.records)
            guard left.records == right.records else { return }
        }
    }

    /// A device that was swapped says so in the same read as its values, behind them.
    @Test func aReadThatBeginsAnotherDeviceGivesNoValueOfIt() throws {
        let text = """
            nabd: profile/1
            device: {manufacturer: t, model: t, kind: t}
            provenance: [{document: t, seen: t}]
            line: {modbus: rtu, baud: 9600, format: 8N1, unit: 1}
            session: {identify: {field: serial}}
            fields:
              serial: {holding: 4, registers: 2, type: text, every: 1s}
            vmds:
              a: {label: a}
              b: {label: b}
            metrics:
              - {metric: MDC_TEMP, vmd: a, from: {holding: 2, type: int16}, unit: Cel, every: 1s}
              - {metric: MDC_TEMP, vmd: b, from: {holding: 6, type: int16}, unit: Cel, every: 1s}
            """
        let profile = try DeviceProfile.load(try YAMLFile(path: "t/t/profile.yaml", text: text))
        let plan = profile.compile(handle: "t", expectedSerial: "AB12")
        guard case .modbus(let modbus) = plan.protocolPlan else { return }
        #expect(modbus.blocks.count == 1 && modbus.blocks.first?.list.numbers.count == 2)
        var decoder = ModbusDecoder(plan)
        func read(_ serial: String) throws -> [String] {
            var kept = KeptWords()
            let data: [UInt8] = [0, 7, 0, 0] + Array(serial.utf8) + [0, 8]
            decoder.take(data, from: 0, of: try #require(modbus.blocks.first), time: 1, sink: &kept)
            return kept.records.filter { $0.hasPrefix("sample") }.map { String($0.split(separator: " ")[4]) }
        }
        #expect(try read("AB12") == ["valid", "valid"])
        #expect(try read("XX99") == ["invalid", "invalid"])
        #expect(try read("AB12") == ["valid", "valid"])
    }
}
