import DeviceModel
import Foundation
import TestSupport
import Testing

@testable import JournalCoding

@Suite struct SampleBlockTests {
    private func roundTrip(_ block: SampleBlock, base: Int64 = 0, isText: Bool = false) throws -> SampleBlock {
        try SampleBlock(block.encoded(base: base)[...], base: base) { _ in isText }
    }

    private func judgements(_ validities: [Validity], _ reasons: [Reason]) -> [SampleBlock.Judgement] {
        var runs: [SampleBlock.Judgement] = []
        for (validity, reason) in zip(validities, reasons) {
            if let last = runs.last, last.validity == validity, last.reason == reason {
                runs[runs.count - 1].count += 1
            } else {
                runs.append(SampleBlock.Judgement(validity: validity, reason: reason, count: 1))
            }
        }
        return runs
    }

    private func block(_ bits: [Int64], validities: [Validity]? = nil, reasons: [Reason]? = nil) -> SampleBlock {
        SampleBlock(
            stream: 7, firstSequence: 42, timing: .periodic(first: 123_456_789_123, period: 4_000_000), bits: bits,
            texts: [],
            judgements: judgements(validities ?? bits.map { _ in .valid }, reasons ?? bits.map { _ in .none }))
    }

    @Test(
        arguments: [
            [0], [5, 5, 5, 5], [Int64.max, Int64.min, 0, -1, 1], [1, 2, 3, 4, 5], [Int64.min],
            Array(repeating: Int64.max, count: 300),
            [Int64(Float.nan.bitPattern), Int64(Float.infinity.bitPattern), 0],
        ] as [[Int64]])
    func anyValuesComeBack(bits: [Int64]) throws { #expect(try roundTrip(block(bits)) == block(bits)) }

    @Test(arguments: 0..<200)
    func randomBlocksComeBack(seed: Int) throws {
        var generator = SeededGenerator(seed: UInt64(seed))
        let count = Int.random(in: 1...400, using: &generator)
        let width = Int64(1) << Int64.random(in: 0...62, using: &generator)
        let validities = (0..<count).map { _ in Validity.allCases.randomElement(using: &generator) ?? .valid }
        let reasons = (0..<count).map { _ in Reason.allCases.randomElement(using: &generator) ?? .none }
        let bits = (0..<count).map { index in
            SampleBlock.keepsValue(validities[index], reasons[index])
                ? Int64.random(in: -width...width, using: &generator) : 0
        }
        var time: Int64 = 5_000_000_000
        let times = (0..<count).map { _ in
            time += Int64.random(in: 0...3_000_000, using: &generator) * 1000
            return time
        }
        let original = SampleBlock(
            stream: Int64.random(in: 1...1000, using: &generator),
            firstSequence: Int64.random(in: 0...(1 << 50), using: &generator),
            timing: .explicit(times), bits: bits, texts: [], judgements: judgements(validities, reasons))
        #expect(try roundTrip(original, base: 4_000_000_000) == original)
    }

    @Test func textsComeBack() throws {
        let texts = ["SET", "SET", "", "حقنة", "SET"]
        let original = SampleBlock(
            stream: 3, firstSequence: 0, timing: .explicit([1000, 2000, 3000, 4000, 5000]), bits: [0, 0, 0, 0, 0],
            texts: texts,
            judgements: judgements(
                [.valid, .valid, .notAvailable, .valid, .valid], [.none, .none, .timedOut, .none, .none]))
        #expect(try roundTrip(original, isText: true) == original)
    }

    /// Blocks of one stream as commits write them are one block afterwards, with every bit; where codes go on, theirs
    /// are only put together.
    @Test(arguments: 0..<300)
    func joinedBlocksHoldTheSame(seed: Int) throws {
        var generator = SeededGenerator(seed: UInt64(seed))
        let isWild = seed % 3 == 0
        let width = Int64(1) << Int64.random(in: 0...(isWild ? 62 : 10), using: &generator)
        var state: ValueCoding.State?
        var (originals, coded): ([SampleBlock], [CodedBlock]) = ([], [])
        var (sequence, level): (Int64, Int64) = (Int64.random(in: 0...1000, using: &generator), 0)
        for place in 0..<Int64.random(in: 1...12, using: &generator) {
            let count = Int.random(in: 1...(isWild ? 40 : 250), using: &generator)
            let validity: [Validity] = (0..<count).map { _ in
                Int.random(in: 0..<20, using: &generator) == 0 ? .notAvailable : .valid
            }
            let bits = validity.map { validity -> Int64 in
                level =
                    isWild
                    ? Int64.random(in: -width...width, using: &generator)
                    : level &+ Int64.random(in: -width...width, using: &generator)
                return validity == .valid ? level : 0
            }
            let original = SampleBlock(
                stream: 9, firstSequence: sequence,
                timing: .periodic(first: 1_000_000_000 + sequence * 4_000_000, period: 4_000_000), bits: bits,
                texts: [],
                judgements: judgements(validity, validity.map { $0 == .valid ? .none : .timedOut }))
            sequence += Int64(count)
            originals.append(original)
            let base = place * 250_000_000
            coded.append(try CodedBlock(original.encoded(base: base, state: &state)[...], base: base) { _ in false })
        }
        let joined = try SampleBlock(
            try CodedBlock.joined(coded, ArraySlice(coded.indices), base: 7000)[...], base: 7000
        ) { _ in false }
        #expect(joined.bits == originals.flatMap(\.bits))
        #expect(joined.times == originals.flatMap(\.times))
        #expect(joined.expandedJudgements.map(\.reason) == originals.flatMap(\.expandedJudgements).map(\.reason))
        #expect(joined.firstSequence == originals[0].firstSequence)
    }

    /// The codes of a steady waveform go on from commit to commit, and a change of its nature begins anew.
    @Test func codesGoOnWhereTheyMay() throws {
        var state: ValueCoding.State?
        func isContinued(_ bits: [Int64]) throws -> Bool {
            let before = state
            let bytes = block(bits).encoded(base: 0, state: &state)
            var reader = BitReader(try BlockFrame.checked(bytes[...]))
            _ = try BlockFrame(&reader, base: 0)
            let head = try ValueCoding.Head(&reader)
            #expect(!head.isContinued || head.state == before)
            return head.isContinued
        }
        let walk = (0..<200).map { Int64($0 * 3 + $0 % 7) }
        #expect(try !isContinued(Array(walk[..<60])))
        #expect(try isContinued(Array(walk[60..<120])))
        #expect(try isContinued(Array(walk[120...])))
        #expect(try !isContinued((0..<60).map { $0 % 2 == 0 ? -1 : 1 }))
        #expect(try !isContinued([1, 2, 3]))
    }

    /// What is joined are the codes as they are, from the state that the first began with: coded anew, a quiet stretch
    /// behind a wild one begins otherwise.
    @Test func joiningDecodesNothing() throws {
        func head(_ bytes: [UInt8]) throws -> (state: ValueCoding.State, bits: Int) {
            var reader = BitReader(try BlockFrame.checked(bytes[...]))
            _ = try BlockFrame(&reader, base: 0)
            let head = try ValueCoding.Head(&reader)
            return (head.state, reader.remaining * 8 - head.padding)
        }
        var generator = SeededGenerator(seed: 3)
        var state: ValueCoding.State?
        var parts: [[UInt8]] = []
        for first in stride(from: Int64(0), to: 496, by: 62) {
            let noise: ClosedRange<Int64> = 0...(first == 0 ? 20 : 15)
            let bits = (first..<(first + 62)).map { $0 * 50 + Int64.random(in: noise, using: &generator) }
            let judgement = SampleBlock.Judgement(validity: .valid, reason: .none, count: 62)
            let timing = SampleBlock.Timing.periodic(first: first * 4_000_000, period: 4_000_000)
            let part = SampleBlock(
                stream: 7, firstSequence: first, timing: timing, bits: bits, texts: [], judgements: [judgement])
            parts.append(part.encoded(base: 0, state: &state))
        }
        let heads = try parts.map(head)
        let coded = try parts.map { part in try CodedBlock(part[...], base: 0) { _ in false } }
        let bytes = try CodedBlock.joined(coded, ArraySlice(coded.indices), base: 0)
        let joined = try head(bytes)
        #expect(joined.state == heads[0].state)
        #expect(joined.bits == heads.reduce(0) { $0 + $1.bits })
        let anew = try head(SampleBlock(bytes[...], base: 0) { _ in false }.encoded(base: 0))
        #expect(anew.state != joined.state)
    }

    @Test func everyFlippedBitIsNoticed() {
        let bytes = block((0..<50).map { Int64($0 * $0 % 97) }).encoded(base: 0)
        for place in bytes.indices {
            for bit in 0..<8 {
                var damaged = bytes
                damaged[place] ^= 1 << UInt8(bit)
                #expect(throws: BlockDamage.self) { _ = try SampleBlock(damaged[...], base: 0) { _ in false } }
            }
        }
    }

    /// Behind the checksum nothing is trusted either: any bytes are read or refused, never trapped on.
    @Test(arguments: 0..<300)
    func anyBytesAreReadOrRefused(seed: Int) {
        var generator = SeededGenerator(seed: UInt64(seed))
        var bytes = block((0..<40).map { Int64($0) }).encoded(base: 0).dropLast(4)
        for _ in 0..<Int.random(in: 1...12, using: &generator) {
            bytes[Int.random(in: 0..<bytes.count, using: &generator)] = UInt8.random(in: 0...255, using: &generator)
        }
        for isText in [false, true] { _ = try? SampleBlock(unchecked: bytes, base: 0) { _ in isText } }
    }

    /// The known check value, and eight bytes at a time as one by one.
    @Test func theChecksumIsCastagnolis() {
        #expect(CRC32C.compute(Array("123456789".utf8)) == 0xE306_9283)
        let bytes = (0..<100).map { UInt8(truncatingIfNeeded: $0 * 37) }
        for count in 0..<bytes.count {
            let slow = ~bytes[..<count].reduce(UInt32.max) { CRC32C.update($0, [$1]) }
            #expect(CRC32C.compute(bytes[..<count]) == slow)
        }
    }

    /// A made-up waveform of flat stretches and spikes costs less than a byte a sample.
    @Test func aWaveformIsSmall() throws {
        let samples = (0..<3600).map { Int64(1024 + 300 * ($0 % 250 == 100 ? 1.0 : 0.02 * Double($0 % 7))) }
        let size = stride(from: 0, to: 3600, by: 360).reduce(0) {
            $0 + block(Array(samples[$1..<($1 + 360)])).encoded(base: 0).count
        }
        #expect(Double(size) / 3600 < 1)
    }

    /// The size of a real ECG in blocks of 15 s, beside second differences with the fixed Rice parameter that is best
    /// for each block.
    @Test func aRealECGIsSmallerThanWithFixedCodes() throws {
        let bytes = [UInt8](
            try Data(contentsOf: URL(fileURLWithPath: Repository.path("Benchmarks/data/ecg-mitdb208-mlii-360hz.u16le")))
        )
        let samples = stride(from: 0, to: bytes.count, by: 2).map { Int64(bytes[$0]) | Int64(bytes[$0 + 1]) << 8 }
        #expect(samples.count == 108_000)
        var (ours, fixed) = (0, 0)
        for start in stride(from: 0, to: samples.count, by: 5400) {
            let part = Array(samples[start..<(start + 5400)])
            ours += block(part).encoded(base: 0).count
            fixed += (1...3).map { order in bestFixedSize(part, order: order) }.min() ?? 0
        }
        #expect(ours < fixed)
        #expect(Double(ours) / 108_000 < 0.58)
    }

    /// Bytes of the differences of an order with the best of all Rice parameters, without any header.
    private func bestFixedSize(_ values: [Int64], order: Int) -> Int {
        var differences = values
        for _ in 0..<order { differences = zip(differences.dropFirst(), differences).map { $0 - $1 } }
        return (0..<16).map { parameter in
            differences.reduce(0) { $0 + Int(zigzag($1) >> UInt64(parameter)) + 1 + parameter } / 8
        }.min() ?? 0
    }
}
