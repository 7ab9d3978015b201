import Glibc
import RealTime
import Testing

@testable import Fieldbus

/// The end of a connection on which commands were said.
@Suite struct ModbusPortTests {
    /// A listening socket of this machine, and its port.
    private func listener() throws -> (number: Int32, port: Int) {
        let number = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = in_addr_t(0x7F00_0001).bigEndian
        var size = socklen_t(MemoryLayout<sockaddr_in>.size)
        let isBound = withUnsafeMutablePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { plain in
                bind(number, plain, size) == 0 && listen(number, 1) == 0 && getsockname(number, plain, &size) == 0
            }
        }
        try #require(isBound)
        return (number, Int(UInt16(bigEndian: address.sin_port)))
    }

    /// A connection that is aborted delivers nothing more: the other side is told that it is broken, and not that it
    /// was ended in order.
    @Test(arguments: [true, false]) func whatIsHeldBackEndsWithTheLine(_ endsAtOnce: Bool) throws {
        let (server, port) = try listener()
        defer { close(server) }
        let line = ModbusPort(.tcp(host: "127.0.0.1", port: port, endsAtOnce: endsAtOnce))
        try line.open(deadline: MonotonicClock().now() + 2_000_000_000)
        let caller = accept(server, nil, nil)
        try #require(caller >= 0)
        defer { close(caller) }
        try line.write([0, 1, 0, 0, 0, 6, 1, 6, 0, 0, 0, 1], deadline: MonotonicClock().now() + 1_000_000_000)
        line.close()
        var buffer = [UInt8](repeating: 0, count: 64)
        var came = 1
        while came > 0 { came = recv(caller, &buffer, buffer.count, 0) }
        #expect(came == (endsAtOnce ? -1 : 0) && (!endsAtOnce || errno == ECONNRESET))
    }
}
