import DeviceDrivers
import DeviceModel
import DevicePlans
import Foundation
import Nomenclature
import ProfileLanguage
import TestSupport
import Testing

private struct Collector: RecordSink {
    var records: [SampleRecord] = []
    mutating func take(_ record: SampleRecord, frameOffset: Int) { records.append(record) }
}

private func plan(_ name: String, serial: String? = nil) throws -> DevicePlan {
    try DeviceProfile.load(Repository.path("device-profiles/\(name)")).compile(handle: "device", expectedSerial: serial)
}

/// Nonin frames with a running pleth, as the device sends them.
private func noninStream(packets: Int, spo2: UInt8 = 97, rate: Int = 72) -> [UInt8] {
    var bytes: [UInt8] = []
    for packet in 0..<packets {
        for frame in 0..<25 {
            let value: UInt8 = frame == 0 ? UInt8(rate >> 7) : frame == 1 ? UInt8(rate & 0x7F) : frame == 2 ? spo2 : 0
            let body: [UInt8] = [1, frame == 0 ? 0x81 : 0x80, UInt8((packet * 25 + frame) % 256), value]
            bytes += body + [body.reduce(0, &+)]
        }
    }
    return bytes
}

@Suite struct ShippedProfileTests {
    /// Every profile of the project; their damaged copies are the lint step's.
    static let names: [String] = {
        let root = Repository.path("device-profiles")
        let found = FileManager.default.enumerator(atPath: root)?.compactMap { $0 as? String } ?? []
        return found.filter { $0.hasSuffix("/profile.yaml") }.map { String($0.dropLast("/profile.yaml".count)) }
            .sorted()
    }()

    @Test(arguments: names)
    func everyVectorPassesAndEveryMetricHasOne(name: String) throws {
        let profile = try DeviceProfile.load(Repository.path("device-profiles/\(name)"))
        let vectors = try VectorFile.load(Repository.path("device-profiles/\(name)/vectors.yaml"), for: profile).vectors
        let runner = VectorRunner(profile)
        for vector in vectors { #expect(runner.run(vector, damaging: false).failures == []) }
        #expect(runner.exercised(by: vectors) == Set(profile.metrics.map(\.name.referenceID)))
    }

    @Test func aVectorThatIsWrongFails() throws {
        let folder = try TemporaryFolder()
        let profile = try DeviceProfile.load(Repository.path("device-profiles/xy/md02"))
        let path = try folder.write(
            "vectors.yaml",
            "nabd: vectors/1\nvectors:\n  - {name: v, kind: derived, source: s, bytes: {hex: \"01 04 00 01 00 01 60 "
                + "0A 01 04 02 01 31 79 74\"}, expect: {MDC_TEMP: 30.6}}"
        )
        let vector = try #require(try VectorFile.load(path, for: profile).vectors.first)
        #expect(VectorRunner(profile).run(vector).failures.count == 1)
    }
}

@Suite struct SerialDecoderTests {
    private func decode(_ bytes: [UInt8], pieces: [Int]) throws -> [SampleRecord] {
        let plan = try plan("nonin/oem-iii-df2")
        guard case .serial(let serial) = plan.protocolPlan else { return [] }
        var decoder = SerialDecoder(plan, serial)
        var sink = Collector()
        var place = 0
        var turn = 0
        while place < bytes.count {
            let piece = Array(bytes[place..<min(bytes.count, place + pieces[turn % pieces.count])])
            decoder.feed(piece, count: piece.count, time: 0, sink: &sink)
            place += piece.count
            turn += 1
        }
        return sink.records
    }

    @Test(arguments: [[1], [2, 3], [7], [1000], [4096]])
    func howBytesArriveChangesNothing(pieces: [Int]) throws {
        let stream = noninStream(packets: 40)
        let whole = try decode(stream, pieces: [stream.count]).map { [Int64($0.index), $0.bits] }
        #expect(try decode(stream, pieces: pieces).map { [Int64($0.index), $0.bits] } == whole)
        #expect(whole.count == 40 * 27)
    }

    @Test(arguments: 0..<125)
    func aStreamThatStartsAnywhereGivesOnlyTrueValues(skipped: Int) throws {
        let records = try decode(Array(noninStream(packets: 4).dropFirst(skipped)), pieces: [64])
        let saturations = records.filter { $0.index == 0 && $0.validity == .valid }
        #expect(saturations.count >= 3 && saturations.allSatisfy { $0.bits == 97 })
        let pleth = records.filter { $0.index == 2 && $0.validity == .valid }.map(\.bits)
        #expect(zip(pleth, pleth.dropFirst()).allSatisfy { $1 == $0 + 1 })
    }

    /// Noise between and inside frames: whatever is read as valid was sent.
    @Test(arguments: 0..<50)
    func noiseNeverBecomesAValue(seed: Int) throws {
        var generator = SeededGenerator(seed: UInt64(seed))
        var bytes = noninStream(packets: 6)
        for _ in 0..<20 {
            let place = Int.random(in: 0..<bytes.count, using: &generator)
            switch Int.random(in: 0..<3, using: &generator) {
            case 0: bytes[place] = UInt8.random(in: 0...255, using: &generator)
            case 1: bytes.remove(at: place)
            default: bytes.insert(UInt8.random(in: 0...255, using: &generator), at: place)
            }
        }
        let valid = try decode(bytes, pieces: [33]).filter { $0.validity == .valid }
        // Between the noise the stream is read: a decoder that believes nothing would pass as well.
        #expect(valid.count { $0.index == 2 } > 20)
        for record in valid {
            if record.index == 0 { #expect(record.bits == 97) }
            if record.index == 1 { #expect(record.bits == 72) }
        }
    }

    @Test func sentinelsAreNoValues() throws {
        let records = try decode(noninStream(packets: 2, spo2: 127, rate: 511), pieces: [64])
        let numerics = records.filter { $0.index < 2 }
        #expect(numerics.count == 4)
        #expect(numerics.allSatisfy { $0.validity == .notAvailable && $0.reason == .sentinel })
    }
}

@Suite struct ReplyTests {
    private static func message(_ payload: String) -> [UInt8] {
        let crc = String(ChecksumAlgorithm.crc16CCITTFalse.compute(payload.utf8), radix: 16, uppercase: true)
        return Array("!\(payload)|\(String(repeating: "0", count: 4 - crc.count))\(crc)\r".utf8)
    }

    private static func status(serial: String = "8003-00107", rate: String = "12.50", alarm: String = "-") -> [UInt8] {
        message("INF^\(serial)^\(alarm)^SET^\(rate)^ml/h^ ^3.210^ml^42^mmHg^24+^EVENT^17")
    }

    private func run(
        _ messages: [[UInt8]], serial: String? = nil, awaiting: SerialDecoder.Awaiting = .reply(0)
    ) throws -> (records: [SampleRecord], decoder: SerialDecoder) {
        let plan = try plan("alaris/asena-gh", serial: serial)
        var serialPlan: SerialPlan?
        if case .serial(let description) = plan.protocolPlan { serialPlan = description }
        let description = try #require(serialPlan)
        var decoder = SerialDecoder(plan, description)
        var sink = Collector()
        for message in messages {
            decoder.awaiting = awaiting
            decoder.feed(message, count: message.count, time: 0, sink: &sink)
        }
        return (sink.records, decoder)
    }

    @Test func aReplyThatNobodyAskedForIsCountedAndNeverRead() throws {
        let result = try run([Self.status()], awaiting: .nothing)
        #expect(result.records.isEmpty)
        #expect(result.decoder.counters.unsolicited == 1)
    }

    @Test func aSecondCopyOfAReplyIsNotReadAgain() throws {
        let result = try run([Self.status() + Self.status()])
        #expect(result.records.count { $0.kind == .sample } == 6)
        #expect(result.decoder.counters.unsolicited == 1)
    }

    @Test func theReplyToAnotherRequestIsNotTaken() throws {
        var result = try run([Self.status()], awaiting: .reply(1))
        #expect(result.records.isEmpty)
        #expect(result.decoder.takeAnswered() == nil)
    }

    @Test func theValuesOfAnotherPumpAreWithheld() throws {
        let records = try run([Self.status()], serial: "8003-00999").records
        #expect(records.first?.event == .wrongDevice)
        let samples = records.filter { $0.kind == .sample }
        #expect(samples.count == 6)
        #expect(
            samples.allSatisfy {
                $0.validity == .invalid && $0.reason == .wrongDevice && $0.bits == 0 && $0.textLength == 0
            })
    }

    @Test func theExpectedPumpIsRead() throws {
        let records = try run([Self.status()], serial: "8003-00107").records
        #expect(records.first?.event == .deviceIdentified)
        #expect(records.filter { $0.kind == .sample }.allSatisfy { $0.validity == .valid })
    }

    @Test func anAlertStartsOnceAndEndsOnce() throws {
        let kinds = try run([
            Self.status(), Self.status(alarm: "AL_OCC"), Self.status(alarm: "AL_OCC"), Self.status(alarm: "AL_NOALM"),
        ])
        .records.map(\.kind).filter { $0 == .alertStart || $0 == .alertEnd }
        #expect(kinds == [.alertStart, .alertEnd])
    }

    @Test(
        arguments: [
            ("12.50", .valid, .none), ("1201", .invalid, .implausible), ("-1", .invalid, .implausible),
            ("12,5", .invalid, .malformed),
            ("", .invalid, .malformed), ("NaN", .invalid, .malformed), ("1e3", .valid, .none),
            ("0.0001", .invalid, .tooPrecise),
            ("99999999999999999999", .invalid, .malformed),
        ] as [(String, Validity, Reason)])
    func ratesAreReadExactlyOrNotAtAll(rate: String, validity: Validity, reason: Reason) throws {
        let record = try #require(
            try run([Self.status(rate: rate)]).records.first { $0.kind == .sample && $0.index == 0 })
        #expect((record.validity, record.reason) == (validity, reason))
    }

    @Test(arguments: 0..<30)
    func randomBytesNeverTrapAndNeverBecomeValues(seed: Int) throws {
        var generator = SeededGenerator(seed: UInt64(seed))
        let alphabet = Array("!|^\r\u{1B}INF0123456789ABCDEF".utf8)
        let messages = (0..<40).map { _ in
            (0..<Int.random(in: 1...400, using: &generator)).map { _ in alphabet.randomElement(using: &generator) ?? 0 }
        }
        #expect(
            try run(messages, awaiting: .anything).records.allSatisfy {
                !$0.validity.carriesValue || $0.kind != .sample
            })
    }
}

@Suite struct ModbusCaptureTests {
    @Test(arguments: 0..<40)
    func randomCapturesNeverTrap(seed: Int) throws {
        var generator = SeededGenerator(seed: UInt64(seed))
        for name in ["xy/md02", "victron/gx"] {
            let plan = try plan(name)
            let bytes = (0..<600).map { _ in UInt8.random(in: 0...4, using: &generator) }
            _ = CaptureDecoder(plan).decode(bytes)
        }
    }

    @Test func blocksJoinNeighboursAndFillCheapHoles() throws {
        guard case .modbus(let modbus) = try plan("victron/gx").protocolPlan else {
            Issue.record("the profile is not compiled to Modbus reads")
            return
        }
        let ranges = modbus.blocks.map { "\($0.unit):\($0.address)+\($0.count)" }
        #expect(ranges.contains("100:2800+10") && ranges.contains("225:259+8"))
    }
}
