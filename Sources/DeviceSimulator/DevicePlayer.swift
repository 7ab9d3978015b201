import DeviceDrivers
import DeviceModel
import DeviceProfiles
import Fieldbus
import RealTime

/// Plays a device from its profile's own text, at the pace of its line.
///
/// It is for demonstrations and for authors. It shares the profile, and so every mistake in it, with the host: what proves a profile is its
/// vectors and devices that others wrote.
public final class DevicePlayer: @unchecked Sendable {
    private let plan: DevicePlan
    private let end: DeviceEnd
    private let stopFlag = StopFlag()
    private var faults: FaultScript?
    private var thread: RealTimeThread?

    /// Where a client finds the device.
    public let name: String

    /// - Parameter plan: the profile, compiled with the unit and scales that the device shall have.
    public init(_ plan: DevicePlan, on address: LineAddress, faults: FaultScript? = nil) throws {
        self.plan = plan
        self.faults = faults
        end = try DeviceEnd(address)
        name = end.name
    }

    public func start() throws {
        thread = try RealTimeThread(name: "play \(plan.handle)", priority: 0) { [self] in run() }
    }

    public func stop() {
        stopFlag.set()
        thread?.join()
        thread = nil
    }

    private func run() {
        let pace: Int64 = plan.line.serial.map { Int64($0.bitsPerByte) * 1_000_000_000 / Int64($0.baud) } ?? 0
        switch plan.protocolPlan {
        case .serial(let serial):
            var player = SerialPlayer(plan: plan, serial: serial, pace: pace)
            player.run(end, faults: &faults, until: stopFlag)
        case .modbus:
            var player = ModbusPlayer(plan: plan, pace: pace)
            player.run(end, faults: &faults, until: stopFlag)
        }
    }
}

/// Sends a message, with what the faults make of it.
private func send(_ message: [UInt8], to end: DeviceEnd, pace: Int64, faults: inout FaultScript?) {
    guard let changed = faults?.apply(message) else { return end.write(message, nanosecondsPerByte: pace) }
    let clock = MonotonicClock()
    if changed.delay > 0 { clock.sleep(until: clock.now() + changed.delay) }
    end.write(changed.bytes, nanosecondsPerByte: pace)
}

/// Plays frames and replies.
private struct SerialPlayer {
    let plan: DevicePlan
    let serial: SerialPlan
    let pace: Int64
    private let world: SimulatedWorld
    private let clock = MonotonicClock()

    init(plan: DevicePlan, serial: SerialPlan, pace: Int64) {
        self.plan = plan
        self.serial = serial
        self.pace = pace
        world = SimulatedWorld(profile: plan.profile)
    }

    mutating func run(_ end: DeviceEnd, faults: inout FaultScript?, until stop: StopFlag) {
        let start = clock.now()
        var next = start
        var index: Int64 = 0
        var framer = Framer(serial.frame)
        var buffer = [UInt8](repeating: 0, count: 512)
        while !stop.isSet {
            let now = clock.now()
            if let period = framePeriod {
                clock.sleep(until: next)
                send(frame(index, seconds: Double(next - start) / 1e9), to: end, pace: pace, faults: &faults)
                index += 1
                next = max(next + period, clock.now() - period)
                continue
            }
            guard let count = try? end.read(into: &buffer, deadline: now + 100_000_000) else { return }
            _ = framer.feed(buffer, from: 0, count: count)
            requests: while true {
                switch framer.next() {
                case .needMore: break requests
                case .damaged: continue
                case .frame(let place, let length):
                    let payload = Array(framer.bytes[framer.payload(start: place, length: length)])
                    guard let reply = reply(to: payload, seconds: Double(clock.now() - start) / 1e9) else { continue }
                    send(reply, to: end, pace: pace, faults: &faults)
                }
            }
        }
    }

    /// Time between two frames; `nil` for a device that only answers. Unit: ns.
    private var framePeriod: Int64? {
        guard case .fixed = serial.frame.shape else { return nil }
        if let waveform = plan.streams.first(where: \.isWaveform) { return waveform.periodNanoseconds }
        guard let period = serial.streamPeriod else { return nil }
        return period / Int64(serial.packet?.count ?? 1)
    }

    /// The frame at a place in the stream, made from its fields.
    private func frame(_ index: Int64, seconds: Double) -> [UInt8] {
        guard case .fixed(let start, let length, let tests) = serial.frame.shape else { return [] }
        var bytes = start + [UInt8](repeating: 0, count: length - start.count)
        func set(_ test: BitTest, _ value: Bool) {
            if value { bytes[test.byte] |= 1 << UInt8(test.bit) } else { bytes[test.byte] &= ~(1 << UInt8(test.bit)) }
        }
        for test in tests { set(test, test.isSet) }
        let position = Int(index % Int64(serial.packet?.count ?? 1))
        if let packet = serial.packet { set(packet.firstWhen, packet.firstWhen.isSet == (position == 0)) }
        for field in plan.profile.fields {
            guard case .slices(let scope, let slices) = field.place else { continue }
            let isPacket = plan.profile.frames.contains { frame in
                if frame.name == scope, case .packet = frame.shape { true } else { false }
            }
            let value = UInt64(bitPattern: world.counts(ofField: field.name, scale: scale(field.name), at: seconds))
            var left = slices.reduce(0) { $0 + $1.width }
            for slice in slices {
                left -= slice.width
                guard !isPacket || slice.frame == position else { continue }
                let part = UInt8(truncatingIfNeeded: value >> UInt64(left)) & UInt8(truncatingIfNeeded: 1 << slice.width - 1)
                bytes[slice.byte] |= part << UInt8(slice.low)
            }
        }
        if let checksum = serial.frame.checksum, case .bytes(let covered) = checksum.coverage, case .at(let at) = checksum.place {
            for (offset, byte) in checksum.encoded(over: bytes[covered]).enumerated() { bytes[at + offset] = byte }
        }
        return bytes
    }

    private func scale(_ field: String) -> DecimalScale {
        plan.profile.metrics.first { if case .field(field) = $0.source { true } else { false } }?.scale ?? .one
    }

    /// The reply to a request, made from its template; `nil` when the device knows no such request.
    private func reply(to payload: [UInt8], seconds: Double) -> [UInt8]? {
        guard let request = plan.profile.requests.first(where: { Array($0.send.utf8) == payload }),
            case .delimited(_, _, _, _, let split) = serial.frame.shape
        else { return nil }
        let items = request.reply.map { item -> String in
            switch item {
            case .literal(let text): return text
            case .ignored: return ""
            case .field(let name): return text(name, seconds: seconds)
            }
        }
        let separator = split.map { String(UnicodeScalar($0)) } ?? ""
        let payload = items.joined(separator: separator) + (request.moreItems ? separator : "")
        return serial.frame.encode(payload: Array(payload.utf8))
    }

    private func text(_ name: String, seconds: Double) -> String {
        switch world.value(name, at: seconds) {
        case .text(let text): return text
        case .number(let number):
            var places = 2
            if case .decimal(let limit)? = plan.profile.fields.first(where: { $0.name == name })?.type { places = min(places, limit) }
            let scale = DecimalScale(multiplier: 1, exponent: -places)
            return scale.text(of: scale.counts(nearest: number) ?? 0)
        case nil: return ""
        }
    }
}

/// Plays registers, with a framer of its own: a library's server would go deaf beside another unit on its bus.
private struct ModbusPlayer {
    let plan: DevicePlan
    let pace: Int64
    private let world: SimulatedWorld
    private let clock = MonotonicClock()
    private let isTCP: Bool

    init(plan: DevicePlan, pace: Int64) {
        self.plan = plan
        self.pace = pace
        world = SimulatedWorld(profile: plan.profile)
        isTCP = plan.line.transport == .modbusTCP
    }

    mutating func run(_ end: DeviceEnd, faults: inout FaultScript?, until stop: StopFlag) {
        let start = clock.now()
        var pending: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 512)
        while !stop.isSet {
            guard let count = try? end.read(into: &buffer, deadline: clock.now() + 100_000_000) else { return }
            if count == 0 {
                pending = []
                continue
            }
            pending += buffer[..<count]
            while let (length, message) = takeRequest(pending, seconds: Double(clock.now() - start) / 1e9) {
                pending.removeFirst(length)
                if !message.isEmpty { send(message, to: end, pace: pace, faults: &faults) }
            }
            if pending.count > 512 { pending = [] }
        }
    }

    /// The next request's length and its reply (empty when it is not for this device); `nil` until one is whole.
    private func takeRequest(_ bytes: [UInt8], seconds: Double) -> (Int, [UInt8])? {
        if isTCP {
            guard bytes.count >= 8 else { return nil }
            let length = 6 + Int(bytes[4]) << 8 + Int(bytes[5])
            guard bytes.count >= length, length >= 8, length <= 260 else { return bytes.count > 260 ? (bytes.count, []) : nil }
            guard let reply = reply(unit: bytes[6], pdu: Array(bytes[7..<length]), seconds: seconds) else { return (length, []) }
            return (length, [bytes[0], bytes[1], 0, 0, UInt8((reply.count + 1) >> 8), UInt8((reply.count + 1) & 0xFF), bytes[6]] + reply)
        }
        guard bytes.count >= 8 else { return nil }
        let crc = ChecksumAlgorithm.crc16Modbus.compute(bytes[0..<6])
        guard bytes[6] == UInt8(crc & 0xFF), bytes[7] == UInt8(crc >> 8) else { return (1, []) }
        guard let reply = reply(unit: bytes[0], pdu: Array(bytes[1..<6]), seconds: seconds) else { return (8, []) }
        let body = [bytes[0]] + reply
        let sum = ChecksumAlgorithm.crc16Modbus.compute(body)
        return (8, body + [UInt8(sum & 0xFF), UInt8(sum >> 8)])
    }

    /// The reply's PDU; `nil` when the unit is not this device's.
    private func reply(unit: UInt8, pdu: [UInt8], seconds: Double) -> [UInt8]? {
        guard case .modbus(let modbus) = plan.protocolPlan, modbus.blocks.contains(where: { $0.unit == unit }), let function = pdu.first else { return nil }
        guard function == 3 || function == 4, pdu.count == 5 else { return [function | 0x80, 1] }
        let address = Int(pdu[1]) << 8 | Int(pdu[2])
        let count = Int(pdu[3]) << 8 | Int(pdu[4])
        guard (1...ModbusBlock.longest).contains(count) else { return [function | 0x80, 3] }
        let values = registers(unit: unit, function: function, seconds: seconds, modbus)
        var data: [UInt8] = []
        for register in address..<(address + count) {
            guard let value = values[register] else { return [function | 0x80, 2] }
            data += [UInt8(value >> 8), UInt8(value & 0xFF)]
        }
        return [function, UInt8(data.count)] + data
    }

    private func registers(unit: UInt8, function: UInt8, seconds: Double, _ modbus: ModbusPlan) -> [Int: UInt16] {
        var values: [Int: UInt16] = [:]
        for block in modbus.blocks where block.unit == unit && block.function == function {
            for output in block.outputs {
                guard case .bits(let slices, _, _) = output.source, let stream = output.stream else { continue }
                var bits: UInt64 = 0
                if case .number(let number)? = world.value(plan.streams[stream].metric, at: seconds) {
                    switch plan.streams[stream].form {
                    case .integer(let scale): bits = UInt64(bitPattern: scale.counts(nearest: number) ?? 0)
                    default: bits = UInt64(Float(number).bitPattern)
                    }
                }
                for (index, slice) in slices.enumerated() {
                    let byte = UInt16(truncatingIfNeeded: bits >> UInt64(8 * (slices.count - 1 - index)) & 0xFF)
                    let register = block.address + slice.byte / 2
                    values[register, default: 0] |= slice.byte % 2 == 0 ? byte << 8 : byte
                }
            }
        }
        return values
    }
}
