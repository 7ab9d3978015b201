import DeviceModel
import DevicePlans
import Fieldbus
import LineEngine
import ModbusFrames
import ProfileLanguage
import RealTime
import StrictYAML
import TestSupport
import Testing

@testable import Sampling

/// What carries frames, apart from the frames: ASCII, RTU over TCP, addresses of lines.
@Suite struct CarrierTests {
    /// The example of MODBUS over Serial Line V1.02: unit 0x11 reads 0x006B, three registers.
    @Test func aFrameInASCIIIsTheSameInRTU() {
        let rtu = RTUFrame.frame(unit: 0x11, [0x03, 0x00, 0x6B, 0x00, 0x03])
        let ascii = ASCIIFrame.ascii(ofRTU: rtu)
        #expect(String(decoding: ascii, as: UTF8.self) == ":1103006B00037E\r\n")
        var reader = ASCIIReader()
        var frames: [UInt8] = []
        for character in ascii { reader.take(character, into: &frames) }
        #expect(frames == rtu)
    }

    @Test(
        arguments: [
            ":1103006B00037F\r\n", ":1103006B0003 7E\r\n", "1103006B00037E\r\n", ":1103006B00037\r\n",
            ":1103006B00037E\n", ":\r\n", ":11EF\r\n",
            ":1103006b00037e\r\n", ":1103006B00037E\r",
        ])
    func whatIsNoFrameInASCIIIsDropped(text: String) {
        var reader = ASCIIReader()
        var frames: [UInt8] = []
        for character in text.utf8 { reader.take(character, into: &frames) }
        #expect(frames.isEmpty)
        // The next one is whole again.
        for character in ":1103006B00037E\r\n".utf8 { reader.take(character, into: &frames) }
        #expect(frames.count == 8)
    }

    @Test func everyChangedCharacterIsSeen() {
        let whole = ASCIIFrame.ascii(ofRTU: RTUFrame.frame(unit: 1, [0x04, 0x02, 0x01, 0x31]))
        let right = RTUFrame.frame(unit: 1, [0x04, 0x02, 0x01, 0x31])
        for place in whole.indices {
            for value in UInt8.min...UInt8.max where value != whole[place] {
                var reader = ASCIIReader()
                var frames: [UInt8] = []
                var changed = whole
                changed[place] = value
                for character in changed { reader.take(character, into: &frames) }
                #expect(frames.isEmpty || frames == right)
            }
        }
    }

    private func plan(_ line: String) throws -> DevicePlan {
        let text = """
            nabd: profile/1
            device: {manufacturer: XY, model: M, kind: environment sensor}
            provenance: [{document: manual, seen: here}]
            line: {\(line)}
            metrics:
              - {metric: MDC_TEMP, from: {input: 1, type: int16}, scale: 0.1, unit: Cel, every: 1s}
            """
        return try DeviceProfile.load(try YAMLFile(path: "xy/m/profile.yaml", text: text)).compile(handle: "device")
    }

    @Test(
        arguments: [
            ("modbus: rtu, baud: 9600, format: 8N1", "/dev/ttyS0", true),
            ("modbus: rtu, baud: 9600, format: 8N1", "tcp://h:1", false),
            ("modbus: rtu, baud: 9600, format: 8N1", "rtu+tcp://h:1", true),
            ("modbus: rtu, baud: 9600, format: 8N1", "modbus+tcp://h:1", true),
            ("modbus: ascii, baud: 9600, format: 7E1", "rtu+tcp://h:1", true), ("modbus: tcp", "tcp://h:1", true),
            ("modbus: tcp", "/dev/ttyS0", false),
            ("modbus: tcp", "rtu+tcp://h:1", false), ("modbus: tcp", "listen:tcp://h:1", false),
        ])
    func aDeviceIsOnALineThatCarriesIt(line: String, address: String, fits: Bool) throws {
        #expect(try plan(line).fault(on: #require(LineAddress(address))) == nil || !fits)
        #expect(try (plan(line).fault(on: #require(LineAddress(address))) == nil) == fits)
    }

    @Test(arguments: [
        "/dev/ttyUSB0", "tcp://10.0.0.1:502", "rtu+tcp://gw:4001", "modbus+tcp://gw:502", "listen:tcp://0.0.0.0:2575",
    ])
    func anAddressIsSaidAsItIsRead(text: String) { #expect(LineAddress(text)?.description == text) }

    @Test(arguments: [
        "", "rtu+/dev/ttyS0", "listen:/dev/ttyS0", "udp://a:1", "tcp://:1", "tcp://a:99999", "listen:pty",
    ])
    func whatIsNoAddressIsNone(text: String) { #expect(LineAddress(text) == nil) }
}
