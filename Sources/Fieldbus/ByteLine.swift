/// A line that carries bytes: a serial port, a pseudo-terminal, or a TCP connection to a terminal server.
///
/// Calls come from the one thread that owns the line. Deadlines are of the monotonic clock. Unit: ns.
package protocol ByteLine: AnyObject {
    /// Whether it is a connection, which its other side may end.
    var isConnection: Bool { get }
    /// Opens the line anew. Throws when it cannot be had; the caller backs off and tries again.
    func open(deadline: Int64) throws(FieldbusError)
    func close()
    /// Takes what has arrived, at most the buffer's size; waits for the first byte until the deadline, or until the
    /// line's bell is rung, where it has one. 0 when nothing came.
    func read(into buffer: inout [UInt8], deadline: Int64) throws(FieldbusError) -> Int
    /// Sends all bytes, or throws.
    func write(_ bytes: [UInt8], deadline: Int64) throws(FieldbusError)
    /// Whether another caller has come since it was last asked: what came before belongs to nothing.
    func takeRenewal() -> Bool
}

extension ByteLine {
    package func takeRenewal() -> Bool { false }
}

/// Serial line settings. Baud in bit/s; data bits 7 or 8; parity `N`, `E` or `O`; stop bits 1 or 2.
package struct SerialSettings: Sendable, Hashable, CustomStringConvertible {
    package enum FlowControl: Sendable {
        case none
        case hardware
        case software
    }

    package let baud: Int
    package let dataBits: Int
    package let parity: Character
    package let stopBits: Int
    package let flow: FlowControl
    /// Levels of the control lines; `nil` leaves them as the system sets them.
    package let dtr: Bool?
    package let rts: Bool?
    /// Whether the port's driver switches the direction of an RS-485 line.
    package let isRS485: Bool

    package init(
        baud: Int, dataBits: Int, parity: Character, stopBits: Int, flow: FlowControl = .none, dtr: Bool? = nil,
        rts: Bool? = nil,
        isRS485: Bool = false
    ) {
        self.baud = baud
        self.dataBits = dataBits
        self.parity = parity
        self.stopBits = stopBits
        self.flow = flow
        self.dtr = dtr
        self.rts = rts
        self.isRS485 = isRS485
    }

    package var description: String { "\(baud) baud \(dataBits)\(parity)\(stopBits)" }

    /// How long a byte takes on the wire, with its start, parity and stop bits. Unit: ns.
    package var nanosecondsPerByte: Int64 {
        Int64(1 + dataBits + (parity == "N" ? 0 : 1) + stopBits) * 1_000_000_000 / Int64(max(1, baud))
    }
}
