import DeviceModel
import DevicePlans
import Fieldbus
import ModbusFrames
import ProfileLanguage
import RealTime

/// Plays the registers of any number of units on one bus, with a framer of its own: a library's server would go deaf
/// beside another unit.
struct ModbusPlayer {
    private struct Unit {
        let plan: DevicePlan
        let blocks: [ModbusBlock]
        let world: SimulatedWorld
    }

    private let units: [Unit]
    private let scene: PlayedScene
    private let clock = MonotonicClock()
    private let isTCP: Bool
    private let isASCII: Bool

    init(plans: [DevicePlan], scene: PlayedScene) {
        self.scene = scene
        units = plans.compactMap { plan in
            guard case .modbus(let modbus) = plan.protocolPlan else { return nil }
            return Unit(plan: plan, blocks: modbus.blocks, world: SimulatedWorld(profile: plan.profile, scene: scene))
        }
        isTCP = plans.first?.line.transport == .modbusTCP
        isASCII = plans.first?.line.isASCII ?? false
    }

    func run(_ end: DeviceEnd, _ output: inout PlayedOutput, until stop: StopFlag) {
        let start = scene.begin ?? clock.now()
        var pending: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 512)
        var reader = ASCIIReader()
        while !stop.isSet {
            guard let count = try? end.read(into: &buffer, deadline: clock.now() + 100_000_000) else { return }
            let isUnplugged = scene.isUnplugged(at: Double(clock.now() - start) / 1e9)
            if isUnplugged { end.hangUp() }
            if count == 0 || isUnplugged {
                pending = []
                continue
            }
            if isASCII {
                for character in buffer[..<count] { reader.take(character, into: &pending) }
            } else {
                pending += buffer[..<count]
            }
            while let (length, message) = takeRequest(pending, seconds: Double(clock.now() - start) / 1e9) {
                pending.removeFirst(length)
                if !message.isEmpty { output.send(isASCII ? ASCIIFrame.ascii(ofRTU: message) : message) }
            }
            if pending.count > 512 { pending = [] }
        }
    }

    /// The next request's length and its reply (empty when it is not for these devices); `nil` until one is whole.
    private func takeRequest(_ bytes: [UInt8], seconds: Double) -> (Int, [UInt8])? {
        guard isTCP else { return takeRTU(bytes, seconds: seconds) }
        guard let header = TCPFrame(bytes, at: 0, end: bytes.count) else { return nil }
        guard TCPFrame.isModbus(bytes, at: 0) else { return (bytes.count, []) }
        guard bytes.count >= header.end else { return nil }
        guard let reply = reply(unit: header.unit, bytes, TCPFrame.headerLength..<header.end, seconds: seconds) else {
            return (header.end, [])
        }
        return (header.end, TCPFrame.frame(transaction: header.transaction, unit: header.unit, reply))
    }

    private func takeRTU(_ bytes: [UInt8], seconds: Double) -> (Int, [UInt8])? {
        guard bytes.count >= 7 else { return nil }
        guard let length = RTUFrame.requestLength(bytes, at: 0, end: bytes.count) else { return (1, []) }
        guard bytes.count >= length else { return nil }
        guard RTUFrame.isWhole(bytes, 0..<length) else { return (1, []) }
        guard let reply = reply(unit: bytes[0], bytes, 1..<(length - 2), seconds: seconds) else { return (length, []) }
        return (length, RTUFrame.frame(unit: bytes[0], reply))
    }

    /// The reply from its function code on; `nil` when the unit is nobody's. A played device takes no orders.
    private func reply(unit: UInt8, _ bytes: [UInt8], _ range: Range<Int>, seconds: Double) -> [UInt8]? {
        guard let owner = units.first(where: { $0.blocks.contains { $0.unit == unit } }), !range.isEmpty else {
            return nil
        }
        let code = bytes[range.lowerBound]
        if case .identification(let object)? = ModbusRequest(bytes, range) {
            return self.object(object, owner, unit: unit, seconds: seconds)
        }
        guard case .read(let function, let address, let count)? = ModbusRequest(bytes, range),
            let space = RegisterSource.Space(function: code)
        else {
            return ModbusAnswer.exception(code, code: 1)
        }
        guard (1...ModbusBlock.longest).contains(count) else { return ModbusAnswer.exception(code, code: 3) }
        let values = registers(owner, unit: unit, space: space, seconds: seconds)
        let wanted = (address..<(address + count)).compactMap { values[$0] }
        return wanted.count == count ? ModbusAnswer.read(function, wanted) : ModbusAnswer.exception(code, code: 2)
    }

    /// An object of the device identification that the profile reads: 02, illegal address, for any other.
    private func object(_ object: UInt8, _ owner: Unit, unit: UInt8, seconds: Double) -> [UInt8] {
        for block in owner.blocks
        where block.unit == unit && block.space == .identification && block.address == Int(object) {
            guard let field = block.fields.first, case .text(let text)? = value(field, of: owner, seconds: seconds)
            else {
                break
            }
            return ModbusAnswer.identification(object: object, Array(text.utf8))
        }
        return ModbusAnswer.exception(ModbusFunction.encapsulatedInterface.rawValue, code: 2)
    }

    private func registers(_ owner: Unit, unit: UInt8, space: RegisterSource.Space, seconds: Double) -> [Int: UInt16] {
        var values: [Int: UInt16] = [:]
        for block in owner.blocks where block.unit == unit && block.space == space {
            // What lies between two values is read with them: the device has it.
            for register in block.address..<(block.address + block.count) where values[register] == nil {
                values[register] = 0
            }
            for field in block.fields { write(field, of: owner, block, seconds: seconds, to: &values) }
        }
        return values
    }

    private func write(
        _ field: FieldPlan, of owner: Unit, _ block: ModbusBlock, seconds: Double, to values: inout [Int: UInt16]
    ) {
        func put(_ byte: UInt16, at place: Int, shifted: UInt8) {
            let register = block.address + place / 2
            values[register, default: 0] |= (byte << UInt16(shifted)) << (place % 2 == 0 ? 8 : 0)
        }
        switch field.source {
        case .bits(let slices, _, _):
            let bits = bits(field, of: owner, seconds: seconds)
            var left = slices.reduce(0) { $0 + UInt64($1.width) }
            for slice in slices {
                left -= UInt64(slice.width)
                put(
                    UInt16(truncatingIfNeeded: bits >> left & (UInt64(1) << UInt64(slice.width) - 1)), at: slice.byte,
                    shifted: slice.low)
            }
        case .bytes(let range), .swappedBytes(let range):
            guard case .text(let text)? = value(field, of: owner, seconds: seconds) else { return }
            let isSwapped = if case .swappedBytes = field.source { true } else { false }
            for (place, byte) in zip(range, text.utf8) {
                put(UInt16(byte), at: isSwapped ? place ^ 1 : place, shifted: 0)
            }
        case .capture: return
        }
    }

    private func value(_ field: FieldPlan, of owner: Unit, seconds: Double) -> SimulatedWorld.Value? {
        let described = owner.plan.profile.fields[field.index]
        let value = told(described.name, field, of: owner, seconds: seconds)
        // A word of the table stands for its code.
        guard case .text(let word)? = value, let entry = field.table.first(where: { $0.word.elementsEqual(word.utf8) })
        else { return value }
        return switch entry.code {
        case .number(let number): .number(Double(number))
        case .float(let float): .number(Double(float))
        case .double(let double): .number(double)
        case .unreadable, .notANumber, .notADouble, .written, .text: value
        }
    }

    private func told(_ name: String, _ field: FieldPlan, of owner: Unit, seconds: Double) -> SimulatedWorld.Value? {
        owner.world.value(
            name,
            showing: field.targets.first.map {
                let stream = owner.plan.streams[$0.stream]
                return SimulatedWorld.Shown(
                    metric: stream.metric, unit: stream.unit, isWaveform: stream.isWaveform, isEpisodic: false)
            }, at: seconds)
    }

    private func bits(_ field: FieldPlan, of owner: Unit, seconds: Double) -> UInt64 {
        switch value(field, of: owner, seconds: seconds) {
        case .number(let number)?:
            guard let target = field.targets.first else {
                return UInt64(bitPattern: Int64(exactly: number.rounded()) ?? 0)
            }
            let form = owner.plan.streams[target.stream].form
            if form == .text { return UInt64(bitPattern: Int64(exactly: number.rounded()) ?? 0) }
            if form == .float64 { return number.bitPattern }
            guard case .integer(let scale) = form else { return UInt64(Float(number).bitPattern) }
            var counts = (scale.counts(nearest: number) ?? 0) - target.offset
            if let exponent = target.terms?.exponent,
                case .number(let power)? = owner.world.value(
                    owner.plan.profile.fields[exponent.field].name, at: seconds)
            {
                for _ in exponent.range.lowerBound..<max(exponent.range.lowerBound, Int(power)) { counts /= 10 }
            }
            if case .signMagnitude(let width) = field.reading, counts < 0 {
                return UInt64(1) << UInt64(width - 1) | UInt64(-counts)
            }
            if case .bcd = field.reading { return UInt64(String(max(0, counts)), radix: 16) ?? 0 }
            return UInt64(bitPattern: counts)
        case .text(let text)?: return UInt64(bitPattern: Int64(text) ?? 0)
        case nil: return 0
        }
    }
}
