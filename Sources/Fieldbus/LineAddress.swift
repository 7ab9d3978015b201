import CPosix
import Glibc

/// Where a line is: a serial port, a pseudo-terminal to be made, or a TCP port, called or listened on.
package enum LineAddress: Sendable, Hashable, CustomStringConvertible {
    case path(String)
    /// Make a pseudo-terminal; only a player of devices asks for this.
    case newPseudoTerminal
    case tcp(host: String, port: Int)
    /// RTU frames as they are, over a terminal server.
    case rtuOverTCP(host: String, port: Int)
    /// Modbus TCP, also for a device whose profile speaks RTU: a gateway lies between.
    case modbusTCP(host: String, port: Int)
    /// The device calls the host, on this address of the host; `caller` is the only address it may call from.
    case listening(host: String, port: Int, caller: String?)

    /// Reads `/dev/ttyUSB0`, `pty`, `tcp://HOST:PORT`, `rtu+tcp://…`, `modbus+tcp://…` or `listen:tcp://…`; `nil` for
    /// anything else.
    package init?(_ text: String) {
        if text.hasPrefix("listen:") {
            guard case .tcp(let host, let port)? = LineAddress(String(text.dropFirst(7))) else { return nil }
            self = .listening(host: host, port: port, caller: nil)
            return
        }
        for (scheme, make) in [("rtu+", LineAddress.rtuOverTCP), ("modbus+", LineAddress.modbusTCP)]
        where text.hasPrefix(scheme + "tcp://") {
            guard case .tcp(let host, let port)? = LineAddress(String(text.dropFirst(scheme.count))) else { return nil }
            self = make(host, port)
            return
        }
        if text == "pty" {
            self = .newPseudoTerminal
        } else if text.hasPrefix("tcp://") {
            let rest = text.dropFirst(6)
            guard let colon = rest.lastIndex(of: ":"), let port = Int(rest[rest.index(after: colon)...]),
                (0...65535).contains(port)
            else {
                return nil
            }
            let host = rest[..<colon].filter { $0 != "[" && $0 != "]" }
            guard !host.isEmpty else { return nil }
            self = .tcp(host: String(host), port: port)
        } else if text.hasPrefix("/") {
            self = .path(text)
        } else {
            return nil
        }
    }

    /// The same kind of line at another place.
    package func moved(to host: String, _ port: Int) -> LineAddress {
        switch self {
        case .path, .newPseudoTerminal, .tcp, .listening: .tcp(host: host, port: port)
        case .rtuOverTCP: .rtuOverTCP(host: host, port: port)
        case .modbusTCP: .modbusTCP(host: host, port: port)
        }
    }

    package var description: String {
        switch self {
        case .path(let path): path
        case .newPseudoTerminal: "pty"
        case .tcp(let host, let port): "tcp://\(host):\(port)"
        case .rtuOverTCP(let host, let port): "rtu+tcp://\(host):\(port)"
        case .modbusTCP(let host, let port): "modbus+tcp://\(host):\(port)"
        case .listening(let host, let port, _): "listen:tcp://\(host):\(port)"
        }
    }
}

/// A path with every symbolic link followed: stable names of adapters are links, and libserialport knows only the
/// kernel's names.
func resolved(_ path: String) -> String {
    guard let real = realpath(path, nil) else { return path }
    defer { free(real) }
    return String(cString: real)
}

/// Takes a terminal for this process alone: an advisory lock, which ends with the process however it ends, and on a
/// real port the terminal's own exclusive mode, which keeps out those who do not ask. (On a pseudo-terminal that mode
/// would outlive a killed process for as long as the other side is open.)
///
/// - Parameter mayBeExclusive: whether the library that opened it may have taken the exclusive mode itself.
func claim(_ descriptor: Int32, path: String, mayBeExclusive: Bool = false) throws(FieldbusError) {
    guard flock(descriptor, LOCK_EX | LOCK_NB) == 0 else {
        throw isOpenTwice(descriptor) ? FieldbusError.portShared(path: path) : FieldbusError.portHeld(path: path)
    }
    // The superuser is let in where others are refused, so the mode is asked for as well.
    guard mayBeExclusive || nabd_terminal_is_exclusive(descriptor) != 1 else {
        throw FieldbusError.portHeld(path: path)
    }
    if !resolved(path).hasPrefix("/dev/pts/") { _ = nabd_terminal_exclusive(descriptor, 1) }
}

/// Whether it is this process that has locked the same terminal, by another descriptor.
private func isOpenTwice(_ descriptor: Int32) -> Bool {
    var own = stat()
    var limit = rlimit()
    guard fstat(descriptor, &own) == 0, getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0 else {
        return false
    }
    return (0..<Int32(min(limit.rlim_cur, 65_536))).contains { number in
        var other = stat()
        return number != descriptor && fstat(number, &other) == 0 && other.st_mode & S_IFMT == S_IFCHR
            && other.st_rdev == own.st_rdev && hasLock(number)
    }
}

/// Whether a lock is on a descriptor of this process; the kernel lists it with what it is about.
private func hasLock(_ number: Int32) -> Bool {
    guard let file = fopen("/proc/self/fdinfo/\(number)", "re") else { return false }
    defer { fclose(file) }
    var text = [UInt8](repeating: 0, count: 1024)
    let count = fread(&text, 1, text.count, file)
    return String(decoding: text.prefix(count), as: UTF8.self).contains("FLOCK")
}

/// Sets what neither library sets the same way on every port: flow control, the levels of the control lines, RS-485.
/// One place for both kinds of port.
///
/// A pseudo-terminal has no control lines: there it is asked for all the same, and its refusal is no fault.
///
/// - Parameter isRS485: whether RS-485 is still to be asked for; `nil` for what the settings say.
func arrange(_ descriptor: Int32, _ settings: SerialSettings, path: String, isRS485: Bool? = nil) throws(FieldbusError)
{
    let flow =
        switch settings.flow {
        case .none: NABD_FLOW_NONE
        case .hardware: NABD_FLOW_HARDWARE
        case .software: NABD_FLOW_SOFTWARE
        }
    var outcomes = [nabd_set_flow(descriptor, Int32(flow))]
    if let dtr = settings.dtr { outcomes.append(nabd_set_dtr(descriptor, dtr ? 1 : 0)) }
    // With hardware flow control or RS-485 the driver moves RTS itself.
    if let rts = settings.rts, settings.flow != .hardware, !settings.isRS485 {
        outcomes.append(nabd_set_rts(descriptor, rts ? 1 : 0))
    }
    if isRS485 ?? settings.isRS485 { outcomes.append(nabd_set_rs485(descriptor)) }
    guard resolved(path).hasPrefix("/dev/pts/") || outcomes.allSatisfy({ $0 == 0 }) else {
        throw FieldbusError.settingsRefused(path: path, settings: settings.description)
    }
}
