import DeviceModel
import DevicePlans
import LineEngine
import ProfileLanguage
import RealTime
import TestSupport

@testable import Sampling

/// An Alaris GH in virtual time that obeys, lies and falls silent as it is told, and counts what had an effect.
final class PlayedPump {
    /// What it does with the next words of a kind.
    enum Mischief: CaseIterable {
        /// It does what it is told, and says nothing.
        case obeysSilently
        /// It says that it does, and does not.
        case lies
        /// It takes another value.
        case takesAnother
        /// It answers later than anybody waits.
        case answersLate
        case answersTwice
        /// It hears nothing.
        case deaf
        /// Its answer is damaged on the way.
        case damaged
    }

    let plan: SerialPlan
    var rate = "5.0"
    var mode = "STOP"
    var serial = "8003-00107"
    var hasControl = false
    /// By the first word: what is done with it, once.
    var mischief: [String: Mischief] = [:]
    /// Words that had an effect, or would have had.
    private(set) var effects: [(word: String, time: Int64)] = []
    /// When the rate was which, oldest first.
    private(set) var rates: [(rate: String, since: Int64)] = [("5.0", 0)]
    private(set) var modes: [(mode: String, since: Int64)] = [("STOP", 0)]

    init(_ plan: SerialPlan) { self.plan = plan }

    func set(mode: String, at time: Int64) {
        self.mode = mode
        modes.append((mode, time))
    }

    func set(rate: String, at time: Int64) {
        self.rate = rate
        rates.append((rate, time))
    }

    func hear(_ bytes: [UInt8], at time: Int64) -> [PlayedText.Sending] {
        guard let end = bytes.firstIndex(of: UInt8(ascii: "|")), bytes.first == UInt8(ascii: "!") else { return [] }
        let words = String(decoding: bytes[1..<end], as: UTF8.self).split(separator: "^").map(String.init)
        let name = words[0] + (words.count > 1 && words[0] == "INF_VTBI" ? "^SET" : "")
        let isEffect = ["INF_RATE", "INF_START", "INF_STOP", "INF_VTBI^SET"].contains(name)
        if isEffect { effects.append((name, time)) }
        let mischief = mischief.removeValue(forKey: words[0])
        if mischief == .deaf { return [] }
        guard let answer = obey(words, mischief, at: time) else { return [] }
        var frame = plan.frames[0].format.encode(payload: Array(answer.utf8))
        switch mischief {
        case .obeysSilently: return []
        case .answersLate: return [.init(1_700_000_000, frame)]
        case .answersTwice: return [.init(20_000_000, frame), .init(40_000_000, frame)]
        case .damaged:
            frame[2] ^= 1
            return [.init(20_000_000, frame)]
        default: return [.init(20_000_000, frame)]
        }
    }

    private func obey(_ words: [String], _ mischief: Mischief?, at time: Int64) -> String? {
        let obeys = mischief != .lies && hasControl
        switch words[0] {
        case "INF": return "INF^\(serial)^-^\(mode)^\(rate)^ml/h^x^3.2^ml^40^mmHg^24+^x"
        case "SYRINGE_STATUS": return "SYRINGE_STATUS^BD^x"
        case "INST_SERIALNO": return "INST_SERIALNO^\(serial)"
        case "COMMS_PROTOCOL": return "COMMS_PROTOCOL^Asena 1"
        case "REMOTE_CTRL":
            hasControl = true
            return "REMOTE_CTRL^ENABLED^x^PERMIT^x"
        case "INF_RATE":
            if obeys { set(rate: mischief == .takesAnother ? "99.9" : words[1], at: time) }
            return "INF_RATE^x^ml/h"
        case "INF_START":
            if obeys { set(mode: "INFUSE", at: time) }
            return "INF_START"
        case "INF_STOP":
            if obeys { set(mode: "STOP", at: time) }
            return "INF_STOP"
        default: return nil
        }
    }
}

/// A pump's line in virtual time, to which orders are handed in as somebody would.
final class DrivenLine {
    let clock: VirtualClock
    let pump: PlayedPump
    let line: PlayedText
    let recorder = LineRecorder(devices: 1)
    let plan: DevicePlan
    let serial: SerialPlan
    private let mailbox = Ring<LineOrder>(minimumCapacity: 16, blank: .none)
    private let loop: LineLoop<TextEngine, PlayedText, VirtualClock>
    private var next: UInt64 = 0

    init(expecting serialNumber: String? = nil, seconds: Int64 = 600) throws {
        plan = try DeviceProfile.load(Repository.path("device-profiles/alaris/asena-gh")).compile(
            handle: "pump", expectedSerial: serialNumber, isDriven: true)
        guard case .serial(let serial) = plan.protocolPlan else { fatalError("it is a serial device") }
        self.serial = serial
        clock = VirtualClock(seconds: seconds)
        let pump = PlayedPump(serial)
        self.pump = pump
        line = PlayedText(clock) { pump.hear($0, at: $1) }
        let engine = TextEngine(
            device: plan, plan: serial, byteTime: 260_000, recorder: recorder, now: clock.now())
        loop = LineLoop(engine, line: line, clock: clock, recorder: recorder, orders: mailbox)
    }

    func command(_ name: String) -> Int { serial.commands.firstIndex { $0.name == name } ?? -1 }

    /// Goes on until something holds, or for so long. Unit: ns.
    @discardableResult func go(for time: Int64 = 60_000_000_000, until holds: () -> Bool = { false }) -> Bool {
        let end = clock.now() + time
        while clock.now() < end {
            if holds() { return true }
            if !loop.step() { break }
            while recorder.ring.pop() != nil {}
        }
        return holds()
    }

    func leave() {
        clock.stop.set()
        loop.run(until: clock.stop)
    }

    func hand(_ content: LineOrder.Content, within time: Int64 = 30_000_000_000) -> UInt64 {
        next += 1
        _ = mailbox.push(LineOrder(number: next, device: 0, content: content, deadline: clock.now() + time))
        return next
    }

    /// What became of an order.
    func outcome(for time: Int64 = 60_000_000_000) -> OrderOutcome? {
        var found: OrderOutcome?
        go(for: time) {
            found = found ?? recorder.outcomes.pop()
            return found != nil
        }
        return found
    }

    func look(_ command: String) -> OrderOutcome? {
        _ = hand(.look(Int32(self.command(command))))
        return outcome()
    }

    /// Decided as the desk decides: what the pump shows now, and the bytes.
    func order(_ command: String, _ arguments: [String: String] = [:], before: ToldTexts, stops: Int64? = nil)
        -> CommandOrder?
    {
        let index = self.command(command)
        guard let bytes = serial.effect(of: serial.commands[index], arguments: arguments.mapValues { Array($0.utf8) })
        else { return nil }
        return CommandOrder(
            command: index, stops: stops ?? recorder.stopsAsked(device: 0), effect: bytes, before: before)
    }
}
