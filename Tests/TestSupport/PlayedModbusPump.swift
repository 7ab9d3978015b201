import DeviceModel
package import DevicePlans
package import LineEngine
package import ModbusFrames
package import ProfileLanguage
import RealTime
import Sampling
import StrictYAML

/// A Modbus pump in virtual time that obeys, lies, refuses and falls silent as it is told, and counts every write.
package final class PlayedModbusPump {
    /// What it does with the next write.
    package enum Mischief: Hashable, Sendable {
        /// It does what it is told, and says nothing.
        case obeysSilently
        /// It says that it does, and does not.
        case lies
        /// It stores another value, and says that it stored what it was told.
        case takesAnother
        /// It says back another value than it was told.
        case saysAnother
        /// It says back another place, another number of registers or value, another function, or another's number.
        case saysAnotherPlace
        case saysAnotherCount
        case saysAnotherFunction
        case saysAnotherUnit
        /// It answers later than anybody waits.
        case answersLate
        case answersTwice
        /// It hears nothing.
        case deaf
        /// Its answer is damaged on the way.
        case damaged
        /// It refuses, and does nothing.
        case refuses(UInt8)
        /// The line is lost behind it.
        case loses
    }

    package let unit: UInt8
    package var serial = "2023000107"
    package var pattern: UInt32 = 0xAABB_CCDD
    package var mode: UInt16 = 1
    package var startStop: UInt16 = 0
    package var rate: Float = 1.5
    package var mischief: Mischief?
    /// Reads that are not answered from now on.
    package var deafReads = 0
    /// Writes that came, with when.
    package private(set) var writes: [(request: ModbusRequest, time: Int64)] = []
    /// When it was read. Unit: ns.
    package private(set) var reads: [Int64] = []
    /// From when on no read is answered. Unit: ns.
    package var silentFrom: Int64 = .max
    /// Called with each write, before it answers.
    package var onWrite: (ModbusRequest) -> Void = { _ in }

    package init(unit: UInt8) { self.unit = unit }

    package var isRunning: Bool { startStop & 1 == 1 && mode == 1 && rate > 0 }

    /// What it answers, from its function code on, and after how long; `nil` for nothing.
    func answer(_ request: ModbusRequest, at time: Int64) -> (delay: Int64, bytes: [UInt8])? {
        guard case .read(let function, let address, let count) = request else { return write(request, at: time) }
        reads.append(time)
        if time >= silentFrom { return nil }
        if deafReads > 0 {
            deafReads -= 1
            return nil
        }
        let values = registers
        return (
            15_000_000, ModbusAnswer.read(function, (address..<(address + count)).map { values[$0] ?? 0 })
        )
    }

    private func write(_ request: ModbusRequest, at time: Int64) -> (Int64, [UInt8])? {
        writes.append((request, time))
        onWrite(request)
        let mischief = mischief
        self.mischief = nil
        switch mischief {
        case .deaf, .loses: return nil
        case .refuses(let code):
            return (15_000_000, ModbusAnswer.exception(request.function.rawValue, code: code))
        case .lies: break
        case .takesAnother: obey(request, isOther: true)
        default: obey(request, isOther: false)
        }
        var said: [UInt8] = []
        request.append(to: &said)
        said = Array(said.prefix(5))
        switch mischief {
        case .obeysSilently: return nil
        case .saysAnother, .saysAnotherCount: said[4] ^= 1
        case .saysAnotherPlace: said[2] ^= 1
        case .saysAnotherFunction: said[0] = said[0] == 16 ? 6 : 16
        case .answersLate: return (1_700_000_000, said)
        default: break
        }
        return (15_000_000, said)
    }

    private func obey(_ request: ModbusRequest, isOther: Bool) {
        switch request {
        case .write(.register(1200, let value)): startStop = isOther ? 1 : value
        case .write(.registers(1211, let words)) where words.count == 2:
            rate = isOther ? 99 : Float(bitPattern: UInt32(words[0]) << 16 | UInt32(words[1]))
        default: break
        }
    }

    private var registers: [Int: UInt16] {
        var registers: [Int: UInt16] = [1022: mode, 1200: startStop]
        let digits = Array(serial.utf8)
        for place in 0..<5 { registers[4 + place] = UInt16(digits[2 * place]) << 8 | UInt16(digits[2 * place + 1]) }
        func put(_ bits: UInt32, at address: Int) {
            registers[address] = UInt16(bits >> 16)
            registers[address + 1] = UInt16(truncatingIfNeeded: bits)
        }
        put(pattern, at: 63)
        put((isRunning ? rate : 0).bitPattern, at: 1018)
        put(rate.bitPattern, at: 1211)
        return registers
    }
}

/// Modbus pumps on a line in virtual time, to which orders are handed in as somebody would.
package final class DrivenModbusLine {
    package let clock: VirtualClock
    package let pumps: [PlayedModbusPump]
    package let line: PlayedText
    package let recorder: LineRecorder
    package let plans: [DevicePlan]
    private let mailbox = Ring<LineOrder>(minimumCapacity: 16, blank: .none)
    private let doStep: () -> Bool
    private let run: () -> Void
    private var next: UInt64 = 0

    /// The shipped pump, on RTU as it is or on TCP.
    package static func profile(isTCP: Bool) throws -> DeviceProfile {
        guard isTCP else { return try DeviceProfile.load(Repository.path("device-profiles/prominent/dulco-flex")) }
        let text = """
            nabd: profile/1
            extends: prominent/dulco-flex
            line: {modbus: tcp, baud: ~, format: ~, widen: ~}
            """
        return try DeviceProfile.load(
            YAMLFile(path: Repository.path("device-profiles/test/tcp-pump/profile.yaml"), text: text))
    }

    /// - Parameters:
    ///   - echoes: whether the adapter brings back what is said.
    ///   - isDriven: whether a site's policy lets it be driven.
    package init(
        isTCP: Bool = false, units: [UInt8] = [20], expecting serial: String? = "2023000107", echoes: Bool = false,
        isDriven: Bool = true, seconds: Int64 = 600
    ) throws {
        let profile = try Self.profile(isTCP: isTCP)
        plans = units.map { unit in
            var overrides = DeviceOverrides()
            overrides.unit = unit
            return profile.compile(
                handle: "pump-\(unit)", overrides: overrides, expectedSerial: serial, isDriven: isDriven)
        }
        let clock = VirtualClock(seconds: seconds)
        self.clock = clock
        let pumps = units.map { PlayedModbusPump(unit: $0) }
        self.pumps = pumps
        let rule = Rule(pumps, isTCP: isTCP, echoes: echoes)
        line = PlayedText(clock) { rule.hear($0, at: $1) }
        line.isConnection = isTCP
        rule.line = line
        recorder = LineRecorder(devices: plans.count)
        if isTCP {
            let engine = TCPEngine(devices: plans, recorder: recorder, now: clock.now())
            let loop = LineLoop(engine, line: line, clock: clock, recorder: recorder, orders: mailbox)
            (doStep, run) = ({ loop.step() }, { loop.run(until: clock.stop) })
        } else {
            let engine = RTUEngine(
                devices: plans, byteTime: 572_917, baud: 19_200, recorder: recorder, now: clock.now())
            let loop = LineLoop(engine, line: line, clock: clock, recorder: recorder, orders: mailbox)
            (doStep, run) = ({ loop.step() }, { loop.run(until: clock.stop) })
        }
    }

    /// Frames of the line, one after another.
    private final class Rule {
        let pumps: [PlayedModbusPump]
        let isTCP: Bool
        let echoes: Bool
        weak var line: PlayedText?

        init(_ pumps: [PlayedModbusPump], isTCP: Bool, echoes: Bool) {
            (self.pumps, self.isTCP, self.echoes) = (pumps, isTCP, echoes)
        }

        func hear(_ bytes: [UInt8], at time: Int64) -> [PlayedText.Sending] {
            var sending: [PlayedText.Sending] = echoes ? [.init(1_000_000, bytes)] : []
            let (unit, range) = isTCP ? (bytes[6], 7..<bytes.count) : (bytes[0], 1..<(bytes.count - 2))
            guard let pump = pumps.first(where: { $0.unit == unit }), let request = ModbusRequest(bytes, range) else {
                return sending
            }
            let mischief = request.function.isRead ? nil : pump.mischief
            guard let (delay, answer) = pump.answer(request, at: time) else {
                if mischief == .loses { line?.breaksAt = time + 5_000_000 }
                return sending
            }
            let sender = mischief == .saysAnotherUnit ? unit ^ 1 : unit
            var frame =
                isTCP
                ? TCPFrame.frame(transaction: UInt16(bytes[0]) << 8 | UInt16(bytes[1]), unit: sender, answer)
                : RTUFrame.frame(unit: sender, answer)
            if mischief == .damaged { frame[isTCP ? 7 : 2] ^= 0x40 }
            sending.append(.init(delay, frame))
            if mischief == .answersTwice { sending.append(.init(delay + 40_000_000, frame)) }
            return sending
        }
    }

    /// Goes on until something holds, or for so long. Unit: ns.
    @discardableResult package func go(for time: Int64 = 60_000_000_000, until holds: () -> Bool = { false }) -> Bool {
        let end = clock.now() + time
        while clock.now() < end {
            if holds() { return true }
            if !doStep() { break }
            while recorder.ring.pop() != nil {}
        }
        return holds()
    }

    package func leave() {
        clock.stop.set()
        run()
    }

    package func hand(_ content: LineOrder.Content, to device: Int = 0, within time: Int64 = 30_000_000_000) -> UInt64 {
        next += 1
        _ = mailbox.push(LineOrder(number: next, device: device, content: content, deadline: clock.now() + time))
        return next
    }

    /// What became of an order.
    package func outcome(for time: Int64 = 60_000_000_000) -> OrderOutcome? {
        var found: OrderOutcome?
        go(for: time) {
            found = found ?? recorder.outcomes.pop()
            return found != nil
        }
        return found
    }

    package func command(_ name: String) -> Int { plans[0].commands.firstIndex { $0.name == name } ?? -1 }

    package func look(_ command: String, of device: Int = 0) -> OrderOutcome? {
        _ = hand(.look(Int32(self.command(command))), to: device)
        return outcome()
    }

    /// Decided as the desk decides: what the pump shows now, and the bytes.
    package func order(
        _ command: String, _ arguments: [String: String] = [:], of device: Int = 0, before: ToldTexts
    ) -> CommandOrder? {
        let index = self.command(command)
        guard
            let bytes = plans[device].effect(
                of: plans[device].commands[index], arguments: arguments.mapValues { Array($0.utf8) })
        else { return nil }
        return CommandOrder(
            command: index, stops: recorder.stopsAsked(device: device), effect: bytes, before: before)
    }

    /// What a look told, by field.
    package func values(_ outcome: OrderOutcome, _ command: String) -> [String: String] {
        let plan = plans[0].commands[self.command(command)]
        var found: [String: String] = [:]
        for place in plan.watched.indices where outcome.told[place].isKnown {
            found[plan.watched[place].name] = plan.watched[place].value(outcome.told[place].text)
        }
        return found
    }
}
