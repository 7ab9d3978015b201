import CPosix
import Glibc
import RealTime

/// The device's end of a line, for players of devices: a pseudo-terminal made here, a TCP port listened on, or a call
/// to a host that listens.
///
/// Calls come from one thread. On TCP one client is served at a time; the next is taken when it leaves. A host that
/// listens is called again when it has hung up.
package final class DeviceEnd {
    private let clock = MonotonicClock()
    private var listener = Descriptor()
    private var connection = Descriptor()
    /// A pseudo-terminal's client side, held open so that the device outlives its clients.
    private var held = Descriptor()
    /// A host that listens.
    private var callee: TCPLine?
    private var isCalling = false
    private var nextCall: Int64 = 0
    /// Where a client finds the device: the pseudo-terminal's path, or `tcp://HOST:PORT`.
    package private(set) var name = ""

    /// Makes the device's end of a line. TCP port 0 takes a free one, told by ``name``.
    package init(_ address: LineAddress) throws(FieldbusError) {
        switch address {
        case .newPseudoTerminal: try makePseudoTerminal()
        case .tcp(let host, let port), .rtuOverTCP(let host, let port), .modbusTCP(let host, let port):
            try listen(host, port)
        case .listening(let host, let port, _):
            callee = TCPLine(host: host, port: port)
            name = "tcp://\(host):\(port)"
        case .path(let path):
            let number = Glibc.open(path, O_RDWR | O_NOCTTY | O_CLOEXEC)
            guard number >= 0 else { throw FieldbusError.cannotOpen(path: path, errno: errno) }
            connection = Descriptor(owning: number)
            _ = nabd_make_raw(number)
            name = path
        }
    }

    deinit {
        connection.close()
        listener.close()
        held.close()
    }

    private func makePseudoTerminal() throws(FieldbusError) {
        var path = [CChar](repeating: 0, count: 128)
        let number = nabd_open_pty(&path, path.count)
        guard number >= 0 else { throw FieldbusError.cannotOpen(path: "pty", errno: -number) }
        connection = Descriptor(owning: number)
        name = path.withUnsafeBufferPointer { $0.baseAddress.map { String(cString: $0) } ?? "" }
        let client = Glibc.open(name, O_RDWR | O_NOCTTY | O_CLOEXEC)
        guard client >= 0 else { throw FieldbusError.cannotOpen(path: name, errno: errno) }
        _ = nabd_make_raw(client)
        held = Descriptor(owning: client)
    }

    private func listen(_ host: String, _ port: Int) throws(FieldbusError) {
        let wanted = "tcp://\(host):\(port)"
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = in_port_t(UInt16(port)).bigEndian
        guard inet_pton(AF_INET, host == "localhost" ? "127.0.0.1" : host, &address.sin_addr) == 1 else {
            throw FieldbusError.cannotOpen(path: wanted, errno: EADDRNOTAVAIL)
        }
        listener = Descriptor(owning: socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0))
        var one: Int32 = 1
        setsockopt(listener.number, SOL_SOCKET, SO_REUSEADDR, &one, socklen_t(MemoryLayout<Int32>.size))
        var size = socklen_t(MemoryLayout<sockaddr_in>.size)
        let bound = withUnsafeMutablePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { general in
                bind(listener.number, general, size) == 0 && Glibc.listen(listener.number, 4) == 0
                    && getsockname(listener.number, general, &size) == 0
            }
        }
        guard bound else { throw FieldbusError.cannotOpen(path: wanted, errno: errno) }
        name = "tcp://\(host):\(UInt16(bigEndian: address.sin_port))"
    }

    /// Takes what a client sent, waiting until the deadline; 0 when nothing came. A client that leaves is no error.
    package func read(into buffer: inout [UInt8], deadline: Int64) throws(FieldbusError) -> Int {
        if let callee { return readCalling(callee, into: &buffer, deadline: deadline) }
        if !connection.isOpen {
            guard try listener.wait(for: Int16(POLLIN), deadline: deadline, clock: clock) else { return 0 }
            let number = accept(listener.number, nil, nil)
            guard number >= 0 else { return 0 }
            connection = Descriptor(owning: number)
        }
        do {
            return try connection.read(into: &buffer, deadline: deadline, clock: clock)
        } catch {
            guard listener.isOpen else { throw error }
            connection.close()
            return 0
        }
    }

    private func readCalling(_ callee: TCPLine, into buffer: inout [UInt8], deadline: Int64) -> Int {
        if !isCalling {
            guard clock.now() >= nextCall else {
                clock.sleep(until: min(deadline, nextCall))
                return 0
            }
            nextCall = clock.now() + 500_000_000
            do { try callee.open(deadline: clock.now() + 400_000_000) } catch { return 0 }
            isCalling = true
        }
        do { return try callee.read(into: &buffer, deadline: deadline) } catch {
            isCalling = false
            return 0
        }
    }

    /// Whether a client is there; a pseudo-terminal always has one.
    package var isConnected: Bool { connection.isOpen || isCalling }

    /// Cuts a TCP connection; a pseudo-terminal cannot be cut.
    package func hangUp() {
        if listener.isOpen { connection.close() }
        callee?.close()
        isCalling = false
    }

    /// Sends bytes at a pace: a pseudo-terminal and a socket know no baud rate, so each few bytes leave when a wire
    /// would have carried them.
    ///
    /// - Parameter nanosecondsPerByte: 0 sends at once.
    package func write(_ bytes: [UInt8], nanosecondsPerByte: Int64) {
        guard isConnected else { return }
        var sent = 0
        let start = clock.now()
        while sent < bytes.count {
            let slice = Array(bytes[sent..<min(bytes.count, sent + (nanosecondsPerByte > 0 ? 8 : bytes.count))])
            sent += slice.count
            clock.sleep(until: start + Int64(sent) * nanosecondsPerByte)
            // A reader that does not read is the reader's fault: a device does not wait for it.
            do {
                if let callee {
                    try callee.write(slice, deadline: clock.now() + 10_000_000)
                } else {
                    try connection.write(slice, deadline: clock.now() + 10_000_000, clock: clock)
                }
            } catch { return }
        }
    }
}
