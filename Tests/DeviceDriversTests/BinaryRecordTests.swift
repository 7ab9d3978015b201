import DeviceModel
import DevicePlans
import ProfileLanguage
import StrictYAML
import TestSupport
import Testing

@testable import DeviceDrivers

/// Records in lists within lists: what is read, and what is not.
@Suite struct BinaryRecordTests {
    private func load(_ records: String, _ fields: String) throws -> DeviceProfile {
        let text = """
            nabd: profile/1
            device: {manufacturer: XY, model: M, kind: sensor}
            provenance: [{document: manual, seen: here}]
            line: {serial: 9600, format: 8N1}
            frames:
              frame: {start: 0xAA, length: {byte: 1, type: uint8, adds: 3}, longest: 200, checksum: {sum8: 1..}}
            messages:
              m: {length: 3..200, repeat: {\(records)}}
            fields:
            \(fields)
            metrics:
              - {metric: MDC_TEMP, from: value, unit: Cel, every: 1s}
            """
        return try DeviceProfile.load(try YAMLFile(path: "xy/m/profile.yaml", text: text))
    }

    private func frame(_ payload: [UInt8]) -> [UInt8] {
        let body = [UInt8(payload.count)] + payload
        return [0xAA] + body + [body.reduce(0, &+)]
    }

    private func read(_ profile: DeviceProfile, _ payloads: [[UInt8]]) throws -> [String] {
        let plan = profile.compile(handle: "device")
        guard case .serial(let serial) = plan.protocolPlan else { throw InvalidFile(diagnostics: []) }
        var decoder = SerialDecoder(plan, serial)
        var kept = Kept()
        let bytes = payloads.flatMap(frame)
        decoder.feed(bytes, count: bytes.count, time: 1, sink: &kept)
        return kept.records.filter { $0.kind == .sample }.map {
            $0.validity.carriesValue ? "\($0.bits)" : "\($0.validity.word) \($0.reason.word)"
        }
    }

    private let deep = "stride: 3, key-at: 0, from: 2, lists: [0, 1], attributes: {7: record, 8: list}"
    private let value = "  value: {in: m, key: 5, byte: 1, type: int16}"

    @Test func aRecordIsFoundWhereverItStands() throws {
        let profile = try load(deep, value)
        // One attribute with one record; two of them; a list of records; attributes of others between.
        let plain: [UInt8] = [0, 1, 0, 12, 9, 0, 1, 0, 7, 0, 7, 0, 3, 5, 1, 2]
        let list: [UInt8] = [
            0, 1, 0, 25, 9, 0, 2, 0, 20, 0, 6, 0, 2, 1, 1, 0, 8, 0, 10, 0, 2, 0, 6, 4, 0, 1, 5, 0, 9,
        ]
        #expect(try read(profile, [plain]) == ["258"])
        #expect(try read(profile, [list]) == ["9"])
        // A list without items has none of them.
        #expect(try read(profile, [[0, 0, 0, 0]]) == ["notAvailable absent"])
    }

    /// Every number in the lists is changed to every other value: whatever the bytes may be then, no value is read.
    @Test func aLengthThatDoesNotFitGivesNoValue() throws {
        let profile = try load(deep, value)
        let whole: [UInt8] = [
            0, 1, 0, 25, 9, 0, 2, 0, 20, 0, 6, 0, 2, 1, 1, 0, 8, 0, 10, 0, 2, 0, 6, 4, 0, 1, 5, 0, 9,
        ]
        #expect(try read(profile, [whole]) == ["9"])
        for place in [0, 1, 2, 3, 5, 6, 7, 8, 11, 12, 17, 18, 19, 20, 21, 22] {
            for other in UInt8.min...UInt8.max where other != whole[place] {
                var changed = whole
                changed[place] = other
                let heard = try read(profile, [changed])
                let isNone = heard == ["notAvailable absent"] || heard == ["invalid malformed"]
                #expect(isNone, "byte \(place) is \(other): \(heard)")
            }
        }
        for length in 0..<whole.count {
            #expect(try read(profile, [Array(whole[..<length])]) == ["invalid malformed"])
        }
    }

    @Test func aKeyThatComesTwiceHasNoValue() throws {
        let profile = try load("stride: 3, key-at: 0, from: 2", value)
        #expect(try read(profile, [[5, 0, 1, 6, 0, 2]]) == ["1"])
        #expect(try read(profile, [[5, 0, 1, 5, 0, 1], [5, 0, 3]]) == ["invalid malformed", "3"])
        // Bytes that are no whole record make the message none.
        #expect(try read(profile, [[5, 0, 1, 5]]) == ["invalid malformed"])
    }

    @Test func whatStandsInTheRecordAndBesideItIsOfThatRecord() throws {
        let fields = """
              unit: {in: m, key: any, byte: 1, type: uint8}
              state: {in: m, key: any, attribute: 9, byte: 0, type: uint8}
              value:
                in: m
                key: 5
                byte: 2
                type: uint8
                validity-when:
                  - {field: unit, is-not: 1, validity: invalid}
                  - {field: state, is-not: 0, validity: questionable}
            """
        let profile = try load("stride: 3, key-at: 0, from: 2, lists: [0, 0], attributes: {7: record}", fields)
        func object(_ key: UInt8, _ unit: UInt8, state: UInt8?) -> [UInt8] {
            let beside: [UInt8] = state.map { [0, 9, 0, 1, $0] } ?? []
            return [0, state == nil ? 1 : 2, 0, UInt8(7 + beside.count), 0, 7, 0, 3, key, unit, 77] + beside
        }
        func message(_ objects: [UInt8]...) -> [UInt8] {
            [0, UInt8(objects.count), 0, UInt8(objects.joined().count)] + objects.joined()
        }
        #expect(try read(profile, [message(object(5, 1, state: 0), object(6, 2, state: 1))]) == ["77"])
        #expect(
            try read(profile, [message(object(6, 1, state: 0), object(5, 2, state: 0))]) == ["invalid deviceStatus"])
        // The state of another object says nothing of this one.
        #expect(
            try read(profile, [message(object(6, 1, state: 0), object(5, 1, state: nil))]) == ["invalid unknownStatus"])
    }

    @Test(arguments: [
        ("stride: 3, key-at: 3, from: 2", "the bytes of the key"), ("stride: 3, from: 2", "each"),
        ("stride: 3, key-at: 0", "from"), ("stride: 3, key-at: 0, from: 2, attributes: {7: record}", "innermost"),
        ("stride: 3, key-at: 0, from: 2, lists: [0, 0, 0, 0, 0, 0, 0]", "6 deep"),
        ("stride: 3, key-at: 0, from: 2, split: \",\"", "text"),
        ("stride: 3, key-at: 0, from: 2, lists: [0], attributes: {x: record}", "attribute's number"),
        ("split: \",\", each: \"{key}={value}\", lists: [0]", "key-at"),
    ])
    func whatCannotBeIsRefused(records: String, words: String) {
        let error = #expect(throws: InvalidFile.self) { try load(records, value) }
        #expect("\(error.map { "\($0)" } ?? "")".contains(words), "\(error.map { "\($0)" } ?? "")")
    }

    @Test(arguments: [
        ("  value: {in: m, key: 256, byte: 1, type: uint8}", "255"),
        ("  value: {in: m, key: 5, byte: 2, type: int16}", "beyond"),
        ("  value: {in: m, key: 5, attribute: 9, byte: 0, type: uint8}", "key: any"),
        ("  value: {in: m, key: any, attribute: 7, byte: 0, type: uint8}", "holds the records"),
        ("  value: {in: m, byte: 1, type: uint8}", "key"),
    ])
    func aFieldOfNoRecordIsRefused(field: String, words: String) {
        let error = #expect(throws: InvalidFile.self) { try load(deep, field) }
        #expect("\(error.map { "\($0)" } ?? "")".contains(words), "\(error.map { "\($0)" } ?? "")")
    }
}

/// Records that tell their own length, and stand where an index says; values of which only the record tells how many.
@Suite struct IndexedRecordTests {
    private static let indexed =
        "index: {bytes: 2..7, stride: 3, place: {byte: 0, type: uint16le, adds: 8}, ends-with: 0xFF}, key-at: 2, "
        + "stride: {byte: 0, type: uint8, times: 2, adds: 2}"

    private func load(_ records: String, _ gate: String = "") throws -> DeviceProfile {
        let text = """
            nabd: profile/1
            device: {manufacturer: XY, model: M, kind: sensor}
            provenance: [{document: manual, seen: here}]
            line: {serial: 9600, format: 8N1}
            frames:
              frame: {start: 0xAA, length: {byte: 1, type: uint8, adds: 3}, longest: 200, checksum: {sum8: 1..}}
            messages:
              m: {length: 3..200, repeat: {\(records)}}
            fields:
              curve: {in: m, key: 5, byte: 2, type: int16, count: rest, missing: {-1: underflow}\(gate)}
            waveforms:
              - {metric: MDC_PULS_OXIM_PLETH, from: curve, unit: "1", period: 10ms}
            """
        return try DeviceProfile.load(try YAMLFile(path: "xy/m/profile.yaml", text: text))
    }

    private func read(_ profile: DeviceProfile, _ payload: [UInt8]) throws -> [String] {
        let plan = profile.compile(handle: "device")
        guard case .serial(let serial) = plan.protocolPlan else { throw InvalidFile(diagnostics: []) }
        var decoder = SerialDecoder(plan, serial)
        var kept = Kept()
        let body = [UInt8(payload.count)] + payload
        let bytes = [0xAA] + body + [body.reduce(0, &+)]
        decoder.feed(bytes, count: bytes.count, time: 1, sink: &kept)
        return kept.records.filter { $0.kind == .sample }.map {
            $0.validity.carriesValue ? "\($0.bits)" : "\($0.validity.word) \($0.reason.word)"
        }
    }

    /// Two entries: the first record is another's, of one sample; the second ours, of three.
    private let whole: [UInt8] = [0, 0, 6, 4, 0, 5, 1, 0, 0, 9, 3, 0, 0, 1, 0, 2, 255, 255]

    @Test func aRecordStandsWhereTheIndexSays() throws {
        let profile = try load(Self.indexed)
        #expect(try read(profile, whole) == ["1", "2", "underflow sentinel"])
        // The list ends early; bytes between records are nobody's.
        #expect(try read(profile, [3, 0, 5, 0, 0, 255, 7, 7, 7, 1, 0, 0, 8]) == ["8"])
        // A record of none, and none at all, say nothing.
        #expect(try read(profile, [0, 0, 5, 0, 0, 255, 0, 0]).isEmpty)
        #expect(try read(profile, [0, 0, 255, 0, 0, 0]).isEmpty)
        // Of two of one kind nobody knows which is meant.
        #expect(try read(profile, [0, 0, 5, 4, 0, 5, 1, 0, 0, 9, 1, 0, 0, 8]) == ["invalid malformed"])
    }

    /// Every length, and the upper byte of every place, is changed to every other value.
    @Test func aPlaceOrALengthThatDoesNotFitGivesNoValue() throws {
        let profile = try load(Self.indexed)
        for place in [1, 4, 6, 10] {
            for other in UInt8.min...UInt8.max where other != whole[place] {
                var changed = whole
                changed[place] = other
                let heard = try read(profile, changed)
                // The other record shorter, or ours: then whole samples of ours, or nothing.
                let isShorter = heard == Array(["1", "2", "underflow sentinel"].prefix(heard.count))
                #expect(isShorter || heard == ["invalid malformed"], "byte \(place) is \(other): \(heard)")
            }
        }
        for length in 0..<whole.count {
            #expect(try read(profile, Array(whole[..<length])) == ["invalid malformed"])
        }
    }

    @Test func whatDoubtsARecordDoubtsEachOfItsValues() throws {
        let profile = try load(
            Self.indexed, ", validity-when: {byte: 1, bit: 0, is: 1, validity: invalid}")
        #expect(
            try read(profile, [0, 0, 5, 0, 0, 255, 2, 1, 255, 255, 0, 7]) == [
                "underflow sentinel", "invalid deviceStatus",
            ])
        #expect(try read(profile, [0, 0, 5, 0, 0, 255, 2, 0, 255, 255, 0, 7]) == ["underflow sentinel", "7"])
    }

    /// A record that ends before the byte which says what its values are worth: nobody knows what they are worth.
    @Test func aStateThatARecordIsTooShortForIsNotKnown() throws {
        let profile = try load(
            "stride: {byte: 1, type: uint8, adds: 2}, key-at: 0, from: 2",
            ", validity-when: {byte: 5, bit: 0, is: 1, validity: invalid}")
        #expect(try read(profile, [5, 4, 0, 7, 0, 2]) == ["7", "2"])
        #expect(try read(profile, [5, 4, 0, 7, 0, 1]) == ["invalid deviceStatus", "invalid deviceStatus"])
        #expect(try read(profile, [5, 2, 0, 7]) == ["invalid unknownStatus"])
    }

    @Test func recordsThatTellTheirLengthFollowEachOther() throws {
        let profile = try load("stride: {byte: 1, type: uint8, adds: 2}, key-at: 0, from: 2")
        #expect(try read(profile, [9, 3, 1, 1, 1, 5, 4, 0, 1, 0, 2, 9, 0]) == ["1", "2"])
        #expect(try read(profile, [9, 3, 1, 1, 1, 5, 4, 0, 1, 0, 2, 9]) == ["invalid malformed"])
        #expect(try read(profile, [9, 3, 1, 1, 1, 5, 5, 0, 1, 0, 2]) == ["invalid malformed"])
    }

    /// A frame that is framed right and cannot be walked is the device's own, laid out otherwise, and no stranger's.
    @Test(arguments: [[0, 0, 6, 4, 0, 5, 1, 0, 0, 9, 4, 0, 0, 1, 0, 2, 255, 255], [9], []] as [[UInt8]])
    func whatCannotBeWalkedIsMalformedAndNotUnsolicited(payload: [UInt8]) throws {
        let plan = try load(Self.indexed).compile(handle: "device")
        guard case .serial(let serial) = plan.protocolPlan else { throw InvalidFile(diagnostics: []) }
        var decoder = SerialDecoder(plan, serial)
        var kept = Kept()
        let body = [UInt8(payload.count)] + payload
        let bytes = [0xAA] + body + [body.reduce(0, &+)]
        decoder.feed(bytes, count: bytes.count, time: 1, sink: &kept)
        #expect(decoder.counters.malformed == 1 && decoder.counters.unsolicited == 0)
        #expect(kept.records.map(\.reason) == [.malformed])
    }

    @Test(arguments: [
        (indexed + ", from: 2", "leave “from” out"),
        (
            "index: {bytes: 2..8, stride: 3, place: {byte: 0, type: uint8, adds: 8}}, key-at: 2, stride: 2",
            "whole entries"
        ),
        ("index: {bytes: 2..7, stride: 3, place: {byte: 2, type: uint16, adds: 8}}, key-at: 2, stride: 2", "beyond"),
        ("index: {bytes: 2..7, stride: 3, place: {byte: 0, type: uint16, adds: 8}}, key-at: 3, stride: 2", "the key"),
        ("stride: {byte: 3, type: uint16, adds: 4}, key-at: 0, from: 2", "at least the 5 bytes"),
        ("stride: {byte: 3, type: decimal, adds: 4}, key-at: 0, from: 2", "type"),
        ("stride: {byte: 1, type: uint8, adds: 2}, key-at: 2, from: 2", "the key"),
    ])
    func whatCannotBeIsRefused(records: String, words: String) {
        let error = #expect(throws: InvalidFile.self) { try load(records) }
        #expect("\(error.map { "\($0)" } ?? "")".contains(words), "\(error.map { "\($0)" } ?? "")")
    }
}

/// FLOAT-Type and SFLOAT-Type.
@Suite struct MedicalFloatTests {
    // Of public material: 95.0, 60, 10.0, 1.5.
    @Test(
        arguments: [
            (0xFF00_03B6, 95_000), (0x0000_003C, 60_000), (0xFF00_0064, 10_000), (0xFF00_000F, 1500),
            (0x00FF_FFFF, -1000),
            (0xFDFF_FFFF, -1), (0x0300_0002, 2_000_000), (0, 0), (0x7F00_0000, 0),
        ] as [(UInt64, Int64)])
    func numbersAreExact(bits: UInt64, counts: Int64) {
        #expect(MedicalFloat(width: 32).read(bits, places: 3) == .number(counts))
    }

    @Test func whatIsNoNumberIsToldByItsMantissa() {
        for (width, exponents) in [(32, 0..<256), (16, 0..<16)] {
            let form = MedicalFloat(width: width)
            for exponent in exponents {
                for mantissa in [
                    form.notANumber, form.notAtThisResolution, form.positiveInfinity, form.negativeInfinity,
                ] {
                    let bits = UInt64(exponent) << (width == 32 ? 24 : 12) | UInt64(mantissa)
                    #expect(form.read(bits, places: 2) == .special(mantissa))
                }
            }
        }
        #expect(MedicalFloat(width: 16).notANumber == 0x7FF && MedicalFloat(width: 16).negativeInfinity == 0x802)
        #expect(
            MedicalFloat(width: 32).notANumber == 0x7F_FFFF && MedicalFloat(width: 32).negativeInfinity == 0x80_0002)
    }

    @Test func whatIsNotKeptIsNotRounded() {
        #expect(MedicalFloat(width: 32).read(0xFC00_0001, places: 3) == .tooPrecise)
        #expect(MedicalFloat(width: 32).read(0xFC00_000A, places: 3) == .number(1))
        #expect(MedicalFloat(width: 32).read(0x8000_0001, places: 3) == .tooPrecise)
        #expect(MedicalFloat(width: 32).read(0x7F00_0001, places: 0) == .tooLarge)
    }

    @Test func whatIsWrittenIsRead() {
        for counts in [Int64(-8_000_000), -365, -1, 0, 1, 72_000, 8_388_600] {
            let form = MedicalFloat(width: 32)
            #expect(form.bits(of: counts, places: 1).map { form.read($0, places: 1) } == .number(counts))
        }
        #expect(MedicalFloat(width: 16).bits(of: 2046, places: 1) == nil)
    }
}
