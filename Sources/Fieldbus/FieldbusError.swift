import Glibc

/// Why a line could not be opened, or was lost.
package enum FieldbusError: Error, Sendable, Equatable {
    /// What was to be said could not be handed over before the deadline.
    case timedOut
    /// The line is closed, unplugged or unreachable.
    case disconnected(errno: Int32)
    /// Another process holds the port.
    case portHeld(path: String)
    /// This process has the port open already, under another name.
    case portShared(path: String)
    /// The name of a host has no address.
    case unknownHost(String)
    /// The port cannot be opened.
    case cannotOpen(path: String, errno: Int32)
    /// Calls cannot be taken on this address.
    case cannotListen(line: String, errno: Int32)
    /// The port refuses these line settings.
    case settingsRefused(path: String, settings: String)

    /// Whether the other side ended a connection: it closed it, or it had forgotten it.
    package var isEnd: Bool {
        switch self {
        case .disconnected(let code): code == 0 || code == ECONNRESET || code == EPIPE
        case .timedOut, .portHeld, .portShared, .unknownHost, .cannotOpen, .cannotListen, .settingsRefused: false
        }
    }

    /// The system's error number, for the journal; 0 when there is none.
    package var errnoValue: Int32 {
        switch self {
        case .disconnected(let code), .cannotOpen(_, let code), .cannotListen(_, let code): code
        case .portHeld: EBUSY
        case .portShared: EDEADLK
        case .unknownHost: EHOSTUNREACH
        case .settingsRefused: EINVAL
        case .timedOut: ETIMEDOUT
        }
    }
}

extension FieldbusError: CustomStringConvertible {
    package var description: String {
        switch self {
        case .timedOut: "the line takes nothing: check its flow control and what it is connected to"
        case .disconnected(EBADMSG):
            "what comes on this line is not its protocol: check address and port; it is opened again by itself"
        case .disconnected(let code):
            "the line was lost (\(Self.words(code))): check the cable; it is opened again by itself"
        case .portHeld(let path): "\(path) is held by another process: stop that process (fuser \(path) names it)"
        case .portShared(let path):
            "\(path) is open in this host already: the configuration has the same port under another name; give each "
                + "device a port of its own, or devices of one Modbus line the same name"
        case .unknownHost(let host):
            "the name “\(host)” has no address: check how it is written, and DNS, or give the address itself"
        case .cannotOpen(let path, ECONNREFUSED):
            "\(path) refuses the connection: does what is expected there run, and is this its port?"
        case .cannotOpen(let path, ETIMEDOUT), .cannotOpen(let path, EHOSTUNREACH), .cannotOpen(let path, ENETUNREACH):
            "\(path) does not answer: is it on, and is this machine in its network?"
        case .cannotOpen(let path, ENOENT): "\(path) does not exist: is the adapter plugged in, and is this its name?"
        case .cannotOpen(let path, EACCES):
            "\(path) may not be opened: give it to the host by the rule that “nabd ports” prints, or its user to the "
                + "group dialout"
        case .cannotOpen(let path, let code): "\(path) cannot be opened (\(Self.words(code)))"
        case .cannotListen(let line, EADDRINUSE): "\(line) is taken by another process: stop it, or give another port"
        case .cannotListen(let line, EADDRNOTAVAIL): "\(line) is not an address of this machine"
        case .cannotListen(let line, EACCES):
            "\(line) may not be taken: ports below 1024 need a right; give a higher one"
        case .cannotListen(let line, let code): "no calls can be taken on \(line) (\(Self.words(code)))"
        case .settingsRefused(let path, let settings): "\(path) does not accept the line settings \(settings)"
        }
    }

    private static func words(_ code: Int32) -> String { code == 0 ? "end of stream" : String(cString: strerror(code)) }
}
