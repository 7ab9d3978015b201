import Fieldbus
import LineEngine
import ModbusFrames
import TestSupport

@testable import Sampling

/// A read of a Modbus device, as a played bus sees it.
struct AskedRead {
    let unit: UInt8
    let address: Int
    let count: Int
    /// Unit: ns.
    let time: Int64

    var registers: Range<Int> { address..<(address + count) }
}

/// A Modbus line in virtual time on which a rule says what becomes of each read. A register's value is its address.
final class PlayedBus: ByteLine {
    enum Outcome {
        case values
        case silence
        case exception(UInt8)
        /// The other side ends the connection.
        case end
        /// Other bytes after the values.
        case followed([UInt8])
        /// As it comes: bytes, each with how long after the request.
        case sent([(delay: Int64, bytes: [UInt8])])
    }

    private let clock: VirtualClock
    private let isTCP: Bool
    private let rule: (AskedRead) -> Outcome
    private var coming: [(time: Int64, bytes: [UInt8])] = []
    private var endsAt: Int64?
    private(set) var asked: [AskedRead] = []
    private(set) var opened: [Int64] = []
    /// How long after the request the answer comes. Unit: ns.
    var delay: (AskedRead) -> Int64 = { _ in 15_000_000 }
    var mayOpen: (Int64) -> Bool = { _ in true }
    /// Whether what is said of a read is carried, and the line then lost in the saying.
    var breaksAfter: (AskedRead) -> Bool = { _ in false }
    /// How long a connection may be idle before its other side ends it. Unit: ns.
    var idleLimit: Int64 = .max
    /// What a new connection brings before anything was asked.
    var greeting: [UInt8] = []

    init(_ clock: VirtualClock, isTCP: Bool = false, rule: @escaping (AskedRead) -> Outcome) {
        self.clock = clock
        self.isTCP = isTCP
        self.rule = rule
    }

    var isConnection: Bool { isTCP }

    func open(deadline: Int64) throws(FieldbusError) {
        opened.append(clock.now())
        clock.sleep(until: clock.now() + 1_000_000)
        guard mayOpen(clock.now()) else { throw FieldbusError.cannotOpen(path: "/dev/none", errno: 2) }
        if isTCP { coming.removeAll() }
        if !greeting.isEmpty { coming.append((clock.now(), greeting)) }
        endsAt = idleLimit == .max ? nil : clock.now() + idleLimit
    }

    func close() { endsAt = nil }

    func read(into buffer: inout [UInt8], deadline: Int64) throws(FieldbusError) -> Int {
        let next = coming.first?.time ?? .max
        if let end = endsAt, end < next, end <= max(deadline, clock.now()) {
            clock.sleep(until: end)
            throw FieldbusError.disconnected(errno: 0)
        }
        guard let first = coming.first, next <= max(deadline, clock.now()) else {
            clock.sleep(until: deadline)
            return 0
        }
        clock.sleep(until: next)
        coming.removeFirst()
        for place in first.bytes.indices { buffer[place] = first.bytes[place] }
        return first.bytes.count
    }

    func write(_ bytes: [UInt8], deadline: Int64) throws(FieldbusError) {
        let transaction = isTCP ? UInt16(bytes[0]) << 8 | UInt16(bytes[1]) : 0
        let (unit, range) = isTCP ? (bytes[6], 7..<bytes.count) : (bytes[0], 1..<(bytes.count - 2))
        guard case .read(let function, let address, let count)? = ModbusRequest(bytes, range) else { return }
        let read = AskedRead(unit: unit, address: address, count: count, time: clock.now())
        asked.append(read)
        if breaksAfter(read) { throw FieldbusError.disconnected(errno: 5) }
        let after = clock.now() + delay(read)
        func frame(_ data: [UInt8]) -> [UInt8] {
            isTCP ? TCPFrame.frame(transaction: transaction, unit: unit, data) : RTUFrame.frame(unit: unit, data)
        }
        let values = frame(ModbusAnswer.read(function, read.registers.map { UInt16(truncatingIfNeeded: $0) }))
        if idleLimit != .max { endsAt = after + idleLimit }
        switch rule(read) {
        case .values: put(values, at: after)
        case .silence: break
        case .exception(let code): put(frame(ModbusAnswer.exception(function.rawValue, code: code)), at: after)
        case .end: endsAt = clock.now() + 1_000_000
        case .followed(let more): put(values + more, at: after)
        case .sent(let pieces): for piece in pieces { put(piece.bytes, at: clock.now() + piece.delay) }
        }
    }

    private func put(_ bytes: [UInt8], at time: Int64) {
        let place = coming.firstIndex { $0.time > time } ?? coming.count
        coming.insert((time, bytes), at: place)
    }

    /// When a unit was asked, since the start. Unit: s.
    func times(of unit: UInt8) -> [Double] { asked.filter { $0.unit == unit }.map { Double($0.time) / 1e9 } }
}

/// Frames of a Modbus RTU line that no rule makes.
enum RTUAnswer {
    static func values(_ values: [UInt16], unit: UInt8) -> [UInt8] {
        RTUFrame.frame(unit: unit, ModbusAnswer.read(.readHoldingRegisters, values))
    }

    static func request(unit: UInt8) -> [UInt8] {
        var bytes: [UInt8] = []
        RTUFrame.compose(unit: unit, .read(.readHoldingRegisters, address: 0, count: 1), into: &bytes)
        return bytes
    }
}
