import CPosix
import Glibc
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

    @Test(arguments: [
        ("/dev/ttyUSB0", LineAddress.path("/dev/ttyUSB0")), ("pty", .newPseudoTerminal),
        ("tcp://10.0.0.1:502", .tcp(host: "10.0.0.1", port: 502)),
        ("tcp://[::1]:502", .tcp(host: "::1", port: 502)),
    ])
    func linesAreReadFromText(text: String, address: LineAddress) { #expect(LineAddress(text) == address) }

    @Test(arguments: ["", "ttyUSB0", "tcp://", "tcp://host", "tcp://:502", "tcp://host:70000", "udp://host:1"])
    func whatIsNoLineIsRefused(text: String) { #expect(LineAddress(text) == nil) }
}
