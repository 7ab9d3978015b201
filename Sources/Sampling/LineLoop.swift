package import Fieldbus
import Glibc
package import LineEngine
package import RealTime

/// Does what a line's engine decides: reads, sleeps and writes. Everything here runs on the line's own thread.
package final class LineLoop<Engine: LineEngine, Line: ByteLine, Clock: MonotonicTime> {
    /// Reads of one step at most: 16 kB, more than any serial line brings in a tick.
    private static var readsAStep: Int { 16 }
    /// The longest sleep, so that the end and an order are heard soon; and where somebody may want a pump to stand.
    /// Unit: ns.
    private static var longestSleep: Int64 { 100_000_000 }
    private static var longestSleepOfDriven: Int64 { 20_000_000 }
    /// How long the opening of a line may take. Unit: ns.
    private static var longestOpening: Int64 { 2_000_000_000 }

    private var engine: Engine
    private let line: Line
    private let clock: Clock
    private let orders: Ring<LineOrder>
    private let beat: Beat
    private let longestSleep: Int64
    private var buffer = [UInt8](repeating: 0, count: 1024)
    private var budget = ReadBudget()
    private var isOpen = false

    package init(_ engine: Engine, line: Line, clock: Clock, recorder: LineRecorder, orders: Ring<LineOrder>) {
        longestSleep = engine.isDriven ? Self.longestSleepOfDriven : Self.longestSleep
        self.engine = engine
        self.line = line
        self.clock = clock
        self.orders = orders
        beat = recorder.beat
        recorder.begin(at: clock.now())
    }

    /// Runs until told to stop, and until the engine has ended what it began.
    package func run(until stop: StopFlag) {
        while !stop.isSet { _ = step() }
        engine.leave(at: clock.now())
        while step() {}
        while let order = orders.pop() { engine.take(order, at: clock.now()) }
        line.close()
    }

    /// Does what is next; `false` when there is nothing more.
    package func step() -> Bool {
        // The ring first: to be asked, an engine is copied, which costs more than the rest of a step.
        while !orders.isEmpty, engine.mayTakeOrder, let order = orders.pop() { engine.take(order, at: clock.now()) }
        let now = clock.now()
        beat.give(at: now)
        let action = engine.next(at: now)
        if action == .end { return false }
        do { try carryOut(action) } catch { lose(error) }
        return true
    }

    private func carryOut(_ action: LineAction) throws(FieldbusError) {
        let soon = clock.now() + longestSleep
        switch action {
        case .rest(let until):
            close()
            clock.sleep(until: min(until, soon))
        case .open:
            close()
            // A name may take the system long to find; a port is opened at once.
            if line.isConnection { beat.give(at: clock.now(), into: .system) }
            try line.open(deadline: clock.now() + Self.longestOpening)
            isOpen = true
            engine.opened(at: clock.now())
        case .listen(let until):
            let count = try line.read(into: &buffer, deadline: min(until, soon))
            if line.takeRenewal() { engine.renewed(at: clock.now()) }
            let now = clock.now()
            engine.heard(buffer, count: count, isAll: count < buffer.count, at: now)
            if let end = budget.spend(count, at: now) { clock.sleep(until: end) }
        case .gather(let until):
            clock.sleep(until: min(until, soon))
            try gather()
        case .say(let limit):
            try line.write(engine.outgoing, deadline: limit)
            engine.said(at: clock.now())
        case .end: break
        }
    }

    /// Reads what is there. Bounded: a device that floods its line costs its own values, not its thread.
    private func gather() throws(FieldbusError) {
        for _ in 0..<Self.readsAStep {
            let count = try line.read(into: &buffer, deadline: 0)
            if line.takeRenewal() { engine.renewed(at: clock.now()) }
            engine.heard(buffer, count: count, isAll: count < buffer.count, at: clock.now())
            if count < buffer.count { break }
        }
    }

    private func lose(_ error: FieldbusError) {
        close()
        engine.lost(LineLoss(errno: error.errnoValue, isEnded: line.isConnection && error.isEnd), at: clock.now())
    }

    private func close() {
        guard isOpen else { return }
        // An adapter that hangs may hold back the end for half a minute.
        beat.give(at: clock.now(), into: .system)
        line.close()
        isOpen = false
    }
}
