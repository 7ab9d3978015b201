import RealTime

/// Reads registers over Modbus TCP: the transaction number of every answer is checked, and a late one costs only its own request.
///
/// Source: MODBUS Messaging on TCP/IP Implementation Guide V1.0b.
public final class TCPClient<Line: ByteLine, Clock: MonotonicTime>: RegisterLine {
    /// What a network and a scheduler may add to the device's own time. Unit: ns.
    static var margin: Int64 { 50_000_000 }
    /// Exchanges without a single byte after which the connection is taken for dead, and made anew.
    static var deadAfter: Int { 5 }

    private let line: Line
    private let clock: Clock
    private var inbox = TCPInbox()
    private var chunk = [UInt8](repeating: 0, count: 512)
    private var request: [UInt8] = []
    private var transaction: UInt16 = 0
    private var silentExchanges = 0

    public init(_ line: Line, clock: Clock) {
        self.line = line
        self.clock = clock
        request.reserveCapacity(12)
    }

    public private(set) var openings = 0

    public func open() throws(FieldbusError) {
        openings += 1
        try line.open(deadline: clock.now() + 2_000_000_000)
        inbox.clear()
        silentExchanges = 0
    }

    public func close() { line.close() }

    public func takeSighting() -> LinkSighting? { inbox.sightings.take() }

    public func read(_ wanted: RegisterRequest, into registers: inout [UInt16]) throws(FieldbusError) {
        precondition((1...125).contains(wanted.count) && registers.count >= wanted.count, "a read asks for 1 to 125 registers and has room for them")
        try drain()
        transaction &+= 1
        compose(wanted)
        try line.write(request, deadline: clock.now() + wanted.slowestReply)
        let deadline = clock.now() + wanted.slowestReply + Self.margin
        var heard = false
        while true {
            let received = try line.read(into: &chunk, deadline: deadline)
            heard = heard || received > 0
            inbox.append(chunk, count: received)
            let step = inbox.next(wanted, transaction: transaction)
            if step != .needMore { silentExchanges = 0 }
            switch step {
            case .answer: return Self.unpack(inbox.answer, from: 2, wanted, into: &registers)
            case .exception(let code): throw FieldbusError.deviceException(code: code)
            case .wrongContent:
                inbox.sightings.note(.mismatched, unit: wanted.unit)
                throw FieldbusError.mismatchedReply
            case .outOfStep:
                try reconnect()
                throw FieldbusError.mismatchedReply
            case .needMore: break
            }
            if received == 0 || clock.now() >= deadline { break }
        }
        try giveUp(heard: heard)
    }

    private func giveUp(heard: Bool) throws(FieldbusError) {
        inbox.giveUp(transaction)
        silentExchanges = heard ? 0 : silentExchanges + 1
        // Half a frame, or nothing for long: what comes next may belong to anything, or the connection has died without a word.
        let isHalf = !inbox.isEmpty
        if isHalf || silentExchanges >= Self.deadAfter { try reconnect() }
        throw isHalf ? FieldbusError.incomplete : .timedOut
    }

    private func reconnect() throws(FieldbusError) {
        line.close()
        try open()
    }

    private func compose(_ wanted: RegisterRequest) {
        request.removeAll(keepingCapacity: true)
        append(word: Int(transaction))
        append(word: 0)
        append(word: 6)
        request.append(wanted.unit)
        request.append(wanted.function)
        append(word: wanted.address)
        append(word: wanted.count)
    }

    private func append(word: Int) {
        request.append(UInt8(truncatingIfNeeded: word >> 8))
        request.append(UInt8(truncatingIfNeeded: word))
    }

    /// What has come since the last exchange is seen before anything is sent.
    private func drain() throws(FieldbusError) {
        // Bounded: whoever sends more than this unasked is not waited for.
        for _ in 0..<16 {
            let received = try line.read(into: &chunk, deadline: 0)
            guard received > 0 else { return }
            inbox.append(chunk, count: received)
            guard inbox.next(nil, transaction: transaction) != .outOfStep else { break }
        }
        inbox.sightings.note(.resync)
        try reconnect()
    }
}
