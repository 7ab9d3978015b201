import DeviceModel
import DevicePlans
import ProfileLanguage
import StrictYAML
import TestSupport
import Testing

@testable import DeviceDrivers

/// States that decide about values, and states that decide about states: what does not count itself decides nothing.
@Suite struct GateTests {
    private func load(_ line: String, _ body: String) throws -> DevicePlan {
        let text = """
            nabd: profile/1
            device: {manufacturer: XY, model: M, kind: sensor}
            provenance: [{document: manual, seen: here}]
            line: {\(line)}
            \(body)
            """
        return try DeviceProfile.load(try YAMLFile(path: "xy/m/profile.yaml", text: text)).compile(handle: "device")
    }

    private func judged(_ plan: DevicePlan, _ data: [UInt8]) throws -> [String] {
        guard case .modbus(let modbus) = plan.protocolPlan else { throw InvalidFile(diagnostics: []) }
        var decoder = ModbusDecoder(plan)
        var kept = Kept()
        decoder.take(data, from: 0, of: try #require(modbus.blocks.first), time: 1, sink: &kept)
        return kept.records.filter { $0.kind == .sample }.map { "\($0.validity.word) \($0.reason.word)" }
    }

    private func judged(_ plan: DevicePlan, _ text: String) throws -> [String] {
        guard case .serial(let serial) = plan.protocolPlan else { throw InvalidFile(diagnostics: []) }
        var decoder = SerialDecoder(plan, serial)
        var kept = Kept()
        let bytes = Array(text.utf8)
        decoder.feed(bytes, count: bytes.count, time: 1, sink: &kept)
        return kept.records.filter { $0.kind == .sample }.map { "\($0.validity.word) \($0.reason.word)" }
    }

    /// `probe` says what `value` is worth, `bridge` what `probe` is worth, `link` what `bridge` is worth.
    private let chain = """
        fields:
          value: {input: 1, type: int16, validity-when: {field: probe, is: 1, validity: invalid}}
          probe: {input: 2, type: uint16, validity-when: {field: bridge, is-not: 0, validity: invalid}, every: 1s}
          bridge: {input: 3, type: uint16, validity-when: {field: link, is: 0, validity: questionable}, every: 1s}
          link: {input: 4, type: uint16, every: 1s}
        metrics:
          - {metric: MDC_TEMP, from: value, unit: Cel, every: 1s}
        """

    @Test(
        arguments: [
            ([0, 0, 1], "valid none"), ([1, 0, 1], "invalid deviceStatus"),
            // The probe's word is worth nothing: neither its good word nor its bad one decides.
            ([0, 5, 1], "invalid unknownStatus"), ([1, 5, 1], "invalid unknownStatus"),
            // The bridge's own word is in doubt, and with it all that hangs on it.
            ([0, 0, 0], "invalid unknownStatus"), ([0, 5, 0], "invalid unknownStatus"),
        ] as [([UInt8], String)])
    func aStateThatDoesNotCountDecidesNothing(states: [UInt8], expected: String) throws {
        let plan = try load("modbus: rtu, baud: 9600, format: 8N1, unit: 1", chain)
        #expect(plan.gateDepth == 2)
        #expect(try judged(plan, [0, 37] + states.flatMap { [0, $0] }) == [expected])
    }

    /// A state of one frame that bits beside it make worthless decides nothing in the next.
    @Test(arguments: [(UInt8(0), "valid none"), (UInt8(1), "invalid unknownUnit")])
    func aStateThatBitsMakeWorthlessDecidesNothingElsewhere(bits: UInt8, expected: String) throws {
        let body = """
            frames:
              a: {start: 0xA1, length: 4, checksum: {sum8: 0..2, at: 3}}
              b: {start: 0xB1, length: 4, checksum: {sum8: 0..2, at: 3}}
            fields:
              form: {in: a, byte: 1, type: uint8, validity-when: {byte: 2, bit: 0, is: 1, validity: invalid}}
              value: {in: b, byte: 1, type: uint8}
            metrics:
              - {metric: MDC_TEMP, from: value, unit: {by: form, 0: Cel, 1: {unit: Cel, scale: 0.1}}, every: 1s}
            """
        let plan = try load("serial: 9600, format: 8N1", body)
        guard case .serial(let serial) = plan.protocolPlan else { return }
        #expect(plan.gateDepth == 1 && serial.frameFields[0].isIndependent && !serial.frameFields[0].isPlain)
        var decoder = SerialDecoder(plan, serial)
        var kept = Kept()
        let both = [[0xA1, 0, bits], [0xB1, 37, 0]].flatMap { frame in frame + [frame.reduce(0, &+)] }
        decoder.feed(both + both, count: 16, time: 1, sink: &kept)
        let said = kept.records.filter { $0.kind == .sample }.map { "\($0.validity.word) \($0.reason.word)" }
        #expect(said == [expected, expected])
    }

    /// A code that the profile declares as “no state” is not “another state than the bad one”.
    @Test(arguments: [
        ("is: 1", "0000", "valid none"), ("is: 1", "0001", "invalid deviceStatus"),
        ("is: 1", "FFFF", "invalid unknownStatus"),
        ("is-not: 0", "FFFF", "invalid deviceStatus"), ("is: 0xFFFF", "FFFF", "invalid deviceStatus"),
        ("bit: 0", "FFFF", "invalid unknownStatus"),
    ])
    func aStateThatIsASentinelIsNotKnown(test: String, state: String, expected: String) throws {
        let fields = """
            fields:
              value: {input: 1, type: int16, validity-when: {field: state, \(test), validity: invalid}}
              state: {input: 2, type: uint16, missing: {0xFFFF: notAvailable}, every: 1s}
            metrics:
              - {metric: MDC_TEMP, from: value, unit: Cel, every: 1s}
            """
        let plan = try load("modbus: rtu, baud: 9600, format: 8N1, unit: 1", fields)
        let raw = try #require(UInt16(state, radix: 16))
        #expect(try judged(plan, [0, 37, UInt8(raw >> 8), UInt8(raw & 0xFF)]) == [expected])
    }

    private let fields = """
        fields:
          level: {type: integer, validity-when: {field: probe, is: 1, validity: invalid}}
          probe: {type: integer, validity-when: {field: bridge, is-not: 0, validity: invalid}}
          bridge: {type: integer, validity-when: {field: link, is: 0, validity: invalid}}
          link: {type: integer}
        metrics:
          - {metric: MDC_TEMP, from: level, unit: Cel, every: 1s}
        """
    private let frame = #"frames: {line: {start: "!", end: "\r", longest: 64, split: ","}}"#

    /// The order in which fields stand in a message, or records in it, changes nothing.
    @Test(arguments: [
        ([0, 0, 1], "valid none"), ([1, 0, 1], "invalid deviceStatus"), ([0, 5, 1], "invalid unknownStatus"),
        ([0, 0, 0], "invalid unknownStatus"),
    ])
    func theOrderInAMessageChangesNothing(states: [Int], expected: String) throws {
        let names = ["probe", "bridge", "link"]
        for order in [[0, 1, 2], [2, 1, 0], [1, 2, 0], [0, 2, 1]] {
            let holes = order.map { "{\(names[$0])}" }.joined(separator: ",")
            let said = order.map { "\(states[$0])" }.joined(separator: ",")
            let records = order.map { "\(names[$0])=\(states[$0])" }.joined(separator: ";")
            for (message, text, fields) in [
                ("\"S,\(holes),{level}\"", "!S,\(said),37\r", fields),
                ("\"S,{level},\(holes)\"", "!S,37,\(said)\r", fields),
                (keyed, "!S,\(records);level=37\r", byKey(fields)), (keyed, "!S,level=37;\(records)\r", byKey(fields)),
            ] {
                let body = "\(frame)\nmessages:\n  s: \(message)\n\(fields)"
                let plan = try load("serial: 9600, format: 8N1", body)
                #expect(try judged(plan, text) == [expected], "\(message) \(text)")
            }
        }
    }

    /// The same fields, as records by key.
    private func byKey(_ fields: String) -> String {
        ["level", "probe", "bridge", "link"].reduce(fields) {
            $0.replacing("\($1): {type", with: "\($1): {in: s, key: \($1), type")
        }
    }
    private let keyed = #"{text: "S,{repeat}", repeat: {split: ";", each: "{key}={value}"}}"#

    @Test func aStateThatDecidesAboutItselfIsRefused() throws {
        let circle = chain.replacing(
            "link: {input: 4, type: uint16,",
            with: "link: {input: 4, type: uint16, validity-when: {field: probe, is: 3, validity: invalid},")
        do {
            _ = try load("modbus: rtu, baud: 9600, format: 8N1, unit: 1", circle)
            Issue.record("a circle of states was accepted")
        } catch let error as InvalidFile {
            #expect(error.diagnostics.contains { $0.message.contains("about itself") && $0.location.line > 5 })
        }
    }

    /// A device that takes back who it is may be another one: nothing of it counts until it says so again.
    @Test func aSerialNumberThatDoesNotCountConfirmsNobody() throws {
        let text = """
            nabd: profile/1
            device: {manufacturer: XY, model: M, kind: sensor}
            provenance: [{document: manual, seen: here}]
            line: {serial: 9600, format: 8N1}
            \(frame)
            messages:
              who: "I,{serial},{sure}"
              value: "V,{level}"
            session: {identify: {field: serial}}
            fields:
              serial: {type: text, validity-when: {field: sure, is: 0, validity: invalid}}
              sure: {type: integer}
              level: {type: integer}
            metrics:
              - {metric: MDC_TEMP, from: level, unit: Cel, every: 1s}
            """
        let profile = try DeviceProfile.load(try YAMLFile(path: "xy/m/profile.yaml", text: text))
        let plan = profile.compile(handle: "device", expectedSerial: "SN1")
        let awaited = "invalid wrongDevice"
        #expect(try judged(plan, "!V,37\r!I,SN1,0\r!V,37\r") == [awaited, awaited])
        #expect(try judged(plan, "!I,SN1,1\r!V,37\r") == ["valid none"])
        #expect(try judged(plan, "!I,SN1,1\r!V,37\r!I,SN2,0\r!V,37\r") == ["valid none", awaited])
        #expect(try judged(plan, "!I,SN1,1\r!I,SN1,0\r!I,SN1,1\r!V,37\r") == ["valid none"])
    }

    /// Who the device is comes before what it says, wherever in the message it stands: a device that was exchanged
    /// gives no value of the message in which it says so.
    @Test(arguments: ["{level}|{repeat}", "{repeat}"]) func aSerialNumberBehindTheValuesIsJudgedFirst(text: String)
        throws
    {
        let own = text.contains("level") ? "level: {type: integer}" : "level: {in: value, key: L, type: integer}"
        let body = """
            nabd: profile/1
            device: {manufacturer: XY, model: M, kind: sensor}
            provenance: [{document: manual, seen: here}]
            line: {serial: 9600, format: 8N1}
            \(frame.replacing(", split: \",\"", with: ""))
            messages:
              value: {text: "\(text)", split: "|", repeat: {split: " ", each: "{key}={value}"}}
            session: {identify: {field: serial}}
            fields:
              serial: {in: value, key: SN, type: text}
              rate: {in: value, key: R, type: integer}
              \(own)
            metrics:
              - {metric: MDC_TEMP, from: level, unit: Cel, every: 1s}
              - {metric: MDC_ECG_HEART_RATE, from: rate, unit: "/min", every: 1s}
            """
        let profile = try DeviceProfile.load(try YAMLFile(path: "xy/m/profile.yaml", text: body))
        let plan = profile.compile(handle: "device", expectedSerial: "SN1")
        func line(_ serial: String) -> String {
            text.contains("level") ? "!37|R=70 SN=\(serial)\r" : "!L=37 R=70 SN=\(serial)\r"
        }
        let wrong = "invalid wrongDevice"
        #expect(try judged(plan, line("SN1")) == ["valid none", "valid none"])
        #expect(try judged(plan, line("SN1") + line("SN2")) == ["valid none", "valid none", wrong, wrong])
        #expect(try judged(plan, line("SN2") + line("SN1")) == [wrong, wrong, "valid none", "valid none"])
    }

    /// A number that another makes smaller or larger needs that other to count.
    @Test(arguments: [([0, 0], "valid none"), ([0, 1], "invalid unknownStatus")] as [([UInt8], String)])
    func aPartOfANumberCountsOrThereIsNone(states: [UInt8], expected: String) throws {
        let body = """
            fields:
              low: {input: 1, type: uint16}
              high: {input: 2, type: uint16, validity-when: {field: state, is: 1, validity: invalid}, every: 1s}
              state: {input: 3, type: uint16, every: 1s}
            metrics:
              - {metric: MDC_TEMP, from: low, plus: [{field: high, times: 65536}], unit: Cel, every: 1s}
            """
        let plan = try load("modbus: rtu, baud: 9600, format: 8N1, unit: 1", body)
        #expect(try judged(plan, [0, 37, 0, 1] + states) == [expected])
    }
}
