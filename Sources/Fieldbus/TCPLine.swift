import Glibc
import RealTime

/// A TCP connection that carries a serial protocol: a terminal server, a gateway, a device with a network socket.
package final class TCPLine: ByteLine {
    private let host: String
    private let port: Int
    private let clock = MonotonicClock()
    private var descriptor = Descriptor()

    package var isConnection: Bool { true }

    package init(host: String, port: Int) {
        self.host = host
        self.port = port
    }

    deinit { close() }

    private var name: String { "tcp://\(host):\(port)" }

    package func open(deadline: Int64) throws(FieldbusError) {
        close()
        var hints = addrinfo()
        hints.ai_socktype = Int32(SOCK_STREAM.rawValue)
        var found: UnsafeMutablePointer<addrinfo>?
        guard getaddrinfo(host, String(port), &hints, &found) == 0, let found else {
            throw FieldbusError.unknownHost(host)
        }
        defer { freeaddrinfo(found) }
        var failure: Int32 = EHOSTUNREACH
        var candidate: UnsafeMutablePointer<addrinfo>? = found
        while let address = candidate {
            do {
                try connect(address.pointee, deadline: deadline)
                return
            } catch {
                failure = error.errnoValue
                descriptor.close()
            }
            candidate = address.pointee.ai_next
        }
        throw FieldbusError.cannotOpen(path: name, errno: failure)
    }

    private func connect(_ address: addrinfo, deadline: Int64) throws(FieldbusError) {
        let number = socket(address.ai_family, address.ai_socktype, address.ai_protocol)
        guard number >= 0 else { throw FieldbusError.disconnected(errno: errno) }
        descriptor = Descriptor(owning: number)
        var one: Int32 = 1
        setsockopt(number, Int32(IPPROTO_TCP), TCP_NODELAY, &one, socklen_t(MemoryLayout<Int32>.size))
        if Glibc.connect(number, address.ai_addr, address.ai_addrlen) == 0 { return }
        guard errno == EINPROGRESS else { throw FieldbusError.disconnected(errno: errno) }
        guard try descriptor.wait(for: Int16(POLLOUT), deadline: deadline, clock: clock) else {
            throw FieldbusError.disconnected(errno: ETIMEDOUT)
        }
        var code: Int32 = 0
        var size = socklen_t(MemoryLayout<Int32>.size)
        getsockopt(number, SOL_SOCKET, SO_ERROR, &code, &size)
        guard code == 0 else { throw FieldbusError.disconnected(errno: code) }
    }

    package func close() { descriptor.close() }

    package func read(into buffer: inout [UInt8], deadline: Int64) throws(FieldbusError) -> Int {
        try descriptor.read(into: &buffer, deadline: deadline, clock: clock)
    }

    package func write(_ bytes: [UInt8], deadline: Int64) throws(FieldbusError) {
        try descriptor.write(bytes, deadline: deadline, clock: clock)
    }
}
