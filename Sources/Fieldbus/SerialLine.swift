import CPosix
import CSerialPort
import Glibc
package import RealTime

/// A serial port through libserialport, or a pseudo-terminal.
///
/// libserialport 0.1.1 finds ports in sysfs and so refuses pseudo-terminals and symbolic links: links are followed
/// first, and what lies in `/dev/pts` is opened as a plain raw terminal.
package final class SerialLine: ByteLine {
    private let path: String
    private let settings: SerialSettings
    private let bell: Bell?
    private let clock = MonotonicClock()
    private var port: OpaquePointer?
    private var descriptor = Descriptor()

    /// - Parameter bell: ends a read.
    package init(path: String, settings: SerialSettings, bell: Bell? = nil) {
        self.path = path
        self.settings = settings
        self.bell = bell
    }

    deinit { close() }

    package func open(deadline: Int64) throws(FieldbusError) {
        close()
        let real = resolved(path)
        do {
            if real.hasPrefix("/dev/pts/") { try openPseudoTerminal(real) } else { try openPort(real) }
            try arrange(descriptor.number, settings, path: path)
        } catch {
            close()
            throw error
        }
        tcflush(descriptor.number, TCIFLUSH)
    }

    package var isConnection: Bool { false }

    private func openPseudoTerminal(_ real: String) throws(FieldbusError) {
        let number = Glibc.open(real, O_RDWR | O_NOCTTY | O_CLOEXEC | O_NONBLOCK)
        guard number >= 0 else { throw errno == EBUSY ? .portHeld(path: path) : .cannotOpen(path: path, errno: errno) }
        descriptor = Descriptor(owning: number)
        let failure = nabd_make_raw(number)
        guard failure == 0 else { throw FieldbusError.cannotOpen(path: path, errno: -failure) }
        try claim(number, path: path)
    }

    private func openPort(_ real: String) throws(FieldbusError) {
        guard sp_get_port_by_name(real, &port) == SP_OK, let port else {
            throw FieldbusError.cannotOpen(path: path, errno: ENOENT)
        }
        guard sp_open(port, SP_MODE_READ_WRITE) == SP_OK else {
            let code = sp_last_error_code()
            throw code == EBUSY ? FieldbusError.portHeld(path: path) : FieldbusError.cannotOpen(path: path, errno: code)
        }
        var number: Int32 = -1
        guard sp_get_port_handle(port, &number) == SP_OK else {
            throw FieldbusError.cannotOpen(path: path, errno: EBADF)
        }
        try configure(port)
        // The port closes its own descriptor; ours is a copy.
        let copy = dup(number)
        guard copy >= 0 else { throw FieldbusError.cannotOpen(path: path, errno: errno) }
        descriptor = Descriptor(owning: copy)
        try claim(copy, path: path, mayBeExclusive: true)
    }

    private func configure(_ port: OpaquePointer) throws(FieldbusError) {
        guard let configuration = Self.configuration(settings) else {
            throw FieldbusError.settingsRefused(path: path, settings: settings.description)
        }
        defer { sp_free_config(configuration) }
        guard sp_set_config(port, configuration) == SP_OK else {
            throw FieldbusError.settingsRefused(path: path, settings: settings.description)
        }
    }

    /// A port's settings as libserialport has them, to be freed; `nil` where it refuses one. How bytes are held back is
    /// set behind it, with the lines of control.
    static func configuration(_ settings: SerialSettings) -> OpaquePointer? {
        var configuration: OpaquePointer?
        guard sp_new_config(&configuration) == SP_OK, let configuration else { return nil }
        let parity: sp_parity =
            settings.parity == "E" ? SP_PARITY_EVEN : settings.parity == "O" ? SP_PARITY_ODD : SP_PARITY_NONE
        let isAccepted =
            sp_set_config_baudrate(configuration, Int32(settings.baud)) == SP_OK
            && sp_set_config_bits(configuration, Int32(settings.dataBits)) == SP_OK
            && sp_set_config_parity(configuration, parity) == SP_OK
            && sp_set_config_stopbits(configuration, Int32(settings.stopBits)) == SP_OK
            // Version 0.1.1 leaves this one as it found the memory: by chance it refuses the port, or eats two bytes.
            && sp_set_config_xon_xoff(configuration, SP_XONXOFF_DISABLED) == SP_OK
        if isAccepted { return configuration }
        sp_free_config(configuration)
        return nil
    }

    package func close() {
        descriptor.close()
        if let port {
            sp_close(port)
            sp_free_port(port)
        }
        port = nil
    }

    package func read(into buffer: inout [UInt8], deadline: Int64) throws(FieldbusError) -> Int {
        try descriptor.read(into: &buffer, deadline: deadline, clock: clock, bell: bell)
    }

    package func write(_ bytes: [UInt8], deadline: Int64) throws(FieldbusError) {
        try descriptor.write(bytes, deadline: deadline, clock: clock)
    }
}
