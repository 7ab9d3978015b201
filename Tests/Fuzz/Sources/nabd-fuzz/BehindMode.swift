import DeviceDrivers
import DeviceModel
import DevicePlans
import ProfileLanguage

/// Behind the checksum: payloads in frames that are right, made of what is known and of anything.
///
/// The input is the profile, what is awaited, pieces, then steps; see ``serialStep(_:_:_:_:)`` and
/// ``modbusStep(_:_:_:_:)``.
enum BehindMode {
    static func run(_ input: inout Input) {
        let ship = Fleet.ship(input.byte())
        let awaited = Int(input.byte())
        let seed = input.byte()
        if awaited >= 0xC0, let serial = ship.target.serial {
            var line = Line(ship, serial, seed: seed)
            return line.run(&input)
        }
        var wire: [UInt8] = []
        var steps = 0
        while !input.isOver, steps < 16, wire.count < 1024 {
            if let serial = ship.target.serial {
                wire = serialStep(&input, wire, ship, serial)
            } else {
                wire = modbusStep(&input, wire, ship)
            }
            steps += 1
        }
        let requests = ship.target.serial?.requests.count ?? 0
        let request = awaited & 0x3F
        ship.target.decode(
            wire, replyTo: request < min(requests, 0x3F) ? request : nil, pieces: seed, lines: awaited >= 0xB0)
    }

    // MARK: Serial

    /// The bytes on the wire after one more step: a frame, loose bytes, or damage.
    static func serialStep(_ input: inout Input, _ wire: [UInt8], _ ship: Ship, _ serial: SerialPlan) -> [UInt8] {
        let step = input.byte()
        switch step & 7 {
        case 0, 1:
            let frame = Int(step >> 3) % serial.frames.count
            return wire
                + encode(
                    input.take(Int(input.byte())), serial.frames[frame].format,
                    number: UInt8(truncatingIfNeeded: wire.count))
        case 2, 3, 4:
            // A known payload with some bytes changed.
            guard let known = input.one(of: ship.payloads) else { return wire }
            var bytes = known.bytes
            for _ in 0..<(step >> 3 & 7) {
                let place = Int(input.byte())
                let value = input.byte()
                if bytes.isEmpty { bytes.append(value) } else { bytes[place % bytes.count] = value }
            }
            return wire + encode(bytes, serial.frames[known.frame].format, number: step)
        case 5:
            // The beginning of one and the end of another.
            guard let first = input.one(of: ship.payloads), let second = input.one(of: ship.payloads) else {
                return wire
            }
            let head = first.bytes.prefix(Int(input.byte()))
            let tail = second.bytes.suffix(Int(input.byte()))
            return wire
                + encode(head + input.take(Int(step >> 3)) + tail, serial.frames[first.frame].format, number: step)
        case 6: return wire + input.take(1 + Int(step >> 3))
        default:
            var damaged = wire
            let place = input.word()
            if !wire.isEmpty { damaged[place % wire.count] ^= 1 << (step >> 3 & 7) }
            return damaged
        }
    }

    private static func encode(_ payload: [UInt8], _ format: FrameFormat, number: UInt8) -> [UInt8] {
        var most = max(0, format.longest - format.shortest)
        if case .fixed(let length) = format.length {
            most = max(0, format.payloadEnd(length: length) - format.payloadStart)
        }
        let marks = format.checksum?.after ?? []
        return format.encode(
            payload: Array(payload.prefix(most)), mark: marks.isEmpty ? nil : marks[Int(number) % marks.count],
            count: 0x30 + number % 10)
    }

    // MARK: Modbus

    /// The bytes on the wire after one more request, reply, or both.
    static func modbusStep(_ input: inout Input, _ wire: [UInt8], _ ship: Ship) -> [UInt8] {
        let step = input.byte()
        guard let block = input.one(of: ship.target.blocks) else { return wire }
        let isTCP = ship.target.plan.line.transport == .modbusTCP
        var (address, count) = (block.address, block.count)
        if step & 0x10 != 0 {
            // Another part of the registers.
            address = max(0, address + Int(Int8(bitPattern: input.byte())))
            count = 1 + Int(input.byte() & 0x7F)
        }
        let size = block.space.isBits ? (count + 7) / 8 : count * 2
        let request = [
            block.unit, block.function, UInt8(address >> 8 & 0xFF), UInt8(address & 0xFF), UInt8(count >> 8),
            UInt8(count & 0xFF),
        ]
        let number = UInt8(wire.count & 0xFF)
        switch step & 15 {
        case 0...9:
            var data = input.take(min(size, Int(input.byte())))
            data += [UInt8](repeating: step >> 5, count: size - data.count)
            let reply = [block.unit, block.function, UInt8(truncatingIfNeeded: size)] + data
            return wire + (step & 1 == 0 ? whole(request, isTCP, number) : []) + whole(reply, isTCP, number)
        case 10: return wire + whole(request, isTCP, number)
        case 11, 12:
            return wire + whole(request, isTCP, number)
                + whole([block.unit, block.function | 0x80, input.byte()], isTCP, number)
        case 13: return wire + whole(input.take(1 + Int(step >> 4)), isTCP, number)
        case 14:
            // What the live line gives: data, without the wire.
            let data = input.take(Int(input.byte()))
            var decoder = ModbusDecoder(ship.target.plan)
            var sink = Checker(ship.target, given: 0)
            for part in [block] + (RegisterSearch(block, cause: .address).map { [$0.part] } ?? []) {
                decoder.take(data, from: 0, of: part, time: 0, sink: &sink)
                decoder.miss(part, .notAvailable, .timedOut, time: 0, sink: &sink)
            }
            return wire
        default: return wire + input.take(1 + Int(step >> 4))
        }
    }

    private static func whole(_ message: [UInt8], _ isTCP: Bool, _ transaction: UInt8) -> [UInt8] {
        if isTCP { return [0, transaction, 0, 0, UInt8(message.count >> 8), UInt8(message.count & 0xFF)] + message }
        let crc = ChecksumAlgorithm.crc16Modbus.compute(message)
        return message + [UInt8(truncatingIfNeeded: crc), UInt8(crc >> 8)]
    }
}

/// A live line: bytes come while requests are said, time passes, and the session begins anew.
private struct Line {
    let ship: Ship
    let serial: SerialPlan
    let pieces: Pieces
    var decoder: SerialDecoder
    var sink: Checker
    var time: Int64 = 0

    init(_ ship: Ship, _ serial: SerialPlan, seed: UInt8) {
        self.ship = ship
        self.serial = serial
        let target = seed & 1 == 0 ? ship.target : ship.strict
        pieces = Pieces(seed: seed)
        decoder = SerialDecoder(target.plan, serial)
        sink = Checker(target, given: 0)
    }

    mutating func run(_ input: inout Input) {
        var steps = 0
        while !input.isOver, steps < 32 {
            steps += 1
            let event = input.byte()
            switch event & 15 {
            case 0...8:
                let bytes = BehindMode.serialStep(&input, [], ship, serial)
                sink.given += bytes.count
                var (place, pieces) = (0, pieces)
                while place < bytes.count {
                    let piece = Array(bytes[place..<min(bytes.count, place + pieces.next())])
                    decoder.feed(piece, count: piece.count, time: time, sink: &sink)
                    place += piece.count
                }
            case 9, 10, 11:
                guard !serial.requests.isEmpty else { continue }
                let request = Int(input.byte()) % serial.requests.count
                _ = decoder.bytes(of: request, time: time)
                _ = decoder.prelude(of: request, time: time)
                if event & 0x10 == 0 {
                    decoder.expect(request)
                } else {
                    decoder.miss(request: request, .notAvailable, .timedOut, time: time, sink: &sink)
                }
            case 12: time += Int64(event >> 4) * 100_000_000
            case 13: decoder.expireSlots(since: time - Int64(event >> 4) * 100_000_000, now: time, sink: &sink)
            case 14: decoder.missStream(.notAvailable, .stale, time: time, sink: &sink)
            default: if event & 0x10 == 0 { decoder.reset() } else { decoder.forgetIdentity() }
            }
            _ = (decoder.takeAnswered(), decoder.takeDamage())
            if event & 0x20 != 0 { decoder.clearOutbox() }
        }
        decoder.finish(time: time, sink: &sink)
    }
}
