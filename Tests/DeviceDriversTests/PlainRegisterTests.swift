import DeviceModel
import DevicePlans
import ProfileLanguage
import StrictYAML
import TestSupport
import Testing

@testable import DeviceDrivers

private struct Kept: RecordSink {
    var records: [String] = []
    mutating func take(_ record: SampleRecord, frameOffset: Int) {
        records.append(
            "\(record.kind) \(record.index) \(record.monotonicNanoseconds) \(record.bits) \(record.validity) "
                + "\(record.reason) \(frameOffset)"
        )
    }
}

/// Plain numbers are read at once; what comes of it is what the general way gives.
@Suite struct PlainRegisterTests {
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
        let runs = modbus.blocks.flatMap(\.turns).compactMap { turn in
            if case .plain(let run) = turn { run } else { nil }
        }
        #expect(runs.reduce(0) { $0 + $1.count } > 30 && runs.contains { $0.count > 1 })
        #expect(modbus.blocks.flatMap(\.turns).contains { turn in if case .field = turn { true } else { false } })
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
                quick.read(block, bytes: bytes, start: 0, length: length, captures: captures, moment, sink: &one)
                general.read(
                    block.fields, bytes: bytes, start: 0, length: length, captures: captures, moment, sink: &other)
                var (left, right) = (Kept(), Kept())
                one.hand(over: &left)
                other.hand(over: &right)
                #expect(left.records == right.records)
                guard left.records == right.records else { return }
            }
        }
    }
}
