import DeviceModel
package import DevicePlans
import Foundation
package import LineEngine
import ProfileLanguage
import RealTime
import Sampling
import StrictYAML

/// An Alaris GH in virtual time that obeys, lies and falls silent as it is told, and counts what had an effect.
package final class PlayedPump {
    /// What it does with the next words of a kind.
    package enum Mischief: CaseIterable {
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

    package let plan: SerialPlan
    package var rate = "5.0"
    package var mode = "STOP"
    package var serial = "8003-00107"
    package var hasControl = false
    /// By the first word: what is done with it, once.
    package var mischief: [String: Mischief] = [:]
    /// Words that had an effect, or would have had.
    package private(set) var effects: [(word: String, time: Int64)] = []
    /// Called with the bytes of each, before it answers.
    package var onEffect: ([UInt8]) -> Void = { _ in }
    /// When the rate was which, oldest first.
    package private(set) var rates: [(rate: String, since: Int64)] = [("5.0", 0)]
    package private(set) var modes: [(mode: String, since: Int64)] = [("STOP", 0)]

    package init(_ plan: SerialPlan) { self.plan = plan }

    package func set(mode: String, at time: Int64) {
        self.mode = mode
        modes.append((mode, time))
    }

    package func set(rate: String, at time: Int64) {
        self.rate = rate
        rates.append((rate, time))
    }

    package func hear(_ bytes: [UInt8], at time: Int64) -> [PlayedText.Sending] {
        guard let end = bytes.firstIndex(of: UInt8(ascii: "|")), bytes.first == UInt8(ascii: "!") else { return [] }
        let words = String(decoding: bytes[1..<end], as: UTF8.self).split(separator: "^").map(String.init)
        let name = words[0] + (words.count > 1 && words[0] == "INF_VTBI" ? "^SET" : "")
        let isEffect = ["INF_RATE", "INF_START", "INF_STOP", "INF_VTBI^SET"].contains(name)
        if isEffect {
            effects.append((name, time))
            onEffect(bytes)
        }
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
        case "INF_VTBI": return words.count == 1 ? "INF_VTBI^DEACT" : nil
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
package final class DrivenLine {
    package let clock: VirtualClock
    package let pump: PlayedPump
    package let line: PlayedText
    package let recorder = LineRecorder(devices: 1)
    package let plan: DevicePlan
    package let serial: SerialPlan
    private let mailbox = Ring<LineOrder>(minimumCapacity: 16, blank: .none)
    private let loop: LineLoop<TextEngine, PlayedText, VirtualClock>
    private var next: UInt64 = 0
    private static let profile = Result { try DeviceProfile.load(Repository.path("device-profiles/alaris/asena-gh")) }
    /// Samples with a value.
    package private(set) var values = 0

    /// The shipped pump's profile with a command that is right by the language and cannot be carried out: it sets
    /// another unit than the pump shows.
    package static func faultyText() throws -> String {
        try String(contentsOfFile: Repository.path("device-profiles/alaris/asena-gh/profile.yaml"), encoding: .utf8)
            .replacingOccurrences(of: "{new-rate: {unit: mL/h,", with: "{new-rate: {unit: mL/min,")
    }

    /// Where that command begins in it, behind its name: `line:column`, counted from 1.
    package static func faultyPlace() throws -> (line: Int, column: Int) {
        let lines = try faultyText().split(separator: "\n", omittingEmptySubsequences: false)
        let (name, body) = ("  rate:", "    ")
        guard let commands = lines.firstIndex(of: "commands:"),
            let place = lines[commands...].firstIndex(where: { $0 == name })
        else { fatalError("the shipped profile has no command “rate”") }
        return (place + 2, body.count + 1)
    }

    /// Of what the profile's commands are.
    package enum Commands {
        case shipped
        case faulty(hasStop: Bool)
    }

    /// The same without a command, which ends where another part of the profile begins.
    private static func without(_ command: String, _ text: String) -> String {
        var isLeftOut = false
        return text.split(separator: "\n", omittingEmptySubsequences: false).filter { line in
            if line == "  \(command):" { isLeftOut = true } else if !line.hasPrefix("   ") { isLeftOut = false }
            return !isLeftOut
        }.joined(separator: "\n")
    }

    /// - Parameters:
    ///   - pump: one that is there already, of a host that was killed.
    ///   - clock: that of the one before.
    package init(
        expecting serialNumber: String? = nil, seconds: Int64 = 600, pump former: PlayedPump? = nil,
        clock: VirtualClock? = nil, commands: Commands = .shipped
    ) throws {
        let profile: DeviceProfile
        switch commands {
        case .shipped: profile = try Self.profile.get()
        case .faulty(let hasStop):
            let text = try Self.faultyText()
            profile = try DeviceProfile.load(
                try YAMLFile(
                    path: Repository.path("device-profiles/alaris/asena-gh/profile.yaml"),
                    text: hasStop ? text : Self.without("stop", text)),
                commands: .areLeft)
        }
        plan = profile.compile(handle: "pump", expectedSerial: serialNumber, isDriven: true)
        guard case .serial(let serial) = plan.protocolPlan else { fatalError("it is a serial device") }
        self.serial = serial
        let clock = clock ?? VirtualClock(seconds: seconds)
        self.clock = clock
        let pump = former ?? PlayedPump(serial)
        self.pump = pump
        line = PlayedText(clock) { pump.hear($0, at: $1) }
        let engine = TextEngine(
            device: plan, plan: serial, byteTime: 260_000, recorder: recorder, now: clock.now())
        loop = LineLoop(engine, line: line, clock: clock, recorder: recorder, orders: mailbox)
    }

    package func command(_ name: String) -> Int { serial.commands.firstIndex { $0.name == name } ?? -1 }

    /// Goes on until something holds, or for so long. Unit: ns.
    @discardableResult package func go(for time: Int64 = 60_000_000_000, until holds: () -> Bool = { false }) -> Bool {
        let end = clock.now() + time
        while clock.now() < end {
            if holds() { return true }
            if !loop.step() { break }
            empty()
        }
        return holds()
    }

    package func leave() {
        clock.stop.set()
        loop.run(until: clock.stop)
    }

    package func hand(_ content: LineOrder.Content, within time: Int64 = 30_000_000_000) -> UInt64 {
        next += 1
        _ = mailbox.push(LineOrder(number: next, device: 0, content: content, deadline: clock.now() + time))
        return next
    }

    package func hand(in order: LineOrder) -> Bool { mailbox.push(order) }

    /// One step of the line's loop.
    package func step() -> Bool {
        defer { empty() }
        return loop.step()
    }

    private func empty() {
        while let record = recorder.ring.pop() {
            if record.kind == .sample, record.validity.carriesValue { values += 1 }
        }
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

    package func look(_ command: String) -> OrderOutcome? {
        _ = hand(.look(Int32(self.command(command))))
        return outcome()
    }

    /// Decided as the desk decides: what the pump shows now, and the bytes.
    package func order(_ command: String, _ arguments: [String: String] = [:], before: ToldTexts, stops: Int64? = nil)
        -> CommandOrder?
    {
        let index = self.command(command)
        guard let bytes = serial.effect(of: serial.commands[index], arguments: arguments.mapValues { Array($0.utf8) })
        else { return nil }
        return CommandOrder(
            command: index, stops: stops ?? recorder.stopsAsked(device: 0), effect: bytes, before: before)
    }
}

/// The line's thread, as the desk sees it.
package final class PlayedPumpLine: @unchecked Sendable {
    package let driven: DrivenLine

    package init(_ driven: DrivenLine) { self.driven = driven }

    package func hand(in order: LineOrder) -> Bool { driven.hand(in: order) }
    package func takeOutcome() -> OrderOutcome? { driven.recorder.outcomes.pop() }
    package func takeStopReport() -> StopReport? { driven.recorder.stopReports.pop() }
    package func askStop(device: Int) -> Int64 { driven.recorder.askStop(device: device) }
    package func stopsAsked(device: Int) -> Int64 { driven.recorder.stopsAsked(device: device) }
}
