import CModbus
import CPosix
import Glibc
import RealTime

/// A line on which registers are read. Calls come from the one thread that owns the line.
public protocol RegisterLine: AnyObject {
    func open() throws(FieldbusError)
    func close()
    /// Reads `count` registers into `registers`, of which the first `count` are replaced.
    ///
    /// - Parameters:
    ///   - function: 1 (coils), 2 (discrete inputs), 3 (holding) or 4 (input); of bits each register gets one, 0 or 1.
    ///   - timeout: how long the device may take. Unit: ns.
    func read(unit: UInt8, function: UInt8, address: Int, count: Int, timeout: Int64, into registers: inout [UInt16]) throws(FieldbusError)
}

/// Modbus RTU or TCP through libmodbus, with the discipline that libmodbus lacks.
///
/// RTU has no transaction number: a reply that comes after its time-out looks exactly like the answer to the next request, and libmodbus
/// hands it out as such. So nothing is sent while unread bytes are on the line, and after any failed exchange the line must be silent for as
/// long as the device may take before the next request goes out. A TCP connection is closed after a failed exchange for the same reason.
public final class ModbusLine: RegisterLine {
    public enum Medium: Sendable {
        case rtu(path: String, SerialSettings)
        case tcp(host: String, port: Int)
    }

    private let medium: Medium
    private let clock = MonotonicClock()
    private var context: OpaquePointer?
    /// How long the line must have been silent since the last failure before the next request. Unit: ns; 0 after a good exchange.
    private var quarantine: Int64 = 0
    private var failedAt: Int64 = 0
    private var bits = [UInt8](repeating: 0, count: 125)
    /// Bytes thrown away because nobody had asked for them.
    public private(set) var discardedBytes: Int = 0

    public init(_ medium: Medium) { self.medium = medium }

    deinit { close() }

    public func open() throws(FieldbusError) {
        close()
        let name: String
        switch medium {
        case .rtu(let path, let settings):
            name = path
            let parity = CChar(settings.parity.asciiValue ?? 0x4E)
            context = modbus_new_rtu(resolved(path), Int32(settings.baud), parity, Int32(settings.dataBits), Int32(settings.stopBits))
        case .tcp(let host, let port):
            name = "tcp://\(host):\(port)"
            context = modbus_new_tcp_pi(host, String(port))
        }
        guard let context else { throw FieldbusError.cannotOpen(path: name, errno: errno) }
        // libmodbus waits half a second between bytes by default, longer than most devices may take for a whole reply.
        modbus_set_byte_timeout(context, 0, 100_000)
        modbus_set_response_timeout(context, 2, 0)
        if modbus_connect(context) != 0 {
            let code = errno
            close()
            throw code == EBUSY ? FieldbusError.portHeld(path: name) : FieldbusError.cannotOpen(path: name, errno: code)
        }
        if case .rtu = medium {
            do {
                try claim(modbus_get_socket(context), path: name)
            } catch {
                close()
                throw error
            }
        }
        quarantine = 0
    }

    public func close() {
        guard let context else { return }
        modbus_close(context)
        modbus_free(context)
        self.context = nil
    }

    public func read(
        unit: UInt8, function: UInt8, address: Int, count: Int, timeout: Int64, into registers: inout [UInt16]
    ) throws(FieldbusError) {
        guard let context else { throw FieldbusError.disconnected(errno: EBADF) }
        precondition(count >= 1 && count <= 125 && registers.count >= count, "a read asks for 1 to 125 registers and has room for them")
        if case .rtu = medium { try settle(context) }
        modbus_set_slave(context, Int32(unit))
        modbus_set_response_timeout(context, UInt32(timeout / 1_000_000_000), UInt32(timeout % 1_000_000_000 / 1000))
        errno = 0
        if receive(context, function, Int32(address), Int32(count), &registers) == Int32(count) { return }
        let failure = Self.failure(errno)
        switch failure {
        // An exception is a whole, checked reply: nothing else is under way.
        case .deviceException: break
        case .disconnected: close()
        default:
            quarantine = timeout
            failedAt = clock.now()
            if case .tcp = medium {
                // A late reply must find nobody: the connection is made anew at once, and only when that fails is the line lost.
                close()
                try open()
            }
        }
        throw failure
    }

    private func receive(_ context: OpaquePointer, _ function: UInt8, _ address: Int32, _ count: Int32, _ registers: inout [UInt16]) -> Int32 {
        switch function {
        case 3: return registers.withUnsafeMutableBufferPointer { modbus_read_registers(context, address, count, $0.baseAddress) }
        case 4: return registers.withUnsafeMutableBufferPointer { modbus_read_input_registers(context, address, count, $0.baseAddress) }
        default:
            let received = bits.withUnsafeMutableBufferPointer { buffer in
                function == 1
                    ? modbus_read_bits(context, address, count, buffer.baseAddress) : modbus_read_input_bits(context, address, count, buffer.baseAddress)
            }
            for index in 0..<Int(max(0, min(received, count))) { registers[index] = UInt16(bits[index]) }
            return received
        }
    }

    /// Throws away what nobody asked for, and waits until the line has been silent for the quarantine. A line that never falls silent is
    /// given up for this exchange after four quarantines and 50 ms.
    private func settle(_ context: OpaquePointer) throws(FieldbusError) {
        let descriptor = modbus_get_socket(context)
        var silence = max(0, failedAt + quarantine - clock.now())
        let limit = clock.now() + 4 * quarantine + 50_000_000
        var scratch: (UInt64, UInt64, UInt64, UInt64) = (0, 0, 0, 0)
        while true {
            let ready = nabd_wait(descriptor, Int16(POLLIN), silence)
            if ready == 0 { break }
            if ready == -EINTR { continue }
            guard ready > 0, ready & Int32(POLLIN) != 0 else { throw FieldbusError.disconnected(errno: ready < 0 ? -ready : EIO) }
            let count = withUnsafeMutableBytes(of: &scratch) { Glibc.read(descriptor, $0.baseAddress, $0.count) }
            guard count > 0 else { throw FieldbusError.disconnected(errno: count == 0 ? 0 : errno) }
            discardedBytes += count
            silence = max(quarantine, Self.frameSilence)
            if clock.now() > limit { throw FieldbusError.mismatchedReply }
        }
        quarantine = 0
    }

    /// Longer than three and a half characters at 2400 baud and above. Unit: ns.
    private static let frameSilence: Int64 = 16_000_000

    /// What an errno of libmodbus means. Source: libmodbus 3.1.6, modbus.h.
    private static func failure(_ code: Int32) -> FieldbusError {
        let base: Int32 = 112_345_678  // MODBUS_ENOBASE, a macro that Swift does not import
        switch code {
        case ETIMEDOUT: return .timedOut
        case base + 12: return .checksumMismatch
        case base + 1...base + 11: return .deviceException(code: UInt8(code - base))
        case base + 13...base + 17: return .mismatchedReply
        case 0: return .mismatchedReply
        default: return .disconnected(errno: code)
        }
    }
}
