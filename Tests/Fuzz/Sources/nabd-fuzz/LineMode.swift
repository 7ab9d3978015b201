import DeviceDrivers
import DeviceModel
import DevicePlans
import LineEngine
import ModbusFrames
import ProfileLanguage
import RealTime

/// A live line: its engine is asked what is next and told what came of it, with time that passes, lines that are lost,
/// orders, and bytes that are answers, parts of answers, or anything.
enum LineMode {
    static func run(_ input: inout Input) {
        guard input.byte() & 3 != 0 else { return echo(&input) }
        let ship = Fleet.ship(input.byte())
        recorder.empty()
        switch ship.target.plan.protocolPlan {
        case .serial(let serial):
            var engine = TextEngine(
                device: ship.target.plan, plan: serial, byteTime: 1_000_000, recorder: recorder, now: 1)
            play(&engine, ship, &input)
        case .modbus where ship.target.plan.line.transport == .modbusTCP:
            var engine = TCPEngine(devices: [ship.target.plan], recorder: recorder, now: 1)
            play(&engine, ship, &input)
        case .modbus:
            var engine = RTUEngine(
                devices: [ship.target.plan], byteTime: 1_000_000, baud: 9600, recorder: recorder, now: 1)
            play(&engine, ship, &input)
        }
    }

    /// One for all inputs: its ring is large.
    private static let recorder = LineRecorder(devices: 1)

    private static func play(_ engine: inout some LineEngine, _ ship: Ship, _ input: inout Input) {
        var now: Int64 = 1
        var said: [UInt8] = []
        var sayings = 0
        var orders = Orders()
        var checker = Checker(ship.target, given: .max / 2)
        for step in 0..<200 where !input.isOver || step < 20 {
            if engine.mayTakeOrder, orders.mayHandIn, input.byte() == 7 {
                let order = order(&input, number: orders.handIn(), now: now)
                engine.take(order, at: now)
            }
            // Whoever hands orders in takes their outcomes when it likes.
            if input.byte() & 3 == 1 { orders.takeOutcomes() }
            switch engine.next(at: now) {
            case .rest(let until), .gather(let until): now = max(now, min(until, now + 100_000_000))
            case .open:
                if input.byte() & 7 == 1 {
                    engine.lost(LineLoss(errno: 2, isEnded: false), at: now)
                } else {
                    engine.opened(at: now)
                }
            case .say:
                said = engine.outgoing
                if said.isEmpty { broken("nothing is said") }
                sayings += 1
                if input.byte() & 15 == 1 {
                    engine.lost(LineLoss(errno: 32, isEnded: true), at: now)
                } else {
                    engine.said(at: now)
                }
            case .listen(let until): listen(&engine, until: until, said, ship, &now, &input)
            case .end: break
            }
            drain(&checker, sayings: sayings, isAsked: ship.target.serial == nil)
        }
        engine.leave(at: now)
        for _ in 0..<200 {
            let action = engine.next(at: now)
            if action == .end { break }
            if case .say = action {
                engine.said(at: now)
            } else if case .open = action {
                engine.opened(at: now)
            } else {
                now += 100_000_000
            }
            engine.heard([], count: 0, isAll: true, at: now)
        }
        guard engine.next(at: now) == .end else { broken("a line that never ends") }
        drain(&checker, sayings: sayings, isAsked: ship.target.serial == nil)
        orders.takeOutcomes()
        if !orders.underWay.isEmpty { broken("no outcome of the orders \(orders.underWay.sorted())") }
    }

    /// Whoever hands orders in: no more than may be under way, and one outcome of each.
    private struct Orders {
        var underWay: Set<UInt64> = []
        private var last: UInt64 = 0

        var mayHandIn: Bool { underWay.count < LineRecorder.mostOrders }

        mutating func handIn() -> UInt64 {
            last += 1
            underWay.insert(last)
            return last
        }

        mutating func takeOutcomes() {
            while let outcome = recorder.outcomes.pop() {
                if underWay.remove(outcome.number) == nil {
                    broken("an outcome of order \(outcome.number), which was not under way")
                }
                if outcome.kind == .notSaid, outcome.said != 0 {
                    broken("order \(outcome.number) was said and was not")
                }
                if outcome.kind != .notSaid, outcome.said == 0 {
                    broken("order \(outcome.number) came to something and was not said")
                }
            }
        }
    }

    private static func order(_ input: inout Input, number: UInt64, now: Int64) -> LineOrder {
        let function = ModbusFunction(rawValue: input.byte()) ?? .readHoldingRegisters
        let content: LineOrder.Content =
            input.byte() & 1 == 0
            ? .read(function, unit: input.byte(), address: UInt16(input.word()), count: UInt16(input.word()))
            : .request(Int32(input.byte()))
        return LineOrder(
            number: number, device: Int(input.byte() & 1), content: content,
            deadline: now + Int64(input.byte()) * 10_000_000)
    }

    private static func listen(
        _ engine: inout some LineEngine, until: Int64, _ said: [UInt8], _ ship: Ship, _ now: inout Int64,
        _ input: inout Input
    ) {
        let kind = input.byte()
        let later = max(now, min(until, now + 100_000_000))
        var bytes: [UInt8] = []
        switch kind & 7 {
        case 0: bytes = input.take(Int(input.byte()))
        case 1: engine.lost(LineLoss(errno: kind & 0x10 == 0 ? 0 : 5, isEnded: kind & 0x10 == 0), at: now)
        case 2: now += Int64(kind) * 100_000_000
        case 3, 4, 5:
            bytes = answer(said, ship, &input)
            if kind & 0x40 != 0 { bytes = Array(bytes.prefix(Int(input.byte()))) }
            if kind & 0x80 != 0, !bytes.isEmpty { bytes[Int(input.byte()) % bytes.count] ^= 1 << (kind >> 3 & 7) }
        case 6: bytes = said
        default: break
        }
        if bytes.isEmpty { now = later }
        engine.heard(bytes, count: bytes.count, isAll: true, at: now)
    }

    /// The answer to what was said, of any values; of a text protocol a known message or anything in a frame.
    private static func answer(_ said: [UInt8], _ ship: Ship, _ input: inout Input) -> [UInt8] {
        if let serial = ship.target.serial { return BehindMode.serialStep(&input, [], ship, serial) }
        let isTCP = ship.target.plan.line.transport == .modbusTCP
        let range = isTCP ? TCPFrame.headerLength..<max(TCPFrame.headerLength, said.count) : 1..<max(1, said.count - 2)
        guard case .read(let function, _, let count)? = ModbusRequest(said, range) else { return [] }
        var pdu = ModbusAnswer.read(function, (0..<count).map { _ in UInt16(input.word()) })
        if input.byte() == 1 { pdu = ModbusAnswer.exception(function.rawValue, code: input.byte()) }
        let transaction = isTCP ? UInt16(said[0]) << 8 | UInt16(said[1]) : 0
        return isTCP
            ? TCPFrame.frame(transaction: transaction &- UInt16(input.byte() >> 7), unit: said[6], pdu)
            : RTUFrame.frame(unit: said[0], pdu)
    }

    /// Checks what was told. A device that only answers has no value before it was asked.
    private static func drain(_ checker: inout Checker, sayings: Int, isAsked: Bool) {
        while let record = recorder.ring.pop() {
            if record.kind == .sample {
                if isAsked, sayings == 0, record.validity.carriesValue { broken("a value that nobody asked for") }
                checker.take(record, frameOffset: 0)
            }
        }
    }

    // MARK: Echo

    /// Whatever is taken off is the request, from its first byte on; nothing else is lost, nothing is made up.
    private static func echo(_ input: inout Input) {
        var filter = EchoFilter()
        var buffer = [UInt8](repeating: 0, count: 256 + EchoFilter.room)
        for _ in 0..<16 where !input.isOver {
            let request = input.take(Int(input.byte() % 40))
            let coming = (input.byte() & 1 == 1 ? request : []) + input.take(Int(input.byte()))
            var out: [UInt8] = []
            filter.expect(request)
            var place = 0
            while place < coming.count {
                let count = min(1 + Int(input.byte() % 16), coming.count - place)
                for offset in 0..<count { buffer[offset] = coming[place + offset] }
                out += buffer[..<filter.pass(&buffer, count: count)]
                place += count
            }
            out += buffer[..<filter.passRest(&buffer)]
            let isEchoTakenOff = coming.starts(with: request) && out.elementsEqual(coming.dropFirst(request.count))
            if !out.elementsEqual(coming), !isEchoTakenOff { broken("bytes that were lost or made up") }
            while filter.takeSighting() != nil {}
        }
    }
}

extension LineRecorder {
    /// What an input before has left goes.
    fileprivate func empty() {
        while ring.pop() != nil {}
        while outcomes.pop() != nil {}
    }
}
