/// The envelope of Modbus TCP: transaction, protocol, length and unit before. Source: MODBUS Messaging on TCP/IP
/// Implementation Guide V1.0b, 3.1.3.
package struct TCPFrame: Sendable, Equatable, BitwiseCopyable {
    /// Transaction, protocol, length and unit. Unit: bytes.
    package static let headerLength = 7
    /// The longest frame. Unit: bytes.
    package static let longest = 260

    package let transaction: UInt16
    /// What the header says is behind it: unit and all that follows. Unit: bytes.
    package let told: Int
    package let unit: UInt8

    /// Where the frame ends, as its header tells. Unit: bytes from its first.
    package var end: Int { told + 6 }

    /// Reads the header that begins here; `nil` when it is not whole. Which protocol it names is not looked at: see
    /// ``isModbus(_:at:)``.
    package init?(_ bytes: [UInt8], at place: Int, end: Int) {
        guard end - place >= Self.headerLength else { return nil }
        transaction = UInt16(bytes.word(place))
        told = bytes.word(place + 4)
        unit = bytes[place + 6]
    }

    /// Whether what begins here can be the header of a Modbus frame.
    package static func isModbus(_ bytes: [UInt8], at place: Int) -> Bool {
        bytes.word(place + 2) == 0 && (3...(longest - 6)).contains(bytes.word(place + 4))
    }

    /// Makes `bytes` the frame of a request.
    package static func compose(transaction: UInt16, unit: UInt8, _ request: ModbusRequest, into bytes: inout [UInt8]) {
        bytes.removeAll(keepingCapacity: true)
        bytes.append(word: Int(transaction))
        bytes.append(word: 0)
        bytes.append(word: 0)
        bytes.append(unit)
        request.append(to: &bytes)
        let told = bytes.count - 6
        bytes[4] = UInt8(truncatingIfNeeded: told >> 8)
        bytes[5] = UInt8(truncatingIfNeeded: told)
    }

    /// A whole frame of bytes that begin with a function code.
    package static func frame(transaction: UInt16, unit: UInt8, _ pdu: [UInt8]) -> [UInt8] {
        var bytes: [UInt8] = []
        bytes.append(word: Int(transaction))
        bytes.append(word: 0)
        bytes.append(word: pdu.count + 1)
        return bytes + [unit] + pdu
    }
}
