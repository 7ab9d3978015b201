/// One read of registers or bits.
public struct RegisterRequest: Sendable, Equatable {
    public let unit: UInt8
    /// 1 (coils), 2 (discrete inputs), 3 (holding) or 4 (input registers).
    public let function: UInt8
    public let address: Int
    /// Range: 1…125.
    public let count: Int
    /// How long the device may take until its answer begins. Unit: ns.
    public let slowestReply: Int64
    /// Whether the register behind the last may be read as well, to tell one answer from another.
    public let mayWiden: Bool

    public init(unit: UInt8, function: UInt8, address: Int, count: Int, slowestReply: Int64, mayWiden: Bool) {
        self.unit = unit
        self.function = function
        self.address = address
        self.count = count
        self.slowestReply = slowestReply
        self.mayWiden = mayWiden
    }

    /// Data bytes of the answer.
    var dataBytes: Int { function <= 2 ? (count + 7) / 8 : count * 2 }

    /// The same read of another number of registers.
    func counting(_ count: Int) -> RegisterRequest {
        RegisterRequest(unit: unit, function: function, address: address, count: count, slowestReply: slowestReply, mayWiden: mayWiden)
    }
}

/// A line on which registers are read. Calls come from the one thread that owns the line.
public protocol RegisterLine: AnyObject {
    func open() throws(FieldbusError)
    func close()
    /// Reads into `registers`, of which the first `count` are replaced; of bits each gets one, 0 or 1.
    ///
    /// Throws after at most the request's time and what the line needs to fall silent; the line itself is still open unless the error
    /// ``FieldbusError/losesLine``.
    func read(_ request: RegisterRequest, into registers: inout [UInt16]) throws(FieldbusError)
    /// What was seen besides answers since it was last asked; `nil` when there is no more.
    func takeSighting() -> LinkSighting?
    /// How often the line was opened: whoever is at its other end may be another by then.
    var openings: Int { get }
}

extension RegisterLine {
    /// Takes the data of an answer apart.
    static func unpack(_ bytes: [UInt8], from place: Int, _ request: RegisterRequest, into registers: inout [UInt16]) {
        for index in 0..<request.count {
            if request.function <= 2 {
                registers[index] = UInt16(bytes[place + index / 8] >> UInt8(index % 8) & 1)
            } else {
                registers[index] = UInt16(bytes[place + index * 2]) << 8 | UInt16(bytes[place + index * 2 + 1])
            }
        }
    }
}
