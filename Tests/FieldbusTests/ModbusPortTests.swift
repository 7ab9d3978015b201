import Glibc
import RealTime
import Testing

@testable import Fieldbus

/// The end of a connection on which commands were said.
@Suite struct ModbusPortTests {
    /// A listening socket of this machine, and its port.
    private func listener() throws -> (number: Int32, port: Int) {
        let number = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        var room: Int32 = 4096
        setsockopt(number, SOL_SOCKET, SO_RCVBUF, &room, socklen_t(MemoryLayout<Int32>.size))
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

    /// A connection that is aborted delivers nothing more of what this machine still holds; one that is ended does.
    @Test(arguments: [true, false]) func whatIsHeldBackEndsWithTheLine(_ endsAtOnce: Bool) throws {
        let (server, port) = try listener()
        defer { close(server) }
        let line = ModbusPort(.tcp(host: "127.0.0.1", port: port, endsAtOnce: endsAtOnce))
        try line.open(deadline: MonotonicClock().now() + 2_000_000_000)
        let caller = accept(server, nil, nil)
        try #require(caller >= 0)
        defer { close(caller) }
        // More than the other side has room for: the rest waits here.
        let said = [UInt8](repeating: 1, count: 65_536)
        try line.write(said, deadline: MonotonicClock().now() + 2_000_000_000)
        line.close()
        var buffer = [UInt8](repeating: 0, count: 4096)
        var (heard, came) = (0, 1)
        while came > 0 {
            came = recv(caller, &buffer, buffer.count, 0)
            heard += max(0, came)
        }
        #expect(endsAtOnce ? heard < said.count : heard == said.count)
    }
}
