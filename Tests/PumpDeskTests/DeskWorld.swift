import CommandFacts
import LineEngine
import OperatorDesk
import PumpDesk
import TestSupport

extension PlayedPumpLine: PumpLine {}

struct EverythingAllowed: CommandGate {
    var people = 2
    var rules = CommandRules()

    func judge(_ entered: EnteredCommand) -> GateVerdict { .allowed(people: people, rules: rules) }
}

/// A desk, the line it drives, the pump on it, and a journal that may fail; in virtual time.
final class DeskWorld {
    struct JournalFault: Error {}

    private(set) var line: DrivenLine
    private(set) var desk: PumpDesk
    let pump: PlayedPump
    private(set) var journal: [(number: Int64, event: DeskEvent)] = []
    var isJournalBroken = false
    /// So many writes fail, and the next does not.
    var failures = 0
    /// Effects that went out without their intent in the journal.
    private(set) var undurable = 0
    private var asks: [PumpDesk.Ask] = []
    private var nextTurn: Int64 = 0
    private var next: Int64 = 100
    private let rules: CommandRules
    private let gate: EverythingAllowed

    /// - Parameter gate: what the site allows; of how often, what the program does.
    init(
        _ rules: CommandRules = CommandRules(), gate: EverythingAllowed? = nil,
        commands: DrivenLine.Commands = .shipped
    ) throws {
        self.rules = rules
        self.gate = gate ?? EverythingAllowed(rules: rules)
        let line = try DrivenLine(seconds: 1 << 33, commands: commands)
        self.line = line
        pump = line.pump
        desk = Self.desk(CommandHistory(rules), line, self.gate)
        pump.onEffect = { [unowned self] bytes in
            let isIntended = journal.contains {
                if case .intended(_, let effect) = $0.event.event { effect.bytes == bytes } else { false }
            }
            if !isIntended, !String(decoding: bytes, as: UTF8.self).contains("INF_STOP") { undurable += 1 }
        }
    }

    private static func desk(_ history: CommandHistory, _ line: DrivenLine, _ gate: EverythingAllowed) -> PumpDesk {
        let pump = DrivenPump(
            line.plan, profileDigest: "0", device: 0, lineName: "played", line: PlayedPumpLine(line))
        return PumpDesk(history, pumps: [pump].compactMap { $0 }, gate: gate, now: line.clock.now())
    }

    /// The host is killed, and starts: what it had in memory is gone.
    func kill() throws {
        line = try DrivenLine(pump: pump, clock: line.clock)
        asks = []
        var history = CommandHistory(rules)
        for (number, event) in journal { history.take(event.event, number: number, at: event.time) }
        next += 1
        let began = DeskEvent(.sessionBegan, at: line.clock.now())
        journal.append((next, began))
        history.take(began.event, number: next, at: began.time)
        desk = Self.desk(history, line, gate)
        pump.hasControl = false
    }

    func step() {
        if !line.step() { return }
        let now = line.clock.now()
        guard now >= nextTurn else { return }
        nextTurn = now + 20_000_000
        let asked = asks
        asks = []
        desk.turn(asked, now: now, utc: now) { [unowned self] events in
            if isJournalBroken { throw JournalFault() }
            if failures > 0 {
                failures -= 1
                throw JournalFault()
            }
            for event in events {
                next += 1
                journal.append((next, event))
            }
            return next
        }
    }

    func go(for time: Int64, until holds: () -> Bool = { false }) {
        let end = line.clock.now() + time
        while line.clock.now() < end, !holds() { step() }
    }

    /// Asks, and waits for the answer.
    func ask(_ request: DeskRequest, for time: Int64 = 60_000_000_000) -> DeskAnswer? {
        var answer: DeskAnswer?
        asks.append(PumpDesk.Ask(request) { answer = $0 })
        go(for: time) { answer != nil }
        return answer
    }

    func put(_ request: DeskRequest, _ answer: @escaping (DeskAnswer) -> Void) {
        asks.append(PumpDesk.Ask(request, answer: answer))
    }

    func stop() -> DeskAnswer? {
        _ = line.recorder.askStop(device: 0)
        return ask(.stop(device: "pump", by: nil))
    }

    // MARK: People

    let first = Operator("layla")
    let second = Operator("omar")

    func rate(_ quantity: String) -> DeskEntry {
        DeskEntry(device: "pump", command: "rate", entries: ["new-rate": quantity])
    }

    /// Entered by two, ready to be started.
    func ready(_ entry: DeskEntry) -> Int64? {
        guard case .command(let view)? = ask(.draft(entry, by: first)),
            case .command(let verified)? = ask(.verify(view.number, entry, by: second)), verified.stage == .verified
        else { return nil }
        return view.number
    }

    func view(_ number: Int64) -> CommandView? {
        if case .command(let view)? = ask(.show(number)) { view } else { nil }
    }

    /// Starts it, and waits until it has ended or is a person's task.
    @discardableResult func start(_ number: Int64, for time: Int64 = 90_000_000_000) -> CommandView? {
        _ = ask(.start(number, by: second))
        go(for: time) { desk.ledger.open[number]?.state.isOpen != true }
        return view(number)
    }

    func kinds(of number: Int64) -> [String] {
        journal.compactMap { $0.event.event.command == number ? Self.word($0.event.event) : nil }
    }

    static func word(_ event: CommandEvent) -> String {
        String("\(event)".prefix { $0 != "(" })
    }
}
