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
}
