import Glibc
import RealTime

/// A TCP port on which a device calls the host: an analyser that sends its results, a monitor that exports.
///
/// One caller is served at a time. The one who is there keeps the line; a new call of the same machine takes its place,
/// because it has begun anew. A caller who leaves is no fault: the next one is awaited. What is said while nobody is
/// there is said to nobody.
package final class ListeningLine: ByteLine {
    /// Callers that wait to be looked at.
    private static let backlog: Int32 = 4
    /// Calls that are taken in one look.
    private static let callsAtOnce = 16
    /// A caller that answers nothing any more is given up after so long. Unit: s.
    private static let silentCaller: (idle: Int32, interval: Int32, probes: Int32) = (30, 10, 3)

    private let host: String
    private let port: Int
    /// The only machine that may call; `nil`: any.
    private let caller: String?
    private let clock = MonotonicClock()
    private var listener = Descriptor()
    private var connection = Descriptor()
    private var connectedTo = ""
    private var hasNewCaller = false
    /// The port that was taken, where 0 was asked for.
    package private(set) var boundPort = 0

    package var isConnection: Bool { true }

    /// - Parameters:
    ///   - host: the address on which calls are taken, of this machine; `0.0.0.0` or `::` for all of them.
    ///   - caller: the only address from which a call is taken; `nil` for any.
    package init(host: String, port: Int, caller: String?) {
        (self.host, self.port, self.caller) = (host, port, caller)
    }

    deinit {
        connection.close()
        listener.close()
    }

    private var name: String { "listen:tcp://\(host):\(port)" }

    package func open(deadline: Int64) throws(FieldbusError) {
        connection.close()
        if !listener.isOpen { try bindPort() }
    }

    /// Hangs up; the port stays taken, so that a caller is not turned away in between.
    package func close() { connection.close() }

    package func takeRenewal() -> Bool {
        defer { hasNewCaller = false }
        return hasNewCaller
    }

    private func bindPort() throws(FieldbusError) {
        var hints = addrinfo()
        hints.ai_socktype = Int32(SOCK_STREAM.rawValue)
        // An address of this machine, never a name that somebody else resolves.
        hints.ai_flags = AI_PASSIVE | AI_NUMERICHOST | AI_NUMERICSERV
        var found: UnsafeMutablePointer<addrinfo>?
        guard getaddrinfo(host, String(port), &hints, &found) == 0, let address = found?.pointee else {
            throw FieldbusError.cannotListen(line: name, errno: EADDRNOTAVAIL)
        }
        defer { freeaddrinfo(found) }
        var socket = Descriptor(owning: Glibc.socket(address.ai_family, address.ai_socktype, address.ai_protocol))
        set(socket.number, SOL_SOCKET, SO_REUSEADDR, 1)
        guard bind(socket.number, address.ai_addr, address.ai_addrlen) == 0, listen(socket.number, Self.backlog) == 0
        else {
            let code = errno
            socket.close()
            throw FieldbusError.cannotListen(line: name, errno: code)
        }
        listener = socket
        boundPort = Int(numeric(socket.number, getsockname)?.port ?? "") ?? port
    }

    package func read(into buffer: inout [UInt8], deadline: Int64) throws(FieldbusError) -> Int {
        if !connection.isOpen {
            guard try listener.wait(for: Int16(POLLIN), deadline: deadline, clock: clock) else { return 0 }
            takeCalls()
            return 0
        }
        takeCalls()
        do {
            return try connection.read(into: &buffer, deadline: deadline, clock: clock)
        } catch {
            connection.close()
            return 0
        }
    }

    package func write(_ bytes: [UInt8], deadline: Int64) throws(FieldbusError) {
        guard connection.isOpen else { return }
        do { try connection.write(bytes, deadline: deadline, clock: clock) } catch { connection.close() }
    }

    /// Bounded: who calls without end costs this line, and not its thread.
    private func takeCalls() {
        for _ in 0..<Self.callsAtOnce {
            let number = accept(listener.number, nil, nil)
            guard number >= 0 else { return }
            var call = Descriptor(owning: number)
            guard let from = numeric(number, getpeername)?.host, caller == nil || caller == from,
                !connection.isOpen || from == connectedTo
            else {
                call.close()
                continue
            }
            set(number, SOL_SOCKET, SO_KEEPALIVE, 1)
            set(number, Int32(IPPROTO_TCP), TCP_KEEPIDLE, Self.silentCaller.idle)
            set(number, Int32(IPPROTO_TCP), TCP_KEEPINTVL, Self.silentCaller.interval)
            set(number, Int32(IPPROTO_TCP), TCP_KEEPCNT, Self.silentCaller.probes)
            set(number, Int32(IPPROTO_TCP), TCP_NODELAY, 1)
            connection.close()
            connection = call
            connectedTo = from
            hasNewCaller = true
        }
    }

    private func set(_ number: Int32, _ level: Int32, _ option: Int32, _ value: Int32) {
        var value = value
        setsockopt(number, level, option, &value, socklen_t(MemoryLayout<Int32>.size))
    }

    private func numeric(
        _ number: Int32, _ ask: (Int32, UnsafeMutablePointer<sockaddr>, UnsafeMutablePointer<socklen_t>) -> Int32
    ) -> (host: String, port: String)? {
        var storage = sockaddr_storage()
        var size = socklen_t(MemoryLayout<sockaddr_storage>.size)
        var host = [CChar](repeating: 0, count: Int(NI_MAXHOST))
        var service = [CChar](repeating: 0, count: Int(NI_MAXSERV))
        let isKnown = withUnsafeMutablePointer(to: &storage) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { general in
                ask(number, general, &size) == 0
                    && getnameinfo(
                        general, size, &host, socklen_t(host.count), &service, socklen_t(service.count),
                        NI_NUMERICHOST | NI_NUMERICSERV) == 0
            }
        }
        guard isKnown else { return nil }
        let text = host.withUnsafeBufferPointer { $0.baseAddress.map { String(cString: $0) } ?? "" }
        let port = service.withUnsafeBufferPointer { $0.baseAddress.map { String(cString: $0) } ?? "" }
        // An IPv4 caller on a port of all addresses is shown as ::ffff:10.0.0.7.
        return (text.hasPrefix("::ffff:") ? String(text.dropFirst(7)) : text, port)
    }
}
