import CModbus
import Glibc
package import RealTime

/// A serial port or TCP connection that libmodbus opens and configures; what is said on it is decided by a line's
/// engine.
///
/// libmodbus's own exchange takes any answer of the right shape for the one awaited, and stops listening at the first
/// frame that is not (docs/link-discipline.md); so only its knowledge of ports and connections is used.
package final class ModbusPort: ByteLine {
    package enum Medium: Sendable {
        case rtu(path: String, SerialSettings)
        /// - endsAtOnce: whether nothing of what was said reaches the other side any more once the line is closed, as
        ///   far as this machine goes: the connection is aborted and not ended.
        case tcp(host: String, port: Int, endsAtOnce: Bool = false)
    }

    private let medium: Medium
    private let bell: Bell?
    private let clock = MonotonicClock()
    private var context: OpaquePointer?
    private var descriptor = Descriptor()

    /// - Parameter bell: ends a read.
    package init(_ medium: Medium, bell: Bell? = nil) { (self.medium, self.bell) = (medium, bell) }

    package var isConnection: Bool { if case .tcp = medium { true } else { false } }

    deinit { close() }

    package func open(deadline: Int64) throws(FieldbusError) {
        close()
        let name: String
        switch medium {
        case .rtu(let path, let settings):
            name = path
            let parity = CChar(settings.parity.asciiValue ?? 0x4E)
            context = modbus_new_rtu(
                resolved(path), Int32(settings.baud), parity, Int32(settings.dataBits), Int32(settings.stopBits))
        case .tcp(let host, let port, _):
            name = "tcp://\(host):\(port)"
            context = modbus_new_tcp_pi(host, String(port))
        }
        guard let context else { throw FieldbusError.cannotOpen(path: name, errno: errno) }
        let limit = max(100_000_000, deadline - clock.now())
        modbus_set_response_timeout(context, UInt32(limit / 1_000_000_000), UInt32(limit % 1_000_000_000 / 1000))
        if modbus_connect(context) != 0 {
            let code = errno
            close()
            throw code == EBUSY ? FieldbusError.portHeld(path: name) : FieldbusError.cannotOpen(path: name, errno: code)
        }
        // libmodbus closes its own descriptor; ours is a copy.
        descriptor = Descriptor(owning: dup(modbus_get_socket(context)))
        if case .tcp(_, _, endsAtOnce: true) = medium {
            var linger = linger(l_onoff: 1, l_linger: 0)
            setsockopt(descriptor.number, SOL_SOCKET, SO_LINGER, &linger, socklen_t(MemoryLayout.size(ofValue: linger)))
        }
        guard case .rtu(_, let settings) = medium else { return }
        do {
            try claim(descriptor.number, path: name)
            // Before all else is arranged: libmodbus asks the driver itself.
            let isRefused = settings.isRS485 && modbus_rtu_set_serial_mode(context, MODBUS_RTU_RS485) != 0
            try arrange(descriptor.number, settings, path: name, isRS485: isRefused)
        } catch {
            close()
            throw error
        }
        tcflush(descriptor.number, TCIOFLUSH)
    }

    package func close() {
        descriptor.close()
        guard let context else { return }
        modbus_close(context)
        modbus_free(context)
        self.context = nil
    }

    package func read(into buffer: inout [UInt8], deadline: Int64) throws(FieldbusError) -> Int {
        try descriptor.read(into: &buffer, deadline: deadline, clock: clock, bell: bell)
    }

    package func write(_ bytes: [UInt8], deadline: Int64) throws(FieldbusError) {
        try descriptor.write(bytes, deadline: deadline, clock: clock)
    }
}
