import DeviceModel
import DevicePlans
import ProfileLanguage
import StrictYAML
import TestSupport
import Testing

@testable import DeviceDrivers

private struct Nothing: RecordSink {
    mutating func take(_ record: SampleRecord, frameOffset: Int) {}
}

/// What a device shows of what its commands depend on: a code by which it says that it has no value is none.
@Suite struct ToldTests {
    private static let pump = """
        nabd: profile/1
        device: {manufacturer: XY, model: M, kind: syringe pump, use: training}
        provenance: [{document: manual, seen: here}]
        line: {modbus: rtu, baud: 9600, format: 8N1, unit: 1}
        fields:
          rate: {holding: 10, type: uint16, missing: {0xFFFF: notAvailable}}
          state: {holding: 30, type: uint16, every: 1s}
        metrics:
          - {metric: MDC_FLOW_FLUID_PUMP, from: rate, unit: mL/h, scale: 0.1, every: 1s}
        commands:
          rate:
            kind: set
            class: idempotent
            arguments: {new: {unit: mL/h, range: [0.1, 1200], step: 0.1, scale: 0.1}}
            steps: [{write: {rate: new}}]
            requires: {state: 0}
            read-back: {new: rate}
            hazards: wrong rate
        """

    /// What is told of a rate in its register.
    private func told(_ high: UInt8, _ low: UInt8) throws -> String? {
        let plan = try DeviceProfile.load(try YAMLFile(path: "xy/m/profile.yaml", text: Self.pump))
            .compile(handle: "pump", isDriven: true)
        guard case .modbus(let modbus) = plan.protocolPlan else { throw InvalidFile(diagnostics: []) }
        let watched = try #require(modbus.commands[0].watched.first { $0.name == "rate" })
        let block = try #require(modbus.reads.first { $0.fields.contains { $0.index == watched.field } })
        var decoder = ModbusDecoder(plan)
        var sink = Nothing()
        decoder.take([high, low], from: 0, of: block, time: 5, sink: &sink)
        guard let (text, time) = decoder.told(watched) else { return nil }
        #expect(time == 5)
        return watched.value(text)
    }

    @Test func aRegisterThatSaysThatItHasNoValueShowsNone() throws {
        #expect(try told(0, 25) == "2.5")
        #expect(try told(0xFF, 0xFE) == "6553.4")
        #expect(try told(0xFF, 0xFF) == nil, "it is not 6553.5, before a write and after it")
    }

    /// What an empty cuff tells is one value, whether it is 0 or 4 mmHg; a number in bits of a serial protocol is told
    /// as in registers.
    @Test func aCuffThatIsEmptyShowsOneValue() throws {
        let plan = try DeviceProfile.load(Repository.path("device-profiles/suntech/advantage"))
            .compile(handle: "cuff", isDriven: true)
        guard case .serial(let serial) = plan.protocolPlan else { throw InvalidFile(diagnostics: []) }
        let cuff = try #require(serial.requests.firstIndex { $0.name == "cuff" })
        let result = try #require(serial.requests.firstIndex { $0.name == "result" })
        #expect(serial.commands.map(\.kind) == [.trigger, .stop])
        #expect(serial.commands.allSatisfy { $0.look == [cuff] && $0.barriers == [result] })
        #expect(serial.commands.allSatisfy { $0.refusedBarriers == [result] }, "busy is an answer as well")
        let (start, abort) = (serial.commands[0], serial.commands[1])
        let shows = try #require(start.shows.first?.test), isEmpty = try #require(abort.shows.first?.test)
        for (pressure, told) in [(0, "0"), (3, "0"), (4, "0"), (5, "5"), (258, "258"), (300, "300")] {
            var decoder = SerialDecoder(plan, serial)
            var sink = Nothing()
            #expect(decoder.told(start.watched[0]) == nil)
            decoder.expect(cuff)
            var frame: [UInt8] = [0x3E, 5, UInt8(pressure & 0xFF), UInt8(pressure >> 8)]
            frame.append(0 &- frame.reduce(0, &+))
            decoder.feed(frame, count: frame.count, time: 7, sink: &sink)
            let (text, time) = try #require(decoder.told(start.watched[0]))
            #expect(start.watched[0].value(text) == told && time == 7)
            #expect(start.shows[0].what.isMet(by: told) == (pressure > 4))
            #expect(decoder.passes(start.watched[0], shows, since: 7) == (pressure > 4))
            #expect(decoder.passes(abort.watched[0], isEmpty, since: 7) == (pressure <= 4))
            #expect(decoder.passes(abort.watched[0], isEmpty, since: 8) == nil)
        }
    }

    private static let stoppable = """
        nabd: profile/1
        device: {manufacturer: XY, model: M, kind: syringe pump, use: training}
        provenance: [{document: manual, seen: here}]
        line: {serial: 9600, format: 8N1}
        frames:
          line: {start: "!", end: "\\r", longest: 64, split: ","}
        requests:
          look: {send: "?", class: read, every: 1s, reply: "S,{word},{code},{digits},{rate}"}
        fields:
          word: {type: text, missing: {"--": notAvailable}}
          code: {type: integer, missing: {255: notAvailable}}
          digits: {type: hex, missing: {0xFF: notAvailable}}
          rate: {type: integer}
        metrics:
          - {metric: MDC_FLOW_FLUID_PUMP, from: rate, unit: mL/h}
        commands:
          stop:
            kind: stop
            class: effect
            steps: [{send: STP, reply: "OK"}]
            ask: look
            read-back: {FIELD: {is-not: [1]}}
            hazards: none
        """

    /// That a device is in another state than running is shown by a state, not by a code that says that it has none,
    /// by what cannot be read, or by nothing.
    @Test(
        arguments: [
            ("word", "0", true), ("word", "1", false), ("word", "--", nil), ("word", "", nil),
            ("code", "0", true), ("code", "1", false), ("code", "255", nil), ("code", "x", nil), ("code", "", nil),
            ("digits", "0", true), ("digits", "1", false), ("digits", "FF", nil), ("digits", "x", nil),
        ] as [(String, String, Bool?)])
    func onlyAStateShowsThatItIsAnother(field: String, said: String, shown: Bool?) throws {
        let text = Self.stoppable.replacing("FIELD", with: field)
        let plan = try DeviceProfile.load(try YAMLFile(path: "xy/m/profile.yaml", text: text))
            .compile(handle: "pump", isDriven: true)
        guard case .serial(let serial) = plan.protocolPlan else { throw InvalidFile(diagnostics: []) }
        let stop = try #require(serial.commands.first)
        let test = try #require(stop.shows.first?.test)
        let watched = try #require(stop.watched.first { $0.name == field })
        var decoder = SerialDecoder(plan, serial)
        var sink = Nothing()
        decoder.expect(0)
        let values = ["word", "code", "digits"].map { $0 == field ? said : "2" }.joined(separator: ",")
        let line = Array("!S,\(values),5\r".utf8)
        decoder.feed(line, count: line.count, time: 7, sink: &sink)
        #expect(decoder.takeAnswered() == 0)
        #expect(decoder.passes(watched, test, since: 7) == shown)
        // The same for who has asked for the command.
        let value = decoder.told(watched).flatMap { watched.value($0.text) }
        #expect(value.flatMap { stop.shows[0].what.isMet(by: $0) } == shown)
    }
}
