import DeviceModel
import DevicePlans
import ProfileLanguage
import StrictYAML
import TestSupport
import Testing

@testable import DeviceDrivers

/// Plain frames are found in runs, where they lie; what is found is what looking at each by itself finds.
@Suite struct PlainFrameTests {
    private static let kinds = [
        "start: 0x01, length: 5, checksum: {sum8: 0..3, at: 4}, valid-when: {byte: 1, bit: 7, is: 1}",
        "start: 0x01, length: 5, checksum: {sum8: 0.., at: 4}",
        "start: 0x01, length: 7, checksum: {crc16-modbus: 0..3, encoding: raw-low-first, at: 4}, valid-when: "
            + "[{byte: 1, bit: 0, is: 1}, {byte: 2, bit: 7, is: 0}]",
        "start: 0x01, length: 6, checksum: {xor8: 1..3, encoding: hex, at: 4}",
    ]

    private func frame(_ kind: String) throws -> FrameFormat {
        let text = """
            nabd: profile/1
            device: {manufacturer: t, model: t, kind: t}
            provenance: [{document: t, seen: t}]
            line: {serial: 9600, format: 8N1}
            frames:
              frame: {\(kind)}
            fields:
              v: {in: frame, byte: 3, type: uint8}
            metrics:
              - {metric: MDC_PULS_OXIM_SAT_O2, from: v, unit: "%", every: 10s}
            """
        return try #require(try DeviceProfile.load(try YAMLFile(path: "t/t/profile.yaml", text: text)).frames.first)
    }

    /// A stream of such frames, of which some are cut, changed, or have something between them.
    private func stream(_ format: FrameFormat, _ length: Int, _ generator: inout SeededGenerator) throws -> [UInt8] {
        var bytes: [UInt8] = []
        let checksum = try #require(format.checksum)
        let place = try #require(format.checksumStart(length: length))
        let covered = try #require(format.covered(length: length))
        for _ in 0..<300 {
            var frame = (0..<length).map { _ in UInt8.random(in: 0...3, using: &generator) }
            frame[0] = 1
            frame[1] |= 0x81
            let sum = checksum.encoded(over: frame[covered])
            frame.replaceSubrange(place..<(place + sum.count), with: sum)
            switch Int.random(in: 0..<40, using: &generator) {
            case 0:
                let bit = Int.random(in: 0..<(8 * length), using: &generator)
                frame[bit / 8] ^= 1 << UInt8(bit % 8)
            case 1: frame.removeLast(Int.random(in: 1..<length, using: &generator))
            case 2: frame.append(UInt8.random(in: 0...3, using: &generator))
            case 3: frame[1] &= 0x7E
            default: break
            }
            bytes += frame
        }
        return bytes
    }

    /// All that a framer says of a stream, each frame with its bytes and its place.
    private func found(_ plan: FramePlan, _ bytes: [UInt8], inRuns: Bool, _ generator: inout SeededGenerator) -> (
        said: [String], inRuns: Int
    ) {
        var framer = Framer([plan], indices: [0])
        var (said, count, place): ([String], Int, Int) = ([], 0, 0)
        while place < bytes.count {
            let piece = min(bytes.count - place, Int.random(in: 1...40, using: &generator))
            place += framer.feed(bytes, from: place, count: piece)
            var isOver = false
            while !isOver {
                if inRuns, let plain = plan.plain {
                    let run = framer.takePlain(plain, in: framer.buffer)
                    for start in stride(from: run.lowerBound, to: run.upperBound, by: plain.length) {
                        let offset = framer.position - run.upperBound + start
                        said.append("\(offset): \(framer.buffer[start..<(start + plain.length)])")
                        count += 1
                    }
                }
                switch framer.next(finished: false) {
                case .needMore: isOver = true
                case .frame(_, let length): said.append("\(framer.frameOffset): \(framer.plain[0..<length])")
                case let other: said.append("\(framer.position): \(other)")
                }
            }
        }
        return (said, count)
    }

    @Test(arguments: kinds)
    func aRunFindsWhatLookingAtEachFinds(kind: String) throws {
        let format = try frame(kind)
        let plan = FramePlan(format)
        let length = try #require(plan.plain?.length)
        for seed in 1...20 {
            var generator = SeededGenerator(seed: UInt64(seed))
            let bytes = try stream(format, length, &generator)
            let one = found(plan, bytes, inRuns: false, &generator)
            let other = found(plan, bytes, inRuns: true, &generator)
            #expect(one.said == other.said)
            #expect(other.inRuns > 150 && other.inRuns < one.said.count)
        }
    }

    @Test(arguments: [
        "start: 0x01, length: 5, end: 0x03, checksum: {sum8: 0..2}",
        "start: [1, 2], length: 5, checksum: {sum8: 0.., at: 4}",
    ])
    func whatIsNotSoPlainIsLookedAtOneByOne(kind: String) throws {
        #expect(FramePlan(try frame(kind)).plain == nil)
    }

    /// A number that takes the place of a text says nothing of it.
    @Test func aTextLeavesNothingBehind() throws {
        let profile = try DeviceProfile.load(Repository.path("device-profiles/nonin/oem-iii-df2"))
        guard case .serial(let serial) = profile.compile(handle: "t").protocolPlan else { return }
        let list = try #require(serial.frameFields.first)
        var buffer = RecordBuffer()
        var record = SampleRecord(kind: .sample, index: 3, monotonicNanoseconds: 1)
        let isTaken = record.setText(Array("AB12".utf8))
        #expect(isTaken)
        buffer.take(record, frameOffset: 0)
        var kept = Kept()
        buffer.hand(over: &kept)
        let bytes: [UInt8] = [1, 0x80, 77, 0, 0]
        buffer.take(
            0..<1, of: list.numbers, list.sentinels, list.gates, bytes.span, Moment(time: 2, offset: 0))
        buffer.hand(over: &kept)
        #expect(kept.records.map(\.textLength) == [4, 0])
        #expect((0..<SampleRecord.textCapacity).allSatisfy { kept.records[1].text[$0] == 0 })
        #expect(kept.records[1].bits == 77 && kept.records[1].monotonicNanoseconds == 2)
    }
}
