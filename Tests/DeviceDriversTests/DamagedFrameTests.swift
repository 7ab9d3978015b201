import DeviceModel
import DevicePlans
import ProfileLanguage
import StrictYAML
import TestSupport
import Testing

@testable import DeviceDrivers

/// A damaged frame says so where it may have carried values, also where it may have carried curves.
@Suite struct DamagedFrameTests {
    private static let text = """
        nabd: profile/1
        device: {manufacturer: XY, model: M, kind: sensor}
        provenance: [{document: manual, seen: here}]
        line: {serial: 9600, format: 8N1}
        frames:
          frame: {start: 0xAA, length: {byte: 1, type: uint8, adds: 3}, longest: 200, checksum: {sum8: 1..}}
        messages:
          values: {in: frame, length: 5, when: {byte: 2, is: 1}}
          curves:
            in: frame
            when: {byte: 2, is: 2}
            repeat: {stride: {byte: 1, type: uint8, times: 2, adds: 2}, key-at: 0, from: 3}
        fields:
          value: {in: values, byte: 3, type: uint8}
          curve: {in: curves, key: 5, byte: 2, type: int16, count: rest}
        metrics:
          - {metric: MDC_TEMP, from: value, unit: Cel, every: 10s}
        waveforms:
          - {metric: MDC_PULS_OXIM_PLETH, from: curve, unit: "1", period: 10ms}
        """

    private func read(_ frames: [[UInt8]]) throws -> [String] {
        let plan = try DeviceProfile.load(try YAMLFile(path: "xy/m/profile.yaml", text: Self.text))
            .compile(handle: "device")
        guard case .serial(let serial) = plan.protocolPlan else { throw InvalidFile(diagnostics: []) }
        var decoder = SerialDecoder(plan, serial)
        var kept = Kept()
        for bytes in frames { decoder.feed(bytes, count: bytes.count, time: 1, sink: &kept) }
        decoder.finish(time: 1, sink: &kept)
        return kept.records.map {
            $0.validity.carriesValue ? "\($0.index): \($0.bits)" : "\($0.index): \($0.validity.word) \($0.reason.word)"
        }
    }

    private static func frame(_ payload: [UInt8], error: UInt8 = 0) -> [UInt8] {
        let body = [UInt8(payload.count)] + payload
        return [0xAA] + body + [body.reduce(error, &+)]
    }

    @Test func aDamagedFrameOfValuesSaysSo() throws {
        let (whole, curves) = (Self.frame([1, 37]), Self.frame([2, 5, 2, 0, 1, 0, 2]))
        #expect(try read([whole, curves]) == ["0: 37", "1: 1", "1: 2"])
        #expect(try read([whole, Self.frame([1, 38], error: 1)]) == ["0: 37", "0: invalid checksumMismatch"])
        // One that was longer carried none.
        #expect(try read([whole, Self.frame([2, 5, 2, 0, 1, 0, 2], error: 1)]) == ["0: 37"])
    }
}
