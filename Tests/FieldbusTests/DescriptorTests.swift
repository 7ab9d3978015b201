import CPosix
import Foundation
import RealTime
import Testing

@testable import Fieldbus

@Suite struct DescriptorTests {
    /// A port as libserialport leaves it: VMIN and VTIME 0, so that an empty read gives 0 bytes, exactly as a closed
    /// one does.
    private func portLikeALibrarysOwn() throws -> (device: DeviceEnd, port: Descriptor) {
        let device = try DeviceEnd(.newPseudoTerminal)
        let number = open(device.name, O_RDWR | O_NOCTTY)
        try #require(number >= 0)
        var settings = termios()
        tcgetattr(number, &settings)
        cfmakeraw(&settings)
        withUnsafeMutableBytes(of: &settings.c_cc) { bytes in
            bytes[Int(VMIN)] = 0
            bytes[Int(VTIME)] = 0
        }
        tcsetattr(number, TCSANOW, &settings)
        return (device, Descriptor(owning: number))
    }

    @Test func anEmptyReadIsNotALostLine() throws {
        var (device, port) = try portLikeALibrarysOwn()
        defer { port.close() }
        let clock = MonotonicClock()
        var buffer = [UInt8](repeating: 0, count: 16)
        #expect(try port.read(into: &buffer, deadline: 0, clock: clock) == 0)
        #expect(try port.read(into: &buffer, deadline: clock.now() + 5_000_000, clock: clock) == 0)
        device.write([1, 2, 3], nanosecondsPerByte: 0)
        #expect(try port.read(into: &buffer, deadline: clock.now() + 1_000_000_000, clock: clock) == 3)
        #expect(buffer[0..<3] == [1, 2, 3])
    }

    /// Rung before or while somebody reads, once or often: that one read ends with nothing, and no byte is lost. Of a
    /// fault the read's own deadline tells, long before anybody waits for ever.
    @Test func aBellEndsOneReadAndLosesNothing() throws {
        var (device, port) = try portLikeALibrarysOwn()
        defer { port.close() }
        let (clock, bell) = (MonotonicClock(), Bell())
        var buffer = [UInt8](repeating: 0, count: 16)
        func read() throws -> (count: Int, isInTime: Bool) {
            let deadline = clock.now() + 20_000_000_000
            let count = try port.read(into: &buffer, deadline: deadline, clock: clock, bell: bell)
            return (count, clock.now() < deadline)
        }
        for _ in 0..<3 { bell.ring() }
        #expect(try read() == (0, true))
        #expect(nabd_wait(bell.descriptor, Int16(POLLIN), 0) == 0, "it rings once")
        let ringer = Thread { bell.ring() }
        ringer.start()
        #expect(try read() == (0, true))
        device.write([1, 2, 3], nanosecondsPerByte: 0)
        bell.ring()
        var taken = try read()
        // The bell may be heard before the bytes are there.
        if taken.count == 0 { taken = try read() }
        #expect(taken == (3, true) && buffer[0..<3] == [1, 2, 3])
    }

    @Test func aSerialLineAndAModbusPortHearTheirBell() throws {
        let settings = SerialSettings(baud: 9600, dataBits: 8, parity: "N", stopBits: 1)
        let (clock, bell) = (MonotonicClock(), Bell())
        func hears(_ line: some ByteLine) throws -> Bool {
            let deadline = clock.now() + 20_000_000_000
            try line.open(deadline: deadline)
            defer { line.close() }
            bell.ring()
            var buffer = [UInt8](repeating: 0, count: 16)
            return try line.read(into: &buffer, deadline: deadline) == 0 && clock.now() < deadline
        }
        let device = try DeviceEnd(.newPseudoTerminal)
        #expect(try hears(SerialLine(path: device.name, settings: settings, bell: bell)))
        #expect(try hears(ModbusPort(.rtu(path: device.name, settings), bell: bell)))
    }

    @Test(arguments: [
        ("/dev/ttyUSB0", LineAddress.path("/dev/ttyUSB0")), ("pty", .newPseudoTerminal),
        ("tcp://10.0.0.1:502", .tcp(host: "10.0.0.1", port: 502)),
        ("tcp://[::1]:502", .tcp(host: "::1", port: 502)),
    ])
    func linesAreReadFromText(text: String, address: LineAddress) { #expect(LineAddress(text) == address) }

    @Test(arguments: ["", "ttyUSB0", "tcp://", "tcp://host", "tcp://:502", "tcp://host:70000", "udp://host:1"])
    func whatIsNoLineIsRefused(text: String) { #expect(LineAddress(text) == nil) }
}
